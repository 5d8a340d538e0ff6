/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/method.h"

#include <string.h>

#include "contract/type.h"

#define FLAGS_KIND_MASK 7u /* MethodDesc::m_wFlags: mcArray, mcDynamic */
#define KIND_ARRAY      4u
#define KIND_DYNAMIC    7u
#define ROW_BITS        24u
#define METHOD_DEF      (6u << 24)

static int read_chunk(const struct view *view, uint64_t method_desc, uint64_t *chunk)
{
    const uint64_t *values = view->descriptor->values;
    uint64_t index = 0;
    int r = view_number(view, method_desc, METHOD_CHUNK_INDEX, 1, &index);

    *chunk = method_desc - values[CHUNK_SIZE] - index * values[METHOD_ALIGNMENT];
    return r;
}

static int read_token(const struct view *view, uint64_t method_desc, uint64_t chunk, uint32_t *out)
{
    unsigned bits = (unsigned)view->descriptor->values[METHOD_TOKEN_BITS];
    uint64_t low = 0, high = 0;
    int r = view_number(view, method_desc, METHOD_TOKEN_PART, 2, &low);

    if (r == 0)
        r = view_number(view, chunk, CHUNK_TOKEN_PART, 2, &high);
    high &= (1u << (ROW_BITS - bits)) - 1;
    low &= (1u << bits) - 1;
    *out = METHOD_DEF | (uint32_t)(high << bits | low);
    return r == 0 && *out == METHOD_DEF ? -ENOENT : r;
}

/* Its name is there as long as it is. */
static int read_name(const struct view *view, uint64_t method_desc, char name[METHOD_NAME_MAX])
{
    uint64_t address = 0;
    int r = view_number(view, method_desc, DYNAMIC_METHOD_NAME, 8, &address);
    ssize_t length = r == 0 ? memory_read_string(view->memory, address, name, METHOD_NAME_MAX) : r;

    return length > 0 ? 0 : length == 0 ? -ENOENT : (int)length;
}

static int read_method(const struct view *view, uint64_t method_desc, struct method *out)
{
    uint64_t chunk = 0, flags = 0, method_table = 0;
    struct type type;
    int r = method_desc % 8 ? -EBADMSG : read_chunk(view, method_desc, &chunk);

    if (r == 0)
        r = view_number(view, method_desc, METHOD_FLAGS, 2, &flags);
    if (r == 0)
        r = view_number(view, chunk, CHUNK_METHOD_TABLE, 8, &method_table);
    if (r == 0)
        r = type_read(view, method_table, &type, NULL);
    if (r < 0)
        return r;
    if ((flags & FLAGS_KIND_MASK) == KIND_DYNAMIC)
        return read_name(view, method_desc, out->name);
    if ((flags & FLAGS_KIND_MASK) == KIND_ARRAY || type.kind != TYPE_DEFINED)
        return -ENOENT;
    out->module = type.module;
    return read_token(view, method_desc, chunk, &out->token);
}

int method_read(const struct view *view, uint64_t method_desc, struct method *out,
                struct reason *why)
{
    int r;

    *out = (struct method){0};
    r = read_method(view, method_desc, out);
    return r < 0 ? reason_set(why, r, "0x%llx is no method that has a name: %s",
                              (unsigned long long)method_desc, strerror(-r))
                 : 0;
}
