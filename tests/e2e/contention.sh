# shellcheck shell=bash
# To be sourced by the end-to-end tests of lock contention: a workload that waits as often as it is told to (see
# ../lab/workload/Locks.cs), what the daemon counted of it, and what a real trace did.
# shellcheck disable=SC2034,SC2153,SC2154

# shellcheck disable=SC1091
. "$(dirname "${BASH_SOURCE[0]}")/daemon.sh"
declare -A TRACED=()

# seen PID JQ: of a new "clrmon contention", since attach. Leaves it in OUTPUT.
seen() {
    ask contention --total --top 256 -o json -p "$1"
    holds "$2"
}

# settled: nobody of the process waits. Not said of what others do meanwhile, as at_rest is.
settled() { eventually 10 seen "$LAB_PID" '.waiters == 0'; }

# start_locks ROW [MODE]: a workload whose locks are watched, with what was counted of it up to now in "begin".
start_locks() {
    lab_start "$1" "${2:-locks}"
    eventually 30 seen "$LAB_PID" .on
    begin
}

begin() { remember "$LAB_PID" "$E2E_TMP/begin"; }

remember() { # PID FILE
    seen "$1" .on || fail "not on: $(field .why)"
    jq '.processes[0]' <<<"$OUTPUT" >"$2"
}

# since JQ: a number, now less what it was when it began.
since() {
    remember "$LAB_PID" "$E2E_TMP/now"
    jq -n "[inputs | $1] | .[1] - .[0]" "$E2E_TMP/begin" "$E2E_TMP/now"
}

# said NAME: in the answer that was heard last.
said() { grep "^done $HEARD " "$LAB_OUT" | tail -1 | grep -oE " $1 [0-9]+" | tail -1 | cut -d' ' -f3; }

answered() { (($(grep -c "^done $1 " "$LAB_OUT" || true) > $2)); } # LINE BEFORE

# tell LINE: and not wait for its answer, for which there is "heard LINE".
declare -A told=()
HEARD=''
tell() {
    told[$1]=$(grep -c "^done $1 " "$LAB_OUT" || true)
    lab_say "$LAB_PID" "$1"
}

heard() { # LINE [SECONDS]
    lab_wait "${2:-120}" "$LAB_PID" answered "$1" "${told[$1]}" || fail "no answer to \"$1\": $(tail -3 "$LAB_OUT")"
    HEARD=$1
}

did() { # LINE
    tell "$1"
    heard "$1"
}

same_number() { [[ $1 == "$2" ]] || fail "$3: $1, not $2"; } # IS SHOULD WORDS

within_percent() { # PERCENT IS SHOULD WORDS
    jq -ne "($2 - $3 | fabs) <= $3 * $1 / 100" >/dev/null || fail "$4: $2, not within $1% of $3"
}

# credible NANOSECONDS WAITS HOLD-MS WORDS: what the last answer's waits have taken is what their locks were held for at least, and
# at most what the program has measured around them, in which there may be more than the wait.
credible() {
    jq -ne "$1 >= $2 * $3 * 900000 and $1 <= $(said ns) * 1.02" >/dev/null ||
        fail "$4: $1 ns for $2 waits of $3 ms at least, which took the program $(said ns)"
}

# The pairs of the last answer: "OWNER WAITER WAITS NANOSECONDS" each.
pairs() { grep '^pair ' "$LAB_OUT" | tail -"$1" | cut -d' ' -f2-; } # COUNT

# A trace of contention alone, which has nothing to write before somebody waits: that it is on, its target says.
trace_locks() { # PID
    lab_trace_begin "$1" "$runtime_provider:0x4000:4"
    eventually 30 is "$1" '.gc.public.keywords == "0x4000" and .gc.public.level == 4'
}

# end_trace: and what it says in TRACED: of starts, stops, ns, lost, and of each thread's waits, by its id.
end_trace() {
    local line words
    ended_cleanly "$TRACE_PID"
    "$CLRMON_FIXTURE/traced" "$TRACE_FILE" >"$E2E_TMP/traced" || fail "the trace is no good"
    TRACED=()
    while read -r line; do
        read -ra words <<<"$line"
        case $line in
        thread*) TRACED[${words[1]}]=${words[2]} ;;
        *) TRACED+=([starts]=${words[1]} [stops]=${words[3]} [ns]=${words[5]} [lost]=${words[7]}) ;;
        esac
    done <"$E2E_TMP/traced"
}

# at_rest: every wait that was entered has been left.
at_rest() { status_holds '.hits.lock_enter == .hits.lock_exit + .records.lost.abandoned - .records.lost.unpaired'; }

# nothing_lost: of this process, as the file "now" has it.
nothing_lost() {
    jq -e '.unpaired == 0 and (.other | all(.waits == 0)) and all(.stacks[]; .frames | length > 0)' "$E2E_TMP/now" >/dev/null
}
