#!/bin/bash
# What a session has left on is put back, and nothing else is.
# shellcheck disable=SC2154 # of lib.sh
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC1091
. "$(dirname "$0")/sessions.sh"

rows=(3.1.2 8.0.0 8.0.33 9.0.22 10.0.14 10.0.12-single-file)

reset_json() { clrmon reset -o json -p "$@"; } # PID [ARG...]

outcome_is() { expect_json ".schema == \"clrmon.reset/1\" and .outcome == \"$1\"" "outcome $(jq -r .outcome <<<"$OUTPUT"), not $1"; }

cured() { # ROW
    lab_start "$1" idle
    leak "$LAB_PID"
    clrmon sessions -p "$LAB_PID"
    grep -qF 'left on, asked for by nobody: Verbose(5), keywords 0x8000' <<<"$(tr -s '\n ' ' ' <<<"$OUTPUT")" || fail "what is left on"

    reset_json "$LAB_PID" --dry-run
    expect_status 0
    outcome_is planned
    expect_json ".providers == [\"$runtime_provider\"]" "which providers"
    check_json "$LAB_PID"
    expect_verdict leaked

    clrmon reset -p "$LAB_PID"
    expect_status 0
    expect_output "$runtime_provider:0x8001:5"
    expect_output "asks for $runtime_provider:0x0:0"
    expect_output "^    put back"
    check_json "$LAB_PID"
    expect_verdict informational
    expect '.gc.public.level == 4'
    sessions_json "$LAB_PID"
    expect "(.sessions | length == 1) and $(asks "$STAYS" "$runtime_provider" 0x1 4) and ($(on "$runtime_provider" 0x1 4))"

    reset_json "$LAB_PID" # again: there is nothing left on, and what is on is somebody's
    expect_status 1
    outcome_is refused
    lab_stop "$STAYS"
    expect_lists 30 "$LAB_PID" '.sessions == []'
    reset_json "$LAB_PID" # 3.1 has kept what the last one asked for
    expect_status 0
    expect_eventually 10 "$LAB_PID" off
}

# A trace with a rundown leaves 3.1 at more than it ever asked for.
rundown() { # ROW
    lab_start "$1" idle
    trace "$LAB_PID" 0x1:5
    ended_cleanly "$TRACE_PID"
    expect_eventually 30 "$LAB_PID" leaked
    reset_json "$LAB_PID"
    expect_status 0
    outcome_is "put back"
    expect_json '.providers | any(endswith("Runtime")) and any(endswith("RuntimeRundown"))' "which providers"
    check_json "$LAB_PID"
    expect_verdict off
    expect '[.providers[] | select(.sink == "EventPipe" and .keywords != "0x0")] == []'
}

# Of a program compiled ahead of time the GC alone keeps what the last session asked for.
ahead_of_time() { # ROW
    lab_start "$1" idle
    client "$LAB_PID" read "$runtime_provider" 0x1 5
    expect_eventually 30 "$LAB_PID" verbose
    lab_stop "$CLIENT_PID"
    expect_eventually 30 "$LAB_PID" leaked
    expect_lists 10 "$LAB_PID" '.sessions == [] and .effective == []'
    reset_json "$LAB_PID"
    expect_status 0
    outcome_is "put back"
    check_json "$LAB_PID"
    expect_verdict off
    expect '.gc.public.level == 0'
}

collections() { # of all generations, as the program counts them
    local said
    said=$(grep -c '^collections' "$LAB_OUT" || true)
    lab_say "$LAB_PID" collections
    until (($(grep -c '^collections' "$LAB_OUT") > said)); do
        lab_gone "$LAB_PID" && fail "the process has ended"
        sleep 0.05
    done
    sed -n 's/^collections //p' "$LAB_OUT" | tail -1
}

# With GCHeapCollect in a session that stays, every session that begins has the runtime collect.
collecting() { # ROW
    local count
    lab_start "$1" source
    client "$LAB_PID" read "$runtime_provider" 0x800001 4
    STAYS=$CLIENT_PID
    client "$LAB_PID" read "$runtime_provider" 0x8001 5
    expect_lists 30 "$LAB_PID" "$(on "$runtime_provider" 0x808001 5)"
    lab_stop "$CLIENT_PID"
    expect_lists 30 "$LAB_PID" '(.sessions | length == 1) and .effective[0].stale'
    count=$(collections)
    clrmon reset -p "$LAB_PID" --force
    expect_status 1
    expect_output 'refused: .*GCHeapCollect'
    [[ $(collections) == "$count" ]] || fail "it has collected"
    check_json "$LAB_PID"
    expect_verdict leaked
}

# An EventSource remembers; the runtime has no way to tell it otherwise.
managed() { # ROW
    lab_start "$1" source
    client "$LAB_PID" read Lab-Source 0x1 4
    client "$LAB_PID" read Lab-Source 0x3 5
    expect_lists 30 "$LAB_PID" "$(on Lab-Source 0x3 5)"
    lab_stop "$CLIENT_PID" # no event comes by which the runtime would find that out
    expect_lists 30 "$LAB_PID" '.sessions | any(.client_state == "gone")'
    clrmon stop -p "$LAB_PID" --session "$(field '.sessions[] | select(.client_state == "gone") | .index')"
    expect_status 0
    expect_lists 30 "$LAB_PID" 'any(.effective[]; .name == "Lab-Source" and .stale)'
    reset_json "$LAB_PID"
    expect_json '.not_curable == ["Lab-Source"]' "what can't be put back"
    clrmon reset -p "$LAB_PID"
    expect_output "can't be put back"
    answers "$LAB_PID" level 'verbose True' || fail "the source has forgotten, after all"
}

nothing() { # ROW
    lab_start "$1" idle
    reset_json "$LAB_PID"
    expect_status 0
    outcome_is "nothing to put back"
    client "$LAB_PID" read "$runtime_provider" 0x1 5
    expect_eventually 30 "$LAB_PID" verbose
    clrmon reset -p "$LAB_PID"
    expect_status 1
    expect_output 'refused: nothing is left on by mistake'
    reset_json "$LAB_PID" --force
    expect_status 0
    check_json "$LAB_PID"
    expect_verdict verbose
}

stopping() { # ROW
    local id
    lab_start "$1" idle
    client "$LAB_PID" read "$runtime_provider" 0x1 5
    expect_lists 30 "$LAB_PID" "$(asks "$CLIENT_PID" "$runtime_provider" 0x1 5)"
    id=$(field '.sessions[0].id')
    clrmon stop -p "$LAB_PID" --session "$id"
    expect_status 1
    expect_one_error_line
    grep -q -- --yes <<<"$ERRORS" || fail "what to do"
    clrmon stop -p "$LAB_PID" --session 63 --yes
    expect_status 3
    clrmon stop -p "$LAB_PID" --session "$id" --yes -o json
    expect_status 0
    expect_json '.schema == "clrmon.stop/1" and .stopped and .after.sessions == []' "the effect"
    lab_wait 10 "$CLIENT_PID" lab_gone "$CLIENT_PID" || fail "its client has not been told"
    expect_lists 10 "$LAB_PID" '.sessions == []'
}

# A real dotnet-trace that somebody else ends keeps a whole file.
stop_trace() { # ROW
    lab_start "$1" idle
    trace "$LAB_PID" 0x1:5
    expect_lists 30 "$LAB_PID" "$(asks "$TRACE_PID" "$runtime_provider" 0x1 5)"
    clrmon stop -p "$LAB_PID" --session "$(field '.sessions[0].index')" --yes
    expect_status 0
    ended_cleanly "$TRACE_PID"
}

scenario_rows "a leak" cured "${rows[@]}"
scenario_rows "what a rundown leaves" rundown 3.1.2
scenario_rows "what the GC keeps" ahead_of_time 10.0.12-nativeaot
scenario_rows "GCHeapCollect" collecting "${rows[@]}"
scenario_rows "an EventSource" managed 8.0.0 8.0.33 9.0.22 10.0.14 10.0.12-single-file
scenario_rows "nothing is left on" nothing "${rows[@]}"
scenario_rows "stop" stopping "${rows[@]}"
scenario_rows "stop a dotnet-trace" stop_trace "${rows[@]}"
scenarios_end
