/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * Lock contention: entry probes on AwareLock::EnterEpilogHelper(lock, thread, timeout) and on the
 * native function that waits for one handle, and a probe at each of their exits. Every .NET process
 * is counted from its first instruction, unless it is switched off.
 */

#include "lock_owner.bpf.h"
#include "waits.bpf.h"

static __always_inline __u64 caller_of(struct pt_regs *ctx)
{
#if defined(__TARGET_ARCH_arm64)
    return PT_REGS_RET(ctx);
#else
    return read_u64(PT_REGS_SP(ctx));
#endif
}

static __always_inline void begin_wait(struct pt_regs *ctx, __u64 id, struct abi_counters *counters)
{
    struct abi_lock_layout layout = abi_lock_layout_of(bpf_get_attach_cookie(ctx));
    struct abi_waiting_entry entry = {.kind = ABI_WAIT_LOCK,
                                      .stack_pointer = PT_REGS_SP(ctx),
                                      .lock = PT_REGS_PARM1(ctx),
                                      .settings = settings,
                                      .caller = caller_of(ctx)};
    struct abi_wait_process *process = process_of(id >> 32, ABI_WAIT_LOCK, counters);

    if (!process)
        return;
    entry.owner = owner_of(process, layout, entry.lock, PT_REGS_PARM2(ctx), counters);
    push(ctx, &entry, 0, id, counters);
}

SEC("uprobe")
int lock_enter(struct pt_regs *ctx)
{
    struct abi_counters *counters = counters_of_cpu();
    __u64 id = bpf_get_current_pid_tgid();

    if (!counters)
        return 0;
    add(&counters->hits[ABI_HIT_LOCK_ENTER], 1);
    if (!push_again(PT_REGS_PARM1(ctx), PT_REGS_SP(ctx), id))
        begin_wait(ctx, id, counters);
    return 0;
}

SEC("uprobe")
int wait_enter(struct pt_regs *ctx)
{
    struct abi_waiting_entry entry = {.kind = ABI_WAIT_HANDLE,
                                      .stack_pointer = PT_REGS_SP(ctx),
                                      .lock = PT_REGS_PARM1(ctx),
                                      .settings = settings,
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

/* Told only to those who follow. */
static __always_inline bool is_thrown(struct pt_regs *ctx)
{
    return !settings && bpf_get_attach_cookie(ctx) == ABI_EXIT_THROWS;
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
