/* The hash table, against an array as the model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/digest.h"
#include "base/map.h"

enum { KEYS = 700, STEPS = 100000 };

static char values[KEYS][2]; /* two values that each key may have; only their addresses count */

static const char *key_of(int i, char text[static 32])
{
    snprintf(text, 32, "namespace/%d", i);
    return text;
}

static void is_empty_when_all_zero(void **state)
{
    struct map m = {0};
    const char *key;
    void *value;
    size_t i = 0;

    (void)state;
    assert_null(map_get(&m, "x"));
    assert_null(map_remove(&m, "x"));
    assert_false(map_iter(&m, &i, &key, &value));
    map_finish(&m);
    map_finish(&m);
}

static void copies_its_keys(void **state)
{
    struct map m = {0};
    char key[] = "key";

    (void)state;
    assert_null(map_set(&m, key, values[0]));
    key[0] = 'x';
    assert_ptr_equal(map_get(&m, "key"), values[0]);
    assert_null(map_get(&m, key));
    assert_null(map_set(&m, "", values[1])); /* also an empty text is a key */
    assert_ptr_equal(map_get(&m, ""), values[1]);
    map_finish(&m);
    assert_int_equal(m.len, 0);
}

static void assert_iterates_over(const struct map *m, char *const model[static KEYS])
{
    size_t seen = 0, i = 0;
    const char *key;
    void *value;

    while (map_iter(m, &i, &key, &value)) {
        int n = atoi(strchr(key, '/') + 1);
        assert_ptr_equal(value, model[n]);
        seen++;
    }
    assert_int_equal(seen, m->len);
}

static void does_as_an_array_does(void **state)
{
    struct map m = {0};
    char *model[KEYS] = {0}, text[32];
    size_t len = 0;

    (void)state;
    srand(1);
    for (int step = 0; step < STEPS; step++) {
        int n = rand() % KEYS, what = rand() % 3;
        const char *key = key_of(n, text);
        if (what == 0) {
            char *value = &values[n][rand() % 2];
            assert_ptr_equal(map_set(&m, key, value), model[n]);
            len += !model[n];
            model[n] = value;
        } else if (what == 1) {
            assert_ptr_equal(map_remove(&m, key), model[n]);
            len -= !!model[n];
            model[n] = NULL;
        } else {
            assert_ptr_equal(map_get(&m, key), model[n]);
        }
        assert_int_equal(m.len, len);
        if (step % 1000 == 0)
            assert_iterates_over(&m, model);
    }
    map_finish(&m);
}

static void may_lose_entries_while_it_is_walked(void **state)
{
    struct map m = {0};
    char text[32];
    const char *key;
    void *value;

    (void)state;
    for (int n = 0; n < KEYS; n++)
        map_set(&m, key_of(n, text), values[n]);
    for (size_t i = 0; map_iter(&m, &i, &key, &value);)
        if ((char(*)[2])value - values < KEYS / 2)
            assert_ptr_equal(map_remove(&m, key), value);
    assert_int_equal(m.len, KEYS - KEYS / 2);
    for (int n = 0; n < KEYS; n++)
        assert_ptr_equal(map_get(&m, key_of(n, text)), n < KEYS / 2 ? NULL : values[n]);
    map_finish(&m);
}

/* Keys that come and go for ever take no more room than those that are there at one time. */
static void does_not_grow_by_what_is_gone(void **state)
{
    struct map m = {0};
    char text[32];

    (void)state;
    for (int n = 0; n < STEPS; n++) {
        map_set(&m, key_of(n, text), values[0]);
        if (n >= 4)
            assert_ptr_equal(map_remove(&m, key_of(n - 4, text)), values[0]);
    }
    assert_int_equal(m.len, 4);
    assert_true(m.size <= 32);
    map_finish(&m);
}

/* A value may bring its key: it is then the newest value's key that counts. */
static void keys_may_be_lent(void **state)
{
    struct map m = {.lent = true};
    char keys[200][8];

    (void)state;
    for (size_t i = 0; i < 200; i++) {
        snprintf(keys[i], sizeof(keys[i]), "%zu", i % 100);
        char *former = map_set(&m, keys[i], keys[i]);
        assert_ptr_equal(former, i < 100 ? NULL : keys[i - 100]);
        if (former)
            memset(former, '?', 2);
    }
    for (size_t i = 100; i < 200; i++) {
        assert_ptr_equal(map_get(&m, keys[i]), keys[i]);
        if (i % 2)
            assert_ptr_equal(map_remove(&m, keys[i]), keys[i]);
    }
    assert_int_equal(m.len, 50);
    map_finish(&m);
    assert_true(m.lent);
}

static int64_t fill_us(char (*names)[16], size_t len)
{
    struct map m = {0};
    int64_t began = clock_us();

    for (size_t i = 0; i < len; i++)
        map_set(&m, names[i], &m);
    assert_int_equal(m.len, len);
    map_finish(&m);
    return clock_us() - began;
}

static uint32_t fnv_1a(const char *text)
{
    uint32_t hash = 2166136261u;

    for (; *text; text++)
        hash = (hash ^ (unsigned char)*text) * 16777619u;
    return hash;
}

/* Somebody chooses names that meet in one slot of a table whose hash is known to all. */
static void names_that_are_chosen_to_collide_do_not(void **state)
{
    enum { LEN = 1500, SLOT = 4095 };
    static char chosen[LEN][16], others[LEN][16];
    int64_t usual = INT64_MAX, long_ones = INT64_MAX;

    (void)state;
    for (size_t n = 0, i = 0; n < LEN; i++) {
        snprintf(chosen[n], sizeof(chosen[n]), "ci/%zx", i);
        n += (fnv_1a(chosen[n]) & SLOT) == SLOT;
    }
    for (size_t i = 0; i < LEN; i++)
        snprintf(others[i], sizeof(others[i]), "ci/%zx", i);
    for (int i = 0; i < 5; i++) {
        int64_t u = fill_us(others, LEN), l = fill_us(chosen, LEN);
        usual = u < usual ? u : usual;
        long_ones = l < long_ones ? l : long_ones;
    }
    assert_true(long_ones < 5 * usual + 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keys_may_be_lent),
        cmocka_unit_test(names_that_are_chosen_to_collide_do_not),
        cmocka_unit_test(is_empty_when_all_zero),
        cmocka_unit_test(copies_its_keys),
        cmocka_unit_test(does_as_an_array_does),
        cmocka_unit_test(may_lose_entries_while_it_is_walked),
        cmocka_unit_test(does_not_grow_by_what_is_gone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
