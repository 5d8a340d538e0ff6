#!/bin/bash
# What a trace has a process write, and waits that only marks for tracers tell of.
set -euo pipefail
# shellcheck disable=SC1091,SC2119
. "$(dirname "${BASH_SOURCE[0]}")/contention.sh"
WAITS=211

written() { # EVENT COUNT
    daemon_is "$LAB_PID" "(.events_written.events.$1 // 0) == $2"
}

# As many as the workload waits, while a session wants them, and none before and after; what the trace itself has.
counts() { # ROW
    daemon_start 'events = yes'
    start_locks "$1"
    did "waits $WAITS"
    daemon_is "$LAB_PID" '.events_written.total == 0' || fail "events without a session"
    trace_locks "$LAB_PID"
    did "waits $WAITS"
    eventually 10 written ContentionStart "$WAITS"
    eventually 10 written ContentionStop "$WAITS"
    end_trace
    same_number "${TRACED[starts]}" "$WAITS" "ContentionStart of the trace"
    same_number "${TRACED[stops]}" "$WAITS" "ContentionStop of the trace"
    did "waits $WAITS"
    written ContentionStart "$WAITS" || fail "events after the session"
    curl -sf "$DAEMON_URL/metrics" >"$E2E_TMP/metrics"
    grep -q "^clrmon_runtime_events_written_total{pid=\"$LAB_PID\",.*event=\"ContentionStart\"} $WAITS\$" "$E2E_TMP/metrics" ||
        fail "no such metric: $(grep events_written "$E2E_TMP/metrics")"
    grep -q "^clrmon_runtime_events_cpu_seconds_total{pid=\"$LAB_PID\"," "$E2E_TMP/metrics" || fail "no cost"
}

attached() { status_holds "[.images[].families.events.probes] | add == $1"; } # PROBES

# Off unless asked for; switched while a trace goes on.
switched() { # ROW
    daemon_start
    start_locks "$1"
    attached 0 || fail "attached though nobody asked"
    trace_locks "$LAB_PID"
    did "waits $WAITS"
    daemon_is "$LAB_PID" '.events_written == null' || fail "counted though off"
    ask probes events on
    attached 1 || fail "not attached"
    did "waits $WAITS"
    eventually 10 written ContentionStart "$WAITS"
    ask probes events off
    attached 0 || fail "not detached"
    did "waits $WAITS"
    ask probes events on
    written ContentionStart "$WAITS" || fail "counted while off"
    end_trace
}

# A 3.1 whose slow path nobody can locate: without symbols, and with another keyword in the function.
hide_slow_path() { # sets ROOT
    local image enter at
    ROOT=$E2E_TMP/root
    image=$ROOT/shared/Microsoft.NETCore.App/3.1.2/libcoreclr.so
    mkdir -p "$ROOT/shared/Microsoft.NETCore.App"
    cp -a "$(lab_dir)/dotnet/"{dotnet,host} "$ROOT"
    cp -a "$(lab_dir)/dotnet/shared/Microsoft.NETCore.App/3.1.2" "$ROOT/shared/Microsoft.NETCore.App"
    objcopy --strip-all "$image"
    clrmon symbols --no-cache -o json "$image"
    enter=$(($(jq -r '.sites[] | select(.name == "lock.contention.enter").offset' <<<"$OUTPUT")))
    while read -r at; do
        ((at < enter || at > enter + 512)) || printf '\1' | dd of="$image" bs=1 seek=$((at + 1)) conv=notrunc status=none
    done < <(LC_ALL=C grep -obUaP '\xbe\x00\x40\x00\x00' "$image" | cut -d: -f1)
}

marks() { # EnableEventLog ON WAITS
    hide_slow_path
    daemon_start "cache_dir = $E2E_TMP/of-daemon" # the other one knows the build as it was
    lab_spawn env "COMPlus_EnableEventLog=$1" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$ROOT/dotnet" exec --fx-version 3.1.2 \
        "$(lab_dir)/app/workload.dll" locks
    lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" || fail "not ready: $(<"$LAB_OUT")"
    eventually 30 seen "$LAB_PID" ".source == \"usdt\" and .on == $2"
    did "waits $WAITS"
    seen "$LAB_PID" ".waits == $3" || fail "not $3 waits"
    [[ $2 == true ]] || seen "$LAB_PID" '.why | contains("COMPlus_EnableEventLog=1")' || fail "does not say why"
}

for row in 3.1.2 8.0.33 10.0.14; do
    scenario "events of $row" counts "$row"
done
scenario "switched on and off" switched 10.0.14
scenario "marks for tracers" marks 1 true "$WAITS"
scenario "marks that are not passed" marks 0 false 0
scenarios_end
