#include "golden.h"

#include "kinds.h"
#include "turn.h"

static int setup(void **state)
{
    static struct workshop shop;

    shop = (struct workshop){.store = store_create(KIND_COUNT)};
    *state = &shop;
    return 0;
}

static int teardown(void **state)
{
    store_destroy(((struct workshop *)*state)->store);
    return 0;
}

static void learn(struct workshop *shop, const char *version, const char *from, bool deleted)
{
    cleanup_json struct json_object *object = json_build("{metadata: {name: 'jobs', uid: 'u', resourceVersion: %s, "
                                                         "annotations: {'gitlab-runners.dev/allowed-from': %s}, "
                                                         "deletionTimestamp: %s}}",
                                                         version, from, deleted ? "2026-01-02T03:04:05Z" : NULL);

    workshop_learn(shop, KIND_NAMESPACE, object);
}

static const struct record *known(struct workshop *shop)
{
    return store_get(shop->store, KIND_NAMESPACE, "", "jobs");
}

static void learns_what_is_newer(void **state)
{
    learn(*state, "9", "a", false);
    learn(*state, "10", "b", false);
    assert_string_equal(known(*state)->version, "10");
    assert_non_null(strstr(known(*state)->text, "\"b\""));
}

/* The watch may tell of a change before the answer to an earlier request is here. */
static void does_not_go_back_to_what_was_before(void **state)
{
    learn(*state, "10", "b", false);
    learn(*state, "9", "a", false);
    assert_string_equal(known(*state)->version, "10");
    learn(*state, "9", "a", true);
    assert_non_null(known(*state));
}

static void forgets_what_is_gone(void **state)
{
    learn(*state, "9", "a", false);
    learn(*state, "10", "a", true);
    assert_null(known(*state));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(learns_what_is_newer, setup, teardown),
        cmocka_unit_test_setup_teardown(does_not_go_back_to_what_was_before, setup, teardown),
        cmocka_unit_test_setup_teardown(forgets_what_is_gone, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
