#!/bin/bash
# Every required row of the lab is there.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/../lab/lab.sh"

status=0
for row in $(lab_rows); do
    [[ $(lab_field "$row" required) != yes || -e $(lab_image "$row") ]] && continue
    echo "$row: no $(lab_image "$row"); tests/lab/fetch says why" >&2
    status=1
done
exit $status
