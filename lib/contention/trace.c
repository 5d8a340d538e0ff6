/* SPDX-License-Identifier: Apache-2.0 */
#include "contention/trace.h"

#include <string.h>

#include "util/array.h"
#include "util/cursor.h"
#include "util/numbering.h"
#include "util/text.h"

#define EVENT_START       81
#define EVENT_STOP        91
#define RUNTIME_DEPTH_MAX 100 /* EP_MAX_STACK_DEPTH */
#define WAIT_NS_MAX       1e18
#define ADDRESS_MIN       0x400000u /* programs lie there or higher, and their heaps behind */

/* Lines by key, and in their numbers' order. */
struct lines {
    struct numbering numbers;
    struct contended *items;
    size_t room;
    uint32_t most;
    struct wait_sum other; /* of keys that had no room, and of waits without one */
};

struct addresses {
    uint64_t *items;
    size_t count;
};

/* A thread that waits now. */
struct waiting {
    bool on;
    uint64_t since_ns;
    uint64_t lock, owner, stack; /* keys; 0: not known */
};

struct contention_trace {
    const struct trace_names *names;
    struct lines lines[CONTENTION_BY_MAX];
    struct addresses *addresses; /* by number of the stack */
    size_t address_room;
    struct waiting *waiting; /* by number of the thread */
    size_t waiting_room;
    struct wait_sum sum;
    uint64_t histogram[CONTENTION_BUCKETS];
    uint64_t unpaired;
};

int contention_trace_new(struct contention_trace **out, const struct trace_names *names)
{
    static const struct trace_names nobody;

    *out = calloc(1, sizeof(**out));
    if (!*out)
        return -ENOMEM;
    (*out)->names = names ? names : &nobody;
    (*out)->lines[CONTENTION_BY_LOCK].most = TRACE_LOCKS_MAX;
    (*out)->lines[CONTENTION_BY_STACK].most = TRACE_STACKS_MAX;
    (*out)->lines[CONTENTION_BY_OWNER].most = TRACE_THREADS_MAX;
    (*out)->lines[CONTENTION_BY_THREAD].most = TRACE_THREADS_MAX;
    return 0;
}

void contention_trace_free(struct contention_trace **trace)
{
    struct contention_trace *own = *trace;

    if (!own)
        return;
    for (size_t i = 0; i < own->address_room; i++)
        free(own->addresses[i].items);
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++) {
        numbering_close(&own->lines[by].numbers);
        free(own->lines[by].items);
    }
    free(own->addresses);
    free(own->waiting);
    free(own);
    *trace = NULL;
}

static struct contended *find_line(const struct lines *lines, uint64_t key, uint32_t *number)
{
    if (key == 0 || numbering_find(&lines->numbers, key, number) < 0 || *number >= lines->room)
        return NULL;
    return &lines->items[*number];
}

/* NULL: no key, or no more room. *@is_new: it has just been made. */
static struct contended *make_line(struct lines *lines, uint64_t key, uint32_t *number,
                                   bool *is_new)
{
    uint32_t known = lines->numbers.count;
    struct contended *items;

    if (key == 0 || numbering_add(&lines->numbers, key, lines->most, number) < 0)
        return NULL;
    items = array_grow(lines->items, (size_t)*number + 1, sizeof(*items), &lines->room);
    if (!items)
        return NULL;
    lines->items = items;
    items[*number].key = key;
    *is_new = *number == known;
    return &items[*number];
}

static void add_wait(struct lines *lines, uint64_t key, uint64_t wait_ns)
{
    uint32_t number;
    struct contended *line = find_line(lines, key, &number);
    struct wait_sum *sum = line ? &line->sum : &lines->other;

    sum->waits++;
    sum->wait_ns += wait_ns;
    if (line && wait_ns > line->longest_ns)
        line->longest_ns = wait_ns;
}

static struct contended *make_thread(struct contention_trace *trace, enum contention_by by,
                                     uint64_t tid, uint32_t *number)
{
    bool is_new = false;
    struct contended *line = make_line(&trace->lines[by], tid, number, &is_new);

    if (!line || !is_new)
        return line;
    if (trace->names->thread)
        line->tid = trace->names->thread(trace->names->data, tid, line->thread);
    if (line->tid == 0 && tid <= INT32_MAX)
        line->tid = (pid_t)tid;
    return line;
}

static uint64_t stack_key(const uint64_t *stack, size_t count)
{
    uint64_t key = 0xcbf29ce484222325u;

    for (size_t i = 0; i < count; i++) {
        key = (key ^ stack[i]) * 0x9e3779b97f4a7c15u;
        key ^= key >> 29;
    }
    return key ? key : 1;
}

static uint64_t make_stack(struct contention_trace *trace, const struct nettrace_event *event)
{
    size_t count =
        event->frame_count < CONTENTION_FRAMES_MAX ? event->frame_count : CONTENTION_FRAMES_MAX;
    uint64_t key = count ? stack_key(event->stack, event->frame_count) : 0;
    bool is_new = false;
    uint32_t number;
    struct contended *line = make_line(&trace->lines[CONTENTION_BY_STACK], key, &number, &is_new);
    struct addresses *grown;

    if (!line)
        return 0;
    if (!is_new)
        return key;
    grown = array_grow(trace->addresses, (size_t)number + 1, sizeof(*grown), &trace->address_room);
    if (!grown)
        return 0;
    trace->addresses = grown;
    grown[number].items = calloc(count, sizeof(uint64_t));
    if (!grown[number].items)
        return 0;
    memcpy(grown[number].items, event->stack, count * sizeof(uint64_t));
    grown[number].count = count;
    line->complete = event->frame_count == count && count < RUNTIME_DEPTH_MAX;
    return key;
}

/*
 * Monitor's locks are named by their address. System.Threading.Lock is managed, and may move: it is
 * named by the handle of what its waiters wait for, 4 times a small number.
 */
static bool is_managed(uint64_t lock)
{
    return lock != 0 && lock < ADDRESS_MIN;
}

static uint64_t make_lock(struct contention_trace *trace, uint64_t lock, uint64_t object)
{
    bool is_new = false;
    uint32_t number;
    struct contended *line = make_line(&trace->lines[CONTENTION_BY_LOCK], lock, &number, &is_new);

    if (!line)
        return 0;
    if (!is_new)
        return lock;
    line->managed = is_managed(lock);
    if (line->managed)
        text_copy(line->type, sizeof(line->type), "System.Threading.Lock");
    else if (object && trace->names->type)
        trace->names->type(trace->names->data, object, line->type);
    return lock;
}

static struct waiting *waiting_of(struct contention_trace *trace, uint64_t thread)
{
    struct waiting *grown;
    uint32_t number;

    if (!make_thread(trace, CONTENTION_BY_THREAD, thread, &number))
        return NULL;
    grown = array_grow(trace->waiting, (size_t)number + 1, sizeof(*grown), &trace->waiting_room);
    if (!grown)
        return NULL;
    trace->waiting = grown;
    return &grown[number];
}

/* What follows the flags and the number of the runtime; short where the version has no more. */
static struct cursor arguments_of(const struct nettrace_event *event)
{
    struct cursor payload = {.at = event->payload, .left = event->payload_size};

    if (!cursor_skip(&payload, sizeof(uint8_t) + sizeof(uint16_t)))
        payload.left = 0;
    return payload;
}

static void take_owner(struct contention_trace *trace, uint64_t lock, uint64_t owner)
{
    uint32_t number;
    struct contended *line = find_line(&trace->lines[CONTENTION_BY_LOCK], lock, &number);
    const struct contended *thread = make_thread(trace, CONTENTION_BY_OWNER, owner, &number);

    if (!line || !thread)
        return;
    line->tid = thread->tid;
    memcpy(line->thread, thread->thread, sizeof(line->thread));
}

static void take_start(struct contention_trace *trace, const struct nettrace_event *event,
                       struct waiting *waiting)
{
    struct cursor arguments = arguments_of(event);
    uint64_t lock = 0, object = 0, owner = 0, stack = make_stack(trace, event);
    struct contended *line;
    uint32_t number;

    if (event->version >= 2 && cursor_u64(&arguments, &lock) && cursor_u64(&arguments, &object))
        (void)!cursor_u64(&arguments, &owner);
    trace->unpaired += waiting->on;
    *waiting = (struct waiting){.on = true,
                                .since_ns = event->time_ns,
                                .lock = make_lock(trace, lock, object),
                                .owner = owner <= INT32_MAX ? owner : 0,
                                .stack = stack};
    take_owner(trace, lock, waiting->owner);
    line = find_line(&trace->lines[CONTENTION_BY_STACK], stack, &number);
    if (line)
        line->managed |= is_managed(lock);
}

static uint64_t wait_of(const struct nettrace_event *event, uint64_t since_ns)
{
    struct cursor arguments = arguments_of(event);
    double duration;

    if (event->version >= 1 && cursor_take(&arguments, &duration, sizeof(duration)) &&
        duration >= 0 && duration < WAIT_NS_MAX)
        return (uint64_t)duration;
    return event->time_ns > since_ns ? event->time_ns - since_ns : 0;
}

static size_t bucket_of(uint64_t wait_ns)
{
    uint64_t scale = wait_ns >> CONTENTION_SHIFT;
    size_t bucket = scale ? 64 - (size_t)__builtin_clzl(scale) : 0;

    return bucket < CONTENTION_BUCKETS ? bucket : CONTENTION_BUCKETS - 1;
}

static void take_stop(struct contention_trace *trace, const struct nettrace_event *event,
                      struct waiting *waiting)
{
    uint64_t wait_ns = wait_of(event, waiting->since_ns);

    if (!waiting->on) {
        trace->unpaired++;
        return;
    }
    waiting->on = false;
    trace->sum.waits++;
    trace->sum.wait_ns += wait_ns;
    trace->histogram[bucket_of(wait_ns)]++;
    add_wait(&trace->lines[CONTENTION_BY_LOCK], waiting->lock, wait_ns);
    add_wait(&trace->lines[CONTENTION_BY_STACK], waiting->stack, wait_ns);
    add_wait(&trace->lines[CONTENTION_BY_OWNER], waiting->owner, wait_ns);
    add_wait(&trace->lines[CONTENTION_BY_THREAD], event->thread, wait_ns);
}

int contention_trace_take(void *data, const struct nettrace_event *event, struct reason *why)
{
    struct contention_trace *trace = data;
    struct waiting *waiting;

    if ((event->id != EVENT_START && event->id != EVENT_STOP) ||
        strcmp(event->provider, TRACE_PROVIDER) != 0)
        return 0;
    waiting = waiting_of(trace, event->thread);
    if (!waiting)
        trace->unpaired++;
    else if (event->id == EVENT_START)
        take_start(trace, event, waiting);
    else
        take_stop(trace, event, waiting);
    return 0;
}

static void count_waiters(struct contention_trace *trace, uint64_t now_ns, struct contention *out)
{
    struct lines *lines = trace->lines;
    uint32_t number;

    for (uint32_t i = 0; i < trace->waiting_room; i++) {
        const struct waiting *waiting = &trace->waiting[i];
        struct contended *lock =
            waiting->on ? find_line(&lines[CONTENTION_BY_LOCK], waiting->lock, &number) : NULL;

        if (!waiting->on)
            continue;
        out->waiters++;
        if (lock)
            lock->waiters++;
        if (now_ns > waiting->since_ns && now_ns - waiting->since_ns > out->longest_wait_ns)
            out->longest_wait_ns = now_ns - waiting->since_ns;
    }
}

static const struct addresses *addresses_of(const struct contention_trace *trace, uint64_t key)
{
    static const struct addresses none;
    uint32_t number;

    if (key == 0 || numbering_find(&trace->lines[CONTENTION_BY_STACK].numbers, key, &number) < 0 ||
        number >= trace->address_room)
        return &none;
    return &trace->addresses[number];
}

static void name_frames(const struct contention_trace *trace, const uint64_t *addresses,
                        size_t count, struct frame *out)
{
    for (size_t i = 0; i < count; i++) {
        out[i] = (struct frame){.address = addresses[i]};
        snprintf(out[i].text, sizeof(out[i].text), "0x%lx", addresses[i]);
    }
    if (trace->names->frames && count > 0)
        trace->names->frames(trace->names->data, addresses, count, out);
}

static int name_stack(const struct contention_trace *trace, struct contended *line)
{
    const struct addresses *addresses = addresses_of(trace, line->key);

    line->frames = calloc(addresses->count + 1, sizeof(*line->frames));
    if (!line->frames)
        return -ENOMEM;
    line->frame_count = addresses->count;
    name_frames(trace, addresses->items, addresses->count, line->frames);
    return 0;
}

/* Lines that only ever waited, or owned without a wait that ended, say nothing. */
static void drop_empty(struct contended_list *list)
{
    size_t kept = 0;

    for (size_t i = 0; i < list->count; i++) {
        if (list->items[i].sum.waits > 0 || list->items[i].waiters > 0)
            list->items[kept++] = list->items[i];
    }
    list->count = kept;
}

static void move_list(struct lines *lines, bool has_keys, size_t most, struct contended_list *out)
{
    *out = (struct contended_list){
        .items = TAKE_PTR(lines->items),
        .count = lines->room < lines->numbers.count ? lines->room : lines->numbers.count,
        .other = lines->other};
    lines->room = 0;
    drop_empty(out);
    for (size_t i = 0; i < out->count && !has_keys; i++)
        out->items[i].key = 0;
    contended_list_cut(out, most);
}

int contention_trace_finish(struct contention_trace *trace, uint64_t now_ns, size_t most,
                            struct contention *out, struct reason *why)
{
    struct contended_list *stacks = &out->lists[CONTENTION_BY_STACK];
    int error = 0;

    *out = (struct contention){.source = CONTENTION_EVENTPIPE,
                               .sum = trace->sum,
                               .unpaired = trace->unpaired,
                               .is_on = true};
    memcpy(out->histogram, trace->histogram, sizeof(out->histogram));
    count_waiters(trace, now_ns, out);
    for (enum contention_by by = 0; by < CONTENTION_BY_MAX; by++)
        move_list(&trace->lines[by], by == CONTENTION_BY_LOCK || by == CONTENTION_BY_STACK, most,
                  &out->lists[by]);
    for (size_t i = 0; error == 0 && i < stacks->count; i++)
        error = name_stack(trace, &stacks->items[i]);
    if (error < 0)
        contention_free(out);
    return error < 0 ? reason_set(why, error, "no memory") : 0;
}
