/* spec.config. tests/data/config/refused.json has what is refused, with the words that a person sees; accepted.json
 * what is not, with what is said about keys that gitlab-runner does not know. A new case leaves `error` or `report`
 * out, and UPDATE_GOLDEN=1 writes it. */
#include "golden.h"

#include "base/buf.h"
#include "base/mem.h"
#include "runner/complaints.h"
#include "runner/config_keys.h"
#include "runner/extra_config.h"
#include "runner/extra_config_parts.h"
#include "runner/render.h"

/* The least object with these members in its spec. */
static struct json_object *object_with(struct json_object *spec, struct arena *a)
{
    struct json_object *object = read_json(DATA "render/minimal.json", a);

    json_each (it, spec)
        json_object_object_add(json_get(object, "spec"), it.key, json_copy(it.value));
    return object;
}

static struct json_object *from_text(const char *text, struct arena *a)
{
    struct err err = {0};
    struct json_object *json = json_parse(text, strlen(text), &err);

    if (!json)
        fail_msg("%s: %s", text, err.text);
    return arena_json(a, json);
}

/* The object with a config written as JSON. */
static struct json_object *with_config(const char *config, struct arena *a)
{
    return object_with(from_text(arena_printf(a, "{\"config\":%s}", config), a), a);
}

static struct spec parse(struct json_object *object, struct arena *a)
{
    struct err err = {0};
    struct spec spec;

    if (!spec_parse(object, &spec, a, &err))
        fail_msg("%s: %s", json_text(json_get(object, "spec.config")), err.text);
    return spec;
}

/* The words of the refusal, NULL when it is none. */
static const char *refusal_of(struct json_object *object, struct arena *a)
{
    struct err err = {0};
    struct spec spec;

    if (spec_parse(object, &spec, a, &err))
        return NULL;
    assert_int_equal(err.kind, ERR_INVALID);
    assert_string_equal(err.reason, "InvalidSpec");
    if (err.all->len != 1)
        fail_msg("%s", complaints_message(err.all, a));
    return arena_strdup(a, err.text);
}

static const char *lines_of(struct json_object *cases, struct arena *a)
{
    const char *text = "[\n";

    for (size_t i = 0; i < json_len(cases); i++)
        text = arena_printf(a, "%s  %s%s\n", text, json_text(json_at(cases, i)), i + 1 < json_len(cases) ? "," : "");
    return arena_printf(a, "%s]\n", text);
}

static void refuses_each_case_with_its_remedy(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *cases = read_json(DATA "config/refused.json", &a);

    (void)state;
    for (size_t i = 0; i < json_len(cases); i++) {
        const char *error = refusal_of(object_with(json_get(json_at(cases, i), "spec"), &a), &a);
        if (!error)
            fail_msg("accepted: %s", json_text(json_at(cases, i)));
        assert_memory_equal(error, "spec.config", strlen("spec.config"));
        json_set_str(json_at(cases, i), "error", error);
    }
    assert_golden(DATA "config/refused.json", lines_of(cases, &a));
}

static void a_weight_is_an_int32(void **state)
{
    static const char with_weight[] =
        "{\"runners\":{\"kubernetes\":{\"affinity\":{\"node_affinity\":{"
        "\"preferred_during_scheduling_ignored_during_execution\":[{\"weight\":%s,\"preference\":{}}]}}}}}";
    static const struct {
        const char *weight;
        bool taken;
    } cases[] = {{"2147483647", true},   {"-2147483648", true}, {"2147483648", false},
                 {"-2147483649", false}, {"1.5", false},        {"\"1\"", false}};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *error = refusal_of(with_config(arena_printf(&a, with_weight, cases[i].weight), &a), &a);
        if (!error != cases[i].taken)
            fail_msg("%s: %s", cases[i].weight, error ? error : "taken");
    }
}

/* What a field makes is asked of one that is right alone: of no such type nothing can be made. */
static void a_cache_of_no_type_is_left_to_its_shape(void **state)
{
    static const char *const caches[] = {"{}", "{\"type\":\"\"}", "{\"type\":\"ftp\",\"ftp\":{}}", "{\"type\":null}"};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(caches); i++) {
        const char *spec =
            arena_printf(&a, "{\"cache\":%s,\"config\":{\"runners\":{\"cache\":{\"Path\":\"x\"}}}}", caches[i]);
        const char *error = refusal_of(object_with(from_text(spec, &a), &a), &a);
        if (!error)
            fail_msg("accepted: %s", spec);
        assert_memory_equal(error, "spec.cache.type", strlen("spec.cache.type"));
    }
}

static void accepts_each_case_and_reports_what_is_not_known(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *cases = read_json(DATA "config/accepted.json", &a);

    (void)state;
    for (size_t i = 0; i < json_len(cases); i++) {
        struct spec spec = parse(object_with(json_at(cases, i), &a), &a);
        json_set_str(json_at(cases, i), "report", warnings_text(&spec.warnings, WARNINGS_TEXT_MAX, &a));
    }
    assert_golden(DATA "config/accepted.json", lines_of(cases, &a));
}

/* What gitlab-runner itself writes into a config.toml of which nobody has set it: host = "", empty tables, 0. */
static void what_says_nothing_is_passed_over(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *object = with_config(
        "{\"check_interval\": 0, \"shutdown_timeout\": 0, \"runners\": {\"executor\": \"kubernetes\", \"limit\": 2, "
        "\"token_expires_at\": \"0001-01-01T00:00:00Z\", \"cache\": {\"MaxUploadedArchiveSize\": 0, \"s3\": {}}, "
        "\"kubernetes\": {\"host\": \"\", \"image\": \"\", \"privileged\": false, \"volumes\": {}, \"node_selector\": "
        "{}, "
        "\"pull_policy\": [], \"poll_timeout\": 60}}}",
        &a);
    struct spec spec = parse(object, &a);

    (void)state;
    assert_string_equal(json_text(arena_json(&a, json_sorted(spec.config))),
                        "{\"runners\":{\"cache\":{\"MaxUploadedArchiveSize\":0,\"s3\":{}},\"kubernetes\":{\"poll_"
                        "timeout\":60,\"volumes\":{}},\"limit\":2},\"shutdown_timeout\":0}");
    assert_non_null(strstr(spec.config_left_out, "spec.config.runners.kubernetes.host"));
    assert_int_equal(spec.warnings.len, 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Bounds.
 */
static const char *nested(const char *open, const char *close, int depth, struct arena *a)
{
    struct buf text cleanup_buf = {0};

    buf_init(&text, 1 << 16);
    for (int i = 0; i < depth; i++)
        buf_adds(&text, open);
    buf_adds(&text, "1");
    for (int i = 0; i < depth; i++)
        buf_adds(&text, close);
    return arena_strdup(a, text.data);
}

static void bounds_the_depth(void **state)
{
    static const char *const kinds[][2] = {{"{\"x\":", "}"}, {"{\"runners\":", "}"}, {"{\"x\":[", "]}"}};
    struct arena a cleanup_arena = {0};

    (void)state;
    for (int depth = 2; depth < 24; depth++) {
        const char *error = refusal_of(with_config(nested(kinds[0][0], kinds[0][1], depth, &a), &a), &a);
        assert_int_equal(error == NULL, depth <= EXTRA_CONFIG_MAX_DEPTH + 1);
        if (error)
            assert_non_null(strstr(error, " is nested deeper than 16 levels, which no setting of gitlab-runner is"));
    }
    assert_non_null(refusal_of(with_config(nested(kinds[1][0], kinds[1][1], 20, &a), &a), &a));
    assert_null(refusal_of(with_config(nested(kinds[2][0], kinds[2][1], 8, &a), &a), &a));
    assert_non_null(refusal_of(with_config(nested(kinds[2][0], kinds[2][1], 9, &a), &a), &a));
}

static void bounds_the_size(void **state)
{
    struct arena a cleanup_arena = {0};
    static char script[EXTRA_CONFIG_MAX_BYTES + 1];
    size_t frame = strlen("{\"runners\":{\"pre_build_script\":\"\"}}");

    (void)state;
    memset(script, 'x', sizeof(script) - 1);
    for (size_t over = 0; over < 2; over++) {
        const char *text = arena_printf(&a, "{\"runners\":{\"pre_build_script\":\"%.*s\"}}",
                                        (int)(EXTRA_CONFIG_MAX_BYTES - frame + over), script);
        const char *error = refusal_of(with_config(text, &a), &a);
        assert_string_equal(error ? error : "",
                            over ? "spec.config has 131073 bytes as JSON; it may have 131072 at most" : "");
    }
}

/* As an API server leaves it; what is no table must have a value. */
static void a_table_that_was_emptied_is_none(void **state)
{
    static const struct {
        const char *config, *left;
    } cases[] = {
        {"{\"runners\":null}", "{}"},
        {"{\"session_server\":null,\"runners\":{\"limit\":2,\"cache\":null}}", "{\"runners\":{\"limit\":2}}"},
        {"{\"runners\":{\"kubernetes\":{\"pod_security_context\":null}}}", "{\"runners\":{\"kubernetes\":{}}}"},
        {"{\"runners\":{\"limit\":null}}", NULL},
        {"{\"runners\":{\"kubernetes\":null,\"limit\":null}}", NULL},
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *object = with_config(cases[i].config, &a);
        if (cases[i].left)
            assert_string_equal(json_text(parse(object, &a).config), cases[i].left);
        else
            assert_string_equal(refusal_of(object, &a),
                                "spec.config.runners.limit has no value: give it one, or take it out");
        assert_string_equal(json_text(json_get(object, "spec.config")), cases[i].config);
    }
}

static void a_long_path_is_cut_within_the_message(void **state)
{
    struct arena a cleanup_arena = {0};
    char key[301];

    (void)state;
    memset(key, 'k', 300);
    key[300] = '\0';
    const char *text = arena_printf(&a, "{\"%s\":{\"%s\":{\"%s\":{\"%s\":null}}}}", key, key, key, key);
    const char *error = refusal_of(with_config(text, &a), &a);
    assert_non_null(strstr(error, " has no value: give it one, or take it out"));
    assert_true(strlen(error) < 300);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Whose business a key is.
 */

/* {"a":{"b":"x"}} for a.b */
static const char *config_with(const char *path, const char *key, struct arena *a)
{
    const char *text = arena_printf(a, "{\"%s\":\"x\"}", key), *dot;

    for (char *rest = arena_strdup(a, path); *rest; *(char *)dot = '\0') {
        dot = strrchr(rest, '.');
        text = arena_printf(a, "{\"%s\":%s}", dot ? dot + 1 : rest, text);
        if (!dot)
            break;
    }
    return text;
}

/* Whether the key is there because spec.config says so, itself or the list that it is in. */
static bool is_from_config(struct json_object *object, const char *header, const char *key, struct arena *a)
{
    const char *table = arena_printf(a, "spec.config%s%s", *header ? "." : "", header);

    return json_is_array(json_get(object, table)) || json_get(object, arena_printf(a, "%s.%s", table, key));
}

/* Tries each key that the golden file of an object has. */
static int try_keys_of(const char *name, struct arena *a)
{
    char *toml = read_file(arena_printf(a, DATA "render/%s/config.toml", name), a), *line;
    const char *header = "";
    int tried = 0;

    while ((line = strsep(&toml, "\n"))) {
        line += strspn(line, " [");
        size_t len = strcspn(line, " ]");
        const char *key = arena_strndup(a, line, len);
        struct json_object *object = read_json(arena_printf(a, DATA "render/%s.json", name), a);
        if (line[len] == ']')
            header = key;
        bool gives_way = strcmp(key, "request_concurrency") == 0; /* to the user's */
        if (line[len] != ' ' || *key == '"' || gives_way || is_from_config(object, header, key, a))
            continue; /* what is quoted is in a map, whose own key is tried with its other members */
        json_set(object, "spec.config", json_ref(from_text(config_with(header, key, a), a)));
        const char *error = refusal_of(object, a);
        if (!error || (!strstr(error, "is made from spec.") && !strstr(error, "are the same setting") &&
                       !strstr(error, "take it out")))
            fail_msg("[%s] %s is written, and nothing says so: %s", header, key, error ? error : "accepted");
        tried++;
    }
    return tried;
}

static void refuses_all_that_is_written_already(void **state)
{
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_true(try_keys_of("minimal", &a) >= 8);
    assert_true(try_keys_of("full", &a) >= 40);
}

/* The other way round: without the field that says the same, the key is as good. */
static void takes_the_key_where_the_field_is_not_given(void **state)
{
    static const char *const same[] = {
        "{\"log_level\":\"info\"}",
        "{\"log_format\":\"json\"}",
        "{\"runners\":{\"kubernetes\":{\"cpu_request\":\"1\",\"cpu_limit\":\"1\",\"memory_request\":\"1\","
        "\"memory_limit\":\"1\",\"ephemeral_storage_request\":\"1\",\"ephemeral_storage_limit\":\"1\"}}}",
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(same); i++)
        assert_int_equal(parse(with_config(same[i], &a), &a).warnings.len, 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The table of keys.
 */
static void check_keys(const struct shape *shape, int depth)
{
    assert_true(depth < EXTRA_CONFIG_MAX_DEPTH);
    for (const struct shape_member *m = shape->members; m && m->name; m++) {
        assert_true(*m->name && strlen(m->name) < 64);
        assert_true((m->shape->members != NULL) == (m->shape->type == SHAPE_TABLE) || m->shape->type == SHAPE_MAP);
        for (const struct shape_member *other = m + 1; other->name; other++)
            assert_string_not_equal(m->name, other->name);
        check_keys(m->shape, depth + 1);
        if (m->shape->each)
            check_keys(m->shape->each, depth + 2);
    }
}

static void the_table_makes_sense(void **state)
{
    (void)state;
    check_keys(&config_shape, 0);
    assert_true(*config_keys_version >= '1' && *config_keys_version <= '9');
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Into config.toml.
 */
static const char *toml_of(struct json_object *object, struct arena *a)
{
    const struct owner owner = owner_of(object);
    struct spec spec = parse(object, a);

    const struct config_inputs in = {.token = "glrt-golden"};

    return render_config_toml(&owner, &spec, &in, a);
}

static void is_rendered_as_kept(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *spec = read_json(DATA "config/rendered.json", &a);

    (void)state;
    assert_golden(DATA "config/rendered.toml", toml_of(object_with(spec, &a), &a));
}

static void the_order_of_keys_is_no_change(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *one =
        with_config("{\"user\":\"u\",\"labels\":{\"xyz\":\"1\",\"abc\":\"2\"},\"z2\":1,\"z1\":2}", &a);
    struct json_object *other =
        with_config("{\"z1\":2,\"z2\":1,\"labels\":{\"abc\":\"2\",\"xyz\":\"1\"},\"user\":\"u\"}", &a);

    (void)state;
    assert_string_equal(toml_of(one, &a), toml_of(other, &a));
    const struct spec first = parse(one, &a), second = parse(other, &a);
    assert_string_equal(warnings_text(&first.warnings, WARNINGS_TEXT_MAX, &a),
                        warnings_text(&second.warnings, WARNINGS_TEXT_MAX, &a));
}

static void the_spec_is_left_as_it_was(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *object = with_config("{\"runners\":{\"limit\":1,\"kubernetes\":{\"poll_timeout\":9}}}", &a);
    const char *before = arena_strdup(&a, json_text(object)), *once = toml_of(object, &a);

    (void)state;
    assert_string_equal(toml_of(object, &a), once);
    assert_string_equal(json_text(object), before);
}

/* No text of the user's can be taken for the runner's token, by which a lost token Secret is restored. */
static void the_token_is_the_runners(void **state)
{
    static const char *const configs[] = {
        "{}",
        "{\"token\":\"wrong\"}",
        "{\"user\":\"\\n[[runners]]\\n  token = \\\"wrong\\\"\\n\"}",
        "{\"runners\":{\"token_x\":\"wrong\",\"a\":{\"token\":\"wrong\"},\"pre_build_script\":\"token = "
        "\\\"wrong\\\"\"}}",
        "{\"x\":{\"runners\":[{\"token\":\"wrong\"}]},\"a b\":[{\"token\":\"wrong\"}]}",
    };
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(configs); i++) {
        struct json_object *object = with_config(configs[i], &a);
        assert_string_equal(config_toml_token(toml_of(object, &a), json_str(object, "spec.url"), &a), "glrt-golden");
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What makes a new pod necessary.
 */
static const char *start_hash(const char *config, struct arena *a)
{
    return extra_config_start_hash(from_text(config, a), a);
}

static void only_what_is_read_at_the_start_has_a_hash(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *hash = start_hash("{\"connection_max_age\":\"15m\"}", &a);

    (void)state;
    assert_null(extra_config_start_hash(NULL, &a));
    assert_null(start_hash("{\"labels\":{\"abc\":\"d\"},\"runners\":{\"limit\":1,\"experimental\":{}}}", &a));
    assert_string_equal(start_hash("{\"user\":\"u\",\"connection_max_age\":\"15m\"}", &a), hash);
    assert_string_not_equal(start_hash("{\"connection_max_age\":\"16m\"}", &a), hash);
    hash = start_hash("{\"session_server\":{\"listen_address\":\"a\",\"session_timeout\":1}}", &a);
    assert_string_equal(start_hash("{\"session_server\":{\"session_timeout\":1,\"listen_address\":\"a\"}}", &a), hash);
    assert_non_null(start_hash("{\"runners\":{\"experimental\":{\"boot_verify\":{\"enabled\":true}}}}", &a));
}

static const char *deployment_with(const char *config, struct arena *a)
{
    static const struct render_settings settings = {.manager_image = "gitlab/gitlab-runner:alpine-v19.4.0"};
    struct json_object *object = with_config(config, a);
    const struct owner owner = owner_of(object);
    struct spec spec = parse(object, a);

    return json_text(render_child(CHILD_DEPLOYMENT, &owner, &spec, &settings, a));
}

static void the_deployment_changes_with_that_alone(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *without = deployment_with("{}", &a);

    (void)state;
    assert_null(strstr(without, "start-config"));
    assert_string_equal(
        deployment_with("{\"user\":\"u\",\"x\":1,\"runners\":{\"limit\":3,\"kubernetes\":{\"poll_timeout\":9}}}", &a),
        without);
    const char *with = deployment_with("{\"connection_max_age\":\"15m\"}", &a);
    assert_non_null(strstr(with, "gitlab-runners.dev/start-config"));
    assert_string_not_equal(deployment_with("{\"connection_max_age\":\"16m\"}", &a), with);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(refuses_each_case_with_its_remedy),
        cmocka_unit_test(a_weight_is_an_int32),
        cmocka_unit_test(a_cache_of_no_type_is_left_to_its_shape),
        cmocka_unit_test(accepts_each_case_and_reports_what_is_not_known),
        cmocka_unit_test(what_says_nothing_is_passed_over),
        cmocka_unit_test(bounds_the_depth),
        cmocka_unit_test(bounds_the_size),
        cmocka_unit_test(a_table_that_was_emptied_is_none),
        cmocka_unit_test(a_long_path_is_cut_within_the_message),
        cmocka_unit_test(refuses_all_that_is_written_already),
        cmocka_unit_test(takes_the_key_where_the_field_is_not_given),
        cmocka_unit_test(the_table_makes_sense),
        cmocka_unit_test(is_rendered_as_kept),
        cmocka_unit_test(the_order_of_keys_is_no_change),
        cmocka_unit_test(the_spec_is_left_as_it_was),
        cmocka_unit_test(the_token_is_the_runners),
        cmocka_unit_test(only_what_is_read_at_the_start_has_a_hash),
        cmocka_unit_test(the_deployment_changes_with_that_alone),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
