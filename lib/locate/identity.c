/* SPDX-License-Identifier: Apache-2.0 */
#include "locate/identity.h"

#include <elf.h>
#include <string.h>

#include "elf/dynamic.h"

#define STAMP     "@(#)Version "
#define STAMP_MAX 128

/* Exported names that tell what an image is: src/coreclr/dlls/mscoree/mscorwks_unixexports.src,
 * src/coreclr/gc/env/gcinterface ("GC_Initialize"), src/coreclr/nativeaot/Runtime/DebugHeader.cpp.
 */
static const struct {
    const char *exported;
    enum image_kind kind;
} marks[] = {
    {"DotNetRuntimeDebugHeader", IMAGE_NATIVE_AOT},
    {"coreclr_initialize", IMAGE_CORECLR},
    {"DotNetRuntimeInfo", IMAGE_CORECLR},
    {"g_dacTable", IMAGE_CORECLR},
    {"GC_Initialize", IMAGE_GC},
};

void identity_version(const char *text, char version[static IDENTITY_VERSION_MAX])
{
    unsigned major, minor, third, fourth;

    version[0] = 0;
    if (sscanf(text, STAMP "%3u.%3u.%6u.%6u", &major, &minor, &third, &fourth) != 4 ||
        major > 999 || minor > 999 || third > 999999) /* a sign was taken for a digit */
        return;
    if (major >= 5)
        snprintf(version, IDENTITY_VERSION_MAX, "%u.%u.%u", major, minor, third / 100);
    else if (major == 4 && minor == 700)
        snprintf(version, IDENTITY_VERSION_MAX, "3.%u", third == 19 ? 0 : 1);
    else if (major == 4 && minor == 6)
        snprintf(version, IDENTITY_VERSION_MAX, "2.x");
}

static void find_version(const struct image *image, struct identity *out)
{
    for (size_t i = 0; i < image->segment_count && !out->version[0]; i++) {
        const struct segment *segment = &image->segments[i];
        const uint8_t *bytes = image_bytes(image, segment->offset, segment->file_size), *at = bytes;
        char text[STAMP_MAX] = "";

        if (!bytes || segment->flags & SEGMENT_EXECUTABLE)
            at = NULL;
        if (at)
            at = memmem(at, segment->file_size, STAMP, strlen(STAMP));
        if (!at)
            continue;
        memcpy(text, at,
               segment->file_size - (size_t)(at - bytes) < sizeof(text) - 1
                   ? segment->file_size - (size_t)(at - bytes)
                   : sizeof(text) - 1);
        identity_version(text, out->version);
    }
}

/* "10.0.12-servicing.26422.108+SHA", the informational version of the class library that is
 * compiled into a NativeAOT program; the text before the first hyphen is the release. */
static void find_library_version(const struct image *image, const char *mark, struct identity *out)
{
    for (size_t i = 0; i < image->segment_count && !out->version[0]; i++) {
        const struct segment *segment = &image->segments[i];
        const char *bytes = image_bytes(image, segment->offset, segment->file_size);
        const char *end = bytes ? memmem(bytes, segment->file_size, mark, strlen(mark)) : NULL;
        const char *start = end;

        while (start && start > bytes && end - start < 12 &&
               ((start[-1] >= '0' && start[-1] <= '9') || start[-1] == '.'))
            start--;
        if (start && end > start)
            snprintf(out->version, sizeof(out->version), "%.*s", (int)(end - start), start);
    }
}

static void read_segments(const struct image *image, struct identity *out)
{
    for (size_t i = 0; i < image->segment_count; i++) {
        const struct segment *segment = &image->segments[i];

        if (i == 0)
            out->first_va = segment->va - segment->offset;
        if (segment->flags & SEGMENT_WRITABLE && out->writable_count < IDENTITY_WRITABLE_MAX)
            out->writable[out->writable_count++] =
                (struct writable_segment){segment->va, segment->memory_size};
    }
}

void identity_read(const struct image *image, struct identity *out)
{
    struct symbols symbols;

    *out = (struct identity){
        .machine = image->machine,
        .build_id = note_build_id(image),
        .has_contract = dynamic_exported(image, "DotNetRuntimeContractDescriptor") != 0,
        .has_symtab = symtab_open(image, &symbols) == 0,
    };
    read_segments(image, out);
    for (size_t i = 0; i < ARRAY_SIZE(marks) && out->kind == IMAGE_OTHER; i++)
        if (dynamic_exported(image, marks[i].exported))
            out->kind = marks[i].kind;
    if (out->kind != IMAGE_OTHER)
        find_version(image, out);
    if (out->kind == IMAGE_NATIVE_AOT && !out->version[0])
        find_library_version(image, "-servicing.", out);
    if (out->kind == IMAGE_NATIVE_AOT && !out->version[0])
        find_library_version(image, "-rtm.", out);
    symtab_debuglink(image, out->debuglink, &out->debuglink_crc);
}

const char *image_kind_name(enum image_kind kind)
{
    static const char *const names[IMAGE_KIND_MAX] = {
        [IMAGE_OTHER] = "other",
        [IMAGE_CORECLR] = "coreclr",
        [IMAGE_GC] = "gc",
        [IMAGE_NATIVE_AOT] = "nativeaot",
    };

    return names[kind];
}

const char *machine_name(uint16_t machine)
{
    return machine == EM_X86_64 ? "x86_64" : machine == EM_AARCH64 ? "aarch64" : "unknown";
}
