#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# Which files are watched: a GC of its own, one file under two names, a file that is replaced, another root.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"
# shellcheck disable=SC1091
. "$(dirname "$0")/contained.sh"
row=10.0.14

of() { echo ".pid == $LAB_PID and .kind == \"$1\""; } # KIND

seen_traced() { # a trace of LAB_PID is seen when it begins, by its client
    trace "$LAB_PID" 0x1:5
    streamed "$(of gc.events) and .provider == \"public\" and .new.level == 5 and .cause == \"client\" and .client.pid == $TRACE_PID"
    expect_daemon "$LAB_PID" verbose
    ended_cleanly "$TRACE_PID"
    expect_daemon "$LAB_PID" off
}

other_gc() { # ROW-LIBRARY, a file row
    local library=lib${1##*-}.so
    daemon_start
    follow
    export DOTNET_GCName=$library
    lab_start "${1%-*}" idle
    unset DOTNET_GCName
    expect_daemon "$LAB_PID" off
    expect ".gc.source | test(\"$library\")"
    status_holds ".images | any((.path | endswith(\"/$library\")) and .probes >= 2 and .processes >= 1 and .trouble == null)" || fail "$library is not probed"
    seen_traced
    daemon_end
}

# A private copy of the runtime in FOLDER; starts the program on it.
copy_runtime() { # FOLDER
    local lab shared=shared/Microsoft.NETCore.App
    lab=$(lab_dir)
    mkdir -p "$1/$shared"
    cp -a "$lab/dotnet/dotnet" "$lab/dotnet/host" "$1"
    cp -a "$lab/dotnet/$shared/$row" "$1/$shared"
}

start_copy() { # FOLDER
    lab_spawn env DOTNET_ROOT="$1" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$1/dotnet" exec --fx-version "$row" "$(lab_dir)/app/workload.dll" idle
    lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" || fail "not ready: $(<"$LAB_OUT")"
}

images_below() { status_is "[.images[] | select(.path | startswith(\"$1/\"))] | $2"; } # FOLDER JQ

two_names() { # hard links: one inode
    local image=shared/Microsoft.NETCore.App/$row/libcoreclr.so first
    copy_runtime "$E2E_TMP/one"
    cp -al "$E2E_TMP/one" "$E2E_TMP/two"
    daemon_start
    follow
    start_copy "$E2E_TMP/one"
    first=$LAB_PID
    expect_daemon "$first" off
    start_copy "$E2E_TMP/two"
    expect_daemon "$LAB_PID" off
    grep -q "$E2E_TMP/two/$image" "/proc/$LAB_PID/maps" || fail "not the other name"
    [[ $(images_below "$E2E_TMP" 'map([.probes - ([.families[].probes] | add), .processes]) | tostring') == '[[6,2]]' ]] || fail "not one image of two processes"
    seen_traced
    LAB_PID=$first
    seen_traced
    daemon_end
}

two_mounts() { # a bind mount, in a mount namespace of the program's own
    local first
    copy_runtime "$E2E_TMP/one"
    mkdir "$E2E_TMP/two"
    daemon_start
    follow
    start_copy "$E2E_TMP/one"
    first=$LAB_PID
    expect_daemon "$first" off
    # shellcheck disable=SC2016
    lab_spawn unshare --mount sh -c 'mount --bind "$0/one" "$0/two" && exec "$@"' "$E2E_TMP" \
        env DOTNET_ROOT="$E2E_TMP/two" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$E2E_TMP/two/dotnet" exec --fx-version "$row" "$(lab_dir)/app/workload.dll" idle
    lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" || fail "not ready: $(<"$LAB_OUT")"
    grep -q "$E2E_TMP/two/" "/proc/$LAB_PID/maps" || fail "not the other mount"
    expect_daemon "$LAB_PID" off
    [[ $(images_below "$E2E_TMP" 'map([.probes - ([.families[].probes] | add), .processes]) | tostring') == '[[6,2]]' ]] || fail "not one image of two processes"
    seen_traced
    daemon_end
}

replaced() { # in place, as a package manager does it: both are watched
    local old image=$E2E_TMP/one/shared/Microsoft.NETCore.App/$row/libcoreclr.so
    copy_runtime "$E2E_TMP/one"
    daemon_start
    follow
    start_copy "$E2E_TMP/one"
    old=$LAB_PID
    expect_daemon "$old" off
    cp "$image" "$image.new"
    mv "$image.new" "$image"
    grep -q 'libcoreclr.so (deleted)' "/proc/$old/maps" || fail "not replaced"
    start_copy "$E2E_TMP/one"
    expect_daemon "$LAB_PID" off
    [[ $(images_below "$E2E_TMP" 'map([.probes - ([.families[].probes] | add), .processes]) | tostring') == '[[6,1],[6,1]]' ]] || fail "not two images of one process each"
    seen_traced
    LAB_PID=$old
    seen_traced
    lab_stop "$old"
    streamed "$(of process.exit)"
    daemon_end
}

namespaces() {
    local there namespace tracer
    daemon_start
    follow
    spawn_contained
    there=$LAB_PID
    lab_wait 60 "$there" grep -q '^started' "$LAB_OUT" || fail "$(<"$LAB_OUT")"
    namespace=$(readlink "/proc/$(pgrep -P "$there")/ns/pid")
    LAB_PID=$(host_pid "$(said "$there" started)" "$namespace")
    streamed "$(of process.start)"
    expect_daemon "$LAB_PID" off
    expect ".namespace_pid == $(said "$there" started)"
    lab_say "$there"
    lab_wait 60 "$there" grep -q '^tracing' "$(lab_out "$there")" || fail "$(<"$(lab_out "$there")")"
    tracer=$(host_pid "$(said "$there" tracing)" "$namespace")
    streamed "$(of gc.events) and .new.level == 5 and .cause == \"client\" and .client.pid == $tracer"
    expect_daemon "$LAB_PID" verbose
    lab_say "$there"
    lab_wait 60 "$there" grep -q '^over' "$(lab_out "$there")" || fail "$(<"$(lab_out "$there")")"
    expect_daemon "$LAB_PID" off
    daemon_end
}

scenario_rows "DOTNET_GCName" other_gc 8.0.33-clrgc 9.0.22-clrgcexp 10.0.14-clrgc
scenario "one file, two names" two_names
scenario "one file, two mounts" two_mounts
scenario "a file that is replaced" replaced
scenario "namespaces of its own" namespaces
scenarios_end
