#!/bin/bash
# Where everything is, in every image of the lab, and from every source: the answers agree with each
# other and with readelf.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"

gc_sites=(gc.state.levels gc.state.keywords gc.control.public.wks gc.control.public.svr
    gc.control.private.wks gc.control.private.svr)
other_sites=(provider.context.runtime provider.context.private provider.context.rundown
    provider.context.stress eventpipe.provider.runtime eventpipe.sessions lock.contention.enter lock.contention.exit
    wait.handle.enter wait.handle.exit)

# What is not there: a GC library has no events but the GC's own, NativeAOT one GC, no stress log and locks in managed code.
# Before 3.0 a provider has no context and the sessions no table.
absent() { # ROW
    case $1 in
    2.*) printf '%s\n' provider.context.{runtime,private,rundown,stress} eventpipe.sessions ;;
    *-clrgc | *-clrgcexp) printf '%s\n' "${other_sites[@]}" ;;
    *-nativeaot) printf '%s\n' gc.control.public.svr gc.control.private.svr provider.context.stress \
        lock.contention.enter lock.contention.exit wait.handle.enter wait.handle.exit ;;
    esac
}

symbols() { # FILE [ARG...]
    clrmon symbols "$1" -j "${@:2}"
    expect_json '.sites | length >= 12' "symbols $*: too few sites"
}

address() { jq -r --arg name "$1" '.sites[] | select(.name == $name and .status == "found") | .address' <<<"$OUTPUT"; }

every_site() { # ROW
    local site found not_there
    symbols "$(lab_image "$1")"
    expect_status 0
    not_there=$(absent "$1")
    for site in "${gc_sites[@]}" "${other_sites[@]}"; do
        found=$(address "$site")
        if grep -qxF "$site" <<<"$not_there"; then
            [[ -z $found ]] || fail "$site is at $found, though it cannot be there"
        else
            [[ $found =~ ^0x[0-9a-f]+$ ]] || fail "$site is not found"
        fi
    done
    expect_json '.sites | all((.evidence | type) == "string" and (.evidence | length) > 0)' "a site without evidence or reason"
    expect_json '.sites | all(.status != "found" or (.source and .confidence))' "an answer without source or confidence"
}

# truth FILE: "site address" a line, from its .symtab as readelf shows it
truth() {
    readelf -sW "$1" 2>/dev/null | awk '
        BEGIN {
            name["_ZN13GCEventStatus13enabledLevelsE"] = "gc.state.levels"
            name["_ZN13GCEventStatus15enabledKeywordsE"] = "gc.state.keywords"
            name["_ZN3WKS6GCHeap13ControlEventsE14GCEventKeyword12GCEventLevel"] = "gc.control.public.wks"
            name["_ZN3SVR6GCHeap13ControlEventsE14GCEventKeyword12GCEventLevel"] = "gc.control.public.svr"
            name["_ZN3WKS6GCHeap20ControlPrivateEventsE14GCEventKeyword12GCEventLevel"] = "gc.control.private.wks"
            name["_ZN3SVR6GCHeap20ControlPrivateEventsE14GCEventKeyword12GCEventLevel"] = "gc.control.private.svr"
            name["MICROSOFT_WINDOWS_DOTNETRUNTIME_PROVIDER_DOTNET_Context"] = "provider.context.runtime"
            name["MICROSOFT_WINDOWS_DOTNETRUNTIME_PRIVATE_PROVIDER_DOTNET_Context"] = "provider.context.private"
            name["MICROSOFT_WINDOWS_DOTNETRUNTIME_RUNDOWN_PROVIDER_DOTNET_Context"] = "provider.context.rundown"
            name["MICROSOFT_WINDOWS_DOTNETRUNTIME_STRESS_PROVIDER_DOTNET_Context"] = "provider.context.stress"
            name["_ZN9AwareLock17EnterEpilogHelperEP6Threadi"] = "lock.contention.enter"
            name["_ZN16WaitHandleNative16CorWaitOneNativeEPvi"] = "wait.handle.enter"
            name["EventPipeProviderDotNETRuntime"] = "eventpipe.provider.runtime"
            name["_ep_sessions"] = name["_ZN9EventPipe11s_pSessionsE"] = "eventpipe.sessions"
        }
        $8 in name { sub(/^0+/, "", $2); print name[$8], "0x" $2 }' | sort -u
}

# expect_truth FILE SITE...: those sites are found where FILE's .symtab has them, all others there or not at all
expect_truth() {
    local true_sites site where found
    true_sites=$(truth "$1")
    [[ $(wc -l <<<"$true_sites") -ge 8 ]] || fail "readelf knows too little of $1"
    while read -r site where; do
        found=$(address "$site")
        [[ $found == "$where" || (-z $found && " ${*:2} " != *" $site "*) ]] || fail "$site at ${found:-no address}, not $where"
    done <<<"$true_sites"
}

sure=("${gc_sites[@]}" provider.context.{runtime,private,rundown,stress} lock.contention.enter wait.handle.enter)
named=("${gc_sites[@]}" provider.context.{runtime,private,rundown,stress} eventpipe.provider.runtime eventpipe.sessions
    lock.contention.enter wait.handle.enter)

sources() { # ROW, with .symtab
    local image
    image=$(lab_image "$1")
    symbols "$image" --source symtab
    expect_truth "$image" "${named[@]}"
    expect_json '.sites | all(.status != "found" or .source == "symtab")' "another source answers"
    symbols "$image" --source structure
    expect_truth "$image" "${sure[@]}"
    expect_json '.sites | all(.status != "found" or .source == "structure")' "another source answers"
}

# The exits of a function: all that objdump shows leaving it are there, or a cut before them that the kernel emulates.
exits() { # ROW
    local image site
    image=$(lab_image "$1")
    symbols "$image"
    for site in lock.contention wait.handle; do
        expect_json ".sites[] | select(.name == \"$site.exit\") | .address == .exits[0].address and .offset == .exits[0].offset" \
            "the exit is not the first one"
        expect_json ".sites[] | select(.name == \"$site.exit\") | .exits |
            all(.emulated) and any(.kind == \"returns\") and any(.kind == \"throws\")" "$site: not all ways out, or not emulated"
        expect_json ".sites[] | select(.name == \"$site.exit\") | .exits | length <= 4" "$site has too many exits"
    done
    expect_json '.sites[] | select(.name == "lock.contention.enter") | .layout | .holder == 8 and
        (.sync_table | startswith("0x")) and (.holder_is_thread or .owner_tid == 16) and
        (.owner_tid == 0) == (.thread_tid == 0) and (.sync_index == 20 or .sync_index == 28)' "the layout of a lock"
    [[ $1 == *arm64 ]] && return # of which objdump knows nothing
    exits_are_code "$image" lock.contention
    exits_are_code "$image" wait.handle
}

# What objdump shows at each exit is a jump or the call of _Unwind_Resume, and an instruction of the function.
exits_are_code() { # IMAGE SITE
    local start kind at line
    start=$(address "$2.enter")
    while read -r kind at; do
        line=$(objdump -d --no-show-raw-insn --start-address="$start" --stop-address=$((at + 16)) "$1" |
            awk -v at="${at#0x}:" '$1 == at { $1 = ""; print }')
        case $kind in
        throws) [[ $line == *call*_Unwind_Resume* ]] || fail "a throw at $at: $line" ;;
        *) [[ $line =~ ^\ *j[a-z]+\  ]] || fail "an exit at $at: $line" ;;
        esac
    done < <(jq -r --arg name "$2.exit" '.sites[] | select(.name == $name) | .exits[] | "\(.kind) \(.address)"' <<<"$OUTPUT")
}

stripped_copy() { # IMAGE NAME: sets "copy"
    copy=$E2E_TMP/$2
    objcopy --strip-all --remove-section .gnu_debuglink "$1" "$copy"
    [[ -z $(truth "$copy") ]] || fail "not stripped"
}

stripped() { # ROW, with .symtab
    local image copy
    image=$(lab_image "$1")
    stripped_copy "$image" libcoreclr.so
    symbols "$copy" --source symtab
    expect_json '.sites | all(.status != "found")' "symbols in a stripped file"
    symbols "$copy"
    expect_truth "$image" "${sure[@]}"
}

debug_files() { # ROW, with .symtab
    local image copy id debug=$E2E_TMP/debug
    image=$(lab_image "$1")
    stripped_copy "$image" libcoreclr.so
    id=$(readelf -n "$image" | awk '/Build ID:/ { print $3 }')

    mkdir -p "$debug/.build-id/${id:0:2}"
    objcopy --only-keep-debug "$image" "$debug/.build-id/${id:0:2}/${id:2}.debug"
    debug_file_answers "$image" "$copy" --debug-dir "$debug"

    mkdir -p "$debug/_.debug/elf-buildid-sym-$id"
    mv "$debug/.build-id/${id:0:2}/${id:2}.debug" "$debug/_.debug/elf-buildid-sym-$id/_.debug"
    debug_file_answers "$image" "$copy" --debug-dir "$debug"

    mv "$debug/_.debug/elf-buildid-sym-$id/_.debug" "$E2E_TMP/other-name.debug"
    (cd "$E2E_TMP" && objcopy --add-gnu-debuglink=other-name.debug libcoreclr.so)
    debug_file_answers "$image" "$copy"

    # A debug file of another build is not believed.
    objcopy --only-keep-debug "$(lab_image 3.1.3)" "$E2E_TMP/other-name.debug"
    symbols "$copy" --source debug-file
    expect_json '.sites | all(.status != "found")' "believes another build's debug file"
}

debug_file_answers() { # IMAGE COPY [ARG...]
    symbols "${@:2}" --source debug-file
    expect_truth "$1" "${named[@]}"
}

nativeaot() { # ROW: its .dbg is beside it
    local image folder copy
    image=$(lab_image "$1")
    folder=$(dirname "$image")
    symbols "$image" --source debug-file
    expect_truth "$image.dbg" gc.state.levels gc.state.keywords
    cp "$image" "$E2E_TMP/workload"
    symbols "$E2E_TMP/workload" --source debug-file --debug-dir "$folder"
    expect_truth "$image.dbg" gc.state.levels gc.state.keywords
    symbols "$E2E_TMP/workload" --source structure
    expect_truth "$image.dbg" gc.state.levels gc.state.keywords provider.context.runtime
}

packs() { # ROW
    local image pack=$E2E_TMP/pack.json sites
    image=$(lab_image "$1")
    symbols "$image"
    sites=$(jq -c '[.sites[] | [.name, .address, .status]]' <<<"$OUTPUT")
    clrmon symbols export "$image"
    expect_status 0
    echo "$OUTPUT" >"$pack"
    rm -rf "$E2E_TMP/cache"
    symbols "$image" --source pack
    expect_json '.sites | all(.status != "found")' "a pack that was not imported answers"
    clrmon symbols import "$pack"
    expect_status 0
    symbols "$image" --source pack
    [[ $(jq -c '[.sites[] | [.name, .address, .status]]' <<<"$OUTPUT") == "$sites" ]] || fail "the pack's answers differ"
}

refused() { # PACK
    clrmon symbols import "$1"
    [[ $STATUS == [34] ]] || fail "a bad pack is taken"
    expect_one_error_line
}

bad_packs() { # ROW
    local image pack=$E2E_TMP/pack.json bad=$E2E_TMP/bad.json id
    image=$(lab_image "$1")
    clrmon symbols export "$image"
    echo "$OUTPUT" >"$pack"
    for edit in '{}' '[]' '.schema = "clrmon.pack/99"' '.sites = 7' 'del(.build_id)' '.build_id = "../../x"' \
        '.sites[0].address = "far away"'; do
        jq "$edit" "$pack" >"$bad"
        refused "$bad"
    done
    head -c 100 "$pack" >"$bad"
    refused "$bad"
    : >"$bad"
    refused "$bad"
    refused "$E2E_TMP/no-such-file"

    # For another build: import cannot know, but nothing of it is used for this one.
    id=$(jq -r .build_id "$pack")
    rm -rf "$E2E_TMP/cache"
    jq '(.build_id, .fingerprint[0].bytes) |= (.[0:2] as $a | "0f" + .[2:])' "$pack" >"$bad"
    clrmon symbols import "$bad"
    pack_is_not_used "$image"
    rm -rf "$E2E_TMP/cache"
    jq ".fingerprint[].bytes |= gsub(\"[0-9a-f]\"; \"0\")" "$pack" >"$bad"
    [[ $(jq -r .build_id "$bad") == "$id" ]] || fail "the wrong pack was made"
    clrmon symbols import "$bad"
    pack_is_not_used "$image"
}

pack_is_not_used() { # IMAGE
    symbols "$1" --source pack
    expect_json '.sites | all(.status != "found")' "a wrong pack is believed"
}

running() { # ROW: symbols -p PID is about the same file
    local sites
    symbols "$(lab_image "$1")"
    sites=$(jq -c '[.sites[] | select(.status == "found") | [.name, .address]]' <<<"$OUTPUT")
    lab_start "$1" idle
    clrmon symbols -p "$LAB_PID" -j
    expect_status 0
    expect_json '.schema == "clrmon.symbols/1"' "no schema"
    [[ $(jq -c '[.images[].sites[] | select(.status == "found") | [.name, .address]]' <<<"$OUTPUT") == "$sites" ]] ||
        fail "not what is in the file"
}

mapfile -t rows < <(lab_rows)
mapfile -t runtimes < <(lab_rows | grep -vE 'clrgc|nativeaot')
scenario_rows "every site" every_site "${rows[@]}"
scenario_rows "exits" exits "${runtimes[@]}"
scenario_rows "symtab and structure" sources 3.1.2 3.1.3 3.1-arm64
scenario_rows "a stripped copy" stripped 3.1.2 3.1.3
scenario_rows "separate debug files" debug_files 3.1.2
scenario_rows "a debug file beside" nativeaot 10.0.12-nativeaot
scenario_rows "packs" packs 3.1.2 9.0.22 10.0.12-musl 10.0.12-arm64
scenario_rows "bad packs" bad_packs 10.0.14
scenario_rows "of a process" running 3.1.2 8.0.33 10.0.14 10.0.12-single-file
scenarios_end
