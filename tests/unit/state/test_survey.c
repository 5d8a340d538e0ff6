/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "state/survey.h"

static void left_on(void **state)
{
    static struct survey survey;

    for (enum verdict verdict = 0; verdict < VERDICT_MAX; verdict++) {
        survey = (struct survey){.judgement.verdict = verdict};
        assert_int_equal(survey_seems_left_on(&survey), verdict == VERDICT_LEAKED);
        survey.account.count = 3;
        assert_int_equal(survey_seems_left_on(&survey), verdict == VERDICT_LEAKED);
        survey.account.items[2].is_stale = true;
        assert_true(survey_seems_left_on(&survey));
        survey.account.count = 2;
        assert_int_equal(survey_seems_left_on(&survey), verdict == VERDICT_LEAKED);
    }
}

static void ending(void **state)
{
    static struct survey survey;

    assert_false(survey_is_ending(&survey));
    survey.judgement.unsettled = true;
    assert_true(survey_is_ending(&survey));
    survey = (struct survey){.account.is_ending = true};
    assert_true(survey_is_ending(&survey));
}

/* A process that is not there is told by the one who looks, whoever has the peers. */
static void gone(void **state)
{
    static struct survey survey;
    static struct located image;
    static struct target target = {.process = {.pid = 0x7fffffff, .start_time = 1},
                                   .image = &image};
    struct reason why = {""};

    target.runtime.flavour = FLAVOUR_SELF_CONTAINED;
    assert_int_equal(survey_take(&target, NULL, LEVEL_VERBOSE, &survey, &why), -ESRCH);
    assert_true(why.text[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(left_on),
        cmocka_unit_test(ending),
        cmocka_unit_test(gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
