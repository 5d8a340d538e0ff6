#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# Who is killed, stopped, replaced or full: daemon, target, tracer, disk.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"
row=10.0.14

of() { echo ".pid == $LAB_PID and .kind == \"$1\""; } # KIND

traced() {
    daemon_start
    follow
    lab_start "$row" idle
    streamed "$(of process.start)"
    trace "$LAB_PID" 0x1:5
    streamed "$(of gc.events) and .new.level == 5"
    expect_daemon "$LAB_PID" verbose
}

history_ids() { ask history --since 1h -o jsonl; jq -n '[inputs | .id]' <<<"$OUTPUT"; }

daemon_killed() {
    local before last
    traced
    history_of "$LAB_PID"
    before=$OUTPUT
    last=$(history_ids | jq max)
    daemon_kill
    ended_cleanly "$TRACE_PID"
    expect_eventually 30 "$LAB_PID" off
    daemon_spawn
    expect_daemon "$LAB_PID" off
    history_has ".kind == \"gap\" and .id == $((last + 1)) and .since <= .time" || fail "no gap, or ids do not go on"
    history_of "$LAB_PID"
    [[ $OUTPUT == "$before"$'\n'* ]] || fail "the history of before is not whole: $before"
    jq -ne "[inputs | select(.id > $last and .kind == \"gc.events\")] == []" <<<"$OUTPUT" >/dev/null || fail "a change that nobody saw"
    history_ids | jq -e '. == (. | unique)' >/dev/null || fail "ids twice, or out of order"
    trace "$LAB_PID" 0x1:5
    eventually 30 history_has "$(of gc.events) and .id > $last and .new.level == 5 and .cause == \"client\""
    daemon_end
}

daemon_killed_often() { # at once after it answers, and before
    local round
    lab_start "$row" idle
    daemon_config
    for round in 1 2 3 4; do
        daemon_spawn
        daemon_kill
        lab_spawn "$CLRMOND" --config "$E2E_TMP/clrmond.conf"
        DAEMON_PID=$LAB_PID
        daemon_kill
    done
    daemon_spawn
    sqlite3 "$E2E_TMP/state/history.db" 'pragma integrity_check' | grep -qx ok || fail "the history is broken"
    history_ids | jq -e '. == (. | unique)' >/dev/null || fail "ids twice, or out of order"
    daemon_end
}

target_killed() {
    traced
    disown "$LAB_PID"
    kill -s KILL "$LAB_PID"
    streamed "$(of process.exit)"
    ! has_metric "pid=\"$LAB_PID\"" || fail "metrics of a process that was killed"
    ask check --daemon -j -p "$LAB_PID"
    [[ $STATUS != [012] ]] || fail "a verdict about a process that was killed"
    daemon_end
}

tracer_killed() {
    traced
    disown "$TRACE_PID"
    kill -s KILL "$TRACE_PID"
    streamed "$(of gc.events) and .new.level == 0"
    expect_daemon "$LAB_PID" off
    expect '.sessions == [] and .clients == []'
    eventually 10 metric_is "$LAB_PID" clrmon_eventpipe_sessions 0
    daemon_end
}

gone_meanwhile() { # an image that nobody knows yet, and its process is killed while it is looked into
    local try pids=()
    daemon_start
    for try in {1..12}; do
        cp "$(lab_image 10.0.12-nativeaot)" "$E2E_TMP/workload-$try"
        lab_spawn env DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$E2E_TMP/workload-$try" idle
        lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" || fail "not ready: $(<"$LAB_OUT")"
        disown "$LAB_PID"
        pids+=("$LAB_PID")
        sleep "0.$(printf %02d $((try * 4)))" # the moment differs; whatever it is, it has to be right
        kill -s KILL "$LAB_PID"
    done
    for try in "${pids[@]}"; do
        eventually 30 metric_is "$try" clrmon_gc_check_failed ''
    done
    eventually 30 status_holds "[.images[] | select(.path | startswith(\"$E2E_TMP/\")) | .processes] | add // 0 | . == 0"
    lab_start "$row" idle
    expect_daemon "$LAB_PID" off
    daemon_end
}

executes() { # the same pid is another program
    daemon_start
    follow
    fixture_start
    eventually 30 fixture_is_watched
    streamed "$(of process.start)"
    lab_say "$LAB_PID" again
    streamed "$(of process.exit)"
    eventually 30 grep -qz "^ready.*ready" "$LAB_OUT"
    eventually 30 fixture_is_watched
    lab_say "$LAB_PID" '2 5 0x7'
    streamed "$(of gc.events) and .provider == \"public\" and .old.level == 0 and .new == {level: 5, keywords: \"0x7\"}"
    lab_say "$LAB_PID" sleep
    eventually 30 fixture_is_watched 0
    ! has_metric "pid=\"$LAB_PID\"" || fail "metrics of a program that is no .NET any more"
    [[ $(jq -nR "[inputs | fromjson? | select(.pid == $LAB_PID) | .kind | select(startswith(\"process\"))] | join(\" \")" "$FOLLOWER") == \
        '"process.start process.exit process.start process.exit"' ]] || fail "not two lives: $(<"$FOLLOWER")"
    daemon_end
}

not_dotnet() {
    daemon_start
    lab_spawn sleep 600
    ask check --daemon -j -p "$LAB_PID"
    [[ $STATUS == [34] ]] || fail "status $STATUS"
    grep -q "$LAB_PID" <<<"$ERRORS$OUTPUT" || fail "which pid?"
    [[ $(wc -l <<<"$ERRORS") -le 1 ]] || fail "not one line"
    ask check --daemon -j -p 4194303
    [[ $STATUS == [34] ]] || fail "status $STATUS"
    daemon_end
}

resident_kib() { awk '$1 == "VmRSS:" { print $2 }' "/proc/$DAEMON_PID/status"; }

descriptors() { compgen -G "/proc/$DAEMON_PID/fd/*" | wc -l; }

briefly() { # COUNT: of each kind
    local i
    for ((i = 0; i < $1; i++)); do
        /bin/true
        "$CLRMON_FIXTURE/program" "$E2E_TMP/libcoreclr.so" brief
    done
}

settled() { # the daemon has seen all of them come and go
    status_holds "$accounts" && fixture_is_watched 0 && ! has_metric '\{pid="[0-9]+",name="program"'
}

many_brief() {
    local before after fds
    # A sanitizer that keeps what was freed would make it grow.
    export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1"
    daemon_start
    fixture_start
    eventually 30 fixture_is_watched
    lab_stop "$LAB_PID"
    briefly 200
    eventually 30 settled
    before=$(resident_kib) fds=$(descriptors)
    briefly 1000
    eventually 30 settled
    after=$(resident_kib)
    ((after - before < 4096)) || fail "$before KiB became $after"
    eventually 10 eval "((\$(descriptors) <= $fds))"
    status_holds '.hits.exec >= 2400' || fail "not every exec was seen"
    daemon_end
}

twenty() { # at once, of several runtimes
    local rows=(8.0.33 9.0.22 10.0.14 10.0.12-nativeaot) pids=() i pid lab
    lab=$(lab_dir)
    daemon_start
    follow
    for i in {0..19}; do
        case ${rows[i % 4]} in
        *-nativeaot) lab_spawn env DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$(lab_image "${rows[i % 4]}")" idle ;;
        *) lab_spawn env DOTNET_ROOT="$lab/dotnet" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$lab/dotnet/dotnet" exec \
            --fx-version "${rows[i % 4]}" "$lab/app/workload.dll" idle ;;
        esac
        pids+=("$LAB_PID")
    done
    for pid in "${pids[@]}"; do
        streamed ".kind == \"process.start\" and .pid == $pid"
    done
    for pid in "${pids[@]}"; do expect_daemon "$pid" off; done
    trace "${pids[7]}" 0x1:5
    trace "${pids[13]}" 0x1:5
    eventually 30 daemon_verdict "${pids[7]}" verbose
    eventually 30 daemon_verdict "${pids[13]}" verbose
    for pid in "${pids[@]}"; do
        [[ $pid == "${pids[7]}" || $pid == "${pids[13]}" ]] || daemon_verdict "$pid" off || fail "$pid: $(field .verdict)"
    done
    for pid in "${pids[@]}"; do disown "$pid"; done
    kill -s KILL "${pids[@]}"
    for pid in "${pids[@]}"; do streamed ".kind == \"process.exit\" and .pid == $pid"; done
    for pid in "${pids[@]}"; do
        [[ $(jq -nR "[inputs | fromjson? | select(.pid == $pid and .kind == \"process.start\")] | length" "$FOLLOWER") == 1 ]] || fail "$pid started twice"
    done
    daemon_end
}

stopped() { # the daemon stands still while traces come and go
    daemon_start
    follow
    lab_start "$row" idle
    streamed "$(of process.start)"
    kill -s STOP "$DAEMON_PID"
    trace "$LAB_PID" 0x1:5
    expect_eventually 30 "$LAB_PID" verbose
    ended_cleanly "$TRACE_PID"
    expect_eventually 30 "$LAB_PID" off
    trace "$LAB_PID" 0x1:4
    expect_eventually 30 "$LAB_PID" informational
    kill -s CONT "$DAEMON_PID"
    expect_daemon "$LAB_PID" informational
    expect_client "$TRACE_PID"
    streamed "$(of gc.events) and .old.level == 0 and .new.level == 5"
    streamed "$(of gc.events) and .old.level == 5 and .new.level == 0"
    streamed "$(of gc.events) and .old.level == 0 and .new.level == 4"
    ended_cleanly "$TRACE_PID"
    expect_daemon "$LAB_PID" off
    daemon_end
}

full_disk() {
    local deadline=$((SECONDS + 120))
    mkdir "$E2E_TMP/state"
    # shellcheck disable=SC2016
    DAEMON_AS=(unshare --mount sh -c 'mount -t tmpfs -o size=512k tmpfs "$0" && exec "$@"' "$E2E_TMP/state")
    daemon_start
    fixture_start
    eventually 30 fixture_is_watched
    until status_holds '.history.dropped > 0 and .history.trouble != null'; do
        ((SECONDS < deadline)) || fail "the disk does not get full"
        lab_say "$LAB_PID" '2000 5 0x1'
        sleep 0.1
    done
    ask status
    expect_status 0
    has_metric '^clrmon_history_dropped_total [1-9]' || fail "not in the metrics"
    lab_say "$LAB_PID" '2 4 0x3'
    eventually 30 daemon_is "$LAB_PID" '.gc.public.level == 4 and .gc.public.keywords == "0x3"'
    follow -p "$LAB_PID"
    lab_say "$LAB_PID" '2 5 0x5'
    streamed "$(of gc.events) and .new == {level: 5, keywords: \"0x5\"}"
    daemon_end
}

reloads() { # a leak that is waited for an hour, until the grace time is another
    local stays
    daemon_start 'grace = 1h'
    lab_start "$row" idle
    trace "$LAB_PID" 0x1:4
    stays=$TRACE_PID
    trace "$LAB_PID" 0x1:5
    expect_daemon "$LAB_PID" verbose
    ended_cleanly "$TRACE_PID"
    expect_eventually 30 "$LAB_PID" leaked
    daemon_verdict "$LAB_PID" verbose || fail "a leak within the grace time"
    echo 'grace = now' >>"$E2E_TMP/clrmond.conf"
    kill -s HUP "$DAEMON_PID"
    eventually 10 grep -q 'stays as it was.*grace' "$DAEMON_LOG"
    daemon_verdict "$LAB_PID" verbose || fail "a configuration that is not good was taken"
    daemon_config 'grace = 0s'
    kill -s HUP "$DAEMON_PID"
    expect_daemon "$LAB_PID" leaked
    ended_cleanly "$stays"
    daemon_end
}

refused() { # REGEX [ARG...]: with one line and a status that is not 0
    local status=0
    timeout 20 "$CLRMOND" "${@:2}" >"$E2E_TMP/output" 2>"$E2E_TMP/errors" || status=$?
    ((status > 0 && status < 99)) || fail "status $status of clrmond ${*:2}"
    [[ $(wc -l <"$E2E_TMP/errors") == 1 ]] || fail "not one line: $(<"$E2E_TMP/errors")"
    grep -qE -- "$1" "$E2E_TMP/errors" || fail "no /$1/ in: $(<"$E2E_TMP/errors")"
}

configuration() {
    daemon_config
    "$CLRMOND" --config "$E2E_TMP/clrmond.conf" --check-config >"$E2E_TMP/output" || fail "a good one is refused"
    [[ ! -e $DAEMON_SOCKET && ! -e $E2E_TMP/state ]] || fail "a check made something"
    daemon_config 'grace = soon'
    refused 'line 8: grace: .soon.' --config "$E2E_TMP/clrmond.conf" --check-config
    refused 'line 8: grace: .soon.' --config "$E2E_TMP/clrmond.conf"
    daemon_config 'colour = green'
    refused 'line 8.*colour' --config "$E2E_TMP/clrmond.conf"
    refused 'No such file' --config "$E2E_TMP/none"
    [[ ! -e $DAEMON_SOCKET && ! -e $E2E_TMP/state ]] || fail "it had begun already"
    daemon_start
    refused 'socket|listens|already' --config "$E2E_TMP/clrmond.conf"
    answers || daemon_fail "a second daemon took the first one's socket"
    daemon_end
}

scenario "the daemon is killed" daemon_killed
scenario "the daemon is killed again and again" daemon_killed_often
scenario "the target is killed" target_killed
scenario "the tracer is killed" tracer_killed
scenario "the target goes while its image is looked into" gone_meanwhile
scenario "exec in place" executes
scenario "not a .NET process" not_dotnet
scenario "2,000 short lives in a row" many_brief
scenario "20 at once" twenty
scenario "the daemon is stopped" stopped
scenario "a full disk" full_disk
scenario "the configuration is read again" reloads
scenario "good and bad configurations" configuration
scenarios_end
