/* What a GitLabRunner leads to. The goldens in tests/data/render/ show it in full; the tests beside them say what must
 * hold whatever the golden files are. */
#include "golden.h"

#include "base/digest.h"
#include "base/mem.h"
#include "runner/names.h"
#include "runner/render_parts.h"
#include "runner/rights.h"
#include "runner/spec.h"

static const struct render_settings settings = {.manager_image = "gitlab/gitlab-runner:alpine-v19.4.0"};
static const struct config_inputs nothing_known;

/* One object, read. */
struct world {
    struct arena a;
    struct json_object *object;
    struct owner owner;
    struct spec spec;
};

static void parse(struct world *w)
{
    struct err err = {0};

    w->owner = owner_of(w->object);
    if (!spec_parse(w->object, &w->spec, &w->a, &err))
        fail_msg("%s", err.text);
}

static struct world *world_of(const char *name)
{
    struct world *w = mem_alloc(sizeof(*w));

    w->object = read_json(arena_printf(&w->a, DATA "render/%s.json", name), &w->a);
    parse(w);
    return w;
}

static void end_world(struct world **w)
{
    arena_finish(&(*w)->a);
    free(*w);
}
#define cleanup_world __attribute__((cleanup(end_world)))

static struct json_object *child_of(struct world *w, enum child child)
{
    return render_child(child, &w->owner, &w->spec, &settings, &w->a);
}

static const char *hash_of(struct world *w, enum child child)
{
    return manifest_hash(child_of(w, child));
}

static struct json_object *pod_of(struct world *w)
{
    return json_get(child_of(w, CHILD_DEPLOYMENT), "spec.template.spec");
}

static const struct registration a_registration = {
    .runner_id = 42,
    .url = "https://gitlab.example.com",
    .authentication = "AccessToken",
    .scope = "Project/7",
    .told_hash = "0123456789abcdef",
    .expiration = "2027-01-02T03:04:05Z",
};

/* ------------------------------------------------------------------------------------------------------------------
 * Goldens.
 */
static void is_rendered_as_kept(const char *name)
{
    static const char *const files[] = {
        [CHILD_CONFIG_SECRET] = "config-secret",         [CHILD_SERVICE_ACCOUNT] = "service-account",
        [CHILD_ROLE_BINDING] = "role-binding",           [CHILD_DEPLOYMENT] = "deployment",
        [CHILD_DISRUPTION_BUDGET] = "disruption-budget",
    };
    const struct config_inputs golden = {.token = "glrt-golden"};
    struct world *w cleanup_world = world_of(name);
    struct arena *a = &w->a;

    assert_golden(arena_printf(a, DATA "render/%s/config.toml", name),
                  render_config_toml(&w->owner, &w->spec, &golden, a));
    assert_golden(arena_printf(a, DATA "render/%s/token-secret.json", name),
                  pretty(render_token_secret(&w->owner, &a_registration, a), a));
    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
        if (child_wanted(child, &w->spec))
            assert_golden(arena_printf(a, DATA "render/%s/%s.json", name, files[child]), pretty(child_of(w, child), a));
}

static void renders_the_least_object_as_kept(void **state)
{
    (void)state;
    is_rendered_as_kept("minimal");
}

static void renders_the_fullest_object_as_kept(void **state)
{
    (void)state;
    is_rendered_as_kept("full");
}

/* ------------------------------------------------------------------------------------------------------------------
 * Fingerprints.
 */
static void equal_input_gives_equal_bytes(void **state)
{
    struct world *w1 cleanup_world = world_of("full"), *w2 cleanup_world = world_of("full");

    (void)state;
    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
        assert_string_equal(json_text(child_of(w1, child)), json_text(child_of(w2, child)));
}

/* The API server gives maps back in another order than the one in which a file has them. */
static void the_order_of_keys_is_no_change(void **state)
{
    struct world *w1 cleanup_world = world_of("full"), *w2 cleanup_world = world_of("full");

    (void)state;
    w2->object = arena_json(&w2->a, json_sorted(w2->object));
    parse(w2);
    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
        assert_string_equal(hash_of(w1, child), hash_of(w2, child));
}

static void the_hash_knows_neither_token_nor_ca_nor_inputs(void **state)
{
    const struct config_inputs in = {.token = "glrt-secret", .ca_pem = "PEM", .inputs = "token=7 ca=8"};
    struct world *w cleanup_world = world_of("full");
    struct json_object *known = render_config_secret(&w->owner, &w->spec, &in, &w->a);

    (void)state;
    assert_string_equal(manifest_hash(known), hash_of(w, CHILD_CONFIG_SECRET));

    struct registration r = a_registration;
    struct json_object *token_secret = render_token_secret(&w->owner, &r, &w->a);
    r.token = "glrt-secret";
    r.inputs = "9";
    assert_string_equal(manifest_hash(render_token_secret(&w->owner, &r, &w->a)), manifest_hash(token_secret));
    r.runner_id = 43;
    assert_string_not_equal(manifest_hash(render_token_secret(&w->owner, &r, &w->a)), manifest_hash(token_secret));
}

/* ------------------------------------------------------------------------------------------------------------------
 * What changes what.
 */

/* Every field of config.toml reaches the config Secret and nothing else: no manager is restarted for it. */
static void a_change_of_config_leaves_the_deployment_alone(void **state)
{
    static const struct {
        const char *path, *value;
    } changes[] = {
        {"spec.concurrent", "7"},
        {"spec.checkIntervalSeconds", "9"},
        {"spec.logLevel", "\"debug\""},
        {"spec.image", "\"alpine\""},
        {"spec.helperImage", "\"h\""},
        {"spec.nodeSelector", "{\"role\": \"ci\"}"},
        {"spec.tolerations", "[]"},
        {"spec.affinity", "{}"},
        {"spec.cache", "{\"type\": \"gcs\", \"gcs\": {\"bucketName\": \"b\"}}"},
        {"spec.volumes", "[]"},
        {"spec.privileged", "false"},
        {"spec.pullPolicy", "[\"Never\"]"},
        {"spec.podLabels", "{}"},
        {"spec.podAnnotations", "{}"},
        {"spec.environment", "[]"},
        {"spec.resources", "{}"},
        {"spec.imagePullSecrets", "[]"},
        {"spec.serviceAccountName", "\"x\""},
        {"spec.url", "\"https://other.example.com\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(changes); i++) {
        struct world *w cleanup_world = world_of("full");
        const char *deployment = hash_of(w, CHILD_DEPLOYMENT), *config = hash_of(w, CHILD_CONFIG_SECRET);
        struct err err = {0};
        json_set(w->object, changes[i].path, json_parse(changes[i].value, strlen(changes[i].value), &err));
        parse(w);
        assert_string_equal(hash_of(w, CHILD_DEPLOYMENT), deployment);
        if (strcmp(hash_of(w, CHILD_CONFIG_SECRET), config) == 0)
            fail_msg("config.toml does not show a change of %s", changes[i].path);
    }
}

/* Labels by which a Deployment selects cannot be changed, so nothing of the spec may be among them. */
static void the_selector_depends_on_the_name_alone(void **state)
{
    struct world *w1 cleanup_world = world_of("minimal"), *w2 cleanup_world = world_of("full");

    (void)state;
    w2->owner.name = w1->owner.name;
    struct json_object *selector = json_get(child_of(w1, CHILD_DEPLOYMENT), "spec.selector.matchLabels");
    struct json_object *deployment = child_of(w2, CHILD_DEPLOYMENT);
    assert_true(json_same(selector, json_get(deployment, "spec.selector.matchLabels")));
    json_each (it, selector)
        assert_true(json_same(it.value, json_member(json_get(deployment, "spec.template.metadata.labels"), it.key)));
    assert_string_equal(selector_text(&w1->owner, &w1->a),
                        "app.kubernetes.io/name=gitlab-runner,gitlab-runners.dev/runner=builds");
}

/* ------------------------------------------------------------------------------------------------------------------
 * Names and owners.
 */
static void a_long_name_is_cut_in_labels_only(void **state)
{
    struct world *w cleanup_world = world_of("minimal");
    char name[201], other[201];

    (void)state;
    memset(name, 'n', 200);
    name[200] = '\0';
    memcpy(other, name, sizeof(name));
    other[199] = 'x';
    w->owner.name = name;
    struct json_object *labels = json_get(child_of(w, CHILD_SERVICE_ACCOUNT), "metadata.labels");
    w->owner.name = other;
    struct json_object *others = json_get(child_of(w, CHILD_SERVICE_ACCOUNT), "metadata.labels");
    const char *label = json_object_get_string(json_member(labels, LABEL_RUNNER));
    assert_int_equal(strlen(label), 63);
    assert_string_not_equal(label, json_object_get_string(json_member(others, LABEL_RUNNER)));
    assert_int_equal(strlen(child_name(CHILD_DEPLOYMENT, &w->owner, &w->a)), 207);
}

static bool has_owner_reference(struct world *w, enum child child)
{
    return json_len(json_get(child_of(w, child), "metadata.ownerReferences")) == 1;
}

/* An owner reference into another namespace makes the garbage collector delete the object. */
static void only_children_beside_their_owner_refer_to_it(void **state)
{
    struct world *near cleanup_world = world_of("minimal"), *far cleanup_world = world_of("full");

    (void)state;
    assert_string_equal(child_namespace(CHILD_ROLE_BINDING, &near->owner, &near->spec), "ci");
    assert_string_equal(child_namespace(CHILD_ROLE_BINDING, &far->owner, &far->spec), "jobs");
    assert_true(has_owner_reference(near, CHILD_ROLE_BINDING));
    assert_false(has_owner_reference(far, CHILD_ROLE_BINDING));
    assert_true(has_owner_reference(far, CHILD_DEPLOYMENT));
    far->owner.uid = NULL;
    assert_false(has_owner_reference(far, CHILD_DEPLOYMENT));
}

static void no_two_owners_share_a_role_binding(void **state)
{
    static const struct owner owners[] = {{"a", "b.c", NULL}, {"a", "b-c", NULL}, {"a-b", "c", NULL}, {"a", "b", NULL}};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(owners); i++)
        for (size_t n = 0; n < i; n++)
            for (enum child one = CHILD_ROLE_BINDING; one <= CHILD_LAST_FEATURE_BINDING; one++)
                for (enum child other = CHILD_ROLE_BINDING; other <= CHILD_LAST_FEATURE_BINDING; other++)
                    assert_string_not_equal(child_name(one, &owners[i], &a), child_name(other, &owners[n], &a));
}

static void what_is_made_follows_from_the_spec(void **state)
{
    struct world *w1 cleanup_world = world_of("minimal"), *w2 cleanup_world = world_of("full");

    (void)state;
    for (enum child child = 0; child < CHILD_COUNT; child++) {
        bool special = child == CHILD_JOBS_ACCOUNT || (child_is_binding(child) && child != CHILD_ROLE_BINDING);
        assert_int_equal(child_wanted(child, &w1->spec), child != CHILD_DISRUPTION_BUDGET && !special);
        assert_int_equal(child_wanted(child, &w2->spec), child != CHILD_SERVICE_ACCOUNT && !special);
    }
    assert_string_equal(json_str(pod_of(w1), "serviceAccountName"), "builds-runner");
    assert_string_equal(json_str(pod_of(w2), "serviceAccountName"), "runner");
}

/* Each RoleBinding says whose it is, and that of one feature is not taken for another's. */
static void a_role_binding_tells_its_owner(void **state)
{
    const struct owner owner = {.ns = "ci", .name = "builds-runner"};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (enum child child = CHILD_ROLE_BINDING; child <= CHILD_LAST_FEATURE_BINDING; child++)
        assert_string_equal(role_binding_owner(child_name(child, &owner, &a), &a), KIND "/ci/builds-runner");
    assert_null(role_binding_owner("ci.-runner-autoscaler", &a));
    assert_null(role_binding_owner("ci.builds-runner-else", &a));
}

/* Of the longest namespaces and names, too; then the annotations alone say whose it is. */
static void a_role_binding_has_a_name_that_an_object_may_have(void **state)
{
    char ns[64] = {0}, name[201] = {0}, other[201] = {0};
    const struct owner owner = {.ns = ns, .name = name}, next = {.ns = ns, .name = other};
    struct arena a cleanup_arena = {0};

    (void)state;
    memset(ns, 's', sizeof(ns) - 1);
    memset(name, 'n', sizeof(name) - 1);
    memcpy(other, name, sizeof(name));
    other[199] = 'x';
    for (enum child child = CHILD_ROLE_BINDING; child <= CHILD_LAST_FEATURE_BINDING; child++) {
        const char *cut = child_name(child, &owner, &a);
        assert_int_equal(strlen(cut), 253);
        assert_null(role_binding_owner(cut, &a));
        assert_string_equal(child_name(child, &owner, &a), cut);
        assert_string_not_equal(child_name(child, &next, &a), cut);
    }
    name[182] = '\0'; /* and no change of what fits */
    assert_int_equal(strlen(child_name(CHILD_ROLE_BINDING, &owner, &a)), 253);
    assert_non_null(role_binding_owner(child_name(CHILD_ROLE_BINDING, &owner, &a), &a));
}

/* The least object with members of its spec set. */
static struct world *world_with(const char *members)
{
    struct world *w = world_of("minimal");

    json_each (it, quoted_json(members, &w->a))
        json_set(json_get(w->object, "spec"), it.key, json_copy(it.value));
    parse(w);
    return w;
}

/* A setting that needs more rights brings a RoleBinding of its own, or none. */
static void rights_follow_what_config_asks_for(void **state)
{
#define SUSPENDABLE(value) "{'environment': [{'name': 'FF_SUSPENDABLE_ENVIRONMENTS', 'value': '" value "'}]}"
    static const struct {
        const char *spec;
        int feature; /* -1: none */
    } rows[] = {
        {"{}", -1},
        {SUSPENDABLE("true"), FEATURE_SUSPENDABLE_ENVIRONMENTS},
        {SUSPENDABLE("1"), FEATURE_SUSPENDABLE_ENVIRONMENTS},
        {SUSPENDABLE("yes"), -1},
        {SUSPENDABLE("false"), -1},
        {"{'environment': [{'name': 'FF_OTHER', 'value': 'true'}]}", -1},
        {"{'config': {'runners': {'feature_flags': {'FF_SUSPENDABLE_ENVIRONMENTS': true}}}}",
         FEATURE_SUSPENDABLE_ENVIRONMENTS},
        {"{'config': {'runners': {'feature_flags': {'FF_SUSPENDABLE_ENVIRONMENTS': false}}}, 'environment': [{'name': "
         "'FF_SUSPENDABLE_ENVIRONMENTS', 'value': 'true'}]}",
         -1}, /* before the environment */
        {"{'config': {'runners': {'kubernetes': {'pod_disruption_budget': true}}}}", FEATURE_POD_DISRUPTION_BUDGET},
        {"{'config': {'runners': {'kubernetes': {'pod_disruption_budget': false}}}}", -1},
        {"{'config': {'runners': {'kubernetes': {'autoscaler': {}}}}}", -1},
        {"{'environment': [{'name': 'autoscaler', 'value': 'true'}]}", -1},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        struct world *w cleanup_world = world_with(rows[i].spec);
        for (int feature = 0; feature < FEATURE_COUNT; feature++)
            if (feature_is_wanted((enum feature)feature, &w->spec) != (feature == rows[i].feature))
                fail_msg("%s: %d", rows[i].spec, feature);
    }
}

static void the_deployment_is_as_the_spec_says(void **state)
{
    static const struct {
        const char *deployment, *path, *value; /* NULL: not there */
    } rows[] = {
        {"{}", "spec.strategy", "{'type': 'RollingUpdate', 'rollingUpdate': {'maxSurge': 1, 'maxUnavailable': 0}}"},
        {"{}", "spec.minReadySeconds", NULL},
        {"{}", "spec.progressDeadlineSeconds", NULL},
        {"{}", "spec.revisionHistoryLimit", "2"},
        {"{'minReadySeconds': 0, 'progressDeadlineSeconds': 1, 'revisionHistoryLimit': 0}", "spec.minReadySeconds",
         "0"},
        {"{'minReadySeconds': 0, 'progressDeadlineSeconds': 1, 'revisionHistoryLimit': 0}",
         "spec.progressDeadlineSeconds", "1"},
        {"{'minReadySeconds': 0, 'progressDeadlineSeconds': 1, 'revisionHistoryLimit': 0}", "spec.revisionHistoryLimit",
         "0"},
        {"{'strategy': {'type': 'Recreate'}}", "spec.strategy", "{'type': 'Recreate'}"},
        {"{'strategy': {'type': 'RollingUpdate', 'rollingUpdate': {'maxUnavailable': '50%'}}}", "spec.strategy",
         "{'type': 'RollingUpdate', 'rollingUpdate': {'maxSurge': 1, 'maxUnavailable': '50%'}}"},
        {"{'strategy': {'rollingUpdate': {'maxSurge': 2}}}", "spec.strategy.rollingUpdate",
         "{'maxSurge': 2, 'maxUnavailable': 0}"},
        {"{'labels': {'team': 'a'}}", "metadata.labels.team", "'a'"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        cleanup_arena struct arena a = {0};
        struct world *w cleanup_world =
            world_with(arena_printf(&a, "{'manager': {'deployment': %s}}", rows[i].deployment));
        struct json_object *found = json_get(child_of(w, CHILD_DEPLOYMENT), rows[i].path);
        struct json_object *wanted =
            rows[i].value ? json_at(quoted_json(arena_printf(&a, "[%s]", rows[i].value), &a), 0) : NULL;
        if (!json_same(found, wanted))
            fail_msg("%s: %s is %s", rows[i].deployment, rows[i].path, json_text(found));
    }
}

/* What a user adds takes the place of nothing that is ours. */
static void labels_of_users_take_the_place_of_none(void **state)
{
    cleanup_arena struct arena a = {0};
    struct json_object *manifest =
        quoted_json("{'metadata': {'labels': {'ours': '1'}, 'annotations': {'ours': '2'}}}", &a);

    (void)state;
    render_add_metadata(manifest, quoted_json("{'ours': 'x', 'theirs': '3'}", &a),
                        quoted_json("{'ours': 'x', 'theirs': '4'}", &a));
    assert_true(json_same(manifest, quoted_json("{'metadata': {'labels': {'ours': '1', 'theirs': '3'}, 'annotations': "
                                                "{'ours': '2', 'theirs': '4'}}}",
                                                &a)));
}

/* Who has no wish has memory that is enough for the jobs, in few steps. */
static void memory_is_enough_for_the_jobs(void **state)
{
    static const struct {
        int64_t concurrent;
        const char *limit, *soft;
    } rows[] = {{1, "256Mi", "204MiB"},
                {10, "256Mi", "204MiB"},
                {28, "512Mi", "409MiB"},
                {100, "1024Mi", "819MiB"},
                {100000, "524288Mi", "419430MiB"}};
    struct world *w cleanup_world = world_of("minimal");

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        json_set_int(w->object, "spec.concurrent", rows[i].concurrent);
        parse(w);
        struct json_object *container = json_at(json_get(pod_of(w), "containers"), 0);
        assert_string_equal(json_str(container, "resources.limits.memory"), rows[i].limit);
        assert_string_equal(json_str(container, "resources.requests.memory"), "128Mi");
        assert_non_null(strstr(json_text(json_get(container, "env")), rows[i].soft));
    }
    json_set(w->object, "spec.manager.resources", json_object_new_object());
    parse(w);
    struct json_object *container = json_at(json_get(pod_of(w), "containers"), 0);
    assert_null(json_first(json_get(container, "resources")).key);
    assert_null(strstr(json_text(json_get(container, "env")), "GOMEMLIMIT"));
}

/* What is not in the fingerprint: so a Deployment of a former version is no other one. */
static void the_pods_tell_what_they_were_made_for(void **state)
{
    struct world *w cleanup_world = world_of("minimal");
    struct json_object *deployment = child_of(w, CHILD_DEPLOYMENT);
    const char *hash = manifest_hash(deployment);

    (void)state;
    render_deployment_inputs(deployment, NULL, &w->a);
    assert_null(json_get(deployment, "spec.template.metadata.annotations"));
    render_deployment_inputs(deployment, "account=uid-7 restart=2026-01-02T03:04:05Z", &w->a);
    struct json_object *annotations = json_get(deployment, "spec.template.metadata.annotations");
    assert_string_equal(json_string(json_member(annotations, ANNOTATION_ACCOUNT_UID)), "uid-7");
    assert_string_equal(json_string(json_member(annotations, ANNOTATION_RESTART)), "2026-01-02T03:04:05Z");
    assert_string_equal(manifest_hash(deployment), hash);
}

/* A spec is read once for several turns, and rendered in each. */
static void rendering_leaves_the_spec_as_it_is(void **state)
{
    struct world *w cleanup_world = world_of("full");

    (void)state;
    json_set(w->object, "spec.manager.podAnnotations", json_build("{a: b}"));
    json_remove(w->object, "spec.config");
    parse(w);
    struct json_object *before = arena_json(&w->a, json_copy(w->object)), *deployment = child_of(w, CHILD_DEPLOYMENT);
    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
        if (child_wanted(child, &w->spec))
            child_of(w, child);
    render_deployment_inputs(deployment, "account=uid-7 restart=2026-01-02T03:04:05Z", &w->a);
    assert_string_equal(json_text(w->object), json_text(before));
    assert_string_equal(hash_of(w, CHILD_DEPLOYMENT), manifest_hash(deployment));
}

/* ------------------------------------------------------------------------------------------------------------------
 * Secrets and safety.
 */
static const char *decoded(struct json_object *secret, const char *key, struct arena *a)
{
    return base64_decode(json_object_get_string(json_member(json_get(secret, "data"), key)), NULL, a);
}

static void secrets_have_what_is_known(void **state)
{
    struct world *w cleanup_world = world_of("full");
    struct registration r = a_registration;
    struct arena *a = &w->a;

    (void)state;
    r.token = "glrt-secret";
    r.inputs = "9";
    struct json_object *token = render_token_secret(&w->owner, &r, a);
    assert_string_equal(decoded(token, KEY_RUNNER_TOKEN, a), "glrt-secret");
    assert_string_equal(json_object_get_string(json_member(json_get(token, "metadata.annotations"), ANNOTATION_INPUTS)),
                        "9");

    const struct config_inputs in = {.token = "glrt-secret", .ca_pem = "PEM", .inputs = "token=7 ca=8"};
    struct json_object *config = render_config_secret(&w->owner, &w->spec, &in, a);
    assert_string_equal(decoded(config, KEY_CONFIG, a), render_config_toml(&w->owner, &w->spec, &in, a));
    assert_non_null(strstr(decoded(config, KEY_CONFIG, a), "token = \"glrt-secret\""));
    assert_string_equal(decoded(config, KEY_CA, a), "PEM");
}

/* Where the spec names one: beside config.toml, which says where they are. */
static void a_client_certificate_is_beside_config_toml(void **state)
{
    struct world *w cleanup_world = world_of("full");
    struct arena *a = &w->a;
    struct config_inputs in = {.token = "t", .ca_pem = "PEM", .client_cert = "CERT", .client_key = "KEY"};

    (void)state;
    json_set_str(w->object, "spec.clientCertificateSecretRef.name", "client");
    parse(w);
    struct json_object *config = render_config_secret(&w->owner, &w->spec, &in, a);
    const char *toml = decoded(config, KEY_CONFIG, a), *hash = arena_strdup(a, manifest_hash(config));
    assert_non_null(strstr(toml, "tls-cert-file = \"/run/secrets/gitlab-runner/tls.crt\""));
    assert_non_null(strstr(toml, "tls-key-file = \"/run/secrets/gitlab-runner/tls.key\""));
    assert_string_equal(decoded(config, KEY_CLIENT_CERT, a), "CERT");
    assert_string_equal(decoded(config, KEY_CLIENT_KEY, a), "KEY");
    in.client_key = "OTHER";
    assert_string_equal(manifest_hash(render_config_secret(&w->owner, &w->spec, &in, a)), hash);
}

/* A token is in the data of its Secrets and nowhere else, not even in what lies beside it. */
static void no_token_is_outside_of_data(void **state)
{
    struct world *w cleanup_world = world_of("full");
    const struct config_inputs in = {.token = "glrt-secret"};

    (void)state;
    struct json_object *manifest = render_config_secret(&w->owner, &w->spec, &in, &w->a);
    json_object_object_del(manifest, "data");
    assert_null(strstr(json_text(manifest), "glrt-secret"));
    assert_null(strstr(json_text(manifest), "stringData"));
}

/* gitlab-runner would rotate the token on its own if it knew when it expires, and lose the new one with its pod. */
static void config_leaves_out_what_would_harm(void **state)
{
    static const char *const harmful[] = {"token_expires_at", "token_obtained_at", "\n  limit"};
    struct world *w cleanup_world = world_of("full");
    const char *text = render_config_toml(&w->owner, &w->spec, &nothing_known, &w->a);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(harmful); i++)
        assert_null(strstr(text, harmful[i]));
}

/* Values and keys of the user's stay what they are, wherever config.toml has them. */
static void nothing_breaks_out_of_config(void **state)
{
    static const char evil[] = "\"\n[[runners]]\n  url = \"http://evil.example.com\"\n#";
    struct world *w cleanup_world = world_of("full");

    (void)state;
    json_set_str(w->object, "spec.image", evil);
    json_put_member(json_get(w->object, "spec.podLabels"), "evil", evil);
    json_put_member(json_get(w->object, "spec.config.runners"), evil, evil);
    json_set_str(json_at(json_get(w->object, "spec.environment"), 0), "value", evil);
    json_set_str(json_at(json_get(w->object, "spec.volumes"), 0), "mountPath", "/\"\n[[runners]]\n#");
    parse(w);
    const char *text = render_config_toml(&w->owner, &w->spec, &nothing_known, &w->a);
    assert_null(strstr(text, "\n  url = \"http://evil"));
    assert_ptr_equal(strstr(text, "\n[[runners]]\n  name"), strstr(text, "\n[[runners]]"));
    assert_null(strstr(strstr(text, "\n[[runners]]") + 1, "\n[[runners]]"));
}

/* The Pod Security Standard "restricted", for every container there is. */
static void the_manager_is_restricted(void **state)
{
    struct world *w cleanup_world = world_of("full");
    struct json_object *pod = pod_of(w), *containers = json_get(pod, "containers");

    (void)state;
    assert_true(json_bool_or(pod, "securityContext.runAsNonRoot", false));
    assert_string_equal(json_str(pod, "securityContext.seccompProfile.type"), "RuntimeDefault");
    assert_int_equal(json_len(containers), 1);
    struct json_object *security = json_get(json_at(containers, 0), "securityContext");
    assert_false(json_bool_or(security, "allowPrivilegeEscalation", true));
    assert_true(json_bool_or(security, "readOnlyRootFilesystem", false));
    assert_string_equal(json_text(json_get(security, "capabilities.drop")), "[\"ALL\"]");
    assert_null(json_get(pod, "initContainers"));
}

/* The goldens themselves */

static void goldens_are_written_by_1_alone(void **state)
{
    (void)state;
    assert_true(golden_is_updated("1"));
    assert_false(golden_is_updated(NULL) || golden_is_updated("") || golden_is_updated("0") || golden_is_updated("10"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goldens_are_written_by_1_alone),
        cmocka_unit_test(renders_the_least_object_as_kept),
        cmocka_unit_test(renders_the_fullest_object_as_kept),
        cmocka_unit_test(equal_input_gives_equal_bytes),
        cmocka_unit_test(the_order_of_keys_is_no_change),
        cmocka_unit_test(the_hash_knows_neither_token_nor_ca_nor_inputs),
        cmocka_unit_test(a_change_of_config_leaves_the_deployment_alone),
        cmocka_unit_test(the_selector_depends_on_the_name_alone),
        cmocka_unit_test(a_long_name_is_cut_in_labels_only),
        cmocka_unit_test(only_children_beside_their_owner_refer_to_it),
        cmocka_unit_test(no_two_owners_share_a_role_binding),
        cmocka_unit_test(what_is_made_follows_from_the_spec),
        cmocka_unit_test(a_role_binding_tells_its_owner),
        cmocka_unit_test(a_role_binding_has_a_name_that_an_object_may_have),
        cmocka_unit_test(rights_follow_what_config_asks_for),
        cmocka_unit_test(the_deployment_is_as_the_spec_says),
        cmocka_unit_test(labels_of_users_take_the_place_of_none),
        cmocka_unit_test(memory_is_enough_for_the_jobs),
        cmocka_unit_test(the_pods_tell_what_they_were_made_for),
        cmocka_unit_test(rendering_leaves_the_spec_as_it_is),
        cmocka_unit_test(secrets_have_what_is_known),
        cmocka_unit_test(a_client_certificate_is_beside_config_toml),
        cmocka_unit_test(no_token_is_outside_of_data),
        cmocka_unit_test(config_leaves_out_what_would_harm),
        cmocka_unit_test(nothing_breaks_out_of_config),
        cmocka_unit_test(the_manager_is_restricted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
