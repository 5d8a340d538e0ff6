/* SPDX-License-Identifier: Apache-2.0 */
#include "namer.h"

#include <string.h>

#include "clock.h"
#include "proc/memory.h"
#include "proc/procfs.h"
#include "proc/thread_ids.h"
#include "stack/resolver.h"
#include "util/text.h"

#define NAMES_MAX        512
#define STACKS_MAX       4096
#define FRAMES_OF_LOCK   6 /* its TryEnterSlow is among the innermost */
#define AGAIN_NS         (10000 * NS_PER_MS)
#define SYNC_INDEX_MASK  0x7fffffffu
#define SYNC_ENTRY_BYTES 16 /* SyncTableEntry: the block, then the object */

struct thread_name {
    pid_t tid;
    char name[PROCESS_NAME_MAX];
};

struct verdict {
    uint64_t id;
    uint64_t again; /* CLOCK_MONOTONIC ns, while it is not certain; 0: it is */
    bool managed;
};

struct namer {
    struct process process;
    uint64_t entries[ABI_WAIT_KIND_MAX];
    uint64_t sync_table;
    uint16_t sync_index;
    struct findings *findings; /* until the resolver has them */
    uint64_t bias;
    struct resolver *resolver;
    uint64_t resolver_again;
    struct thread_ids ids;
    uint64_t ids_again;
    struct thread_name names[NAMES_MAX];
    size_t name_count, name_next;
    struct verdict *verdicts;
    size_t verdict_count;
};

static uint64_t place_of(const struct findings *findings, enum site site, uint64_t bias)
{
    return finding_is_found(&findings->sites[site]) ? bias + findings->sites[site].address : 0;
}

int namer_new(struct namer **out, const struct process *process, const struct findings *findings,
              uint64_t bias)
{
    struct namer *namer = calloc(1, sizeof(*namer));

    if (!namer)
        return -ENOMEM;
    *namer = (struct namer){
        .process = *process,
        .entries = {[ABI_WAIT_LOCK] = place_of(findings, SITE_LOCK_CONTENTION_ENTER, bias),
                    [ABI_WAIT_HANDLE] = place_of(findings, SITE_WAIT_ENTER, bias)},
        .sync_table = findings->lock.sync_table ? bias + findings->lock.sync_table : 0,
        .sync_index = findings->lock.sync_index,
        .findings = malloc(sizeof(*findings)),
        .bias = bias,
    };
    if (!namer->findings) {
        namer_free(&namer);
        return -ENOMEM;
    }
    *namer->findings = *findings;
    *out = namer;
    return 0;
}

void namer_free(struct namer **namer)
{
    if (!*namer)
        return;
    resolver_free(&(*namer)->resolver);
    thread_ids_free(&(*namer)->ids);
    free((*namer)->findings);
    free((*namer)->verdicts);
    free(*namer);
    *namer = NULL;
}

/* Threads */

void namer_see_threads(struct namer *namer)
{
    uint64_t now = clock_monotonic_ns();

    if (namer->process.namespace_pid == namer->process.pid || now < namer->ids_again)
        return;
    (void)!thread_ids_refresh(namer->process.pid, &namer->ids);
    namer->ids_again = now + 1000 * NS_PER_MS;
}

pid_t namer_thread_seen(struct namer *namer, pid_t tid)
{
    pid_t outer;

    if (namer->process.namespace_pid == namer->process.pid)
        return tid;
    outer = thread_ids_outer(&namer->ids, tid);
    if (!outer) {
        namer_see_threads(namer);
        outer = thread_ids_outer(&namer->ids, tid);
    }
    return outer ? outer : tid;
}

static struct thread_name *name_of(struct namer *namer, pid_t tid)
{
    for (size_t i = 0; i < namer->name_count; i++)
        if (namer->names[i].tid == tid)
            return &namer->names[i];
    return NULL;
}

static struct thread_name *new_name(struct namer *namer, pid_t tid)
{
    struct thread_name *name;

    if (namer->name_count < NAMES_MAX)
        name = &namer->names[namer->name_count++];
    else
        name = &namer->names[namer->name_next++ % NAMES_MAX];
    *name = (struct thread_name){.tid = tid};
    return name;
}

void namer_remember_thread(struct namer *namer, pid_t tid, const char *name)
{
    struct thread_name *known = name_of(namer, tid);

    if (!name[0] || known)
        return;
    known = new_name(namer, tid);
    text_copy(known->name, sizeof(known->name), name);
    text_printable(known->name);
}

/* A thread may be given another name, so that it is read as long as it can be. */
void namer_thread_name(struct namer *namer, pid_t tid, char out[static CONTENTION_NAME_MAX])
{
    char file[48], text[PROCESS_NAME_MAX + 1];
    struct thread_name *name = name_of(namer, tid);

    snprintf(file, sizeof(file), "task/%d/comm", tid);
    if (tid && procfs_read(namer->process.pid, file, text, sizeof(text)) > 0) {
        text[strcspn(text, "\n")] = '\0';
        text_printable(text);
        name = name ? name : new_name(namer, tid);
        text_copy(name->name, sizeof(name->name), text);
    }
    text_copy(out, CONTENTION_NAME_MAX, name ? name->name : "");
}

/* Stacks */

/* Which of the first are there depends on the kernel, and on which try has succeeded. */
size_t namer_stack(const struct namer *namer, enum abi_wait_kind kind, uint64_t caller,
                   const uint64_t *taken, uint64_t out[static CONTENTION_FRAMES_MAX])
{
    size_t count = 0, at = 0;

    if (namer->entries[kind])
        out[count++] = namer->entries[kind];
    if (taken[at] && taken[at] == namer->entries[kind])
        at++;
    if (caller)
        out[count++] = caller;
    if (taken[at] && taken[at] == caller)
        at++;
    while (at < ABI_STACK_DEPTH && taken[at] && count < CONTENTION_FRAMES_MAX)
        out[count++] = taken[at++];
    return count;
}

static struct resolver *resolver_of(struct namer *namer)
{
    uint64_t now = clock_monotonic_ns();

    if (namer->resolver || now < namer->resolver_again)
        return namer->resolver;
    if (resolver_new(&namer->resolver, &namer->process, NULL) == 0)
        resolver_set_sites(namer->resolver, namer->findings, namer->bias);
    else
        namer->resolver_again = now + AGAIN_NS;
    return namer->resolver;
}

static void set_address(struct frame *frame, uint64_t address)
{
    *frame = (struct frame){.address = address, .source = FRAME_UNKNOWN};
    snprintf(frame->text, sizeof(frame->text), "0x%llx", (unsigned long long)address);
}

void namer_frames(struct namer *namer, const uint64_t *addresses, size_t count, struct frame *out)
{
    struct resolver *resolver = resolver_of(namer);

    if (resolver)
        resolver_frames(resolver, addresses, count, out);
    for (size_t i = 0; !resolver && i < count; i++)
        set_address(&out[i], addresses[i]);
}

bool namer_is_outermost(const struct frame *frame)
{
    static const char *const places[] = {
        "libc.so", "libc-", "libpthread", "ld-musl", "start_thread", "clone", "__libc_start",
    };

    for (size_t i = 0; i < ARRAY_SIZE(places); i++)
        if (text_starts_with(frame->text, places[i]))
            return true;
    return false;
}

static bool is_try_enter_slow(const char *text)
{
    static const char type[] = "System.Threading.Lock";
    const char *at = strstr(text, type);

    return at && strncmp(at + strspn(at + sizeof(type) - 1, ".:") + sizeof(type) - 1,
                         "TryEnterSlow", strlen("TryEnterSlow")) == 0;
}

static void judge_stack(struct namer *namer, const uint64_t *addresses, size_t count,
                        struct verdict *verdict)
{
    struct frame frames[FRAMES_OF_LOCK];
    bool certain = true;

    count = count < FRAMES_OF_LOCK ? count : FRAMES_OF_LOCK;
    namer_frames(namer, addresses, count, frames);
    for (size_t i = 0; i < count; i++) {
        verdict->managed |= is_try_enter_slow(frames[i].text);
        certain &= frames[i].source != FRAME_UNKNOWN;
    }
    verdict->again = verdict->managed || certain ? 0 : clock_monotonic_ns() + AGAIN_NS;
}

static struct verdict *verdict_of(struct namer *namer, uint64_t id)
{
    struct verdict *verdicts;

    for (size_t i = 0; i < namer->verdict_count; i++)
        if (namer->verdicts[i].id == id)
            return &namer->verdicts[i];
    if (namer->verdict_count == STACKS_MAX)
        namer->verdict_count = 0;
    verdicts = realloc(namer->verdicts, (namer->verdict_count + 1) * sizeof(*verdicts));
    if (!verdicts)
        return NULL;
    namer->verdicts = verdicts;
    verdicts[namer->verdict_count] = (struct verdict){.id = id, .again = 1};
    return &verdicts[namer->verdict_count++];
}

bool namer_is_managed_lock(struct namer *namer, uint64_t id, const uint64_t *addresses,
                           size_t count)
{
    struct verdict *verdict = verdict_of(namer, id);

    if (!verdict)
        return false;
    if (verdict->again && clock_monotonic_ns() >= verdict->again)
        judge_stack(namer, addresses, count, verdict);
    return verdict->managed;
}

/* Types */

void namer_type_of_lock(struct namer *namer, uint64_t lock, char out[static FRAME_TEXT_MAX])
{
    struct resolver *resolver = resolver_of(namer);
    struct memory memory;
    uint64_t table = 0, object = 0;
    uint32_t index = 0;

    out[0] = '\0';
    if (!resolver || !lock || !namer->sync_table || !namer->sync_index)
        return;
    memory_open(&memory, namer->process.pid);
    if (memory_read(&memory, lock + namer->sync_index, &index, sizeof(index)) == 0 &&
        memory_read(&memory, namer->sync_table, &table, sizeof(table)) == 0 &&
        (index &= SYNC_INDEX_MASK) != 0 &&
        memory_read(&memory, table + (uint64_t)index * SYNC_ENTRY_BYTES + sizeof(uint64_t), &object,
                    sizeof(object)) == 0 &&
        object)
        resolver_type(resolver, object, out);
    memory_close(&memory);
}
