/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <string.h>

#include "exposition.h"

static const struct family families[] = {
    {"a_seconds", FAMILY_COUNTER, "seconds", "Time."},
    {"b", FAMILY_INFO, NULL, "What."},
    {"c_bytes", FAMILY_GAUGE, "bytes", "Size."},
    {"d_seconds", FAMILY_HISTOGRAM, "seconds", "Times."},
};

static void write_all(struct exposition *text)
{
    exposition_family(text, &families[0]);
    exposition_sample(text);
    exposition_label(text, "x", "1");
    exposition_label(text, "y", "");
    exposition_seconds(text, 12000000034);
    exposition_sample(text);
    exposition_seconds(text, UINT64_MAX);
    exposition_family(text, &families[1]);
    exposition_sample(text);
    exposition_label(text, "v", "2");
    exposition_number(text, 1);
    exposition_family(text, &families[2]);
    exposition_sample(text);
    exposition_number(text, UINT64_MAX);
    exposition_family(text, &families[3]);
    exposition_sample_of(text, "_bucket");
    exposition_label(text, "z", "1");
    exposition_bound(text, 1048576);
    exposition_number(text, 2);
    exposition_sample_of(text, "_bucket");
    exposition_bound(text, UINT64_MAX);
    exposition_number(text, 3);
    exposition_sample_of(text, "_sum");
    exposition_seconds(text, 4);
    exposition_sample_of(text, "_count");
    exposition_number(text, 3);
}

static void formats(void **state)
{
    static const char *const expected[EXPOSITION_FORMAT_MAX] = {
        [EXPOSITION_TEXT] = "# HELP a_seconds_total Time.\n"
                            "# TYPE a_seconds_total counter\n"
                            "a_seconds_total{x=\"1\",y=\"\"} 12.000000034\n"
                            "a_seconds_total 18446744073.709551615\n"
                            "# HELP b_info What.\n"
                            "# TYPE b_info gauge\n"
                            "b_info{v=\"2\"} 1\n"
                            "# HELP c_bytes Size.\n"
                            "# TYPE c_bytes gauge\n"
                            "c_bytes 18446744073709551615\n"
                            "# HELP d_seconds Times.\n"
                            "# TYPE d_seconds histogram\n"
                            "d_seconds_bucket{z=\"1\",le=\"0.001048576\"} 2\n"
                            "d_seconds_bucket{le=\"+Inf\"} 3\n"
                            "d_seconds_sum 0.000000004\n"
                            "d_seconds_count 3\n",
        [EXPOSITION_OPENMETRICS] = "# HELP a_seconds Time.\n"
                                   "# TYPE a_seconds counter\n"
                                   "# UNIT a_seconds seconds\n"
                                   "a_seconds_total{x=\"1\",y=\"\"} 12.000000034\n"
                                   "a_seconds_total 18446744073.709551615\n"
                                   "# HELP b What.\n"
                                   "# TYPE b info\n"
                                   "b_info{v=\"2\"} 1\n"
                                   "# HELP c_bytes Size.\n"
                                   "# TYPE c_bytes gauge\n"
                                   "# UNIT c_bytes bytes\n"
                                   "c_bytes 18446744073709551615\n"
                                   "# HELP d_seconds Times.\n"
                                   "# TYPE d_seconds histogram\n"
                                   "# UNIT d_seconds seconds\n"
                                   "d_seconds_bucket{z=\"1\",le=\"0.001048576\"} 2\n"
                                   "d_seconds_bucket{le=\"+Inf\"} 3\n"
                                   "d_seconds_sum 0.000000004\n"
                                   "d_seconds_count 3\n"
                                   "# EOF\n",
    };

    for (enum exposition_format format = 0; format < EXPOSITION_FORMAT_MAX; format++) {
        struct exposition text = {.format = format};
        _free_ char *data = NULL;
        size_t size = 0;

        write_all(&text);
        assert_int_equal(exposition_end(&text, &data, &size), 0);
        assert_string_equal(data, expected[format]);
        assert_int_equal(size, strlen(data));
    }
}

static void labels_are_escaped(void **state)
{
    static const struct {
        const char *value, *expected;
    } table[] = {
        {"dotnet", "dotnet"},
        {"a\\b\"c\"", "a\\\\b\\\"c\\\""},
        {"\"", "\\\""},
        {"a\nb\tc\x7f", "a?b?c?"},
        {"\xc3\xa4\xff\xc3", "\xc3\xa4??"},
        {"{}=,# \xe2\x82\xac", "{}=,# \xe2\x82\xac"},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
        struct exposition text = {0};
        _free_ char *data = NULL;
        char expected[256];
        size_t size = 0;

        exposition_family(&text, &families[2]);
        exposition_sample(&text);
        exposition_label(&text, "l", table[i].value);
        exposition_number(&text, 0);
        assert_int_equal(exposition_end(&text, &data, &size), 0);
        snprintf(expected, sizeof(expected), "c_bytes{l=\"%s\"} 0\n", table[i].expected);
        assert_string_equal(strstr(data, "c_bytes{"), expected);
    }
}

static void long_labels_are_cut(void **state)
{
    struct exposition text = {0};
    _free_ char *data = NULL;
    char value[2 * EXPOSITION_LABEL_MAX] = "xx", *label;
    size_t size = 0;

    for (size_t i = 2; i + 2 < sizeof(value); i += 2)
        memcpy(value + i, "\xc3\xa4", 3);
    exposition_family(&text, &families[2]);
    exposition_sample(&text);
    exposition_label(&text, "l", value);
    exposition_number(&text, 0);
    assert_int_equal(exposition_end(&text, &data, &size), 0);
    label = strchr(data, '"') + 1;
    assert_int_equal(strcspn(label, "\""), EXPOSITION_LABEL_MAX - 1);
    assert_int_equal(strspn(label + 2, "\xc3\xa4"), EXPOSITION_LABEL_MAX - 4);
    assert_int_equal(label[EXPOSITION_LABEL_MAX - 2], '?');
}

static void too_much(void **state)
{
    struct exposition text = {0};
    char *data = (char *)&text;
    size_t size = 77;

    exposition_family(&text, &families[2]);
    for (size_t i = 0; i < EXPOSITION_SIZE_MAX / strlen("c_bytes 1\n"); i++) {
        exposition_sample(&text);
        exposition_number(&text, 1);
    }
    assert_true(text.room <= 2 * EXPOSITION_SIZE_MAX);
    assert_int_equal(exposition_end(&text, &data, &size), -EFBIG);
    assert_ptr_equal(data, &text);
    assert_int_equal(size, 77);
    assert_null(text.data);
}

static void accept_header(void **state)
{
    static const struct {
        const char *accept;
        enum exposition_format format;
    } table[] = {
        {NULL, EXPOSITION_TEXT},
        {"", EXPOSITION_TEXT},
        {"*/*", EXPOSITION_TEXT},
        {"text/html,application/xhtml+xml,*/*;q=0.8", EXPOSITION_TEXT},
        {"application/openmetrics-text", EXPOSITION_OPENMETRICS},
        {"Application/OpenMetrics-Text; version=1.0.0", EXPOSITION_OPENMETRICS},
        {" application/openmetrics-text ;q=1,*/*", EXPOSITION_OPENMETRICS},
        {"application/openmetrics-text;version=1.0.0,application/openmetrics-text;version=0.0.1;"
         "q=0.75,text/plain;version=0.0.4;q=0.5,*/*;q=0.1",
         EXPOSITION_OPENMETRICS}, /* Prometheus 2 */
        {"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.5,"
         "application/openmetrics-text;version=0.0.1;q=0.4,text/plain;version=1.0.0;"
         "escaping=allow-utf-8;q=0.3,text/plain;version=0.0.4;q=0.2,*/*;q=0.1",
         EXPOSITION_OPENMETRICS}, /* Prometheus 3 */
        {"application/openmetrics-text;q=0", EXPOSITION_TEXT},
        {"application/openmetrics-text;q=0.000", EXPOSITION_TEXT},
        {"application/openmetrics-text;q=0.5,text/plain", EXPOSITION_TEXT},
        {"application/openmetrics-text;q=0.5,text/plain;q=0.501", EXPOSITION_TEXT},
        {"application/openmetrics-text;q=0.5;x=1,text/plain;q=0.49999", EXPOSITION_OPENMETRICS},
        {"text/plain, application/openmetrics-text", EXPOSITION_OPENMETRICS},
        {"application/openmetrics-text;q", EXPOSITION_OPENMETRICS},
        {"application/openmetrics-text;q=", EXPOSITION_OPENMETRICS},
        {"application/openmetrics-text;;;,,,", EXPOSITION_OPENMETRICS},
        {"application/openmetrics-text2", EXPOSITION_TEXT},
        {"xapplication/openmetrics-text", EXPOSITION_TEXT},
        {",,;,q=,;q=0.0.0.0.0.0.0", EXPOSITION_TEXT},
    };

    for (size_t i = 0; i < ARRAY_SIZE(table); i++)
        assert_int_equal(exposition_format_of_accept(table[i].accept), table[i].format);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(formats),       cmocka_unit_test(labels_are_escaped),
        cmocka_unit_test(too_much),      cmocka_unit_test(long_labels_are_cut),
        cmocka_unit_test(accept_header),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
