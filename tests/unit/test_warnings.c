/* What is accepted and told. tests/data/warnings/cases.json has a spec for each trap, and beside each its cure, with
 * the words that a person sees. A new case leaves `warnings` out, and UPDATE_GOLDEN=1 writes it. */
#include "golden.h"

#include "base/mem.h"
#include "reasons.h"
#include "runner/spec.h"

/* The least object with these members in its spec. */
static struct json_object *object_of(struct json_object *spec, struct arena *a)
{
    struct json_object *object = read_json(DATA "render/minimal.json", a);

    json_each (it, spec)
        json_object_object_add(json_get(object, "spec"), it.key, json_copy(it.value));
    return object;
}

static struct json_object *warnings_of(struct json_object *given, struct arena *a)
{
    struct json_object *list = json_object_new_array();
    struct err err = {0};
    struct spec spec;

    if (!spec_parse(object_of(given, a), &spec, a, &err))
        fail_msg("%s: %s", json_text(given), err.text);
    for (size_t i = 0; i < spec.warnings.len; i++)
        json_append(list, json_object_new_string(spec.warnings.texts[i]));
    return list;
}

static void tells_each_trap_and_is_silent_about_its_cure(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *cases = read_json(DATA "warnings/cases.json", &a);
    const char *text = "[\n";

    (void)state;
    for (size_t i = 0; i < json_len(cases); i++) {
        struct json_object *c = json_at(cases, i);
        json_set(c, "warnings", warnings_of(json_get(c, "spec"), &a));
        text = arena_printf(&a, "%s  %s%s\n", text, json_text(c), i + 1 < json_len(cases) ? "," : "");
    }
    assert_golden(DATA "warnings/cases.json", arena_printf(&a, "%s]\n", text));
}

/* Whole sentences, and the number of those that are left out. */
static void the_text_has_a_bound(void **state)
{
    struct arena a cleanup_arena = {0};
    struct warnings w = {0};
    char word[401] = {0};

    (void)state;
    assert_null(warnings_text(&w, WARNINGS_TEXT_MAX, &a));
    memset(word, 'x', 400);
    for (int i = 0; i < 50; i++)
        warn(&w, &a, "%s.", word);
    const char *text = warnings_text(&w, WARNINGS_TEXT_MAX, &a);
    assert_int_equal(w.len, WARNINGS_MAX);
    assert_int_equal(w.len + w.more, 50);
    assert_true(strlen(text) < WARNINGS_TEXT_MAX + 100);
    assert_non_null(strstr(text, "x.; and 46 more, which `validate` shows"));
}

static void the_reason_is_that_of_all(void **state)
{
    struct arena a cleanup_arena = {0};
    struct warnings w = {0};

    (void)state;
    warn_of_unknown_keys(&w, &a, "one");
    warn_of_unknown_keys(&w, &a, "two");
    assert_string_equal(w.reason, WARNS_OF_UNKNOWN_KEYS);
    warn(&w, &a, "three");
    assert_string_equal(w.reason, WARNS_OF_ANYTHING);
    warn_of_unknown_keys(&w, &a, "four");
    assert_string_equal(w.reason, WARNS_OF_ANYTHING);
    assert_true(reason_is_known(WARNS_OF_UNKNOWN_KEYS) && reason_is_known(WARNS_OF_ANYTHING));
    assert_string_equal(warnings_text(&w, WARNINGS_TEXT_MAX, &a), "one; two; three; four");
}

/* A key of somebody's file may have anything in it. */
static void is_prose_whatever_it_quotes(void **state)
{
    struct arena a cleanup_arena = {0};
    struct warnings w = {0};

    (void)state;
    warn_of_unknown_keys(&w, &a, "does not know \033[31mkey\nnor \xff\u202ethis");
    assert_string_equal(w.texts[0], "does not know  [31mkey nor this");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tells_each_trap_and_is_silent_about_its_cure),
        cmocka_unit_test(the_text_has_a_bound),
        cmocka_unit_test(the_reason_is_that_of_all),
        cmocka_unit_test(is_prose_whatever_it_quotes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
