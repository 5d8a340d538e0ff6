/* SPDX-License-Identifier: Apache-2.0 */
#include "probes.h"

#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "clrmon.skel.h"
#include "locate/marks.h"

/* Of an entry probe on an emulated push, with a record written; measured in a virtual machine. Bare
 * metal is cheaper by half. */
#define COST_NS 1500

struct probes {
    struct clrmon_bpf *skeleton;
    struct ring_buffer *ring;
    struct ring_buffer *waits;
    probes_listener *listener;
    void *context;
    probes_wait_listener *wait_listener;
    void *wait_context;
    int cpus;
    bool has_multi;
    uint64_t abandoned; /* waits that the daemon has forgotten */
    uint32_t settings;  /* the number of the present ones; never 0 */
};

struct image_probes {
    struct bpf_link *links[PLAN_PROBES_MAX];
    size_t link_count;
    int multis[PROBE_PROGRAM_MAX]; /* links of all of a program's probes */
    size_t multi_count;
    size_t count; /* probes */
};

/*
 * BPF_LINK_CREATE for many uprobes at once, of Linux 6.6 (struct bpf_uprobe_multi_link), which our
 * libbpf does not know of. It is cheaper by a microsecond a wait than perf events, and detached at
 * once.
 */
#define UPROBE_MULTI 48 /* BPF_TRACE_UPROBE_MULTI */

struct multi_attr {
    uint32_t program, target, type, flags;
    uint64_t path, offsets, counters, cookies;
    uint32_t count, multi_flags, pid, zero;
};

/* What libbpf has to say is kept for the reason and not printed: the layer that gives up prints. */
static char last_message[256];

static int keep_message(enum libbpf_print_level level, const char *format, va_list args)
{
    if (level == LIBBPF_WARN)
        vsnprintf(last_message, sizeof(last_message), format, args);
    return 0;
}

static int explain(struct reason *why, int error, const char *what)
{
    last_message[strcspn(last_message, "\n")] = 0;
    return reason_set(why, error, "%s: %s%s%.100s", what, strerror(-error),
                      last_message[0] ? "; " : "", last_message);
}

static int take_record(void *context, void *data, size_t size)
{
    struct probes *probes = context;

    return size < sizeof(struct abi_record) || probes->listener(probes->context, data) ? 0 : -EBUSY;
}

static int take_wait(void *context, void *data, size_t size)
{
    struct probes *probes = context;

    return size < sizeof(struct abi_wait) || !probes->wait_listener ||
                   probes->wait_listener(probes->wait_context, data)
               ? 0
               : -EBUSY;
}

static int attach_tracepoints(struct probes *probes, struct reason *why)
{
    struct clrmon_bpf *bpf = probes->skeleton;

    bpf->links.process_exec = bpf_program__attach(bpf->progs.process_exec);
    bpf->links.process_exit = bpf_program__attach(bpf->progs.process_exit);
    bpf->links.process_fork = bpf_program__attach(bpf->progs.process_fork);
    if (!bpf->links.process_exec || !bpf->links.process_exit || !bpf->links.process_fork)
        return explain(why, -errno, "process tracepoints can't be attached");
    return 0;
}

static struct bpf_program *program_of(const struct probes *probes, enum probe_program program)
{
    struct bpf_program *const programs[PROBE_PROGRAM_MAX] = {
        [PROBE_GC_CONTROL] = probes->skeleton->progs.gc_control,
        [PROBE_PROVIDER_CALLBACK] = probes->skeleton->progs.provider_callback,
        [PROBE_LOCK_ENTER] = probes->skeleton->progs.lock_enter,
        [PROBE_LOCK_EXIT] = probes->skeleton->progs.lock_exit,
        [PROBE_WAIT_ENTER] = probes->skeleton->progs.wait_enter,
        [PROBE_WAIT_EXIT] = probes->skeleton->progs.wait_exit,
        [PROBE_EVENT_WRITE] = probes->skeleton->progs.event_write,
        [PROBE_MARK_START] = probes->skeleton->progs.contention_start,
        [PROBE_MARK_STOP] = probes->skeleton->progs.contention_stop,
    };

    return programs[program];
}

static const enum probe_program multi_programs[] = {
    PROBE_LOCK_ENTER, PROBE_LOCK_EXIT, PROBE_WAIT_ENTER, PROBE_WAIT_EXIT, PROBE_EVENT_WRITE};

static bool is_multi(const struct probes *probes, enum probe_program program)
{
    for (size_t i = 0; i < ARRAY_SIZE(multi_programs); i++)
        if (multi_programs[i] == program)
            return probes->has_multi;
    return false;
}

static int create_multi(int program, const char *path, const uint64_t *offsets,
                        const uint64_t *cookies, uint32_t count)
{
    struct multi_attr attr = {
        .program = (uint32_t)program,
        .type = UPROBE_MULTI,
        .path = (uintptr_t)path,
        .offsets = (uintptr_t)offsets,
        .cookies = (uintptr_t)cookies,
        .count = count,
    };
    long fd = syscall(__NR_bpf, BPF_LINK_CREATE, &attr, sizeof(attr));

    return fd < 0 ? -errno : (int)fd;
}

/* A kernel that knows of it finds that a folder can't be probed. */
static bool kernel_has_multi(const struct probes *probes)
{
    const uint64_t nowhere = 1;

    return create_multi(bpf_program__fd(program_of(probes, PROBE_LOCK_EXIT)), "/", &nowhere, NULL,
                        1) == -EBADF;
}

/* What a program can be attached by is settled when it is loaded. */
static int open_and_load(struct probes *probes, size_t ring_bytes, struct reason *why)
{
    int r;

    clrmon_bpf__destroy(probes->skeleton);
    probes->skeleton = clrmon_bpf__open();
    if (!probes->skeleton)
        return explain(why, -errno, "BPF programs can't be opened");
    r = bpf_map__set_max_entries(probes->skeleton->maps.records, (uint32_t)ring_bytes);
    for (size_t i = 0; i < ARRAY_SIZE(multi_programs) && probes->has_multi && r == 0; i++)
        r = bpf_program__set_expected_attach_type(program_of(probes, multi_programs[i]),
                                                  UPROBE_MULTI);
    if (r == 0)
        r = clrmon_bpf__load(probes->skeleton);
    return r < 0 ? explain(why, r, "BPF programs can't be loaded") : 0;
}

static int load(struct probes *probes, size_t ring_bytes, struct reason *why)
{
    int r;

    probes->has_multi = true;
    r = open_and_load(probes, ring_bytes, why);
    if (r < 0 || !kernel_has_multi(probes)) {
        probes->has_multi = false;
        r = open_and_load(probes, ring_bytes, why);
    }
    if (r < 0)
        return r;
    probes->ring =
        ring_buffer__new(bpf_map__fd(probes->skeleton->maps.records), take_record, probes, NULL);
    probes->waits =
        ring_buffer__new(bpf_map__fd(probes->skeleton->maps.waits), take_wait, probes, NULL);
    if (!probes->ring || !probes->waits)
        return explain(why, -errno, "no ring buffer");
    return attach_tracepoints(probes, why);
}

int probes_new(struct probes **out, size_t ring_bytes, probes_listener *listener, void *context,
               struct reason *why)
{
    struct rlimit unlimited = {RLIM_INFINITY, RLIM_INFINITY};
    struct probes *probes = calloc(1, sizeof(*probes));
    int r;

    if (!probes)
        return reason_set(why, -ENOMEM, "no memory");
    *probes = (struct probes){
        .listener = listener,
        .context = context,
        .cpus = libbpf_num_possible_cpus(),
        .settings = 1,
    };
    last_message[0] = 0;
    libbpf_set_print(keep_message);
    setrlimit(RLIMIT_MEMLOCK, &unlimited); /* kernels before 5.11; refused without harm */
    r = probes->cpus > 0 ? load(probes, ring_bytes, why) : probes->cpus;
    if (r < 0) {
        probes_free(&probes);
        return r;
    }
    *out = probes;
    return 0;
}

void probes_free(struct probes **probes)
{
    if (!*probes)
        return;
    ring_buffer__free((*probes)->ring);
    ring_buffer__free((*probes)->waits);
    clrmon_bpf__destroy((*probes)->skeleton);
    free(*probes);
    *probes = NULL;
}

int probes_fd(const struct probes *probes)
{
    return ring_buffer__epoll_fd(probes->ring);
}

void probes_consume(struct probes *probes)
{
    ring_buffer__consume(probes->ring);
}

int probes_waits_fd(const struct probes *probes)
{
    return ring_buffer__epoll_fd(probes->waits);
}

void probes_consume_waits(struct probes *probes)
{
    ring_buffer__consume(probes->waits);
}

void probes_follow_waits(struct probes *probes, uint64_t min_wait_ns,
                         probes_wait_listener *listener, void *context)
{
    probes->wait_listener = listener;
    probes->wait_context = context;
    probes->skeleton->data->min_wait_ns = min_wait_ns;
    probes_change_settings(probes);
}

void probes_change_settings(struct probes *probes)
{
    bool followed = probes->skeleton->data->min_wait_ns != ABI_NOBODY_FOLLOWS;

    if (++probes->settings == 0)
        probes->settings = 1;
    __atomic_store_n(&probes->skeleton->data->settings, followed ? 0 : probes->settings,
                     __ATOMIC_RELEASE);
}

void probes_set_kinds_off(struct probes *probes, uint32_t kinds)
{
    probes->skeleton->bss->kinds_off = kinds;
    probes_change_settings(probes);
}

static const struct bpf_map *map_of(const struct probes *probes, enum wait_map map)
{
    const struct bpf_map *const maps[WAIT_MAP_MAX] = {
        [WAIT_MAP_PROCESSES] = probes->skeleton->maps.wait_processes,
        [WAIT_MAP_SUMS] = probes->skeleton->maps.wait_sums,
        [WAIT_MAP_LOCKS] = probes->skeleton->maps.lock_sums,
        [WAIT_MAP_STACK_SUMS] = probes->skeleton->maps.stack_sums,
        [WAIT_MAP_THREADS] = probes->skeleton->maps.thread_sums,
        [WAIT_MAP_WAITING] = probes->skeleton->maps.waiting,
        [WAIT_MAP_STACKS] = probes->skeleton->maps.stacks,
    };

    return maps[map];
}

int probes_map(const struct probes *probes, enum wait_map map)
{
    return bpf_map__fd(map_of(probes, map));
}

uint32_t probes_map_size(const struct probes *probes, enum wait_map map)
{
    return bpf_map__max_entries(map_of(probes, map));
}

int probes_events_map(const struct probes *probes)
{
    return bpf_map__fd(probes->skeleton->maps.events_written);
}

/* libbpf reads the marks of the file itself, and it was not made for files that somebody forged. */
static int check_owner(const char *path, struct reason *why)
{
    struct stat status;

    if (stat(path, &status) < 0)
        return reason_set(why, -errno, "its file can't be looked at: %s", strerror(errno));
    if ((status.st_uid && status.st_uid != geteuid()) || status.st_mode & S_IWOTH)
        return reason_set(why, -EACCES,
                          "its marks for tracers are not read, as others than root can change it");
    return 0;
}

static int attach_mark(struct probes *probes, const char *path, const struct planned_probe *planned,
                       struct bpf_link **out, struct reason *why)
{
    bool start = planned->program == PROBE_MARK_START;
    char name[MARK_NAME_MAX], what[80];
    int r = check_owner(path, why);

    if (r < 0)
        return r;
    mark_name(start ? "ContentionStart" : "ContentionStop", (uint8_t)planned->cookie, name);
    last_message[0] = 0;
    *out = bpf_program__attach_usdt(program_of(probes, planned->program), -1, path, MARK_PROVIDER,
                                    name, NULL);
    if (*out)
        return 0;
    snprintf(what, sizeof(what), "no probe at the mark %s", name);
    return explain(why, -errno, what);
}

static int attach(struct probes *probes, const char *path, const struct planned_probe *planned,
                  struct bpf_link **out, struct reason *why)
{
    LIBBPF_OPTS(bpf_uprobe_opts, options, .bpf_cookie = planned->cookie);
    char what[80];

    if (planned->program == PROBE_MARK_START || planned->program == PROBE_MARK_STOP)
        return attach_mark(probes, path, planned, out, why);
    last_message[0] = 0;
    *out = bpf_program__attach_uprobe_opts(program_of(probes, planned->program), -1, path,
                                           planned->offset, &options);
    if (*out)
        return 0;
    snprintf(what, sizeof(what), "no probe at %s", site_name(planned->site));
    return explain(why, -errno, what);
}

/* The probes of one program, which follow each other in the plan from @first on; how many. */
static size_t attach_multi(struct probes *probes, const char *path, const struct plan *plan,
                           size_t first, int *out, struct reason *why)
{
    uint64_t offsets[PLAN_PROBES_MAX], cookies[PLAN_PROBES_MAX];
    enum probe_program program = plan->probes[first].program;
    char what[80];
    uint32_t count = 0;

    for (size_t i = first; i < plan->count && plan->probes[i].program == program; i++) {
        offsets[count] = plan->probes[i].offset;
        cookies[count++] = plan->probes[i].cookie;
    }
    last_message[0] = 0;
    *out =
        create_multi(bpf_program__fd(program_of(probes, program)), path, offsets, cookies, count);
    if (*out >= 0)
        return count;
    snprintf(what, sizeof(what), "no probe at %s", site_name(plan->probes[first].site));
    explain(why, *out, what);
    return 0;
}

/* All of one program, or one. */
static int attach_next(struct probes *probes, const char *path, const struct plan *plan,
                       struct image_probes *image, struct reason *why)
{
    const struct planned_probe *next = &plan->probes[image->count];
    int r;

    if (is_multi(probes, next->program)) {
        int *fd = &image->multis[image->multi_count];
        size_t count = attach_multi(probes, path, plan, image->count, fd, why);

        image->count += count;
        image->multi_count += count != 0;
        return count ? 0 : *fd;
    }
    r = attach(probes, path, next, &image->links[image->link_count], why);
    image->link_count += r == 0;
    image->count += r == 0;
    return r;
}

int probes_attach(struct probes *probes, int fd, const struct plan *plan, struct image_probes **out,
                  struct reason *why)
{
    struct image_probes *image = calloc(1, sizeof(*image));
    char path[64];
    int r = image ? 0 : reason_set(why, -ENOMEM, "no memory");

    snprintf(path, sizeof(path), "/proc/self/fd/%d", fd);
    while (r == 0 && image->count < plan->count)
        r = attach_next(probes, path, plan, image, why);
    if (r < 0) {
        probes_detach(&image);
        return r;
    }
    *out = image;
    return 0;
}

bool probes_detach_next(struct image_probes **image)
{
    if (!*image)
        return false;
    if ((*image)->multi_count)
        close((*image)->multis[--(*image)->multi_count]);
    else if ((*image)->link_count)
        bpf_link__destroy((*image)->links[--(*image)->link_count]);
    if ((*image)->multi_count || (*image)->link_count)
        return true;
    free(*image);
    *image = NULL;
    return false;
}

void probes_detach(struct image_probes **image)
{
    while (probes_detach_next(image))
        ;
}

size_t probes_attached(const struct image_probes *image)
{
    return image ? image->count : 0;
}

void probes_watch(struct probes *probes, pid_t pid)
{
    uint32_t key = (uint32_t)pid;
    uint8_t value = 1;

    bpf_map_update_elem(bpf_map__fd(probes->skeleton->maps.watched), &key, &value, BPF_ANY);
}

void probes_unwatch(struct probes *probes, pid_t pid)
{
    uint32_t key = (uint32_t)pid;

    bpf_map_delete_elem(bpf_map__fd(probes->skeleton->maps.watched), &key);
}

void probes_abandon(struct probes *probes, uint64_t waits)
{
    probes->abandoned += waits;
}

int probes_counters(const struct probes *probes, struct abi_counters *out)
{
    _free_ struct abi_counters *each = calloc((size_t)probes->cpus, sizeof(*each));
    uint32_t zero = 0;

    *out = (struct abi_counters){0};
    if (!each)
        return -ENOMEM;
    if (bpf_map_lookup_elem(bpf_map__fd(probes->skeleton->maps.counters), &zero, each) < 0)
        return -errno;
    for (int cpu = 0; cpu < probes->cpus; cpu++) {
        for (int i = 0; i < ABI_LOSS_MAX; i++)
            out->losses[i] += each[cpu].losses[i];
        for (int i = 0; i < ABI_HIT_MAX; i++)
            out->hits[i] += each[cpu].hits[i];
    }
    out->losses[ABI_LOSS_ABANDONED] += probes->abandoned;
    return 0;
}

uint64_t probes_cost_per_hit(void)
{
    return COST_NS;
}
