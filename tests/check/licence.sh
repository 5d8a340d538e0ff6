#!/bin/bash
# Every C source names its licence in its first line; what the kernel loads is GPL as well.
set -euo pipefail
cd "$(dirname "$0")/../.."

status=0
while read -r file; do
    case $file in
    ./bpf/* | *.bpf.c) licence='(BSD-2-Clause OR GPL-2\.0|GPL-2\.0.* OR BSD-2-Clause)' ;;
    *) licence='Apache-2\.0' ;;
    esac
    head -1 "$file" | grep -qE "SPDX-License-Identifier: \(?$licence" && continue
    echo "$file: its first line should say SPDX-License-Identifier: $licence" >&2
    status=1
done < <(find . -path ./build -prune -o -name '*.[ch]' -print)
exit $status
