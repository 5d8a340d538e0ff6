#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# How far down the stacks of waits go, and how many of their frames have names: a line per runtime, as the README has it.
# Code is optimized from the beginning, for that is what runs in earnest, and hides callers: MonitorGate.Enter has no frame pointer up to
# 9.0, where it calls nothing but a helper of the JIT.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/contention.sh"
WAITS=1009

# frames_of: of the file "now": each stack's frames, with whose code they are of, and whether they have a name, in the file "frames".
frames_of() {
    jq '.stacks[] | .waits as $waits | .frames[] | {waits: $waits, text: .} |
        .named = (.text | test("^0x|\\+0x") | not) |
        .managed = (.text | test("^0x") or ((test("\\.") or test("^IL_STUB")) and (test("\\+0x|^(lock|wait)\\.|::") | not)))' \
        "$E2E_TMP/now" >"$E2E_TMP/frames"
}

# share FILTER CONDITION FILE: in percent; each as often as somebody waited there.
share() { jq -n "[inputs | select($1)] | (map(select($2) | .waits) | add // 0) * 100 / (map(.waits) | add) | floor" "$3"; }

waited() { # ROW
    start_locks "$1"
    did "waits $WAITS 0 2"
    settled
    since .waits >/dev/null
    frames_of
    jq '.stacks[]' "$E2E_TMP/now" >"$E2E_TMP/stacks"
}

called_by() { share true ".frames | any(test(\"$1\"))" "$E2E_TMP/stacks"; } # REGEX: the share of waits

at_least() { (($1 >= $2)) || fail "$3: $1 %, not $2"; } # IS SHOULD WORDS

# The runtime's own first waits, when its console is made, are among them: one of a thousand or two, in a thread that has begun in the host.
measured() { # ROW
    local complete managed
    waited "$1"
    complete=$(share true .complete "$E2E_TMP/stacks") managed=$(share .managed .named "$E2E_TMP/frames")
    echo "$1: complete $complete %, named managed $managed %, native $(share '.managed | not' .named "$E2E_TMP/frames") %;" \
        "with the method that waits $(called_by 'MonitorGate\\.Enter') %, with its caller $(called_by 'Pair\\.Wait') %"
    at_least "$complete" 99 "down to where the thread began"
    if [[ $1 == @(9|10).* ]]; then
        at_least "$managed" 99 "managed frames with names"
        at_least "$(called_by 'MonitorGate\\.Enter')" 99 "with the method that waits"
        at_least "$(called_by 'Pair\\.AsWaiter')" 99 "with what is further out"
    fi
    [[ $1 != 10.* ]] || at_least "$(called_by 'Pair\\.Wait')" 99 "with its caller"
    lab_stop "$LAB_PID"
}

optimized() {
    local row rows
    export DOTNET_TieredCompilation=0 COMPlus_TieredCompilation=0
    daemon_start
    mapfile -t rows < <(rows_but 10.0.12-nativeaot)
    for row in "${rows[@]}"; do measured "$row"; done
    daemon_end
}

# What the runtime itself writes down for perf has the names of JIT'd code where there is no data contract.
perf_map() {
    local row
    export DOTNET_PerfMapEnabled=1 COMPlus_PerfMapEnabled=1
    daemon_start
    for row in 3.1.2 8.0.33; do
        waited "$row"
        ask contention --total -p "$LAB_PID" --by stack -o wide
        rm -f "/tmp/perf-$LAB_PID.map" "/tmp/perfinfo-$LAB_PID.map"
        expect_output '^ +MonitorGate\.Enter$'
        expect_output '^ +Pair\.Wait$'
        at_least "$(share .managed .named "$E2E_TMP/frames")" 99 "managed frames with names"
        lab_stop "$LAB_PID"
    done
    daemon_end
}

scenario "stacks of optimized code" optimized
scenario "names by the perf map" perf_map
scenarios_end
