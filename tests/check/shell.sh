#!/bin/bash
# Every shell script passes shellcheck; those that are programs can run and stop at their first error.
set -euo pipefail
cd "$(dirname "$0")/../.."

programs=() sourced=() status=0
while IFS= read -r -d '' file; do
    IFS= read -r first <"$file" 2>/dev/null || true
    case $first in
    '#!'*sh) programs+=("$file") ;;
    '# shellcheck shell='*) sourced+=("$file") ;;
    esac
done < <(find . '(' -path ./build -o -path ./.git ')' -prune -o -type f -size -100k -print0)

((${#programs[@]} > 5)) || { echo "only ${#programs[@]} scripts found" >&2; status=1; }
shellcheck "${programs[@]}" "${sourced[@]}" || status=1
for program in "${programs[@]}"; do
    [[ -x $program ]] || { echo "$program: not executable" >&2; status=1; }
    grep -qE '^(set -euo pipefail|exec .*)$' "$program" && continue
    echo "$program: no set -euo pipefail" >&2
    status=1
done
exit $status
