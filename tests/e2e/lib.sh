# shellcheck shell=bash
# To be sourced by the end-to-end tests: clrmon as a user runs it, on the lab's real runtimes.
# A test is some scenarios, each in a shell of its own; "scenarios_end" ends it.
# shellcheck disable=SC2030,SC2031,SC2034

set -euo pipefail
e2e_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck disable=SC1091
. "$e2e_here/../lab/lab.sh"
CLRMON=${CLRMON:-$e2e_here/../../build/dev/clrmon}
runtime_provider=Microsoft-Windows-DotNETRuntime
declare -A status_of=([off]=0 [informational]=0 [verbose]=1 [leaked]=2 [unknown]=3)
e2e_count=0 e2e_failed=()
SCENARIO='' E2E_TMP='' OUTPUT='' ERRORS='' STATUS=''

# fail WORDS...: ends the scenario, with what clrmon said last.
fail() {
    {
        echo "FAILED $SCENARIO: $*"
        echo "--- the last clrmon: status $STATUS, standard error, standard output"
        printf '%s\n' "$ERRORS" "$OUTPUT" | head -c 6000
    } >&2
    exit 1
}

scenario_over() {
    lab_stop_all
    rm -rf "$E2E_TMP"
}

# scenario NAME FUNCTION [ARG...]: the test goes on when it fails.
scenario() {
    local status=0
    SCENARIO=$1
    e2e_count=$((e2e_count + 1))
    set +e
    (
        set -e
        E2E_TMP=$(mktemp -d "${TMPDIR:-/tmp}/clrmon-e2e.XXXXXX")
        trap scenario_over EXIT
        "${@:2}"
    )
    status=$?
    set -e
    ((status == 0)) || e2e_failed+=("$1")
    echo "$([[ $status == 0 ]] && echo ok || echo FAILED) $1"
}

# scenario_rows NAME FUNCTION ROW...: FUNCTION ROW on each. A row that is not there fails if required.
scenario_rows() {
    local row
    for row in "${@:3}"; do
        if [[ -e $(lab_image "$row") || $(lab_field "$row" required) == yes ]]; then
            scenario "$1, $row" "$2" "$row"
        else
            echo "skipped $1, $row: not in the lab"
        fi
    done
}

scenarios_end() {
    ((e2e_count > 0)) || { echo "no scenario was run" >&2; exit 1; }
    ((${#e2e_failed[@]} == 0)) || { printf 'FAILED %s\n' "${e2e_failed[@]}" >&2; exit 1; }
}

# clrmon ARG...: sets OUTPUT, ERRORS, STATUS. Any status of the contract is fine here; a signal, a
# hang or a sanitizer's report, also one of the confined child, is not. CLRMON_AS: command to run it.
clrmon() {
    local command=(timeout 60 "${CLRMON_AS[@]}" "$CLRMON" "$@")
    # Each scenario begins with nothing remembered.
    [[ ${1:-} != @(check|ps|symbols) ]] || command+=(--cache-dir "$E2E_TMP/cache")
    STATUS=0
    "${command[@]}" >"$E2E_TMP/output" 2>"$E2E_TMP/errors" || STATUS=$?
    OUTPUT=$(tr -d '\0' <"$E2E_TMP/output") ERRORS=$(tr -d '\0' <"$E2E_TMP/errors")
    ((STATUS <= 4)) || fail "clrmon $* ended with $STATUS"
    [[ ! $ERRORS =~ Sanitizer|"runtime error:" ]] || fail "clrmon $*: a sanitizer's report"
    [[ ! $ERRORS$OUTPUT =~ "parser crashed" ]] || fail "clrmon $*: its confined child crashed"
}
CLRMON_AS=()

expect_status() { [[ $STATUS == "$1" ]] || fail "exit status $STATUS, not $1"; }
expect_output() { grep -qE -- "$1" <<<"$OUTPUT" || fail "no /$1/ on standard output"; }

expect_one_error_line() {
    [[ -n $ERRORS && $(wc -l <<<"$ERRORS") == 1 ]] || fail "not one line on standard error"
}

check_json() { clrmon check -o json -p "$@"; } # PID [ARG...]

field() { jq -r ".processes[0]$1" <<<"$OUTPUT"; } # JQ, of the process that was checked

json_holds() { [[ -n $OUTPUT ]] && jq -e "$1" >/dev/null 2>&1 <<<"$OUTPUT"; } # JQ

expect_json() { json_holds "$1" || fail "${*:2}"; } # JQ WORDS...: what to say otherwise

holds() { json_holds ".processes[0] | $1"; } # JQ, of the process that was checked

expect() { holds "$1" || fail "not so: $1"; } # JQ

verdict_is() { [[ $(field .verdict) == "$1" ]]; }

# expect_verdict VERDICT [STATUS]: of the last check_json, and the exit status that goes with it.
expect_verdict() {
    verdict_is "$1" || fail "verdict $(field .verdict), not $1"
    expect_status "${2:-${status_of[$1]}}"
}

# is PID JQ [ARG...]: a new check, for "eventually".
is() {
    check_json "$1" "${@:3}"
    holds "$2"
}

# eventually SECONDS COMMAND...: until the command holds.
eventually() {
    local deadline=$((SECONDS + $1 + 1))
    until "${@:2}"; do
        ((SECONDS < deadline)) || fail "not within $1 s: ${*:2}"
        sleep 0.1
    done
}

expect_eventually() { eventually "$1" is "$2" ".verdict == \"$3\""; expect_verdict "$3"; } # SECONDS PID VERDICT

# has_bits HEX BITS: all of them
has_bits() { [[ $1 == 0x* ]] && ((($1 & $2) == $2)); }

# Its name is "dotnet" where, as in the lab, no host of its own starts it; the command says more.
expect_client() { # PID: of a dotnet-trace
    expect ".clients | any(.pid == $1 and (.command // .name | test(\"dotnet-trace\")))"
}

# trace PID KEYWORDS:LEVEL [ARG...]: a real dotnet-trace asks for these of the runtime; see lab_trace.
trace() { lab_trace "$1" "$runtime_provider:$2" forever "${@:3}"; }

ended_cleanly() { lab_trace_stop "$1" || fail "dotnet-trace $1 did not complete: $(tail -3 "$(lab_out "$1")")"; }

rows_but() { # ROW...: the live rows except these
    lab_rows live | grep -vxF "$(printf '%s\n' "$@")"
}
