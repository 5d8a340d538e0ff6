#!/bin/bash
# clrmon ps and clrmon doctor.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"

ps_json() { # PID: sets OUTPUT to its entry
    clrmon ps -j
    expect_status 0
    OUTPUT=$(jq -c "{processes: [.processes[] | select(.pid == $1)]}" <<<"$OUTPUT") || fail "no JSON of processes"
    [[ $(jq '.processes | length' <<<"$OUTPUT") == 1 ]] || fail "ps does not list $1 once"
}

listed() { # ROW
    lab_start "$1" idle
    ps_json "$LAB_PID"
    expect ".. | strings | select(. == \"$(lab_field "$1" version)\")"
    expect "[.. | strings] | any(test(\"dotnet-diagnostic-$LAB_PID-|^on\"))"
    clrmon ps
    expect_status 0
    expect_output "\b$LAB_PID\b.*$(lab_field "$1" version | sed 's/\./\\./g')"
}

server_gc() { # ROW
    export DOTNET_gcServer=1 COMPlus_gcServer=1
    lab_start "$1" idle
    ps_json "$LAB_PID"
    expect '[.. | strings] | any(. == "server")'
}

workstation_gc() { # ROW
    lab_start "$1" idle
    ps_json "$LAB_PID"
    expect '[.. | strings] | any(. == "workstation")'
}

port_off() { # ROW
    export DOTNET_EnableDiagnostics=0
    lab_start "$1" idle
    ps_json "$LAB_PID"
    expect "[.. | strings] | any(test(\"dotnet-diagnostic-\")) | not"
    clrmon ps
    expect_output "\b$LAB_PID\b.*\boff\b"
}

profiler() { # ROW: one that the environment names
    local id='{cf0d821e-299b-5307-a3d8-b283c03916dd}'
    CORECLR_PROFILER_PATH=$(lab_image 10.0.14-clrgc)
    export CORECLR_ENABLE_PROFILING=1 CORECLR_PROFILER=$id CORECLR_PROFILER_PATH
    lab_start "$1" idle
    ps_json "$LAB_PID"
    expect "[.. | strings] | any(test(\"${id:1:36}|$CORECLR_PROFILER_PATH\"))"
}

startup_hook() { # ROW
    local lab hook=$E2E_TMP/hook.dll
    lab=$(lab_dir)
    echo 'class StartupHook { public static void Initialize() { } }' >"$E2E_TMP/hook.cs"
    DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$lab/dotnet/dotnet" exec --fx-version 10.0.14 \
        "$lab"/dotnet/sdk/*/Roslyn/bincore/csc.dll -noconfig -nologo -target:library "-out:$hook" "$E2E_TMP/hook.cs" \
        -r:"$(echo "$lab"/dotnet/packs/Microsoft.NETCore.App.Ref/*/ref/netcoreapp3.1/System.Runtime.dll)"
    export DOTNET_STARTUP_HOOKS=$hook
    lab_start "$1" idle
    ps_json "$LAB_PID"
    expect "[.. | strings] | any(test(\"$hook\"))"
}

doctor() {
    clrmon doctor
    expect_status 0
    expect_output "$(uname -r | sed 's/[.+]/\\&/g')"
    expect_output "capabilities"
    expect_output "btf|BTF"
    expect_output "tracefs"
    expect_output "lockdown"
}

mapfile -t rows < <(lab_rows live)
scenario_rows "listed" listed "${rows[@]}"
scenario_rows "server GC" server_gc 3.1.2 8.0.33 10.0.14
scenario_rows "workstation GC" workstation_gc 8.0.33 10.0.14
scenario_rows "no diagnostics port" port_off 10.0.14
scenario_rows "a profiler" profiler 8.0.33 10.0.14
scenario_rows "a startup hook" startup_hook 3.1.2 10.0.14
scenario "the doctor" doctor
scenarios_end
