/* SPDX-License-Identifier: Apache-2.0 */
#include "state/target.h"

#include <string.h>

#include "proc/image_file.h"
#include "proc/memory.h"
#include "proc/procfs.h"
#include "proc/socket_owners.h"
#include "util/text.h"

#define LTTNG_POINTER 24 /* in a context, since it has room for it */

static const struct {
    enum provider provider;
    enum site site;
} contexts[] = {
    {PROVIDER_RUNTIME, SITE_PROVIDER_CONTEXT_RUNTIME},
    {PROVIDER_PRIVATE, SITE_PROVIDER_CONTEXT_PRIVATE},
    {PROVIDER_RUNDOWN, SITE_PROVIDER_CONTEXT_RUNDOWN},
    {PROVIDER_STRESS, SITE_PROVIDER_CONTEXT_STRESS},
};

static int locate_image(pid_t pid, const struct runtime_image *image, struct locator *locator,
                        const struct located **out, uint64_t *bias, struct reason *why)
{
    _close_ int fd = image_file_open(pid, image->mapping, NULL, why);
    char path[PATH_MAX];
    int r;

    if (fd < 0)
        return fd;
    snprintf(path, sizeof(path), "/proc/%d/root%s", (int)pid, image->mapping->path);
    r = locator_find(locator, fd, path, out, why);
    if (r == 0)
        *bias = image->base - (*out)->inspection.identity.first_va;
    return r;
}

/* The executable is the image: it must say itself that it holds a runtime. */
static int settle_flavour(struct target *target, struct reason *why)
{
    enum image_kind kind = target->image->inspection.identity.kind;

    if (target->runtime.flavour != FLAVOUR_UNKNOWN)
        return 0;
    if (kind == IMAGE_NATIVE_AOT)
        target->runtime.flavour = FLAVOUR_NATIVE_AOT;
    else if (kind == IMAGE_CORECLR)
        target->runtime.flavour = FLAVOUR_SINGLE_FILE;
    target->no_runtime = target->runtime.flavour == FLAVOUR_UNKNOWN;
    return target->no_runtime ? reason_set(why, -ENOEXEC, "runs no .NET runtime") : 0;
}

int target_locate(struct target *target, struct locator *locator, struct reason *why)
{
    const struct runtime *runtime = &target->runtime;
    pid_t pid = target->process.pid;
    int r = locate_image(pid, &runtime->image, locator, &target->image, &target->bias, why);

    if (r == 0)
        r = settle_flavour(target, why);
    if (r < 0)
        return r;
    target->gc = target->image;
    target->gc_bias = target->bias;
    if (runtime->gc.mapping && locate_image(pid, &runtime->gc, locator, &target->gc,
                                            &target->gc_bias, &target->gc_why) < 0)
        target->gc = NULL;
    return 0;
}

int target_read(pid_t pid, struct target *out, struct reason *why)
{
    int r;

    *out = (struct target){0};
    r = process_read(pid, &out->process, why);
    return r < 0 ? r : runtime_read(&out->process, &out->runtime, why);
}

int target_open(pid_t pid, struct locator *locator, struct target *out, struct reason *why)
{
    int r = target_read(pid, out, why);

    if (r < 0)
        return r;
    r = target_locate(out, locator, why);
    if (r < 0)
        target_close(out);
    return r;
}

void target_close(struct target *target)
{
    runtime_close(&target->runtime);
}

const char *target_version(const struct target *target)
{
    if (target->runtime.version[0])
        return target->runtime.version;
    return target->image ? target->image->inspection.identity.version : "";
}

static int read_memory(void *context, uint64_t address, void *to, size_t length)
{
    return memory_read(context, address, to, length);
}

static const struct finding *site_of(const struct located *located, enum site site)
{
    return &located->inspection.findings.sites[site];
}

/* Address in the process; 0 when the site was not found. */
static uint64_t address_of(const struct target *target, enum site site)
{
    const struct finding *finding = site_of(target->image, site);

    return finding_is_found(finding) ? target->bias + finding->address : 0;
}

static void name_gc_source(const struct target *target, struct observation *out)
{
    const struct finding *levels = site_of(target->gc, SITE_GC_STATE_LEVELS);
    const struct mapping *library = target->runtime.gc.mapping;
    const char *slash = library ? strrchr(library->path, '/') : NULL;

    if (slash)
        snprintf(out->gc_source, sizeof(out->gc_source), "%s (%.28s)", source_name(levels->source),
                 slash + 1);
    else
        snprintf(out->gc_source, sizeof(out->gc_source), "%s", source_name(levels->source));
}

static int observe_gc(const struct target *target, const struct reader *reader,
                      struct observation *out)
{
    const struct finding *levels, *keywords;
    uint8_t level_bytes[GC_STATE_BYTES], keyword_bytes[GC_STATE_BYTES];
    int r;

    if (!target->gc)
        return reason_set(&out->gc_why, -ENOENT, "%s", target->gc_why.text);
    levels = site_of(target->gc, SITE_GC_STATE_LEVELS);
    keywords = site_of(target->gc, SITE_GC_STATE_KEYWORDS);
    if (!finding_is_found(levels) || !finding_is_found(keywords))
        return reason_set(&out->gc_why, -ENOENT, "its place was not found: %s",
                          finding_is_found(levels) ? keywords->evidence : levels->evidence);
    r = reader_read(reader, target->gc_bias + levels->address, level_bytes, GC_STATE_BYTES);
    if (r == 0)
        r = reader_read(reader, target->gc_bias + keywords->address, keyword_bytes, GC_STATE_BYTES);
    if (r < 0)
        return reason_set(&out->gc_why, r, "its memory can't be read: %s", strerror(-r));
    if (gc_state_decode(level_bytes, keyword_bytes, &out->gc) < 0)
        return reason_set(
            &out->gc_why, -EBADMSG,
            "what lies at 0x%llx is no event state; the runtime may still be starting",
            (unsigned long long)(target->gc_bias + levels->address));
    out->gc_readable = true;
    out->gc_asks_again = target->runtime.flavour != FLAVOUR_NATIVE_AOT;
    name_gc_source(target, out);
    return 0;
}

/* A name that is not there yet, or another provider's, means that this is no context. */
static bool is_named(const struct reader *reader, uint64_t address, enum provider provider)
{
    const char *name = provider_name(provider);
    uint8_t wide[2 * 64];
    size_t length = strlen(name) + 1;

    if (!address || reader_read(reader, address, wide, 2 * length) < 0)
        return false;
    for (size_t i = 0; i < length; i++)
        if (wide[2 * i] != (uint8_t)name[i] || wide[2 * i + 1])
            return false;
    return true;
}

static int observe_context_at(const struct reader *reader, uint64_t address, enum provider provider,
                              struct observed_context *out)
{
    uint8_t bytes[CONTEXT_BYTES];
    uint64_t name;
    int r = reader_read(reader, address, bytes, sizeof(bytes));

    if (r == 0)
        r = context_decode(bytes, &out->context, &name);
    if (r == 0 && !is_named(reader, name, provider))
        r = -EBADMSG;
    out->readable = r == 0;
    return r;
}

/* Contexts lie side by side: one as long as the pointer to LTTng's context has it. */
static bool has_lttng(const struct target *target)
{
    uint64_t first = site_of(target->image, SITE_PROVIDER_CONTEXT_RUNTIME)->address;

    for (size_t i = 1; i < ARRAY_SIZE(contexts); i++) {
        const struct finding *other = site_of(target->image, contexts[i].site);

        if (finding_is_found(other) && other->address > first &&
            other->address < first + LTTNG_POINTER + 8)
            return false;
    }
    return target->runtime.flavour != FLAVOUR_NATIVE_AOT;
}

static void observe_contexts(const struct target *target, const struct reader *reader,
                             struct observation *out)
{
    bool lttng = has_lttng(target);

    out->context_has_enabled = target->image->inspection.findings.layout.context_has_enabled;
    for (size_t i = 0; i < ARRAY_SIZE(contexts); i++) {
        enum provider provider = contexts[i].provider;
        uint64_t address = address_of(target, contexts[i].site), other;

        if (!address) {
            reason_set(&out->contexts_why, 0, "%s: %.150s", provider_short_name(provider),
                       site_of(target->image, contexts[i].site)->evidence);
            continue;
        }
        if (observe_context_at(reader, address, provider,
                               &out->contexts[provider][SINK_EVENTPIPE]) < 0 ||
            !lttng || reader_read(reader, address + LTTNG_POINTER, &other, sizeof(other)) < 0 ||
            !other)
            continue;
        (void)!observe_context_at(reader, other, provider, &out->contexts[provider][SINK_LTTNG]);
    }
}

/* Which tracepoints are on is known to the kernel alone; without user_events in it, none can be. */
static void observe_user_events(struct observation *out)
{
    static const char *const files[] = {"/sys/kernel/tracing/user_events_data",
                                        "/sys/kernel/debug/tracing/user_events_data"};

    for (size_t i = 0; i < ARRAY_SIZE(files); i++)
        if (access(files[i], F_OK) == 0 || errno == EACCES)
            return;
    for (enum provider provider = 0; provider < PROVIDER_MAX; provider++)
        out->contexts[provider][SINK_USER_EVENTS].readable = true;
}

/* The runtime's EventPipeProvider. That of 3.x is another class: -EBADMSG, or what comes of reading
 * it as this one. */
static int find_provider(const struct target *target, const struct reader *reader,
                         uint64_t *address, struct provider_state *out)
{
    uint64_t variable = address_of(target, SITE_EVENTPIPE_PROVIDER_RUNTIME);
    int r = variable ? reader_read(reader, variable, address, sizeof(*address)) : -ENOENT;

    if (r == 0)
        r = provider_read(reader, *address, out);
    if (r == 0 && strcmp(out->name, provider_name(PROVIDER_RUNTIME)) != 0)
        r = -EBADMSG;
    return r;
}

static void observe_provider(const struct target *target, const struct reader *reader,
                             struct observation *out)
{
    struct provider_state state;
    uint64_t address;

    if (find_provider(target, reader, &address, &state) < 0)
        return;
    out->provider_readable = true;
    out->provider = state.set;
    out->provider_sessions = state.sessions;
}

/* Where code does not tell, live sessions do; without any there is nothing to be read. */
static uint64_t search_table(const struct target *target, const struct reader *reader,
                             const struct observation *seen)
{
    const struct identity *identity = &target->image->inspection.identity;
    uint64_t table, found = 0;

    for (size_t i = 0;
         seen->provider_readable && seen->provider_sessions && i < identity->writable_count; i++) {
        if (sessions_search(reader, target->bias + identity->writable[i].va,
                            identity->writable[i].size, seen->provider_sessions, &table) < 0)
            continue;
        if (found)
            return 0;
        found = table;
    }
    return found;
}

static enum rundown_form rundown_form(const struct target *target)
{
    if (target->image->inspection.findings.layout.has_contract)
        return RUNDOWN_KEYWORDS;
    return target->runtime.flavour == FLAVOUR_NATIVE_AOT ? RUNDOWN_UNKNOWN : RUNDOWN_FLAG;
}

/* The vtables that prove an object lie in the image's writable segments. */
static struct session_facts session_facts(const struct target *target)
{
    const struct identity *identity = &target->image->inspection.identity;
    const struct layout *layout = &target->image->inspection.findings.layout;
    struct session_facts facts = {layout->session_start_time, rundown_form(target), 0, 0};

    for (size_t i = 0; i < identity->writable_count; i++) {
        uint64_t start = target->bias + identity->writable[i].va;
        uint64_t end = start + identity->writable[i].size;

        facts.data_start = !i || start < facts.data_start ? start : facts.data_start;
        facts.data_end = end > facts.data_end ? end : facts.data_end;
    }
    return facts;
}

static void observe_sessions(const struct target *target, const struct reader *reader,
                             struct observation *out)
{
    struct session_facts facts = session_facts(target);
    uint64_t table = address_of(target, SITE_EVENTPIPE_SESSIONS);

    if (!table)
        table = search_table(target, reader, out);
    if (!table) {
        out->sessions_readable = out->provider_readable && !out->provider_sessions;
        reason_set(&out->sessions_why, 0, "their table was not found: %.140s",
                   site_of(target->image, SITE_EVENTPIPE_SESSIONS)->evidence);
        return;
    }
    out->sessions_readable =
        sessions_read(reader, table, &facts, &out->sessions, &out->sessions_why) == 0;
    if (!out->sessions_readable)
        out->sessions.count = 0;
}

static void observe_sockets(const struct target *target, struct sessions *sessions)
{
    for (size_t i = 0; i < sessions->count; i++) {
        struct session *session = &sessions->items[i];
        char name[32], link[64];

        if (session->fd < 0)
            continue;
        snprintf(name, sizeof(name), "fd/%d", session->fd);
        if (procfs_link(target->process.pid, name, link, sizeof(link)) > 0)
            session->socket = socket_owners_parse_link(link);
    }
}

static void copy_knob(struct knob knob, const char *name, bool *on, char *text, size_t size)
{
    *on = settings_is_on(knob);
    snprintf(text, size, "%s%s", knob_prefix_text(knob.prefix), *on ? name : "");
}

static void observe_environment(const struct target *target, struct observation *out)
{
    const struct settings *settings = &target->runtime.settings;
    struct asked_by_environment *asked = &out->environment;

    copy_knob(settings->event_pipe, "EnableEventPipe", &asked->event_pipe, asked->event_pipe_knob,
              sizeof(asked->event_pipe_knob));
    copy_knob(settings->event_log, "EnableEventLog", &asked->event_log, asked->event_log_knob,
              sizeof(asked->event_log_knob));
    copy_knob(settings->user_events, "EnableUserEvents", &asked->user_events,
              asked->user_events_knob, sizeof(asked->user_events_knob));
    if (asked->event_pipe && settings->event_pipe_config.value)
        snprintf(asked->event_pipe_config, sizeof(asked->event_pipe_config), "%s",
                 settings->event_pipe_config.value);
    text_printable(asked->event_pipe_config);
}

int target_observe(struct target *target, struct peers *peers, struct observation *out,
                   struct reason *why)
{
    struct memory memory;
    struct reader reader = {read_memory, &memory};

    memset(out, 0, sizeof(*out));
    memory_open(&memory, target->process.pid);
    (void)!observe_gc(target, &reader, out);
    observe_contexts(target, &reader, out);
    observe_user_events(out);
    observe_provider(target, &reader, out);
    observe_sessions(target, &reader, out);
    memory_close(&memory);
    observe_sockets(target, &out->sessions);
    observe_environment(target, out);
    if (peers)
        out->clients_readable = peers_of(peers, &target->process, &target->runtime.settings.ports,
                                         &out->clients, &out->clients_why) == 0;
    if (!process_alive(&target->process))
        return reason_set(why, -ESRCH, "ended, or ran another program, while it was read");
    return 0;
}

static int read_providers(const struct target *target, const struct reader *reader,
                          struct provider_states *out, struct reason *why)
{
    struct provider_state state;
    uint64_t address;
    int r = find_provider(target, reader, &address, &state);

    if (r == -ENOENT)
        return reason_set(why, -ENOTSUP, "its list of providers was not found: %.140s",
                          site_of(target->image, SITE_EVENTPIPE_PROVIDER_RUNTIME)->evidence);
    if (r == -EBADMSG || r == -EFAULT || r == -EINVAL)
        return reason_set(why, -ENOTSUP,
                          "its providers are not there yet, or in a form that is not known");
    if (r < 0)
        return reason_set(why, r, "its memory can't be read: %s", strerror(-r));
    return providers_read(reader, address, out, why);
}

int target_read_providers(const struct target *target, struct provider_states *out,
                          struct reason *why)
{
    struct memory memory;
    struct reader reader = {read_memory, &memory};
    int r;

    memset(out, 0, sizeof(*out));
    memory_open(&memory, target->process.pid);
    r = read_providers(target, &reader, out, why);
    memory_close(&memory);
    if (!process_alive(&target->process))
        return reason_set(why, -ESRCH, "ended, or ran another program, while it was read");
    return r;
}
