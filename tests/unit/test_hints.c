/* What `validate` says of a field that is not known: done as it says, the object is accepted at that place. Tried for
 * misspellings of each field, for each key of config.toml in each style, and for the names that other tools have.
 * Prints how many it tried. */
#include "mistakes.h"

#include <ctype.h>

#include "cli/load.h"
#include "runner/config_keys.h"
#include "runner/spec.h"

static struct json_object *minimal(void)
{
    static struct arena kept;
    static struct json_object *object;

    if (!object)
        object = read_json(DATA "render/minimal.json", &kept);
    return object;
}

struct tried {
    size_t names, led, home,
        applied; /* of names: led anywhere, led to what was misspelt; fields that were set as told */
    size_t wrong;
};

static void check(struct json_object *object, struct spec *ret, struct complaints *all)
{
    const struct loaded item = {"file", object};

    loaded_validate(&item, ret, all);
}

static const char *told_of(const struct complaints *all, const char *path)
{
    for (size_t i = 0; i < all->len; i++)
        if (all->items[i].path_len == strlen(path) && strncmp(all->items[i].text, path, strlen(path)) == 0)
            return all->items[i].text;
    return NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Doing what is said */

static struct json_object *schema_at(struct json_object *schema, const char *path)
{
    struct step step;

    while (schema && next_step(&path, &step)) {
        struct json_object *member = json_member(json_get(schema, "properties"), step.name);
        schema = step.in_list ? json_get(schema, "items") : member ? member : json_get(schema, "additionalProperties");
    }
    return schema;
}

static const char *example_text(const struct shape *shape, struct arena *a)
{
    static const char *const texts[] = {
        [SHAPE_TEXT] = "'x'", [SHAPE_FLAG] = "true", [SHAPE_WHOLE] = "7",       [SHAPE_WHOLE32] = "7",
        [SHAPE_NUMBER] = "7", [SHAPE_ANY] = "'x'",   [SHAPE_DURATION] = "'1h'", [SHAPE_TABLE] = "{}"};

    if (shape->type == SHAPE_ONE_OR_LIST)
        return example_text(shape->each, a);
    if (shape->type == SHAPE_LIST)
        return arena_printf(a, "[%s]", example_text(shape->each, a));
    return shape->type == SHAPE_MAP ? arena_printf(a, "{'FF_USE_FASTZIP': %s}", example_text(shape->each, a))
                                    : texts[shape->type];
}

static struct json_object *example_of_key(const struct shape *shape)
{
    struct arena a cleanup_arena = {0};
    const char *text = arena_printf(&a, "{'value': %s}", example_text(shape, &a));

    return json_copy(json_get(quoted_json(text, &a), "value"));
}

/* The value that was at the wrong place, or else something that the field takes, where there is nothing yet. */
static void set_as_told(struct json_object *object, struct json_object *schema, const char *field,
                        struct json_object *value)
{
    static const char config[] = "spec.config.";
    struct json_object *there = schema_at(schema, field);

    if (look(object, field))
        return;
    if (!value)
        value = look(fullest(), field);
    if (value) {
        put(object, field, json_copy(value));
    } else if (strncmp(field, config, sizeof(config) - 1) == 0) {
        const struct shape *key = shape_find(&config_shape, field + sizeof(config) - 1);
        if (!key)
            fail_msg("%s: gitlab-runner has no such key", field);
        put(object, field, example_of_key(key));
    } else {
        put(object, field, there && json_get(there, "description") ? example_of(there) : json_object_new_object());
    }
}

static bool is_accepted(struct json_object *object, const char *field, const char **ret_why, struct arena *a)
{
    struct complaints all = {.a = a};
    struct spec spec;

    check(object, &spec, &all);
    for (size_t i = 0; i < all.len; i++) {
        const char *path = arena_strndup(a, all.items[i].text, all.items[i].path_len);
        if (!leads_into(field, path) && strcmp(path, field) != 0)
            continue;
        /* What is said of the example itself, which a person would have had right, is not about its place. */
        if (!strstr(all.items[i].text, " is missing") && !strstr(all.items[i].text, " must ") &&
            !strstr(all.items[i].text, "not \"x\""))
            return *ret_why = all.items[i].text, false;
    }
    for (size_t i = 0; i < spec.warnings.len; i++)
        if (strstr(spec.warnings.texts[i], "does not know") && strstr(spec.warnings.texts[i], field))
            return *ret_why = spec.warnings.texts[i], false;
    return true;
}

/* The fields that a hint names: "did you mean X?", "of the jobs: X; of the manager: Y". */
static size_t fields_of(const char *text, const char *parent, const char *fields[2], struct arena *a)
{
    static const char *const words[] = {"did you mean ", "of the jobs: ", "of the manager: "};
    size_t len = 0;

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        const char *at = strstr(text, words[i]);
        const char *field = at ? at + strlen(words[i]) : "patches ";
        if (strncmp(field, "patches ", strlen("patches ")) == 0)
            continue;
        const char *name = arena_strndup(a, field, strcspn(field, "?; "));
        fields[len++] = strncmp(name, "spec.", 5) == 0 || !*parent ? name : arena_printf(a, "%s.%s", parent, name);
        if (i == 0)
            break;
    }
    return len;
}

/* Takes the field that is not known out, and does what is said of it; `home` is the field that was misspelt, or NULL.
 */
static void follow(struct json_object *object, struct json_object *schema, const char *parent, const char *name,
                   const char *home, struct tried *t, struct arena *a)
{
    const char *path = *parent ? arena_printf(a, "%s.%s", parent, name) : name, *fields[2];
    struct json_object *value = arena_json(a, json_copy(look(object, path)));
    struct complaints all = {.a = a};
    struct spec spec;

    check(object, &spec, &all);
    const char *text = told_of(&all, path);
    t->names++;
    if (!text) {
        print_message("nothing is said of %s\n", path);
        t->wrong++;
        return;
    }
    size_t len = fields_of(text, parent, fields, a);
    t->led += len > 0;
    t->home += home && len && strcmp(fields[0], home) == 0;
    take_out(object, path);
    for (size_t i = 0; i < len; i++) {
        const char *why = NULL;
        struct json_object *again = arena_json(a, json_copy(object));
        set_as_told(again, schema, fields[i], home && strcmp(home, fields[i]) == 0 ? value : NULL);
        t->applied++;
        if (is_accepted(again, fields[i], &why, a))
            continue;
        t->wrong++;
        print_message("%s\n    and then: %s\n", text, why);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Misspellings */

enum { MISSPELLINGS = 5 };

static const char *misspelt(const char *name, int how, struct arena *a)
{
    size_t len = strlen(name), at = len / 2;
    char *other = arena_printf(a, "%s ", name);

    other[len] = '\0';
    if (how == 0) /* a letter is missing */
        memmove(other + at, other + at + 1, len - at);
    if (how == 1) { /* two have changed places */
        char c = other[at - 1];
        other[at - 1] = other[at];
        other[at] = c;
    }
    if (how == 2) /* one is there twice */
        return arena_printf(a, "%.*s%s", (int)at + 1, name, name + at);
    if (how == 3) { /* in another style */
        const char *text = "";
        for (const char *c = name; *c; c++)
            text = arena_printf(a, isupper((unsigned char)*c) ? "%s_%c" : "%s%c", text, tolower((unsigned char)*c));
        return text;
    }
    if (how == 4)
        other[0] = (char)toupper((unsigned char)other[0]);
    return other;
}

static bool is_member(struct json_object *schema, const char *parent, const char *name)
{
    return json_member(json_get(schema_at(schema, parent), "properties"), name);
}

/* Without which the field cannot be there, such as the operator that takes values. */
static void put_company(struct json_object *object, const char *parent, const char *name, struct arena *a)
{
    static const struct {
        const char *at, *name, *other, *value;
    } companies[] = {{"", "values", "operator", "In"},
                     {"spec.manager.tolerations[0]", "value", "operator", "Equal"},
                     {"spec.manager.tolerations[0]", "tolerationSeconds", "effect", "NoExecute"}};

    for (size_t i = 0; i < ARRAY_LEN(companies); i++)
        if (strcmp(name, companies[i].name) == 0 && strncmp(parent, companies[i].at, strlen(companies[i].at)) == 0)
            put(object, arena_printf(a, "%s.%s", parent, companies[i].other),
                json_object_new_string(companies[i].value));
}

static void misspell(struct json_object *schema, const char *parent, const char *name, struct tried *t)
{
    for (int how = 0; how < MISSPELLINGS; how++) {
        struct arena a cleanup_arena = {0};
        const char *wrong = misspelt(name, how, &a), *home = arena_printf(&a, "%s.%s", parent, name);
        struct json_object *object = base_for(home, &a), *value;
        if (strlen(name) < 4 || strcmp(wrong, name) == 0 || is_member(schema, parent, wrong))
            continue;
        value = json_copy(look(object, home));
        if (value)
            take_out(object, home);
        put_company(object, parent, name, &a);
        if (!look(object, parent))
            put(object, parent, json_object_new_object());
        if (!value)
            value = example_of(schema_at(schema, home));
        put(object, arena_printf(&a, "%s.%s", parent, wrong), value);
        follow(object, schema, parent, wrong, home, t, &a);
    }
}

/* Of every object that has fields of its own, lists' entries among them. */
static void misspell_below(struct json_object *schema, struct json_object *here, const char *path, struct tried *t,
                           struct arena *a)
{
    bool free = json_bool_or(here, "x-kubernetes-preserve-unknown-fields", false);

    json_each (it, json_get(here, "properties")) {
        if (!free)
            misspell(schema, path, it.key, t);
        misspell_below(schema, it.value, arena_printf(a, "%s.%s", path, it.key), t, a);
    }
    if (json_get(here, "items"))
        misspell_below(schema, json_get(here, "items"), arena_printf(a, "%s[0]", path), t, a);
}

static void report(const char *what, const struct tried *t)
{
    print_message("%s: %zu, led: %zu, to the field that was misspelt: %zu; done as told: %zu, accepted: %zu\n", what,
                  t->names, t->led, t->home, t->applied, t->applied - t->wrong);
}

static void a_misspelt_field_is_led_home(void **state)
{
    struct arena a cleanup_arena = {0};
    struct json_object *schema = schema_read(&a);
    struct tried t = {0};

    (void)state;
    misspell_below(schema, json_get(schema, "properties.spec"), "spec", &t, &a);
    report("misspellings", &t);
    assert_int_equal(t.wrong, 0);
    assert_true(t.names > 800 && t.home * 100 >= t.names * 97);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Keys of config.toml */

static const char *in_style(const char *name, int style, struct arena *a)
{
    const char *text = "";
    bool upper = false;

    for (const char *c = name; *c; c++) {
        bool joint = *c == '_' || *c == '-';
        if (!joint || style == 1)
            text = arena_printf(a, "%s%c", text, joint ? '-' : upper && style == 0 ? toupper((unsigned char)*c) : *c);
        upper = joint;
    }
    return style == 2 ? name : text;
}

static void lead_keys(struct json_object *schema, const struct shape *shape, const char *parent,
                      struct json_object *done, struct tried *t)
{
    for (const struct shape_member *m = shape->members; m && m->name; m++) {
        for (int style = 0; style < 3; style++) {
            struct arena a cleanup_arena = {0};
            const char *name = in_style(m->name, style, &a);
            struct json_object *object = arena_json(&a, json_copy(minimal()));
            /* namespace_per_job needs a ServiceAccount that may make namespaces, as the refusal says. */
            if (is_member(schema, parent, name) || json_member(done, name) || strstr(m->name, "namespace_per_job"))
                continue;
            json_set_bool(done, name, true);
            put(object, arena_printf(&a, "%s.%s", parent, name), json_object_new_int(1));
            follow(object, schema, parent, name, NULL, t, &a);
        }
        if (m->shape->type == SHAPE_TABLE || m->shape->type == SHAPE_LIST)
            lead_keys(schema, m->shape->each ? m->shape->each : m->shape, parent, done, t);
    }
}

static void a_key_of_config_toml_is_led_to_its_place(void **state)
{
    static const char *const parents[] = {"spec", "spec.manager"};
    struct arena a cleanup_arena = {0};
    struct json_object *schema = schema_read(&a);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(parents); i++) {
        cleanup_json struct json_object *done = json_object_new_object();
        struct tried t = {0};
        lead_keys(schema, &config_shape, parents[i], done, &t);
        report(parents[i], &t);
        assert_int_equal(t.wrong, 0);
        assert_true(t.names > 700);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Names of other tools */

static void names_of_other_tools_are_led_to_ours(void **state)
{
    /* Values of GitLab's chart, fields of GitLab's operator, of alekc's and of Glasskube's. */
    static const char *const names[] = {"gitlabUrl",
                                        "runnerRegistrationToken",
                                        "runnerToken",
                                        "checkInterval",
                                        "concurrency",
                                        "certsSecretName",
                                        "envVars",
                                        "sessionServer",
                                        "shutdown_timeout",
                                        "sentryDsn",
                                        "connectionMaxAge",
                                        "terminationGracePeriodSeconds",
                                        "replicas",
                                        "priorityClassName",
                                        "podSecurityContext",
                                        "securityContext",
                                        "runtimeClassName",
                                        "schedulerName",
                                        "topologySpreadConstraints",

                                        "token",
                                        "interval",
                                        "buildImage",
                                        "runnerImage",
                                        "cacheType",
                                        "cachePath",
                                        "cacheShared",
                                        "s3",
                                        "gcs",
                                        "azure",
                                        "serviceaccount",
                                        "ca",
                                        "env",
                                        "cloneURL",
                                        "podSpec",
                                        "deploymentSpec",
                                        "protected",
                                        "imagePullPolicy",
                                        "gitlab_instance_url",
                                        "executor_config",
                                        "log_level",
                                        "log_format",
                                        "check_interval",
                                        "tag_list",
                                        "run_untagged",
                                        "access_level",
                                        "maximum_timeout",
                                        "limit",
                                        "featureFlags",
                                        "preBuildScript",
                                        "services",
                                        "dnsPolicy",
                                        "dnsConfig",
                                        "hostNetwork",
                                        "initContainers",
                                        "nodeName",
                                        "service_account",
                                        "node_tolerations",
                                        "pull_policy",
                                        "cpu_request",
                                        "memory_limit",
                                        "runners",
                                        "labels",
                                        "annotations"};
    static const char *const untold[] = {"rbac", "metrics", "unregisterRunners", "hpa", "executor", "name", "toml"};
    struct arena a cleanup_arena = {0};
    struct json_object *schema = schema_read(&a);
    struct tried t = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(names) + ARRAY_LEN(untold); i++) {
        struct arena turn cleanup_arena = {0};
        const char *name = i < ARRAY_LEN(names) ? names[i] : untold[i - ARRAY_LEN(names)];
        struct json_object *object = arena_json(&turn, json_copy(minimal()));
        size_t led = t.led;
        put(object, arena_printf(&turn, "spec.%s", name), json_object_new_string("x"));
        follow(object, schema, "spec", name, NULL, &t, &turn);
        if (i < ARRAY_LEN(names) && t.led == led)
            fail_msg("%s is led nowhere", name);
    }
    report("names of other tools", &t);
    assert_int_equal(t.wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_misspelt_field_is_led_home),
        cmocka_unit_test(a_key_of_config_toml_is_led_to_its_place),
        cmocka_unit_test(names_of_other_tools_are_led_to_ours),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
