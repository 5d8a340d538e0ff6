/* SPDX-License-Identifier: Apache-2.0 */
#include "contention.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

#include "relief.h"
#include "util/clock.h"
#include "util/text.h"
#include "wait_json.h"
#include "wait_reading.h"

#define ERRANDS_MAX     3
#define ERRAND_US       UINT64_C(30000000)
#define MANAGED_RELEASE 9 /* System.Threading.Lock is there since */

struct known_process {
    struct waiter_process waiter;
    uint64_t since_ns; /* its sums; they stay when a family is switched off and on. 0: none yet */
    struct known_process *next;
};

/* A map as it was a moment ago. */
struct recent {
    struct wait_rows rows;
    uint64_t at; /* CLOCK_MONOTONIC ns; 0: never read */
};

struct contention_reader {
    struct probes *probes;
    const struct registry *registry;
    struct errands *errands; /* that look for names */
    struct known_process *known;
    struct recent waiting, stacks;
};

int contention_reader_new(struct contention_reader **out, sd_event *loop, struct probes *probes,
                          const struct registry *registry)
{
    struct contention_reader *reader = calloc(1, sizeof(*reader));
    int r = reader ? errands_new(&reader->errands, loop, ERRANDS_MAX, ERRAND_US) : -ENOMEM;

    if (r < 0) {
        free(reader);
        return r;
    }
    reader->probes = probes;
    reader->registry = registry;
    *out = reader;
    return 0;
}

static void known_free(struct known_process *known)
{
    namer_free(&known->waiter.namer);
    free(known);
}

void contention_reader_free(struct contention_reader **reader)
{
    if (!*reader)
        return;
    while ((*reader)->known) {
        struct known_process *known = (*reader)->known;

        (*reader)->known = known->next;
        known_free(known);
    }
    errands_free(&(*reader)->errands);
    wait_rows_free(&(*reader)->waiting.rows);
    wait_rows_free(&(*reader)->stacks.rows);
    free(*reader);
    *reader = NULL;
}

/* Processes */

static struct known_process *known_of(const struct contention_reader *reader, pid_t pid)
{
    struct known_process *known = reader->known;

    while (known && known->waiter.pid != pid)
        known = known->next;
    return known;
}

static struct known_process *know(struct contention_reader *reader, pid_t pid)
{
    struct known_process *known = known_of(reader, pid);

    if (known)
        return known;
    known = calloc(1, sizeof(*known));
    if (!known)
        return NULL;
    known->waiter.pid = pid;
    known->next = reader->known;
    reader->known = known;
    return known;
}

void contention_know(struct contention_reader *reader, const struct process *process,
                     const struct findings *findings, uint64_t bias)
{
    struct known_process *known = reader->probes ? know(reader, process->pid) : NULL;

    if (!known)
        return;
    namer_free(&known->waiter.namer);
    (void)!namer_new(&known->waiter.namer, reader->errands, process, findings, bias);
}

static void forget_known(struct contention_reader *reader, pid_t pid)
{
    struct known_process **at = &reader->known, *known;

    while (*at && (*at)->waiter.pid != pid)
        at = &(*at)->next;
    known = *at;
    if (!known)
        return;
    *at = known->next;
    known_free(known);
}

static const enum abi_wait_kind kind_of[PROBES_FAMILY_MAX] = {
    [PROBES_GC] = ABI_WAIT_KIND_MAX,
    [PROBES_CONTENTION] = ABI_WAIT_LOCK,
    [PROBES_MANAGED_LOCKS] = ABI_WAIT_HANDLE,
    [PROBES_EVENTS] = ABI_WAIT_KIND_MAX,
};

int contention_set_process(struct contention_reader *reader, pid_t pid, enum probe_family family,
                           bool on)
{
    struct abi_wait_process process = {0};
    uint32_t key = (uint32_t)pid, bit = 1u << kind_of[family];
    int r;

    if (kind_of[family] == ABI_WAIT_KIND_MAX)
        return -EINVAL;
    if (!reader->probes)
        return -ENOTSUP;
    r = wait_map_get(reader->probes, WAIT_MAP_PROCESSES, &key, &process);
    if (r < 0 && r != -ENOENT)
        return r;
    process.off = on ? process.off & ~bit : process.off | bit;
    r = wait_map_set(reader->probes, WAIT_MAP_PROCESSES, &key, &process);
    probes_change_settings(reader->probes);
    return r;
}

bool contention_process_is_on(const struct contention_reader *reader, pid_t pid,
                              enum probe_family family)
{
    struct abi_wait_process process = {0};
    uint32_t key = (uint32_t)pid;

    if (reader->probes && kind_of[family] != ABI_WAIT_KIND_MAX)
        (void)!wait_map_get(reader->probes, WAIT_MAP_PROCESSES, &key, &process);
    return kind_of[family] == ABI_WAIT_KIND_MAX || !(process.off & 1u << kind_of[family]);
}

static bool is_by_marks(const struct contention_reader *reader,
                        const struct stored_process *process)
{
    return registry_is_by_marks(reader->registry, process->image);
}

/* Is it probed there, and since when; else why not. */
static bool is_probed(const struct contention_reader *reader, const struct stored_process *process,
                      enum probe_family family, uint64_t *since, struct reason *why)
{
    if (!reader->probes)
        reason_set(why, 0, "the daemon has no probes");
    else if (!registry_family_is_on(reader->registry, family))
        reason_set(why, 0, "its probes are off: clrmon probes %s on", probe_family_name(family));
    else if (!contention_process_is_on(reader, process->process.pid, family))
        reason_set(why, 0, "switched off for this process");
    else if (!process->image)
        reason_set(why, 0, "its image is not known yet");
    else if (family == PROBES_CONTENTION && is_by_marks(reader, process) &&
             !registry_marks_are_passed(reader->registry, process->image, process->event_log))
        reason_set(why, 0,
                   "only marks for tracers are found in its runtime, and it passes those only when "
                   "started with COMPlus_EnableEventLog=1");
    else {
        *since = registry_probed_since(reader->registry, process->image, family, why);
        return *since != 0;
    }
    return false;
}

/* One that has begun after the probes has been counted from its beginning. */
static uint64_t counted_since(struct known_process *known, const struct stored_process *process,
                              uint64_t probed)
{
    uint64_t since = probed > process->began_ns ? probed : process->began_ns;

    if (!known || !probed)
        return known && known->since_ns ? known->since_ns : since;
    if (!known->since_ns)
        known->since_ns = since;
    return known->since_ns;
}

static void describe(const struct contention_reader *reader, const struct stored_process *process,
                     struct contention *out)
{
    uint64_t since = 0, managed_since = 0;
    struct reason why = {""}, managed_why = {""};
    bool managed;

    *out = (struct contention){
        .pid = process->process.pid,
        .source = is_by_marks(reader, process) ? CONTENTION_USDT : CONTENTION_UPROBE,
        .now_ns = clock_monotonic_ns(),
    };
    text_copy(out->name, sizeof(out->name), process_title(&process->process));
    out->is_on = is_probed(reader, process, PROBES_CONTENTION, &since, &why);
    managed = is_probed(reader, process, PROBES_MANAGED_LOCKS, &managed_since, &managed_why);
    out->since_ns =
        counted_since(known_of(reader, out->pid), process, since ? since : managed_since);
    if (!out->is_on)
        snprintf(out->why, sizeof(out->why), "%.150s", why.text);
    else if (!managed && strtoul(process->version, NULL, 10) >= MANAGED_RELEASE)
        snprintf(out->why, sizeof(out->why), "System.Threading.Lock is not seen: %.120s",
                 managed_why.text);
    text_printable(out->why);
    out->is_on |= managed;
}

/* Sums and lists */

/* Not older than @stale_ns. */
static int read_recent(const struct contention_reader *reader, enum wait_map map, uint64_t stale_ns,
                       struct recent *recent)
{
    uint64_t now = clock_monotonic_ns();
    int r;

    if (recent->at && now - recent->at < stale_ns)
        return 0;
    wait_rows_free(&recent->rows);
    r = wait_rows_read(reader->probes, map, &recent->rows);
    recent->at = r == 0 ? now : 0;
    return r;
}

static void forget_recent(struct contention_reader *reader)
{
    reader->waiting.at = reader->stacks.at = 0;
}

typedef int wait_reader(const struct wait_question *question, struct contention *out);

static int read_waits(struct contention_reader *reader, const struct stored_process *stored,
                      struct wait_question question, uint64_t stale_ns, wait_reader *read,
                      struct contention *out)
{
    const struct known_process *known = known_of(reader, stored->process.pid);
    const struct waiter_process unknown = {.pid = stored->process.pid};
    int r;

    describe(reader, stored, out);
    if (!reader->probes)
        return 0;
    r = read_recent(reader, WAIT_MAP_STACK_SUMS, stale_ns, &reader->stacks);
    if (r == 0 && stale_ns) /* else it is read behind the others */
        r = read_recent(reader, WAIT_MAP_WAITING, stale_ns, &reader->waiting);
    out->now_ns = clock_monotonic_ns();
    question.probes = reader->probes;
    question.process = known ? &known->waiter : &unknown;
    question.waiting = &reader->waiting.rows;
    question.stacks = &reader->stacks.rows;
    if (r == 0)
        r = read(&question, out);
    (void)contention_is_naming(reader, stored->process.pid);
    return r;
}

int contention_read(struct contention_reader *reader, const struct stored_process *process,
                    size_t top, bool named, struct contention *out, struct reason *why)
{
    const struct wait_question question = {.top = top, .named = named};
    int r = read_waits(reader, process, question, 0, wait_reading_lists, out);

    if (r < 0) {
        contention_free(out);
        return reason_set(why, r, "the sums of contention can't be read: %s", strerror(-r));
    }
    return 0;
}

int contention_read_sums(struct contention_reader *reader, const struct stored_process *process,
                         struct contention *out)
{
    return read_waits(reader, process, (struct wait_question){0}, CONTENTION_STALE_NS,
                      wait_reading_sums, out);
}

bool contention_is_naming(const struct contention_reader *reader, pid_t pid)
{
    const struct known_process *known = known_of(reader, pid);

    return known && known->waiter.namer && namer_search(known->waiter.namer);
}

/* Making room */

void contention_forget(struct contention_reader *reader, pid_t pid, uint64_t until)
{
    forget_known(reader, pid);
    if (reader->probes && until)
        relief_forget(reader->probes, (uint32_t)pid, until);
}

void contention_take_families(struct contention_reader *reader)
{
    uint32_t off = 0;

    for (enum probe_family family = 0; family < PROBES_FAMILY_MAX; family++)
        if (kind_of[family] != ABI_WAIT_KIND_MAX &&
            !registry_family_is_on(reader->registry, family))
            off |= 1u << kind_of[family];
    if (reader->probes)
        probes_set_kinds_off(reader->probes, off);
}

void contention_forget_waiting(struct contention_reader *reader, enum probe_family family)
{
    if (reader->probes && kind_of[family] != ABI_WAIT_KIND_MAX)
        probes_abandon(reader->probes, relief_forget_waiting(reader->probes, kind_of[family]));
    forget_recent(reader);
}

static void take_row(void *context, enum wait_map map, uint32_t pid, const void *key,
                     const void *value)
{
    struct contention_reader *reader = context;
    struct known_process *known = know(reader, (pid_t)pid);

    if (known)
        wait_reading_relieve(reader->probes, &known->waiter, map, key, value);
}

void contention_sweep(struct contention_reader *reader)
{
    if (!reader->probes)
        return;
    relief_make_room(reader->probes, take_row, reader);
    relief_drop_gone(reader->probes);
    for (struct known_process *known = reader->known, *next; known; known = next) {
        next = known->next;
        if (kill(known->waiter.pid, 0) < 0 && errno == ESRCH)
            forget_known(reader, known->waiter.pid);
        else if (known->waiter.namer)
            namer_see_threads(known->waiter.namer);
    }
}

/* A single wait */

bool contention_wait_is_named(const struct contention_reader *reader, const struct abi_wait *wait)
{
    const struct known_process *known = known_of(reader, (pid_t)wait->pid);

    return !known || wait_is_named(reader->probes, &known->waiter, wait);
}

json_t *contention_wait_json(const struct contention_reader *reader,
                             const struct stored_process *process, const struct abi_wait *wait)
{
    const struct known_process *known = known_of(reader, process->process.pid);

    return known ? wait_json(reader->probes, &known->waiter, process_title(&process->process), wait)
                 : NULL;
}
