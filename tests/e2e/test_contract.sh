#!/bin/bash
# What a runtime's data contract tells of code and objects is what the runtime itself says of them: each method of its perf map, at
# its first byte, in its middle and at its last; each object that the workload tells the address of. All code is JIT'd here.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"
CLRMON_CONTRACT_NAMES=${CLRMON_CONTRACT_NAMES:-$e2e_here/../../build/dev/tests/e2e/contract_names}

start_jitted() { # ROW
    export DOTNET_ReadyToRun=0 DOTNET_PerfMapEnabled=1
    lab_start "$1" objects
}

names() { # QUESTIONS ANSWERS
    timeout 120 "$CLRMON_CONTRACT_NAMES" "$LAB_PID" <"$1" >"$2" 2>"$E2E_TMP/errors" || fail "contract_names ended with $?: $(cat "$E2E_TMP/errors")"
}

# Three addresses of each method, and what the map calls it.
expect_methods() { # MAP
    local address size name at
    while read -r address size name; do
        for at in 0 $((16#$size / 2)) $((16#$size - 1)); do
            printf '0x%x %s\n' $((address + at)) "$name"
        done
    done < <(awk -f "$e2e_here/perf_map.awk" "$1")
}

is_mapped() { # ADDRESS
    local start end
    while IFS=' -' read -r start end _; do
        ((0x$start <= $1 && $1 < 0x$end)) && return
    done <"/proc/$LAB_PID/maps"
    return 1
}

# Code of a method that was made at run time may be freed: it has no name any more.
without_freed() { # EXPECTED ANSWERS
    local address name
    paste -d '\n' "$1" "$2" | while read -r address name && read -r _ answer; do
        [[ $answer == "- "* ]] && ! is_mapped "$address" && continue
        printf '%s\t%s\t%s\n' "$address" "$name" "$answer"
    done
}

methods() { # ROW
    local map all same
    start_jitted "$1"
    map=/tmp/perf-$LAB_PID.map
    expect_methods "$map" >"$E2E_TMP/expected"
    rm -f "$map" "/tmp/perfinfo-$LAB_PID.map"
    awk '{ print "method", $1 }' "$E2E_TMP/expected" >"$E2E_TMP/questions"
    names "$E2E_TMP/questions" "$E2E_TMP/answers"
    without_freed "$E2E_TMP/expected" "$E2E_TMP/answers" >"$E2E_TMP/compared"
    all=$(wc -l <"$E2E_TMP/compared")
    same=$(awk -F'\t' '$2 == $3' "$E2E_TMP/compared" | wc -l)
    echo "$1: $same of $all addresses have the map's name"
    ((all > 3000)) || fail "only $all addresses of JIT'd code"
    [[ $same == "$all" ]] || fail "not the map's: $(awk -F'\t' '$2 != $3' "$E2E_TMP/compared" | head -5)"
    grep -q $'\tMadeAtRunTime$' "$E2E_TMP/compared" || fail "no method that was made at run time"
    grep -q $'\tIL_STUB[^\t]*$' "$E2E_TMP/compared" || fail "no stub of the runtime's"
}

objects() { # ROW
    start_jitted "$1"
    rm -f "/tmp/perf-$LAB_PID.map" "/tmp/perfinfo-$LAB_PID.map"
    sed -n 's/^object //p' "$LAB_OUT" >"$E2E_TMP/expected"
    [[ $(wc -l <"$E2E_TMP/expected") -ge 20 ]] || fail "the workload tells of too few objects"
    awk '{ print "type", $1 }' "$E2E_TMP/expected" >"$E2E_TMP/questions"
    names "$E2E_TMP/questions" "$E2E_TMP/answers"
    diff "$E2E_TMP/expected" "$E2E_TMP/answers" >&2 || fail "objects have other types"
}

# Whatever is asked: no answer, and no harm.
nonsense() { # ROW
    local address
    start_jitted "$1"
    rm -f "/tmp/perf-$LAB_PID.map" "/tmp/perfinfo-$LAB_PID.map"
    {
        while IFS=' -' read -r address _; do
            printf '%s 0x%s\n' method "$address" type "$address"
        done <"/proc/$LAB_PID/maps"
        printf '%s\n' 'method 0x0' 'type 0x0' 'method 0xffffffffffffffff' 'type 0xfffffffffffffff8' 'type 0x1234567'
    } >"$E2E_TMP/questions"
    names "$E2E_TMP/questions" "$E2E_TMP/answers"
    [[ $(wc -l <"$E2E_TMP/questions") == $(wc -l <"$E2E_TMP/answers") ]] || fail "not every question has an answer"
}

none() { # ROW: a runtime without a contract says so
    lab_start "$1" idle
    "$CLRMON_CONTRACT_NAMES" "$LAB_PID" </dev/null 2>"$E2E_TMP/errors" && fail "a contract where there is none"
    grep -q 'exports no contract' "$E2E_TMP/errors" || fail "$(cat "$E2E_TMP/errors")"
}

scenario_rows "methods" methods 9.0.18 9.0.22 10.0.12 10.0.14 10.0.12-single-file
scenario_rows "objects" objects 9.0.18 9.0.22 10.0.12 10.0.14 10.0.12-single-file
scenario_rows "nonsense" nonsense 9.0.22 10.0.14
scenario_rows "no contract" none 3.1.2 8.0.33
scenarios_end
