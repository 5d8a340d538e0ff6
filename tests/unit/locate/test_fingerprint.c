/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <sys/mman.h>

#include "locate/fingerprint.h"
#include "locate/scenes.h"

static struct builder builder;

static void take(struct fingerprint *out)
{
    struct image image;

    assert_int_equal(image_open(&image, builder.bytes, BUILD_SIZE, NULL), 0);
    fingerprint_take(&image, out);
}

static int file_of(size_t size)
{
    int fd = memfd_create("image", MFD_CLOEXEC);

    assert_int_equal(write(fd, builder.bytes, size), size);
    return fd;
}

static void samples_are_of_code(void **state)
{
    struct fingerprint fingerprint;

    scene_runtime(&builder);
    take(&fingerprint);
    assert_int_equal(fingerprint.count, FINGERPRINT_SAMPLES);
    for (size_t i = 0; i < fingerprint.count; i++) {
        assert_in_range(fingerprint.samples[i].offset, 0x2000, 0x4000 - FINGERPRINT_BYTES);
        assert_memory_equal(fingerprint.samples[i].bytes,
                            builder.bytes + fingerprint.samples[i].offset, FINGERPRINT_BYTES);
        assert_true(!i || fingerprint.samples[i].offset > fingerprint.samples[i - 1].offset);
    }
    builder_header(&builder, HEADER_CODE)->p_flags = PF_R;
    take(&fingerprint);
    assert_int_equal(fingerprint.count, 0);
    builder_header(&builder, HEADER_TEXT)->p_flags = PF_R | PF_X;
    builder_header(&builder, HEADER_CODE)->p_flags = PF_R | PF_X;
    builder_header(&builder, HEADER_DATA)->p_flags = PF_R | PF_X;
    take(&fingerprint);
    assert_int_equal(fingerprint.count, 15);
}

static void one_byte_tells(void **state)
{
    struct fingerprint fingerprint, none = {0};
    _close_ int same = -1, other = -1, truncated = -1;

    scene_runtime(&builder);
    take(&fingerprint);
    same = file_of(BUILD_SIZE);
    assert_true(fingerprint_matches(&fingerprint, same));
    assert_false(fingerprint_matches(&none, same));
    truncated = file_of(fingerprint.samples[FINGERPRINT_SAMPLES - 1].offset + 15);
    assert_false(fingerprint_matches(&fingerprint, truncated));
    builder.bytes[fingerprint.samples[7].offset + 3] ^= 1;
    other = file_of(BUILD_SIZE);
    assert_false(fingerprint_matches(&fingerprint, other));
    assert_false(fingerprint_matches(&fingerprint, -1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(samples_are_of_code),
        cmocka_unit_test(one_byte_tells),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
