#!/bin/bash
# Session A asks for level 4 and stays; session B asks for 5 and goes. The runtime stays at 5, which
# nobody wants any more, until A ends.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"

leaked() { # ROW
    local stays try
    lab_start "$1" idle
    trace "$LAB_PID" 0x1:4
    stays=$TRACE_PID
    expect_eventually 30 "$LAB_PID" informational

    trace "$LAB_PID" 0x1:5
    expect_eventually 30 "$LAB_PID" verbose
    for try in {1..10}; do
        check_json "$LAB_PID"
        verdict_is verbose || fail "check $try while B is there: $(field .verdict)"
    done
    expect_client "$stays"
    expect_client "$TRACE_PID"

    ended_cleanly "$TRACE_PID"
    expect_eventually 30 "$LAB_PID" leaked
    expect '.gc.public.level == 5'
    expect_client "$stays"
    expect ".clients | length == 1"
    expect '.reasons | any(test("session"; "i") and test("informational|level 4|:4"; "i"))'

    ended_cleanly "$stays"
    expect_eventually 30 "$LAB_PID" off
}

scenario_rows "4 stays, 5 goes" leaked 8.0.0 8.0.33 9.0.18 9.0.22 10.0.12 10.0.14 10.0.12-single-file
scenarios_end
