/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * Lock contention by the marks that 2.1, 2.2 and 3.1 carry for tracers, in FireEtXplatContention*:
 * for images in which Monitor's slow path itself is not located. The lock is not told; a wait that
 * an exception ends has no stop, and is dropped at the thread's next.
 *
 * Both functions are called by the same one, whose frame pointer, saved where theirs points, is
 * what an exit is told from the entry by.
 */

#define BPF_USDT_MAX_SPEC_CNT 64 /* two per image */
#define BPF_USDT_MAX_IP_CNT   1  /* of kernels without cookies, which have no ring buffer either */

/* FireEtXplat* and the slow path itself: a uprobe's stack begins behind them. */
#define MARK_FRAMES 2

#include <bpf/usdt.bpf.h>

#include "lock_owner.bpf.h"
#include "waits.bpf.h"

/* ContentionFlags, the first argument: 0 managed, 1 of the runtime itself. */
static __always_inline bool is_managed(struct pt_regs *ctx)
{
    long flags = 0;

    return bpf_usdt_arg(ctx, 0, &flags) == 0 && (flags & 0xff) == 0;
}

SEC("usdt")
int contention_start(struct pt_regs *ctx)
{
    struct abi_waiting_entry entry = {
        .kind = ABI_WAIT_LOCK, .stack_pointer = read_u64(PT_REGS_FP(ctx)), .settings = settings};
    struct abi_counters *counters = counters_of_cpu();
    __u64 id = bpf_get_current_pid_tgid();

    if (!counters || !is_managed(ctx))
        return 0;
    add(&counters->hits[ABI_HIT_LOCK_ENTER], 1);
    if (process_of(id >> 32, ABI_WAIT_LOCK, counters))
        push(ctx, &entry, MARK_FRAMES, id, counters);
    return 0;
}

SEC("usdt")
int contention_stop(struct pt_regs *ctx)
{
    struct abi_counters *counters = counters_of_cpu();

    if (!counters || !is_managed(ctx))
        return 0;
    add(&counters->hits[ABI_HIT_LOCK_EXIT], 1);
    leave(read_u64(PT_REGS_FP(ctx)), false, ABI_WAIT_LOCK, counters);
    return 0;
}
