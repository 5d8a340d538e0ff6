#!/bin/bash
# Files that are no images, or images that somebody has damaged: an answer or one line that says why
# not; never a crash, a hang, a sanitizer's report.
set -euo pipefail
# shellcheck disable=SC1091
. "$(dirname "$0")/lib.sh"
row=10.0.14

look_at() { # FILE WHAT: any file
    clrmon symbols "$1" -j
    case $STATUS in
    0) expect_json '.sites | length >= 12' "$2: status 0 without sites" ;;
    3 | 4) expect_one_error_line ;;
    *) fail "$2: status $STATUS" ;;
    esac
}

refuse() { # FILE: it cannot be an image
    clrmon symbols "$1" -j
    [[ $STATUS == [34] ]] || fail "$1: status $STATUS"
    expect_one_error_line
}

not_images() {
    local file
    : >"$E2E_TMP/empty"
    mkfifo "$E2E_TMP/fifo"
    mkdir "$E2E_TMP/folder"
    truncate -s 5G "$E2E_TMP/sparse"
    { head -c 4096 "$(lab_image "$row")"; truncate -s 5G /dev/stdout; } >"$E2E_TMP/sparse-image"
    printf '\177ELF' >"$E2E_TMP/magic"
    head -c 100000 /dev/zero | tr '\0' '\177' >"$E2E_TMP/noise"
    for file in empty fifo folder sparse sparse-image magic noise no-such-file; do refuse "$E2E_TMP/$file"; done
    refuse /dev/zero
    refuse "$0"
    refuse "$(command -v bash)"
}

truncated() {
    local image size step
    image=$(lab_image "$row")
    size=$(stat -c %s "$image")
    for step in {0..39}; do
        # Small ones first, where the headers are; then all over the file.
        head -c $((step < 10 ? step * 67 : size * (step - 9) / 31)) "$image" >"$E2E_TMP/image"
        look_at "$E2E_TMP/image" "cut off, step $step"
    done
}

# flip OFFSET BIT: in $E2E_TMP/image
flip() {
    local byte
    byte=$(od -An -tu1 -j "$1" -N 1 "$E2E_TMP/image")
    # shellcheck disable=SC2059
    printf "\\x$(printf %02x $((byte ^ (1 << $2))))" |
        dd of="$E2E_TMP/image" bs=1 seek="$1" conv=notrunc status=none
}

# Bits of the ELF header, the program headers, the section headers or the dynamic section.
flipped() {
    local image sections count dynamic seed offset bit
    image=$(lab_image "$row")
    sections=$(readelf -hW "$image" | awk '/Start of section headers/ { print $5 }')
    count=$(readelf -hW "$image" | awk '/Number of section headers/ { print $5 }')
    dynamic=$(readelf -lW "$image" | awk '$1 == "DYNAMIC" { print $2 }')
    cp "$image" "$E2E_TMP/image"
    for seed in {1..200}; do
        RANDOM=$seed
        case $((seed % 4)) in
        0) offset=$((RANDOM % 64)) ;;
        1) offset=$((64 + RANDOM % 560)) ;;
        2) offset=$((sections + RANDOM % (count * 64))) ;;
        3) offset=$((dynamic + RANDOM % 512)) ;;
        esac
        bit=$((RANDOM % 8))
        flip $offset $bit
        look_at "$E2E_TMP/image" "seed $seed: bit $bit of byte $offset"
        flip $offset $bit
    done
    cmp "$image" "$E2E_TMP/image"
}

scenario "what is no image" not_images
scenario "truncated images" truncated
scenario "flipped bits" flipped
scenarios_end
