#!/bin/bash
# How processes are chosen, what is bad usage, and every form of output.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"
row=10.0.14

chosen() {
    local idle listener nobody name
    lab_start "$row" idle
    idle=$LAB_PID
    lab_start "$row" listener 0x1 5
    listener=$LAB_PID
    true &
    nobody=$!
    wait $nobody
    expect_eventually 30 "$listener" verbose
    name=$(field .name)

    clrmon check -j -p "$idle" -p "$listener"
    expect_status 1
    expect_json "[.processes[].pid] | sort == ([$idle, $listener] | sort)" "not these two"
    clrmon check -j -p "$idle" -p $nobody
    expect_status 3
    expect_json '[.processes[].verdict] | sort == ["off", "unknown"]' "not off and unknown"
    clrmon check -j -p "$idle" -p "$listener" -p $nobody
    expect_status 1
    clrmon check -j -n "$name"
    expect_json "[.processes[].pid] | contains([$idle, $listener])" "not both of that name"
    clrmon check -j -n no-process-has-this-name
    expect_json '.processes == []' "processes of no name"
    clrmon check -j
    expect_json "[.processes[].pid] | contains([$idle, $listener])" "not both among all"

    for pid in "$idle:0" "$listener:1" "$nobody:3"; do
        clrmon check -q -p "${pid%:*}"
        expect_status "${pid#*:}"
        [[ -z $OUTPUT ]] || fail "-q prints"
    done
}

usage() {
    local arguments
    for arguments in "check --nonsense" "check -o nonsense" "check -p" "check -p x" "check -p 0" "check -p -1" \
        "check -p 1x" "check -p 99999999999999999999" "check --level 9" "check --level" "check surplus" "nonsense" \
        "sessions -o wide" "sessions surplus" "reset" "reset -p 1 -p 1" "reset -p 1 --name x" "reset -n x" "stop -p 1" \
        "stop --session 0" "stop -p 1 --session 64" "stop -p 1 --session 0x" "stop -p 1 --session -1"; do
        # shellcheck disable=SC2086
        clrmon $arguments
        [[ $STATUS == 4 ]] || fail "clrmon $arguments: status $STATUS, not 4"
        [[ -n $ERRORS && -z $OUTPUT ]] || fail "clrmon $arguments: what is wrong belongs on standard error"
    done
}

# An answer that could not be written is none, whatever it was.
unwritten() {
    local arguments output
    lab_start "$row" idle
    for arguments in help --version "reset -h" "sessions -p $LAB_PID" "sessions -p $LAB_PID -j" "reset -p $LAB_PID"; do
        for output in /dev/full closed; do
            STATUS=0
            # shellcheck disable=SC2086
            if [[ $output == closed ]]; then
                "$CLRMON" $arguments >&- 2>"$E2E_TMP/errors" || STATUS=$?
            else
                "$CLRMON" $arguments >"$output" 2>"$E2E_TMP/errors" || STATUS=$?
            fi
            [[ $STATUS == 4 ]] || fail "clrmon $arguments, output $output: status $STATUS, not 4"
        done
    done
}

# A name that would break out of a table, JSON or a label.
hostile_name=$'ev"il\\\n\e[31m{}'

formats() {
    cp "$(lab_image 10.0.12-nativeaot)" "$E2E_TMP/$hostile_name"
    lab_spawn env DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$E2E_TMP/$hostile_name" listener 0x1 5
    lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" || fail "not ready"
    expect_eventually 30 "$LAB_PID" verbose

    clrmon check -o jsonl -p "$LAB_PID"
    expect_status 1
    [[ $(wc -l <<<"$OUTPUT") == 1 ]] || fail "not one line for one process"
    expect_json "[.. | objects | select(.pid? == $LAB_PID and .verdict? == \"verbose\")] | length == 1" "not JSON for it"

    clrmon check -o prom -p "$LAB_PID"
    expect_status 1
    ! grep -vE '^(#.*|[a-zA-Z_:][a-zA-Z0-9_:]*(\{([a-zA-Z_]\w*="([^"\\]|\\["\\n])*",?)*\})? [-+0-9.eE]+|)$' <<<"$OUTPUT" ||
        fail "not the exposition format"
    expect_output "^[a-z_]+\{.*\"$LAB_PID\".*\} "

    for format in table wide; do
        clrmon check -o "$format" -p "$LAB_PID"
        expect_status 1
        expect_output "\b$LAB_PID\b.*\bverbose\b"
        [[ ! ${OUTPUT//$'\n'/} =~ [[:cntrl:]] ]] || fail "control characters in the $format"
    done
}

scenario "which processes" chosen
scenario "bad usage" usage
scenario "an answer that is not written" unwritten
scenario "forms of output" formats
scenarios_end
