#!/bin/bash
# What looks like a leak and is none: a listener inside the process, a session from the environment,
# LTTng, and the moment of rundown at a session's end.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"

listener() { # ROW
    lab_start "$1" listener 0x1 5
    expect_eventually 30 "$LAB_PID" verbose
    expect '.clients == []'
    expect '.reasons | any(test("listener"; "i"))'
}

listener_gone() { # ROW: on and off while it runs
    lab_start "$1" listener-later 0x1 5
    check_json "$LAB_PID"
    expect_verdict off
    lab_say "$LAB_PID" on
    expect_eventually 30 "$LAB_PID" verbose
    lab_say "$LAB_PID" off
    expect_eventually 30 "$LAB_PID" off
}

environment() { # ROW
    local prefix=DOTNET settings
    [[ $1 != 3.1.* ]] || prefix=COMPlus
    settings=("${prefix}_EnableEventPipe=1" "${prefix}_EventPipeConfig=$runtime_provider:0x1:5")
    # 3.1.2 cannot be told where its file goes: it crashes.
    [[ $1 == 3.1.* ]] || settings+=("${prefix}_EventPipeOutputPath=$E2E_TMP/events.nettrace")
    cd "$E2E_TMP"
    export "${settings[@]}"
    lab_start "$1" idle
    expect_eventually 30 "$LAB_PID" verbose
    expect '.clients == []'
    expect '.reasons | any(test("EnableEventPipe|EventPipeConfig|environment"))'
}

lttng() { # ROW: LTTng cannot be loaded on Debian 12, and all is at Verbose nevertheless
    local prefix=DOTNET
    [[ $1 != 3.1.* ]] || prefix=COMPlus
    export "${prefix}_EnableEventLog=1"
    lab_start "$1" idle
    expect_eventually 30 "$LAB_PID" verbose
    expect '.clients == []'
    expect ".reasons | any(test(\"${prefix}_EnableEventLog is set\"))"
    expect '.providers | any(.sink == "LTTng" and .level == 5 and .enabled)'
}

watch() { # PID FILE: one verdict a line, until the file "over" is there or the scenario has failed
    while [[ -d $E2E_TMP && ! -e $E2E_TMP/over ]]; do
        check_json "$1"
        field .verdict >>"$2"
    done
}

rundown() { # ROW
    local verdicts=$E2E_TMP/verdicts watcher round
    lab_start "$1" idle
    watch "$LAB_PID" "$verdicts" &
    watcher=$!
    for round in 1 2 3; do
        trace "$LAB_PID" 0x1:5
        eventually 30 grep -qsx verbose "$verdicts"
        mv "$verdicts" "$verdicts.$round"
        ended_cleanly "$TRACE_PID"
        eventually 30 grep -qsx off "$verdicts"
    done
    touch "$E2E_TMP/over"
    wait "$watcher" || fail "the checks beside the traces ended early"
    ! grep -lx leaked "$verdicts"* || fail "a running or ending trace was called a leak"
}

mapfile -t rows < <(lab_rows live)
# After a trace, 3.1 leaks; so does the GC of NativeAOT.
mapfile -t clean < <(rows_but 3.1.2 10.0.12-nativeaot)
scenario_rows "an EventListener" listener "${rows[@]}"
scenario_rows "an EventListener that goes" listener_gone 8.0.33 10.0.14
scenario_rows "a session from the environment" environment "${rows[@]}"
scenario_rows "LTTng" lttng 3.1.2 8.0.33 9.0.22 10.0.14
scenario_rows "rundown" rundown "${clean[@]}"
scenarios_end
