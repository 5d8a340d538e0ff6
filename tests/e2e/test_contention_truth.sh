#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# Locks waited for, as counted by the probes, by a real trace of the same interval, by the runtime and by the program itself.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/contention.sh"
WAITS=1009 # a prime: no sum of anything else

waits_of() { # LIST TID: of the file "now", as it was not there when it began
    jq "[.$1[] | select((.tid // .owner_tid) == $2) | .waits] | add // 0" "$E2E_TMP/now"
}

# Each pair's threads are new: their whole count is of this interval.
expect_threads() {
    local owner waiter waits
    while read -r owner waiter waits _; do
        same_number "$(waits_of owners "$owner")" "$waits" "waits on thread $owner"
        same_number "$(waits_of locks "$owner")" "$waits" "waits for the lock of thread $owner"
        same_number "$(waits_of threads "$waiter")" "$waits" "waits of thread $waiter"
        same_number "${TRACED[$waiter]}" "$waits" "waits of thread $waiter in the trace"
    done
}

expect_consistent() { # of the file "now": each list adds up to the whole
    local list
    for list in locks stacks owners threads; do
        jq -e --arg list "$list" '([.[$list][].waits] | add) + .other[$list].waits == .waits' "$E2E_TMP/now" >/dev/null ||
            fail "$list: not all waits"
        jq -e --arg list "$list" '([.[$list][].wait_ns] | add) + .other[$list].wait_ns == .wait_ns' "$E2E_TMP/now" >/dev/null ||
            fail "$list: not all of the time"
    done
    jq -e '([.histogram[].count] | add) == .waits' "$E2E_TMP/now" >/dev/null || fail "the histogram has not all waits"
    jq -e '.waiters == 0 and .longest_wait_ns == 0' "$E2E_TMP/now" >/dev/null || fail "somebody waits"
}

# Who waited in what code, by the runtime's own data, which it has since 9.0.
expect_named() { # ROW
    [[ $1 != @(9|10).* ]] || jq -e --argjson waits "$WAITS" '[.stacks[] | select(.frames | any(test("MonitorGate\\.Enter"))) | .waits]
        | add >= $waits' "$E2E_TMP/now" >/dev/null ||
        fail "the stacks have not the names of the workload: $(jq -c .stacks "$E2E_TMP/now")"
}

agree() { # ROW
    daemon_start
    start_locks "$1"
    did "waits 16 0 2" # by now it is known where a thread has its id
    begin
    trace_locks "$LAB_PID"
    did "waits $WAITS 10 4"
    eventually 10 at_rest
    same_number "$(said contentions)" $WAITS "the runtime's own count"
    same_number "$(since .waits)" $WAITS "the probes' count"
    expect_consistent
    end_trace
    same_number "${TRACED[starts]} ${TRACED[stops]} ${TRACED[lost]}" "$WAITS $WAITS 0" "the trace's starts, stops, losses"
    within_percent 2 "$(since .wait_ns)" "${TRACED[ns]}" "nanoseconds, by the trace"
    credible "$(since .wait_ns)" $WAITS 10 "nanoseconds, by the program"
    expect_threads < <(pairs 4)
    expect_named "$1"
    expect_broken_off
    expect_storm
    nothing_lost || fail "lost: $(jq -c '.unpaired, .other' "$E2E_TMP/now")"
    daemon_end
}

# As often as two threads can: owners and stacks are samples then, but of every wait, and nothing else is.
expect_storm() {
    begin
    did "handoff 2"
    eventually 10 at_rest
    same_number "$(since .waits)" "$(said contentions)" "the probes' count of a storm"
    expect_consistent
}

# Waits that end otherwise: by an exception, which leaves by another way, by the time that they were given, or into one.
expect_broken_off() {
    begin
    did "interrupt 20 15"
    same_number "$(said interrupted) $(said timeouts) $(said contentions)" "20 15 35" "interrupted, timeouts, contentions"
    did "throws 13"
    same_number "$(said thrown) $(said contentions)" "26 13" "thrown, contentions"
    eventually 10 at_rest
    same_number "$(since .waits)" 48 "the probes' count of waits that are broken off"
}

mapfile -t rows < <(rows_but 10.0.12-nativeaot)
scenario_rows "probes, trace, runtime and program agree" agree "${rows[@]}"
scenarios_end
