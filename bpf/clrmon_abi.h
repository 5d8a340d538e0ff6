/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * What the BPF programs and the daemon say to each other: fixed-width types, and how a cookie is
 * packed. Both sides are built together, so there is no version; the static asserts hold the
 * layout.
 */

#ifdef __bpf__
typedef unsigned char abi_u8;
typedef unsigned short abi_u16;
typedef unsigned int abi_u32;
typedef unsigned long long abi_u64;
#else
#include <stdint.h>
typedef uint8_t abi_u8;
typedef uint16_t abi_u16;
typedef uint32_t abi_u32;
typedef uint64_t abi_u64;
#endif

#define ABI_COMM_MAX 16

/* GCHeap::ControlEvents' or the provider callback's cookie: which of the two providers it means. */
enum abi_provider {
    ABI_PROVIDER_PUBLIC,
    ABI_PROVIDER_PRIVATE,
};

enum abi_kind {
    ABI_GC_CONTROL = 1, /* the GC was told its level and keywords: gc */
    ABI_PROVIDER,       /* a provider was enabled or disabled: provider */
    ABI_EXEC,
    ABI_EXIT,
    ABI_FORK, /* of a watched process: child */
};

/* Why a record was not delivered, or a wait not counted where it belongs; counted per CPU. */
enum abi_loss {
    ABI_LOSS_RING_FULL,
    ABI_LOSS_READ,       /* an argument could not be read */
    ABI_LOSS_WAITS_FULL, /* the ring of single waits; they are counted nevertheless */
    ABI_LOSS_UNPAIRED,   /* an exit without an entry: it waited already when the probes came */
    ABI_LOSS_ABANDONED,  /* an entry without an exit */
    ABI_LOSS_WAITERS,    /* no room for one more waiting thread, or too many waits nested */
    ABI_LOSS_PROCESSES,  /* no room for one more process */
    ABI_LOSS_STACK,      /* the stack could not be taken; its waits are counted without one */
    ABI_LOSS_SUMS,  /* no room for a lock, a stack, a thread or an event: counted under "other", if
                       at all */
    ABI_LOSS_OWNER, /* the lock is not laid out as was thought: its owner is not known */
    ABI_LOSS_MAX,
};

/* How often each program has run; counted per CPU. The cost of the whole is hits times a hit's. */
enum abi_hit {
    ABI_HIT_GC_CONTROL,
    ABI_HIT_PROVIDER,
    ABI_HIT_EXEC,
    ABI_HIT_EXIT,
    ABI_HIT_FORK,
    ABI_HIT_LOCK_ENTER,
    ABI_HIT_LOCK_EXIT,
    ABI_HIT_WAIT_ENTER,
    ABI_HIT_WAIT_EXIT,
    ABI_HIT_EVENT_WRITE,
    ABI_HIT_MAX,
};

struct abi_counters {
    abi_u64 losses[ABI_LOSS_MAX];
    abi_u64 hits[ABI_HIT_MAX];
};

struct abi_record {
    abi_u64 time; /* CLOCK_MONOTONIC, ns */
    abi_u32 kind; /* enum abi_kind */
    abi_u32 pid;  /* thread group, in the initial PID namespace */
    abi_u32 tid;
    abi_u32 provider; /* enum abi_provider; ABI_GC_CONTROL, ABI_PROVIDER */
    abi_u64 keywords;
    abi_u32 level;
    abi_u32 enabled; /* ABI_PROVIDER: the control code */
    abi_u32 child;   /* ABI_FORK: the new process */
    union {
        abi_u32 callback; /* ABI_GC_CONTROL: told by the provider's callback, not by a collection */
        abi_u32 waited;   /* ABI_EXEC, ABI_EXIT: it has been counted in the maps of contention */
    };
    abi_u8 comm[ABI_COMM_MAX]; /* of the thread */
};

/*
 * Contention. An entry is kept by thread, the nested ones on top of each other, and an exit ends
 * the topmost. Sums lie in hash maps by process, by lock and owner, by stack, and by thread; what
 * finds no room in them is counted in the process's "other".
 */

enum abi_wait_kind {
    ABI_WAIT_LOCK,   /* Monitor's slow path */
    ABI_WAIT_HANDLE, /* any wait handle: whether it is a managed Lock's, the stack tells. One that
                        was woken and came too late waits again, which counts again. */
    ABI_WAIT_KIND_MAX,
};

#define ABI_WAIT_BUCKETS   32 /* i: shorter than 2^(ABI_WAIT_SHIFT + i) ns; the last: all longer */
#define ABI_WAIT_SHIFT     10
#define ABI_WAIT_NESTED    3
#define ABI_STACK_DEPTH    64
#define ABI_NO_STACK       0xffffffffu
#define ABI_NOBODY_FOLLOWS (~0ULL) /* of the least wait that goes to the ring */

/*
 * The cookie of an entry to a lock's slow path: where things are in its AwareLock, as struct
 * lock_layout has them. 0: not known.
 */
struct abi_lock_layout {
    abi_u16 holder;     /* of a Thread *; 0 too where it is something else */
    abi_u16 owner_tid;  /* 8 bytes */
    abi_u16 thread_tid; /* of a Thread: 8 bytes */
};

static inline abi_u64 abi_lock_cookie(struct abi_lock_layout layout)
{
    return layout.holder | (abi_u64)layout.owner_tid << 16 | (abi_u64)layout.thread_tid << 32;
}

static inline struct abi_lock_layout abi_lock_layout_of(abi_u64 cookie)
{
    return (struct abi_lock_layout){(abi_u16)cookie, (abi_u16)(cookie >> 16),
                                    (abi_u16)(cookie >> 32)};
}

/* The cookie of an exit. */
enum abi_exit {
    ABI_EXIT_RETURNS,
    ABI_EXIT_THROWS,
};

struct abi_wait_sum {
    abi_u64 waits;
    abi_u64 wait_ns;
};

/*
 * Map "wait_processes": every process that has come to a lock, by pid. The daemon writes the first;
 * the rest is found out at the first waits.
 */
struct abi_wait_process {
    abi_u32 off;        /* bit 1 << enum abi_wait_kind: it is not to be counted */
    abi_u32 thread_tid; /* offset of Thread::m_OSThreadId, found true in the process; 0: not yet */
    abi_u32 candidate;  /* one thread's word for it */
    abi_u32 candidate_tid;
};

/* Map "wait_sums". */
struct abi_process_key {
    abi_u32 pid;
    abi_u32 kind; /* enum abi_wait_kind */
};

struct abi_process_sums {
    struct abi_wait_sum sum;
    struct abi_wait_sum other_locks; /* what is in no map of the three below */
    struct abi_wait_sum other_stacks;
    struct abi_wait_sum other_threads;
    abi_u64 longest_ns;
    abi_u64 last_ns; /* CLOCK_MONOTONIC of the last exit, here and below */
    abi_u64 unpaired;
    abi_u64 abandoned;
    abi_u64 histogram[ABI_WAIT_BUCKETS];
};

/* Map "lock_sums": the lock, and who held it when the thread began to wait. Of ABI_WAIT_LOCK. */
struct abi_lock_key {
    abi_u64 lock;
    abi_u32 pid;
    abi_u32 owner; /* thread id as its own PID namespace has it; 0: not known */
};

struct abi_lock_sums {
    struct abi_wait_sum sum;
    abi_u64 longest_ns;
    abi_u64 last_ns;
};

/* Map "stack_sums": the stack at the entry. */
struct abi_stack_key {
    abi_u32 pid;
    abi_u32 kind;
    abi_u32 stack; /* id in the map of stacks; ABI_NO_STACK */
    abi_u32 zero;
    abi_u64 caller; /* the return address of the probed function, which the stack may not have */
};

struct abi_stack_sums {
    struct abi_wait_sum sum;
    abi_u64 longest_ns;
    abi_u64 last_ns;
    abi_u32 histogram[ABI_WAIT_BUCKETS]; /* of ABI_WAIT_HANDLE */
};

/* Map "thread_sums": the thread that waits. Of ABI_WAIT_LOCK. */
struct abi_thread_key {
    abi_u32 pid;
    abi_u32 tid;
};

struct abi_thread_sums {
    struct abi_wait_sum sum;
    abi_u64 longest_ns;
    abi_u64 last_ns;
    abi_u8 comm[ABI_COMM_MAX]; /* as of the first wait; "": not known */
};

/*
 * Map "waiting", by tid: what a thread waits for now. It stays, with depth 0, until the thread
 * ends, and so does its first entry, with the sums of its waits that are not in the maps by lock,
 * stack and thread yet. Who reads those maps before this one and adds the two counts nothing twice.
 *
 * A thread that waits for the same lock again, called as deep as before and not later than
 * ABI_ALIKE_NS after it began to wait the last time, is taken to come the same way and to wait for
 * the same owner, up to ABI_ALIKE_MAX times in a row. If that wait gets longer than ABI_ALIKE_NS,
 * its owner is not known.
 */
#define ABI_ALIKE_NS  500000
#define ABI_ALIKE_MAX 127 /* a prime, to be in step with nothing */

struct abi_waiting_entry {
    abi_u64 start;         /* CLOCK_MONOTONIC, ns */
    abi_u64 stack_pointer; /* at the entry: one that lies below the present one has been left */
    abi_u64 lock;          /* the AwareLock, or the handle */
    abi_u64 caller;
    abi_u32 owner;
    abi_u32 kind;
    abi_u32 stack;
    abi_u32 settings; /* with which its process was found to be counted */
};

struct abi_waiting {
    abi_u32 pid;
    abi_u32 depth; /* the innermost have no entry where they are more than ABI_WAIT_NESTED */
    struct abi_waiting_entry entries[ABI_WAIT_NESTED];
    struct abi_lock_sums pending; /* of ABI_WAIT_LOCK, and of entries[0] but for its start */
};

/* A wait that is over, in a ring of their own so that a storm of them drowns nothing else. */
struct abi_wait {
    abi_u64 end; /* CLOCK_MONOTONIC, ns */
    abi_u64 wait_ns;
    abi_u64 lock;
    abi_u64 caller;
    abi_u32 pid;
    abi_u32 tid;
    abi_u32 owner;
    abi_u32 stack;
    abi_u32 kind;
    abi_u32 thrown; /* it was broken off by an exception */
    abi_u8 comm[ABI_COMM_MAX];
};

/* Map: events that EventPipe was handed, to count; where there is no room they are lost. */
struct abi_event_key {
    abi_u64 event; /* EventPipeEvent *, as the process has it */
    abi_u32 pid;
    abi_u32 zero;
};

_Static_assert(sizeof(struct abi_record) == 64, "a record is one cache line");
_Static_assert(sizeof(struct abi_counters) == 160, "counters are what both sides think");
_Static_assert(sizeof(struct abi_waiting) == 184, "a waiting thread's fit into 256 bytes");
_Static_assert(sizeof(struct abi_stack_sums) == 160, "a stack's fit into 256 bytes");
_Static_assert(sizeof(struct abi_process_sums) == 352, "a process's fit into 512 bytes");
_Static_assert(sizeof(struct abi_wait) == 72, "a wait is what both sides think");
