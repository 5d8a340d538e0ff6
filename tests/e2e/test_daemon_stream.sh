#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# clrmond sees a program come, a trace begin and end, a level that stays, and says who it was.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"

of() { echo ".pid == $LAB_PID and .kind == \"$1\""; } # KIND

gc() { # OLD NEW [JQ]: a change of the public level
    echo "$(of gc.events) and .provider == \"public\" and .old.level == $1 and .new.level == $2 ${3:+and ($3)}"
}

verdict() { echo "$(of verdict) and .new_verdict == \"$1\""; } # VERDICT

expect_metrics() { # LEVEL VERBOSE LEAKED
    eventually 10 metric_is "$LAB_PID" clrmon_gc_event_level "$1" ',provider="public"'
    eventually 10 metric_is "$LAB_PID" clrmon_gc_verbose "$2"
    eventually 10 metric_is "$LAB_PID" clrmon_gc_verbosity_leaked "$3"
}

# What the follower got is what history keeps, in the same order.
expect_history() { # PID
    history_of "$1"
    jq -nR "[inputs | fromjson? | select(.pid == $1)]" "$FOLLOWER" >"$E2E_TMP/streamed"
    jq -n "[inputs]" <<<"$OUTPUT" | cmp - "$E2E_TMP/streamed" || fail "the stream and the history differ: $(<"$E2E_TMP/streamed")"
    jq -e 'length > 2 and (map(.id) | . == sort) and all(.schema == "clrmon.event/1")' "$E2E_TMP/streamed" >/dev/null ||
        fail "not a good stream: $(<"$E2E_TMP/streamed")"
}

# By probes alone: reading again has no part in it.
begins() { # ROW: a trace of a new program
    daemon_start 'recheck_interval = 1h'
    follow
    lab_start "$1" idle
    streamed "$(of process.start) and (.version | startswith(\"$(lab_field "$1" version | cut -d. -f1,2)\"))"
    expect_daemon "$LAB_PID" off
    expect_metrics 0 0 0
    trace "$LAB_PID" 0x1:5
    streamed "$(verdict verbose)"
}

ends() {
    lab_stop "$LAB_PID"
    streamed "$(of process.exit)"
    eventually 10 metric_is "$LAB_PID" clrmon_gc_event_level ''
    ! has_metric "pid=\"$LAB_PID\"" || fail "metrics of a process that has ended"
    expect_history "$LAB_PID"
    daemon_end
}

traced() { # ROW
    begins "$1"
    streamed "$(gc 0 5 ".cause == \"client\" and .client.pid == $TRACE_PID and .thread == \".NET EventPipe\" and .new.keywords == \"0x1\"")"
    expect_metrics 5 1 0
    metric_is "$LAB_PID" clrmon_eventpipe_sessions 1 || fail "not one session"
    ended_cleanly "$TRACE_PID"
    streamed "$(gc 5 0)"
    streamed "$(verdict off)"
    expect_daemon "$LAB_PID" off
    expect_metrics 0 0 0
    ! is_event "$FOLLOWER" "$(verdict leaked)" || fail "a trace that came and went was called a leak"
    ends
}

# 3.1 has no names for its threads. Its callback stays at what rundown asked for.
traced_31() { # ROW
    begins "$1"
    streamed "$(gc 0 5 '.new.keywords == "0x1"')"
    expect_metrics 5 1 0
    ended_cleanly "$TRACE_PID"
    streamed "$(gc 5 0)"
    streamed "$(verdict leaked)"
    expect_daemon "$LAB_PID" leaked
    expect_metrics 0 1 1
    ends
}

# The functions are inlined in NativeAOT: it is the callback that tells, and memory that is read then.
traced_aot() { # ROW
    begins "$1"
    streamed "$(gc 0 5 '.new.keywords == "0x1"')"
    expect_metrics 5 1 0
    ended_cleanly "$TRACE_PID"
    streamed "$(verdict leaked)"
    expect_daemon "$LAB_PID" leaked
    expect_metrics 5 1 1
    ends
}

stays_and_goes() { # ROW: the leak of dotnet/runtime that a session with a lower level keeps
    local stays
    daemon_start 'recheck_interval = 1h'
    follow
    lab_start "$1" idle
    streamed "$(of process.start)"
    trace "$LAB_PID" 0x1:4
    stays=$TRACE_PID
    streamed "$(gc 0 4 ".cause == \"client\" and .client.pid == $stays")"
    trace "$LAB_PID" 0x1:5
    streamed "$(gc 4 5 ".cause == \"client\" and .client.pid == $TRACE_PID")"
    streamed "$(verdict verbose)"
    expect_metrics 5 1 0
    ended_cleanly "$TRACE_PID"
    streamed "$(verdict leaked) and .old_verdict == \"verbose\""
    expect_daemon "$LAB_PID" leaked
    expect_metrics 5 1 1
    grep -q "(pid $LAB_PID): leaked, was verbose" "$DAEMON_LOG" || daemon_fail "no word of the leak in the log"
    ended_cleanly "$stays"
    streamed "$(verdict off)" # a collection in between may make two steps of it
    expect_metrics 0 0 0
    ends
}

comes_later() { # ROW: a trace is in progress
    lab_start "$1" idle
    trace "$LAB_PID" 0x1:5
    expect_eventually 30 "$LAB_PID" verbose
    eventually 30 is "$LAB_PID" '.gc.public.level == 5'
    daemon_start
    until daemon_is "$LAB_PID" .pid; do
        ((STATUS == 3 || STATUS == 4)) || fail "no answer and no reason"
        lab_gone "$LAB_PID" && fail "the program is gone"
        sleep 0.05
    done
    expect_verdict verbose
    expect '.gc.public == {level: 5, level_name: "Verbose", keywords: "0x1", keyword_names: ["GC"]} or (.gc.public.level == 5 and .gc.public.keywords == "0x1")'
    expect_client "$TRACE_PID"
    expect_metrics 5 1 0
    history_of "$LAB_PID"
    said_event "$(of process.start)" || fail "no process.start"
    said_event "$(verdict verbose)" || fail "no verdict"
    ! said_event "$(of gc.events)" || fail "a change that nobody saw"
    ended_cleanly "$TRACE_PID"
    daemon_end
}

listens() { # ROW
    daemon_start
    follow
    lab_start "$1" listener-later 0x1 5
    streamed "$(of process.start)"
    lab_say "$LAB_PID" on
    streamed "$(gc 0 5 '.cause == "listener" and .client == null')"
    expect_daemon "$LAB_PID" verbose
    lab_say "$LAB_PID" off
    streamed "$(gc 5 0)"
    expect_daemon "$LAB_PID" off
    ends
}

environment() { # ROW
    daemon_start
    follow
    export DOTNET_EnableEventPipe=1 "DOTNET_EventPipeConfig=$runtime_provider:0x1:5" \
        "DOTNET_EventPipeOutputPath=$E2E_TMP/events.nettrace"
    lab_start "$1" idle
    unset DOTNET_EnableEventPipe DOTNET_EventPipeConfig DOTNET_EventPipeOutputPath
    streamed "$(of process.start)"
    streamed "$(verdict verbose)"
    streamed "$(gc 0 5 '.cause == "environment" and .client == null')"
    expect_daemon "$LAB_PID" verbose
    expect '.clients == [] and (.reasons | any(test("EnableEventPipe|environment")))'
    expect_metrics 5 1 0
    ! is_event "$FOLLOWER" "$(of gc.events) and .cause != \"environment\"" || fail "another cause: $(<"$FOLLOWER")"
    daemon_end
}

mapfile -t named < <(rows_but 3.1.2 10.0.12-nativeaot)
mapfile -t rows < <(lab_rows live)
scenario_rows "a trace comes and goes" traced "${named[@]}"
scenario_rows "a trace comes and goes" traced_31 3.1.2
scenario_rows "a trace comes and goes" traced_aot 10.0.12-nativeaot
scenario_rows "4 stays, 5 goes" stays_and_goes 8.0.33 9.0.22 10.0.14
scenario_rows "a trace is there already" comes_later "${rows[@]}"
scenario_rows "an EventListener" listens 8.0.33 9.0.22 10.0.14
scenario_rows "a session from the environment" environment 8.0.33 10.0.14
scenarios_end
