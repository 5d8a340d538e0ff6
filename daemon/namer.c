/* SPDX-License-Identifier: Apache-2.0 */
#include "namer.h"

#include <string.h>

#include "proc/memory.h"
#include "proc/procfs.h"
#include "proc/thread_ids.h"
#include "stack/names.h"
#include "stack/resolver.h"
#include "util/clock.h"
#include "util/number.h"
#include "util/text.h"

#define THREADS_MAX      512
#define STACKS_MAX       4096
#define FRAMES_OF_LOCK   6 /* its TryEnterSlow is among the innermost */
#define AGAIN_NS         (10000 * NS_PER_MS)
#define PLACES_MAX       2048 /* of an errand */
#define TABLES_MAX       256
#define LONG_NS          (1000 * NS_PER_MS) /* an errand that takes so long */
#define PAUSES           10                 /* is followed by no other for so many times that */
#define TABLE_MASK       UINT64_C(7)        /* of an object's first word: the GC's marks */
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

/* Addresses that somebody has asked for; some of them twice. */
struct wanted {
    uint64_t *items; /* owned */
    size_t count, most;
    bool crowded;
};

struct namer {
    struct process process;
    uint64_t entries[ABI_WAIT_KIND_MAX];
    uint64_t sync_table;
    uint16_t sync_index;
    struct findings *findings;
    uint64_t bias;
    struct names *names; /* of places, and of types by their method tables; NULL: none yet */
    struct wanted places, tables;
    struct errands *errands;
    struct errand *errand; /* NULL: nothing is looked for */
    size_t asked;
    uint64_t search_began, search_again;
    struct thread_ids ids;
    uint64_t ids_again;
    struct thread_name threads[THREADS_MAX];
    size_t thread_count, thread_next;
    struct verdict *verdicts;
    size_t verdict_count;
};

static uint64_t place_of(const struct findings *findings, enum site site, uint64_t bias)
{
    return finding_is_found(&findings->sites[site]) ? bias + findings->sites[site].address : 0;
}

int namer_new(struct namer **out, struct errands *errands, const struct process *process,
              const struct findings *findings, uint64_t bias)
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
        .places.most = PLACES_MAX,
        .tables.most = TABLES_MAX,
        .errands = errands,
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
    errand_cancel(&(*namer)->errand);
    names_free(&(*namer)->names);
    free((*namer)->places.items);
    free((*namer)->tables.items);
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
    for (size_t i = 0; i < namer->thread_count; i++)
        if (namer->threads[i].tid == tid)
            return &namer->threads[i];
    return NULL;
}

static struct thread_name *new_name(struct namer *namer, pid_t tid)
{
    struct thread_name *name;

    if (namer->thread_count < THREADS_MAX)
        name = &namer->threads[namer->thread_count++];
    else
        name = &namer->threads[namer->thread_next++ % THREADS_MAX];
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

/* Names */

static void drop_repeated(struct wanted *wanted)
{
    size_t kept = 0;

    if (!wanted->count)
        return;
    qsort(wanted->items, wanted->count, sizeof(*wanted->items), number_compare);
    for (size_t i = 0; i < wanted->count; i++)
        if (i == 0 || wanted->items[i] != wanted->items[kept - 1])
            wanted->items[kept++] = wanted->items[i];
    wanted->count = kept;
}

static void want(struct wanted *wanted, uint64_t address)
{
    if (!wanted->items)
        wanted->items = calloc(wanted->most, sizeof(*wanted->items));
    if (wanted->items && !wanted->crowded && wanted->count == wanted->most) {
        drop_repeated(wanted);
        wanted->crowded = wanted->count > wanted->most / 2;
    }
    if (wanted->items && wanted->count < wanted->most)
        wanted->items[wanted->count++] = address;
}

static void want_no_more(struct namer *namer)
{
    namer->places.count = namer->tables.count = 0;
    namer->places.crowded = namer->tables.crowded = false;
}

static bool find(struct namer *namer, struct wanted *wanted, uint64_t address, struct frame *out)
{
    if (!namer->names && names_new(&namer->names) < 0) {
        *out = (struct frame){.address = address};
        return true;
    }
    if (names_find(namer->names, address, out))
        return true;
    want(wanted, address);
    return false;
}

bool namer_frames(struct namer *namer, const uint64_t *addresses, size_t count, struct frame *out)
{
    bool known = true;

    for (size_t i = 0; i < count; i++)
        known &= find(namer, &namer->places, addresses[i], &out[i]);
    return known;
}

/* In the child. */
static void look(void *data, int fd, void *answer)
{
    const struct namer *namer = data;
    struct frame *frames = answer, *types = frames + namer->places.count;
    struct resolver *resolver;

    for (size_t i = 0; i < namer->places.count; i++)
        frames[i].address = namer->places.items[i];
    for (size_t i = 0; i < namer->tables.count; i++)
        types[i].address = namer->tables.items[i];
    if (resolver_new(&resolver, &namer->process, NULL) < 0)
        return;
    resolver_set_sites(resolver, namer->findings, namer->bias);
    resolver_frames(resolver, namer->places.items, namer->places.count, frames);
    for (size_t i = 0; i < namer->tables.count; i++) {
        resolver_table(resolver, namer->tables.items[i], types[i].text);
        types[i].source = types[i].text[0] ? FRAME_JITTED : FRAME_UNKNOWN;
    }
}

static void take_names(void *context, const void *answer, const char *trouble)
{
    struct namer *namer = context;
    const struct frame *frames = answer;
    uint64_t now = clock_monotonic_ns(), took = now - namer->search_began;

    namer->errand = NULL;
    namer->search_again = !answer || took >= LONG_NS ? now + PAUSES * took : 0;
    for (size_t i = 0; answer && i < namer->asked; i++) {
        struct frame frame = frames[i];

        if (frame_check(&frame) == 0)
            names_keep(namer->names, &frame);
    }
}

bool namer_search(struct namer *namer)
{
    struct errand_task task = {
        .work = look, .data = namer, .fd = -1, .end = take_names, .context = namer};
    uint64_t now = clock_monotonic_ns();
    int r = -EAGAIN;

    if (namer->errand)
        return true;
    if (!namer->places.count && !namer->tables.count)
        return false;
    if (now >= namer->search_again) {
        drop_repeated(&namer->places);
        drop_repeated(&namer->tables);
        namer->asked = namer->places.count + namer->tables.count;
        namer->search_began = now;
        task.size = namer->asked * sizeof(struct frame);
        r = errand_begin(namer->errands, &task, &namer->errand);
    }
    if (r != -EBUSY)
        want_no_more(namer);
    return r == 0 || r == -EBUSY;
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
    bool certain = true, known;

    count = count < FRAMES_OF_LOCK ? count : FRAMES_OF_LOCK;
    known = namer_frames(namer, addresses, count, frames);
    for (size_t i = 0; i < count; i++) {
        verdict->managed |= is_try_enter_slow(frames[i].text);
        certain &= frames[i].source != FRAME_UNKNOWN;
    }
    if (verdict->managed || certain)
        verdict->again = 0;
    else
        verdict->again = known ? clock_monotonic_ns() + AGAIN_NS : 1;
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

/* Of the object that the lock belongs to now. 0: it can't be told. */
static uint64_t table_of_lock(const struct namer *namer, struct memory *memory, uint64_t lock)
{
    uint64_t entries = 0, object = 0, table = 0;
    uint32_t index = 0;

    if (memory_read(memory, lock + namer->sync_index, &index, sizeof(index)) < 0 ||
        memory_read(memory, namer->sync_table, &entries, sizeof(entries)) < 0 ||
        (index &= SYNC_INDEX_MASK) == 0 ||
        memory_read(memory, entries + (uint64_t)index * SYNC_ENTRY_BYTES + sizeof(uint64_t),
                    &object, sizeof(object)) < 0 ||
        object % sizeof(uint64_t) || memory_read(memory, object, &table, sizeof(table)) < 0)
        return 0;
    return table & ~TABLE_MASK;
}

void namer_type_of_lock(struct namer *namer, uint64_t lock, char out[static FRAME_TEXT_MAX])
{
    struct memory memory;
    struct frame type;
    uint64_t table;

    out[0] = '\0';
    if (!lock || !namer->sync_table || !namer->sync_index)
        return;
    memory_open(&memory, namer->process.pid);
    table = table_of_lock(namer, &memory, lock);
    memory_close(&memory);
    if (table && find(namer, &namer->tables, table, &type) && type.source != FRAME_UNKNOWN)
        text_copy(out, FRAME_TEXT_MAX, type.text);
}
