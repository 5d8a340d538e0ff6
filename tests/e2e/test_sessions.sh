#!/bin/bash
# Every session of a process, who has it, and what is on by which of them; as real clients asked for it.
# shellcheck disable=SC2154 # of lib.sh
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC1091
. "$(dirname "$0")/sessions.sh"

rows=(3.1.2 8.0.0 8.0.33 9.0.22 10.0.14 10.0.12-single-file)
# shellcheck disable=SC2016
began='(.start | sub("\\.[0-9]+Z$"; "Z") | fromdate) as $start | (now - $start) >= -2 and (now - $start) < 60'

one_trace() { # ROW
    lab_start "$1" idle
    sessions_json "$LAB_PID"
    expect '.sessions == [] and .effective == []'
    trace "$LAB_PID" 0x8001:4
    expect_lists 30 "$LAB_PID" "(.sessions | length == 1) and ($(asks "$TRACE_PID" "$runtime_provider" 0x8001 4))"
    expect_json '.schema == "clrmon.sessions/1"' "schema"
    expect '.sessions[0] | .type == "IPC stream" and .client_state == "alive" and .rundown and .buffer_bytes == 268435456'
    expect '.sessions[0] | (.id | test("^0x[0-9a-f]+$")) and (.index | type == "number")'
    expect ".sessions[0] | $began"
    expect "$(on "$runtime_provider" 0x8001 4) and all(.effective[]; .stale | not)"
    expect ".effective[] | select(.name == \"$runtime_provider\") | .wanted_keywords == \"0x8001\" and .wanted_level == 4"
    clrmon sessions -p "$LAB_PID"
    expect_status 0
    expect_output "$runtime_provider:0x8001:4"
    expect_output "dotnet-trace"
    expect_output "\(pid $TRACE_PID,"
}

two_traces() { # ROW
    local first
    lab_start "$1" idle
    trace "$LAB_PID" 0x8001:4
    first=$TRACE_PID
    lab_trace_begin "$LAB_PID" "$runtime_provider:0x10:5"
    expect_lists 30 "$LAB_PID" "($(asks "$first" "$runtime_provider" 0x8001 4)) and ($(asks "$TRACE_PID" "$runtime_provider" 0x10 5))"
    expect "$(on "$runtime_provider" 0x8011 5)"
    expect ".effective[0] | .name == \"$runtime_provider\" and (.by | map([.keywords, .level]) | sort) == [[\"0x10\", 5], [\"0x8001\", 4]]"
    kill -STOP "$first" # for good, as far as anybody can tell
    expect_lists 30 "$LAB_PID" ".sessions | any(.client.pid == $first and .client_state == \"stopped\") and any(.client.pid == $TRACE_PID and .client_state == \"alive\")"
    clrmon stop -p "$LAB_PID" --session "$(field ".sessions[] | select(.client.pid == $first) | .index")" --yes
    expect_status 1
    grep -q 'reads nothing' <<<"$ERRORS" || fail "why it is left alone"
    kill -CONT "$first"
}

listener() { # ROW
    lab_start "$1" listener 0x1 5
    expect_lists 30 "$LAB_PID" '(.sessions | length == 1) and (.sessions[0] | .type == "in-process listener" and .client == null and .client_state == "none")'
    expect ".sessions[0].providers | any(.name == \"$runtime_provider\" and .keywords == \"0x1\" and .level == 5)"
    clrmon stop -p "$LAB_PID" --session "$(field '.sessions[0].id')" --yes
    expect_status 1
}

environment() { # ROW
    local prefix=DOTNET
    [[ $1 != 3.1.2 ]] || prefix=COMPlus
    export "${prefix}_EnableEventPipe=1" "${prefix}_EventPipeConfig=$runtime_provider:0x10:3,Lab-Nobody:0x5:2,Bücher:0x3:4"
    cd "$E2E_TMP" # where the file goes
    lab_start "$1" idle
    expect_lists 30 "$LAB_PID" "(.sessions | length == 1) and (.sessions[0] | .type == \"file\" and .client == null and .asked_by == \"${prefix}_EnableEventPipe\")"
    expect '.sessions[0].providers | any(.name == "Lab-Nobody" and .keywords == "0x5" and .level == 2)'
    expect '.sessions[0].providers | any((.name | test("^B.*cher$")) and .keywords == "0x3" and .level == 4)'
    clrmon sessions -p "$LAB_PID"
    expect_output "asked for by ${prefix}_EnableEventPipe"
}

# Nothing is ever written for it, so the runtime does not find out.
killed() { # ROW
    local index
    lab_start "$1" idle
    client "$LAB_PID" read Lab-Nobody 0x1 1
    expect_lists 30 "$LAB_PID" "$(asks "$CLIENT_PID" Lab-Nobody 0x1 1)"
    index=$(field '.sessions[0].index')
    kill -KILL "$CLIENT_PID"
    expect_lists 30 "$LAB_PID" '(.sessions | length == 1) and (.sessions[0] | .client == null and .client_state == "gone")'
    clrmon sessions -p "$LAB_PID"
    expect_output "client is gone"
    if [[ $1 == 3.1.2 ]]; then
        clrmon stop -p "$LAB_PID" --session "$index"
        expect_status 1
        grep -q 'its client is gone' <<<"$ERRORS" || fail "why it is left alone"
        clrmon stop -p "$LAB_PID" --session "$index" --yes
    else
        clrmon stop -p "$LAB_PID" --session "$index"
    fi
    expect_status 0
    expect_lists 10 "$LAB_PID" '.sessions == []'
    lab_gone "$LAB_PID" && fail "the process has ended"
    answers "$LAB_PID" on 'done on' || fail "the process does not answer"
}

diagnostics_off() { # ROW
    local prefix=DOTNET
    [[ $1 != 3.1.2 ]] || prefix=COMPlus
    export "${prefix}_EnableDiagnostics=0"
    lab_start "$1" listener 0x1 5
    expect_lists 30 "$LAB_PID" '.sessions | length == 1'
    clrmon reset -p "$LAB_PID" --force
    expect_status 1
    expect_output 'refused: .*EnableDiagnostics'
}

five() { # ROW
    local level clients=()
    lab_start "$1" idle
    for level in 1 2 3 4; do
        client "$LAB_PID" read "$runtime_provider" "0x$level" "$level"
        clients+=("$CLIENT_PID")
    done
    lab_trace_begin "$LAB_PID" "$runtime_provider:0x8:5"
    expect_lists 30 "$LAB_PID" '.sessions | length == 5'
    for level in 1 2 3 4; do expect "$(asks "${clients[level - 1]}" "$runtime_provider" "0x$level" "$level")"; done
    expect "$(asks "$TRACE_PID" "$runtime_provider" 0x8 5)"
    expect '.sessions | map(.index) | unique | length == 5'
    expect "$(on "$runtime_provider" 0xf 5)"
}

# Read while they come and go: torn reads must be told from sessions.
churn() { # ROW
    local workload churning n reads=0
    lab_start "$1" idle
    workload=$LAB_PID
    lab_spawn "$CLRMON_FIXTURE/sessions" churn "$LAB_PID" 8000 3
    churning=$LAB_PID
    eventually 10 lists "$workload" '.sessions | length > 0'
    "$CLRMON_FIXTURE/sessions" watch "$workload" 4000 >"$E2E_TMP/watch"
    while ! lab_gone "$churning"; do
        sessions_json "$workload"
        expect_status 0
        n='(.name | ltrimstr("Churn-") | tonumber)'
        expect "[.sessions[] | select(.ending | not) | .providers[]] | all((.name | startswith(\"Churn-\")) and .level == 1 + $n % 5)"
        reads=$((reads + 1))
    done
    lab_stop "$churning"
    echo "$1: $(<"$E2E_TMP/watch"); $reads by clrmon sessions; $(<"$(lab_out "$churning")")"
    grep -qE 'sessions [1-9][0-9]* wrong 0 refused 0$' "$E2E_TMP/watch" || fail "$(<"$E2E_TMP/watch")"
    grep -qE 'opened [1-9][0-9]+' "$(lab_out "$churning")" || fail "nothing was opened"
    lab_gone "$workload" && fail "the process has ended"
    expect_lists 10 "$workload" '.sessions == []'
}

scenario_rows "one trace" one_trace "${rows[@]}"
scenario_rows "two traces, one stopped" two_traces "${rows[@]}"
scenario_rows "an EventListener" listener "${rows[@]}"
scenario_rows "EnableEventPipe" environment "${rows[@]}"
scenario_rows "a client that was killed" killed "${rows[@]}"
scenario_rows "diagnostics off" diagnostics_off "${rows[@]}"
scenario_rows "five sessions" five "${rows[@]}"
scenario_rows "sessions that come and go" churn "${rows[@]}"
scenarios_end
