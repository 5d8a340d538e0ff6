/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/pack.h"

#include <elf.h>
#include <string.h>

#include "util/number.h"
#include "util/text.h"

#define SCHEMA_STEM "clrmon.pack/"
#define SCHEMA      SCHEMA_STEM "2"

static json_t *hex_number(uint64_t n)
{
    char text[24];

    snprintf(text, sizeof(text), "0x%llx", (unsigned long long)n);
    return json_string(text);
}

static const char *const exit_kinds[] = {[EXIT_RETURNS] = "returns", [EXIT_THROWS] = "throws"};

static json_t *encode_exits(const struct function_exits *exits)
{
    json_t *list = json_array();

    for (size_t i = 0; i < exits->count; i++) {
        const struct function_exit *out = &exits->items[i];

        json_array_append_new(list,
                              json_pack("{s:o, s:o, s:s, s:b}", "address", hex_number(out->address),
                                        "offset", hex_number(out->offset), "kind",
                                        exit_kinds[out->kind], "emulated", out->emulated));
    }
    return list;
}

static json_t *encode_lock(const struct lock_layout *lock)
{
    return json_pack("{s:i, s:b, s:i, s:i, s:i, s:o}", "holder", (int)lock->holder,
                     "holder_is_thread", lock->holder_is_thread, "owner_tid", (int)lock->owner_tid,
                     "thread_tid", (int)lock->thread_tid, "sync_index", (int)lock->sync_index,
                     "sync_table", hex_number(lock->sync_table));
}

static const struct function_exits *exits_of(const struct findings *findings, enum site site)
{
    return site == SITE_LOCK_CONTENTION_EXIT ? &findings->lock_exits
           : site == SITE_WAIT_EXIT          ? &findings->wait_exits
                                             : NULL;
}

static json_t *encode_site(const struct findings *findings, enum site site)
{
    const struct finding *finding = &findings->sites[site];
    const struct function_exits *exits = exits_of(findings, site);
    bool has_layout = site == SITE_LOCK_CONTENTION_ENTER && findings->lock.holder;

    if (!finding_is_found(finding))
        return json_pack("{s:s, s:n, s:n, s:n, s:s, s:s}", "name", site_name(site), "address",
                         "source", "confidence", "evidence", finding->evidence, "status",
                         "not found");
    return json_pack("{s:s, s:o, s:o*, s:s, s:s, s:s, s:s, s:o*, s:o*}", "name", site_name(site),
                     "address", hex_number(finding->address), "offset",
                     finding->offset ? hex_number(finding->offset) : NULL, "source",
                     source_name(finding->source), "confidence",
                     confidence_name(finding->confidence), "evidence", finding->evidence, "status",
                     "found", "exits", exits ? encode_exits(exits) : NULL, "layout",
                     has_layout ? encode_lock(&findings->lock) : NULL);
}

json_t *pack_sites(const struct findings *findings)
{
    json_t *sites = json_array();

    for (enum site site = 0; site < SITE_MAX; site++)
        json_array_append_new(sites, encode_site(findings, site));
    return sites;
}

static json_t *encode_events(const struct event_table *events)
{
    json_t *list = json_array();

    for (size_t i = 0; i < events->count; i++)
        json_array_append_new(
            list, json_pack("[i, i]", (int)events->items[i].id, (int)events->items[i].version));
    return json_pack("{s:o, s:o}", "variables", hex_number(events->variables), "ids_and_versions",
                     list);
}

static json_t *encode_marks(const struct contention_marks *marks)
{
    return marks->found ? json_pack("{s:i, s:i, s:b}", "start", (int)marks->start, "stop",
                                    (int)marks->stop, "need_event_log", marks->need_event_log)
                        : NULL;
}

static json_t *encode_fingerprint(const struct fingerprint *fingerprint)
{
    json_t *samples = json_array();

    for (size_t i = 0; i < fingerprint->count; i++) {
        const struct sample *sample = &fingerprint->samples[i];
        char bytes[2 * FINGERPRINT_BYTES + 1];

        for (size_t n = 0; n < FINGERPRINT_BYTES; n++)
            sprintf(bytes + 2 * n, "%02x", sample->bytes[n]);
        json_array_append_new(
            samples, json_pack("{s:o, s:s}", "offset", hex_number(sample->offset), "bytes", bytes));
    }
    return samples;
}

json_t *pack_encode(const struct inspection *inspection)
{
    const struct identity *identity = &inspection->identity;
    const struct layout *layout = &inspection->findings.layout;
    char build_id[BUILD_ID_TEXT_MAX];

    build_id_format(&identity->build_id, build_id);
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:{s:b, s:i, s:b}, s:o, s:o, s:o*}", "schema",
                     SCHEMA, "build_id", build_id, "machine", machine_name(identity->machine),
                     "kind", image_kind_name(identity->kind), "version", identity->version,
                     "fingerprint", encode_fingerprint(&inspection->fingerprint), "layout",
                     "context_has_enabled", layout->context_has_enabled, "session_start_time",
                     (int)layout->session_start_time, "has_contract", layout->has_contract, "sites",
                     pack_sites(&inspection->findings), "events",
                     encode_events(&inspection->findings.events), "marks",
                     encode_marks(&inspection->findings.marks));
}

static int decode_bytes(const char *text, uint8_t *out, size_t most, size_t *length)
{
    *length = strlen(text) / 2;
    if (strlen(text) % 2 || *length > most)
        return -EBADMSG;
    for (size_t i = 0; i < *length; i++) {
        char pair[3] = {text[2 * i], text[2 * i + 1]};
        uint64_t byte;

        if (number_hex(pair, 255, &byte) < 0)
            return -EBADMSG;
        out[i] = (uint8_t)byte;
    }
    return 0;
}

static int decode_identity(const json_t *pack, struct identity *out, struct reason *why)
{
    const char *schema, *build_id, *machine, *kind, *version;

    if (json_unpack((json_t *)pack, "{s:s, s:s, s:s, s:s, s:s}", "schema", &schema, "build_id",
                    &build_id, "machine", &machine, "kind", &kind, "version", &version) < 0)
        return reason_set(why, -EBADMSG,
                          "not a pack: schema, build_id, machine, kind or version "
                          "is missing");
    if (strncmp(schema, SCHEMA_STEM, strlen(SCHEMA_STEM)) == 0 && strcmp(schema, SCHEMA) != 0)
        return reason_set(why, -ESTALE,
                          "schema '%.40s' is of another release; this one has " SCHEMA, schema);
    if (strcmp(schema, SCHEMA) != 0)
        return reason_set(why, -EBADMSG, "schema '%.40s' is not " SCHEMA, schema);
    if (decode_bytes(build_id, out->build_id.bytes, BUILD_ID_MAX, &out->build_id.length) < 0 ||
        !out->build_id.length)
        return reason_set(why, -EBADMSG, "build id '%.80s' is not hexadecimal", build_id);
    out->machine = strcmp(machine, "x86_64") == 0    ? EM_X86_64
                   : strcmp(machine, "aarch64") == 0 ? EM_AARCH64
                                                     : EM_NONE;
    while (out->kind < IMAGE_KIND_MAX && strcmp(image_kind_name(out->kind), kind) != 0)
        out->kind++;
    if (out->machine == EM_NONE || out->kind == IMAGE_KIND_MAX)
        return reason_set(why, -EBADMSG, "unknown machine '%.20s' or kind '%.20s'", machine, kind);
    snprintf(out->version, sizeof(out->version), "%s", version);
    text_printable(out->version);
    return 0;
}

static int decode_sample(const json_t *item, struct sample *out)
{
    const char *offset, *bytes;
    size_t length;

    if (json_unpack((json_t *)item, "{s:s, s:s}", "offset", &offset, "bytes", &bytes) < 0 ||
        number_hex(offset, INT64_MAX, &out->offset) < 0 ||
        decode_bytes(bytes, out->bytes, FINGERPRINT_BYTES, &length) < 0 ||
        length != FINGERPRINT_BYTES)
        return -EBADMSG;
    return 0;
}

static int decode_fingerprint(const json_t *pack, struct fingerprint *out, struct reason *why)
{
    const json_t *samples = json_object_get(pack, "fingerprint");

    out->count = json_array_size(samples);
    if (!out->count || out->count > FINGERPRINT_SAMPLES)
        return reason_set(why, -EBADMSG, "no fingerprint of 1 to %d samples", FINGERPRINT_SAMPLES);
    for (size_t i = 0; i < out->count; i++)
        if (decode_sample(json_array_get(samples, i), &out->samples[i]) < 0)
            return reason_set(why, -EBADMSG, "sample %zu of the fingerprint is malformed", i);
    return 0;
}

static int decode_layout(const json_t *pack, struct layout *out, struct reason *why)
{
    int context_has_enabled, has_contract;
    json_int_t start_time;

    if (json_unpack((json_t *)pack, "{s:{s:b, s:I, s:b}}", "layout", "context_has_enabled",
                    &context_has_enabled, "session_start_time", &start_time, "has_contract",
                    &has_contract) < 0 ||
        start_time < 0 || start_time >= 256)
        return reason_set(why, -EBADMSG, "layout is missing or malformed");
    *out = (struct layout){context_has_enabled, (uint16_t)start_time, has_contract};
    return 0;
}

static int decode_exit(const json_t *item, struct function_exit *out)
{
    const char *address, *offset, *kind;
    int emulated;

    if (json_unpack((json_t *)item, "{s:s, s:s, s:s, s:b}", "address", &address, "offset", &offset,
                    "kind", &kind, "emulated", &emulated) < 0 ||
        number_hex(address, ADDRESS_MAX, &out->address) < 0 ||
        number_hex(offset, INT64_MAX, &out->offset) < 0)
        return -EBADMSG;
    while (out->kind < ARRAY_SIZE(exit_kinds) && strcmp(exit_kinds[out->kind], kind) != 0)
        out->kind++;
    out->emulated = emulated;
    return out->kind < ARRAY_SIZE(exit_kinds) ? 0 : -EBADMSG;
}

static int decode_exits(const json_t *site, struct function_exits *out)
{
    const json_t *list = json_object_get(site, "exits");

    if (!json_is_array(list) || json_array_size(list) > EXITS_MAX)
        return -EBADMSG;
    for (; out->count < json_array_size(list); out->count++)
        if (decode_exit(json_array_get(list, out->count), &out->items[out->count]) < 0)
            return -EBADMSG;
    return out->count ? 0 : -EBADMSG;
}

static bool is_offset(json_int_t n, json_int_t end)
{
    return n >= 0 && n < end;
}

static int decode_lock(const json_t *site, struct lock_layout *out)
{
    json_int_t holder, owner_tid, thread_tid, sync_index;
    const json_t *layout = json_object_get(site, "layout");
    const char *sync_table;
    int holder_is_thread;
    uint64_t table;

    if (!layout)
        return 0;
    if (json_unpack((json_t *)layout, "{s:I, s:b, s:I, s:I, s:I, s:s}", "holder", &holder,
                    "holder_is_thread", &holder_is_thread, "owner_tid", &owner_tid, "thread_tid",
                    &thread_tid, "sync_index", &sync_index, "sync_table", &sync_table) < 0 ||
        !is_offset(holder - 1, LOCK_SIZE_MAX - 1) || !is_offset(owner_tid, LOCK_SIZE_MAX) ||
        !is_offset(thread_tid, THREAD_SIZE_MAX) || !is_offset(sync_index, LOCK_SIZE_MAX) ||
        number_hex(sync_table, ADDRESS_MAX, &table) < 0)
        return -EBADMSG;
    *out = (struct lock_layout){
        .holder = (uint16_t)holder,
        .holder_is_thread = holder_is_thread,
        .owner_tid = (uint16_t)owner_tid,
        .thread_tid = (uint16_t)thread_tid,
        .sync_index = (uint16_t)sync_index,
        .sync_table = table,
    };
    return 0;
}

/* What some of the sites have besides. */
static int decode_shapes(const json_t *item, enum site site, struct findings *out)
{
    switch (site) {
    case SITE_LOCK_CONTENTION_ENTER:
        return decode_lock(item, &out->lock);
    case SITE_LOCK_CONTENTION_EXIT:
        return decode_exits(item, &out->lock_exits);
    case SITE_WAIT_EXIT:
        return decode_exits(item, &out->wait_exits);
    default:
        return 0;
    }
}

static int decode_site(const json_t *item, bool named[static SITE_MAX], struct findings *out,
                       struct reason *why)
{
    const char *name, *address, *source, *confidence, *said = "", *offset = "0x0";
    char evidence[EVIDENCE_MAX];
    enum site site;
    uint64_t va, at;

    if (json_unpack((json_t *)item, "{s:s, s?s}", "name", &name, "evidence", &said) < 0)
        return reason_set(why, -EBADMSG, "a site has no name");
    snprintf(evidence, sizeof(evidence), "%s", said);
    text_printable(evidence);
    site = site_of_name(name);
    if (site == SITE_MAX) /* of a later release */
        return 0;
    if (named[site])
        return reason_set(why, -EBADMSG, "site %s is named twice", site_name(site));
    named[site] = true;
    if (json_unpack((json_t *)item, "{s:s, s?s, s:s, s:s}", "address", &address, "offset", &offset,
                    "source", &source, "confidence", &confidence) < 0) {
        findings_miss(out, site, "%s", evidence);
        return 0;
    }
    if (number_hex(address, ADDRESS_MAX, &va) < 0 || number_hex(offset, INT64_MAX, &at) < 0 ||
        source_of_name(source) == SOURCE_NONE ||
        confidence_of_name(confidence) == CONFIDENCE_NONE || decode_shapes(item, site, out) < 0)
        return reason_set(why, -EBADMSG, "site %s is malformed", site_name(site));
    findings_add(out, site, source_of_name(source), confidence_of_name(confidence), va, "%s",
                 evidence);
    out->sites[site].offset = at;
    return 0;
}

static int decode_sites(const json_t *pack, struct findings *out, struct reason *why)
{
    const json_t *sites = json_object_get(pack, "sites");
    bool named[SITE_MAX] = {false};

    if (!json_is_array(sites) || json_array_size(sites) > 256)
        return reason_set(why, -EBADMSG, "no list of sites");
    for (size_t i = 0; i < json_array_size(sites); i++) {
        int r = decode_site(json_array_get(sites, i), named, out, why);

        if (r < 0)
            return r;
    }
    return 0;
}

static int decode_event(const json_t *item, struct table_event *out)
{
    json_int_t id, version;

    if (json_unpack((json_t *)item, "[I, I]", &id, &version) < 0 ||
        !is_offset(id, UINT16_MAX + 1) || !is_offset(version, UINT8_MAX + 1))
        return -EBADMSG;
    *out = (struct table_event){(uint16_t)id, (uint8_t)version};
    return 0;
}

static int decode_events(const json_t *pack, struct event_table *out, struct reason *why)
{
    const json_t *events = json_object_get(pack, "events");
    const json_t *list = json_object_get(events, "ids_and_versions");
    const char *variables = json_string_value(json_object_get(events, "variables"));

    if (!variables || !json_is_array(list) || json_array_size(list) > EVENTS_MAX ||
        number_hex(variables, ADDRESS_MAX, &out->variables) < 0)
        return reason_set(why, -EBADMSG, "no table of at most %d events", EVENTS_MAX);
    for (; out->count < json_array_size(list); out->count++)
        if (decode_event(json_array_get(list, out->count), &out->items[out->count]) < 0)
            return reason_set(why, -EBADMSG, "event %zu of the table is malformed", out->count);
    return 0;
}

static int decode_marks(const json_t *pack, struct contention_marks *out, struct reason *why)
{
    const json_t *marks = json_object_get(pack, "marks");
    json_int_t start, stop;
    int need_event_log;

    if (!marks)
        return 0;
    if (json_unpack((json_t *)marks, "{s:I, s:I, s:b}", "start", &start, "stop", &stop,
                    "need_event_log", &need_event_log) < 0 ||
        !is_offset(start, MARK_VERSION_MAX + 1) || !is_offset(stop, MARK_VERSION_MAX + 1))
        return reason_set(why, -EBADMSG, "the marks are malformed");
    *out = (struct contention_marks){true, need_event_log, (uint8_t)start, (uint8_t)stop};
    return 0;
}

int pack_decode(const json_t *pack, struct inspection *out, struct reason *why)
{
    struct inspection inspection = {0};
    int r = decode_identity(pack, &inspection.identity, why);

    if (r == 0)
        r = decode_fingerprint(pack, &inspection.fingerprint, why);
    if (r == 0)
        r = decode_layout(pack, &inspection.findings.layout, why);
    if (r == 0)
        r = decode_sites(pack, &inspection.findings, why);
    if (r == 0)
        r = decode_events(pack, &inspection.findings.events, why);
    if (r == 0)
        r = decode_marks(pack, &inspection.findings.marks, why);
    if (r == 0)
        *out = inspection;
    return r;
}

int pack_parse(const char *text, size_t size, struct inspection *out, struct reason *why)
{
    json_error_t error;
    json_t *pack;
    int r;

    if (size > PACK_SIZE_MAX)
        return reason_set(why, -EBADMSG, "larger than %d KiB", PACK_SIZE_MAX >> 10);
    pack = json_loadb(text, size, JSON_REJECT_DUPLICATES, &error);
    if (!pack)
        return reason_set(why, -EBADMSG, "not JSON: line %d: %.100s", error.line, error.text);
    r = pack_decode(pack, out, why);
    json_decref(pack);
    return r;
}
