#!/bin/bash
# shellcheck disable=SC2154,SC2015 # shared with lib.sh
# Several clients of one process: each session names its own, and says when that has gone or reads nothing.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"

# Keywords of which an idle process makes no event: a client that has gone is not noticed.
first=0x1000000:4 second=0x2000000:4

session_of() { echo ".sessions[] | select(.providers | any(.keywords == \"${1%:*}\"))"; } # KEYWORDS:LEVEL

# session_is KEYWORDS:LEVEL JQ: of LAB_PID's only session that asks for them, in a new check.
session_is() { is "$LAB_PID" "[$(session_of "$1")] | length == 1 and (.[0] | $2)"; }

client_is() { session_is "$1" ".client.pid == $2 and .client_state == \"$3\""; } # KEYWORDS:LEVEL PID STATE

begin() { # KEYWORDS:LEVEL [ARG...]: of dotnet-trace; sets TRACE_PID
    lab_trace_begin "$LAB_PID" "$runtime_provider:$1" forever "${@:2}"
    eventually 30 session_is "$1" true
}

two_clients() { # ROW
    local a b
    lab_start "$1" idle
    begin "$first" --buffersize 13
    a=$TRACE_PID
    begin "$second" --rundown false
    b=$TRACE_PID
    eventually 10 client_is "$first" "$a" alive
    eventually 10 client_is "$second" "$b" alive
    expect "$(session_of "$first") | .buffer_bytes == 13 * 1048576 and .rundown"
    expect "$(session_of "$second") | .buffer_bytes == 256 * 1048576 and (.rundown | not)"

    kill -s STOP "$a"
    eventually 10 client_is "$first" "$a" stopped
    client_is "$second" "$b" alive || fail "the other one"
    expect ".reasons | any(contains(\"(pid $a), which is stopped and reads nothing\"))"
    kill -s CONT "$a"
    eventually 10 session_is "$first" ".client_state == \"alive\""

    kill -s KILL "$b"
    lab_stop "$b"
    eventually 10 session_is "$second" ".client == null and .client_state == \"gone\""
    session_is "$first" ".client.pid == $a" || fail "the one that stays"
    ended_cleanly "$a"
}

# What stays in the process is nobody's.
listener() { # ROW
    lab_start "$1" listener 1 4
    eventually 10 is "$LAB_PID" '.sessions | length == 1 and .[0].client == null'
}

# A client that listens, to which the runtime connects: when it is killed, nothing has a name any more.
reverse() { # ROW
    local lab tracer target
    lab=$(lab_dir)
    export DOTNET_DiagnosticPorts=$E2E_TMP/port,nosuspend
    lab_start "$1" idle
    unset DOTNET_DiagnosticPorts
    target=$LAB_PID
    lab_spawn env DOTNET_ROOT="$lab/dotnet" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$lab/dotnet/dotnet" \
        exec --fx-version "$lab_trace_fx" "$lab/dotnet-trace/dotnet-trace.dll" collect --diagnostic-port "$E2E_TMP/port" \
        --providers "$runtime_provider:$first" -o "$E2E_TMP/reverse.nettrace"
    tracer=$LAB_PID LAB_PID=$target
    eventually 30 client_is "$first" "$tracer" alive
    kill -s KILL "$tracer"
    lab_stop "$tracer"
    eventually 10 session_is "$first" '.client_state == "gone"'
}

# Compiled ahead of time: whether rundown is wanted it does not tell.
ahead_of_time() { # ROW
    lab_start "$1" idle
    begin "$first"
    eventually 10 client_is "$first" "$TRACE_PID" alive
    expect "$(session_of "$first") | .rundown == null"
    ended_cleanly "$TRACE_PID"
}

rows=(3.1.2 8.0.0 8.0.33 9.0.22 10.0.14 10.0.12-single-file)
scenario_rows "each session names its own client" two_clients "${rows[@]}"
scenario_rows "a listener has no client" listener "${rows[@]}"
scenario_rows "a client to which the runtime connects" reverse 8.0.33 10.0.14
scenario_rows "a program compiled ahead of time" ahead_of_time 10.0.12-nativeaot
scenarios_end
