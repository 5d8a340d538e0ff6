/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <string.h>

#include "stack/mangled.h"
#include "util/cleanup.h"

static void names(void **state)
{
    static const struct {
        const char *symbol, *name; /* NULL: none that we read */
    } cases[] = {
        {"_ZN9AwareLock17EnterEpilogHelperEP6Threadi", "AwareLock::EnterEpilogHelper"},
        {"_ZN3WKS7gc_heap10plan_phaseEi", "WKS::gc_heap::plan_phase"},
        {"_ZNK6Thread5IsBadEv.part.0", "Thread::IsBad"},
        {"_Z7RunMainP10MethodDesc", "RunMain"},
        {"_ZL7RunMainP10MethodDesc", "RunMain"},
        {"_ZN6ThreadC2Ev", "Thread::Thread"},
        {"_ZN6ThreadD1Ev", "Thread::~Thread"},
        {"_ZN12_GLOBAL__N_14FindEv", "(anonymous)::Find"},
        {"_ZN4ListI6ThreadLb1EN3WKS4HeapEE3AddERKS0_", "List::Add"},
        {"_ZN4ListIFvPKciEJiS1_EE3AddEv", "List::Add"},
        {"_ZNSt6vectorIiSaIiEE9push_backEOi", "std::vector::push_back"},
        {"_ZNSt7__cxx114ListB5cxx113AddEv", "std::__cxx11::List::Add"},
        {"_ZSt9terminatev", "std::terminate"},
        {"_Znwm", "operator new"},
        {"_ZN4ListeqERKS_", "List::operator=="},
        {"_ZNSs6appendEv", NULL}, /* the name is in what came before */
        {"_ZN4ListclEv", "List::operator()"},
        {"_ZZN4List3AddEvE4once", NULL},
        {"_ZTV4List", NULL},
        {"malloc", NULL},
        {"", NULL},
        {"_Z", NULL},
        {"_ZN", NULL},
        {"_ZNE", NULL},
        {"_ZN4ListE", "List"},
        {"_ZN4List", NULL},
        {"_ZN5List", NULL},
        {"_ZN0E", NULL},
        {"_ZN99999999999999999999ListE", NULL},
        {"_ZNC1E", NULL},
        {"_ZN4ListI", NULL},
        {"_ZN4ListIL", NULL},
        {"_ZN4ListILb", NULL},
        {"_ZN4ListIXE3AddEv", NULL},
    };

    for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
        char name[64];

        assert_int_equal(mangled_name(cases[i].symbol, name, sizeof(name)), cases[i].name != NULL);
        if (cases[i].name)
            assert_string_equal(name, cases[i].name);
    }
}

static void names_are_cut(void **state)
{
    char name[8];

    for (size_t size = 1; size < sizeof(name); size++) {
        memset(name, '#', sizeof(name));
        assert_true(mangled_name("_ZN3WKS7gc_heap10plan_phaseEi", name, size));
        assert_int_equal(strlen(name), size - 1);
        assert_memory_equal(name, "WKS::gc_", size - 1);
        assert_int_equal(name[size], '#');
    }
}

static void endless_nesting(void **state)
{
    char symbol[4096] = "_ZN4List", name[64];

    for (size_t i = strlen(symbol); i < sizeof(symbol) - 1; i += 2)
        symbol[i] = 'I', symbol[i + 1] = i + 1 < sizeof(symbol) - 1 ? 'N' : 0;
    symbol[sizeof(symbol) - 1] = 0;
    assert_false(mangled_name(symbol, name, sizeof(name)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names),
        cmocka_unit_test(names_are_cut),
        cmocka_unit_test(endless_nesting),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
