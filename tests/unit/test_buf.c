/* Growable text with a maximum, its invariants looked at after every step. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/buf.h"
#include "base/mem.h"

static void assert_sane(const struct buf *b)
{
    assert_non_null(b->data);
    assert_true(b->len <= b->max);
    assert_true(b->size == 0 || b->size > b->len);
    assert_int_equal(b->data[b->len], '\0');
}

static void is_an_empty_text_at_first(void **state)
{
    struct buf b, zero = {0};

    (void)state;
    buf_init(&b, 10);
    assert_sane(&b);
    assert_string_equal(b.data, "");
    buf_clear(&b);
    buf_finish(&b);
    assert_sane(&b);
    buf_finish(&zero);
    assert_sane(&zero);
}

static void takes_exactly_its_maximum(void **state)
{
    struct buf b;

    (void)state;
    for (size_t max = 0; max < 300; max++) {
        buf_init(&b, max);
        for (size_t i = 0; i < max; i++)
            assert_true(buf_adds(&b, "x"));
        assert_false(b.full);
        assert_int_equal(b.len, max);
        assert_false(buf_adds(&b, "x"));
        assert_true(b.full);
        assert_int_equal(b.len, max);
        assert_sane(&b);
        buf_finish(&b);
    }
}

static void what_does_not_fit_changes_nothing_and_is_remembered(void **state)
{
    cleanup_buf struct buf b;

    (void)state;
    buf_init(&b, 8);
    assert_true(buf_adds(&b, "12345"));
    assert_false(buf_adds(&b, "6789"));
    assert_string_equal(b.data, "12345");
    assert_false(buf_adds(&b, "6")); /* would fit, but what comes after a gap makes no sense */
    assert_false(buf_addf(&b, "%d", 6));
    assert_string_equal(b.data, "12345");
    buf_clear(&b);
    assert_true(buf_adds(&b, "12345678"));
    assert_false(buf_addf(&b, "%d", 9));
    assert_sane(&b);
}

static void prints_up_to_its_maximum(void **state)
{
    cleanup_buf struct buf b;

    (void)state;
    buf_init(&b, 200);
    assert_true(buf_addf(&b, "%0100d", 1));
    assert_true(buf_addf(&b, "%0100d", 2));
    assert_int_equal(b.len, 200);
    assert_int_equal(b.data[199], '2');
    assert_false(buf_addf(&b, "%s", "x"));
    assert_sane(&b);
}

static void keeps_bytes_that_are_zero(void **state)
{
    cleanup_buf struct buf b;

    (void)state;
    buf_init(&b, 100);
    assert_true(buf_add(&b, "a\0b", 3));
    assert_true(buf_add(&b, NULL, 0));
    assert_int_equal(b.len, 3);
    assert_memory_equal(b.data, "a\0b", 4);
}

static void hands_out_its_text(void **state)
{
    struct buf b;

    (void)state;
    buf_init(&b, 100);
    buf_adds(&b, "mine");
    cleanup_free char *text = buf_detach(&b);
    cleanup_free char *nothing = buf_detach(&b);
    assert_string_equal(text, "mine");
    assert_string_equal(nothing, "");
    assert_sane(&b);
    assert_int_equal(b.max, 100);
    assert_true(buf_adds(&b, "next"));
    buf_finish(&b);
}

/* Thousands of appends and clears do to the buffer what they do to a plain array. */
static void does_as_a_plain_array_does(void **state)
{
    enum { MAX = 3000, STEPS = 20000 };
    static const char source[] = "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz";
    cleanup_buf struct buf b;
    char model[MAX + 1];
    size_t len = 0;

    (void)state;
    srand(1);
    buf_init(&b, MAX);
    for (int step = 0; step < STEPS; step++) {
        size_t n = (size_t)rand() % (sizeof(source) - 1);
        if (rand() % 400 == 0) {
            buf_clear(&b);
            len = 0;
        } else if (buf_add(&b, source, n)) {
            memcpy(model + len, source, n);
            len += n;
        } else {
            assert_true(b.full && len + n > MAX);
            buf_clear(&b);
            len = 0;
        }
        assert_sane(&b);
        assert_int_equal(b.len, len);
        assert_memory_equal(b.data, model, len);
    }
}

static void takes_the_rest_of_a_file(void **state)
{
    static const size_t sizes[] = {0, 1, 8191, 8192, 8193, 100000};
    FILE *file = tmpfile(), *folder = fopen("/", "re");
    struct buf b;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sizes); i++) {
        buf_init(&b, sizes[i]);
        rewind(file);
        for (size_t n = 0; n < sizes[i]; n++)
            fputc('x', file);
        rewind(file);
        assert_true(buf_add_file(&b, file));
        assert_int_equal(b.len, sizes[i]);
        rewind(file);
        assert_int_equal(buf_add_file(&b, file), sizes[i] == 0); /* there is no room for it again */
        assert_int_equal(b.full, sizes[i] > 0);
        assert_sane(&b);
        buf_finish(&b);
    }
    buf_init(&b, 10);
    assert_false(buf_add_file(&b, folder));
    assert_false(b.full);
    fclose(folder);
    fclose(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(is_an_empty_text_at_first),
        cmocka_unit_test(takes_exactly_its_maximum),
        cmocka_unit_test(what_does_not_fit_changes_nothing_and_is_remembered),
        cmocka_unit_test(prints_up_to_its_maximum),
        cmocka_unit_test(keeps_bytes_that_are_zero),
        cmocka_unit_test(hands_out_its_text),
        cmocka_unit_test(does_as_a_plain_array_does),
        cmocka_unit_test(takes_the_rest_of_a_file),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
