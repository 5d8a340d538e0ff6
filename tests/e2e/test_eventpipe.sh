#!/bin/bash
# shellcheck disable=SC2154,SC2015 # shared with lib.sh
# Waits for locks by the runtime's own events: as many as the workload made, and as many as are in the file that a real dotnet-trace
# writes meanwhile. And nothing that goes wrong on the way harms the process.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"
EVENTPIPE=${CLRMON_FIXTURE:-$e2e_here/../../build/dev/tests/fixture}/eventpipe

sessions_are() { is "$1" ".sessions | length == $2"; } # PID COUNT

# session_start PID [DEADLINE-MS]: a session until session_end interrupts it. Sets SESSION_PID.
session_start() {
    "$EVENTPIPE" session "$1" 600000 "${2:-20000}" >"$E2E_TMP/session" 2>&1 &
    SESSION_PID=$!
}

# session_end STATUS: sets TOLD, what it told.
session_end() {
    local status=0
    kill -s INT "$SESSION_PID"
    wait "$SESSION_PID" || status=$?
    TOLD=$(cat "$E2E_TMP/session")
    [[ $status == "$1" ]] || fail "status $status: $TOLD"
}

told() { # NAME: its value in TOLD
    sed -nE "s/.*\b$1 ([0-9]+).*/\1/p" <<<"$TOLD"
}

expect_told() { # NAME VALUE
    [[ $(told "$1") == "$2" ]] || fail "$1 is not $2: $TOLD"
}

# made COUNT PAIRS: has the workload make that many waits; sets MADE, how many the runtime itself counted.
made() {
    lab_say "$LAB_PID" "waits $1 1 $2"
    lab_wait 60 "$LAB_PID" grep -q "^done waits $1 1 $2 " "$LAB_OUT" || fail "no waits: $(tail -3 "$LAB_OUT")"
    MADE=$(sed -nE "s/^done waits $1 1 $2 .*contentions ([0-9]+).*/\1/p" "$LAB_OUT" | tail -1)
}

counts_agree() { # ROW MODE
    lab_start "$1" "$2"
    trace "$LAB_PID" 0x4000:4,Microsoft-DotNETCore-SampleProfiler:0:5
    session_start "$LAB_PID"
    eventually 30 sessions_are "$LAB_PID" 2
    made 120 3
    session_end 0
    expect_told waits "$MADE"
    expect_told lost 0
    expect_told interrupted 1
    ((MADE >= 120)) || fail "only $MADE waits were made"
    [[ $1 == 3.1.* ]] || (($(told locks) >= 3)) || fail "locks are missing: $TOLD"
    [[ $2 != managed ]] || expect_told managed "$(told locks)"
    [[ $2 == managed ]] || expect_told managed 0
    eventually 30 sessions_are "$LAB_PID" 1
    ended_cleanly "$TRACE_PID"
    TOLD=$("$EVENTPIPE" file "$TRACE_FILE") || fail "the file of dotnet-trace is not read"
    expect_told whole 1
    [[ $(told lost) != 0 ]] || expect_told waits "$MADE"
}

monitor() { counts_agree "$1" locks; }

managed() { counts_agree "$1" managed; }

# A process that is stopped answers nobody. What is given up on it must not kill it when it goes on: 3.1.2 is easily killed so.
stopped() { # ROW
    lab_start "$1" locks
    kill -s STOP "$LAB_PID"
    ! "$EVENTPIPE" session "$LAB_PID" 100 300 2>"$E2E_TMP/why" || fail "it has answered"
    grep -q 'does not answer in time' "$E2E_TMP/why" || fail "$(cat "$E2E_TMP/why")"
    kill -s CONT "$LAB_PID"
    made 10 1
    session_start "$LAB_PID" 1000
    eventually 30 sessions_are "$LAB_PID" 1
    kill -s STOP "$LAB_PID"
    session_end 1
    grep -q 'has not ended the session within 1000 ms' <<<"$TOLD" || fail "$TOLD"
    kill -s CONT "$LAB_PID"
    made 11 1
    eventually 30 sessions_are "$LAB_PID" 0
}

# A client that is killed leaves the runtime to end the session.
killed() { # ROW
    lab_start "$1" locks
    session_start "$LAB_PID"
    eventually 30 sessions_are "$LAB_PID" 1
    kill -s KILL "$SESSION_PID"
    wait "$SESSION_PID" || true
    made 12 1
    eventually 30 sessions_are "$LAB_PID" 0
}

# Whoever is impatient has what the session leaves behind put back all the same.
impatient() { # ROW
    local status=0 client
    lab_start "$1" locks
    env --default-signal=INT "$CLRMON" contention --eventpipe -p "$LAB_PID" --duration 10m >"$E2E_TMP/session" 2>&1 &
    client=$!
    eventually 30 sessions_are "$LAB_PID" 1
    kill -s INT "$client"
    eventually 30 sessions_are "$LAB_PID" 0
    while kill -s INT "$client" 2>/dev/null; do sleep 0.05; done
    wait "$client" || status=$?
    ((status == 0 || status == 130)) || fail "status $status: $(cat "$E2E_TMP/session")"
    grep -qE 'the session has ended; (nothing of it has stayed|what it had left behind is put back|the GC.* asks again)' "$E2E_TMP/session" || fail "it says: $(cat "$E2E_TMP/session")"
    made 13 1
    is "$LAB_PID" '.verdict == "off"' || fail "$OUTPUT"
}

# seen_to [ARG...]: "clrmon contention --eventpipe" of LAB_PID, into OUTPUT and STATUS.
seen_to() { clrmon contention --eventpipe -p "$LAB_PID" "$@"; }

# While a session has GCHeapCollect, one that begins makes the runtime collect: then none does.
collecting() { # ROW
    lab_start "$1" locks
    lab_trace_begin "$LAB_PID" "$runtime_provider:0x800000:4"
    eventually 30 sessions_are "$LAB_PID" 1
    seen_to --duration 100ms
    expect_status 3
    grep -q 'GCHeapCollect' <<<"$ERRORS" || fail "it says: $ERRORS"
    sessions_are "$LAB_PID" 1 || fail "$OUTPUT"
    lab_trace_stop "$TRACE_PID" || fail "the trace is not complete"
}

# What was left on before ends as the session begins, and the session's own is put back.
left_before() { # ROW
    lab_start "$1" locks
    lab_trace_begin "$LAB_PID" "$runtime_provider:0x4001:5"
    eventually 30 is "$LAB_PID" '.verdict == "verbose"'
    kill -s KILL "$TRACE_PID"
    lab_stop "$TRACE_PID"
    made 14 1
    eventually 30 sessions_are "$LAB_PID" 0
    eventually 30 is "$LAB_PID" '.verdict == "leaked"'
    seen_to --duration 100ms
    expect_status 0
    is "$LAB_PID" '.verdict == "off"' || fail "$OUTPUT"
}

# Of one that is stopped meanwhile nobody says that it has ended the session.
stopped_amid() { # ROW
    local client status=0
    lab_start "$1" locks
    "$CLRMON" contention --eventpipe -p "$LAB_PID" --duration 1s >"$E2E_TMP/session" 2>&1 &
    client=$!
    eventually 30 sessions_are "$LAB_PID" 1
    kill -s STOP "$LAB_PID"
    wait "$client" || status=$?
    kill -s CONT "$LAB_PID"
    [[ $status == 3 ]] || fail "status $status: $(cat "$E2E_TMP/session")"
    grep -q 'the runtime has not ended the session: ' "$E2E_TMP/session" || fail "it says: $(cat "$E2E_TMP/session")"
    made 15 1
    eventually 30 sessions_are "$LAB_PID" 0
}

diagnostics_off() { # ROW
    export DOTNET_EnableDiagnostics=0 COMPlus_EnableDiagnostics=0
    lab_start "$1" locks
    ! "$EVENTPIPE" session "$LAB_PID" 100 5000 2>"$E2E_TMP/why" || fail "it has answered"
    grep -q 'EnableDiagnostics=0 switches its diagnostics off' "$E2E_TMP/why" || fail "$(cat "$E2E_TMP/why")"
}

scenario_rows "as many waits as there were" monitor 3.1.2 8.0.33 9.0.22 10.0.14 10.0.12-single-file
scenario_rows "as many waits for managed locks" managed 9.0.22 10.0.14
scenario_rows "a stopped process is not harmed" stopped 3.1.2 8.0.33 10.0.14
scenario_rows "a killed client" killed 3.1.2 10.0.14
scenario_rows "interrupted again and again" impatient 3.1.2 10.0.14
scenario_rows "beside a session that collects" collecting 3.1.2 10.0.14
scenario_rows "what was left on before" left_before 3.1.2
scenario_rows "stopped amid the session" stopped_amid 3.1.2 10.0.14
scenario_rows "diagnostics switched off" diagnostics_off 3.1.2 10.0.14
scenarios_end
