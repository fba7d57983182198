/* json-c with paths. */
#include "golden.h"

#include "base/buf.h"
#include "base/mem.h"

static struct json_object *parse(const char *text, struct arena *a)
{
    struct err err = {0};
    struct json_object *value = json_parse(text, strlen(text), &err);

    if (err.kind != ERR_NONE)
        fail_msg("%s: %s", text, err.text);
    return arena_json(a, value);
}

static void reads_every_kind_of_value(void **state)
{
    static const char *const texts[] = {
        "{}",  "[]",     "{\"a\":[1,{\"b\":null}]}", "\"text\"", "0", "12", "-3", "true", "false",
        "1.5", "[[[]]]", " {\"a\":1} \r\n\t"};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        assert_non_null(parse(texts[i], &a));
    assert_null(parse("null", &a)); /* which is a value, and no error */
}

static void refuses_what_is_not_one_value(void **state)
{
    static const char *const texts[] = {
        "",
        "  ",
        "{",
        "{\"a\"",
        "{\"a\":}",
        "[1,",
        "\"text",
        "tru",
        "nul",
        "{}{",
        "{} {}",
        "1 2",
        "<html></html>",
        "{\"a\":1,,}",
        "}",
        "502 Bad Gateway",
        "\xff\xfe",
        "-",
        "[1,]",
        "{\"a\":1,}",
        "['a']",
        "[True]",
        "[NULL]",
        "[01]",
        "[1e]",
        "/* */ {}",
        "[1] // more",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct err err = {0};
        struct json_object *value = json_parse(texts[i], strlen(texts[i]), &err);
        if (value || err.kind != ERR_INVALID)
            fail_msg("\"%s\" was read", texts[i]);
        assert_string_equal(err.reason, "InvalidJSON");
    }
}

/* The length counts, not a NUL. */
/* json-c takes some of them, and would write NaN again. */
static void refuses_words_that_json_does_not_have(void **state)
{
    static const char *const odd[] = {"NaN", "Infinity", "-Infinity", "01",  "-01", "1.",   ".5",  "-",
                                      "-.5", "+1",       "1e",        "1e+", "0x1", "True", "1.e1"},
                             *const good[] = {"0",   "-0",   "10",    "0.5",  "-1.25e-3", "1E+2",
                                              "0e0", "true", "false", "null", "\"NaN\"",  "\"\\\" 01 \\\\\""};
    struct err err;
    char text[80];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(odd); i++) {
        assert_int_equal(json_odd_word(odd[i], strlen(odd[i])), 0);
        assert_null(json_parse(odd[i], strlen(odd[i]), &err));
        snprintf(text, sizeof(text), "{\"a\\\\\":[\"\",1, %s ]}", odd[i]);
        assert_null(json_parse(text, strlen(text), &err));
    }
    assert_int_equal(json_odd_word("[\"1.\",NaN]", 10), 6);
    for (size_t i = 0; i < ARRAY_LEN(good); i++) {
        snprintf(text, sizeof(text), "{\"a\\\\\":[%s,1, %s]}", good[i], good[i]);
        cleanup_json struct json_object *value = json_parse(text, strlen(text), &err);
        assert_non_null(value);
    }
}

static void reads_no_further_than_the_length(void **state)
{
    struct err err = {0};
    cleanup_json struct json_object *value = json_parse("[1]garbage", 3, &err);

    (void)state;
    assert_int_equal(json_len(value), 1);
    assert_null(json_parse("{}\0{}", 5, &err));
    assert_int_equal(err.kind, ERR_INVALID);
}

static void shows_a_string_without_the_rest(void **state)
{
    static const char text[] =
        "{\"x\": [\"}\", {\"a\": 1}, \"\\\"]\"], \"y\":-1.5,\"a\" : {\"b\":{}, \"c\":\"found\"}, \"d\":7, "
        "\"e\":\"\\n\", \"f\\\\\":\"\\\\\\\"\", \"f\":\"\", and so on";
    static const struct {
        const char *path, *expected; /* NULL: not to be seen */
    } cases[] = {
        {"a.c", "found"}, {"f", ""},     {"a", NULL}, {"a.b", NULL}, {"a.b.c", NULL}, {"a.d", NULL},
        {"d", NULL},      {"d.x", NULL}, {"e", NULL}, {"g", NULL},   {"x.a", NULL},
    };
    char ret[6];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        bool seen = json_peek(text, strlen(text), cases[i].path, ret, sizeof(ret));
        if (seen != (cases[i].expected != NULL) || (seen && strcmp(ret, cases[i].expected) != 0))
            fail_msg("%s: %s", cases[i].path, seen ? ret : "not seen");
    }
    assert_false(json_peek(text, strlen(text), "a.c", ret, 5)); /* one byte short */
}

static void shows_the_text_of_a_value(void **state)
{
    static const char text[] =
        "{\"x\": [\"}\", {\"a\": 1}, \"\\\"]\"], \"y\":-1.5,\"a\" : {\"b\":{}, \"c\":\"]\"}}, cut";
    static const struct {
        const char *path, *expected; /* NULL: not to be seen */
    } cases[] = {
        {"x", "[\"}\", {\"a\": 1}, \"\\\"]\"]"},
        {"y", "-1.5"},
        {"a.b", "{}"},
        {"a", "{\"b\":{}, \"c\":\"]\"}"},
        {"a.c", "\"]\""},
        {"b", NULL},
        {"a.b.c", NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *ret, *expected = cases[i].expected;
        size_t len;
        bool seen = json_peek_value(text, strlen(text), cases[i].path, &ret, &len);
        while (seen && *ret == ' ')
            ret++, len--;
        if (seen != (expected != NULL) || (seen && (len != strlen(expected) || memcmp(ret, expected, len) != 0)))
            fail_msg("%s: %.*s", cases[i].path, seen ? (int)len : 8, seen ? ret : "not seen");
    }
}

static void shows_an_integer(void **state)
{
    static const struct {
        const char *text;
        int64_t expected;
    } cases[] = {
        {"{\"a\":{\"b\":7}}", 7},
        {"{\"a\":{\"b\": -70,\"c\":1}}", -70},
        {"{\"a\":{\"b\":999999999999999999}}", 999999999999999999},
        {"{\"a\":{\"b\":-999999999999999999}}", -999999999999999999},
        {"{\"a\":{\"b\":9999999999999999999}}", 1},
        {"{\"a\":{\"b\":-9999999999999999999}}", 1},
        {"{\"a\":{\"b\":99999999999999999999}}", 1},
        {"{\"a\":{\"b\":7.5}}", 1},
        {"{\"a\":{\"b\":\"7\"}}", 1},
        {"{\"a\":{\"b\":}}", 1},
        {"{\"a\":{\"b\":7", 1},
        {"{\"a\":7}", 1},
        {"", 1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        if (json_peek_int(cases[i].text, strlen(cases[i].text), "a.b", 1) != cases[i].expected)
            fail_msg("%s", cases[i].text);
}

static void shows_the_elements_of_an_array(void **state)
{
    static const char text[] = " [ 1 ,\"]\",{\"a\":[2,{}]} , [3] ] , 4";
    static const char *const expected[] = {" 1 ", "\"]\"", "{\"a\":[2,{}]} ", " [3] "};
    const char *at = text, *ret;
    size_t len, i = 0;

    (void)state;
    for (; json_peek_element(&at, text + strlen(" [ 1 ,\"]\",{\"a\":[2,{}]} , [3] ]"), &ret, &len); i++)
        assert_true(i < ARRAY_LEN(expected) && len == strlen(expected[i]) && memcmp(ret, expected[i], len) == 0);
    assert_int_equal(i, ARRAY_LEN(expected));
    at = "{\"a\":1}";
    assert_false(json_peek_element(&at, at + strlen(at), &ret, &len));
}

/* Wherever the text ends. */
static void shows_nothing_of_a_part(void **state)
{
    static const char text[] = "{\"a\":[{\"b\":\"\\\"\"}],\"c\":{\"d\":\"e\"";
    const char *value;
    size_t value_len;
    char ret[8];

    (void)state;
    for (size_t len = 0; len < strlen(text); len++) {
        char *exact = memcpy(mem_alloc(len), text, len); /* for ASan */
        assert_false(json_peek(exact, len, "c.d", ret, sizeof(ret)));
        assert_false(json_peek_value(exact, len, "c", &value, &value_len));
        free(exact);
    }
    assert_true(json_peek(text, strlen(text), "c.d", ret, sizeof(ret)));
}

static void refuses_what_is_too_deep(void **state)
{
    (void)state;
    for (int depth = 1; depth < 40; depth++) {
        char text[100] = "";
        struct err err = {0};
        for (int i = 0; i < depth; i++)
            strcat(text, "[");
        for (int i = 0; i < depth; i++)
            strcat(text, "]");
        cleanup_json struct json_object *value = json_parse(text, strlen(text), &err);
        assert_int_equal(value != NULL, depth <= JSON_DEPTH_MAX);
        assert_int_equal(err.kind == ERR_NONE, depth <= JSON_DEPTH_MAX);
    }
}

/* What the API server takes is deeper than what we read: the rest of the object is read all the same. */
static void cuts_what_is_too_deep(void **state)
{
    static const char *const kinds[][2] = {{"[", "]"}, {"{\"a]\\\"[\":", "}"}, {"[0,[],", ",[[]],1]"}};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t k = 0; k < ARRAY_LEN(kinds); k++)
        for (int depth = 1; depth < 3000; depth += depth < 40 ? 1 : 991) {
            struct err err = {0};
            struct buf text cleanup_buf = {0};
            buf_init(&text, 1 << 20);
            buf_adds(&text, "{\"before\":1,\"deep\":");
            for (int i = 0; i < depth; i++)
                buf_adds(&text, kinds[k][0]);
            buf_adds(&text, "7");
            for (int i = 0; i < depth; i++)
                buf_adds(&text, kinds[k][1]);
            buf_adds(&text, ",\"after\":{\"x\":[2]}}");
            struct json_object *value = arena_json(&a, json_parse_cut(text.data, text.len, SIZE_MAX, &err));
            assert_int_equal(err.kind, ERR_NONE);
            assert_int_equal(json_int_or(value, "before", 0), 1);
            assert_int_equal(json_len(json_get(value, "after.x")), 1);
            assert_non_null(json_get(value, "deep"));
        }
}

static void cuts_nothing_else(void **state)
{
    static const char *const broken[] = {"", "{", "{\"a\":}", "[[[[", "]]]]", "{\"a\":\"\\", "nul"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        struct err err = {0}, same = {0};
        assert_null(json_parse_cut(broken[i], strlen(broken[i]), SIZE_MAX, &err));
        assert_null(json_parse(broken[i], strlen(broken[i]), &same));
        assert_string_equal(err.text, same.text);
    }
}

static const char world[] =
    "{\"text\":\"t\",\"empty\":\"\",\"number\":7,\"zero\":0,\"yes\":true,\"no\":false,\"null\":null,"
    "\"a.b\":\"dotted\",\"in\":{\"text\":\"inner\",\"list\":[\"x\",2,null]}}";

static void finds_by_path(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *o = parse(world, &a);

    (void)state;
    assert_string_equal(json_str(o, "text"), "t");
    assert_string_equal(json_str(o, "empty"), "");
    assert_string_equal(json_str(o, "in.text"), "inner");
    assert_int_equal(json_int_or(o, "number", 1), 7);
    assert_int_equal(json_int_or(o, "zero", 1), 0);
    assert_true(json_bool_or(o, "yes", false));
    assert_false(json_bool_or(o, "no", true));
    assert_int_equal(json_len(json_get(o, "in.list")), 3);
    assert_string_equal(json_string(json_at(json_get(o, "in.list"), 0)), "x");
    assert_string_equal(json_string(json_member(o, "a.b")), "dotted");
}

/* Absent, null or of another type: the default. */
static void gives_the_default_for_anything_else(void **state)
{
    static const char *const not_text[] = {"number", "zero",   "yes",         "null", "in", "in.list",
                                           "absent", "text.x", "in.absent.x", "a.b",  ""};
    struct arena a cleanup_arena = {0};
    struct json_object *o = parse(world, &a);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(not_text); i++) {
        assert_null(json_str(o, not_text[i]));
        assert_string_equal(json_str_or(o, not_text[i], "d"), "d");
    }
    assert_int_equal(json_int_or(o, "text", 5), 5);
    assert_int_equal(json_int_or(o, "yes", 5), 5);
    assert_int_equal(json_int_or(NULL, "x", 5), 5);
    assert_true(json_bool_or(o, "number", true));
    assert_true(json_bool_or(o, "null", true));
    assert_null(json_get(NULL, "a.b"));
    assert_null(json_str(NULL, "a"));
    assert_null(json_member(json_get(o, "text"), "x"));
    assert_int_equal(json_len(o), 0);
    assert_int_equal(json_len(NULL), 0);
    assert_null(json_at(json_get(o, "in.list"), 3));
    assert_null(json_at(NULL, 0));
    assert_string_equal(json_string(NULL), "");
    assert_string_equal(json_string(json_get(o, "number")), "");
}

static void sets_by_path(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *o = arena_json(&a, json_build("{a: {kept: 1}}"));

    (void)state;
    json_set_str(o, "a.b.c", "text");
    json_set_str(o, "a.left.out", NULL);
    json_set_int(o, "number", INT64_MIN);
    json_set_bool(o, "a.flag", true);
    json_set(o, "nothing", NULL);
    json_set_str(o, "a.b.c", "replaced");
    json_put_member(json_get(o, "a"), "x.y/z", "whole key");
    json_put_member(o, "left out", NULL);
    json_set(o, "list", json_build("[]"));
    json_append(json_get(o, "list"), json_build("[2]"));
    assert_string_equal(json_text(o),
                        "{\"a\":{\"kept\":1,\"b\":{\"c\":\"replaced\"},\"flag\":true,\"x.y/z\":\"whole key\"},"
                        "\"number\":-9223372036854775808,\"nothing\":null,\"list\":[[2]]}");
}

static bool has_n(void *arg, struct json_object *element)
{
    (void)arg;
    return json_int_or(element, "n", 0);
}

static void leaves_out_what_is_not_wanted(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *list = parse("[{\"n\":1},\"x\",{\"n\":2},{\"m\":3}]", &a);
    struct json_object *rest = arena_json(&a, json_without(list, has_n, NULL));

    (void)state;
    assert_string_equal(json_text(rest), "[\"x\",{\"m\":3}]");
    assert_int_equal(json_len(list), 4);
    assert_null(json_without(rest, has_n, NULL));
    assert_null(json_without(NULL, has_n, NULL));
    assert_string_equal(json_text(arena_json(&a, json_without(parse("[{\"n\":1}]", &a), has_n, NULL))), "[]");
}

static void copies_share_nothing_references_do(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *o = parse("{\"in\":{\"x\":1}}", &a);
    struct json_object *copy = arena_json(&a, json_copy(o)), *same = arena_json(&a, json_ref(o));

    (void)state;
    json_set_int(o, "in.x", 2);
    assert_int_equal(json_int_or(copy, "in.x", 0), 1);
    assert_int_equal(json_int_or(same, "in.x", 0), 2);
    assert_null(json_copy(NULL));
    assert_null(json_ref(NULL));
}

static void prints_as_json_c_does(void **state)
{
    static const char *const texts[] = {
        "[]",
        "{}",
        "[null,true,false,-1,0,-9223372036854775808,9223372036854775807,18446744073709551615,2.5,\"\",[[]],{}]",
        "{\"a/b\":\"c/d\",\"\":{\"e\":[1,\"f\"]}}",
        "[\"1234567\",\"12345678\",\"123456789\",\"\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\xc3\xa9\",\"\x7f !#[]\"]",
        "[\"a\\\"b\",\"12345678\\\\\",\"\\u001f\",\"1234567\\n\",\"\\u0000\",{\"\\t\":1}]",
        "7",
        "\"a/\\nb\"",
        "2.50",
    };
    const int plain = JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE;
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        struct json_object *o = parse(texts[i], &a), *same = parse(texts[i], &a);
        assert_string_equal(json_text(o), json_object_to_json_string_ext(same, plain));
        assert_string_equal(json_object_to_json_string_ext(o, plain), json_text(o));
    }
    assert_string_equal(json_text(NULL), "null");
}

static void prints_texts_of_any_length(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *list = arena_json(&a, json_build("[]"));

    (void)state;
    for (int len = 0; len < 2000; len++)
        json_append(list, json_build("%s", arena_printf(&a, "%0*d", len, 0)));
    const char *text = json_text(list);
    assert_int_equal(strlen(text), 1999 * 2000 / 2 + 1 + 3 * 2000 + 1);
    assert_true(json_same(parse(text, &a), list));
}

static void prints_objects_of_any_length_sorted(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *object = arena_json(&a, json_build("{}"));

    (void)state;
    for (int len = 0; len < 100; len++) {
        assert_string_equal(json_text_sorted(object), json_text(arena_json(&a, json_sorted(object))));
        json_put_member(object, arena_printf(&a, "%d", len * 37 % 100), "x");
    }
}

static void finds_each_of_however_many(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *object = arena_json(&a, json_build("{}"));

    (void)state;
    for (int len = 0; len < 40; len++) {
        assert_null(json_member(object, arena_printf(&a, "%d", len)));
        assert_null(json_member(object, ""));
        json_set_int(object, arena_printf(&a, "%d", len), len);
        for (int i = 0; i <= len; i++)
            assert_int_equal(json_int_or(object, arena_printf(&a, "%d", i), -1), i);
        json_remove(object, "7");
        assert_null(json_member(object, "7"));
        if (len >= 7)
            json_set_int(object, "7", 7);
    }
    json_object_object_add(object, "", NULL);
    assert_null(json_member(object, ""));
}

/* The order of keys is how it was written, and no part of what it says. */
static void sorts_keys_at_every_depth(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *one = parse("{\"b\":[{\"z\":1,\"y\":{\"q\":null,\"p\":[2,1]}}],\"a\":\"/\"}", &a);
    struct json_object *other = parse("{\"a\":\"/\",\"b\":[{\"y\":{\"p\":[2,1],\"q\":null},\"z\":1}]}", &a);
    struct json_object *sorted = arena_json(&a, json_sorted(one));

    (void)state;
    assert_string_equal(json_text(sorted), "{\"a\":\"/\",\"b\":[{\"y\":{\"p\":[2,1],\"q\":null},\"z\":1}]}");
    assert_string_equal(json_text(arena_json(&a, json_sorted(other))), json_text(sorted));
    assert_string_equal(json_text_sorted(one), json_text(sorted));
    assert_string_equal(json_text(one), "{\"b\":[{\"z\":1,\"y\":{\"q\":null,\"p\":[2,1]}}],\"a\":\"/\"}");
    assert_true(json_same(one, other));
    assert_true(json_same(one, sorted));
    assert_null(json_sorted(NULL));
}

static void tells_different_content(void **state)
{
    static const char *const texts[] = {"null",
                                        "0",
                                        "1",
                                        "1.5",
                                        "\"\"",
                                        "\"1\"",
                                        "true",
                                        "false",
                                        "[]",
                                        "[1,2]",
                                        "[2,1]",
                                        "{}",
                                        "{\"a\":1}",
                                        "{\"a\":null}",
                                        "{\"b\":1}",
                                        "[[]]",
                                        "{\"a\":1,\"b\":2}"};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++)
        for (size_t n = 0; n < ARRAY_LEN(texts); n++)
            if (json_same(parse(texts[i], &a), parse(texts[n], &a)) != (i == n))
                fail_msg("%s and %s", texts[i], texts[n]);
}

static void walks_over_members_in_order(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *o = parse("{\"b\":1,\"a\":null,\"c\":\"x\"}", &a);
    const char *keys = "";

    (void)state;
    json_each (it, o) {
        assert_ptr_equal(it.value, json_member(o, it.key));
        keys = arena_printf(&a, "%s%s", keys, it.key);
    }
    assert_string_equal(keys, "bac");
    json_each (it, parse("{}", &a))
        fail_msg("%s", it.key);
    json_each (it, parse("[1]", &a))
        fail_msg("%s", it.key);
    json_each (it, NULL)
        fail_msg("%s", it.key);
}

/* As where a list of objects holds numbers: whoever writes an object may write that. */
static void sets_nothing_in_what_is_no_object(void **state)
{
    static const char *const texts[] = {"1", "\"a\"", "[2]", "true", "{\"a\":1}", "{\"a\":[{}]}"};
    struct err err;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        cleanup_json struct json_object *o = json_parse(texts[i], strlen(texts[i]), &err);
        json_set(o, "a.b.c", json_build("{x: 1}"));
        json_set_str(o, "a.b", "text");
        assert_string_equal(json_text(o), texts[i]);
    }
    json_set_str(NULL, "a", "text");
    json_put_member(NULL, "a", "text");
}

/* Keys of the user's come into paths, so a part may be of any length. */
static void a_part_that_is_too_long_leads_to_nothing(void **state)
{
    cleanup_json struct json_object *o = json_build("{a: {b: %d}}", (int64_t)1);
    char path[200] = "a.", most[130] = "a.";

    (void)state;
    memset(path + 2, 'x', sizeof(path) - 3);
    memset(most + 2, 'x', 127);
    assert_null(json_get(o, path));
    assert_null(json_get(o, path + 2));
    json_set_int(o, path, 1);
    assert_false(json_remove(o, path));
    assert_string_equal(json_text(o), "{\"a\":{\"b\":1}}");
    json_set_int(o, most, 2);
    assert_int_equal(json_int_or(o, most, 0), 2);
    assert_true(json_remove(o, most));
    assert_string_equal(json_text(o), "{\"a\":{\"b\":1}}");
}

static void removes_by_path(void **state)
{
    cleanup_json struct json_object *o = json_build("{a: {b: {c: %d}}, d: 'text'}", (int64_t)1);

    (void)state;
    json_set(o, "a.null", NULL);
    assert_true(json_remove(o, "a.b.c"));
    assert_true(json_remove(o, "a.null"));
    assert_true(json_remove(o, "d"));
    assert_false(json_remove(o, "d"));
    assert_false(json_remove(o, "a.b.c.e"));
    assert_false(json_remove(o, "x.y"));
    assert_false(json_remove(NULL, "a"));
    assert_string_equal(json_text(o), "{\"a\":{\"b\":{}}}");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sets_nothing_in_what_is_no_object),
        cmocka_unit_test(reads_every_kind_of_value),
        cmocka_unit_test(refuses_what_is_not_one_value),
        cmocka_unit_test(refuses_words_that_json_does_not_have),
        cmocka_unit_test(reads_no_further_than_the_length),
        cmocka_unit_test(shows_a_string_without_the_rest),
        cmocka_unit_test(shows_the_text_of_a_value),
        cmocka_unit_test(shows_an_integer),
        cmocka_unit_test(shows_the_elements_of_an_array),
        cmocka_unit_test(shows_nothing_of_a_part),
        cmocka_unit_test(refuses_what_is_too_deep),
        cmocka_unit_test(cuts_what_is_too_deep),
        cmocka_unit_test(cuts_nothing_else),
        cmocka_unit_test(finds_by_path),
        cmocka_unit_test(gives_the_default_for_anything_else),
        cmocka_unit_test(sets_by_path),
        cmocka_unit_test(a_part_that_is_too_long_leads_to_nothing),
        cmocka_unit_test(removes_by_path),
        cmocka_unit_test(leaves_out_what_is_not_wanted),
        cmocka_unit_test(copies_share_nothing_references_do),
        cmocka_unit_test(prints_as_json_c_does),
        cmocka_unit_test(prints_texts_of_any_length),
        cmocka_unit_test(prints_objects_of_any_length_sorted),
        cmocka_unit_test(finds_each_of_however_many),
        cmocka_unit_test(sorts_keys_at_every_depth),
        cmocka_unit_test(tells_different_content),
        cmocka_unit_test(walks_over_members_in_order),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
