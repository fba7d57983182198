/* What is kept of an object: whether somebody took a field of it, which is judged by its owner's spec. */
#include "golden.h"

#include "base/mem.h"
#include "kinds.h"

static const struct render_settings settings = {.manager_image = "manager"};
static const char all_ours[] = "{'f:metadata': {'f:labels': {}, 'f:annotations': {}, 'f:ownerReferences': {}}}";
static const char labels_taken[] = "{'f:metadata': {'f:annotations': {}, 'f:ownerReferences': {}}}";

struct scene {
    struct store *store;
    struct arena mem;
    unsigned version;
};

static const char *next_version(struct scene *s)
{
    return arena_printf(&s->mem, "%u", ++s->version);
}

static void told(struct scene *s, enum kind kind, struct json_object *object)
{
    const struct record record = kind_record(kind, arena_json(&s->mem, object), s->store, &settings, &s->mem);

    store_put(s->store, kind, &record);
}

/* account: the ServiceAccount that the spec names; NULL: ours. */
static void told_owner(struct scene *s, const char *account)
{
    struct json_object *manager = account ? json_build("{serviceAccountName: %s}", account) : NULL;

    told(s, KIND_RUNNER,
         json_build("{metadata: {namespace: 'ci', name: 'builds', uid: 'u', resourceVersion: %s, generation: 1}, spec: "
                    "{url: 'https://one.example.com', authentication: {registrationTokenSecretRef: {name: 'gitlab'}}, "
                    "manager: %o}}",
                    next_version(s), manager));
}

static struct json_object *told_child(struct scene *s, const char *fields)
{
    char *json = arena_strdup(&s->mem, fields);

    for (char *at = json; (at = strchr(at, '\'')); at++)
        *at = '"';
    struct err err;
    told(s, KIND_SERVICE_ACCOUNT,
         json_build("{metadata: {namespace: 'ci', name: 'builds-runner', uid: 'c', resourceVersion: %s, annotations: "
                    "{'gitlab-runners.dev/owner': 'ci/builds', 'gitlab-runners.dev/owner-uid': 'u'}, managedFields: "
                    "[{manager: 'gitlab-runner-controller', operation: 'Apply', fieldsV1: %o}]}}",
                    next_version(s), json_parse(json, strlen(json), &err)));
    return record_kept(store_get(s->store, KIND_SERVICE_ACCOUNT, "ci", "builds-runner"), &s->mem);
}

static bool is_drifted(struct scene *s, const char *fields)
{
    return json_bool_or(told_child(s, fields), "drifted", false);
}

static int setup(void **state)
{
    static struct scene scene;

    scene = (struct scene){.store = store_create(KIND_COUNT)};
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    store_destroy(s->store);
    arena_finish(&s->mem);
    return 0;
}

static void a_field_that_was_taken_is_seen(void **state)
{
    told_owner(*state, NULL);
    assert_false(is_drifted(*state, all_ours));
    assert_true(is_drifted(*state, labels_taken));
    assert_false(is_drifted(*state, all_ours));
}

static void what_was_found_holds_while_nothing_changes(void **state)
{
    told_owner(*state, NULL);
    for (int i = 0; i < 3; i++)
        assert_true(is_drifted(*state, labels_taken));
    for (int i = 0; i < 3; i++)
        assert_false(is_drifted(*state, all_ours));
}

static void it_is_judged_anew_when_its_owner_changes(void **state)
{
    told_owner(*state, NULL);
    assert_true(is_drifted(*state, labels_taken));
    told_owner(*state, "theirs"); /* so this one is not wanted */
    assert_false(is_drifted(*state, labels_taken));
    told_owner(*state, NULL);
    assert_true(is_drifted(*state, labels_taken));
}

static void without_its_owner_nobody_judges(void **state)
{
    assert_false(is_drifted(*state, labels_taken));
    told_owner(*state, NULL);
    assert_true(is_drifted(*state, labels_taken));
}

/* As long as it is told, however it is kept. */
static void a_runner_is_kept_as_it_is(void **state)
{
    struct scene *s = *state;

    told_owner(s, "theirs");
    struct json_object *object = runner_object(store_get(s->store, KIND_RUNNER, "ci", "builds"), &s->mem);
    assert_string_equal(json_str(object, "metadata.name"), "builds");
    assert_string_equal(json_str(object, "spec.url"), "https://one.example.com");
    assert_string_equal(json_str(object, "spec.authentication.registrationTokenSecretRef.name"), "gitlab");
    assert_string_equal(json_str(object, "spec.manager.serviceAccountName"), "theirs");
    assert_int_equal(json_int_or(object, "kept.generation", 0), 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_field_that_was_taken_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_found_holds_while_nothing_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(it_is_judged_anew_when_its_owner_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(without_its_owner_nobody_judges, setup, teardown),
        cmocka_unit_test_setup_teardown(a_runner_is_kept_as_it_is, setup, teardown),
    };

    return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
