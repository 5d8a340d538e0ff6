#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# "clrmon contention --eventpipe": the numbers are the workload's, and when it is over the runtime's level is what those want who stay.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/contention.sh"
SESSION_PID='' SESSION_OUT=''

sessions_are() { is "$1" ".sessions | length == $2" --level informational; } # PID COUNT

# session_begin SESSIONS ARG...: its session is one of so many when this returns. Both outputs go to SESSION_OUT.
session_begin() {
    local workload=$LAB_PID out=$LAB_OUT
    lab_spawn "$CLRMON" contention --eventpipe -p "$LAB_PID" "${@:2}"
    SESSION_PID=$LAB_PID SESSION_OUT=$LAB_OUT LAB_PID=$workload LAB_OUT=$out
    eventually 30 sessions_are "$LAB_PID" "$1"
}

# session_end STATUS: sets OUTPUT to what it has printed, ERRORS to what it has said.
session_end() {
    STATUS=0
    lab_wait 60 "$SESSION_PID" lab_gone "$SESSION_PID" || fail "it does not end"
    wait "$SESSION_PID" || STATUS=$?
    ERRORS=$(grep '^clrmon contention: ' "$SESSION_OUT" || true) OUTPUT=$(grep -v '^clrmon contention: ' "$SESSION_OUT" || true)
    [[ ! $OUTPUT =~ Sanitizer|"runtime error:" ]] || fail "a sanitizer's report"
    expect_status "$1"
}

said_so() { [[ $ERRORS =~ $1 ]] || fail "it has not said $1"; }

# wants KEYWORDS: what is on in the runtime is what those sessions want that there are.
wants() {
    eventually 10 is "$LAB_PID" '.verdict != "leaked"' --level informational
    if [[ $1 == 0x0 ]]; then
        expect_verdict off
        expect '[.providers[] | select(.enabled)] == []'
    else
        expect_verdict verbose
        expect ".gc.public.keywords == \"$1\" and .providers[0].sink == \"EventPipe\" and .providers[0].keywords == \"$1\""
    fi
}

numbers() { # ROW MODE
    local owner waiter waits
    lab_start "$1" "$2"
    did "waits 16 0 2"
    session_begin 1 --duration 3s -o json
    did "waits 101 3 2"
    session_end 0
    expect '.source == "eventpipe" and .on and .waiters == 0 and .unpaired == 0'
    same_number "$(field .waits)" "$(said contentions)" "waits"
    credible "$(field .wait_ns)" 101 3 "nanoseconds"
    same_number "$(field '.histogram | map(.count) | add')" "$(field .waits)" "waits in the histogram"
    while read -r owner waiter waits _; do
        same_number "$(field ".threads | map(select(.tid == $waiter) | .waits) | add")" "$waits" "waits of thread $waiter"
        [[ $1 == 3.1.2 ]] || same_number "$(field ".owners | map(select(.tid == $owner) | .waits) | add")" "$waits" "waits on thread $owner"
    done < <(pairs 2)
    [[ $2 != managed ]] || expect '.locks | length == 2 and all(.managed and .type == "System.Threading.Lock")'
    said_so 'ContentionKeyword \(0x4000\) at Informational\(4\) meanwhile'
    said_so 'the session has ended; '
    wants 0x0
}

monitor() { numbers "$1" locks; }

managed() { numbers "$1" managed; }

# Who stays keeps what it has asked for; what we had asked for is taken back, which takes a session that asks for nothing.
beside_another() { # ROW
    lab_start "$1" locks
    lab_trace_begin "$LAB_PID" "$runtime_provider:0x1:4"
    eventually 30 sessions_are "$LAB_PID" 1
    session_begin 2 --duration 1h -o json
    did "waits 11 3"
    kill -s INT "$SESSION_PID"
    session_end 0
    same_number "$(field .waits)" 11 "waits"
    said_so 'what it had left behind is put back'
    wants 0x1 # what it leaves behind itself, on 3.1, is not ours
    ended_cleanly "$TRACE_PID"
}

# While another session has GCHeapCollect, one that begins has the runtime collect: none is begun.
beside_a_collector() { # ROW
    lab_start "$1" locks
    lab_trace_begin "$LAB_PID" "$runtime_provider:0x800001:4"
    eventually 30 sessions_are "$LAB_PID" 1
    clrmon contention --eventpipe -p "$LAB_PID" --duration 1s
    expect_status 3
    [[ -z $OUTPUT ]] || fail "a table"
    said_so "a session has GCHeapCollect \(0x800000\)"
    sessions_are "$LAB_PID" 1 || fail "another session"
    expect 'all(.providers[]; .keywords != "0x4000")'
    ended_cleanly "$TRACE_PID"
    wants 0x0
}

interrupted() { # ROW
    lab_start "$1" locks
    session_begin 1 --duration 1h -o json
    did "waits 13 3"
    kill -s INT "$SESSION_PID"
    session_end 0
    same_number "$(field .waits)" 13 "waits"
    said_so 'the session has ended; '
    wants 0x0
}

scenario_rows "numbers, and nothing that stays" monitor 3.1.2 8.0.33 10.0.14 10.0.12-single-file
scenario_rows "numbers of managed locks" managed 9.0.22
scenario_rows "beside a session that stays" beside_another 3.1.2 10.0.14
scenario_rows "beside one that collects" beside_a_collector 10.0.14
scenario_rows "interrupted" interrupted 3.1.2 10.0.14
scenarios_end
