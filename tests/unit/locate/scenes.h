/* SPDX-License-Identifier: Apache-2.0 */
#pragma once

#include "elf/builder.h"

/*
 * Images with the shapes that the structure finders look for, as a compiler would write them. Code
 * is appended at @at; addresses are those of elf/builder.h.
 */

struct code_writer {
    struct builder *builder;
    uint64_t start, at;
};

static inline struct code_writer scene_code(struct builder *builder, uint64_t at)
{
    return (struct code_writer){builder, at, at};
}

static inline void scene_bytes(struct code_writer *code, const void *bytes, size_t size)
{
    builder_put(code->builder, code->at, bytes, size);
    code->at += size;
}

static inline void scene_word(struct code_writer *code, uint32_t word)
{
    scene_bytes(code, &word, sizeof(word));
}

/* Ends a function and gives it a frame. */
static inline uint64_t scene_end(struct code_writer *code)
{
    builder_frame(code->builder, BUILD_FRAMES, code->start, code->at - code->start);
    return code->start;
}

/* x86-64: an opcode of @size bytes, then the distance from behind it to @target. */
static inline void scene_relative(struct code_writer *code, const char *opcode, size_t size,
                                  uint64_t target)
{
    scene_bytes(code, opcode, size);
    scene_word(code, (uint32_t)(target - (code->at + 4)));
}

#define RELATIVE(code, opcode, target) scene_relative(code, opcode, sizeof(opcode) - 1, target)
#define BYTES(code, bytes)             scene_bytes(code, bytes, sizeof(bytes) - 1)

#define MOV_TO_EDX   "\x89\x15" /* mov [target], edx */
#define MOV_TO_ESI   "\x89\x35"
#define MOV_TO_DL    "\x88\x15"
#define MOV_TO_RCX   "\x48\x89\x0d"
#define MOV_TO_RAX   "\x48\x89\x05"
#define MOV_FROM_EAX "\x8b\x05" /* mov eax, [target] */
#define SETNE        "\x0f\x95\x05"
#define LEA_RAX      "\x48\x8d\x05"
#define LEA_RDI      "\x48\x8d\x3d"
#define LEA_RSI      "\x48\x8d\x35"
#define CALL         "\xe8"
#define JMP          "\xe9"
#define RET          "\xc3"
#define MOV_EAX_1    "\xb8\x01\x00\x00\x00"
#define CMP_RCX_64   "\x48\x83\xf9\x40"

/* aarch64: adrp @number, page of @target; the other words take its offset within the page. */
static inline uint32_t arm_adrp(uint64_t at, uint32_t number, uint64_t target)
{
    uint64_t pages = (target >> 12) - (at >> 12);

    return 0x90000000 | (uint32_t)(pages & 3) << 29 | (uint32_t)(pages >> 2 & 0x7ffff) << 5 |
           number;
}

static inline uint32_t arm_add(uint32_t to, uint32_t from, uint64_t target)
{
    return 0x91000000 | (uint32_t)(target & 0xfff) << 10 | from << 5 | to;
}

static inline uint32_t arm_store_w(uint32_t value, uint32_t base, uint64_t target)
{
    return 0xb9000000 | (uint32_t)(target & 0xfff) / 4 << 10 | base << 5 | value;
}

static inline uint32_t arm_load_w(uint32_t to, uint32_t base, uint64_t target)
{
    return 0xb9400000 | (uint32_t)(target & 0xfff) / 4 << 10 | base << 5 | to;
}

#define ARM_RET 0xd65f03c0u

/* ControlEvents or ControlPrivateEvents: level and keywords to these places. */
static inline uint64_t scene_control(struct builder *builder, uint64_t at, uint64_t levels,
                                     uint64_t keywords)
{
    struct code_writer code = scene_code(builder, at);

    if (builder_file(builder)->e_machine == EM_AARCH64) {
        scene_word(&code, arm_adrp(code.at, 8, levels));
        scene_word(&code, arm_store_w(2, 8, levels));
        scene_word(&code, arm_adrp(code.at, 8, keywords));
        scene_word(&code, arm_store_w(1, 8, keywords));
        scene_word(&code, ARM_RET);
    } else {
        RELATIVE(&code, MOV_TO_EDX, levels);
        RELATIVE(&code, MOV_TO_ESI, keywords);
        BYTES(&code, RET);
    }
    return scene_end(&code);
}

/* GetNumberOfHeaps: the constant 1, or a variable if it is not 0. */
static inline uint64_t scene_heaps(struct builder *builder, uint64_t at, uint64_t variable)
{
    struct code_writer code = scene_code(builder, at);
    bool arm = builder_file(builder)->e_machine == EM_AARCH64;

    if (arm && variable) {
        scene_word(&code, arm_adrp(code.at, 8, variable));
        scene_word(&code, arm_load_w(0, 8, variable));
    } else if (arm) {
        scene_word(&code, 0x52800020); /* mov w0, #1 */
    } else if (variable) {
        RELATIVE(&code, MOV_FROM_EAX, variable);
    } else {
        BYTES(&code, MOV_EAX_1);
    }
    if (arm)
        scene_word(&code, ARM_RET);
    else
        BYTES(&code, RET);
    return scene_end(&code);
}

#define SCENE_LEVELS   0x9100 /* in .bss */
#define SCENE_KEYWORDS 0x9110
#define SCENE_HEAPS    0x9200

/*
 * A GC whose vtable is at @slot: the pair of functions that set levels and keywords, another slot,
 * then GetNumberOfHeaps. Code from @code on.
 */
static inline void scene_gc(struct builder *builder, uint64_t slot, uint64_t code, uint64_t levels,
                            bool server)
{
    uint64_t keywords = levels + SCENE_KEYWORDS - SCENE_LEVELS;

    builder_relocate(builder, slot, scene_control(builder, code, levels, keywords));
    builder_relocate(builder, slot + 8,
                     scene_control(builder, code + 0x20, levels + 4, keywords + 4));
    builder_relocate(builder, slot + 16, code);
    builder_relocate(builder, slot + 24,
                     scene_heaps(builder, code + 0x40, server ? SCENE_HEAPS : 0));
}

/* Text as the compiler stores W("..."). */
static inline void scene_wide(struct builder *builder, uint64_t va, const char *text)
{
    for (size_t i = 0; i <= strlen(text); i++)
        builder_put(builder, va + 2 * i, (char[2]){text[i], 0}, 2);
}

#define SCENE_NAME     0x1800 /* in read-only data */
#define SCENE_CALLBACK 0x2800
#define SCENE_CREATOR  0x2900
#define SCENE_OBJECT   0x9300
#define SCENE_CONTEXT  0x8800

/* x86-64: @context's callback, for which level and keywords arguments are 2 and 3. */
static inline void scene_callback(struct builder *builder, uint64_t at, uint64_t context,
                                  bool has_enabled)
{
    struct code_writer code = scene_code(builder, at);

    RELATIVE(&code, MOV_TO_DL, context + 8);
    if (has_enabled) {
        BYTES(&code, "\x85\xf6"); /* test esi, esi */
        RELATIVE(&code, SETNE, context + 9);
    }
    RELATIVE(&code, MOV_TO_RCX, context + 16);
    BYTES(&code, RET);
    scene_end(&code);
}

/* x86-64: object = create(name, callback), the call being to @create. */
static inline void scene_creator(struct builder *builder, uint64_t at, uint64_t name,
                                 uint64_t callback, uint64_t object)
{
    struct code_writer code = scene_code(builder, at);

    RELATIVE(&code, LEA_RDI, name);
    RELATIVE(&code, LEA_RSI, callback);
    RELATIVE(&code, CALL, 0x3f00);
    RELATIVE(&code, MOV_TO_RAX, object);
    BYTES(&code, RET);
    scene_end(&code);
}

static inline void scene_provider(struct builder *builder, bool has_enabled)
{
    scene_wide(builder, SCENE_NAME, "Microsoft-Windows-DotNETRuntime");
    scene_callback(builder, SCENE_CALLBACK, SCENE_CONTEXT, has_enabled);
    scene_creator(builder, SCENE_CREATOR, SCENE_NAME, SCENE_CALLBACK, SCENE_OBJECT);
}

#define SCENE_SESSIONS 0x9400
#define SCENE_QCALLS   0x8400
#define SCENE_LOOKUP   0x3000

/* x86-64: a function that searches the table of 64 at @table. */
static inline uint64_t scene_search(struct builder *builder, uint64_t at, uint64_t table)
{
    struct code_writer code = scene_code(builder, at);

    RELATIVE(&code, LEA_RAX, table);
    BYTES(&code, CMP_RCX_64 RET);
    return scene_end(&code);
}

/* x86-64: {name, function} in the QCall table; the function calls @search, then reads the start. */
static inline void scene_qcall(struct builder *builder, unsigned index, const char *name,
                               uint64_t search, uint8_t start)
{
    uint64_t at = SCENE_LOOKUP + 0x40 * index, text = 0x1a00 + 0x40 * index;
    struct code_writer code = scene_code(builder, at);
    const uint8_t loads[] = {0x48, 0x8b, 0x50, start, 0x48, 0x8b, 0x48, (uint8_t)(start + 8)};

    RELATIVE(&code, CALL, search);
    scene_bytes(&code, loads, sizeof(loads)); /* mov rdx, [rax + start]; mov rcx, [...] */
    BYTES(&code, RET);
    scene_end(&code);
    builder_put_text(builder, text, name);
    builder_relocate(builder, SCENE_QCALLS + 16 * index, text);
    builder_relocate(builder, SCENE_QCALLS + 16 * index + 8, at);
}

static inline void scene_sessions(struct builder *builder)
{
    uint64_t search = scene_search(builder, SCENE_LOOKUP - 0x40, SCENE_SESSIONS);

    scene_qcall(builder, 0, "EventPipeInternal_GetSessionInfo", search, 56);
    scene_qcall(builder, 1, "EventPipeInternal_SignalSession", search, 72);
    scene_qcall(builder, 2, "EventPipeInternal_GetNextEvent", search, 72);
}

/* All of it, so that one image shows everything: 10.0's shape, with two GCs. */
static inline void scene_runtime(struct builder *builder)
{
    builder_init(builder, EM_X86_64);
    builder_build_id(builder, "\x12\x34\x56\x78\x9a\xbc\xde\xf0", 8);
    builder_put_text(builder, 0x1f00, "@(#)Version 10.0.1426.52326 @Commit: abcdef");
    builder_export(builder, "coreclr_initialize", 0x2000);
    builder_export(builder, "DotNetRuntimeContractDescriptor", 0x8f00);
    builder_tag(builder, DT_STRTAB, BUILD_STRINGS);
    scene_gc(builder, 0x8200, 0x2000, SCENE_LEVELS, false);
    scene_gc(builder, 0x8300, 0x2100, SCENE_LEVELS, true);
    scene_provider(builder, true);
    scene_sessions(builder);
}

#define SCENE_EVENTS     0x9700 /* variables of events */
#define SCENE_INIT       0x3100
#define SCENE_HELPER     0x3c00 /* AwareLock::EnterEpilogHelper */
#define SCENE_CALLER     0x3d80
#define SCENE_WRITERS    0x3da0
#define SCENE_SYNC_TABLE 0x9600
#define SCENE_UNWIND     0x8c00 /* slot of _Unwind_Resume, in the GOT */
#define SCENE_STUB       0x3fe0 /* which jumps there */
#define SCENE_COUNT      104    /* of events */

/* x86-64: the stub of an imported function, and of none. */
static inline void scene_stub(struct builder *builder, uint64_t at, uint64_t slot)
{
    struct code_writer code = scene_code(builder, at);

    RELATIVE(&code, "\xff\x25", slot);
}

/* x86-64: variable = AddEvent(provider, id, keywords, version): rbx holds 0x4000, r14 0. */
static inline void scene_event(struct code_writer *code, uint32_t id, uint32_t version,
                               uint64_t variable)
{
    BYTES(code, "\xbe"); /* mov esi, id */
    scene_word(code, id);
    BYTES(code, "\x89\xda\xb9"); /* mov edx, ebx; mov ecx, version */
    scene_word(code, version);
    RELATIVE(code, CALL, 0x3f80);
    RELATIVE(code, MOV_TO_RAX, variable);
}

/* The variable of the @index-th event: 81 version 1 is the first, 91 version 1 the second. */
static inline uint64_t scene_variable(size_t index)
{
    return SCENE_EVENTS + 8 * index;
}

/* InitDotNETRuntime: the provider, and its events right behind it. */
static inline void scene_init(struct builder *builder, size_t count)
{
    struct code_writer code = scene_code(builder, SCENE_INIT);

    scene_wide(builder, SCENE_NAME, "Microsoft-Windows-DotNETRuntime");
    scene_callback(builder, SCENE_CALLBACK, SCENE_CONTEXT, true);
    RELATIVE(&code, LEA_RDI, SCENE_NAME);
    RELATIVE(&code, LEA_RSI, SCENE_CALLBACK);
    RELATIVE(&code, CALL, 0x3f00);
    RELATIVE(&code, MOV_TO_RAX, SCENE_OBJECT);
    BYTES(&code, "\xbb\x00\x40\x00\x00"); /* mov ebx, 0x4000 */
    for (uint32_t i = 0; i < count; i++)
        scene_event(&code, i == 0 ? 81 : i == 1 ? 91 : 1000 + i, 1, scene_variable(i));
    BYTES(&code, RET);
    scene_end(&code);
}

/* EventPipeEventEnabledX and EventPipeWriteEventX, which is at @at + 16. */
static inline void scene_writer(struct builder *builder, uint64_t at, uint64_t variable)
{
    struct code_writer code = scene_code(builder, at);

    RELATIVE(&code, "\x48\x8b\x05", variable); /* mov rax, [variable] */
    BYTES(&code, RET);
    scene_end(&code);
    code = scene_code(builder, at + 16);
    RELATIVE(&code, "\x48\x8b\x3d", variable); /* mov rdi, [variable] */
    RELATIVE(&code, CALL, 0x3f40);
    BYTES(&code, RET);
    scene_end(&code);
}

/*
 * AwareLock::EnterEpilogHelper as in 10.0: `this` in rbx, the thread in r12 and on the stack. The
 * returning path is cut by the test of r15, the throwing one is the landing pad.
 */
static inline void scene_helper(struct builder *builder)
{
    struct code_writer code = scene_code(builder, SCENE_HELPER);

    BYTES(&code, "\x55\x48\x89\xe5");         /* push rbp; mov rbp, rsp */
    BYTES(&code, "\x49\x89\xf4\x48\x89\xfb"); /* mov r12, rsi; mov rbx, rdi */
    BYTES(&code, "\x4c\x89\x65\x98");         /* mov [rbp - 0x68], r12 */
    RELATIVE(&code, LEA_RAX, SCENE_SYNC_TABLE);
    BYTES(&code, "\x48\x8b\x00\x8b\x4b\x1c"); /* mov rax, [rax]; mov ecx, [rbx + 0x1c] */
    BYTES(&code, "\x81\xe1\xff\xff\xff\x7f"); /* and ecx, 0x7fffffff */
    BYTES(&code, "\x48\xc1\xe1\x04");         /* shl rcx, 4 */
    BYTES(&code, "\x48\x8b\x44\x08\x08");     /* mov rax, [rax + rcx + 8] */
    BYTES(&code, "\xbe\x00\x40\x00\x00");     /* mov esi, 0x4000 */
    RELATIVE(&code, CALL, 0x3f80);
    RELATIVE(&code, CALL, SCENE_WRITERS + 16);
    BYTES(&code, "\x4d\x31\xe4");         /* xor r12, r12 */
    BYTES(&code, "\xf0\x44\x0f\xb1\x3b"); /* lock cmpxchg [rbx], r15d */
    RELATIVE(&code, CALL, SCENE_WRITERS + 0x40 + 16);
    BYTES(&code, "\x4c\x8b\x65\x98");             /* mov r12, [rbp - 0x68] */
    BYTES(&code, "\x45\x85\xff\x74\x1b");         /* test r15d, r15d; je over the stores */
    BYTES(&code, "\x41\x8b\x44\x24\x10");         /* mov eax, [r12 + 0x10] */
    BYTES(&code, "\x89\x43\x08");                 /* mov [rbx + 8], eax */
    BYTES(&code, "\x49\x8b\x84\x24\x28\x01\0\0"); /* mov rax, [r12 + 0x128] */
    BYTES(&code, "\x48\x89\x43\x10");             /* mov [rbx + 0x10], rax */
    BYTES(&code, "\xc7\x43\x04\x01\0\0\0");       /* mov dword [rbx + 4], 1 */
    BYTES(&code, "\x5d" RET);
    BYTES(&code, "\x48\x89\xc7"); /* mov rdi, rax: a landing pad */
    RELATIVE(&code, CALL, SCENE_STUB);
    scene_end(&code);
}

/* The monitor's slow path, what writes its events, and who calls it. */
static inline void scene_locks(struct builder *builder)
{
    struct code_writer code;

    scene_init(builder, SCENE_COUNT);
    scene_writer(builder, SCENE_WRITERS, scene_variable(0));
    scene_writer(builder, SCENE_WRITERS + 0x40, scene_variable(1));
    builder_import(builder, "_Unwind_Resume", SCENE_UNWIND);
    scene_stub(builder, SCENE_STUB, SCENE_UNWIND);
    scene_helper(builder);
    code = scene_code(builder, SCENE_CALLER);
    RELATIVE(&code, CALL, SCENE_HELPER);
    BYTES(&code, RET);
    scene_end(&code);
}

#define SCENE_SYMTAB 0x5900 /* in no segment */
#define SCENE_STRTAB 0x5b00

/* An image with an empty .symtab; @machine 0: x86-64. */
static inline void scene_symbols(struct builder *builder, uint16_t machine)
{
    size_t table;

    builder_init(builder, machine ? machine : EM_X86_64);
    table = builder_add_section(builder, SHT_SYMTAB, ".symtab", SCENE_SYMTAB, 0);
    builder_section(builder, table)->sh_link = (uint32_t)table + 1;
    builder_add_section(builder, SHT_STRTAB, ".strtab", SCENE_STRTAB, 1);
}

static inline void scene_symbol(struct builder *builder, const char *name, uint64_t address)
{
    Elf64_Shdr *table = builder_section(builder, 1), *names = builder_section(builder, 2);
    Elf64_Sym symbol = {.st_name = (uint32_t)names->sh_size, .st_shndx = 1, .st_value = address};

    memcpy(builder->bytes + SCENE_SYMTAB + table->sh_size, &symbol, sizeof(symbol));
    strcpy((char *)builder->bytes + SCENE_STRTAB + names->sh_size, name);
    table->sh_size += sizeof(symbol);
    names->sh_size += strlen(name) + 1;
}
