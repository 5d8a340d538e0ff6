#!/bin/bash
# Every C source is as clang-format would have it.
set -euo pipefail
cd "$(dirname "$0")/../.."

find . -path ./build -prune -o -name '*.[ch]' -print0 |
    xargs -0 clang-format --dry-run -Werror
