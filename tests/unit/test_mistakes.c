/* What `validate` says of an object with one mistake, and of one with many: each is named, once. Prints how many it
 * tried. */
#include "mistakes.h"

#include "cli/load.h"
#include "runner/spec.h"

enum { COMBINATIONS = 400, TOGETHER_MAX = 40 };

static void commit(struct json_object *object, struct json_object *schema, const struct mistake *m, struct arena *a)
{
    const char *values = strstr(m->path, ".values[0]");

    make_room(object, schema, m->path, a);
    if (values)
        put(object, arena_printf(a, "%.*s.operator", (int)(values - m->path), m->path), json_object_new_string("In"));
    if (m->out)
        take_out(object, m->path);
    else
        put(object, m->path, json_ref(m->value));
}

static void check(struct json_object *object, struct complaints *all)
{
    const struct loaded item = {"file", object};
    struct spec spec;

    loaded_validate(&item, &spec, all);
}

static const char *lines(const struct complaints *all, struct arena *a)
{
    const char *text = "";

    for (size_t i = 0; i < all->len; i++)
        text = arena_printf(a, "%s\n    %s", text, all->items[i].text);
    return text;
}

static bool is_told(const struct complaints *all, const char *path)
{
    for (size_t i = 0; i < all->len; i++)
        if (all->items[i].path_len == strlen(path) && strncmp(all->items[i].text, path, strlen(path)) == 0)
            return true;
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The mistakes */

/* Those that break a rule of the operator's own: the path, the value (NULL: none), where it is told, if elsewhere, and
 * what else the rule looks at. */
static const struct {
    const char *path, *value, *told, *needs;
} own[] = {
    {"spec.url", "'gitlab.example.com'", NULL, NULL},
    {"spec.url", "'https://user@host'", NULL, NULL},
    {"spec.url", NULL, NULL, NULL},
    {"spec.authentication.registrationTokenSecretRef", "{'name': 'r'}", "spec.authentication", NULL},
    {"spec.authentication.accessTokenSecretRef.key", "''", NULL, NULL},
    {"spec.scope.type", "'Team'", NULL, "spec.scope.groupId"},
    {"spec.scope.type", NULL, NULL, "spec.scope.groupId"},
    {"spec.scope.groupId", "3", NULL, "spec.authentication"},
    {"spec.scope.projectId", "'7'", NULL, "spec.authentication"},
    {"spec.scope.projectId", "0", NULL, "spec.authentication"},
    {"spec.caSecretRef", "{'name': 'n'}", "spec.caConfigMapRef", NULL},
    {"spec.tags[0]", "'a,b'", NULL, NULL},
    {"spec.tags[1]", "' a'", NULL, NULL},
    {"spec.tags", "'a, b'", NULL, NULL},
    {"spec.maintenanceNote", "'gitlab-runners.dev/uid=1'", NULL, NULL},
    {"spec.concurrent", "'4'", NULL, NULL},
    {"spec.logLevel", "'trace'", NULL, NULL},
    {"spec.namespace", "'Jobs'", NULL, NULL},
    {"spec.nodeSelector.gpu", "true", NULL, NULL},
    {"spec.tolerations[0].key", "'a=b'", NULL, NULL},
    {"spec.tolerations[0].value", "'a=b'", NULL, NULL},
    {"spec.tolerations[0].effect", "'Sometimes'", NULL, NULL},
    {"spec.tolerations[1].value", "'x'", NULL, NULL},
    {"spec.tolerations[0].tolerationSeconds", "60", NULL, NULL},
    {"spec.tolerations[3]", "{'key': 'spot', 'operator': 'Exists'}", NULL, "spec.tolerations[1]"},
    {"spec.hostAliases[0].ip", "'10.0.0.256'", NULL, NULL},
    {"spec.hostAliases[0].hostnames", "[]", NULL, NULL},
    {"spec.hostAliases[0].hostnames[1]", "7", NULL, NULL},
    {"spec.volumes[0].mountPath", "'relative'", NULL, NULL},
    {"spec.volumes[0].name", "'logs'", NULL, NULL},
    {"spec.volumes[2].configMap.name", "'a.b'", NULL, NULL},
    {"spec.volumes[3].secret", "{'name': 'sec'}", "spec.volumes[3].secret.name", NULL},
    {"spec.volumes[4].readOnly", "true", NULL, NULL},
    {"spec.volumes[4].emptyDir.sizeLimit", "0.5", NULL, NULL},
    {"spec.volumes[0].hostPath.type", "'Directory'", NULL, NULL},
    {"spec.volumes[6].name", "'v'", "spec.volumes[6]", NULL},
    {"spec.volumes[5].nfs", "{'server': 's', 'path': '/p'}", "spec.volumes[5]", NULL},
    {"spec.resources.requests.gpu", "1", NULL, NULL},
    {"spec.resources.requests.cpu", "0.5", NULL, NULL},
    {"spec.resources.limits.memory", "['1Gi']", NULL, NULL},
    {"spec.manager.resources.requests.cpu", "0.5", NULL, NULL},
    {"spec.pullPolicy[1]", "'if-not-present'", NULL, NULL},
    {"spec.imagePullSecrets[0].name", NULL, NULL, NULL},
    {"spec.environment[0].name", "'A=B'", NULL, NULL},
    {"spec.environment[0].value", "true", NULL, NULL},
    {"spec.environment[0].valueFrom", "{'secretKeyRef': {'name': 's', 'key': 'k'}}", NULL, NULL},
    {"spec.podLabels.n", "1", NULL, NULL},
    {"spec.cache.gcs", "{'bucketName': 'b'}", NULL, "spec.cache.type"},
    {"spec.cache.s3.bucketName", NULL, NULL, "spec.cache.type"},
    {"spec.cache.s3.authenticationType", "'keys'", NULL, "spec.cache.type"},
    {"spec.cache.s3.credentialsSecretRef.name", NULL, NULL, "spec.cache.type"},
    {"spec.proxy.httpProxy", "'ftp://proxy:3128'", NULL, NULL},
    {"spec.proxy.httpsProxy", "'http://user:password@proxy:3128'", NULL, NULL},
    {"spec.proxy.noProxy[0]", "'a,b'", NULL, NULL},
    {"spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution", "[{'labelSelector': {}}]",
     "spec.affinity.podAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKey", NULL},
    {"spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight", "101", NULL, NULL},
    {"spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].topologyKeys", "'zone'", NULL,
     NULL},
    {"spec.manager.env[0].name", "'HOME'", NULL, NULL},
    {"spec.manager.podDisruptionBudget.maxUnavailable", "1", "spec.manager.podDisruptionBudget", NULL},
    {"spec.manager.podDisruptionBudget.minAvailable", "'half'", NULL, NULL},
    {"spec.manager.podSpec.restartPolicy", "'Never'", NULL, NULL},
    {"spec.manager.podSpec.volumes[0].name", "'config'", "spec.manager.podSpec.volumes[0]", NULL},
    {"spec.manager.podSpec.volumes[1].name", "7", NULL, NULL},
    {"spec.manager.podSpec.containers[0].command", "['sh']", NULL, "spec.manager.podSpec.containers[0].name"},
    {"spec.manager.podSpec.containers[0].env[0].name", "'POD_UID'", "spec.manager.podSpec.containers[0].env[0]",
     "spec.manager.podSpec.containers[0].name"},
    {"spec.config.concurrent", "20", NULL, NULL},
    {"spec.config.listen_address", "':9000'", NULL, NULL},
    {"spec.config.shutdown_timeout", "'30'", NULL, NULL},
    {"spec.config.sentry_dsn", "5", NULL, NULL},
    {"spec.config.unknown", "null", NULL, NULL},
    {"spec.config.labels.ab", "'x'", NULL, NULL},
    {"spec.config.labels.site", "'x y'", NULL, NULL},
    {"spec.config.log_format", "'json'", NULL, "spec.logFormat"},
    {"spec.config.session_server", "'0.0.0.0:8093'", NULL, NULL},
    {"spec.config.runners.Limit", "2", NULL, NULL},
    {"spec.config.runners.url", "'https://x'", NULL, NULL},
    {"spec.config.runners.docker", "{'image': 'x'}", NULL, NULL},
    {"spec.config.runners.unhealthy_interval", "60", NULL, NULL},
    {"spec.config.runners.feature_flags.FF_X", "'true'", NULL, NULL},
    {"spec.config.runners.kubernetes.image", "'x'", NULL, NULL},
    {"spec.config.runners.kubernetes.poll_timeout", "'180'", NULL, NULL},
    {"spec.config.runners.kubernetes.host", "'https://x'", NULL, NULL},
    {"spec.config.runners.kubernetes.services[0].command", "'x'", NULL, NULL},
    {"spec.config.runners.kubernetes.cpu_request", "'1'", NULL, "spec.resources"},
    {"spec.frobnicate", "1", NULL, NULL},
    {"spec.manager.frobnicate", "1", NULL, NULL},
};

static struct json_object *quoted_value(const char *text, struct arena *a)
{
    return json_get(quoted_json(arena_printf(a, "{'value': %s}", text), a), "value");
}

static void collect(struct mistakes *m, struct json_object *schema)
{
    for (size_t i = 0; i < ARRAY_LEN(own); i++) {
        struct json_object *value = own[i].value ? quoted_value(own[i].value, m->a) : NULL;
        add_mistake(m, own[i].path, own[i].told ? own[i].told : own[i].path, json_ref(value), !own[i].value);
        m->items[m->len - 1].as_it_is = true;
        m->items[m->len - 1].needs = own[i].needs;
    }
    mistakes_in(m, json_get(schema, "properties.spec"), "spec");
}

static struct mistakes *all_mistakes(struct json_object *schema, struct arena *a)
{
    struct mistakes *m = arena_alloc(a, sizeof(*m));

    m->a = a;
    collect(m, schema);
    return m;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The tests */

static void each_mistake_is_told_once(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *schema = schema_read(&a);
    const struct mistakes *m = all_mistakes(schema, &a);
    size_t wrong = 0;

    (void)state;
    for (size_t i = 0; i < m->len; i++) {
        struct arena turn cleanup_arena = {0};
        struct complaints all = {.a = &turn};
        const struct mistake *it = &m->items[i];
        struct json_object *object = it->as_it_is ? arena_json(&turn, json_copy(fullest())) : base_for(it->path, &turn);
        commit(object, schema, &m->items[i], &turn);
        check(object, &all);
        if (all.len == 1 && is_told(&all, m->items[i].told))
            continue;
        wrong++;
        print_message("%s%s%s:%s\n", m->items[i].path, m->items[i].out ? " taken out" : " = ",
                      m->items[i].out ? "" : json_text(m->items[i].value), lines(&all, &turn));
    }
    print_message("single mistakes: %zu, of which by hand: %zu\n", m->len, ARRAY_LEN(own));
    assert_int_equal(wrong, 0);
    assert_true(m->len > 600 && ARRAY_LEN(own) >= 60);
}

/* A generator of numbers (splitmix64): the same ones each time. */
static uint64_t next_number(uint64_t *seed)
{
    uint64_t z = (*seed += 0x9e3779b97f4a7c15);

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9;
    z = (z ^ (z >> 27)) * 0x94d049bb133111eb;
    return z ^ (z >> 31);
}

static bool are_near(const char *one, const char *other)
{
    return one && other && (leads_into(one, other) || leads_into(other, one));
}

/* Whether neither of the two has to do with the other. */
static bool are_apart(const struct mistake *one, const struct mistake *other)
{
    return !are_near(one->told, other->told) && !are_near(one->path, other->path) &&
           !are_near(one->needs, other->path) && !are_near(one->path, other->needs);
}

static bool is_apart(const struct mistake *const *chosen, size_t len, const struct mistake *next)
{
    if ((!next->as_it_is && room_for(next->path)) || strstr(next->path, ".values[0]"))
        return false;
    for (size_t i = 0; i < len; i++)
        if (!are_apart(chosen[i], next))
            return false;
    return true;
}

static size_t choose(const struct mistakes *m, uint64_t *seed, size_t many, const struct mistake **chosen)
{
    size_t len = 0;

    for (size_t tries = 0; tries < 4 * many && len < many; tries++) {
        const struct mistake *next = &m->items[next_number(seed) % m->len];
        if (is_apart(chosen, len, next))
            chosen[len++] = next;
    }
    return len;
}

static void assert_in_the_order_of_the_object(const struct complaints *all, struct json_object *object)
{
    struct complaints again = *all;

    complaints_settle(&again, object);
    assert_memory_equal(again.items, all->items, all->len * sizeof(*all->items));
}

static void mistakes_together_are_all_told(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *schema = schema_read(&a);
    const struct mistakes *m = all_mistakes(schema, &a);
    size_t made = 0, told = 0;
    uint64_t seed = 16;

    (void)state;
    for (size_t n = 0; n < COMBINATIONS; n++) {
        struct arena turn cleanup_arena = {0};
        const struct mistake *chosen[TOGETHER_MAX];
        struct complaints all = {.a = &turn};
        size_t len = choose(m, &seed, 1 + n % TOGETHER_MAX, chosen);
        struct json_object *object = arena_json(&turn, json_copy(fullest()));
        for (size_t i = 0; i < len; i++)
            commit(object, schema, chosen[i], &turn);
        check(object, &all);
        for (size_t i = 0; i < len; i++) {
            made++;
            if (is_told(&all, chosen[i]->told))
                told++;
            else
                print_message("%s = %s is not told among:%s\n", chosen[i]->path, json_text(chosen[i]->value),
                              lines(&all, &turn));
        }
        assert_in_the_order_of_the_object(&all, object);
    }
    print_message("objects: %d, mistakes in them: %zu, told: %zu\n", COMBINATIONS, made, told);
    assert_int_equal(told, made);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What a condition shows of them */

static void a_condition_shows_as_many_as_fit(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *object = read_json(DATA "render/minimal.json", &a), *config = json_object_new_object();
    struct spec spec;
    struct err err = {0};

    (void)state;
    for (int i = 0; i < 300; i++)
        json_object_object_add(config, arena_printf(&a, "k%03d", i), NULL);
    json_object_object_add(json_get(object, "spec"), "config", config);
    assert_false(spec_parse(object, &spec, &a, &err));
    assert_int_equal(err.all->len, COMPLAINTS_MAX);
    assert_int_equal(err.all->left_out, 301 - COMPLAINTS_MAX); /* they are too many, too */
    const char *message = complaints_message(err.all, &a);
    const char *begin =
        "301 errors: (1) spec.config.k000 has no value: give it one, or take it out (2) spec.config.k001 ";
    assert_memory_equal(message, begin, strlen(begin));
    assert_true(strlen(message) <= COMPLAINTS_MESSAGE_MAX && strlen(message) > COMPLAINTS_MESSAGE_MAX - 200);
    assert_non_null(strstr(message, " take it out and "));
    assert_string_equal(message + strlen(message) - strlen(" more: see validate"), " more: see validate");
}

static void one_complaint_stands_for_itself(void **state)
{
    struct arena a cleanup_arena = {0};
    struct complaints all = {.a = &a};

    (void)state;
    complaints_add(&all, "spec.image must be text");
    complaints_add(&all, "spec.image is missing");
    assert_string_equal(complaints_message(&all, &a), "spec.image must be text");
    complaints_add(&all, "spec.images is missing");
    assert_string_equal(complaints_message(&all, &a),
                        "2 errors: (1) spec.image must be text (2) spec.images is missing");
}

/* … that are not there behind those that are. */
static void they_come_in_the_order_of_the_object(void **state)
{
    static const char *const ordered[] = {
        "spec.volumes[1].name is wrong",
        "spec.volumes[1].mountPath is wrong",
        "spec.volumes[1].nfs is missing",
        "spec.volumes[2].name is wrong",
        "spec.podLabels.a.b/c is wrong",
        "spec.podLabels.a is wrong",
        "spec.podLabels.a.b/c/d is not known",
        "spec.image is wrong",
        "spec.tags is missing",
    };
    struct arena a cleanup_arena = {0};
    struct json_object *object = quoted_json("{'spec': {'volumes': [{}, {'name': 1, 'mountPath': 1}, {'name': 1}], "
                                             "'podLabels': {'a.b/c': 1, 'a': 1}, 'image': 1}}",
                                             &a);

    (void)state;
    for (size_t first = 0; first < ARRAY_LEN(ordered); first++) {
        struct complaints all = {.a = &a};
        for (size_t i = ARRAY_LEN(ordered); i > 0; i--)
            complaints_add(&all, ordered[(first + i) % ARRAY_LEN(ordered)]);
        complaints_settle(&all, object);
        for (size_t i = 0; i < ARRAY_LEN(ordered); i++)
            assert_string_equal(all.items[i].text, ordered[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_mistake_is_told_once),
        cmocka_unit_test(mistakes_together_are_all_told),
        cmocka_unit_test(a_condition_shows_as_many_as_fit),
        cmocka_unit_test(one_complaint_stands_for_itself),
        cmocka_unit_test(they_come_in_the_order_of_the_object),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
