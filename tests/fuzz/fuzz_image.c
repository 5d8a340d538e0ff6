/* SPDX-License-Identifier: Apache-2.0 */
#include "elf/dynamic.h"
#include "elf/frames.h"
#include "elf/note.h"
#include "elf/symtab.h"
#include "locate/fingerprint.h"
#include "locate/identity.h"
#include "locate/symbols.h"

/* All that is read of an ELF file but its code: as an image, and as a separate debug file. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void read_sections(const struct image *from, const struct image *image)
{
    struct findings findings = {0};
    char name[DEBUGLINK_MAX], id[BUILD_ID_TEXT_MAX];
    struct build_id build_id = note_build_id(from);
    struct reason why;
    uint32_t crc;

    build_id_format(&build_id, id);
    symtab_debuglink(from, name, &crc);
    (void)symbols_find(from, image, SOURCE_SYMTAB, &findings, &why);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fingerprint fingerprint;
    struct identity identity;
    struct image image, debug;
    struct reason why;

    if (image_open(&image, data, size, &why) == 0) {
        identity_read(&image, &identity);
        fingerprint_take(&image, &fingerprint);
        (void)!dynamic_load_relocations(&image, &why);
        dynamic_relocation(&image, 0x8000);
        (void)!frames_load(&image, &why);
        (void)!frames_fill_gaps(&image, &why);
        frames_function(&image, 0x2000);
        image_string(&image, 0x1800, 64);
        read_sections(&image, &image);
    }
    if (image_open_debug_file(&debug, data, size, &why) == 0)
        read_sections(&debug, &image);
    image_close(&image);
    return 0;
}
