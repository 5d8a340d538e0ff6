#!/bin/bash
# Names for places in a live process's code are those that the runtime itself gives them at the end of a trace: each method that was
# compiled ahead of time, at its first byte and in its middle; and what was JIT'd, where its data contract tells (9.0 and later).
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"
CLRMON_STACK_NAMES=${CLRMON_STACK_NAMES:-$e2e_here/../../build/dev/tests/e2e/stack_names}
CLRMON_TRACE_METHODS=${CLRMON_TRACE_METHODS:-$e2e_here/../../build/dev/tests/e2e/trace_methods}

# "ADDRESS NAME" for two addresses of each method.
expect_methods() { # TRACE
    local address size name
    "$CLRMON_TRACE_METHODS" "$1" | sort -u | while read -r address size name; do
        printf '%x %s\n' $((16#$address)) "$name" $((16#$address + 16#$size / 2)) "$name"
    done
}

agrees() { # ROW
    local all wrong ready jitted unknown
    lab_start "$1" idle
    lab_trace "$LAB_PID" Microsoft-Windows-DotNETRuntime:0x1:4 2
    lab_trace_stop "$TRACE_PID"
    expect_methods "$TRACE_FILE" >"$E2E_TMP/expected"
    cut -d ' ' -f 1 "$E2E_TMP/expected" >"$E2E_TMP/questions"
    "$CLRMON_STACK_NAMES" "$LAB_PID" <"$E2E_TMP/questions" >"$E2E_TMP/answers" || fail "stack_names ended with $?"
    paste -d ' ' "$E2E_TMP/expected" "$E2E_TMP/answers" >"$E2E_TMP/compared" # ADDRESS NAME ADDRESS SOURCE ANSWER
    all=$(wc -l <"$E2E_TMP/compared")
    ready=$(awk '$4 == "ready-to-run"' "$E2E_TMP/compared" | wc -l)
    jitted=$(awk '$4 == "jitted"' "$E2E_TMP/compared" | wc -l)
    unknown=$(awk '$4 == "unknown"' "$E2E_TMP/compared" | wc -l)
    wrong=$(awk '$4 != "unknown" && $2 != $5' "$E2E_TMP/compared" | head -5)
    echo "$1: of $all addresses $ready ready-to-run, $jitted jitted, $unknown unknown"
    [[ -z $wrong ]] || fail "not the runtime's names: $wrong"
    ((ready > 400)) || fail "only $ready addresses of code compiled ahead of time"
    case $1 in
    3.* | 8.*) ;;
    *) ((unknown == 0 && jitted > 20)) || fail "$unknown addresses without a name, $jitted by the contract" ;;
    esac
}

scenario_rows "names agree with a trace" agrees 3.1.2 8.0.33 9.0.22 10.0.14 10.0.12-single-file
scenarios_end
