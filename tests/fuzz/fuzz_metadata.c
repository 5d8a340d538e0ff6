/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "metadata/metadata.h"

/* Names of all rows of any bytes as metadata. */

#define ROWS_MAX 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(int r, const char *name, size_t size)
{
    if (strnlen(name, size) == size || (r < 0 && name[0]))
        __builtin_trap();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct metadata metadata;
    struct reason why = {""};
    char name[40];
    int r;

    if (metadata_open(&metadata, (struct bytes){data, size}, &why) < 0) {
        if (!why.text[0])
            __builtin_trap();
        return 0;
    }
    r = metadata_module_name(&metadata, name, sizeof(name));
    check(r, name, sizeof(name));
    for (uint32_t row = 0; row < ROWS_MAX; row++) {
        r = metadata_method_name(&metadata, METADATA_TOKEN(METADATA_METHOD_DEF, row), name,
                                 sizeof(name));
        check(r, name, sizeof(name));
        r = metadata_type_name(&metadata, METADATA_TOKEN(METADATA_TYPE_DEF, row), name,
                               sizeof(name));
        check(r, name, sizeof(name));
        r = metadata_type_name(&metadata, METADATA_TOKEN(METADATA_TYPE_REF, row), name,
                               sizeof(name));
        check(r, name, sizeof(name));
    }
    return 0;
}
