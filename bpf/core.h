/* SPDX-License-Identifier: BSD-2-Clause OR GPL-2.0 */
#pragma once

/*
 * The kernel's types, as little of them as we read: CO-RE finds where the fields really are, so a
 * build needs no kernel headers and no BTF.
 */

#include <stdbool.h>

typedef unsigned char __u8;
typedef unsigned short __u16;
typedef unsigned int __u32;
typedef unsigned long long __u64;
typedef signed char __s8;
typedef short __s16;
typedef int __s32;
typedef long long __s64;
typedef __u16 __be16;
typedef __u32 __be32;
typedef __u32 __wsum;
typedef __u16 __sum16;

enum bpf_map_type {
    BPF_MAP_TYPE_HASH = 1,
    BPF_MAP_TYPE_ARRAY = 2,
    BPF_MAP_TYPE_PERCPU_ARRAY = 6,
    BPF_MAP_TYPE_STACK_TRACE = 7,
    BPF_MAP_TYPE_LRU_HASH = 9,
    BPF_MAP_TYPE_RINGBUF = 27,
};

enum {
    BPF_ANY = 0,
    BPF_NOEXIST = 1,
};

enum {
    BPF_F_NO_PREALLOC = 1 << 0,
    BPF_F_USER_STACK = 1 << 8, /* of bpf_get_stackid; its low byte: frames to leave out */
};

#if defined(__TARGET_ARCH_x86)
struct pt_regs {
    unsigned long r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi, orig_rax,
        rip, cs, eflags, rsp, ss;
};
#elif defined(__TARGET_ARCH_arm64)
struct user_pt_regs {
    __u64 regs[31], sp, pc, pstate;
};
struct pt_regs {
    struct user_pt_regs user_regs;
};
#endif

struct upid {
    int nr;
} __attribute__((preserve_access_index));

struct pid {
    unsigned int level; /* of its innermost namespace */
    struct upid numbers[1];
} __attribute__((preserve_access_index));

struct task_struct {
    int pid;
    int tgid;
    struct pid *thread_pid;
} __attribute__((preserve_access_index));

struct bpf_raw_tracepoint_args {
    __u64 args[0];
};
