/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/descriptor.h"

/* What is decoded is within the bounds by which structures are read; what is not has a reason. */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const uint64_t pointers[] = {0, 0x7000};
    struct descriptor descriptor;
    struct reason why = {""};

    if (descriptor_decode((const char *)data, size, pointers, 2, &descriptor, &why) < 0)
        return why.text[0] ? 0 : (__builtin_trap(), 0);
    for (size_t i = 0; i < CONTRACT_FIELD_MAX; i++)
        if (descriptor.fields[i] > DESCRIPTOR_OFFSET_MAX - 8)
            __builtin_trap();
    if (descriptor.values[METHOD_TOKEN_BITS] > 16 || !descriptor.values[METHOD_ALIGNMENT] ||
        (descriptor.values[CODE_RANGE_MAP] && descriptor.values[CODE_RANGE_MAP] != 0x7000) ||
        descriptor.execution_manager > 2)
        __builtin_trap();
    return 0;
}
