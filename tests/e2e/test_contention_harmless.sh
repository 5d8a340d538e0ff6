#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# Storms, and what may befall a process meanwhile: it does what it would have done, and the numbers are right.
# With CLRMON_LONG=1 on every row, each storm for a minute.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/contention.sh"
STORM_SECONDS=8 ROUNDS=200
rows=(3.1.2 10.0.14)
[[ -z ${CLRMON_LONG:-} ]] || { STORM_SECONDS=60; mapfile -t rows < <(rows_but 10.0.12-nativeaot); }

# The lock kept all others out, all the time.
expect_exclusion() { same_number "$(said counted)" "$(said acquired)" "what the lock was to guard"; }

counted_all() { # COMMAND, that sees to it that all waits are over: the probes' count is the runtime's own
    did count
    waited=$(($(said contentions) - contentions))
    eventually 10 "$@"
    same_number "$(since .waits)" "$waited" "the probes' count"
}

begin_count() {
    did count
    contentions=$(said contentions)
    begin
}

suspend() { # as a debugger does
    kill -s STOP "$LAB_PID"
    sleep 0.3
    kill -s CONT "$LAB_PID"
}

traced() { # on and off
    local round
    for round in 1 2; do
        trace "$LAB_PID" 0x4000:4 # the storm gives it something to write
        ended_cleanly "$TRACE_PID"
    done
}

storms() { # ROW
    daemon_start
    start_locks "$1"
    did "waits 16 0 2"
    begin_count
    tell "storm 16 $STORM_SECONDS"
    suspend
    traced
    did "spawn 20"
    same_number "$(said well)" 20 "children that ended well"
    suspend
    heard "storm 16 $STORM_SECONDS"
    expect_exclusion
    tell "gcstorm 16 $((STORM_SECONDS / 2))"
    did "interrupt 20 15"
    did "throws 13"
    heard "gcstorm 16 $((STORM_SECONDS / 2))"
    expect_exclusion
    counted_all at_rest
    ((waited > 1000)) || fail "a storm of $waited waits"
    nothing_lost || fail "lost: $(jq -c '.unpaired, .other' "$E2E_TMP/now")"
    daemon_end
}

gone() { ask contention --total -o json; ! json_holds ".processes | any(.pid == $1 and .waiters > 0)"; } # PID

# It ends while sixteen threads wait. What they had entered is counted as abandoned.
leaves() { # ROW
    local pid status=0
    daemon_start
    start_locks "$1"
    pid=$LAB_PID
    tell "storm 16 60"
    eventually 10 seen "$pid" '.waiters > 3'
    lab_say "$pid" "exit"
    lab_wait 20 "$pid" lab_gone "$pid" || fail "does not end"
    wait "$pid" || status=$?
    ((status == 0)) || fail "ended with $status"
    eventually 20 gone "$pid"
    eventually 20 at_rest
    start_locks "$1" # another one's count begins at nothing
    did "waits 101"
    same_number "$(since .waits)" 101 "the next one's count"
    daemon_end
}

toggle() { # on|off
    ask probes contention "$1"
    [[ $STATUS == 0 ]] || fail "probes contention $1"
}

# Waits that began before the probes came, or ended after they had gone, are counted as such.
comes_and_goes() { # ROW
    local round
    daemon_start
    start_locks "$1"
    tell "storm 16 $((ROUNDS / 4))"
    for ((round = 0; round < ROUNDS; round++)); do
        toggle off
        toggle on
    done
    ! lab_gone "$LAB_PID" || fail "it is gone"
    lab_say "$LAB_PID" stop
    heard "storm 16 $((ROUNDS / 4))"
    expect_exclusion
    eventually 10 seen "$LAB_PID" '.on and .waiters == 0'
    begin_count
    did "waits 1009 0 2"
    counted_all settled # exits are hit while they go, silent by then
    same_number "$waited" 1009 "waits"
    daemon_end
}

scenario_rows "storms" storms "${rows[@]}"
scenario_rows "an exit in the midst of waits" leaves 8.0.33
scenario_rows "probes that come and go $ROUNDS times" comes_and_goes 10.0.14
scenarios_end
