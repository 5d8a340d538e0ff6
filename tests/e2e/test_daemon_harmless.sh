#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# A program says the same with the daemon, without it, and when it is killed; and nothing of it stays.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"

programs_of() { # PID: ids of the BPF programs that it holds
    cat "/proc/$1/fdinfo/"* 2>/dev/null | awk '$1 == "prog_id:" { print $2 }' | sort -un
}

nothing_left() { # ID...
    local id
    for id; do ! bpftool prog show id "$id" >/dev/null 2>&1 || return 1; done
}

works() { # five rounds of a listener that comes and goes
    local round
    for round in {1..5}; do
        lab_say "$LAB_PID" on
        lab_say "$LAB_PID" off
        eventually 30 eval "((\$(grep -c '^done off$' '$LAB_OUT') == $((rounds + round))))"
    done
    rounds=$((rounds + 5))
}

ends_well() { # its input ends: what it prints, and its status
    local pid=$LAB_PID fd=${lab_input[$LAB_PID]} status=0
    exec {fd}>&-
    unset "lab_input[$pid]"
    lab_wait 30 "$pid" lab_gone "$pid" || fail "does not end"
    wait "$pid" || status=$?
    ((status == 0)) || fail "ended with $status: $(tail -3 "$LAB_OUT")"
    # How many depends on when it collects: with a listener that is off again at once, none in NativeAOT.
    grep -qE '^events [0-9]+$' "$LAB_OUT" || fail "no word on its events: $(tail -3 "$LAB_OUT")"
    sed 's/^ready .*/ready/; s/^events .*/events/' "$LAB_OUT"
}

same() { # ROW
    local rounds=0 mode ids=()
    for mode in without attached killed; do
        rounds=0
        if [[ $mode != without ]]; then
            daemon_start
            mapfile -t ids < <(programs_of "$DAEMON_PID")
            ((${#ids[@]} >= 5)) || fail "not its programs: ${ids[*]}"
        fi
        lab_start "$1" listener-later 0x1 5
        [[ $mode == without ]] || expect_daemon "$LAB_PID" off
        works
        case $mode in
        attached) daemon_end ;;
        killed) daemon_kill ;;
        esac
        works
        eventually 30 nothing_left "${ids[@]}"
        ends_well >"$E2E_TMP/said-$mode"
    done
    cmp "$E2E_TMP/said-without" "$E2E_TMP/said-attached" || fail "another output with the daemon"
    cmp "$E2E_TMP/said-without" "$E2E_TMP/said-killed" || fail "another output when the daemon was killed"
}

# The probes' breakpoints come and go in the middle of calls, from a thread that does nothing else.
in_the_middle() {
    local round
    fixture_start
    for round in {1..6}; do
        lab_say "$LAB_PID" "$((300000 + round)) 5 $round"
        daemon_start
        eventually 30 fixture_is_watched
        if ((round % 2)); then daemon_kill; else daemon_end; fi
        fixture_did $((300000 + round))
        is "$LAB_PID" ".gc.public.level == 5 and .gc.public.keywords == \"0x$round\"" || fail "not the state that it set"
    done
    ! lab_gone "$LAB_PID" || fail "the program is gone"
}

scenario_rows "the same output" same 8.0.33 10.0.14 10.0.12-nativeaot
scenario "probes that come and go in the middle of calls" in_the_middle
scenarios_end
