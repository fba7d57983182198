/* What a turn sees of its object while it goes on. */
#include "golden.h"

#include "base/key.h"
#include "base/mem.h"
#include "operator/gather.h"
#include "runner/names.h"

static const struct render_settings settings = {.manager_image = "manager"};
static const struct arena no_memory;

struct scene {
    struct store *store;
    struct states states;
    struct gathering gathering;
    struct observed observed;
    struct arena mem;
};

/* A GitLabRunner as the watch tells of it. */
static void told_of(struct scene *s, const char *uid, const char *version, const char *image)
{
    struct json_object *object = arena_json(
        &s->mem,
        json_build(
            "{metadata: {namespace: 'ci', name: 'builds', uid: %s, resourceVersion: %s, generation: 1}, spec: "
            "{url: 'https://one.example.com', manager: {image: %s}, authentication: {registrationTokenSecretRef: "
            "{name: 'gitlab'}}}}",
            uid, version, image));
    const struct record record = kind_record(KIND_RUNNER, object, s->store, &s->mem);

    store_put(s->store, KIND_RUNNER, &record);
}

static void told(struct scene *s, const char *uid, const char *version)
{
    told_of(s, uid, version, "runner:1");
}

static struct observed *again(struct scene *s)
{
    gather_again(&s->gathering, states_get(&s->states, KIND "/ci/builds"), &s->observed, &s->mem);
    return &s->observed;
}

/* As a turn begins. */
static void begin(struct scene *s)
{
    gather_object(&s->gathering, store_get(s->store, KIND_RUNNER, "ci", "builds"), &s->observed, &s->mem);
    state_observe(states_get(&s->states, KIND "/ci/builds"), &s->observed, &s->mem);
    again(s);
}

static int setup(void **state)
{
    static struct scene scene;

    scene = (struct scene){.store = kinds_store_create(), .mem = no_memory};
    scene.gathering = (struct gathering){.store = scene.store, .settings = &settings, .now_ms = 5000, .now = 1700};
    told(&scene, "first", "7");
    begin(&scene);
    assert_false(scene.observed.deleting);
    *state = &scene;
    return 0;
}

static int teardown(void **state)
{
    struct scene *s = *state;

    states_finish(&s->states);
    store_destroy(s->store);
    arena_finish(&s->mem);
    return 0;
}

static void an_edit_is_no_end(void **state)
{
    told(*state, "first", "8");
    assert_false(again(*state)->deleting);
    assert_false(again(*state)->gone);
}

/* Its finalizer was taken off by hand. */
/* An etcd that was restored from a backup has generations once more that it had since, of other specs. */
static void fingerprints_are_of_the_spec_whatever_its_generation(void **state)
{
    struct scene *s = *state;
    const char *former = s->observed.wanted[CHILD_DEPLOYMENT].hash;

    told_of(s, "first", "8", "runner:1");
    begin(s);
    assert_string_equal(s->observed.wanted[CHILD_DEPLOYMENT].hash, former);
    told_of(s, "first", "9", "runner:2");
    begin(s);
    assert_string_not_equal(s->observed.wanted[CHILD_DEPLOYMENT].hash, former);
}

static void an_object_that_is_gone_is_being_deleted(void **state)
{
    struct scene *s = *state;

    store_bury(s->store, KIND_RUNNER, "ci", "builds", "first");
    assert_true(again(s)->gone && s->observed.deleting);
    assert_int_equal(s->observed.deletion_time, 1700);
    s->gathering.now = 1800;
    assert_int_equal(again(s)->deletion_time, 1700);
}

static void so_is_one_whose_name_is_anothers(void **state)
{
    told(*state, "second", "9");
    assert_true(again(*state)->gone && ((struct scene *)*state)->observed.deleting);
}

/* All but its spec is known: so it has a status that says so, and can be deleted. */
static void of_an_object_that_is_too_large_all_but_the_spec_is_known(void **state)
{
    struct scene *s = *state;
    struct json_object *object = arena_json(
        &s->mem, json_build("{metadata: {namespace: 'ci', name: 'builds', uid: 'first', resourceVersion: '8', "
                            "generation: 2, finalizers: [%s], deletionTimestamp: '2026-01-01T00:00:00Z'}, tooLarge: "
                            "'700 KiB of JSON', spec: {url: 'https://x.example.com'}, status: {runnerId: 7}}",
                            FINALIZER));
    const struct record record = kind_record(KIND_RUNNER, object, s->store, &s->mem);

    store_put(s->store, KIND_RUNNER, &record);
    begin(s);
    assert_null(s->observed.spec);
    assert_string_equal(s->observed.spec_err.reason, "TooLarge");
    assert_non_null(strstr(s->observed.spec_err.text, "700 KiB of JSON"));
    assert_true(s->observed.finalizer && s->observed.deleting && s->observed.generation == 2);
    assert_int_equal(json_int_or(s->observed.status, "runnerId", 0), 7);
    told(s, "first", "9");
    begin(s);
    assert_non_null(s->observed.spec);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Namespaces */

static void tell_namespace(struct scene *s, const char *name, const char *allowed_from, const char *deleted)
{
    struct json_object *object =
        arena_json(&s->mem, json_build("{metadata: {name: %s, uid: %s, resourceVersion: '3', deletionTimestamp: %s, "
                                       "annotations: {'gitlab-runners.dev/allowed-from': %s}}}",
                                       name, name, deleted, allowed_from));
    const struct record record = kind_record(KIND_NAMESPACE, object, s->store, &s->mem);

    store_put(s->store, KIND_NAMESPACE, &record);
}

static void jobs_in(struct scene *s, const char *ns)
{
    struct spec *spec = (struct spec *)s->observed.spec;

    spec->namespace = ns;
    again(s);
}

/* Its own is, whatever an annotation says; another one says so. */
static void a_namespace_is_open_to_whom_it_names(void **state)
{
    struct scene *s = *state;

    tell_namespace(s, "ci", "nobody", NULL);
    tell_namespace(s, "open", "ci", NULL);
    tell_namespace(s, "closed", "team-a", NULL);
    jobs_in(s, "ci");
    assert_true(s->observed.job_namespace_open && s->observed.job_namespace_exists);
    jobs_in(s, "open");
    assert_true(s->observed.job_namespace_open);
    jobs_in(s, "closed");
    assert_false(s->observed.job_namespace_open);
    jobs_in(s, "missing");
    assert_false(s->observed.job_namespace_open || s->observed.job_namespace_exists);
}

static void with_its_namespace_an_object_goes(void **state)
{
    struct scene *s = *state;

    tell_namespace(s, "ci", NULL, NULL);
    assert_false(again(s)->deleting);
    tell_namespace(s, "ci", NULL, "1970-01-01T00:20:00Z");
    assert_true(again(s)->deleting);
    assert_int_equal(s->observed.deletion_time, 1200);
    assert_false(s->observed.job_namespace_exists);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What nobody has looked at yet */

static void tell_secret(struct scene *s, const char *name, const char *version)
{
    const struct record record = {"ci", name, "uid", version, "", "", NULL, 0};

    store_put(s->store, KIND_SECRET, &record);
}

static const struct observed_value *credential(struct scene *s)
{
    return &again(s)->values[READ_CREDENTIAL];
}

static void refer(struct scene *s)
{
    const struct reference to[] = {{.kind = KIND_SECRET, .ns = "ci", .name = "gitlab"}};

    store_refer(s->store, KIND "/ci/builds", to, 1);
}

static void what_is_not_watched_is_unseen(void **state)
{
    struct scene *s = *state;

    assert_true(credential(s)->unseen);
    assert_true(again(s)->values[READ_TOKEN].unseen);
    assert_false(again(s)->values[READ_CA].unseen); /* the spec names none */
    tell_secret(s, "gitlab", "3");
    assert_false(credential(s)->unseen);
    assert_string_equal(credential(s)->version, "3");
}

static void so_is_what_is_referred_to_since_the_last_list(void **state)
{
    struct scene *s = *state;

    refer(s);
    store_reach(s->store, KIND_SECRET, "", "9");
    assert_false(again(s)->values[READ_TOKEN].unseen);
    assert_true(credential(s)->unseen);
    store_remove(s->store, KIND_SECRET, "ci", "gitlab"); /* it was read, and is not there */
    assert_false(credential(s)->unseen);
    assert_int_equal(credential(s)->lookup, LOOKUP_NO_OBJECT);
}

static void a_list_shows_what_was_referred_to_before(void **state)
{
    struct scene *s = *state;

    refer(s);
    unsigned begun = store_list_begin(s->store, KIND_SECRET);
    store_reach(s->store, KIND_SECRET, "", "9");
    assert_true(credential(s)->unseen);
    store_list_end(s->store, KIND_SECRET, "", begun, "100", NULL, NULL);
    assert_int_equal(credential(s)->lookup, LOOKUP_NO_OBJECT);
}

/* In this turn: the store may not keep it. */
static void what_was_read_stays(void **state)
{
    struct scene *s = *state;
    struct observed_value *value = &s->observed.values[READ_CREDENTIAL];

    *value = (struct observed_value){.lookup = LOOKUP_FOUND, .value = "token", .version = "4"};
    assert_string_equal(credential(s)->value, "token");
    *value = (struct observed_value){.lookup = LOOKUP_NO_OBJECT};
    assert_false(credential(s)->unseen);
    assert_int_equal(credential(s)->lookup, LOOKUP_NO_OBJECT);
}

/* Who replaces a token is not served with the former one. */
static void what_was_read_is_of_the_version_of_then(void **state)
{
    struct scene *s = *state;

    tell_secret(s, "gitlab", "4");
    s->observed.values[READ_CREDENTIAL] =
        (struct observed_value){.lookup = LOOKUP_FOUND, .value = "token", .version = "4"};
    assert_string_equal(credential(s)->value, "token");
    tell_secret(s, "gitlab", "5");
    assert_int_equal(credential(s)->lookup, LOOKUP_UNKNOWN);
    assert_null(credential(s)->value);
    assert_string_equal(credential(s)->version, "5");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is gone */

static void tell_token_secret_of(struct scene *s, const char *owner, const char *owner_uid)
{
    struct json_object *object = arena_json(
        &s->mem, json_build("{metadata: {namespace: 'ci', name: 'builds-runner-token', uid: s, resourceVersion: '9', "
                            "finalizers: ['" FINALIZER "'], deletionTimestamp: '2026-01-01T00:00:00Z', "
                            "annotations: {'" ANNOTATION_OWNER "': %s, '" ANNOTATION_OWNER_UID "': %s, "
                            "'" ANNOTATION_RUNNER_ID "': '5', '" ANNOTATION_URL "': 'https://one.example.com'}}}",
                            (const char *)key_text(KIND, "ci", owner).text, owner_uid));
    const struct record record = kind_record(KIND_SECRET, object, s->store, &s->mem);

    store_put(s->store, KIND_SECRET, &record);
}

static void tell_token_secret(struct scene *s)
{
    tell_token_secret_of(s, "builds", "first");
}

/* It is nobody else's, and there was none of its own before. */
static void the_token_secret_of_the_former_object_is_inherited(void **state)
{
    static const struct {
        const char *owner, *owner_uid;
        bool owned_one, foreign, inherited;
    } cases[] = {
        {"builds", "former", false, true, true},
        {"builds", "former", true, true, false},
        {"others", "former", false, true, false},
        {"builds", "first", false, false, false},
    };
    struct scene *s = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct observed_child *secret = &s->observed.children[CHILD_TOKEN_SECRET];
        store_remove(s->store, KIND_SECRET, "ci", "builds-runner-token");
        tell_token_secret_of(s, cases[i].owner, cases[i].owner_uid);
        states_get(&s->states, KIND "/ci/builds")->memory.owned_secret = cases[i].owned_one;
        s->observed.registered.runner_id = 0;
        again(s);
        assert_int_equal(secret->exists, !cases[i].foreign);
        assert_int_equal(secret->foreign, cases[i].foreign);
        assert_int_equal(secret->inherited, cases[i].inherited);
        assert_int_equal(secret->held, !cases[i].foreign || cases[i].inherited);
        assert_int_equal(secret->terminating, !cases[i].foreign || cases[i].inherited);
        assert_int_equal(secret->uid != NULL, !cases[i].foreign || cases[i].inherited);
        assert_int_equal(s->observed.registered.runner_id, !cases[i].foreign || cases[i].inherited ? 5 : 0);
    }
}

/* It was in the memory of the last look. */
static void nothing_is_left_of_a_registration_whose_secret_is_gone(void **state)
{
    struct scene *s = *state;

    tell_token_secret(s);
    assert_int_equal(again(s)->registered.runner_id, 5);
    store_remove(s->store, KIND_SECRET, "ci", "builds-runner-token");
    assert_int_equal(again(s)->registered.runner_id, 0);
    assert_null(s->observed.registered.url);
}

static void tell_binding(struct scene *s, const char *ns)
{
    struct json_object *object = arena_json(
        &s->mem,
        json_build("{metadata: {namespace: %s, name: 'ci.builds-runner', uid: %s, resourceVersion: '9', labels: "
                   "{'app.kubernetes.io/managed-by': 'gitlab-runner-controller'}, annotations: {'" ANNOTATION_OWNER
                   "': %s, '" ANNOTATION_OWNER_UID "': 'first'}}}",
                   ns, ns, (const char *)key_text(KIND, "ci", "builds").text));
    const struct record record = kind_record(KIND_ROLE_BINDING, object, s->store, &s->mem);

    store_put(s->store, KIND_ROLE_BINDING, &record);
}

/* Wherever in the alphabet the jobs were before. */
static void a_binding_where_the_jobs_were_is_a_stray(void **state)
{
    struct scene *s = *state;

    tell_binding(s, "jobs");
    jobs_in(s, "jobs");
    assert_null(s->observed.stray.kind);
    jobs_in(s, "later");
    assert_string_equal(s->observed.stray.ns, "jobs");
    jobs_in(s, "before");
    assert_string_equal(s->observed.stray.ns, "jobs");
    assert_string_equal(s->observed.stray.name, "ci.builds-runner");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(an_edit_is_no_end, setup, teardown),
        cmocka_unit_test_setup_teardown(fingerprints_are_of_the_spec_whatever_its_generation, setup, teardown),
        cmocka_unit_test_setup_teardown(an_object_that_is_gone_is_being_deleted, setup, teardown),
        cmocka_unit_test_setup_teardown(of_an_object_that_is_too_large_all_but_the_spec_is_known, setup, teardown),
        cmocka_unit_test_setup_teardown(so_is_one_whose_name_is_anothers, setup, teardown),
        cmocka_unit_test_setup_teardown(a_namespace_is_open_to_whom_it_names, setup, teardown),
        cmocka_unit_test_setup_teardown(with_its_namespace_an_object_goes, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_not_watched_is_unseen, setup, teardown),
        cmocka_unit_test_setup_teardown(so_is_what_is_referred_to_since_the_last_list, setup, teardown),
        cmocka_unit_test_setup_teardown(a_list_shows_what_was_referred_to_before, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_read_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_read_is_of_the_version_of_then, setup, teardown),
        cmocka_unit_test_setup_teardown(the_token_secret_of_the_former_object_is_inherited, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_left_of_a_registration_whose_secret_is_gone, setup, teardown),
        cmocka_unit_test_setup_teardown(a_binding_where_the_jobs_were_is_a_stray, setup, teardown),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
