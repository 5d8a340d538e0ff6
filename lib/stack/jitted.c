/* SPDX-License-Identifier: Apache-2.0 */
#include "stack/jitted.h"

#include <string.h>

#include "contract/contract.h"
#include "proc/image_file.h"
#include "runtime/runtime.h"
#include "stack/perf_map.h"
#include "util/confine.h"
#include "util/text.h"

struct jitted {
    const struct process *process;
    struct memory memory;
    struct contract *contract; /* NULL: not asked for yet, or there is none */
    bool asked;
};

int jitted_new(struct jitted **out, const struct process *process)
{
    struct jitted *jitted = calloc(1, sizeof(*jitted));

    if (!jitted)
        return -ENOMEM;
    jitted->process = process;
    memory_open(&jitted->memory, process->pid);
    *out = jitted;
    return 0;
}

void jitted_free(struct jitted **jitted)
{
    if (!*jitted)
        return;
    contract_free(&(*jitted)->contract);
    memory_close(&(*jitted)->memory);
    free(*jitted);
    *jitted = NULL;
}

static uint64_t first_va(const struct image *image)
{
    for (size_t i = 0; i < image->segment_count; i++)
        if (image->segments[i].offset < 4096)
            return image->segments[i].va - image->segments[i].offset;
    return 0;
}

static int locate_confined(const struct mapped_file *maps, const void *data, void *reply,
                           struct reason *why)
{
    const uint64_t *base = data;
    struct image image;
    int r = image_open(&image, maps[0].data, maps[0].size, why);

    if (r < 0)
        return r;
    r = contract_locate(&image, *base - first_va(&image), reply);
    image_close(&image);
    return r;
}

static int locate(const struct process *process, struct contract_place *place, struct reason *why)
{
    _close_ int fd = -1;
    struct confined_files files = {.count = 1};
    struct runtime runtime;
    int r = runtime_read(process, &runtime, why);

    if (r < 0)
        return r;
    files.fds[0] = fd = image_file_open(process->pid, runtime.image.mapping, NULL, why);
    r = fd < 0 ? fd
               : confine_parse(&files, locate_confined, &runtime.image.base, place, sizeof(*place),
                               why);
    runtime_close(&runtime);
    if (r == 0 && place->writable_count > ARRAY_SIZE(place->writable))
        r = -EBADMSG;
    return r;
}

static struct contract *contract_of(struct jitted *jitted)
{
    struct contract_place place;
    struct reason ignored;

    if (!jitted->asked && locate(jitted->process, &place, &ignored) == 0)
        (void)!contract_open(&jitted->contract, &jitted->memory, &place, &ignored);
    jitted->asked = true;
    return jitted->contract;
}

static void ask_perf_map(const struct process *process, const uint64_t *addresses, size_t count,
                         struct frame *frames)
{
    _close_ int fd = perf_map_open(process);
    struct perf_map question = {.count = count};
    struct reason ignored;

    if (fd < 0)
        return;
    memcpy(question.addresses, addresses, count * sizeof(*addresses));
    if (perf_map_ask(fd, &question, frames, &ignored) < 0)
        memset(frames, 0, count * sizeof(*frames));
}

static void ask_contract(struct contract *contract, const uint64_t *addresses, size_t count,
                         struct frame *frames)
{
    char name[CONTRACT_NAME_MAX];
    struct reason ignored;

    for (size_t i = 0; i < count; i++) {
        if (frames[i].source != FRAME_UNKNOWN ||
            contract_method_name(contract, addresses[i], name, &ignored) < 0)
            continue;
        text_copy(frames[i].text, sizeof(frames[i].text), name);
        text_printable(frames[i].text);
        frames[i].source = FRAME_JITTED;
    }
}

void jitted_names(struct jitted *jitted, const uint64_t *addresses, size_t count,
                  struct frame *frames)
{
    struct contract *contract;

    memset(frames, 0, count * sizeof(*frames));
    for (size_t i = 0; i < count; i += PERF_MAP_PLACES_MAX)
        ask_perf_map(jitted->process, addresses + i,
                     count - i < PERF_MAP_PLACES_MAX ? count - i : PERF_MAP_PLACES_MAX, frames + i);
    contract = contract_of(jitted);
    if (contract)
        ask_contract(contract, addresses, count, frames);
}

static bool take_type(int result, const char *name, char out[static FRAME_TEXT_MAX])
{
    text_copy(out, FRAME_TEXT_MAX, result == 0 ? name : "");
    text_printable(out);
    return result == 0;
}

bool jitted_type(struct jitted *jitted, uint64_t object, char out[static FRAME_TEXT_MAX])
{
    struct contract *contract = contract_of(jitted);
    char name[CONTRACT_NAME_MAX];
    struct reason ignored;

    return take_type(contract ? contract_type_name(contract, object, name, &ignored) : -ENOTSUP,
                     name, out);
}

bool jitted_table(struct jitted *jitted, uint64_t method_table, char out[static FRAME_TEXT_MAX])
{
    struct contract *contract = contract_of(jitted);
    char name[CONTRACT_NAME_MAX];
    struct reason ignored;

    return take_type(contract ? contract_table_name(contract, method_table, name, &ignored)
                              : -ENOTSUP,
                     name, out);
}
