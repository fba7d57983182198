/* What the store keeps of objects: above all, whose child one is, however somebody has changed its links. */
#include "golden.h"

#include "base/mem.h"
#include "operator/records.h"
#include "kube/client.h"
#include "runner/names.h"

/* The store with one GitLabRunner, ci/builds of the uid "uid-1". */
static struct store *with_runner(struct arena *a)
{
    struct store *store = kinds_store_create();
    struct json_object *object =
        arena_json(a, json_build("{apiVersion: %s, kind: %s, metadata: {namespace: 'ci', name: 'builds', uid: 'uid-1', "
                                 "resourceVersion: '1', generation: 1}, spec: {url: 'https://x', authentication: "
                                 "{accessTokenSecretRef: {name: 's'}}, scope: {type: 'Instance'}}}",
                                 API_VERSION, KIND));
    struct record record = kind_record(KIND_RUNNER, object, store, a);

    store_put(store, KIND_RUNNER, &record);
    return store;
}

struct links {
    const char *what;
    const char *owner, *uid;             /* annotations                        */
    const char *kind, *name, *reference; /* the controller; kind NULL: none    */
    const char *expected_owner, *expected_uid;
};

static const struct links cases[] = {
    {"as it was made", "ci/builds", "uid-1", KIND, "builds", "uid-1", "ci/builds", "uid-1"},
    {"another owner", "ci/another", "uid-1", KIND, "builds", "uid-1", "ci/builds", "uid-1"},
    {"an owner of no shape", "nonsense", "uid-1", KIND, "builds", "uid-1", "ci/builds", "uid-1"},
    {"another uid", "ci/builds", "uid-2", KIND, "builds", "uid-1", "ci/builds", "uid-1"},
    {"no annotations", NULL, NULL, KIND, "builds", "uid-1", "ci/builds", "uid-1"},
    {"no controller", "ci/builds", "uid-1", NULL, NULL, NULL, "ci/builds", "uid-1"},
    {"a controller of another name", "ci/builds", "uid-1", KIND, "another", "uid-1", "ci/builds", "uid-1"},
    {"a controller of another uid", "ci/builds", "uid-1", KIND, "builds", "uid-2", "ci/builds", "uid-1"},
    {"a controller of another kind", "ci/builds", "uid-1", "Application", "builds", "uid-9", "ci/builds", "uid-1"},
    {"only a controller of another kind", NULL, NULL, "Application", "builds", "uid-1", "", NULL},
    {"nobody's", NULL, NULL, NULL, NULL, NULL, "", NULL},
    {"of a former object", "ci/builds", "uid-0", KIND, "builds", "uid-0", "ci/builds", "uid-0"},
    {"of an object that is not known", "ci/another", "uid-7", KIND, "another", "uid-7", "ci/another", "uid-7"},
    {"no shape at all", "nonsense", "uid-1", NULL, NULL, NULL, "", NULL},
    {"no namespace", "/builds", "uid-1", NULL, NULL, NULL, "", NULL},
    {"no name", "ci/", "uid-1", NULL, NULL, NULL, "", NULL},
    {"more than a name", "ci/a/b", "uid-1", NULL, NULL, NULL, "", NULL},
    {"another namespace", "team/builds", "uid-1", NULL, NULL, NULL, "", NULL},
    {"nothing", "", "uid-1", NULL, NULL, NULL, "", NULL},
    {"all and nothing", "//", "uid-1", NULL, NULL, NULL, "", NULL},
};

/* As the annotation is written now, or as release 0.1.0 wrote it, which knew of one kind alone. */
static const char *as_written(const char *owner, bool by_0_1_0, struct arena *a)
{
    return owner && !by_0_1_0 ? arena_printf(a, KIND "/%s", owner) : owner;
}

static struct json_object *child(const struct links *links, bool by_0_1_0, struct arena *a)
{
    struct json_object *object =
        arena_json(a, json_build("{kind: 'Secret', metadata: {namespace: 'ci', name: 'builds-runner-config', uid: 'u', "
                                 "resourceVersion: '2', annotations: {}}}"));
    struct json_object *annotations = json_get(object, "metadata.annotations");

    json_put_member(annotations, ANNOTATION_OWNER, as_written(links->owner, by_0_1_0, a));
    json_put_member(annotations, ANNOTATION_OWNER_UID, links->uid);
    if (links->kind)
        json_set(json_get(object, "metadata"), "ownerReferences",
                 json_build("[{apiVersion: %s, kind: %s, name: %s, uid: %s, controller: true}]", API_VERSION,
                            links->kind, links->name, links->reference));
    return object;
}

static const char *owner_key(const char *path, struct arena *a)
{
    return *path ? arena_printf(a, KIND "/%s", path) : "";
}

static void a_child_is_known_by_either_link(void **state)
{
    struct arena a cleanup_arena = {0};
    struct store *store = with_runner(&a);

    (void)state;
    for (size_t i = 0; i < 2 * ARRAY_LEN(cases); i++) {
        const struct links *c = &cases[i / 2];
        struct record record = kind_record(KIND_SECRET, child(c, i % 2, &a), store, &a);
        if (strcmp(record.owner, owner_key(c->expected_owner, &a)) != 0 ||
            strcmp(record.owner_uid, c->expected_uid ? c->expected_uid : "") != 0)
            fail_msg("%s: it is %s's, %s", c->what, record.owner, record.owner_uid);
    }
    store_destroy(store);
}

static void an_owner_of_another_kind_is_none(void **state)
{
    static const char *const texts[] = {"Manager/ci/builds", "gitlabrunner/ci/builds", "/ci/builds",
                                        "GitLabRunner/GitLabRunner/ci/builds"};
    struct arena a cleanup_arena = {0};
    struct store *store = with_runner(&a);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const struct links links = {.owner = texts[i], .uid = "uid-1"};
        assert_string_equal(kind_record(KIND_SECRET, child(&links, true, &a), store, &a).owner, "");
    }
    store_destroy(store);
}

/* Whatever anybody writes into the annotations of what we never make. */
static void what_is_never_made_has_no_owner(void **state)
{
    static const enum kind kinds[] = {KIND_CONFIG_MAP, KIND_NAMESPACE, KIND_RUNNER};
    struct arena a cleanup_arena = {0};
    struct store *store = with_runner(&a);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++)
        assert_string_equal(kind_record(kinds[i], child(&cases[0], false, &a), store, &a).owner, "");
    store_destroy(store);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A RoleBinding among the jobs, in another namespace: no controller, but a name. */

/* Fields of the annotations that are still ours. */
#define BOTH  "'f:gitlab-runners.dev/owner': {}, 'f:gitlab-runners.dev/owner-uid': {}"
#define OWNER "'f:gitlab-runners.dev/owner': {}"
#define UID   "'f:gitlab-runners.dev/owner-uid': {}"

static const struct {
    const char *what;
    const char *name, *owner, *uid; /* of the object, and its annotations                  */
    const char *manager, *ours;     /* of the fields; NULL: nobody applied it              */
    const char *expected_owner, *expected_uid;
} bindings[] = {
    {"as it was made", "ci.builds-runner", "ci/builds", "uid-1", FIELD_MANAGER, BOTH, "ci/builds", "uid-1"},
    {"another uid", "ci.builds-runner", "ci/builds", "x", FIELD_MANAGER, OWNER, "ci/builds", "uid-1"},
    {"no uid", "ci.builds-runner", "ci/builds", NULL, FIELD_MANAGER, OWNER, "ci/builds", "uid-1"},
    {"another owner", "ci.builds-runner", "ci/x", "uid-1", FIELD_MANAGER, UID, "ci/builds", "uid-1"},
    {"both", "ci.builds-runner", "ci/x", "x", FIELD_MANAGER, "", "ci/builds", "uid-1"},
    {"neither is there", "ci.builds-runner", NULL, NULL, FIELD_MANAGER, "", "ci/builds", "uid-1"},
    {"of a former object", "ci.builds-runner", "ci/builds", "uid-0", FIELD_MANAGER, BOTH, "ci/builds", "uid-0"},
    {"of one, and changed", "ci.builds-runner", "ci/x", "uid-0", FIELD_MANAGER, UID, "ci/x", "uid-0"},
    {"applied by another", "ci.builds-runner", "ci/builds", "x", "kubectl", "", "ci/builds", "x"},
    {"nobody's, of our name", "ci.builds-runner", NULL, NULL, NULL, NULL, "", NULL},
    {"of one that is gone", "ci.another-runner", NULL, NULL, FIELD_MANAGER, "", "ci/another", NULL},
    {"of no name of ours", "ci.builds", NULL, NULL, FIELD_MANAGER, "", "", NULL},
    {"of one that is gone with its namespace", "cj.builds-runner", NULL, NULL, FIELD_MANAGER, "", "cj/builds", NULL},
    {"of one that is gone, and changed", "ci.gone-runner", "ci/x", "x", FIELD_MANAGER, "", "ci/gone", "x"},
    {"without a dot", "builds-runner", NULL, NULL, FIELD_MANAGER, "", "", NULL},
    {"with nothing before the end", "ci.-runner", NULL, NULL, FIELD_MANAGER, "", "", NULL},
};

static struct json_object *binding(size_t i, bool by_0_1_0, struct arena *a)
{
    struct json_object *object = arena_json(a, json_build("{metadata: {namespace: 'jobs', name: %s, uid: 'u', "
                                                          "resourceVersion: '2', annotations: {}}}",
                                                          bindings[i].name));
    struct json_object *annotations = json_get(object, "metadata.annotations");

    json_put_member(annotations, ANNOTATION_OWNER, as_written(bindings[i].owner, by_0_1_0, a));
    json_put_member(annotations, ANNOTATION_OWNER_UID, bindings[i].uid);
    if (!bindings[i].manager)
        return object;
    char *text = arena_printf(a,
                              "[{'manager': '%s', 'operation': 'Apply', 'fieldsV1': {'f:roleRef': {}, 'f:metadata': "
                              "{'f:annotations': {'f:gitlab-runners.dev/applied-hash': {}%s%s}}}}]",
                              bindings[i].manager, *bindings[i].ours ? ", " : "", bindings[i].ours);
    for (char *at = text; (at = strchr(at, '\'')); at++)
        *at = '"';
    struct err err;
    json_set(json_get(object, "metadata"), "managedFields", json_parse(text, strlen(text), &err));
    return object;
}

static void a_binding_among_the_jobs_is_known_by_its_name_if_it_is_ours(void **state)
{
    struct arena a cleanup_arena = {0};
    struct store *store = with_runner(&a);

    (void)state;
    for (size_t n = 0; n < 2 * ARRAY_LEN(bindings); n++) {
        size_t i = n / 2;
        struct record record = kind_record(KIND_ROLE_BINDING, binding(i, n % 2, &a), store, &a);
        const char *wanted = bindings[i].expected_uid;
        if (strcmp(record.owner, owner_key(bindings[i].expected_owner, &a)) != 0 ||
            strcmp(record.owner_uid, wanted ? wanted : "") != 0)
            fail_msg("%s: it is %s's, %s", bindings[i].what, record.owner, record.owner_uid);
    }
    store_destroy(store);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static const struct kept_namespace *kept_of_namespace(struct json_object *object, struct arena *a)
{
    return kept_of(KIND_NAMESPACE, object, false, a);
}

static void of_a_namespace_what_its_owner_lets_is_kept(void **state)
{
    struct arena a cleanup_arena = {0};
    struct store *store = kinds_store_create();
    struct json_object *object = arena_json(&a, json_build("{kind: 'Namespace', metadata: {name: 'jobs', uid: 'u', "
                                                           "annotations: {}, labels: {}}}"));

    (void)state;
    assert_null(kept_of_namespace(object, &a)->allowed_from);
    assert_null(kept_of_namespace(object, &a)->pod_security);
    json_put_member(json_get(object, "metadata.annotations"), ANNOTATION_ALLOWED_FROM, "ci");
    json_put_member(json_get(object, "metadata.labels"), LABEL_POD_SECURITY, "baseline");
    assert_string_equal(kept_of_namespace(object, &a)->allowed_from, "ci");
    assert_string_equal(kept_of_namespace(object, &a)->pod_security, "baseline");
    store_destroy(store);
}

/* It is no fault of the server, so trying again is of no use. */
static void what_cannot_be_merged_is_invalid(void **state)
{
    static const char body[] =
        "{\"kind\": \"Status\", \"message\": \"failed to create typed patch object (a/b; apps/v1, "
        "Kind=Deployment): .spec.x: expected map\"}",
                      another[] = "{\"kind\": \"Status\", \"message\": \"etcdserver: request timed out\"}";

    (void)state;
    struct err err = kube_classify(500, body, sizeof(body) - 1, 0);
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.reason, "Invalid");
    assert_non_null(strstr(err.text, ".spec.x: expected map"));
    assert_int_equal(kube_classify(500, another, sizeof(another) - 1, 0).kind, ERR_RETRY);
    assert_int_equal(kube_classify(503, body, sizeof(body) - 1, 0).kind, ERR_RETRY);
}

static void a_refusal_says_something(void **state)
{
    static const char *const bodies[] = {"", "{}", "{\"message\": null}", "{\"message\": \"\"}",
                                         "{\"message\": \"\\u202e\\u200b\"}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(bodies); i++)
        assert_string_equal(kube_classify(409, bodies[i], strlen(bodies[i]), 0).text,
                            "the API server gave no explanation");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What concerns us, and what it counts for */

static void secrets_concern_us_by_name_or_reference(void **state)
{
    const struct reference to[] = {{.kind = KIND_SECRET, .ns = "ci", .name = "gitlab"},
                                   {.kind = KIND_CONFIG_MAP, .ns = "ci", .name = "ca"}};
    struct store *store = kinds_store_create();

    (void)state;
    store_refer(store, KIND "/ci/builds", to, 2);
    assert_true(kind_concerns(KIND_SECRET, "ci", "gitlab", store));
    assert_true(kind_concerns(KIND_CONFIG_MAP, "ci", "ca", store));
    assert_true(kind_concerns(KIND_SECRET, "team", "x-runner-token", store));
    assert_true(kind_concerns(KIND_SECRET, "team", "x-runner-config", store));
    assert_true(kind_concerns(KIND_NAMESPACE, "", "any", store));
    assert_false(kind_concerns(KIND_SECRET, "team", "gitlab", store));
    assert_false(kind_concerns(KIND_SECRET, "ci", "-runner-token", store));
    assert_false(kind_concerns(KIND_SECRET, "ci", "ca", store));
    assert_false(kind_concerns(KIND_CONFIG_MAP, "ci", "x-runner-token", store));
    store_destroy(store);
}

static void keep(struct store *store, enum kind kind, const char *name)
{
    const struct record record = {.ns = "ci", .name = name, .uid = "u", .version = "1", .owner = "", .owner_uid = ""};

    store_put(store, kind, &record);
}

/* However the last who names it lets it go. */
static void what_nobody_names_any_more_is_let_go(void **state)
{
    const struct reference to[] = {{.kind = KIND_SECRET, .ns = "ci", .name = "gitlab"},
                                   {.kind = KIND_CONFIG_MAP, .ns = "ci", .name = "ca"},
                                   {.kind = KIND_SECRET, .ns = "ci", .name = "builds-runner-token"},
                                   {.kind = KIND_NAMESPACE, .ns = "", .name = "ci"}};
    const struct record ns = {.ns = "", .name = "ci", .uid = "u", .version = "1", .owner = "", .owner_uid = ""};

    (void)state;
    for (int how = 0; how < 2; how++) {
        struct store *store = kinds_store_create();
        keep(store, KIND_RUNNER, "builds");
        store_refer(store, KIND "/ci/builds", to, ARRAY_LEN(to));
        store_refer(store, KIND "/ci/other", to + 1, 1);
        store_put(store, KIND_NAMESPACE, &ns);
        keep(store, KIND_SECRET, "gitlab");
        keep(store, KIND_SECRET, "builds-runner-token");
        keep(store, KIND_CONFIG_MAP, "ca");
        if (how == 0)
            store_remove(store, KIND_RUNNER, "ci", "builds");
        else
            store_refer(store, KIND "/ci/builds", NULL, 0);
        assert_null(store_get(store, KIND_SECRET, "ci", "gitlab"));
        assert_non_null(store_get(store, KIND_CONFIG_MAP, "ci", "ca"));
        store_refer(store, KIND "/ci/other", to, 1);
        assert_null(store_get(store, KIND_CONFIG_MAP, "ci", "ca"));
        assert_false(store_knows(store, KIND_SECRET, "ci", "gitlab"));               /* it is to be read */
        assert_non_null(store_get(store, KIND_SECRET, "ci", "builds-runner-token")); /* a successor may want it */
        assert_non_null(store_get(store, KIND_NAMESPACE, "", "ci"));                 /* all are kept */
        store_destroy(store);
    }
}

static void a_runner_refers_to_what_its_spec_names(void **state)
{
    struct arena a cleanup_arena = {0};
    struct reference to[REFERENCES_MAX];
    struct json_object *runner = arena_json(
        &a, json_build("{metadata: {namespace: 'ci', name: 'builds'}, spec: {namespace: 'jobs', authentication: "
                       "{runnerTokenSecretRef: {name: 'token'}}, caConfigMapRef: {name: 'ca'}, "
                       "clientCertificateSecretRef: {name: 'client'}, cache: {type: 's3', s3: "
                       "{credentialsSecretRef: {name: 'bucket'}}}}}"));
    static const char *const expected[] = {"Secret ci/token",
                                           "ConfigMap ci/ca",
                                           "Secret ci/client",
                                           "Secret ci/bucket",
                                           "Namespace /ci",
                                           "Namespace /jobs",
                                           "Secret ci/builds-runner-token",
                                           "Secret ci/builds-runner-config"};
    size_t len = kind_references(runner, true, to, &a), n = 0;

    (void)state;
    for (size_t i = 0; i < len; i++)
        if (to[i].name)
            assert_string_equal(arena_printf(&a, "%s %s/%s", kind_resource(to[i].kind)->kind, to[i].ns, to[i].name),
                                expected[n++]);
    assert_int_equal(n, ARRAY_LEN(expected));
    assert_int_equal(kind_references(runner, false, to, &a), len - 2);
    assert_true(kind_references(arena_json(&a, json_build("{spec: 'nonsense'}")), false, to, &a) <= REFERENCES_MAX);
}

static unsigned price(struct store *store, enum kind kind, const char *name, const char *uid, size_t filler,
                      struct arena *a)
{
    char *text = arena_alloc(a, filler + 1);

    srand(7); /* nothing that could be packed */
    for (size_t i = 0; i < filler; i++)
        text[i] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"[rand() % 62];
    struct json_object *object =
        arena_json(a, json_build("{metadata: {namespace: 'ci', name: %s, uid: 'u', resourceVersion: '2', annotations: "
                                 "{'" ANNOTATION_OWNER "': 'ci/builds', '" ANNOTATION_OWNER_UID "': %s, "
                                 "'" ANNOTATION_INPUTS "': %s}}, spec: {x: %s}}",
                                 name, uid, text, text));
    return kind_record(kind, object, store, a).price;
}

static void what_it_counts_for_is_what_it_takes(void **state)
{
    struct arena a cleanup_arena = {0};
    struct store *store = with_runner(&a);

    (void)state;
    /* usual children are free, large ones are not, nor is what only says that it is one */
    assert_int_equal(price(store, KIND_SECRET, "builds-runner-config", "uid-1", 50, &a), 0);
    assert_true(price(store, KIND_SECRET, "builds-runner-config", "uid-1", 2000, &a) > 500);
    assert_true(price(store, KIND_SECRET, "other-runner-config", "uid-1", 50, &a) > 150);
    assert_true(price(store, KIND_SECRET, "builds-runner-config", "uid-2", 50, &a) > 150);
    assert_true(price(store, KIND_SERVICE_ACCOUNT, "builds-runner-config", "uid-1", 50, &a) > 150);
    /* an annotation that is longer than any of ours is not kept */
    assert_int_equal(price(store, KIND_SECRET, "builds-runner-config", "uid-1", 200000, &a), 0);
    /* a runner may grow to the usual size */
    assert_int_equal(price(store, KIND_RUNNER, "x", "", 10, &a), price(store, KIND_RUNNER, "x", "", 500, &a));
    assert_true(price(store, KIND_RUNNER, "x", "", 50000, &a) > price(store, KIND_RUNNER, "x", "", 10, &a) + 20000);
    assert_int_equal(price(store, KIND_NAMESPACE, "x", "", 5000, &a), 0);
    /* its name is in those of all its children */
    assert_true(price(store, KIND_RUNNER, arena_printf(&a, "%0200d", 0), "", 10, &a) >
                price(store, KIND_RUNNER, "x", "", 10, &a) + 1000);
    store_destroy(store);
}

/* Of an object of any kind, be it too large: they tell whose it is, and who may use it. */
static void our_annotations_are_always_looked_at(void **state)
{
    (void)state;
    for (enum kind kind = 0; kind < KIND_COUNT; kind++)
        assert_string_equal(kind_resource(kind)->annotations, GROUP "/*");
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_child_is_known_by_either_link),
        cmocka_unit_test(an_owner_of_another_kind_is_none),
        cmocka_unit_test(what_is_never_made_has_no_owner),
        cmocka_unit_test(a_binding_among_the_jobs_is_known_by_its_name_if_it_is_ours),
        cmocka_unit_test(of_a_namespace_what_its_owner_lets_is_kept),
        cmocka_unit_test(secrets_concern_us_by_name_or_reference),
        cmocka_unit_test(what_nobody_names_any_more_is_let_go),
        cmocka_unit_test(a_runner_refers_to_what_its_spec_names),
        cmocka_unit_test(what_it_counts_for_is_what_it_takes),
        cmocka_unit_test(what_cannot_be_merged_is_invalid),
        cmocka_unit_test(a_refusal_says_something),
        cmocka_unit_test(our_annotations_are_always_looked_at),
    };

    return cmocka_run_group_tests_name("kinds", tests, NULL, NULL);
}
