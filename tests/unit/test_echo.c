/* What the watch tells of an object while a write to it is under way. */
#include "golden.h"

#include "operator/echo.h"

static struct {
    struct list all;
    struct echo echo;
    char told[64]; /* versions, in order */
} w;

static int setup(void **state)
{
    (void)state;
    memset(&w, 0, sizeof(w));
    list_init(&w.all);
    list_init(&w.echo.among);
    return 0;
}

static void tell(void *arg, struct json_object *object)
{
    (void)arg;
    snprintf(w.told + strlen(w.told), sizeof(w.told) - strlen(w.told), "%s ",
             json_str_or(object, "metadata.resourceVersion", ""));
}

static bool event(enum kind kind, const char *name, const char *version, int64_t generation, bool deleted)
{
    cleanup_json struct json_object *object =
        json_build("{metadata: {namespace: ci, name: %s, resourceVersion: %s, generation: %d, deletionTimestamp: %s}}",
                   name, version, generation, deleted ? "2026-01-02T03:04:05Z" : NULL);

    return echo_hold(&w.all, kind, object, tell, NULL);
}

static bool secret_event(const char *version)
{
    return event(KIND_SECRET, "a", version, 0, false);
}

static void nothing_is_held_while_nothing_is_written(void **state)
{
    (void)state;
    assert_false(secret_event("7"));
    echo_end(&w.echo);
    assert_string_equal(w.told, "");
}

static void the_newest_is_told_when_the_answer_has_been_learned_from(void **state)
{
    (void)state;
    echo_expect(&w.echo, &w.all, KIND_SECRET, "ci", "a", 0);
    assert_false(echo_holds(&w.all, KIND_SECRET, "ci", "a"));
    assert_true(secret_event("7"));
    assert_true(secret_event("8"));
    assert_true(echo_holds(&w.all, KIND_SECRET, "ci", "a"));
    assert_string_equal(w.told, "");
    echo_end(&w.echo);
    assert_string_equal(w.told, "8 ");
    assert_false(secret_event("9"));
    echo_end(&w.echo);
    assert_string_equal(w.told, "8 ");
}

static void others_are_told_at_once(void **state)
{
    (void)state;
    echo_expect(&w.echo, &w.all, KIND_SECRET, "ci", "a", 0);
    assert_false(event(KIND_SECRET, "b", "7", 0, false));
    assert_false(event(KIND_DEPLOYMENT, "a", "7", 0, false));
    assert_false(echo_holds(&w.all, KIND_SECRET, "other", "a"));
    echo_end(&w.echo);
    assert_string_equal(w.told, "");
}

/* A person's edit, or a deletion: then what was held is of before. */
static void what_cannot_be_the_write_is_told_at_once(void **state)
{
    (void)state;
    echo_expect(&w.echo, &w.all, KIND_RUNNER, "ci", "a", 2);
    assert_true(event(KIND_RUNNER, "a", "7", 2, false));
    assert_false(event(KIND_RUNNER, "a", "8", 3, false));
    assert_true(event(KIND_RUNNER, "a", "9", 2, false));
    assert_false(event(KIND_RUNNER, "a", "6", 1, false));
    assert_true(event(KIND_RUNNER, "a", "9", 2, false));
    assert_false(event(KIND_RUNNER, "a", "10", 2, true));
    echo_end(&w.echo);
    assert_string_equal(w.told, "");
}

static void what_is_deleted_is_not_told(void **state)
{
    (void)state;
    echo_expect(&w.echo, &w.all, KIND_SECRET, "ci", "a", 0);
    assert_true(secret_event("7"));
    echo_drop(&w.all, KIND_SECRET, "ci", "b");
    assert_true(echo_holds(&w.all, KIND_SECRET, "ci", "a"));
    echo_drop(&w.all, KIND_SECRET, "ci", "a");
    echo_end(&w.echo);
    assert_string_equal(w.told, "");
}

static void a_list_finds_nothing_held(void **state)
{
    (void)state;
    echo_expect(&w.echo, &w.all, KIND_SECRET, "ci", "a", 0);
    assert_true(secret_event("7"));
    echo_release(&w.all, KIND_DEPLOYMENT);
    assert_string_equal(w.told, "");
    echo_release(&w.all, KIND_SECRET);
    assert_string_equal(w.told, "7 ");
    assert_true(secret_event("8"));
    echo_end(&w.echo);
    assert_string_equal(w.told, "7 8 ");
}

/* Our finalizer is taken off in a second request, when others own it, too. */
static void a_second_request_awaits_the_same(void **state)
{
    (void)state;
    echo_expect(&w.echo, &w.all, KIND_SECRET, "ci", "a", 0);
    assert_true(secret_event("6"));
    assert_true(secret_event("7"));
    echo_end(&w.echo);
    assert_string_equal(w.told, "7 ");
    assert_true(list_empty(&w.all));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(nothing_is_held_while_nothing_is_written, setup),
        cmocka_unit_test_setup(the_newest_is_told_when_the_answer_has_been_learned_from, setup),
        cmocka_unit_test_setup(others_are_told_at_once, setup),
        cmocka_unit_test_setup(what_cannot_be_the_write_is_told_at_once, setup),
        cmocka_unit_test_setup(what_is_deleted_is_not_told, setup),
        cmocka_unit_test_setup(a_list_finds_nothing_held, setup),
        cmocka_unit_test_setup(a_second_request_awaits_the_same, setup),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
