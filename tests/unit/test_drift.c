/* Whether somebody took a field of a child, as its owner's turn finds out. */
#include "golden.h"

#include "base/mem.h"
#include "operator/drift.h"
#include "operator/gather.h"
#include "runner/applied_fields.h"
#include "runner/names.h"

static const struct render_settings settings = {.manager_image = "manager"};
static const char all_ours[] = "{'f:metadata': {'f:labels': {}, 'f:annotations': {}, 'f:ownerReferences': {}}}";
static const char labels_taken[] = "{'f:metadata': {'f:annotations': {}, 'f:ownerReferences': {}}}";
static const struct arena no_memory;

struct scene {
    struct store *store;
    struct states states;
    struct arena mem;
    unsigned version;
    const char *applied_fields; /* in the owner's status; NULL: nothing */
    const char *owner_uid;      /* that the child has */
};

static const char *next_version(struct scene *s)
{
    return arena_printf(&s->mem, "%u", ++s->version);
}

static void told(struct scene *s, enum kind kind, struct json_object *object)
{
    const struct drift_view view = {s->store, &settings};
    struct record record = kind_record(kind, arena_json(&s->mem, object), s->store, &s->mem);

    drift_judge(&view, kind, object, &record, &s->mem);
    store_put(s->store, kind, &record);
}

/* account: the ServiceAccount that the spec
 * names; NULL: ours. */
static void told_owner(struct scene *s, const char *account)
{
    struct json_object *manager = account ? json_build("{serviceAccountName: %s}", account) : NULL;
    unsigned version = ++s->version;

    told(
        s, KIND_RUNNER,
        json_build("{metadata: {namespace: 'ci', name: 'builds', uid: 'u', resourceVersion: %s, generation: %d}, spec: "
                   "{url: 'https://one.example.com', authentication: {registrationTokenSecretRef: {name: 'gitlab'}}, "
                   "manager: %o}, status: {appliedFields: %s}}",
                   arena_printf(&s->mem, "%u", version), (int64_t)version, manager, s->applied_fields));
}

/* As a turn sees the ServiceAccount now. */
static const struct observed_child *seen(struct scene *s)
{
    const struct gathering g = {.store = s->store, .settings = &settings};
    struct observed *o = arena_alloc(&s->mem, sizeof(*o));

    struct state *state = states_get(&s->states, KIND "/ci/builds");

    gather_object(&g, store_get(s->store, KIND_RUNNER, "ci", "builds"), o, &s->mem);
    state_observe(state, o, &s->mem);
    gather_again(&g, state, o, &s->mem);
    return &o->children[CHILD_SERVICE_ACCOUNT];
}

static const char *wanted_hash(struct scene *s)
{
    static const struct owner owner = {.ns = "ci", .name = "builds", .uid = "u"};
    struct spec spec;
    struct err err;

    assert_true(
        spec_parse(runner_object(store_get(s->store, KIND_RUNNER, "ci", "builds"), &s->mem), &spec, &s->mem, &err));
    return manifest_hash(render_child(CHILD_SERVICE_ACCOUNT, &owner, &spec, &settings, &s->mem));
}

static void told_account(struct scene *s, const char *name, const char *fields, const char *hash)
{
    char *json = arena_strdup(&s->mem, fields ? fields : "{}");
    struct err err;

    for (char *at = json; (at = strchr(at, '\'')); at++)
        *at = '"';
    told(s, KIND_SERVICE_ACCOUNT,
         json_build("{metadata: {namespace: 'ci', name: %s, uid: 'c', resourceVersion: %s, annotations: "
                    "{'gitlab-runners.dev/owner': 'ci/builds', 'gitlab-runners.dev/owner-uid': %s, "
                    "'gitlab-runners.dev/applied-hash': %s}, managedFields: "
                    "[{manager: %s, operation: 'Apply', fieldsV1: %o}]}}",
                    name, next_version(s), s->owner_uid, hash, fields ? "gitlab-runner-controller" : "somebody",
                    json_parse(json, strlen(json), &err)));
}

/* fields: of its entry in managedFields; NULL: there is none any more. */
static void told_child(struct scene *s, const char *fields, const char *hash)
{
    told_account(s, "builds-runner", fields, hash);
}

static bool is_drifted(struct scene *s, const char *fields)
{
    told_child(s, fields, wanted_hash(s));
    assert_true(seen(s)->exists);
    return seen(s)->drifted;
}

static int setup(void **state)
{
    static struct scene scene;

    scene = (struct scene){.store = kinds_store_create(), .mem = no_memory, .owner_uid = "u"};
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

/* The entry in managedFields as a whole, too. */
static void all_may_be_taken(void **state)
{
    told_owner(*state, NULL);
    assert_true(is_drifted(*state, NULL));
}

static const struct kept_child *kept_account(struct scene *s)
{
    return kept_child(store_get(s->store, KIND_SERVICE_ACCOUNT, "ci", "builds-runner"));
}

/* Only a digest of the fields is kept; while they are the same, so is the verdict, whatever the spec is meanwhile. */
static void what_was_in_order_stays_so_with_the_same_fields(void **state)
{
    struct scene *s = *state;

    told_owner(s, NULL);
    const char *hash = wanted_hash(s);
    told_child(s, all_ours, hash);
    assert_false(kept_account(s)->drifted);
    store_remove(s->store, KIND_RUNNER, "ci", "builds");
    told_child(s, all_ours, hash);
    assert_false(kept_account(s)->drifted);
    told_child(s, labels_taken, hash);
    assert_true(kept_account(s)->drifted);
    told_owner(s, NULL);
    told_child(s, all_ours, hash);
    assert_false(seen(s)->drifted);
}

/* Such as one that somebody has put in its place, or given to another owner. */
static void what_says_otherwise_what_it_is_was_not_in_order(void **state)
{
    struct scene *s = *state;
    static const struct {
        const char *hash, *owner_uid;
        bool drifted;
    } rows[] = {
        {"hash", "u", false}, {"another", "u", true}, {NULL, "u", true}, {"hash", "v", true}, {"hash", "t", true}};

    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        told_owner(s, NULL);
        s->owner_uid = "u";
        told_child(s, all_ours, wanted_hash(s));
        assert_false(kept_account(s)->drifted);
        const char *hash = rows[i].hash && strcmp(rows[i].hash, "hash") == 0 ? wanted_hash(s) : rows[i].hash;
        store_remove(s->store, KIND_RUNNER, "ci", "builds");
        s->owner_uid = rows[i].owner_uid;
        told_child(s, all_ours, hash);
        assert_int_equal(kept_account(s)->drifted, rows[i].drifted);
        store_remove(s->store, KIND_SERVICE_ACCOUNT, "ci", "builds-runner");
    }
}

/* It is applied anyway; and once more, should the spec become again what it was before that was done. */
static void what_was_applied_for_another_spec_has_to_be_applied(void **state)
{
    struct scene *s = *state;

    told_owner(s, NULL);
    told_child(s, all_ours, "another");
    assert_true(seen(s)->drifted);
    told_child(s, labels_taken, wanted_hash(s));
    told_owner(s, "theirs"); /* so this one is not wanted */
    told_owner(s, NULL);
    assert_true(seen(s)->drifted);
}

static void before_its_owner_is_known_it_is_not_believed(void **state)
{
    struct scene *s = *state;

    told_owner(s, NULL);
    const char *hash = wanted_hash(s);
    store_remove(s->store, KIND_RUNNER, "ci", "builds");
    told_child(s, labels_taken, hash);
    told_owner(s, NULL);
    assert_true(seen(s)->drifted);
}

/* Whatever would be rendered of the spec; and as long as the fields are these. */
static void what_the_status_tells_is_believed(void **state)
{
    struct scene *s = *state;

    told_owner(s, NULL);
    told_child(s, all_ours, "another");
    assert_true(seen(s)->drifted);
    struct observed o = {.children[CHILD_SERVICE_ACCOUNT] = *seen(s)};
    o.children[CHILD_SERVICE_ACCOUNT].drifted = false;
    s->applied_fields = applied_fields_text(&o, &s->mem);
    told_owner(s, NULL);
    assert_false(seen(s)->drifted);
    told_child(s, all_ours, "another");
    assert_false(kept_account(s)->drifted);
    told_child(s, labels_taken, "another");
    assert_true(seen(s)->drifted);
}

/* Nobody knows what it is to be. */
static void the_child_of_a_spec_that_cannot_be_read_is_not_believed(void **state)
{
    struct scene *s = *state;

    told_owner(s, NULL);
    const char *hash = wanted_hash(s);
    told(s, KIND_RUNNER,
         json_build("{metadata: {namespace: 'ci', name: 'builds', uid: 'u', resourceVersion: %s, generation: 9}, spec: "
                    "{url: 'no url'}}",
                    next_version(s)));
    told_child(s, all_ours, hash);
    assert_true(kept_account(s)->drifted);
}

/* Not one that is its owner's by its annotations alone: it is none of those that the spec wants. */
static void what_has_another_name_is_no_such_child(void **state)
{
    struct scene *s = *state;

    told_owner(s, NULL);
    told_account(s, "builds-other", all_ours, wanted_hash(s));
    assert_true(kept_child(store_get(s->store, KIND_SERVICE_ACCOUNT, "ci", "builds-other"))->drifted);
}

/* The answer to our own apply tells of fields that are all ours. */
static void what_was_just_applied_is_in_order(void **state)
{
    struct scene *s = *state;
    struct json_object *object = arena_json(
        &s->mem, json_build("{metadata: {namespace: 'ci', name: 'builds-runner', uid: 'c', resourceVersion: '9', "
                            "annotations: {'gitlab-runners.dev/owner': 'ci/builds', "
                            "'gitlab-runners.dev/owner-uid': 'u', 'gitlab-runners.dev/applied-hash': 'any'}}}"));
    struct record record = kind_record(KIND_SERVICE_ACCOUNT, object, s->store, &s->mem);

    drift_none(KIND_SERVICE_ACCOUNT, object, &record, &s->mem);
    store_put(s->store, KIND_SERVICE_ACCOUNT, &record);
    assert_false(kept_account(s)->drifted);
    assert_non_null(kept_account(s)->fields);
}

/* ours: as FieldsV1, which of the annotations of its pods. */
static bool is_deployment_drifted(struct scene *s, const char *ours)
{
    static const struct owner owner = {.ns = "ci", .name = "builds", .uid = "u"};
    struct spec spec;
    struct err err;

    assert_true(
        spec_parse(runner_object(store_get(s->store, KIND_RUNNER, "ci", "builds"), &s->mem), &spec, &s->mem, &err));
    const char *hash = manifest_hash(render_child(CHILD_DEPLOYMENT, &owner, &spec, &settings, &s->mem));
    told(s, KIND_DEPLOYMENT,
         json_build("{metadata: {namespace: 'ci', name: 'builds-runner', uid: 'd', resourceVersion: %s, annotations: "
                    "{'gitlab-runners.dev/owner': 'ci/builds', 'gitlab-runners.dev/owner-uid': 'u', "
                    "'gitlab-runners.dev/applied-hash': %s, '" ANNOTATION_INPUTS "': 'account=a'}, managedFields: "
                    "[{manager: 'gitlab-runner-controller', operation: 'Apply', fieldsV1: {'f:metadata': {'f:labels': "
                    "{}, 'f:annotations': {}, 'f:ownerReferences': {}}, 'f:spec': {'f:replicas': {}, "
                    "'f:revisionHistoryLimit': {}, 'f:selector': {}, 'f:strategy': {}, 'f:template': {'f:spec': {}, "
                    "'f:metadata': {'f:labels': {}, 'f:annotations': %o}}}}}]}}",
                    next_version(s), hash, json_parse(ours, strlen(ours), &err)));
    return kept_child(store_get(s->store, KIND_DEPLOYMENT, "ci", "builds-runner"))->drifted;
}

/* They are in no spec: they were put there for what else went into it. */
static void an_annotation_of_the_pods_that_was_taken_is_seen(void **state)
{
    told_owner(*state, NULL);
    assert_false(is_deployment_drifted(*state, "{\"f:" ANNOTATION_ACCOUNT_UID "\": {}}"));
    assert_true(is_deployment_drifted(*state, "{\"f:theirs\": {}}"));
}

static void the_token_secret_is_not_judged(void **state)
{
    struct scene *s = *state;

    told_owner(s, NULL);
    told(s, KIND_SECRET,
         json_build("{metadata: {namespace: 'ci', name: 'builds-runner-token', uid: 't', resourceVersion: %s, "
                    "annotations: {'gitlab-runners.dev/owner': 'ci/builds', 'gitlab-runners.dev/owner-uid': 'u', "
                    "'gitlab-runners.dev/applied-hash': 'h'}, managedFields: [{manager: 'gitlab-runner-controller', "
                    "operation: 'Apply', fieldsV1: {'f:data': {}}}]}}",
                    next_version(s)));
    assert_false(kept_child(store_get(s->store, KIND_SECRET, "ci", "builds-runner-token"))->drifted);
    assert_string_equal(store_get(s->store, KIND_SECRET, "ci", "builds-runner-token")->owner, "GitLabRunner/ci/builds");
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
    assert_int_equal(kept_runner(store_get(s->store, KIND_RUNNER, "ci", "builds"))->generation, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_field_that_was_taken_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_found_holds_while_nothing_changes, setup, teardown),
        cmocka_unit_test_setup_teardown(all_may_be_taken, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_in_order_stays_so_with_the_same_fields, setup, teardown),
        cmocka_unit_test_setup_teardown(what_says_otherwise_what_it_is_was_not_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_applied_for_another_spec_has_to_be_applied, setup, teardown),
        cmocka_unit_test_setup_teardown(before_its_owner_is_known_it_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_status_tells_is_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(the_child_of_a_spec_that_cannot_be_read_is_not_believed, setup, teardown),
        cmocka_unit_test_setup_teardown(what_has_another_name_is_no_such_child, setup, teardown),
        cmocka_unit_test_setup_teardown(what_was_just_applied_is_in_order, setup, teardown),
        cmocka_unit_test_setup_teardown(an_annotation_of_the_pods_that_was_taken_is_seen, setup, teardown),
        cmocka_unit_test_setup_teardown(the_token_secret_is_not_judged, setup, teardown),
        cmocka_unit_test_setup_teardown(a_runner_is_kept_as_it_is, setup, teardown),
    };

    return cmocka_run_group_tests_name("drift", tests, NULL, NULL);
}
