#!/bin/bash
# A GC from another library (DOTNET_GCName) has its own state, and that is the one that counts.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"

other_gc() { # ROW-LIBRARY, a file row
    local row=${1%-*} library=lib${1##*-}.so
    export DOTNET_GCName=$library
    lab_start "$row" idle
    unset DOTNET_GCName
    grep -q "/$library$" "/proc/$LAB_PID/maps" || fail "$library is not loaded"
    check_json "$LAB_PID"
    expect_verdict off
    expect ".gc.source | test(\"$library\")"
    trace "$LAB_PID" 0x1:5
    eventually 30 is "$LAB_PID" '.verdict == "verbose" and .gc.public.level == 5'
    expect_verdict verbose
    expect ".gc.source | test(\"$library\")"
    ended_cleanly "$TRACE_PID"
    expect_eventually 30 "$LAB_PID" off
}

scenario_rows "DOTNET_GCName" other_gc \
    8.0.33-clrgc 9.0.22-clrgc 9.0.22-clrgcexp 10.0.14-clrgc 10.0.14-clrgcexp
scenarios_end
