#!/bin/bash
# dotnet/runtime#36728: after a trace has ended, 3.1 goes on building its events.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"

leaked() { # ROW
    lab_start "$1" idle
    trace "$LAB_PID" 0x1:5
    expect_eventually 30 "$LAB_PID" verbose
    ended_cleanly "$TRACE_PID"
    expect_eventually 30 "$LAB_PID" leaked
    expect '.reasons | any(test("Runtime"))'
    expect '.reasons | any(test("no session|nobody"; "i"))'
    expect '.clients == []'
    expect '.providers | any(.sink == "EventPipe" and .level == 5)'
    clrmon check -p "$LAB_PID"
    expect_status 2
    expect_output "\b$LAB_PID\b.*\bleaked\b"
}

scenario_rows "a trace that has ended" leaked 3.1.2
scenarios_end
