/* What stays of a text that is too large to be held. */
#include "golden.h"

#include "base/buf.h"
#include "base/json_sieve.h"
#include "base/mem.h"

static const struct json_keep keeps[] = {
    {{"type"}, 20, false},
    {{"object", "metadata", "name"}, 30, false},
    {{"object", "metadata", "finalizers"}, 30, false},
    {{"object", "metadata", "annotations", "ours/*"}, 20, false},
    {{"object", "status"}, 60, false},
};

/* Fed in pieces of this many bytes, the first being shorter; NULL: it was no object. */
static char *sieved(const char *text, size_t first, size_t piece, struct arena *a)
{
    struct json_sieve s;
    size_t len = strlen(text), at = first < len ? first : len;

    json_sieve_init(&s, keeps, ARRAY_LEN(keeps), 1000);
    json_sieve_feed(&s, text, at);
    for (; at < len; at += piece)
        json_sieve_feed(&s, text + at, piece < len - at ? piece : len - at);
    char *out = json_sieve_is_complete(&s) ? arena_strdup(a, s.out.data) : NULL;
    json_sieve_finish(&s);
    return out;
}

static const struct {
    const char *text, *stays; /* NULL: is no object */
} cases[] = {
    {"{}", "{}"},
    {"{\"type\":\"ADDED\"}", "{\"type\":\"ADDED\"}"},
    {" { \"x\" : [ 1 , {\"type\":2} ] , \"type\" : \"A\" , \"y\" : 2 } ", "{\"type\":\"A\" }"},
    {"{\"object\":{\"metadata\":{\"managedFields\":[{\"name\":\"no\"}],\"name\":\"a\"}},\"type\":\"B\"}",
     "{\"object\":{\"metadata\":{\"name\":\"a\"}},\"type\":\"B\"}"},
    {"{\"name\":1,\"metadata\":{\"name\":2},\"object\":{\"name\":3,\"metadata\":4}}", "{\"object\":{}}"},
    {"{\"object\":[{\"metadata\":{\"name\":1}}]}", "{}"},
    {"{\"object\":{\"metadata\":{\"finalizers\":[\"a\",\"b\\\"]\"],\"name\":\"\\\\\"}}}",
     "{\"object\":{\"metadata\":{\"finalizers\":[\"a\",\"b\\\"]\"],\"name\":\"\\\\\"}}}"},
    {"{\"object\":{\"metadata\":{\"annotations\":{\"theirs\":1,\"ours/a\":\"x\",\"ours/\":\"y\",\"our\":2}}}}",
     "{\"object\":{\"metadata\":{\"annotations\":{\"ours/a\":\"x\",\"ours/\":\"y\"}}}}"},
    {"{\"object\":{\"metadata\":{\"name\":\"0123456789012345678901234567890\",\"finalizers\":[]},\"status\":{\"a\":[{}]"
     "}}}",
     "{\"object\":{\"metadata\":{\"name\":0,\"finalizers\":[]},\"status\":{\"a\":[{}]}}}"},
    {"{\"type\":\"012345678901234567\",\"object\":{}}", "{\"type\":\"012345678901234567\",\"object\":{}}"},
    {"{\"type\":\"0123456789012345678\",\"object\":{}}", "{\"type\":0,\"object\":{}}"},
    {"{\"t\\u0079pe\":1,\"ty\\\"pe\":2,\"\":3,\"type\":null}", "{\"type\":null}"},
    {"{\"type\":1,\"type\":2}", "{\"type\":1,\"type\":2}"},
    {"{\"a\":{\"}\":\"{\",\"b\":[\"]\"]},\"type\":true}", "{\"type\":true}"},
    {"[{\"type\":1}]", NULL},
    {"7", NULL},
    {"\"type\"", NULL},
    {"", NULL},
    {"{\"type\":1", NULL},
    {"{\"a\":\"}", NULL},
    {"{\"object\":{\"metadata\":{}", NULL},
};

static void keeps_what_is_asked_for_however_it_is_cut(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        for (size_t first = 0; first <= strlen(cases[i].text); first++)
            for (size_t piece = 1; piece < 9; piece += 3) {
                struct arena a cleanup_arena = {0};
                const char *out = sieved(cases[i].text, first, piece, &a);
                if ((out == NULL) != (cases[i].stays == NULL) || (out && strcmp(out, cases[i].stays) != 0))
                    fail_msg("%s: %s instead of %s (%zu, %zu)", cases[i].text, out ? out : "none",
                             cases[i].stays ? cases[i].stays : "none", first, piece);
            }
}

/* Millions of bytes of whatever, before, between and behind what is kept. */
static void takes_no_memory_for_what_it_passes_over(void **state)
{
    static const struct {
        const char *before, *stuff, *behind;
    } specs[] = {{"\"", "<\\u003c", "\""}, {"[", "{},", "1]"}, {"[\"", "\\\\\\\"}]", "\"]"}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(specs); i++) {
        struct json_sieve s;
        json_sieve_init(&s, keeps, ARRAY_LEN(keeps), 1000);
        json_sieve_feed(&s, "{\"object\":{\"spec\":", 18);
        json_sieve_feed(&s, specs[i].before, strlen(specs[i].before));
        for (int n = 0; n < 300000; n++)
            json_sieve_feed(&s, specs[i].stuff, strlen(specs[i].stuff));
        json_sieve_feed(&s, specs[i].behind, strlen(specs[i].behind));
        json_sieve_feed(&s, ",\"metadata\":{\"name\":\"n\"}}}", 27);
        assert_true(json_sieve_is_complete(&s));
        assert_string_equal(s.out.data, "{\"object\":{\"metadata\":{\"name\":\"n\"}}}");
        assert_true(s.out.size <= 2048);
        json_sieve_finish(&s);
    }
}

/* The small text has a bound of its own. */
static void leaves_out_what_there_is_no_room_for(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_sieve s;
    struct err err = {0};

    (void)state;
    json_sieve_init(&s, keeps, ARRAY_LEN(keeps), 200);
    json_sieve_feed(&s, "{\"object\":{\"metadata\":{\"annotations\":{", 39);
    for (int i = 0; i < 1000; i++) {
        const char *member = arena_printf(&a, "\"ours/%d\":\"value\",", i);
        json_sieve_feed(&s, member, strlen(member));
    }
    json_sieve_feed(&s, "\"x\":1}}},\"type\":\"lost\"}", 24);
    assert_true(json_sieve_is_complete(&s));
    assert_true(s.out.len <= 208);
    struct json_object *kept = arena_json(&a, json_parse(s.out.data, s.out.len, &err));
    assert_string_equal(json_string(json_member(json_get(kept, "object.metadata.annotations"), "ours/0")), "value");
    json_sieve_finish(&s);
}

static unsigned chance(unsigned *seed, unsigned below)
{
    *seed = *seed * 1103515245u + 12345u;
    return (*seed >> 16) % below;
}

static struct json_object *any_value(unsigned *seed, int depth)
{
    static const char *const keys[] = {"type",   "object", "metadata", "name",  "finalizers", "annotations",
                                       "ours/a", "ours/b", "status",   "other", "}",          "\\\"{"};
    struct json_object *value;

    switch (chance(seed, depth > 5 ? 4 : 9)) {
    case 0:
        return json_build("%s", keys[chance(seed, ARRAY_LEN(keys))]);
    case 1:
        return json_build("%d", (int64_t)chance(seed, 1000));
    case 2:
        return json_build("%b", 1);
    case 3:
        return NULL;
    case 4:
        value = json_build("[]");
        for (unsigned n = chance(seed, 4); n > 0; n--)
            json_append(value, any_value(seed, depth + 1));
        return value;
    default:
        value = json_build("{}");
        for (unsigned n = chance(seed, 9); n > 0; n--)
            json_object_object_add(value, keys[chance(seed, ARRAY_LEN(keys))], any_value(seed, depth + 1));
        return value;
    }
}

static void assert_same_at(struct json_object *whole, struct json_object *small, const char *path)
{
    if (!json_same(json_get(whole, path), json_get(small, path)))
        fail_msg("%s of %s became that of %s", path, json_text(whole), json_text(small));
}

/* Whatever stands at a path is what stands there in the whole tree. */
static void finds_what_the_parser_finds(void **state)
{
    static const struct json_keep all[] = {
        {{"type"}, SIZE_MAX, false},
        {{"object", "metadata", "name"}, SIZE_MAX, false},
        {{"object", "metadata", "annotations", "ours/*"}, SIZE_MAX, false},
        {{"object", "status"}, SIZE_MAX, false},
        {{"status", "status", "status"}, SIZE_MAX, false},
    };
    unsigned seed = 7;

    (void)state;
    for (int i = 0; i < 3000; i++) {
        struct arena a cleanup_arena = {0};
        struct json_sieve s;
        struct err err = {0};
        struct json_object *whole = arena_json(&a, json_build("{}"));
        json_set(whole, chance(&seed, 2) ? "object" : "status", any_value(&seed, 0));
        json_set(whole, "type", any_value(&seed, 4));
        const char *text = json_text(whole);
        size_t len = strlen(text);
        json_sieve_init(&s, all, ARRAY_LEN(all), 1 << 20);
        for (size_t at = 0, n; at < len; at += n) {
            n = 1 + chance(&seed, 20);
            n = n < len - at ? n : len - at;
            json_sieve_feed(&s, text + at, n);
        }
        assert_true(json_sieve_is_complete(&s));
        struct json_object *small = arena_json(&a, json_parse_within(s.out.data, s.out.len, SIZE_MAX, &err));
        json_sieve_finish(&s);
        assert_int_equal(err.kind, ERR_NONE);
        assert_same_at(whole, small, "type");
        assert_same_at(whole, small, "object.metadata.name");
        assert_same_at(whole, small, "object.status");
        assert_same_at(whole, small, "status.status.status");
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Elements */

static void add_element(void *arg, const char *bytes, size_t len, bool end)
{
    buf_add(arg, bytes, len);
    if (end)
        buf_adds(arg, ";");
}

static void gives_the_elements_of_an_array(void **state)
{
    static const struct json_keep page[] = {{{"metadata"}, 50, false}, {{"items"}, 0, true}};
    static const struct {
        const char *text, *elements, *stays;
    } pages[] = {
        {"{\"items\":[],\"metadata\":{}}", "", "{\"items\":[],\"metadata\":{}}"},
        {"{\"metadata\":{\"a\":1}, \"items\" : [ 7 ,{\"a\":[1,\",\"]} , \"x]\",null ] }",
         "7 ;{\"a\":[1,\",\"]} ;\"x]\";null ;", "{\"metadata\":{\"a\":1},\"items\":[]}"},
        {"{\"items\":[{\"items\":[1,2]},[3]]}", "{\"items\":[1,2]};[3];", "{\"items\":[]}"},
        {"{\"items\":null,\"x\":{\"items\":[1]}}", "", "{\"items\":null}"},
        {"{\"items\":{\"a\":[1]}}", "", "{\"items\":0}"},
        {"{\"items\":\"[1]\"}", "", "{\"items\":0}"},
        {"{\"items\":[1,2", NULL, NULL},
        {"{\"items\":[1,}]}", NULL, NULL},
        {"{\"items\":[}", NULL, NULL},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++)
        for (size_t piece = 1; piece < 100; piece += piece < 9 ? 1 : 90) {
            struct json_sieve s;
            struct buf elements cleanup_buf = {0};
            size_t len = strlen(pages[i].text);
            buf_init(&elements, 1000);
            json_sieve_init(&s, page, ARRAY_LEN(page), 1000);
            s.element = add_element;
            s.arg = &elements;
            for (size_t at = 0; at < len; at += piece)
                json_sieve_feed(&s, pages[i].text + at, piece < len - at ? piece : len - at);
            assert_int_equal(json_sieve_is_complete(&s), pages[i].stays != NULL);
            if (pages[i].stays) {
                assert_string_equal(s.out.data, pages[i].stays);
                assert_string_equal(elements.data, pages[i].elements);
            }
            json_sieve_finish(&s);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(keeps_what_is_asked_for_however_it_is_cut),
        cmocka_unit_test(takes_no_memory_for_what_it_passes_over),
        cmocka_unit_test(leaves_out_what_there_is_no_room_for),
        cmocka_unit_test(finds_what_the_parser_finds),
        cmocka_unit_test(gives_the_elements_of_an_array),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
