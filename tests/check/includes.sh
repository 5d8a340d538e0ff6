#!/bin/bash
# Headers are included in one direction only: a folder, and what it may include besides itself.
set -euo pipefail
cd "$(dirname "$0")/../.."

declare -A may=(
    [util]=''
    [elf]='util'
    [proc]='util'
    [control]='util'
    [runtime]='elf proc util'
    [locate]='runtime elf util'
    [state]='locate runtime elf proc util'
    [metadata]='util'
    [contract]='metadata runtime elf proc util'
    [stack]='contract metadata locate runtime elf proc util'
    [contention]='diagnostics stack proc util'
    [diagnostics]='proc util'
    [cure]='diagnostics state locate runtime elf proc util'
    [report]='state locate runtime elf proc util'
    [cli]='cure diagnostics contention stack contract metadata report state locate runtime elf proc control util'
    [daemon]='cure diagnostics contention stack contract metadata report state locate runtime elf proc control util bpf'
)

folder_of() { # FILE: its folder as "may" names it
    local path=${1#lib/}
    echo "${path%%/*}"
}

status=0
complain() { echo "$*" >&2; status=1; }

while IFS=: read -r file line text; do
    included=$(sed -E 's/.*"([^"]*)".*/\1/' <<<"$text")
    [[ $included == */* ]] || continue # a neighbour
    from=$(folder_of "$file")
    to=$(folder_of "$included")
    if [[ ! -v may[$from] ]]; then
        complain "$file: $from/ is no folder of the architecture"
    elif [[ $from != "$to" && " ${may[$from]} " != *" $to "* ]]; then
        complain "$file:$line: $from/ may not include $included (only: ${may[$from]:-itself})"
    fi
done < <(grep -rnE --include='*.[ch]' '^[[:space:]]*#[[:space:]]*include[[:space:]]+"' lib cli daemon)
exit $status
