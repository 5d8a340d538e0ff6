/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/type.h"

#include <string.h>

#define HANDLE_TYPE_DESC 2u
#define CLASS_CANONICAL  1u /* METHOD_TABLE_CLASS is a MethodTable */
#define TYPE_DEF         (2u << 24)

/* MethodTable::m_dwFlags */
#define FLAGS_ARRAY_MASK 0x000c0000u
#define FLAGS_ARRAY      0x00080000u
#define FLAGS_FROM_ZERO  0x00020000u /* and of one dimension */
#define FLAGS_SIZED      0x80000000u

/* CorElementType, in a TypeDesc's lowest byte */
#define ELEMENT_POINTER   0x0fu
#define ELEMENT_REFERENCE 0x10u

static int read_class(const struct view *view, uint64_t method_table, uint64_t *class)
{
    uint64_t canonical = method_table, back = 0;
    int r = view_number(view, method_table, METHOD_TABLE_CLASS, 8, class);

    if (r == 0 && *class & CLASS_CANONICAL) {
        canonical = *class & ~(uint64_t)CLASS_CANONICAL;
        r = view_number(view, canonical, METHOD_TABLE_CLASS, 8, class);
    }
    if (r == 0)
        r = view_number(view, *class, CLASS_METHOD_TABLE, 8, &back);
    return r == 0 && back != canonical ? -EBADMSG : r;
}

static int read_array(const struct view *view, uint64_t method_table, uint64_t class,
                      uint64_t flags, struct type *out)
{
    uint64_t rank = 1;
    int r = view_number(view, method_table, METHOD_TABLE_ELEMENT, 8, &out->argument);

    out->kind = flags & FLAGS_FROM_ZERO ? TYPE_ARRAY : TYPE_MATRIX;
    if (r == 0 && out->kind == TYPE_MATRIX)
        r = view_number(view, class, ARRAY_CLASS_RANK, 1, &rank);
    out->rank = (unsigned)rank;
    return r == 0 && (rank < 1 || rank > TYPE_RANK_MAX) ? -EBADMSG : r;
}

static int read_defined(const struct view *view, uint64_t method_table, struct type *out)
{
    uint64_t flags = 0;
    int r = view_number(view, method_table, METHOD_TABLE_FLAGS_2, 4, &flags);

    if (r == 0)
        r = view_number(view, method_table, METHOD_TABLE_MODULE, 8, &out->module);
    out->kind = TYPE_DEFINED;
    out->token = TYPE_DEF | (uint32_t)flags >> 8;
    return r;
}

static int read_method_table(const struct view *view, uint64_t method_table, struct type *out)
{
    uint64_t class = 0, flags = 0;
    int r = method_table % 8 ? -EBADMSG : read_class(view, method_table, &class);

    if (r == 0)
        r = view_number(view, method_table, METHOD_TABLE_FLAGS, 4, &flags);
    if (r < 0)
        return r;
    if (flags & FLAGS_SIZED && (flags & FLAGS_ARRAY_MASK) == FLAGS_ARRAY)
        return read_array(view, method_table, class, flags, out);
    return read_defined(view, method_table, out);
}

static int read_type_desc(const struct view *view, uint64_t type_desc, struct type *out)
{
    uint64_t flags = 0;
    int r = view_number(view, type_desc, TYPE_DESC_FLAGS, 4, &flags);

    if (r < 0)
        return r;
    if ((flags & 0xff) != ELEMENT_POINTER && (flags & 0xff) != ELEMENT_REFERENCE)
        return -ENOTSUP;
    out->kind = (flags & 0xff) == ELEMENT_POINTER ? TYPE_POINTER : TYPE_REFERENCE;
    return view_number(view, type_desc, TYPE_DESC_ARGUMENT, 8, &out->argument);
}

int type_read(const struct view *view, uint64_t handle, struct type *out, struct reason *why)
{
    int r;

    *out = (struct type){0};
    r = handle & HANDLE_TYPE_DESC ? read_type_desc(view, handle & ~(uint64_t)HANDLE_TYPE_DESC, out)
                                  : read_method_table(view, handle, out);
    return r < 0 ? reason_set(why, r, "0x%llx is no type that has a name: %s",
                              (unsigned long long)handle, strerror(-r))
                 : 0;
}

int type_of_object(const struct view *view, uint64_t object, uint64_t *handle, struct reason *why)
{
    int r;

    *handle = 0;
    r = object % 8 ? -EBADMSG : view_number(view, object, OBJECT_METHOD_TABLE, 8, handle);
    *handle &= ~view->descriptor->values[OBJECT_UNMASK];
    return r < 0 ? reason_set(why, r, "no object can be read at 0x%llx: %s",
                              (unsigned long long)object, strerror(-r))
                 : 0;
}
