# shellcheck shell=bash
# To be sourced after lib.sh: a real process, and a trace of it, in namespaces of their own.
# shellcheck disable=SC2154

# In namespaces of its own, goes on at each line of input. Its /tmp is its own, too, with what we need in
# it, should that be under /tmp.
# shellcheck disable=SC2016
contained='set -euo pipefail
if [[ ! -v TMPDIR ]]; then
    mount -t tmpfs tmpfs "$private"
    for folder in "$lab_here" "$CLRMON_LAB"; do
        [[ $folder != /tmp/* ]] || { mkdir -p "$private${folder#/tmp}" && mount --bind "$folder" "$private${folder#/tmp}"; }
    done
    mount --rbind "$private" /tmp
fi
. "$lab_here/lab.sh"
trap lab_stop_all EXIT
lab_start "$row" idle
echo "started $LAB_PID"
read -r
lab_trace "$LAB_PID" "$providers"
echo "tracing $TRACE_PID"
read -r
lab_trace_stop "$TRACE_PID"
echo "over"
read -r'

spawn_contained() { # sets LAB_PID to the pid of unshare
    local mounts=() folders=("private=$E2E_TMP/private")
    mkdir "$E2E_TMP/private"
    # Below a plain chroot no mount is safe from being seen elsewhere: another folder for sockets it is.
    unshare --mount true 2>/dev/null || { mounts=(--propagation unchanged) && folders+=("TMPDIR=$E2E_TMP/private"); }
    lab_spawn env "${folders[@]}" lab_here="$lab_here" CLRMON_LAB="$(lab_dir)" row="$row" providers="$runtime_provider:0x1:5" \
        unshare --pid --mount --net --fork --kill-child --mount-proc "${mounts[@]}" bash -c "$contained"
}

host_pid() { # PID-THERE NAMESPACE
    local process
    for process in /proc/[0-9]*; do
        [[ $(readlink "$process/ns/pid") == "$2" ]] 2>/dev/null || continue
        [[ $(awk '/^NSpid:/ { print $NF }' "$process/status") != "$1" ]] || basename "$process"
    done
}

said() { awk -v what="$2" '$1 == what { print $2 }' "$(lab_out "$1")"; } # PID WORD: the number after it
