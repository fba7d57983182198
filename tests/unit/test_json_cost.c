/* What a tree is said to take, against what it takes of the heap. */
#include "golden.h"

#include <malloc.h>

#include "base/buf.h"
#include "base/mem.h"

#ifdef __SANITIZE_ADDRESS__
size_t __sanitizer_get_current_allocated_bytes(void);

static size_t heap(void)
{
    return __sanitizer_get_current_allocated_bytes();
}
#else
static size_t heap(void)
{
    struct mallinfo2 info = mallinfo2();

    return info.uordblks + info.hblkhd;
}
#endif

enum { NOISE = 4096 }; /* what the heap keeps at hand counts as taken */

/* The parser's own memory is there before anything is measured, and after it. */
static void warm_up(void)
{
    enum { LEN = 60000 };
    struct err err;
    char text[LEN];

    memset(text, 'x', LEN);
    text[0] = text[LEN - 1] = '"';
    json_object_put(json_parse(text, LEN, &err));
}

/* The tree of a text: what it takes, and what was said. */
static void weigh(const char *text, size_t len)
{
    struct err err = {0};

    warm_up();
    size_t said = json_cost(text, len), before = heap();
    struct json_object *tree = json_parse_within(text, len, SIZE_MAX, &err);
    warm_up();
    size_t after = heap(), taken = after > before ? after - before : 0;

    if (err.kind != ERR_NONE)
        fail_msg("%s: %.80s", err.text, text);
    json_object_put(tree);
    assert_true(said <= len * JSON_COST_PER_BYTE);
    if (!before) /* another allocator than libc's, such as valgrind's, which tells libc nothing */
        return;
    if (said + NOISE < taken)
        fail_msg("%zu are said, %zu taken: %.200s", said, taken, text);
#ifndef __SANITIZE_ADDRESS__ /* which counts what was asked for, without the heap's own */
    if (said > 4 * (taken + NOISE))
        fail_msg("%zu are said, only %zu taken: %.200s", said, taken, text);
#endif
}

/* A small one many times over, so that noise is none. */
static void assert_weighed(const char *text, size_t len)
{
    size_t times = len < 4096 ? 8192 / (len + 1) + 1 : 1;
    struct buf many cleanup_buf = {0};

    buf_init(&many, 8 << 20);
    buf_adds(&many, "[");
    for (size_t i = 0; i < times; i++) {
        buf_adds(&many, i ? "," : "");
        buf_add(&many, text, len);
    }
    buf_adds(&many, "]");
    weigh(many.data, many.len);
}

/* n elements or members of one kind. */
static void add_many(struct buf *out, const char *value, int n, bool keyed)
{
    buf_adds(out, keyed ? "{" : "[");
    for (int i = 0; i < n; i++) {
        buf_adds(out, i ? "," : "");
        if (keyed)
            buf_addf(out, "\"%d\":", i);
        buf_adds(out, value);
    }
    buf_adds(out, keyed ? "}" : "]");
}

static void weighs_many_of_each_kind(void **state)
{
    static const char *const values[] = {
        "{}",        "[]",         "1",       "-12345678901234567890",
        "1.5",       "1e5",        "true",    "false",
        "null",      "\"\"",       "\"abc\"", "\"0123456789012345678901234567890123456789\"",
        "{\"a\":1}", "[[[[{}]]]]", "[1]",     "{\"a\":{\"b\":{\"c\":[null]}}}"};
    struct buf text cleanup_buf = {0};

    (void)state;
    buf_init(&text, 4 << 20);
    for (size_t i = 0; i < ARRAY_LEN(values); i++)
        for (int n = 0; n < 3000; n += n < 40 ? 1 : n < 100 ? 7 : 577) {
            buf_clear(&text);
            add_many(&text, values[i], n, false);
            assert_weighed(text.data, text.len);
            buf_clear(&text);
            add_many(&text, values[i], n, true);
            assert_weighed(text.data, text.len);
        }
}

/* One string; escapes stand for fewer bytes than they have. */
static void weighs_long_strings(void **state)
{
    static const char *const parts[] = {"x",       "\\n",     "\\\\",           "\\\"",
                                        "\\u003c", "\\u20ac", "\\ud83d\\udc33", "\xe2\x82\xac"};
    struct buf text cleanup_buf = {0};

    (void)state;
    buf_init(&text, 1 << 20);
    for (size_t i = 0; i < ARRAY_LEN(parts); i++)
        for (int n = 1; n <= 4096; n *= 4) {
            buf_clear(&text);
            buf_adds(&text, "\"");
            for (int k = 0; k < n; k++)
                buf_adds(&text, parts[i]);
            buf_adds(&text, "\"");
            assert_weighed(text.data, text.len);
        }
}

static unsigned chance(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

static void add_value(struct buf *out, unsigned *seed, int depth)
{
    unsigned kind = chance(seed, depth < 12 ? 9 : 7), n = chance(seed, 10) ? chance(seed, 6) : chance(seed, 60);
    static const char *const scalars[] = {"null", "true", "7", "1.25", "\"\"", "\"a \\\"text\\\\\"", "\"{[:,\""};

    if (kind < 7) {
        buf_adds(out, scalars[kind]);
        return;
    }
    buf_adds(out, kind == 7 ? "[" : "{ ");
    for (unsigned i = 0; i < n; i++) {
        buf_adds(out, i ? " ,\n" : "");
        if (kind == 8)
            buf_addf(out, "\"%.*s%u\" : ", (int)chance(seed, 20), "some-long-name-of-a-key", i);
        add_value(out, seed, depth + 1);
    }
    buf_adds(out, kind == 7 ? "]" : "}");
}

static void weighs_whatever_may_come(void **state)
{
    unsigned seed = 1;
    struct buf text cleanup_buf = {0};

    (void)state;
    buf_init(&text, 1 << 20);
    for (int i = 0; i < 1500; i++) {
        buf_clear(&text);
        buf_adds(&text, "[");
        add_value(&text, &seed, 0);
        buf_adds(&text, "]");
        if (!text.full)
            assert_weighed(text.data, text.len);
    }
}

/* What is cut off costs nothing; and no text, however wrong, is read beyond its end. */
static void weighs_what_is_no_json(void **state)
{
    static const char *const texts[] = {"",    "]]]]", "{{{{",     "\"",  "\"\\", "\"\\u1",
                                        ":::", ",,,",  "\x01\x02", "nul", "}{"};
    struct buf deep cleanup_buf = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        size_t len = strlen(texts[i]);
        char *exact = mem_alloc(len + 1);
        memcpy(exact, texts[i], len);
        char *tight = realloc(exact, len ? len : 1);
        assert_true(json_cost(tight, len) < 5000);
        free(tight);
    }
    assert_true(json_cost("\0\0{}", 4) >= 800);
    buf_init(&deep, 1 << 20);
    for (int i = 0; i < 9000; i++)
        buf_adds(&deep, "{\"a\":");
    assert_in_range(json_cost(deep.data, deep.len), 32 * 800, 33 * 1200);
}

static void refuses_what_costs_too_much(void **state)
{
    struct err err = {0};
    struct buf text cleanup_buf = {0};

    (void)state;
    buf_init(&text, 4 << 20);
    add_many(&text, "{}", 430 * 1000, false);
    size_t before = heap();
    assert_null(json_parse(text.data, text.len, &err));
    assert_null(json_parse_cut(text.data, text.len, JSON_COST_MAX, &err));
    assert_true(heap() - before < 100000);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.reason, "TooLarge");
    assert_string_equal(err.text, "1290001 bytes of JSON would take 359453 KiB of memory; at most 4096 KiB may be");
    buf_clear(&text);
    add_many(&text, "{}", 20, false);
    assert_null(json_parse_within(text.data, text.len, 10000, &err));
    cleanup_json struct json_object *some = json_parse_within(text.data, text.len, 20000, &err);
    assert_int_equal(json_len(some), 20);
}

/* A long string leaves nothing behind in the parser. */
static void keeps_no_room_for_long_texts(void **state)
{
    struct err err = {0};
    size_t len = 3 << 20, before = heap();
    char *text = mem_alloc(len + 1);

    (void)state;
    memset(text, 'x', len);
    text[0] = text[len - 1] = '"';
    json_object_put(json_parse(text, len, &err));
    free(text);
    assert_int_equal(err.kind, ERR_NONE);
    assert_true(heap() - before < 10000 || heap() < before);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weighs_many_of_each_kind),    cmocka_unit_test(weighs_long_strings),
        cmocka_unit_test(weighs_whatever_may_come),    cmocka_unit_test(weighs_what_is_no_json),
        cmocka_unit_test(refuses_what_costs_too_much), cmocka_unit_test(keeps_no_room_for_long_texts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
