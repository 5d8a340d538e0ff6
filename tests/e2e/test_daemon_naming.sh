#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# Names out of files that belong to the target's user hold nobody up: the daemon answers while they are looked for, and
# counts without them.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"
row=10.0.14

watched() { # a daemon, and a workload whose locks it watches
    daemon_start
    lab_start "$row" locks
    MAP=/tmp/perf-$LAB_PID.map
    trap 'rm -f "$MAP"; scenario_over' EXIT
    eventually 30 total_is .on
    eventually 60 errand_is_gone # images are looked into
    BEFORE=$(field .waits)
}

total_is() { # JQ
    ask contention --total -o json -p "$LAB_PID"
    holds "$1"
}

waits() { # COUNT
    lab_say "$LAB_PID" "waits $1 20 1"
    eventually 60 grep -q "^done waits $1 " "$LAB_OUT"
}

# The daemon's child that looks for names, caught at work. It may take less than a pause of "eventually".
stop_errand() {
    local deadline=$((SECONDS + 31))
    until ERRAND=$(pgrep -o -P "$DAEMON_PID") && kill -STOP "$ERRAND" 2>/dev/null; do
        ((SECONDS < deadline)) || fail "no errand"
    done
}

errand_is_gone() { ! pgrep -P "$DAEMON_PID" >/dev/null; }

# Ten million lines, each of which is to be compared with each place that has no name.
slow_map() {
    watched
    yes '1 1 a' 2>/dev/null | head -c 67108864 >"$MAP" || true
    waits 17
    "$CLRMON" --socket "$DAEMON_SOCKET" contention --total -o json -p "$LAB_PID" >/dev/null &
    stop_errand
    ask status -j
    expect_status 0
    ask check --daemon -j -p "$LAB_PID"
    expect ".pid == $LAB_PID"
    ask contention --total -o json -p "$LAB_PID"
    expect_status 0
    expect ".on and .waits == $((BEFORE + 17)) and (.stacks[0].frames | length) > 3"
    metric_is "$LAB_PID" clrmon_monitor_lock_contentions_total $((BEFORE + 17)) || fail "another count"
    [[ $(ps -o stat= -p "$ERRAND") == T* ]] || fail "the errand was not stopped all the time"
    eventually 60 errand_is_gone # its time is over
    daemon_end
}

# Nobody writes to it, ever.
fifo_map() {
    watched
    mkfifo "$MAP"
    waits 13
    total_is ".waits == $((BEFORE + 13)) and any(.stacks[].frames[]; test(\"Monitor.Enter\"))" || fail "$OUTPUT"
    daemon_end
}

scenario "a perf map that takes long to read" slow_map
scenario "a perf map that is a pipe" fifo_map
scenarios_end
