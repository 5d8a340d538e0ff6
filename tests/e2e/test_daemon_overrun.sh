#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# More changes than anybody can take: what is lost is counted and said, and the end is right.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"

expect_end() { # LEVEL KEYWORDS, of both providers
    eventually 60 daemon_is "$LAB_PID" ".gc.public.level == $1 and .gc.public.keywords == \"$2\" and .gc.private.level == $1 and .gc.private.keywords == \"$2\""
    eventually 60 metric_is "$LAB_PID" clrmon_gc_event_level "$1" ',provider="public"'
    eventually 60 metric_is "$LAB_PID" clrmon_gc_event_level "$1" ',provider="private"'
    is "$LAB_PID" ".gc.public.level == $1 and .gc.public.keywords == \"$2\"" || fail "the direct read differs"
}

begin() {
    daemon_start 'recheck_interval = 1h'
    fixture_start
    eventually 30 fixture_is_watched
    follow -p "$LAB_PID"
}

# The loop goes on, so somebody who asks gets an answer before the burst is over.
burst() {
    local asked=0
    begin
    lab_say "$LAB_PID" '1000000 5 0x1f'
    until grep -q '^done 1000000 ' "$LAB_OUT"; do
        ask status -j
        expect_status 0
        asked=$((asked + 1))
    done
    ((asked > 1)) || fail "no status during the burst"
    expect_end 5 0x1f
    status_holds '.hits.gc_control >= 1000000' || fail "not every change was seen by a probe"
    eventually 10 status_holds "$accounts"
    lab_say "$LAB_PID" '3 4 0x3'
    expect_end 4 0x3
    streamed '.kind == "gc.events" and .provider == "public" and .new == {level: 4, keywords: "0x3"}'
    daemon_end
}

overrun() { # nobody takes the records: those that do not fit into the ring are lost for certain
    begin
    kill -s STOP "$DAEMON_PID"
    lab_say "$LAB_PID" '200000 5 0x2a'
    fixture_did 200000
    kill -s CONT "$DAEMON_PID"
    expect_end 5 0x2a
    status_holds '.records.lost.ring_full > 100000' || fail "losses are not counted"
    eventually 10 status_holds "$accounts"
    history_has '.kind == "loss" and .lost > 100000' || fail "no loss event"
    has_metric '^clrmon_probe_losses_total\{cause="ring_full"\} [1-9]' || fail "no losses in the metrics"
    grep -q 'were lost' "$DAEMON_LOG" || daemon_fail "no word of it in the log"
    lab_say "$LAB_PID" '2 0 0x0'
    fixture_did 2
    expect_end 0 0x0
    daemon_end
}

scenario "1,000,000 changes as fast as they come" burst
scenario "a ring that is full" overrun
scenarios_end
