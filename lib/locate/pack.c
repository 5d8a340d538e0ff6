/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/pack.h"

#include <elf.h>
#include <string.h>

#include "util/number.h"
#include "util/text.h"

#define SCHEMA "clrmon.pack/1"

static json_t *hex_number(uint64_t n)
{
    char text[24];

    snprintf(text, sizeof(text), "0x%llx", (unsigned long long)n);
    return json_string(text);
}

static json_t *encode_site(enum site site, const struct finding *finding)
{
    if (!finding_is_found(finding))
        return json_pack("{s:s, s:n, s:n, s:n, s:s, s:s}", "name", site_name(site), "address",
                         "source", "confidence", "evidence", finding->evidence, "status",
                         "not found");
    return json_pack("{s:s, s:o, s:o*, s:s, s:s, s:s, s:s}", "name", site_name(site), "address",
                     hex_number(finding->address), "offset",
                     finding->offset ? hex_number(finding->offset) : NULL, "source",
                     source_name(finding->source), "confidence",
                     confidence_name(finding->confidence), "evidence", finding->evidence, "status",
                     "found");
}

json_t *pack_sites(const struct findings *findings)
{
    json_t *sites = json_array();

    for (enum site site = 0; site < SITE_MAX; site++)
        json_array_append_new(sites, encode_site(site, &findings->sites[site]));
    return sites;
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
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:o, s:{s:b, s:i, s:b}, s:o}", "schema", SCHEMA,
                     "build_id", build_id, "machine", machine_name(identity->machine), "kind",
                     image_kind_name(identity->kind), "version", identity->version, "fingerprint",
                     encode_fingerprint(&inspection->fingerprint), "layout", "context_has_enabled",
                     layout->context_has_enabled, "session_start_time",
                     (int)layout->session_start_time, "has_contract", layout->has_contract, "sites",
                     pack_sites(&inspection->findings));
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
    if (number_hex(address, (1ull << 47) - 1, &va) < 0 || number_hex(offset, INT64_MAX, &at) < 0 ||
        source_of_name(source) == SOURCE_NONE || confidence_of_name(confidence) == CONFIDENCE_NONE)
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
