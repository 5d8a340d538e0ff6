#!/bin/bash
# What is never done to a target is not in the code: stopping it, writing to it, return probes.
set -euo pipefail
cd "$(dirname "$0")/../.."

if grep -rnE --include='*.[ch]' --exclude-dir=build 'uretprobe|PTRACE_|process_vm_writev' .; then
    echo "these words have no place here (see the architecture's first decision)" >&2
    exit 1
fi
