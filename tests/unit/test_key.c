/* Keys: made and taken apart again; and any text that somebody may have put in the place of one. */
#include "golden.h"

#include "base/key.h"
#include "base/mem.h"

static const struct {
    const char *text, *kind, *ns, *name; /* kind NULL: it is no key */
    const char *path;
} cases[] = {
    {"GitLabRunner/ci/builds", "GitLabRunner", "ci", "builds", "ci/builds"},
    {"Namespace//ci", "Namespace", "", "ci", "/ci"},
    {"ci/builds", "", "ci", "builds", "ci/builds"},
    {"/builds", "", "", "builds", "/builds"},
    {"ci/", NULL, NULL, NULL, "ci/"},
    {"nonsense", NULL, NULL, NULL, "nonsense"},
    {"", NULL, NULL, NULL, ""},
    {"/", NULL, NULL, NULL, "/"},
    {"//", NULL, NULL, NULL, "/"},
    {"/ci/builds", NULL, NULL, NULL, "ci/builds"},
    {"GitLabRunner/ci/", NULL, NULL, NULL, "ci/"},
    {"a/b/c/d", NULL, NULL, NULL, "b/c/d"},
    {"a//b/c", NULL, NULL, NULL, "/b/c"},
};

static void a_text_is_taken_apart(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct key key;
        bool is_key = cases[i].kind != NULL;
        if (key_parse(cases[i].text, &key) != is_key)
            fail_msg("%s: %s", cases[i].text, is_key ? "it is a key" : "it is none");
        assert_string_equal(key.kind, is_key ? cases[i].kind : "");
        assert_string_equal(key.ns, is_key ? cases[i].ns : "");
        assert_string_equal(key.name, is_key ? cases[i].name : "");
        assert_string_equal(key_path(cases[i].text), cases[i].path);
    }
}

static void what_is_made_is_taken_apart(void **state)
{
    struct key key;

    (void)state;
    assert_string_equal(key_text("GitLabRunner", "ci", "builds").text, "GitLabRunner/ci/builds");
    assert_true(key_parse(key_text("Namespace", "", "ci").text, &key));
    assert_string_equal(key.kind, "Namespace");
    assert_string_equal(key.ns, "");
    assert_string_equal(key.name, "ci");
}

/* The longest part that there is room for, and one more. */
static void parts_have_an_end(void **state)
{
    char text[2000], part[1000];
    struct key key;

    (void)state;
    for (size_t more = 0; more < 2; more++) {
        memset(part, 'x', sizeof(part));
        part[KEY_NAME_SIZE - 1 + more] = '\0';
        snprintf(text, sizeof(text), "K/ci/%s", part);
        assert_int_equal(key_parse(text, &key), !more);
        part[KEY_PART_SIZE - 1 + more] = '\0';
        snprintf(text, sizeof(text), "K/%s/n", part);
        assert_int_equal(key_parse(text, &key), !more);
        snprintf(text, sizeof(text), "%s/ci/n", part);
        assert_int_equal(key_parse(text, &key), !more);
        assert_int_equal(*key.ns != '\0', !more);
    }
    memset(part, 'x', sizeof(part));
    part[sizeof(part) - 1] = '\0';
    assert_int_equal(strlen(key_text("K", "ci", part).text), KEY_TEXT_SIZE - 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_text_is_taken_apart),
        cmocka_unit_test(what_is_made_is_taken_apart),
        cmocka_unit_test(parts_have_an_end),
    };

    return cmocka_run_group_tests_name("key", tests, NULL, NULL);
}
