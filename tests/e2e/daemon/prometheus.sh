# shellcheck shell=bash
# To be sourced by the end-to-end tests of the daemon: a real Prometheus (Debian's package, with promtool) that scrapes it.

PROMETHEUS=${PROMETHEUS:-/usr/bin/prometheus}

prometheus_fail() { echo "prometheus: $*" >&2; return 1; }

# prometheus_check URL: promtool has nothing to say about what URL answers.
prometheus_check() {
    local said
    said=$(set -o pipefail; curl -sSf --max-time 10 "$1" | promtool check metrics 2>&1) && [[ -z $said ]] && return
    prometheus_fail "promtool about $1: $said"
}

prometheus_config() { # TARGET
    printf '%s\n' 'global: {scrape_interval: 1s, scrape_timeout: 1s}' 'scrape_configs:' \
        "  - {job_name: clrmon, static_configs: [{targets: ['$1']}]}"
}

prometheus_address() { # LOG: where it listens, once it does
    sed -n 's/.*msg="Listening on" address=\([^ ]*\).*/\1/p' "$1" | grep .
}

prometheus_query() { # ADDRESS QUERY: the API's whole answer
    curl -sSf --max-time 5 --get --data-urlencode "query=$2" "http://$1/api/v1/query"
}

prometheus_is_up() { # ADDRESS
    prometheus_query "$1" up 2>/dev/null | jq -e '.data.result[0].value[1] == "1"' >/dev/null
}

# prometheus_wait SECONDS PID COMMAND...: until the command holds; fails when time is up or Prometheus is gone.
prometheus_wait() {
    local until=$((SECONDS + $1)) pid=$2
    shift 2
    until "$@" >/dev/null 2>&1; do
        ((SECONDS < until)) && kill -0 "$pid" 2>/dev/null || return 1
        sleep 0.1
    done
}

prometheus_stop() { # PID
    local tries=100
    kill "$1" 2>/dev/null
    while ((tries-- > 0)) && kill -0 "$1" 2>/dev/null; do sleep 0.1; done
    kill -KILL "$1" 2>/dev/null
    wait "$1" 2>/dev/null || true
}

prometheus_ask() { # PID LOG TARGET QUERY
    local address
    prometheus_wait 30 "$1" prometheus_address "$2" || prometheus_fail "does not listen" || return
    address=$(prometheus_address "$2")
    prometheus_wait 30 "$1" prometheus_is_up "$address" || {
        prometheus_fail "$3 is not up: $(curl -sS --max-time 5 "http://$address/api/v1/targets" |
            jq -r '.data.activeTargets[].lastError')"
        return
    }
    prometheus_query "$address" "$4"
}

# prometheus_scrape TARGET [QUERY]: TARGET is ADDR:PORT. Prints the JSON that a Prometheus which has scraped it answers to QUERY.
prometheus_scrape() {
    local target=$1 query=${2:-'{job="clrmon"}'} dir pid status=0
    dir=$(mktemp -d "${TMPDIR:-/tmp}/clrmon-prometheus.XXXXXX")
    prometheus_config "$target" >"$dir/prometheus.yml"
    "$PROMETHEUS" --config.file="$dir/prometheus.yml" --storage.tsdb.path="$dir/data" \
        --web.listen-address=127.0.0.1:0 >"$dir/log" 2>&1 &
    pid=$!
    prometheus_ask "$pid" "$dir/log" "$target" "$query" || status=$?
    prometheus_stop "$pid"
    ((status == 0)) || tail -5 "$dir/log" >&2
    rm -rf "$dir"
    return "$status"
}
