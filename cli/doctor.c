/* SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/utsname.h>

#include "options.h"
#include "proc/memory.h"
#include "report/json.h"
#include "util/confine.h"
#include "verbs.h"

/*
 * What this kernel and these rights allow, each by trying or by reading what the kernel says of
 * itself; and what follows for clrmon.
 */

#define TEXT_MAX 200

struct finding_text {
    char text[TEXT_MAX];
};

static const struct option long_options[] = {OPTIONS_OUTPUT, {0}};

static bool read_line(const char *path, char *text, size_t size)
{
    _close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : read(fd, text, size - 1);

    if (n < 0)
        return false;
    text[n] = 0;
    text[strcspn(text, "\n")] = 0;
    return true;
}

static bool has_capability(int capability)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct data[2] = {0};

    if (syscall(SYS_capget, &header, data) < 0)
        return false;
    return data[capability / 32].effective >> capability % 32 & 1;
}

static bool probe_kernel(struct finding_text *out)
{
    struct utsname name;

    if (uname(&name) < 0)
        return false;
    snprintf(out->text, TEXT_MAX, "%.60s %.60s", name.release, name.machine);
    return true;
}

static bool probe_capabilities(struct finding_text *out)
{
    static const struct {
        int number;
        const char *name;
    } wanted[] = {
        {CAP_SYS_PTRACE, "sys_ptrace"},     {CAP_DAC_READ_SEARCH, "dac_read_search"},
        {CAP_SYS_ADMIN, "sys_admin"},       {CAP_BPF, "bpf"},
        {CAP_PERFMON, "perfmon"},           {CAP_CHECKPOINT_RESTORE, "checkpoint_restore"},
        {CAP_SYS_RESOURCE, "sys_resource"},
    };
    size_t used = 0;

    out->text[0] = 0;
    for (size_t i = 0; i < ARRAY_SIZE(wanted); i++)
        if (has_capability(wanted[i].number))
            used += (size_t)snprintf(out->text + used, TEXT_MAX - used, "%s%s", used ? " " : "",
                                     wanted[i].name);
    if (!used)
        snprintf(out->text, TEXT_MAX, "none");
    return used > 0;
}

static bool probe_lockdown(struct finding_text *out)
{
    if (!read_line("/sys/kernel/security/lockdown", out->text, TEXT_MAX)) {
        snprintf(out->text, TEXT_MAX, "none in this kernel, or securityfs is not mounted");
        return true;
    }
    return strstr(out->text, "[confidentiality]") == NULL;
}

static bool probe_ptrace_scope(struct finding_text *out)
{
    char scope[8] = "0";

    read_line("/proc/sys/kernel/yama/ptrace_scope", scope, sizeof(scope));
    snprintf(out->text, TEXT_MAX, "Yama ptrace_scope %s", scope);
    return scope[0] == '0' || has_capability(CAP_SYS_PTRACE);
}

static bool probe_memory(struct finding_text *out)
{
    uint64_t pattern = 0x636c726d6f6e, copy = 0;
    struct memory memory;
    int r;

    memory_open(&memory, getpid());
    r = memory_read(&memory, (uintptr_t)&pattern, &copy, sizeof(copy));
    memory_close(&memory);
    snprintf(out->text, TEXT_MAX, "process_vm_readv %s",
             r == 0 && copy == pattern ? "works" : strerror(-r));
    return r == 0;
}

static int answer_nothing(const struct mapped_file *maps, const void *data, void *reply,
                          struct reason *why)
{
    *(char *)reply = 1;
    return 0;
}

static bool probe_confinement(struct finding_text *out)
{
    _close_ int fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
    struct confined_files files = {.fds = {fd}, .count = 1};
    struct reason why = {""};
    char reply = 0;
    int r = confine_parse(&files, answer_nothing, NULL, &reply, 1, &why);

    snprintf(out->text, TEXT_MAX, "%s",
             r == 0 ? "files are parsed without capabilities, under seccomp" : why.text);
    return r == 0;
}

static bool probe_btf(struct finding_text *out)
{
    bool has = access("/sys/kernel/btf/vmlinux", R_OK) == 0;

    snprintf(out->text, TEXT_MAX, "%s", has ? "/sys/kernel/btf/vmlinux" : "none");
    return has;
}

static bool probe_tracefs(struct finding_text *out)
{
    static const char *const places[] = {"/sys/kernel/tracing", "/sys/kernel/debug/tracing"};

    for (size_t i = 0; i < ARRAY_SIZE(places); i++) {
        char path[64];

        snprintf(path, sizeof(path), "%s/uprobe_events", places[i]);
        if (access(path, F_OK) == 0) {
            snprintf(out->text, TEXT_MAX, "%s", places[i]);
            return true;
        }
    }
    snprintf(out->text, TEXT_MAX, "not mounted, or not readable");
    return false;
}

static bool probe_uprobes(struct finding_text *out)
{
    char type[16];
    bool has = read_line("/sys/bus/event_source/devices/uprobe/type", type, sizeof(type));

    snprintf(out->text, TEXT_MAX, "%s", has ? "perf has them" : "none in this kernel");
    return has;
}

static bool probe_user_events(struct finding_text *out)
{
    bool has = access("/sys/kernel/tracing/user_events_data", F_OK) == 0;

    snprintf(out->text, TEXT_MAX, "%s", has ? "in this kernel" : "none in this kernel");
    return has;
}

static const struct {
    const char *name;
    bool (*probe)(struct finding_text *out);
    const char *without; /* what follows when it is missing */
} probes[] = {
    {"kernel", probe_kernel, ""},
    {"capabilities", probe_capabilities, "only your own processes can be checked"},
    {"ptrace_scope", probe_ptrace_scope, "other processes' memory needs CAP_SYS_PTRACE"},
    {"lockdown", probe_lockdown, "no BPF; check works all the same"},
    {"memory", probe_memory, "check cannot work"},
    {"confinement", probe_confinement, "images cannot be parsed"},
    {"btf", probe_btf, "no BPF programs"},
    {"tracefs", probe_tracefs, "no tracepoints until it is mounted; check works all the same"},
    {"uprobes", probe_uprobes, "no live events; check works all the same"},
    {"user_events", probe_user_events, "no runtime can use that sink here"},
};

static void show_table(void)
{
    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        struct finding_text found = {""};
        bool good = probes[i].probe(&found);

        printf("%-13s %-4s %s%s%s\n", probes[i].name, good ? "ok" : "no", found.text,
               good || !probes[i].without[0] ? "" : ": ", good ? "" : probes[i].without);
    }
}

static void show_json(void)
{
    json_t *all = json_array();

    for (size_t i = 0; i < ARRAY_SIZE(probes); i++) {
        struct finding_text found = {""};
        bool good = probes[i].probe(&found);

        json_array_append_new(all, json_pack("{s:s, s:b, s:s, s:s}", "name", probes[i].name, "ok",
                                             good, "found", found.text, "without",
                                             good ? "" : probes[i].without));
    }
    json_print(json_pack("{s:s, s:o}", "schema", "clrmon.doctor/1", "probes", all), false);
}

int verb_doctor(int argc, char **argv)
{
    struct options options;
    int option;

    options_init(&options, FORMAT_TABLE | FORMAT_JSON);
    while ((option = getopt_long(argc, argv, "o:j", long_options, NULL)) != -1)
        if (options_take(&options, "doctor", option) < 0)
            return usage_of("doctor");
    if (optind < argc)
        return usage_of("doctor");
    if (options.format == FORMAT_JSON)
        show_json();
    else
        show_table();
    return 0;
}
