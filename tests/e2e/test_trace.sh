#!/bin/bash
# shellcheck disable=SC2154 # shared with lib.sh
# A real dotnet-trace turns GC verbose on: check says so, says who, and sees it go.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"

# The GC of NativeAOT does not look again at who listens: it keeps the last level asked for.
verbose() { # ROW
    local enabled=.enabled
    lab_start "$1" idle
    trace "$LAB_PID" 0x1:5
    # The GC looks at what was asked when it collects.
    eventually 30 is "$LAB_PID" '.verdict == "verbose" and .gc.public.level == 5'
    expect_verdict verbose
    has_bits "$(field .gc.public.keywords)" 0x1 || fail "the GC's keywords have no GC (0x1)"
    # 3.1 does not set "enabled".
    [[ $1 != 3.1.* ]] || enabled=true
    expect ".providers | any(.name == \"$runtime_provider\" and .sink == \"EventPipe\" and $enabled and .level == 5)"
    expect_client "$TRACE_PID"
    clrmon check -p "$LAB_PID"
    expect_status 1
    expect_output "\b$LAB_PID\b.*\bverbose\b"
    expect_output "dotnet-trace"
    clrmon check -o wide -p "$LAB_PID"
    expect_output "GC public +Verbose\(5\) +0x1 GC$"
    [[ $1 == 3.1.* ]] || expect_output "sessions mask +0x1$"
    ended_cleanly "$TRACE_PID"
    case $1 in
    3.1.*) ;; # what remains of it has a test of its own
    *-nativeaot) expect_eventually 30 "$LAB_PID" leaked; expect '.gc.public.level == 5' ;;
    *) expect_eventually 30 "$LAB_PID" off ;;
    esac
}

informational() { # ROW
    lab_start "$1" idle
    trace "$LAB_PID" 0x1:4
    eventually 30 is "$LAB_PID" '.verdict == "informational" and .gc.public.level == 4'
    expect_verdict informational
    expect_client "$TRACE_PID"
    check_json "$LAB_PID" --level informational
    expect_status 1
    check_json "$LAB_PID" --level verbose
    expect_status 0
    ended_cleanly "$TRACE_PID"
}

mapfile -t rows < <(lab_rows live)
scenario_rows "dotnet-trace 0x1:5" verbose "${rows[@]}"
scenario_rows "dotnet-trace 0x1:4" informational "${rows[@]}"
scenarios_end
