/* SPDX-License-Identifier: Apache-2.0 */
#include "contract/contract.h"

#include <string.h>

#include "contract/code.h"
#include "contract/method.h"
#include "contract/module.h"
#include "contract/type.h"
#include "util/text.h"

#define MODULES_MAX  32u
#define COPIES_MAX   (16u << 20) /* bytes of metadata that are kept */
#define SEARCHES_MAX 16u         /* for the map of code where it is not told */
#define SHAPES_MAX   16u         /* of a type: arrays of arrays */
#define SHAPE_TEXT   (TYPE_RANK_MAX + 2)

struct contract {
    struct descriptor descriptor;
    struct view view;
    struct contract_place place;
    uint64_t range_map;
    unsigned searches;
    struct module modules[MODULES_MAX]; /* the last used comes first */
    size_t module_count;
};

int contract_open(struct contract **out, struct memory *memory, const struct contract_place *place,
                  struct reason *why)
{
    struct contract *contract = calloc(1, sizeof(*contract));
    int r;

    *out = NULL;
    if (!contract)
        return reason_set(why, -ENOMEM, "no memory for a process's contract");
    contract->place = *place;
    contract->view = (struct view){.memory = memory, .descriptor = &contract->descriptor};
    r = descriptor_read(memory, place->descriptor, &contract->descriptor, why);
    contract->range_map = contract->descriptor.values[CODE_RANGE_MAP];
    *out = contract;
    if (r < 0)
        contract_free(out);
    return r;
}

static void forget_module(struct contract *contract, size_t index)
{
    module_close(&contract->modules[index]);
    contract->module_count--;
    memmove(contract->modules + index, contract->modules + index + 1,
            (contract->module_count - index) * sizeof(struct module));
}

void contract_free(struct contract **contract)
{
    while (*contract && (*contract)->module_count > 0)
        forget_module(*contract, (*contract)->module_count - 1);
    free(*contract);
    *contract = NULL;
}

static void put_first(struct contract *contract, const struct module *module)
{
    struct module copy = *module;

    memmove(contract->modules + 1, contract->modules,
            contract->module_count * sizeof(struct module));
    contract->modules[0] = copy;
    contract->module_count++;
}

static const struct module *known_module(struct contract *contract, uint64_t address)
{
    for (size_t i = 0; i < contract->module_count; i++) {
        struct module module = contract->modules[i];

        if (module.address != address)
            continue;
        if (!module_is_current(&contract->view, &module)) {
            forget_module(contract, i);
            return NULL;
        }
        memmove(contract->modules + 1, contract->modules, i * sizeof(module));
        contract->modules[0] = module;
        return contract->modules;
    }
    return NULL;
}

static bool has_room(const struct contract *contract, size_t size)
{
    for (size_t i = 0; i < contract->module_count; i++)
        size += contract->modules[i].size;
    return size <= COPIES_MAX && contract->module_count < MODULES_MAX;
}

static int find_module(struct contract *contract, uint64_t address, const struct module **out,
                       struct reason *why)
{
    struct module module;
    int r;

    *out = known_module(contract, address);
    if (*out)
        return 0;
    r = module_open(&contract->view, address, &module, why);
    if (r < 0)
        return r;
    while (contract->module_count > 0 && !has_room(contract, module.size))
        forget_module(contract, contract->module_count - 1);
    put_first(contract, &module);
    *out = contract->modules;
    return 0;
}

static int find_range_map(struct contract *contract, struct reason *why)
{
    if (contract->range_map)
        return 0;
    if (contract->searches >= SEARCHES_MAX)
        return reason_set(why, -ENOTSUP, "the runtime's map of its code was not found");
    contract->searches++;
    return code_find_range_map(&contract->view, &contract->place, &contract->range_map, why);
}

static int name_method(struct contract *contract, uint64_t method_desc,
                       char out[static CONTRACT_NAME_MAX], struct reason *why)
{
    const struct module *module = NULL;
    struct method method;
    int r = method_read(&contract->view, method_desc, &method, why);

    if (r < 0)
        return r;
    if (!method.token) {
        snprintf(out, CONTRACT_NAME_MAX, "%s", method.name);
        return 0;
    }
    r = find_module(contract, method.module, &module, why);
    if (r < 0)
        return r;
    r = metadata_method_name(&module->metadata, method.token, out, CONTRACT_NAME_MAX);
    return r < 0 ? reason_set(why, r, "the module's metadata has no method 0x%x", method.token) : 0;
}

/* What an address that is none leads to is data that makes no sense. */
static int settle(int r, char *out)
{
    if (r < 0)
        out[0] = 0;
    else
        text_printable(out);
    return r == -EINVAL ? -EBADMSG : r;
}

int contract_method_name(struct contract *contract, uint64_t address,
                         char out[static CONTRACT_NAME_MAX], struct reason *why)
{
    uint64_t method_desc = 0;
    int r = find_range_map(contract, why);

    if (r == 0)
        r = code_method(&contract->view, contract->range_map, address, &method_desc, why);
    if (r == 0)
        r = name_method(contract, method_desc, out, why);
    return settle(r, out);
}

/* "[,]" and the like; what is made of it comes last. */
static void shape_of(const struct type *type, char out[static SHAPE_TEXT])
{
    switch (type->kind) {
    case TYPE_ARRAY:
        strcpy(out, "[]");
        break;
    case TYPE_MATRIX:
        strcpy(out, type->rank == 1 ? "[*" : "[");
        for (unsigned i = 1; i < type->rank; i++)
            strcat(out, ",");
        strcat(out, "]");
        break;
    case TYPE_POINTER:
        strcpy(out, "*");
        break;
    case TYPE_REFERENCE:
        strcpy(out, "&");
        break;
    case TYPE_DEFINED:
        out[0] = 0;
        break;
    }
}

static void append_shapes(const struct type *shapes, size_t count, char *out)
{
    while (count-- > 0) {
        char text[SHAPE_TEXT];
        size_t length = strlen(out);

        shape_of(&shapes[count], text);
        if (length + strlen(text) < CONTRACT_NAME_MAX)
            strcpy(out + length, text);
    }
}

static int name_type(struct contract *contract, uint64_t handle, char out[static CONTRACT_NAME_MAX],
                     struct reason *why)
{
    struct type types[SHAPES_MAX];
    const struct module *module = NULL;
    size_t last = 0;
    int r = type_read(&contract->view, handle, &types[0], why);

    while (r == 0 && types[last].kind != TYPE_DEFINED) {
        if (last + 1 == SHAPES_MAX)
            return reason_set(why, -EBADMSG, "a type is made of too many");
        r = type_read(&contract->view, types[last].argument, &types[last + 1], why);
        last++;
    }
    if (r == 0)
        r = find_module(contract, types[last].module, &module, why);
    if (r < 0)
        return r;
    r = metadata_type_name(&module->metadata, types[last].token, out, CONTRACT_NAME_MAX);
    if (r < 0)
        return reason_set(why, r, "the module's metadata has no type 0x%x", types[last].token);
    append_shapes(types, last, out);
    return 0;
}

int contract_type_name(struct contract *contract, uint64_t object,
                       char out[static CONTRACT_NAME_MAX], struct reason *why)
{
    uint64_t handle = 0;
    int r = type_of_object(&contract->view, object, &handle, why);

    if (r == 0)
        r = name_type(contract, handle, out, why);
    return settle(r, out);
}

int contract_table_name(struct contract *contract, uint64_t method_table,
                        char out[static CONTRACT_NAME_MAX], struct reason *why)
{
    return settle(name_type(contract, method_table, out, why), out);
}
