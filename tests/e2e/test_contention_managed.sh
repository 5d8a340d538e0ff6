#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# Waits for System.Threading.Lock, by the waits for handles that they end in: as many as there were, and no others.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/contention.sh"
WAITS=211 TOGGLES=10
managed='[.stacks[] | select(.managed) | .waits] | add // 0'

toggle() { # on|off
    ask probes managed_locks "$1"
    expect_status 0
}

watched() { # ROW [LINE...]: with the waits that its threads need to be known
    daemon_start "${@:2}"
    start_locks "$1" managed
    did "waits 16 0 2"
    settled
    begin
}

# The workload's waits are made one by one: each is one wait for a handle.
expect_each_once() { # WAITS
    did "waits $1 2 2"
    settled
    same_number "$(since "$managed")" "$1" "the probes' count"
    same_number "$(since .waits)" "$(said contentions)" "waits, also for other locks"
}

# A trace that has begun: the locks' code learns of it later than the runtime does. WARMED: the threads whose waits may not be in it.
WARMED=()
trace_managed() {
    local waiter
    WARMED=()
    trace_locks "$LAB_PID"
    until [[ -s $TRACE_FILE ]]; do
        did "waits 8"
        read -r _ waiter _ < <(pairs 1)
        WARMED+=("$waiter")
        ((${#WARMED[@]} < 200)) || fail "the trace does not begin"
    done
    settled
    begin
}

traced_starts() { # of the other threads
    local starts=${TRACED[starts]} waiter
    for waiter in "${WARMED[@]}"; do starts=$((starts - ${TRACED[$waiter]:-0})); done
    echo "$starts"
}

# In a storm a thread that is woken may find the lock taken again, and waits anew: one contention is some waits for its handle. Between
# them, before the first and after the last it spins or runs, which the runtime counts in: the probes have seen 96 to 99 % of its time.
expect_storm() {
    local waits ns
    trace_managed
    did "storm 8 1"
    settled
    waits=$(since "$managed") ns=$(since .wait_ns)
    end_trace
    echo "storm: $waits waits of $(said contentions) contentions, $((ns * 1000 / TRACED[ns])) per mille of their time"
    same_number "$(traced_starts) ${TRACED[lost]}" "$(said contentions) 0" "the trace's starts and losses"
    ((waits >= $(said contentions))) || fail "$waits waits, $(said contentions) contentions"
    ((waits <= 2 * $(said contentions))) || fail "$waits waits, only $(said contentions) contentions"
    within_percent 25 "$ns" "${TRACED[ns]}" "nanoseconds, by the trace"
    ((ns <= TRACED[ns])) || fail "more than the trace has: $ns ns, ${TRACED[ns]} ns"
}

expect_shown() {
    ask contention --total -p "$LAB_PID" --by lock -o wide
    expect_output "^$LAB_PID .* - +System\.Threading\.Lock +unknown$"
    ask contention --total -p "$LAB_PID" --by stack -o wide
    expect_output '^ +System\.Threading\.Lock\.TryEnterSlow$'
    expect_output '^ +LockGate\.Enter$'
    expect_output '^ +Pair\.AsWaiter$'
}

counted() { # ROW
    local waiter waits
    watched "$1" 'managed_locks = yes'
    trace_managed
    expect_each_once $WAITS
    end_trace
    while read -r _ waiter waits _; do
        same_number "${TRACED[$waiter]}" "$waits" "waits of thread $waiter in the trace"
    done < <(pairs 2)
    same_number "${TRACED[lost]}" 0 "the trace's losses"
    credible "$(since .wait_ns)" $WAITS 2 "nanoseconds, by the program"
    jq -e '[.locks[] | select(.managed)] | length == 1 and .[0].address == null and .[0].owner_tid == null' "$E2E_TMP/now" >/dev/null ||
        fail "not one line without an address: $(jq -c .locks "$E2E_TMP/now")"
    jq -e "([.locks[] | select(.managed) | .waits] | add) == ($managed)" "$E2E_TMP/now" >/dev/null || fail "by stack others than by lock"
    expect_shown
    expect_others_left_out
    expect_storm
    daemon_end
}

# Events of its own, Monitor.Wait, and the thread pool's threads, which wait for work.
expect_others_left_out() {
    local before
    begin
    before=$(status_is .hits.wait_enter)
    did "handles 50"
    same_number "$(said signals)" 50 "signals"
    (($(status_is .hits.wait_enter) >= before + 150)) || fail "the waits have not been seen"
    same_number "$(since "$managed")" 0 "waits for locks"
}

# What can't be seen is said; what is switched in the midst of waits does no harm.
switched() { # ROW
    local round
    watched "$1"
    jq -e '.why | test("System.Threading.Lock is not seen: .*clrmon probes managed_locks on")' "$E2E_TMP/begin" >/dev/null ||
        fail "it does not say why: $(jq -c .why "$E2E_TMP/begin")"
    did "waits 17 1"
    settled
    same_number "$(since "$managed")" 0 "waits without probes"
    tell "storm 8 30"
    for ((round = 0; round < TOGGLES; round++)); do
        toggle on
        toggle off
    done
    toggle on
    eventually 10 seen "$LAB_PID" '.waits > 100'
    lab_say "$LAB_PID" stop
    heard "storm 8 30"
    same_number "$(said counted)" "$(said acquired)" "what the lock was to guard"
    settled
    begin
    expect_each_once $WAITS
    jq -e '.why == null' "$E2E_TMP/now" >/dev/null || fail "it says $(jq -c .why "$E2E_TMP/now")"
    toggle off
    did "waits 19 1"
    same_number "$(since "$managed")" $WAITS "waits after they were switched off"
    daemon_end
}

scenario_rows "as many waits for managed locks" counted 9.0.22 10.0.14
scenario_rows "switched in the midst of waits" switched 10.0.14
scenarios_end
