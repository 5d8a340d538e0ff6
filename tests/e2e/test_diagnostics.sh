#!/bin/bash
# shellcheck disable=SC2153,SC2154 # shared with lib.sh
# The diagnostics client alone, on real runtimes: each command's answer is what the process is, and what /proc says of it; one that a
# runtime does not know is a clear refusal; and a runtime that cannot be asked has a reason that is told.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC1091
. "$(dirname "$0")/contained.sh"
DIAGNOSTICS=${CLRMON_FIXTURE:-$e2e_here/../../build/dev/tests/fixture}/diagnostics
mapfile -t live < <(rows_but)
mapfile -t coreclr < <(rows_but 10.0.12-nativeaot)

# asked COMMAND PID [ARG...]: sets OUTPUT, ERRORS, STATUS.
asked() {
    STATUS=0
    "$DIAGNOSTICS" "$@" >"$E2E_TMP/answer" 2>"$E2E_TMP/errors" || STATUS=$?
    OUTPUT=$(cat "$E2E_TMP/answer") ERRORS=$(cat "$E2E_TMP/errors")
    ((STATUS <= 1)) || fail "$* ended with $STATUS"
}

answered() { asked "$@"; [[ $STATUS == 0 && -z $ERRORS ]] || fail "$* is refused"; }

refused() { # REASON COMMAND PID [ARG...]
    asked "${@:2}"
    [[ $STATUS == 1 && -z $OUTPUT ]] || fail "${*:2} is answered"
    expect_one_error_line
    [[ $ERRORS == *"$1"* ]] || fail "${*:2}: another reason"
}

told() { sed -nE "s/^(.* )?$1 ([^ ]*).*/\2/p" <<<"$OUTPUT"; } # WORD: what follows it
knows() { [[ ${1%%.*} -ge $2 ]]; } # ROW MAJOR

still_answers() { # ROW: the process is there, and its diagnostics server as well
    case $1 in
    3.*) refused 'unknown command' info "$LAB_PID" ;;
    *) answered info "$LAB_PID" ;;
    esac
}

# command_line ROW: as the runtime makes it, without the host's options.
command_line() {
    local program
    program=$(readlink "/proc/$LAB_PID/exe")
    case $(lab_field "$1" form) in
    framework) echo "$program $(lab_dir)/app/workload.dll idle" ;;
    single-file) echo "$program $program.dll idle" ;;
    nativeaot) echo "$program" ;;
    esac
}

info() { # ROW
    local architecture=x64
    [[ $(uname -m) == x86_64 ]] || architecture=arm64
    lab_start "$1" idle
    knows "$1" 5 || { refused 'the runtime refuses ProcessInfo: unknown command' info "$LAB_PID"; return; }
    answered info "$LAB_PID"
    diff <(grep -v '^cookie ' <<<"$OUTPUT") - <<-END || fail "it says otherwise of itself"
	pid $LAB_PID
	command $(command_line "$1")
	os Linux
	architecture $architecture
	assembly workload
	version $(lab_field "$1" version)
	rid linux-$architecture
	END
    [[ $(told cookie) =~ ^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$ ]] || fail "a strange cookie"
}

environment() { # ROW
    export CLRMON_E2E_TEXT=$'gr\u00fcn \u20ac \U1f600 a=b' CLRMON_E2E_EMPTY='' CLRMON_E2E_LINES=$'a\nb'
    lab_start "$1" idle
    knows "$1" 5 || { refused 'the runtime refuses ProcessEnvironment: unknown command' environment "$LAB_PID"; return; }
    answered environment "$LAB_PID"
    diff <(tr '\n\0' '?\n' <"/proc/$LAB_PID/environ" | sort) <(sort <<<"$OUTPUT") || fail "another environment than in /proc"
}

# What Microsoft's own client says, see lab/workload/Client.cs.
microsofts() { # ARG...
    env DOTNET_ROOT="$(lab_dir)/dotnet" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$(lab_dir)/dotnet/dotnet" exec --fx-version "$lab_trace_fx" \
        "$(lab_dir)/app/client.dll" "$(lab_dir)/dotnet-trace/Microsoft.Diagnostics.NETCore.Client.dll" "$@" 2>"$E2E_TMP/microsofts"
}

agrees() { # ROW
    export CLRMON_E2E_TEXT=$'gr\u00fcn \u20ac \U1f600 a=b' CLRMON_E2E_EMPTY=''
    lab_start "$1" idle
    grep -qx "$LAB_PID" <(microsofts) || fail "Microsoft's client does not find it"
    if knows "$1" 5; then
        answered info "$LAB_PID"
        diff <(microsofts "$LAB_PID" info) - <<<"$OUTPUT" || fail "Microsoft's client sees another process"
        answered environment "$LAB_PID"
        diff <(microsofts "$LAB_PID" environment | sort) <(sort <<<"$OUTPUT") || fail "Microsoft's client sees another environment"
    else
        refused 'unknown command' info "$LAB_PID"
        ! microsofts "$LAB_PID" info || fail "Microsoft's client knows it"
        grep -q '^UnsupportedCommandException: ' "$E2E_TMP/microsofts" || fail "$(cat "$E2E_TMP/microsofts")"
    fi
}

has_methods() { grep -q "$1" "/tmp/perf-$LAB_PID.map"; } # OF

drop_maps() { rm -f "/tmp/perf-$1.map" "/tmp/perfinfo-$1.map" "/tmp/jit-$1.dump"; } # PID

# Now, for an earlier process may have had the number, and at the end.
# shellcheck disable=SC2064 # this pid
drop_all_maps() {
    drop_maps "$LAB_PID"
    trap "drop_maps $LAB_PID; scenario_over" EXIT
}

perf_map() { # ROW
    lab_start "$1" locks
    knows "$1" 8 || { refused 'the runtime refuses EnablePerfMap: unknown command' perf-map "$LAB_PID" 3; return; }
    drop_all_maps
    answered perf-map "$LAB_PID" 3
    has_methods '\[workload\] Program::Main(' || fail "no Main in the map"
    answered perf-map "$LAB_PID" 0
    lab_say "$LAB_PID" "waits 2 1 1"
    lab_wait 60 "$LAB_PID" grep -q '^done waits' "$LAB_OUT" || fail "no waits"
    ! has_methods '\[workload\] Locks::Run(' || fail "it goes on writing"
    [[ ! -e /tmp/jit-$LAB_PID.dump ]] || fail "a dump that nobody wants"
    answered perf-map "$LAB_PID" 1
    has_methods '\[workload\] Locks::Run(' || fail "what was compiled meanwhile is missing"
    [[ -s /tmp/jit-$LAB_PID.dump ]] || fail "no dump"
    answered perf-map "$LAB_PID" 0
}

no_perf_map() { # ROW
    lab_start "$1" idle
    refused 'the runtime refuses EnablePerfMap: not supported' perf-map "$LAB_PID" 3
    refused 'the runtime refuses DisablePerfMap: not supported' perf-map "$LAB_PID" 0
}

# expect_session WORD VALUE...: "some" or a number for each word of the last answer.
expect_session() {
    while (($# > 0)); do
        if [[ $2 == some ]]; then (($(told "$1") > 0)); else [[ $(told "$1") == "$2" ]]; fi || fail "$1 is not $2"
        shift 2
    done
}

sessions() { # ROW
    local all
    lab_start "$1" idle
    answered session "$LAB_PID" 400
    expect_session whole 1 events some stacks some rundown 0 counters 0
    answered session "$LAB_PID" 2500 counters
    expect_session whole 1 events some counters some
    answered session "$LAB_PID" 400 rundown
    expect_session whole 1 events some stacks some rundown some
    all=$(told rundown)
    if knows "$1" 9; then
        answered session "$LAB_PID" 400 stackless
        expect_session whole 1 events some stacks 0 rundown 0
        answered session "$LAB_PID" 400 rundown=0x8
        expect_session whole 1 events some stacks some rundown some
        (($(told rundown) < all)) || fail "no other rundown than the usual one"
    else
        refused 'the runtime refuses CollectTracing3: unknown command' session "$LAB_PID" 400 stackless
        refused 'the runtime refuses CollectTracing4: unknown command' session "$LAB_PID" 400 rundown=0x8
    fi
    chosen_events "$1"
    sessions_are "$LAB_PID" 0 || fail "a session has stayed"
    still_answers "$1"
}

chosen_events() { # ROW
    knows "$1" 10 || { refused 'the runtime refuses CollectTracing5: unknown command' session "$LAB_PID" 400 only=1; return; }
    answered session "$LAB_PID" 400 only=1
    expect_session whole 1 events some ids 1
    answered session "$LAB_PID" 400 but=1
    expect_session whole 1 events some
    [[ ,$(told ids), != *,1,* ]] || fail "an event that is not wanted"
}

sessions_are() { is "$1" ".sessions | length == $2"; } # PID COUNT

# Another client's session ends by its id, and that client sees a whole stream; an id that is none is answered as well.
stop() { # ROW
    local client
    lab_start "$1" idle
    "$DIAGNOSTICS" begin "$LAB_PID" >"$E2E_TMP/begun" &
    client=$!
    eventually 30 sessions_are "$LAB_PID" 1
    answered stop "$LAB_PID" "$(head -1 "$E2E_TMP/begun")"
    wait "$client" || fail "the client has failed"
    grep -qx ended "$E2E_TMP/begun" || fail "the stream has no end"
    eventually 30 sessions_are "$LAB_PID" 0
    answered stop "$LAB_PID" 0x1230
    still_answers "$1"
}

# To a port of DOTNET_DiagnosticPorts the runtime connects, and it goes on listening at its own; a port to listen at is none.
ports() { # ROW
    local listener status=0
    "$DIAGNOSTICS" occupy "$E2E_TMP/port" >"$E2E_TMP/advertised" &
    listener=$!
    eventually 10 grep -q listening "$E2E_TMP/advertised"
    export DOTNET_DiagnosticPorts="$E2E_TMP/port,nosuspend;$E2E_TMP/other,listen,nosuspend"
    lab_start "$1" idle
    wait "$listener" || status=$?
    [[ $status == 0 && $(tail -1 "$E2E_TMP/advertised") == "ADVR_V1 $LAB_PID" ]] || fail "it says $(cat "$E2E_TMP/advertised")"
    [[ ! -e $E2E_TMP/other ]] || fail "it listens"
    answered info "$LAB_PID"
}

temporary_folders() { # ROW
    local long
    cd "$E2E_TMP"
    long=$E2E_TMP/$(printf 'x%.0s' {1..120})
    mkdir relative "$long"
    TMPDIR=relative lab_start "$1" idle
    [[ -S $(echo "relative/dotnet-diagnostic-$LAB_PID-"*) ]] || fail "no socket in $(ls relative)"
    still_answers "$1"
    TMPDIR=$long lab_start "$1" idle
    refused 'its TMPDIR is too long for one' info "$LAB_PID"
}

# In namespaces of its own: by its socket there, whose name has the pid that it has there.
# shellcheck disable=SC2031,SC2034 # the row is for spawn_contained
contained() { # ROW
    local row=$1 there here namespace
    spawn_contained
    eventually 60 grep -q '^started ' "$(lab_out "$LAB_PID")"
    there=$(said "$LAB_PID" started) namespace=$(readlink "/proc/$(pgrep -P "$LAB_PID")/ns/pid")
    here=$(host_pid "$there" "$namespace")
    answered info "$here"
    [[ $(told pid) == "$there" ]] || fail "it is process $(told pid), not $there"
}

switched_off() { # ROW
    export DOTNET_EnableDiagnostics_IPC=0
    lab_start "$1" idle
    refused 'DOTNET_EnableDiagnostics_IPC=0 switches its diagnostics off' info "$LAB_PID"
}

# Its server answers, but 8.0 crashes when it is asked for a perf map, and there are no events.
suspended() { # ROW
    lab_spawn env DOTNET_ROOT="$(lab_dir)/dotnet" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 DOTNET_DefaultDiagnosticPortSuspend=1 \
        "$(lab_dir)/dotnet/dotnet" exec --fx-version "$1" "$(lab_dir)/app/workload.dll" idle
    eventually 30 "$DIAGNOSTICS" info "$LAB_PID" >/dev/null 2>&1
    refused 'waits for a diagnostics client to resume it' session "$LAB_PID" 100
    refused 'waits for a diagnostics client to resume it' perf-map "$LAB_PID" 3
    refused 'waits for a diagnostics client to resume it' perf-map "$LAB_PID" 0
    answered environment "$LAB_PID"
    kill -s KILL "$LAB_PID"
    lab_stop "$LAB_PID"
}

# What is no longer its socket, though it has the right name: nothing of it is followed or asked.
false_sockets() { # ROW
    local path other
    export TMPDIR=$E2E_TMP
    lab_start "$1" idle
    path=$(echo "$E2E_TMP/dotnet-diagnostic-$LAB_PID-"*)
    chown 12345 "$path"
    refused 'belongs to user 12345, the process to user 0' info "$LAB_PID"
    chown 0 "$path"
    mv "$path" "$E2E_TMP/moved"
    refused "has no diagnostics socket in $E2E_TMP: " info "$LAB_PID"
    ln -s moved "$path"
    refused 'is a symbolic link: not followed' info "$LAB_PID"
    rm "$path"
    "$DIAGNOSTICS" occupy "$path" >"$E2E_TMP/occupied" &
    other=$!
    eventually 10 grep -q listening "$E2E_TMP/occupied"
    refused "process $other listens at the diagnostics socket of process $LAB_PID" info "$LAB_PID"
    wait "$other" || true
    grep -qx nothing "$E2E_TMP/occupied" || fail "something was sent to it"
    mv "$E2E_TMP/moved" "$path"
    answered info "$LAB_PID"
}

is_stopped() { ! grep -h '^State:' "/proc/$1"/task/*/status | grep -qv 'T (stopped)'; } # PID: all its threads

# A stopped process: each command gives up in time, and it goes on unharmed.
stopped() { # ROW
    lab_start "$1" idle
    drop_all_maps
    kill -s STOP "$LAB_PID"
    eventually 10 is_stopped "$LAB_PID"
    export DEADLINE_MS=300
    for command in info environment "perf-map PID 3" begin "stop PID 0x1230"; do
        read -ra words <<<"${command/PID/$LAB_PID}"
        ((${#words[@]} > 1)) || words+=("$LAB_PID")
        refused 'the runtime does not answer in time' "${words[@]}"
    done
    kill -s CONT "$LAB_PID"
    unset DEADLINE_MS
    still_answers "$1"
}

scenario_rows "what the runtime says of itself" info "${live[@]}"
scenario_rows "its environment" environment "${live[@]}"
scenario_rows "as Microsoft's client sees it" agrees "${live[@]}"
scenario_rows "perf maps" perf_map "${coreclr[@]}"
scenario_rows "no perf maps" no_perf_map 10.0.12-nativeaot
scenario_rows "sessions" sessions "${coreclr[@]}"
scenario_rows "another's session is stopped" stop "${coreclr[@]}"
scenario_rows "ports that it connects to" ports 8.0.33 10.0.14
scenario_rows "folders for temporary files" temporary_folders 3.1.2 8.0.33 10.0.14
scenario_rows "in namespaces of its own" contained 10.0.14
scenario_rows "diagnostics switched off" switched_off 8.0.33 10.0.14
scenario_rows "waiting to be resumed" suspended 8.0.0 8.0.33 9.0.22 10.0.14
scenario_rows "what is not its socket" false_sockets 10.0.14
scenario_rows "a stopped process" stopped 3.1.2 10.0.14
scenarios_end
