# shellcheck shell=bash disable=SC2154
# To be sourced by run: what is shown, in the order of the file "scenarios".

runtime=Microsoft-Windows-DotNETRuntime
capabilities='cap_bpf cap_checkpoint_restore cap_dac_read_search cap_perfmon cap_sys_admin cap_sys_ptrace'

eventually() { # SECONDS COMMAND...
    local deadline=$((SECONDS + $1 + 1))
    until "${@:2}"; do
        ((SECONDS < deadline)) || { echo "not within $1 s: ${*:2}"; return 1; }
        sleep 0.2
    done
}

refused() { # COMMAND...: fails, as it should
    ! "$@" || { echo "not refused: $*"; return 1; }
}

set_up() { # as a package would; and a plain user with a .NET process
    cp -r --preserve=mode "$vm"/installed/. /
    systemd-sysusers
    useradd --create-home app
    useradd --groups clrmon member
    systemctl daemon-reload
    bpf_before=$(bpf_objects)
    start_app
    app=$LAB_PID app_out=$LAB_OUT
}

bpf_objects() { # but for those that systemd itself gives to units
    bpftool prog show -j | jq -c 'map(select(.type | test("^cgroup_") | not) | [.type, .name])'
    bpftool map show -j | jq -c 'map(select(.type != "lpm_trie") | [.type, .name])'
}

dotnet() { # ROOT: the words of a command
    echo env HOME=/tmp DOTNET_ROOT="$1" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$1/dotnet" exec --fx-version "$lab_trace_fx"
}

as() { setpriv --reuid="$1" --regid="$1" --init-groups "${@:2}"; } # USER COMMAND...

# start_app [COMMAND...]: a plain user's, by way of COMMAND. Sets LAB_PID, LAB_OUT.
start_app() {
    # shellcheck disable=SC2046 # words
    lab_spawn "$@" setpriv --reuid=app --regid=app --init-groups $(dotnet "${DOTNET:-$CLRMON_LAB/dotnet}") \
        "$CLRMON_LAB/app/workload.dll" idle
    lab_wait 60 "$LAB_PID" grep -q '^ready ' "$LAB_OUT"
}

# start_trace PID [COMMAND...]: a real dotnet-trace of root's, by way of COMMAND, for ASKS; its session is on when this returns.
start_trace() {
    local file=$work/$RANDOM.nettrace
    # shellcheck disable=SC2046 # words
    lab_spawn "${@:2}" $(dotnet "$CLRMON_LAB/dotnet") "$CLRMON_LAB/dotnet-trace/dotnet-trace.dll" collect -p "$1" \
        --providers "$runtime:${ASKS:-0x1:5}" -o "$file"
    TRACE_PID=$LAB_PID
    lab_wait 60 "$TRACE_PID" test -s "$file"
}

scenario_over() { # whatever a scenario has started
    local pid
    [[ -z ${follower:-} ]] || kill "$follower" 2>/dev/null || true
    for pid in "${!lab_input[@]}"; do [[ $pid == "$app" ]] || lab_stop "$pid"; done
}

property() { systemctl show --value -p "$1" clrmond; }
active() { [[ $(property ActiveState) == active ]]; }
restarts() { property NRestarts; }

status_is() { # JQ, of clrmon status
    timeout 20 clrmon status -o json >"$work/status" && jq -e "$1" "$work/status" >/dev/null
}

checked() { # PID JQ [ARG...]: of clrmon check
    local status=0
    timeout 20 clrmon check "${@:3}" -p "$1" -o json >"$work/check" || status=$?
    ((status <= 3)) && [[ -s $work/check ]] && jq -e ".processes[0] | $2" "$work/check" >/dev/null
}

level_is() { checked "$1" ".gc.public.level == $2" --daemon; } # PID LEVEL: as the daemon has it

scenario_starts() {
    systemctl enable --now clrmond.socket clrmond.service
    active
    [[ $(property Type) == notify && $(restarts) == 0 ]]
}

scenario_rights() {
    local exposure pid
    pid=$(property MainPID)
    [[ $(property CapabilityBoundingSet | tr ' ' '\n' | sort | xargs) == "$capabilities" ]]
    grep -x $'NoNewPrivs:\t1' "/proc/$pid/status"
    grep -x $'Seccomp:\t2' "/proc/$pid/status"
    systemd-analyze security --no-pager clrmond | tee "$work/security"
    exposure=$(sed -n 's/.*exposure level for clrmond.service: \([0-9.]*\).*/\1/p' "$work/security")
    echo "said: exposure $exposure"
    ((${exposure/./} <= 30))
}

scenario_asks() {
    clrmon status
    as member clrmon status
    refused as app clrmon status
    [[ $(stat -c '%a %G' /run/clrmon/control.sock) == '660 clrmon' ]]
}

scenario_sees() {
    eventually 30 status_is '.watching.by == "probes" and any(.images[]; .processes >= 1 and .probes >= 1)'
    eventually 10 checked "$app" '.verdict == "off"' --daemon
    jq -S '.processes[0]' "$work/check" >"$work/daemon"
    checked "$app" ".verdict == \"off\" and .runtime.version == \"$lab_trace_fx\""
    jq -S '.processes[0]' "$work/check" | diff - "$work/daemon"
    echo "said: $(jq -r '.images | map("\(.version) \(.probes) probes") | join(", ")' "$work/status")"
}

follow_events() { # sets events, follower; nothing of it is missed
    events=$work/events.$RANDOM
    clrmon events -f -o jsonl >"$events" &
    follower=$!
    eventually 5 status_is '.clients.connected >= 2'
}

seen() { # PID JQ: among the events
    jq -es "map(select(.pid == $1)) | any($2)" "$events" >/dev/null
}

# traced PID [COMMAND...]: what the stream says of a trace. The level may rise in steps, when a collection comes in
# between.
traced() {
    local up='.kind == "gc.events" and .provider == "public" and .old.level < 5 and .new.level == 5 and .cause == "client"'
    local down='.kind == "gc.events" and .provider == "public" and .old.level == 5 and .new.level == 0'
    follow_events
    start_trace "$@"
    eventually 5 seen "$1" "$up and .client.pid == $TRACE_PID and (.client | .command // .name | test(\"dotnet\"))" || { cat "$events"; false; }
    eventually 5 level_is "$1" 5
    lab_trace_stop "$TRACE_PID"
    eventually 20 level_is "$1" 0
    eventually 5 seen "$1" "$down"
    echo "said: $(jq -rs 'map(select(.kind == "gc.events" and .provider == "public"))[] |
        "\(.old.level) to \(.new.level) by \(.cause) \(.client | .command? // .name? // "")"' "$events" | paste -sd,)"
    kill "$follower"
}

scenario_streams() { traced "$app"; }

# The wall clock, to which records and grace do not belong.
scenario_clock() {
    local main
    main=$(systemctl show -P MainPID clrmond)
    date -s '+1 hour' >/dev/null
    traced "$app"
    date -s '-3 hours' >/dev/null
    traced "$app"
    date -s '+2 hours' >/dev/null
    [[ $(systemctl show -P MainPID clrmond) == "$main" ]] || { echo "it is another one"; false; }
}

scenario_container() {
    # shellcheck disable=SC2016 # for the inner shell
    start_app unshare --net --mount sh -c 'mount -t tmpfs none /tmp && exec "$@"' sh
    local boxed=$LAB_PID
    eventually 10 level_is "$boxed" 0
    traced "$boxed" nsenter --net --mount --target "$boxed"
    lab_stop "$boxed"
}

scenario_deleted() {
    local gone own
    cp -rs "$CLRMON_LAB/dotnet" /home/app/dotnet
    cd /home/app/dotnet || return
    for own in dotnet host/fxr/*/libhostfxr.so shared/*/*/lib{coreclr,hostpolicy}.so; do
        cp --remove-destination "$CLRMON_LAB/dotnet/$own" "$own"
    done
    DOTNET=/home/app/dotnet start_app
    gone=$LAB_PID
    rm shared/*/*/libcoreclr.so
    grep ' /home/app/dotnet/.*libcoreclr.so (deleted)' "/proc/$gone/maps"
    chmod 700 /home/app
    eventually 20 level_is "$gone" 0
    traced "$gone"
    lab_stop "$gone"
    rm -r /home/app/dotnet
}

# NUMBER: of restarts before
restarted() { (($(restarts) == $1 + 1)) && active; }
unchanged() { (($(restarts) == $1)) && active; }

scenario_restarts() {
    local before pid
    before=$(restarts) pid=$(property MainPID)
    start_trace "$app"
    eventually 5 level_is "$app" 5
    kill -KILL "$pid"
    eventually 30 restarted "$before"
    [[ $(property MainPID) != "$pid" ]]
    eventually 10 level_is "$app" 5
    lab_trace_stop "$TRACE_PID"
    eventually 20 level_is "$app" 0
    clrmon history --since 1h -o jsonl >"$work/history"
    jq -r '"\(.time) \(.kind) \(.pid) \(.reason // "")"' "$work/history"
    jq -es 'any(.kind == "gap") and any(.kind == "gc.events" and .new.level == 5)' "$work/history"
}

scenario_watchdog() {
    local before dropin=/run/systemd/system/clrmond.service.d
    systemctl reset-failed clrmond # the test starts it more often than the unit allows
    mkdir -p "$dropin"
    printf '[Service]\nWatchdogSec=5\n' >"$dropin/watchdog.conf"
    systemctl daemon-reload
    systemctl restart clrmond
    before=$(restarts)
    sleep 7
    unchanged "$before" # it does tell that it is alive
    kill -STOP "$(property MainPID)"
    eventually 30 restarted "$before"
    journalctl -u clrmond --no-pager | grep -i 'watchdog timeout'
    eventually 10 level_is "$app" 0
    rm -r "$dropin"
    systemctl daemon-reload
    systemctl restart clrmond
}

scenario_reloads() {
    local pid before config=/etc/clrmon/clrmond.conf
    pid=$(property MainPID)
    status_is true
    before=$(jq .watching.poll_seconds "$work/status")
    ((before != 7))
    clrmond --config "$config" --check-config
    echo 'recheck_interval = 7s' >>"$config"
    systemctl reload clrmond
    eventually 5 status_is '.watching.poll_seconds == 7'
    sed -i s/7s/9s/ "$config"
    echo 'nonsense = 1' >>"$config"
    refused clrmond --config "$config" --check-config
    refused systemctl reload clrmond
    kill -HUP "$pid" # as one who does not check first
    sleep 1
    status_is '.watching.poll_seconds == 7'
    active
    [[ $(property MainPID) == "$pid" ]]
    cp "$vm/installed/etc/clrmon/clrmond.conf" "$config"
    systemctl reload clrmond
    eventually 5 status_is ".watching.poll_seconds == $before"
}

scenario_metrics() {
    curl -sSf http://127.0.0.1:9464/healthz
    curl -sSf http://127.0.0.1:9464/metrics >"$work/metrics"
    grep "^clrmon_gc_event_level{.*pid=\"$app\"" "$work/metrics"
}

reset_said() { # JQ, of an event
    clrmon history --since 1h -o jsonl -p "$app" >"$work/history"
    jq -es "any(.kind == \"reset\" and ($1))" "$work/history"
}

scenario_resets() {
    local stays dropin=/etc/systemd/system/clrmond.service.d/auto-reset.conf config=/etc/clrmon/clrmond.conf
    systemctl reset-failed clrmond # the test starts it more often than the unit allows
    printf '%s\n' 'auto_reset = leaked' 'grace = 1s' >>"$config"
    systemctl reload clrmond
    eventually 5 status_is '.auto_reset.setting == "leaked"'
    ASKS=0x1:4 start_trace "$app"
    stays=$TRACE_PID
    start_trace "$app"
    lab_trace_stop "$TRACE_PID"
    eventually 30 reset_said '.outcome == "failed" and (.reason | contains("clrmond-auto-reset.conf"))'
    level_is "$app" 5
    install -D -m 644 /usr/share/clrmon/clrmond-auto-reset.conf "$dropin"
    systemctl daemon-reload
    systemctl restart clrmond
    eventually 30 reset_said '.outcome == "put_back" and .new.level == 4'
    eventually 5 level_is "$app" 4
    echo "said: $(jq -rs 'map(select(.kind == "reset"))[].reason' "$work/history" | paste -sd,)"
    lab_trace_stop "$stays"
    rm -r "${dropin%/*}"
    cp "$vm/installed/etc/clrmon/clrmond.conf" "$config"
    systemctl daemon-reload
    systemctl restart clrmond
    eventually 20 level_is "$app" 0
}

scenario_journal() {
    journalctl -u clrmond -o json --no-pager >"$work/journal"
    jq -es --arg pid "$app" 'map(select(._COMM == "clrmond" and ._TRANSPORT == "journal")) |
        all(.PRIORITY != null and .SYSLOG_IDENTIFIER == "clrmond") and any(.CLRMON_KIND == "gap") and
        any(.CLRMON_KIND == "verdict" and .CLRMON_PID == $pid and .CLRMON_VERDICT == "verbose" and .CLRMON_NAME != null)' \
        "$work/journal"
}

scenario_unharmed() {
    kill -0 "$app"
    [[ $(<"$app_out") == "ready $app" ]]
    lab_say "$app" still there
    eventually 10 grep -qx 'done still there' "$app_out"
}

nothing_in_the_kernel() { [[ $(bpf_objects) == "$bpf_before" ]] || { bpf_objects; return 1; }; }

scenario_stops() {
    systemctl stop clrmond.socket clrmond.service
    [[ $(property Result) == success && $(property ExecMainCode) == 1 && $(property ExecMainStatus) == 0 ]]
    eventually 5 nothing_in_the_kernel
    refused pgrep clrmond
    [[ ! -e /run/clrmon/control.sock && ! -e /sys/fs/cgroup/system.slice/clrmond.service ]]
    refused grep /run/clrmon /proc/net/unix
    refused grep -i ':24F8 0*:0000 0A' /proc/net/tcp /proc/net/tcp6 # listens on 9464
    [[ $(stat -c %a /var/lib/clrmon) == 700 && -s /var/lib/clrmon/history.db ]]
}

scenario_activates() {
    systemctl stop clrmond.socket clrmond.service
    systemctl reset-failed clrmond
    systemctl start clrmond.socket clrmond-metrics.socket
    refused active
    as member clrmon status
    active
    curl -sSf http://127.0.0.1:9464/healthz
    systemctl stop clrmond.service
    [[ -S /run/clrmon/control.sock ]] # the unit's, not the daemon's
    curl -sSf http://127.0.0.1:9464/healthz
    active
    systemctl stop clrmond.socket clrmond-metrics.socket clrmond.service
    systemctl start clrmond.service
    refused systemctl is-active clrmond.socket
    as member clrmon status
    refused as app clrmon status
    curl -sSf http://127.0.0.1:9464/healthz
    systemctl stop clrmond.service
    [[ -z $(ls /run/clrmon) ]]
}
