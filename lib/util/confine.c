/* SPDX-License-Identifier: Apache-2.0 */
#include "util/confine.h"

#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "util/deadline.h"

#define FILE_SIZE_MAX  (4ull << 30)
#define MEMORY_MAX     (512ull << 20) /* beyond the files */
#define CPU_SECONDS    10
#define DEADLINE_MS    20000
#define REPLY_SIZE_MAX (1u << 20)

/* The sanitizers' shadow memory alone is larger than any limit, and they report to stderr. */
#if defined(__SANITIZE_ADDRESS__)
#define LIMITS_MEMORY false
#define LAST_KEPT     STDERR_FILENO
#else
#define LIMITS_MEMORY true
#define LAST_KEPT     STDIN_FILENO
#endif

struct header {
    int32_t result;
    struct reason why;
};

static int set_limit(int resource, rlim_t limit)
{
    struct rlimit both = {limit, limit};

    return setrlimit(resource, &both) < 0 ? -errno : 0;
}

static int limit_resources(uint64_t mapped)
{
    int r = set_limit(RLIMIT_CPU, CPU_SECONDS);

    if (r == 0)
        r = set_limit(RLIMIT_CORE, 0);
    if (r == 0)
        r = set_limit(RLIMIT_FSIZE, 0);
    if (r == 0)
        r = set_limit(RLIMIT_NOFILE, 0);
    if (r == 0 && LIMITS_MEMORY)
        r = set_limit(RLIMIT_AS, mapped + MEMORY_MAX);
    return r;
}

static int drop_capabilities(void)
{
    struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
    struct __user_cap_data_struct none[2] = {0};

    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        return -errno;
    return syscall(SYS_capset, &header, none) < 0 ? -errno : 0;
}

static int filter_system_calls(void)
{
    static const int allowed[] = {
        SCMP_SYS(write),    SCMP_SYS(exit_group), SCMP_SYS(exit),         SCMP_SYS(mmap),
        SCMP_SYS(munmap),   SCMP_SYS(mremap),     SCMP_SYS(brk),          SCMP_SYS(madvise),
        SCMP_SYS(futex),    SCMP_SYS(getrandom),  SCMP_SYS(rt_sigreturn), SCMP_SYS(sched_yield),
        SCMP_SYS(mprotect), SCMP_SYS(sysinfo), /* sysinfo: qsort() asks how much memory there is */
    };
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_KILL_PROCESS);
    int r = filter ? 0 : -ENOMEM;

    for (size_t i = 0; i < ARRAY_SIZE(allowed) && r == 0; i++)
        r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, allowed[i], 0);
    if (r == 0)
        r = seccomp_load(filter);
    seccomp_release(filter);
    return r;
}

static int map_file(int fd, struct mapped_file *out, struct reason *why)
{
    struct stat status;

    if (fstat(fd, &status) < 0)
        return reason_set(why, -errno, "can't be read: %s", strerror(errno));
    if (!S_ISREG(status.st_mode))
        return reason_set(why, -EINVAL, "not a regular file");
    if (status.st_size == 0)
        return reason_set(why, -ENOEXEC, "an empty file");
    if ((uint64_t)status.st_size > FILE_SIZE_MAX)
        return reason_set(why, -EFBIG, "%lld bytes, too large for a runtime image",
                          (long long)status.st_size);
    out->size = (size_t)status.st_size;
    /* Into a private mapping the kernel puts the breakpoints of uprobes that are on, and the code
     * would not be that of the file. */
    out->data = mmap(NULL, out->size, PROT_READ, MAP_SHARED, fd, 0);
    if (out->data == MAP_FAILED)
        return reason_set(why, -errno, "can't be mapped: %s", strerror(errno));
    return 0;
}

static int confine(const struct confined_files *files, int out, struct mapped_file *maps,
                   struct reason *why)
{
    uint64_t mapped = 0;
    int r = 0;

    for (size_t i = 0; i < files->count && r == 0; i++) {
        r = map_file(files->fds[i], &maps[i], why);
        mapped += r == 0 ? maps[i].size : 0;
    }
    if (r < 0)
        return r;
    if (dup2(out, STDIN_FILENO) < 0 || close_range(LAST_KEPT + 1, ~0u, 0) < 0)
        return reason_set(why, -errno, "can't close descriptors: %s", strerror(errno));
    r = limit_resources(mapped);
    if (r == 0)
        r = drop_capabilities();
    if (r == 0)
        r = filter_system_calls();
    return r < 0 ? reason_set(why, r, "can't confine the parser: %s", strerror(-r)) : 0;
}

static bool write_all(int fd, const void *bytes, size_t size)
{
    while (size) {
        ssize_t n = write(fd, bytes, size);

        if (n <= 0)
            return false;
        bytes = (const char *)bytes + n;
        size -= (size_t)n;
    }
    return true;
}

_Noreturn static void run_child(const struct confined_files *files, int out,
                                confined_parser *parser, const void *data, void *reply, size_t size)
{
    struct mapped_file maps[CONFINE_FILES_MAX] = {0};
    struct header header = {0};

    prctl(PR_SET_PDEATHSIG, SIGKILL);
    header.result = confine(files, out, maps, &header.why);
    if (header.result == 0) {
        out = STDIN_FILENO; /* the only descriptor that is left */
        header.result = parser(maps, data, reply, &header.why);
    }
    if (write_all(out, &header, sizeof(header)) && header.result == 0)
        write_all(out, reply, size);
    _exit(0);
}

/* Exactly @size bytes before @deadline. */
static int read_all(int fd, void *bytes, size_t size, deadline_t deadline)
{
    while (size) {
        struct pollfd poll_fd = {.fd = fd, .events = POLLIN};
        int left = deadline_left_ms(deadline);
        ssize_t n;

        if (left == 0)
            return -ETIMEDOUT;
        if (poll(&poll_fd, 1, left) < 0 && errno != EINTR)
            return -errno;
        n = poll_fd.revents ? read(fd, bytes, size) : -1;
        if (n == 0)
            return -EPROTO;
        if (n < 0)
            continue;
        bytes = (char *)bytes + n;
        size -= (size_t)n;
    }
    return 0;
}

static int read_answer(int fd, void *reply, size_t size, struct reason *why)
{
    deadline_t deadline = deadline_in_ms(DEADLINE_MS);
    struct header header;
    int r = read_all(fd, &header, sizeof(header), deadline);

    if (r < 0)
        return r;
    if (header.result != 0) {
        header.why.text[sizeof(header.why.text) - 1] = 0;
        return reason_set(why, header.result < 0 ? header.result : -EPROTO, "%s", header.why.text);
    }
    return read_all(fd, reply, size, deadline);
}

static int explain_end(int error, int status, struct reason *why)
{
    if (error == -ETIMEDOUT)
        return reason_set(why, error, "took more than %d s to parse", DEADLINE_MS / 1000);
    if (error != -EPROTO || (why && why->text[0]))
        return error;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGBUS)
        return reason_set(why, error, "was truncated while it was read");
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGXCPU)
        return reason_set(why, error, "took more than %d s of CPU to parse", CPU_SECONDS);
    if (WIFSIGNALED(status))
        return reason_set(why, error, "its parser crashed: %s", strsignal(WTERMSIG(status)));
    return reason_set(why, error, "its parser ended without an answer");
}

int confine_parse(const struct confined_files *files, confined_parser *parser, const void *data,
                  void *reply, size_t size, struct reason *why)
{
    _close_ int from = -1, to = -1;
    struct reason ignored, *said = why ? why : &ignored;
    int pipe_fds[2], status, r;
    pid_t child;

    said->text[0] = 0;
    if (size > REPLY_SIZE_MAX)
        return -EINVAL;
    if (pipe2(pipe_fds, O_CLOEXEC) < 0)
        return reason_set(said, -errno, "no pipe: %s", strerror(errno));
    from = pipe_fds[0];
    to = pipe_fds[1];
    fflush(NULL);
    child = fork();
    if (child < 0)
        return reason_set(said, -errno, "no child process: %s", strerror(errno));
    if (child == 0)
        run_child(files, to, parser, data, reply, size);
    cleanup_close(&to);
    to = -1;
    r = read_answer(from, reply, size, said);
    kill(child, SIGKILL); /* one that is ending by itself already keeps its status */
    while (waitpid(child, &status, 0) < 0 && errno == EINTR)
        ;
    return explain_end(r, status, said);
}
