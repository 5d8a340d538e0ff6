#!/bin/bash
# An idle program on every live row is off, and check says what runs there.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"

# The names that stay, with their types; jq lists what is wrong.
# shellcheck disable=SC2016
schema='
def hex: type == "string" and test("^0x[0-9a-f]+$");
def wrong($what; ok): if ok then empty else $what end;
def events($what): wrong($what; (.level | type) == "number" and (.keywords | hex));
[ wrong("schema"; .schema == "clrmon.check/1"), wrong("summary"; (.summary | type) == "object"),
  (.processes[] |
    wrong("pid"; (.pid | type) == "number"), wrong("name"; (.name | type) == "string"),
    (("version", "flavour", "build_id", "arch", "libc") as $key |
        wrong("runtime.\($key)"; (.runtime[$key] | type) == "string")),
    (.gc.public | events("gc.public")), (.gc.private | events("gc.private")),
    wrong("gc.source"; (.gc.source | type) == "string"),
    wrong("providers"; (.providers | type) == "array" and length > 0),
    (.providers[] | events("provider \(.name)"),
        wrong("provider.name"; (.name | type) == "string"), wrong("provider.sink"; (.sink | type) == "string"),
        wrong("provider.enabled"; (.enabled | type) == "boolean")),
    wrong("clients"; (.clients | type) == "array"),
    wrong("verdict"; .verdict | IN("off", "informational", "verbose", "leaked", "unknown")),
    wrong("reasons"; (.reasons | type) == "array" and (.reasons | all(type == "string"))))
] | join(", ")'

expect_schema() {
    local wrong
    wrong=$(jq -r "$schema" <<<"$OUTPUT") || fail "not the JSON that was promised"
    [[ -z $wrong ]] || fail "wrong in the JSON: $wrong"
}

expect_runtime() { # ROW
    local flavour build_id
    flavour=$(lab_field "$1" form)
    case $flavour in
    framework) flavour=framework-dependent ;;
    nativeaot) flavour=NativeAOT ;;
    esac
    build_id=$(readelf -n "$(lab_image "$1")" | awk '/Build ID:/ { print $3 }')
    [[ -n $build_id ]] || fail "readelf shows no build id"
    expect ".runtime == (.runtime + {version: \"$(lab_field "$1" version)\", flavour: \"$flavour\",
        build_id: \"$build_id\", libc: \"glibc\"})"
    expect ".runtime.arch | test(\"^x86[-_]64$\")"
}

off() { # ROW
    lab_start "$1" idle
    check_json "$LAB_PID"
    expect_schema
    expect_verdict off
    expect ".pid == $LAB_PID and .clients == [] and .gc.public.level == 0 and .gc.public.keywords == \"0x0\""
    expect_runtime "$1"
    clrmon check -j --process-id "$LAB_PID"
    expect ".pid == $LAB_PID"
    clrmon check -p "$LAB_PID"
    expect_status 0
    expect_output "\b$LAB_PID\b.*\boff\b"
}

# What "dotnet publish --self-contained" does: the runtime beside the program, whose name is in its host.
self_contained() { # ROW
    local lab app=$E2E_TMP/app name=workload.dll offset
    lab=$(lab_dir)
    cp -a "$(dirname "$(lab_image "$1")")" "$app"
    rm "$app"/*.deps.json
    cp "$lab/app/$name" "$app"
    echo '{"runtimeOptions": {"includedFrameworks": [{"name": "Microsoft.NETCore.App", "version": "'"$1"'"}]}}' \
        >"$app/workload.runtimeconfig.json"
    cp "$lab"/packs/host/runtimes/*/native/apphost "$app/workload"
    chmod +x "$app/workload"
    # The place for it is marked with the SHA-256 of "foobar".
    offset=$(grep -abo c3ab8ff13720e8ad9047dd39466b3c8974e592c2fa383d4a3960714caef0c4f2 "$app/workload" | head -1)
    printf '%s\0' "$name" | dd of="$app/workload" bs=1 seek="${offset%%:*}" conv=notrunc status=none
    lab_spawn env DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$app/workload" idle
    lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" || fail "not ready: $(cat "$LAB_OUT")"
    check_json "$LAB_PID"
    expect_schema
    expect_verdict off
    expect ".runtime.flavour == \"self-contained\" and .runtime.version == \"$1\""
}

mapfile -t rows < <(lab_rows live)
scenario_rows "an idle program" off "${rows[@]}"
scenario_rows "a self-contained program" self_contained 10.0.12
scenarios_end
