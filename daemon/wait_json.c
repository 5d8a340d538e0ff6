/* SPDX-License-Identifier: Apache-2.0 */
#include "wait_json.h"

#include "util/clock.h"
#include "util/text.h"
#include "util/timestamp.h"

static json_t *text_or_null(const char *text)
{
    return text[0] ? json_string(text) : json_null();
}

static json_t *frames_json(struct namer *namer, const uint64_t *addresses, size_t count)
{
    struct frame frames[CONTENTION_FRAMES_MAX];
    json_t *all = json_array();

    (void)namer_frames(namer, addresses, count, frames);
    for (size_t i = 0; i < count; i++)
        json_array_append_new(all, json_string(frames[i].text));
    return all;
}

static struct abi_stack_key key_of(const struct abi_wait *wait)
{
    return (struct abi_stack_key){wait->pid, wait->kind, wait->stack, 0, wait->caller};
}

bool wait_is_named(const struct probes *probes, const struct waiter_process *process,
                   const struct abi_wait *wait)
{
    struct abi_stack_key key = key_of(wait);
    struct frame frames[CONTENTION_FRAMES_MAX];
    uint64_t addresses[CONTENTION_FRAMES_MAX];
    char type[FRAME_TEXT_MAX];
    size_t count;

    if (!process->namer)
        return true;
    count = wait_stack(probes, process, &key, addresses);
    (void)namer_frames(process->namer, addresses, count, frames);
    if (wait->kind == ABI_WAIT_LOCK)
        namer_type_of_lock(process->namer, wait->lock, type);
    return !namer_search(process->namer);
}

json_t *wait_json(const struct probes *probes, const struct waiter_process *process,
                  const char *name, const struct abi_wait *wait)
{
    struct abi_stack_key key = key_of(wait);
    bool managed = wait_is_managed(probes, process, &key);
    uint64_t addresses[CONTENTION_FRAMES_MAX];
    char time[TIMESTAMP_TEXT_MAX], type[FRAME_TEXT_MAX], lock[32], thread[ABI_COMM_MAX];
    struct contended owner = {0};
    size_t count;

    if (!process->namer || (wait->kind != ABI_WAIT_LOCK && !managed))
        return NULL;
    timestamp_format(clock_realtime_us_of(wait->end), time);
    snprintf(lock, sizeof(lock), "0x%llx", managed ? 0 : (unsigned long long)wait->lock);
    text_copy(thread, sizeof(thread), (const char *)wait->comm);
    text_printable(thread);
    namer_type_of_lock(process->namer, managed ? 0 : wait->lock, type);
    wait_name_thread(process, wait->owner, true, &owner);
    count = wait_stack(probes, process, &key, addresses);
    return json_pack(
        "{s:s, s:i, s:s, s:i, s:o, s:I, s:s, s:o, s:o, s:o, s:o, s:b, s:b}", "time", time, "pid",
        (int)wait->pid, "name", name, "tid", (int)wait->tid, "thread", text_or_null(thread),
        "wait_ns", (json_int_t)wait->wait_ns, "lock", lock, "type", text_or_null(type), "owner_tid",
        owner.tid ? json_integer(owner.tid) : json_null(), "owner_name", text_or_null(owner.thread),
        "frames", frames_json(process->namer, addresses, count), "thrown", (int)wait->thrown,
        "managed", (int)managed);
}
