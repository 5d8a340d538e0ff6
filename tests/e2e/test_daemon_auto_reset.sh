#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# What is leaked is put back where that is wanted, and only there, and only so often.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"
wanted=('auto_reset = leaked' 'grace = 1s')

reset_of() { echo ".pid == $LAB_PID and .kind == \"reset\" and .outcome == \"$1\""; } # OUTCOME
resets() { ask history --since 1h -o jsonl -p "$LAB_PID"; jq -n '[inputs | select(.kind == "reset")] | length' <<<"$OUTPUT"; }
counted() { has_metric "^clrmon_resets_total\\{outcome=\"$1\"\\} [1-9]"; } # OUTCOME

# stays [KEYWORDS]: session A, which asks for level 4 and stays. Sets STAYS.
stays() {
    trace "$LAB_PID" "${1:-0x1}:4"
    STAYS=$TRACE_PID
}

goes() { # session B, which asks for level 5 and goes
    trace "$LAB_PID" 0x1:5
    ended_cleanly "$TRACE_PID"
}

leak() { # ROW [KEYWORDS]
    lab_start "$1" idle
    stays "${@:2}"
    goes
}

put_back() { # ROW
    daemon_start "${wanted[@]}"
    leak "$1"
    eventually 60 history_has "$(reset_of put_back)"
    said_event "$(reset_of put_back) and .provider == \"$runtime_provider\" and .old.level == 5 and .new == {\"level\": 4, \"keywords\": \"0x1\"}" ||
        fail "not from 5 to what A wants: $(grep '"reset"' <<<"$OUTPUT")"
    eventually 10 daemon_verdict "$LAB_PID" informational
    expect '.gc.public.level == 4'
    expect '.sessions | length == 1'
    check_json "$LAB_PID"
    expect_verdict informational
    counted put_back || fail "not counted: $(grep resets "$E2E_TMP/metrics")"
    status_holds '.auto_reset.setting == "leaked" and .auto_reset.put_back >= 1' || fail "not in the status"
    ask history --since 1h -p "$LAB_PID"
    expect_output 'reset 5->Informational\(4\) 0x1 put back: Runtime'
    [[ $(resets) == 1 ]] || fail "more than one reset: $OUTPUT"
    ended_cleanly "$STAYS"
    daemon_end
}

# dotnet/runtime#36728
after_any_trace() {
    daemon_start "${wanted[@]}"
    lab_start 3.1.2 idle
    goes
    eventually 60 history_has "$(reset_of put_back) and .old.level == 5 and .new.level == 0"
    expect_eventually 10 "$LAB_PID" off
    lab_say "$LAB_PID" still there
    eventually 10 grep -qx 'done still there' "$LAB_OUT"
    daemon_end
}

off_by_default() {
    daemon_start 'grace = 1s'
    leak "$row"
    expect_daemon "$LAB_PID" leaked
    sleep 5 # two looks
    daemon_verdict "$LAB_PID" leaked || fail "put back though nobody wants it"
    [[ $(resets) == 0 ]] || fail "a reset"
    ! counted put_back || fail "counted"
    ask status
    expect_output '^reset +off, 0 put back'
    printf '%s\n' "${wanted[@]}" >>"$E2E_TMP/clrmond.conf"
    kill -s HUP "$DAEMON_PID"
    eventually 60 history_has "$(reset_of put_back)"
    daemon_end
}

said_collections() { (($(grep -c ^collections "$LAB_OUT") > $1)); } # THAN

full_collections() { # of the process, into FULL
    local before
    before=$(grep -c ^collections "$LAB_OUT") || true
    lab_say "$LAB_PID" collections
    eventually 10 said_collections "$before"
    FULL=$(sed -n 's/^collections //p' "$LAB_OUT" | tail -1)
}

# Whenever a session begins the runtime would collect: A has GCHeapCollect.
would_collect() { # ROW
    local before
    daemon_start "${wanted[@]}" 'grace = 4s' # time to count
    leak "$1" 0x800001
    full_collections
    before=$FULL
    eventually 60 history_has "$(reset_of refused) and (.reason | contains(\"GCHeapCollect\")) and .old.level == 5 and .old == .new"
    counted refused || fail "not counted"
    daemon_verdict "$LAB_PID" leaked || fail "no longer leaked"
    full_collections
    [[ $FULL == "$before" ]] || fail "$FULL full collections, not $before"
    daemon_end
}

once_in_the_interval() {
    daemon_start "${wanted[@]}"
    leak "$row"
    eventually 60 history_has "$(reset_of put_back)"
    eventually 10 daemon_verdict "$LAB_PID" informational
    goes
    eventually 60 history_has "$(reset_of refused) and (.reason | contains(\"auto_reset_interval is 600 s\")) and .old == null"
    sleep 5 # two looks
    daemon_verdict "$LAB_PID" leaked || fail "put back again"
    [[ $(resets) == 2 ]] || fail "said more than once: $OUTPUT"
    counted refused || fail "not counted"
    daemon_end
}

# One that is stopped does not answer at its port; the daemon does meanwhile.
mute() {
    local mute
    daemon_start "${wanted[@]}"
    leak "$row"
    mute=$LAB_PID
    kill -s STOP "$mute"
    eventually 60 status_holds '.auto_reset.under_way >= 1'
    lab_start 8.0.33 idle
    expect_daemon "$LAB_PID" off
    eventually 60 history_has ".pid == $mute and .kind == \"reset\" and .outcome == \"failed\""
    counted failed || fail "not counted"
    kill -s CONT "$mute"
    daemon_end
}

socket_of() { echo "${TMPDIR:-/tmp}/dotnet-diagnostic-$1-$(awk '{ print $22 }' "/proc/$1/stat")-socket"; } # PID

# Somebody else listens at its socket.
hijacked() {
    local other
    daemon_start "${wanted[@]}" 'grace = 4s'
    lab_start "$row" idle
    other=$LAB_PID
    leak "$row"
    mv -f "$(socket_of "$other")" "$(socket_of "$LAB_PID")"
    eventually 60 history_has "$(reset_of failed) and (.reason | contains(\"process $other listens\"))"
    daemon_verdict "$LAB_PID" leaked || fail "no longer leaked"
    mv "$(socket_of "$LAB_PID")" "$(socket_of "$other")"
    daemon_end
}

# As clrmond.service has it: another user's socket is not ours to write to.
of_another_user() { # OUTCOME REASON [CAPABILITY]: more
    local capability capabilities=-all
    for capability in sys_ptrace dac_read_search bpf perfmon checkpoint_restore sys_admin "${@:3}"; do
        capabilities+=,+$capability
    done
    DAEMON_AS=(setpriv "--bounding-set=$capabilities" --)
    daemon_start "${wanted[@]}"
    chmod 755 "$E2E_TMP"
    cp "$(lab_image 10.0.12-single-file)" "$E2E_TMP/workload"
    lab_spawn setpriv --reuid=65534 --regid=65534 --clear-groups env DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$E2E_TMP/workload" idle
    lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" || fail "not ready: $(<"$LAB_OUT")"
    stays
    goes
    eventually 60 history_has "$(reset_of "$1") and (.reason | contains(\"$2\"))"
    daemon_end
}

for row in 3.1.2 8.0.33 9.0.22 10.0.14 10.0.12-single-file; do
    scenario "put back, $row" put_back "$row"
done
scenario "after any trace, 3.1.2" after_any_trace
row=10.0.14
scenario "off by default" off_by_default
for row in 3.1.2 8.0.33 9.0.22 10.0.14; do
    scenario "refused where it would collect, $row" would_collect "$row"
done
scenario "once in the interval" once_in_the_interval
scenario "a mute one" mute
scenario "another listens" hijacked
scenario "another user's, as the unit" of_another_user failed 'clrmond-auto-reset.conf'
scenario "another user's, with its drop-in" of_another_user put_back Runtime dac_override
scenarios_end
