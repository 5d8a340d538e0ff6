/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * Lock contention: entry probes on AwareLock::EnterEpilogHelper(lock, thread, timeout) and on the
 * native function that waits for one handle, and a probe at each of their exits. Every .NET process
 * is counted from its first instruction, unless it is switched off.
 *
 * An exit is told from the entry by the thread and the stack pointer: what has been entered at or
 * below the present one was left without passing an exit.
 *
 * The maps take memory as they fill, except "stacks". At most, with the allocator's size classes:
 * wait_processes 0.4 MB, wait_sums 1, lock_sums 1, stack_sums 2, thread_sums 1, waiting 2,
 * stacks 2.2, the ring 0.5, and 0.6 for the buckets of all: 10.7 MB.
 */

#define WAITS_BYTES   (1 << 19)
#define PROCESSES_MAX 4096
#define SUMS_MAX      2048
#define LOCKS_MAX     8192
#define STACKS_MAX    4096
#define CALLS_MAX     8192 /* stacks of one process each, and their callers */
#define SLEEPERS_MAX  8192 /* threads that have ever waited */
#define TID_MAX       (1 << 22)
#define SCAN_MAX      128 /* of 8 bytes of a Thread, where its id is looked for */
#define LEVEL_MAX     32  /* of PID namespaces */

struct {
    __uint(type, BPF_MAP_TYPE_RINGBUF);
    __uint(max_entries, WAITS_BYTES);
} waits SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, PROCESSES_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u32);
    __type(value, struct abi_wait_process);
} wait_processes SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, SUMS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct abi_process_key);
    __type(value, struct abi_process_sums);
} wait_sums SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, LOCKS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct abi_lock_key);
    __type(value, struct abi_lock_sums);
} lock_sums SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, CALLS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct abi_stack_key);
    __type(value, struct abi_stack_sums);
} stack_sums SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, SLEEPERS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, struct abi_thread_key);
    __type(value, struct abi_thread_sums);
} thread_sums SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_HASH);
    __uint(max_entries, SLEEPERS_MAX);
    __uint(map_flags, BPF_F_NO_PREALLOC);
    __type(key, __u32);
    __type(value, struct abi_waiting);
} waiting SEC(".maps");

struct {
    __uint(type, BPF_MAP_TYPE_STACK_TRACE);
    __uint(max_entries, STACKS_MAX);
    __uint(key_size, sizeof(__u32));
    __uint(value_size, ABI_STACK_DEPTH * sizeof(__u64));
} stacks SEC(".maps");

/* Where a Thread is copied to be looked through. What was found lies here too: in registers the
 * verifier would follow each way through the loop. */
struct thread_words {
    __u64 words[SCAN_MAX];
    __u32 place;
    __u32 places;
};

struct {
    __uint(type, BPF_MAP_TYPE_PERCPU_ARRAY);
    __uint(max_entries, 1);
    __type(key, __u32);
    __type(value, struct thread_words);
} scratch SEC(".maps");

/* A wait at least so long goes to the ring. The daemon's to write. */
volatile __u64 min_wait_ns = ABI_NOBODY_FOLLOWS;

static const struct abi_wait_process no_process;
static const struct abi_process_sums no_process_sums;
static const struct abi_lock_sums no_lock_sums;
static const struct abi_stack_sums no_stack_sums;
static const struct abi_thread_sums no_thread_sums;
static const struct abi_waiting no_waiting;

/* What a key's value is; a new one begins with @zero. NULL: there is no room. */
static __always_inline void *find_or_add(void *map, const void *key, const void *zero)
{
    void *value = bpf_map_lookup_elem(map, key);

    if (value)
        return value;
    bpf_map_update_elem(map, key, zero, BPF_NOEXIST);
    return bpf_map_lookup_elem(map, key);
}

static __always_inline void add(__u64 *to, __u64 amount)
{
    __sync_fetch_and_add(to, amount);
}

static __always_inline void add_wait(struct abi_wait_sum *sum, __u64 wait_ns)
{
    add(&sum->waits, 1);
    add(&sum->wait_ns, wait_ns);
}

/* Twice, for another processor may have come between with less. */
static __always_inline void raise(__u64 *longest, __u64 wait_ns)
{
    volatile __u64 *value = longest;

    if (*value < wait_ns)
        *value = wait_ns;
    if (*value < wait_ns)
        *value = wait_ns;
}

static __always_inline __u32 log2_of(__u64 value)
{
    __u32 log = 0, step;

    step = (value > 0xffffffff) << 5;
    value >>= step;
    log |= step;
    step = (value > 0xffff) << 4;
    value >>= step;
    log |= step;
    step = (value > 0xff) << 3;
    value >>= step;
    log |= step;
    step = (value > 0xf) << 2;
    value >>= step;
    log |= step;
    step = (value > 0x3) << 1;
    value >>= step;
    log |= step;
    return log | (value > 1);
}

static __always_inline __u32 bucket_of(__u64 wait_ns)
{
    __u32 log = log2_of(wait_ns);

    if (log < ABI_WAIT_SHIFT)
        return 0;
    log -= ABI_WAIT_SHIFT - 1;
    return log < ABI_WAIT_BUCKETS ? log : ABI_WAIT_BUCKETS - 1;
}

/* Entry: who holds it */

static __always_inline __u64 read_u64(__u64 address)
{
    __u64 value = 0;

    bpf_probe_read_user(&value, sizeof(value), (void *)address);
    return value;
}

/* The thread's id as its own PID namespace has it, which is what the runtime keeps. */
static __always_inline __u32 own_tid(void)
{
    struct task_struct *task = (struct task_struct *)bpf_get_current_task();
    struct pid *pid = BPF_CORE_READ(task, thread_pid);
    __u32 level = BPF_CORE_READ(pid, level);
    int nr = 0;

    if (level > LEVEL_MAX)
        return 0;
    bpf_probe_read_kernel(&nr, sizeof(nr),
                          (char *)pid + bpf_core_field_offset(struct pid, numbers) +
                              level * bpf_core_type_size(struct upid));
    return nr;
}

/* The one place in a Thread that has its id; 0: none, or several. */
static __always_inline __u32 place_of_tid(__u64 thread, __u32 tid)
{
    __u32 zero = 0;
    volatile struct thread_words *copy = bpf_map_lookup_elem(&scratch, &zero);

    if (!copy || bpf_probe_read_user((void *)copy->words, sizeof(copy->words), (void *)thread) < 0)
        return 0;
    copy->places = 0;
    for (__u32 i = 1; i < SCAN_MAX; i++) {
        if (copy->words[i] != tid)
            continue;
        copy->place = i * 8;
        copy->places++;
    }
    return copy->places == 1 ? copy->place : 0;
}

/*
 * A layout that the code told is true when this thread's id is where it says; one that it did not
 * tell, when two threads have theirs at the same place.
 */
static __always_inline bool is_proven(struct abi_wait_process *process,
                                      struct abi_lock_layout layout, __u64 thread,
                                      struct abi_counters *counters)
{
    __u32 place, tid;

    if (process->thread_tid)
        return true;
    tid = own_tid();
    if (layout.thread_tid && read_u64(thread + layout.thread_tid) == tid && tid) {
        process->thread_tid = layout.thread_tid;
        return true;
    }
    place = layout.thread_tid || !tid ? 0 : place_of_tid(thread, tid);
    if (!place) {
        add(&counters->losses[ABI_LOSS_OWNER], 1);
        return false;
    }
    if (process->candidate == place && process->candidate_tid != tid) {
        process->thread_tid = place;
        return true;
    }
    process->candidate = place;
    process->candidate_tid = tid;
    return false;
}

static __always_inline __u32 owner_of(struct abi_wait_process *process,
                                      struct abi_lock_layout layout, __u64 lock, __u64 thread,
                                      struct abi_counters *counters)
{
    __u64 holder, owner;

    if ((!layout.owner_tid && !layout.holder) || !is_proven(process, layout, thread, counters))
        return 0;
    if (layout.owner_tid) {
        owner = read_u64(lock + layout.owner_tid);
    } else {
        holder = read_u64(lock + layout.holder);
        owner = holder && holder != thread ? read_u64(holder + process->thread_tid) : 0;
    }
    if (owner > TID_MAX || (owner && owner == own_tid()))
        return 0;
    return owner;
}

/* Entry: where it is */

static __always_inline __u64 caller_of(struct pt_regs *ctx)
{
#if defined(__TARGET_ARCH_arm64)
    return PT_REGS_RET(ctx);
#else
    return read_u64(PT_REGS_SP(ctx));
#endif
}

/* Without its @left_out innermost frames; one more try, without one more, where another stack has
 * the place. */
static __always_inline __u32 stack_of(struct pt_regs *ctx, __u32 left_out,
                                      struct abi_counters *counters)
{
    long id = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK | left_out);

    if (id < 0)
        id = bpf_get_stackid(ctx, &stacks, BPF_F_USER_STACK | (left_out + 1));
    if (id >= 0)
        return id;
    add(&counters->losses[ABI_LOSS_STACK], 1);
    return ABI_NO_STACK;
}

static __always_inline struct abi_process_sums *sums_of(__u32 pid, enum abi_wait_kind kind)
{
    struct abi_process_key key = {pid, kind};

    return find_or_add(&wait_sums, &key, &no_process_sums);
}

/* Those who have been left behind by one that now enters, or exits, at @stack_pointer; with the
 * last that is kept go those that had no room behind it. */
static __always_inline void drop_left(struct abi_waiting *thread, __u64 stack_pointer, bool enters,
                                      struct abi_counters *counters)
{
    for (int i = 0; i < ABI_WAIT_NESTED; i++) {
        __u32 top = thread->depth > ABI_WAIT_NESTED ? ABI_WAIT_NESTED - 1 : thread->depth - 1;
        struct abi_process_sums *sums;

        if (top >= ABI_WAIT_NESTED || thread->entries[top].stack_pointer > stack_pointer ||
            (!enters && thread->entries[top].stack_pointer == stack_pointer))
            return;
        thread->depth = top;
        add(&counters->losses[ABI_LOSS_ABANDONED], 1);
        sums = sums_of(thread->pid, thread->entries[top].kind);
        if (sums)
            add(&sums->abandoned, 1);
    }
}

static __always_inline void push(struct pt_regs *ctx, struct abi_waiting_entry *entry,
                                 __u32 left_out, __u64 id, struct abi_counters *counters)
{
    __u32 tid = id, top;
    struct abi_waiting *thread = find_or_add(&waiting, &tid, &no_waiting);

    if (!thread) {
        add(&counters->losses[ABI_LOSS_WAITERS], 1);
        return;
    }
    thread->pid = id >> 32;
    drop_left(thread, entry->stack_pointer, true, counters);
    top = thread->depth;
    thread->depth = top + 1;
    if (top >= ABI_WAIT_NESTED) {
        add(&counters->losses[ABI_LOSS_WAITERS], 1);
        return;
    }
    entry->stack = stack_of(ctx, left_out, counters);
    entry->start = bpf_ktime_get_ns();
    thread->entries[top] = *entry;
}

static __always_inline struct abi_wait_process *process_of(__u32 pid, enum abi_wait_kind kind,
                                                           struct abi_counters *counters)
{
    struct abi_wait_process *process = find_or_add(&wait_processes, &pid, &no_process);

    if (!process)
        add(&counters->losses[ABI_LOSS_PROCESSES], 1);
    return process && process->off & 1 << kind ? NULL : process;
}

SEC("uprobe")
int lock_enter(struct pt_regs *ctx)
{
    struct abi_lock_layout layout = abi_lock_layout_of(bpf_get_attach_cookie(ctx));
    struct abi_waiting_entry entry = {.kind = ABI_WAIT_LOCK,
                                      .stack_pointer = PT_REGS_SP(ctx),
                                      .lock = PT_REGS_PARM1(ctx),
                                      .caller = caller_of(ctx)};
    struct abi_counters *counters = counters_of_cpu();
    __u64 id = bpf_get_current_pid_tgid();
    struct abi_wait_process *process;

    if (!counters)
        return 0;
    add(&counters->hits[ABI_HIT_LOCK_ENTER], 1);
    process = process_of(id >> 32, ABI_WAIT_LOCK, counters);
    if (!process)
        return 0;
    entry.owner = owner_of(process, layout, entry.lock, PT_REGS_PARM2(ctx), counters);
    push(ctx, &entry, 0, id, counters);
    return 0;
}

SEC("uprobe")
int wait_enter(struct pt_regs *ctx)
{
    struct abi_waiting_entry entry = {.kind = ABI_WAIT_HANDLE,
                                      .stack_pointer = PT_REGS_SP(ctx),
                                      .lock = PT_REGS_PARM1(ctx),
                                      .caller = caller_of(ctx)};
    struct abi_counters *counters = counters_of_cpu();
    __u64 id = bpf_get_current_pid_tgid();

    if (!counters)
        return 0;
    add(&counters->hits[ABI_HIT_WAIT_ENTER], 1);
    if (process_of(id >> 32, ABI_WAIT_HANDLE, counters))
        push(ctx, &entry, 0, id, counters);
    return 0;
}

/* Exit */

struct ended_wait {
    struct abi_waiting_entry entry;
    __u64 end;
    __u64 wait_ns;
    __u32 pid, tid;
    bool thrown;
};

static __always_inline void count_lock(const struct ended_wait *wait,
                                       struct abi_process_sums *process,
                                       struct abi_counters *counters)
{
    struct abi_lock_key key = {wait->entry.lock, wait->pid, wait->entry.owner};
    struct abi_lock_sums *sums = key.lock ? find_or_add(&lock_sums, &key, &no_lock_sums) : NULL;

    if (!sums) {
        add(&counters->losses[ABI_LOSS_SUMS], key.lock != 0);
        add_wait(&process->other_locks, wait->wait_ns);
        return;
    }
    add_wait(&sums->sum, wait->wait_ns);
    raise(&sums->longest_ns, wait->wait_ns);
    sums->last_ns = wait->end;
}

static __always_inline void count_thread(const struct ended_wait *wait,
                                         struct abi_process_sums *process,
                                         struct abi_counters *counters)
{
    struct abi_thread_key key = {wait->pid, wait->tid};
    struct abi_thread_sums *sums = find_or_add(&thread_sums, &key, &no_thread_sums);

    if (!sums) {
        add(&counters->losses[ABI_LOSS_SUMS], 1);
        add_wait(&process->other_threads, wait->wait_ns);
        return;
    }
    if (!sums->comm[0])
        bpf_get_current_comm(sums->comm, sizeof(sums->comm));
    add_wait(&sums->sum, wait->wait_ns);
    raise(&sums->longest_ns, wait->wait_ns);
    sums->last_ns = wait->end;
}

static __always_inline void count_stack(const struct ended_wait *wait,
                                        struct abi_process_sums *process,
                                        struct abi_counters *counters)
{
    struct abi_stack_key key = {wait->pid, wait->entry.kind, wait->entry.stack, 0,
                                wait->entry.caller};
    struct abi_stack_sums *sums = find_or_add(&stack_sums, &key, &no_stack_sums);

    if (!sums) {
        add(&counters->losses[ABI_LOSS_SUMS], 1);
        add_wait(&process->other_stacks, wait->wait_ns);
        return;
    }
    add_wait(&sums->sum, wait->wait_ns);
    raise(&sums->longest_ns, wait->wait_ns);
    sums->last_ns = wait->end;
    if (wait->entry.kind == ABI_WAIT_HANDLE)
        __sync_fetch_and_add(&sums->histogram[bucket_of(wait->wait_ns)], 1);
}

static __always_inline void count_process(const struct ended_wait *wait,
                                          struct abi_process_sums *sums)
{
    add_wait(&sums->sum, wait->wait_ns);
    raise(&sums->longest_ns, wait->wait_ns);
    sums->last_ns = wait->end;
    add(&sums->histogram[bucket_of(wait->wait_ns)], 1);
    if (wait->thrown)
        add(&sums->thrown, 1);
}

static __always_inline void tell(const struct ended_wait *wait, struct abi_counters *counters)
{
    struct abi_wait *record;

    if (wait->wait_ns < min_wait_ns || min_wait_ns == ABI_NOBODY_FOLLOWS)
        return;
    record = bpf_ringbuf_reserve(&waits, sizeof(*record), 0);
    if (!record) {
        add(&counters->losses[ABI_LOSS_WAITS_FULL], 1);
        return;
    }
    record->end = wait->end;
    record->wait_ns = wait->wait_ns;
    record->lock = wait->entry.lock;
    record->caller = wait->entry.caller;
    record->pid = wait->pid;
    record->tid = wait->tid;
    record->owner = wait->entry.owner;
    record->stack = wait->entry.stack;
    record->kind = wait->entry.kind;
    record->thrown = wait->thrown;
    bpf_get_current_comm(record->comm, sizeof(record->comm));
    bpf_ringbuf_submit(record, 0);
}

/* The topmost entry is the one that ends here, if it is of that kind. */
static __always_inline bool pop(__u64 stack_pointer, enum abi_wait_kind kind,
                                struct ended_wait *wait, struct abi_counters *counters)
{
    struct abi_waiting *thread = bpf_map_lookup_elem(&waiting, &wait->tid);
    __u32 top;

    if (!thread)
        return false;
    drop_left(thread, stack_pointer, false, counters);
    if (thread->depth > ABI_WAIT_NESTED) {
        thread->depth--;
        return false;
    }
    top = thread->depth - 1;
    if (top >= ABI_WAIT_NESTED || thread->entries[top].kind != kind)
        return false;
    wait->entry = thread->entries[top];
    wait->wait_ns = wait->end - wait->entry.start;
    thread->depth = top;
    return true;
}

static __always_inline void leave(__u64 stack_pointer, bool thrown, enum abi_wait_kind kind,
                                  struct abi_counters *counters)
{
    __u64 id = bpf_get_current_pid_tgid();
    struct ended_wait wait = {.end = bpf_ktime_get_ns(), .pid = id >> 32, .tid = id};
    struct abi_wait_process *process = bpf_map_lookup_elem(&wait_processes, &wait.pid);
    bool entered = pop(stack_pointer, kind, &wait, counters);
    struct abi_process_sums *sums;

    if (process && process->off & 1 << kind)
        return;
    if (!entered)
        add(&counters->losses[ABI_LOSS_UNPAIRED], 1);
    sums = sums_of(wait.pid, kind);
    if (!sums)
        add(&counters->losses[ABI_LOSS_PROCESSES], 1);
    if (!sums || !entered) {
        if (sums)
            add(&sums->unpaired, 1);
        return;
    }
    wait.thrown = thrown;
    count_process(&wait, sums);
    count_stack(&wait, sums, counters);
    if (kind == ABI_WAIT_LOCK) {
        count_lock(&wait, sums, counters);
        count_thread(&wait, sums, counters);
    }
    tell(&wait, counters);
}

static __always_inline bool is_thrown(struct pt_regs *ctx)
{
    return bpf_get_attach_cookie(ctx) == ABI_EXIT_THROWS;
}

SEC("uprobe")
int lock_exit(struct pt_regs *ctx)
{
    struct abi_counters *counters = counters_of_cpu();

    if (!counters)
        return 0;
    add(&counters->hits[ABI_HIT_LOCK_EXIT], 1);
    leave(PT_REGS_SP(ctx), is_thrown(ctx), ABI_WAIT_LOCK, counters);
    return 0;
}

SEC("uprobe")
int wait_exit(struct pt_regs *ctx)
{
    struct abi_counters *counters = counters_of_cpu();

    if (!counters)
        return 0;
    add(&counters->hits[ABI_HIT_WAIT_EXIT], 1);
    leave(PT_REGS_SP(ctx), is_thrown(ctx), ABI_WAIT_HANDLE, counters);
    return 0;
}

/* A thread's end, and that of the program that it was until now. */

/* It ends, perhaps in the middle of waits. */
static __always_inline void forget_thread(__u32 tid, struct abi_counters *counters)
{
    struct abi_waiting *thread = bpf_map_lookup_elem(&waiting, &tid);

    if (!thread)
        return;
    if (counters && thread->depth <= ABI_WAIT_NESTED)
        add(&counters->losses[ABI_LOSS_ABANDONED], thread->depth);
    bpf_map_delete_elem(&waiting, &tid);
}

/* True when there was something to forget. What is not forgotten here is left to the daemon. */
static __always_inline bool forget_process(__u32 pid)
{
    struct abi_process_key lock = {pid, ABI_WAIT_LOCK}, handle = {pid, ABI_WAIT_HANDLE};

    if (bpf_map_delete_elem(&wait_processes, &pid) < 0)
        return false;
    bpf_map_delete_elem(&wait_sums, &lock);
    bpf_map_delete_elem(&wait_sums, &handle);
    return true;
}
