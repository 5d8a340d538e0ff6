# shellcheck shell=bash
# To be sourced by end-to-end tests: real runtimes and real clients, started and ended one by one.

lab_here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
lab_trace_fx=10.0.14
LAB_PID='' LAB_OUT='' TRACE_PID='' TRACE_FILE='' LAB_TMP=''
declare -A lab_input=() # pid of what was started -> descriptor of its standard input

lab_dir() { echo "${CLRMON_LAB:-${XDG_CACHE_HOME:-$HOME/.cache}/clrmon/lab}"; }

lab_rows() { awk -F'\t' -v kind="${1:-}" 'NR > 1 && (kind == "" || $2 == kind) { print $1 }' "$lab_here/rows.tsv"; }

lab_field() { # ROW FIELD
    awk -F'\t' -v row="$1" -v field="$2" 'NR == 1 { for (i = 1; i <= NF; i++) column[$i] = i }
        NR > 1 && $1 == row { print $column[field]; found = 1 } END { exit !found }' "$lab_here/rows.tsv"
}

lab_image() { echo "$(lab_dir)/$(lab_field "$1" image)"; } # ROW

lab_fail() { echo "lab: $*" >&2; return 1; }

lab_out() { echo "$LAB_TMP/$1.out"; } # PID: what it wrote so far

lab_gone() { ! kill -0 "$1" 2>/dev/null; }

# lab_wait SECONDS PID COMMAND...: until the command holds; fails when time is up or the process is gone.
lab_wait() {
    local tries=$(($1 * 20)) pid=$2
    shift 2
    until "$@"; do
        ((tries-- > 0)) || return 1
        lab_gone "$pid" && { "$@"; return; }
        sleep 0.05
    done
}

lab_temp() { LAB_TMP=${LAB_TMP:-$(mktemp -d "${TMPDIR:-/tmp}/clrmon-lab.XXXXXX")}; }

# lab_spawn COMMAND...: in the background with an input that stays open, output in a file; sets LAB_PID, LAB_OUT.
lab_spawn() {
    local fd other
    lab_temp
    mkfifo "$LAB_TMP/input"
    exec {fd}<>"$LAB_TMP/input"
    (
        exec <"$LAB_TMP/input" >"$LAB_TMP/$BASHPID.out" 2>&1
        for other in "$fd" "${lab_input[@]}"; do exec {other}>&-; done
        exec env --default-signal=INT,QUIT "$@"
    ) &
    LAB_PID=$! LAB_OUT=$LAB_TMP/$!.out
    lab_input[$!]=$fd
    lab_wait 5 "$LAB_PID" test -e "$LAB_OUT" || true
    rm "$LAB_TMP/input"
}

# lab_start ROW MODE [ARG...]: a workload (see workload/Program.cs), ready when this returns.
lab_start() {
    local row=$1 lab form command app=workload
    lab=$(lab_dir)
    [[ $2 != managed ]] || app=managed
    form=$(lab_field "$row" form) || { lab_fail "no row $row"; return; }
    shift
    case $form in
    framework) command=("$lab/dotnet/dotnet" exec --fx-version "$(lab_field "$row" version)" "$lab/app/$app.dll") ;;
    *) command=("$(lab_image "$row")") ;;
    esac
    lab_spawn env DOTNET_ROOT="$lab/dotnet" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "${command[@]}" "$@"
    lab_wait 30 "$LAB_PID" grep -q '^ready ' "$LAB_OUT" && return
    lab_fail "$row $* is not ready: $(tail -5 "$LAB_OUT")"
}

lab_say() { echo "${*:2}" >&"${lab_input[$1]}"; } # PID LINE: to its standard input

# lab_stop PID: its input ends, then TERM, then KILL; each gets its time.
lab_stop() {
    local pid=$1 fd=${lab_input[$1]:-} signal
    [[ -z $fd ]] || exec {fd}>&-
    unset "lab_input[$pid]"
    for signal in '' TERM KILL; do
        [[ -z $signal ]] || kill -s "$signal" "$pid" 2>/dev/null || true
        lab_wait 3 "$pid" lab_gone "$pid" && break
    done
    wait "$pid" 2>/dev/null || true
}

lab_stop_all() {
    local pid
    for pid in "${!lab_input[@]}"; do lab_stop "$pid"; done
    [[ -z $LAB_TMP ]] || rm -rf "$LAB_TMP"
    LAB_TMP=''
}

# lab_trace_begin PID PROVIDERS [SECONDS|forever] [ARG...]: a real dotnet-trace, in its own plain environment. Sets TRACE_PID, TRACE_FILE.
lab_trace_begin() {
    local pid=$1 providers=$2 seconds=${3:-forever} workload=$LAB_PID out=$LAB_OUT lab name plain=() length=()
    shift $(($# < 3 ? $# : 3))
    lab=$(lab_dir)
    for name in $(compgen -e | grep -E '^(DOTNET|COMPlus)_'); do plain+=(-u "$name"); done
    [[ $seconds == forever ]] || length=(--duration "$(date -u -d "@$seconds" +00:%H:%M:%S)")
    lab_temp
    TRACE_FILE=$(mktemp -u "$LAB_TMP/XXXXXX.nettrace")
    lab_spawn env "${plain[@]}" DOTNET_ROOT="$lab/dotnet" DOTNET_SYSTEM_GLOBALIZATION_INVARIANT=1 "$lab/dotnet/dotnet" exec \
        --fx-version "$lab_trace_fx" "$lab/dotnet-trace/dotnet-trace.dll" collect -p "$pid" --providers "$providers" -o "$TRACE_FILE" \
        "${length[@]}" "$@"
    TRACE_PID=$LAB_PID LAB_PID=$workload LAB_OUT=$out
}

# lab_trace PID PROVIDERS...: the same; its session is on, and has written of events, when this returns.
lab_trace() {
    lab_trace_begin "$@"
    lab_wait 30 "$TRACE_PID" test -s "$TRACE_FILE" && return
    lab_fail "no trace of $1: $(tail -5 "$(lab_out "$TRACE_PID")")"
}

# lab_trace_stop TRACE_PID: as a user's Ctrl-C, if it is not over yet; waits for its end and fails unless the trace is complete.
lab_trace_stop() {
    kill -s INT "$1" 2>/dev/null || true
    lab_wait 60 "$1" lab_gone "$1" || lab_fail "dotnet-trace $1 does not end" || true
    lab_stop "$1"
    grep -q '^Trace completed' "$(lab_out "$1")"
}
