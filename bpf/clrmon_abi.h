/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * What the BPF programs and the daemon say to each other: types only, fixed width, no helpers. Both
 * sides are built together, so there is no version; the static asserts hold the layout.
 */

#ifdef __bpf__
typedef unsigned char abi_u8;
typedef unsigned int abi_u32;
typedef unsigned long long abi_u64;
#else
#include <stdint.h>
typedef uint8_t abi_u8;
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

/* Why a record was not delivered; counted per CPU. */
enum abi_loss {
    ABI_LOSS_RING_FULL,
    ABI_LOSS_READ, /* an argument could not be read */
    ABI_LOSS_MAX,
};

/* How often each program has run; counted per CPU. The cost of the whole is hits times a hit's. */
enum abi_hit {
    ABI_HIT_GC_CONTROL,
    ABI_HIT_PROVIDER,
    ABI_HIT_EXEC,
    ABI_HIT_EXIT,
    ABI_HIT_FORK,
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
    abi_u32 enabled;  /* ABI_PROVIDER: the control code */
    abi_u32 child;    /* ABI_FORK: the new process */
    abi_u32 callback; /* ABI_GC_CONTROL: told by the provider's callback, not by a collection */
    abi_u8 comm[ABI_COMM_MAX]; /* of the thread */
};

_Static_assert(sizeof(struct abi_record) == 64, "a record is one cache line");
_Static_assert(sizeof(struct abi_counters) == 56, "counters are what both sides think");
