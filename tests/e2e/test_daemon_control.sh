#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# Who may ask, and who cannot disturb others: strangers, crowds, garbage, followers that do not read.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"

as_nobody() { # VERB...: another user, of no group
    CLRMON_AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    ask "$@"
    CLRMON_AS=()
}

stranger() {
    cp "$CLRMON" "$E2E_TMP/clrmon"
    chmod 755 "$E2E_TMP"
    daemon_start
    CLRMON=$E2E_TMP/clrmon
    [[ $(stat -c %a "$DAEMON_SOCKET") == 6[06]0 ]] || fail "mode $(stat -c %a "$DAEMON_SOCKET")"
    as_nobody status -j
    ((STATUS >= 3)) || fail "status $STATUS"
    expect_one_error_line
    [[ -z $OUTPUT ]] || fail "an answer"
    chmod 666 "$DAEMON_SOCKET" # it asks who it is, too
    as_nobody status -j
    ((STATUS >= 3)) || fail "status $STATUS"
    expect_one_error_line
    grep -q 'only root and the group' <<<"$ERRORS" || fail "another reason: $ERRORS"
    [[ -z $OUTPUT ]] || fail "an answer"
    ask status -j
    expect_status 0
    daemon_end
}

crowd() { # PACKET COUNT: so many clients send it and stay; sets CROWD
    local workload=$LAB_PID
    printf %s "$1" >"$E2E_TMP/packet"
    lab_spawn "$CLRMON_FIXTURE/clients" "$DAEMON_SOCKET" "$2" "$E2E_TMP/packet"
    CROWD=$LAB_PID LAB_PID=$workload
    lab_wait 30 "$CROWD" grep -q "^ready $2$" "$(lab_out "$CROWD")" || fail "$(<"$(lab_out "$CROWD")")"
}

hundred() { # more than it takes: those who are too many are told, the others stay
    daemon_start
    crowd '{"version": 1, "verb": "events", "follow": true}' 100
    ask status -j
    [[ $STATUS == 0 ]] || grep -q 'as many clients' <<<"$ERRORS" || fail "neither an answer nor the reason"
    has_metric '^clrmon_control_clients 64$' || fail "not 64 clients: $(grep control_clients "$E2E_TMP/metrics")"
    fixture_start
    eventually 30 has_metric "^clrmon_gc_event_level\{pid=\"$LAB_PID\""
    lab_stop "$CROWD"
    eventually 30 status_holds '.clients.connected == 1'
    daemon_end
}

garbage() {
    local packet
    daemon_start
    for packet in '' '{' 'null' '[]' '{}' '{"version": 2, "verb": "status"}' '{"version": 1, "verb": "stop"}' \
        '{"version": 1, "verb": "check", "pid": -1}' '{"version": 1, "verb": "check", "pid": "x"}' \
        '{"version": 1, "verb": "status", "colour": 1}' "$(printf '[%.0s' {1..4000})" "$(head -c 8000 /dev/zero | tr '\0' a)" \
        "$(head -c 300 "$CLRMOND" | tr -d '\0')"; do
        crowd "$packet" 3
        ask status -j
        expect_status 0
        lab_stop "$CROWD"
    done
    eventually 30 status_holds '.clients.connected == 1'
    daemon_end
}

# One that follows and never reads; one that does gets all, and the daemon knows what was dropped.
slow() {
    local round
    daemon_start
    fixture_start
    eventually 30 fixture_is_watched
    crowd '{"version": 1, "verb": "events", "follow": true}' 2
    follow -p "$LAB_PID"
    for round in {1..20}; do
        lab_say "$LAB_PID" "100 5 $((0x1000000 + round))"
        streamed ".kind == \"gc.events\" and .new.keywords == \"$(printf '0x%x' $((0x1000000 + round)))\""
    done
    eventually 30 status_holds '.clients.dropped > 0'
    daemon_end
}

# Whose sessions can't be read, of that what the daemon has seen is told instead.
unreadable() {
    daemon_start
    fixture_start
    eventually 30 fixture_is_watched
    lab_say "$LAB_PID" "100 5 0x1000001"
    fixture_did 100
    eventually 30 recorded
    clrmon --socket "$DAEMON_SOCKET" sessions -p "$LAB_PID"
    expect_status 3
    expect_output "its sessions can't be read"
    expect_output '5 .*0x1000001|Verbose\(5\) 0x1000001'
    daemon_end
    clrmon --socket "$DAEMON_SOCKET" sessions -p "$LAB_PID"
    expect_status 3
    expect_output "clrmond can't be asked"
}

recorded() {
    ask sessions -o json -p "$LAB_PID"
    json_holds '.processes[0] | .sessions == null and (.not_read.events | any(.kind == "gc.events" and .new.keywords == "0x1000001"))'
}

scenario "a user outside the group" stranger
scenario "100 clients" hundred
scenario "garbage" garbage
scenario "a follower that does not read" slow
scenario "sessions that cannot be read" unreadable
scenarios_end
