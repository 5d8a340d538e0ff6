#!/bin/bash
# shellcheck disable=SC2034,SC2054,SC2153,SC2154 # shared with lib.sh
# "clrmon check --daemon" answers what "clrmon check" reads, on every live row: off, traced, ended.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/daemon.sh"

# What only one of the two can know: the daemon for how long, and how many sessions at its last look. Which source has answered may
# differ: the daemon may have looked into the image in a process, of another test, that ended before its debug file was found.
comparable='.processes |= map(del(.verbose_seconds, .sessions_count, .gc.source))'

both() { # PID: into the files "direct" and "daemon"; true when they are the same
    check_json "$1"
    jq -S "$comparable" <<<"$OUTPUT" >"$E2E_TMP/direct" || fail "no JSON"
    direct_status=$STATUS
    ask check --daemon -j -p "$1"
    jq -S "$comparable" <<<"$OUTPUT" >"$E2E_TMP/daemon" || fail "no JSON"
    [[ $STATUS == "$direct_status" ]] && cmp -s "$E2E_TMP/direct" "$E2E_TMP/daemon"
}

# The two look one after the other, and a GC or a rundown may be in between: not for long.
expect_same() { # PID VERDICT
    local deadline=$((SECONDS + 31))
    until both "$1" && verdict_is "$2"; do
        ((SECONDS < deadline)) || fail "they differ, or are not $2: $(diff "$E2E_TMP/direct" "$E2E_TMP/daemon" || true)"
        sleep 0.1
    done
    jq -e '.processes | length == 1' "$E2E_TMP/daemon" >/dev/null || fail "not one process"
}

agree() { # ROW
    daemon_start
    lab_start "$1" idle
    expect_same "$LAB_PID" off
    if [[ $1 == *-nativeaot ]]; then # it leaks from one session already
        trace "$LAB_PID" 0x1:5
        expect_same "$LAB_PID" verbose
        ended_cleanly "$TRACE_PID"
        expect_same "$LAB_PID" leaked
        daemon_end
        return
    fi
    trace "$LAB_PID" 0x1:4
    expect_same "$LAB_PID" informational
    stays=$TRACE_PID
    trace "$LAB_PID" 0x1:5
    expect_same "$LAB_PID" verbose
    ended_cleanly "$TRACE_PID"
    case $1 in
    3.1.*) ;; # at most one session is there at a time
    *) expect_same "$LAB_PID" leaked ;;
    esac
    ended_cleanly "$stays"
    case $1 in
    3.1.*) expect_same "$LAB_PID" leaked ;;
    *) expect_same "$LAB_PID" off ;;
    esac
    daemon_end
}

mapfile -t rows < <(lab_rows live)
scenario_rows "the daemon and the direct read agree" agree "${rows[@]}"
scenarios_end
