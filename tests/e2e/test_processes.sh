#!/bin/bash
# shellcheck disable=SC2034,SC2154 # shared with lib.sh and lab.sh
# Processes that are none, are not .NET, are not ours, go away, or live in namespaces of their own.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"
# shellcheck disable=SC1091
. "$(dirname "$0")/contained.sh"
row=10.0.14

expect_unknown() { # PID REGEX: of the reason, which is one line
    check_json "$1"
    expect_verdict unknown
    expect ".pid == $1 and (.reasons | length > 0 and all(contains(\"\\n\") | not))"
    field '.reasons[]' | grep -qiE "$2" || fail "no reason like /$2/"
    clrmon check -p "$1"
    expect_status 3
    expect_output "\b$1\b.*\bunknown\b"
}

no_such_process() {
    true &
    wait $!
    expect_unknown $! "no such process|no process|does not exist|gone|ended"
}

kernel_thread() {
    local pid
    pid=$(pgrep -P 2 | head -1)
    [[ -n $pid ]] || { echo "no kernel threads to be seen here"; return; }
    expect_unknown "$pid" "kernel thread"
}

zombie() {
    local pid
    # Its parent has to be one that does not wait for it.
    # shellcheck disable=SC2016
    lab_spawn bash -c '(until [[ $(</proc/$$/comm) == sleep ]]; do sleep 0.01; done) & exec sleep 600'
    eventually 5 pgrep -P "$LAB_PID" -r Z
    pid=$(pgrep -P "$LAB_PID" -r Z)
    expect_unknown "$pid" "zombie|ended|over"
}

not_dotnet() {
    lab_spawn sleep 600
    expect_unknown "$LAB_PID" "\.NET"
}

# What nobody may read and run, as the project's folder may not be; CLRMON_AS: nobody from here on.
as_nobody() {
    ((EUID == 0)) || fail "to be run as root"
    chmod 755 "$E2E_TMP"
    cp "$CLRMON" "$E2E_TMP/clrmon"
    CLRMON=$E2E_TMP/clrmon
    CLRMON_AS=(setpriv --reuid=65534 --regid=65534 --clear-groups)
}

other_user() {
    as_nobody
    lab_start "$row" idle
    expect_unknown "$LAB_PID" "permi|right|root|user"
}

same_user() {
    local expected=off
    as_nobody
    cp "$(lab_image 10.0.12-nativeaot)" "$E2E_TMP/workload"
    lab_spawn "${CLRMON_AS[@]}" env DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$E2E_TMP/workload" idle
    lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" || fail "not ready: $(cat "$LAB_OUT")"
    # Yama may keep everybody but root from everybody's memory.
    [[ $(cat /proc/sys/kernel/yama/ptrace_scope 2>/dev/null || echo 0) == 0 ]] || expected=unknown
    check_json "$LAB_PID"
    expect_verdict $expected
}

dies_meanwhile() {
    local try
    for try in {1..12}; do
        lab_start "$row" idle
        disown "$LAB_PID" # the shell need not say that it was killed
        (sleep "0.0$(printf %02d $((try * 4)))" && kill -s KILL "$LAB_PID") &
        check_json "$LAB_PID"
        [[ $STATUS == [03] ]] || fail "status $STATUS for a process that dies"
        expect '.verdict == "off" or (.verdict == "unknown" and (.reasons | length > 0))'
        wait $!
        lab_stop "$LAB_PID"
    done
}

own_root() { # a private copy of the runtime, in $E2E_TMP/dotnet; starts the program on it
    local lab folder=shared/Microsoft.NETCore.App
    lab=$(lab_dir)
    mkdir -p "$E2E_TMP/dotnet/$folder"
    cp -a "$lab/dotnet/dotnet" "$lab/dotnet/host" "$E2E_TMP/dotnet"
    cp -a "$lab/dotnet/$folder/$row" "$E2E_TMP/dotnet/$folder"
    image=$E2E_TMP/dotnet/$folder/$row/libcoreclr.so
    lab_spawn env DOTNET_ROOT="$E2E_TMP/dotnet" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$E2E_TMP/dotnet/dotnet" \
        exec --fx-version "$row" "$lab/app/workload.dll" idle
    lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" || fail "not ready: $(cat "$LAB_OUT")"
}

expect_same_or_said_so() { # BUILD_ID
    check_json "$LAB_PID"
    if verdict_is unknown; then
        expect '.reasons | any(test("deleted|replaced"; "i"))'
    else
        expect_verdict off
        expect ".runtime.build_id == \"$1\""
    fi
}

image_gone() {
    local image build_id
    own_root
    check_json "$LAB_PID"
    expect_verdict off
    build_id=$(field .runtime.build_id)
    rm "$image"
    expect_same_or_said_so "$build_id"
    cp "$(lab_image 9.0.22)" "$image"
    expect_same_or_said_so "$build_id"
    echo "no image" >"$image"
    expect_same_or_said_so "$build_id"
}

diagnostics_off() {
    export DOTNET_EnableDiagnostics=0
    lab_start "$row" idle
    check_json "$LAB_PID"
    expect_verdict off
}

namespaces() {
    local there namespace pid
    spawn_contained
    lab_wait 30 "$LAB_PID" grep -q '^started' "$LAB_OUT" || fail "$(cat "$LAB_OUT")"
    there=$LAB_PID
    namespace=$(readlink "/proc/$(pgrep -P "$there")/ns/pid")
    pid=$(host_pid "$(said "$there" started)" "$namespace")
    check_json "$pid"
    expect_verdict off
    expect ".namespace_pid == $(said "$there" started)"
    clrmon check -o wide -p "$pid"
    expect_output "pid $(said "$there" started)\b"

    lab_say "$there"
    lab_wait 30 "$there" grep -q '^tracing' "$LAB_OUT" || fail "$(cat "$LAB_OUT")"
    expect_eventually 30 "$pid" verbose
    expect_client "$(host_pid "$(said "$there" tracing)" "$namespace")"

    lab_say "$there"
    lab_wait 30 "$there" grep -q '^over' "$LAB_OUT" || fail "$(cat "$LAB_OUT")"
    expect_eventually 30 "$pid" off
}

reverse_connection() {
    local lab pid tracer
    lab=$(lab_dir)
    export DOTNET_DiagnosticPorts=$E2E_TMP/port,nosuspend
    lab_start "$row" idle
    unset DOTNET_DiagnosticPorts
    pid=$LAB_PID
    check_json "$pid"
    expect_verdict off
    lab_spawn env DOTNET_ROOT="$lab/dotnet" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$lab/dotnet/dotnet" \
        exec --fx-version "$lab_trace_fx" "$lab/dotnet-trace/dotnet-trace.dll" collect \
        --diagnostic-port "$E2E_TMP/port" --providers "$runtime_provider:0x1:5" -o "$E2E_TMP/reverse.nettrace"
    tracer=$LAB_PID
    expect_eventually 30 "$pid" verbose
    expect_client "$tracer"
    ended_cleanly "$tracer"
    expect_eventually 30 "$pid" off
}

scenario "a pid that does not exist" no_such_process
scenario "a kernel thread" kernel_thread
scenario "a zombie" zombie
scenario "not a .NET process" not_dotnet
scenario "another user's process" other_user
scenario "one's own process, not as root" same_user
scenario "a process that dies meanwhile" dies_meanwhile
scenario "an image deleted, replaced, overwritten" image_gone
scenario "diagnostics off" diagnostics_off
scenario "namespaces of its own" namespaces
scenario "a reverse connection" reverse_connection
scenarios_end
