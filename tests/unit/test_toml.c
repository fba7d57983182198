/* The TOML writer: each tests/data/toml/NAME.json becomes NAME.toml, which reads back as the same values. */
#include "golden.h"

#include "base/mem.h"
#include "runner/toml.h"

static void writes_each_case_as_kept(void **state)
{
    static const char *const names[] = {"values", "strings", "keys", "tables", "breakout"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        struct arena a cleanup_arena = {0};
        struct json_object *tree = read_json(arena_printf(&a, DATA "toml/%s.json", names[i]), &a);
        assert_golden(arena_printf(&a, DATA "toml/%s.toml", names[i]), toml_text(tree, &a));
    }
}

static const char *text_of(const char *value, struct arena *a)
{
    return toml_text(arena_json(a, json_build("{k: %s}", value)), a);
}

/* A file that is not UTF-8 would be refused as a whole by gitlab-runner. */
static void replaces_what_is_not_utf8(void **state)
{
    static const struct {
        const char *bytes, *toml;
    } cases[] = {
        {"a\xff"
         "b",
         "k = \"a\xef\xbf\xbd"
         "b\"\n"},
        {"\xc0\xaf", "k = \"\xef\xbf\xbd\xef\xbf\xbd\"\n"},                 /* an overlong slash          */
        {"\xed\xa0\x80", "k = \"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"}, /* a surrogate                */
        {"\xf4\x90\x80\x80", "k = \"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"\n"}, /* above U+10FFFF */
        {"\xe2\x82", "k = \"\xef\xbf\xbd\xef\xbf\xbd\"\n"},       /* cut before its end         */
        {"\xe2\x82\"", "k = \"\xef\xbf\xbd\xef\xbf\xbd\\\"\"\n"}, /* cannot swallow the quote   */
        {"\xf0\x9f\x90\xb3", "k = \"\xf0\x9f\x90\xb3\"\n"},       /* a whale, which is fine     */
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(text_of(cases[i].bytes, &a), cases[i].toml);
}

/* Whatever the byte, the value stays one line between two quotes. */
static void keeps_every_byte_within_its_quotes(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    for (int byte = 1; byte < 256; byte++) {
        char value[] = {'<', (char)byte, '>', '\0'};
        const char *text = text_of(value, &a);
        assert_ptr_equal(strchr(text, '\n'), text + strlen(text) - 1);
        assert_memory_equal(text, "k = \"<", 6);
        assert_string_equal(text + strlen(text) - 3, ">\"\n");
        for (const char *c = text; c < text + strlen(text) - 1; c++)
            assert_true((unsigned char)*c >= 0x20 && *c != 0x7f);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(writes_each_case_as_kept),
        cmocka_unit_test(replaces_what_is_not_utf8),
        cmocka_unit_test(keeps_every_byte_within_its_quotes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
