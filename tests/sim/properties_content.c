/* What the children and the runner at GitLab have in them, field by field: found in the spec as people write it, and
 * not by the program's own rendering, so what that does wrong is seen, and what is left of a former spec. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"
#include "runner/render.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

struct content {
    struct story *story;
    const struct wish *wish;
    struct json_object *spec;
};

static void differs(const struct content *c, const char *where, const char *is, const char *should)
{
    sim_broken(c->story->sim, PROPERTY_CHILDREN, "%s/%s: %s: is %s, should be %s", c->wish->ns, c->wish->name, where,
               is, should);
}

static void expect_text(const struct content *c, const char *where, const char *is, const char *should)
{
    if (strcmp(is, should) != 0)
        differs(c, where, is, should);
}

static void expect_number(const struct content *c, const char *where, int64_t is, int64_t should)
{
    char texts[2][24];

    snprintf(texts[0], sizeof(texts[0]), "%lld", (long long)is);
    snprintf(texts[1], sizeof(texts[1]), "%lld", (long long)should);
    expect_text(c, where, texts[0], texts[1]);
}

static const char *jobs_namespace(const struct content *c)
{
    return json_str_or(c->spec, "namespace", c->wish->ns);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * config.toml */

/* One line for each key, which has another meaning nowhere else in the file; "": no line. */
static const struct {
    const char *key, *path, *without;
} lines[] = {
    {"url", "url", ""},     {"concurrent", "concurrent", "10"},        {"limit", "config.runners.limit", ""},
    {"image", "image", ""}, {"BucketName", "cache.s3.bucketName", ""}, {"disk", "nodeSelector.disk", ""},
};

/* What is behind the n-th "KEY = " that begins a line; "": there is none. */
static void value_of(const char *toml, const char *key, unsigned n, char *ret, size_t size)
{
    size_t len = strlen(key);

    *ret = '\0';
    for (const char *at = toml; *at; at += strcspn(at, "\n"), at += *at == '\n') {
        const char *word = at + strspn(at, " ");
        if (strncmp(word, key, len) != 0 || strncmp(word + len, " = ", 3) != 0 || n-- > 0)
            continue;
        word += len + 3;
        snprintf(ret, size, "%.*s", (int)strcspn(word, "\n"), word);
        return;
    }
}

static void expect_line(const struct content *c, const char *toml, const char *key, const char *should)
{
    char is[256], another[256];

    value_of(toml, key, 0, is, sizeof(is));
    value_of(toml, key, 1, another, sizeof(another));
    expect_text(c, key, is, should);
    expect_text(c, key, another, "");
}

static void check_config(const struct content *c)
{
    cleanup_arena struct arena a = {0};
    struct json_object *secret = wish_child(c->story, c->wish, "secrets", "-runner-config");
    const char *toml = base64_decode(json_string(json_member(json_get(secret, "data"), KEY_CONFIG)), NULL, &a);
    bool has_cache = json_get(c->spec, "cache");

    if (!toml)
        return;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct json_object *value = json_get(c->spec, lines[i].path);
        expect_line(c, toml, lines[i].key, value ? json_text(value) : lines[i].without);
    }
    expect_line(c, toml, "namespace", arena_printf(&a, "\"%s\"", jobs_namespace(c)));
    expect_line(c, toml, "AccessKey", has_cache ? "\"AKIA\"" : "");
    expect_line(c, toml, "SecretKey", has_cache ? "\"secret\"" : "");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Objects */

static const char *account(const struct content *c, char *text, size_t size)
{
    snprintf(text, size, "%s-runner", c->wish->name);
    return json_str_or(c->spec, "manager.serviceAccountName", text);
}

static void check_deployment(const struct content *c)
{
    struct json_object *deployment = wish_child(c->story, c->wish, "deployments", "-runner");
    struct json_object *pod = json_get(deployment, "spec.template.spec"),
                       *should = json_get(c->spec, "manager.nodeSelector"), *is = json_get(pod, "nodeSelector");
    char name[128];

    expect_number(c, "replicas", json_int_or(deployment, "spec.replicas", -1),
                  json_int_or(c->spec, "manager.replicas", 1));
    expect_text(c, "the managers' account", json_str_or(pod, "serviceAccountName", ""), account(c, name, sizeof(name)));
    expect_text(c, "the managers' image", json_str_or(json_at(json_get(pod, "containers"), 0), "image", ""),
                json_str_or(c->spec, "manager.image", DEFAULT_MANAGER_IMAGE));
    if (is != should && !json_same(is, should))
        differs(c, "the managers' nodeSelector", json_text(is), json_text(should));
}

static void check_binding(const struct content *c)
{
    char name[140], of[128];

    snprintf(name, sizeof(name), "%s.%s-runner", c->wish->ns, c->wish->name);
    struct json_object *binding = api_object(c->story->api, "rolebindings", jobs_namespace(c), name);
    struct json_object *subjects = json_get(binding, "subjects");

    expect_number(c, "subjects", (int64_t)json_len(subjects), 1);
    expect_text(c, "who may run jobs", json_str_or(json_at(subjects, 0), "name", ""), account(c, of, sizeof(of)));
    expect_text(c, "where he is", json_str_or(json_at(subjects, 0), "namespace", ""), c->wish->ns);
}

static void check_budget(const struct content *c)
{
    struct json_object *budget = wish_child(c->story, c->wish, "poddisruptionbudgets", "-runner");
    bool is_its = json_member(json_get(budget, "metadata.annotations"), ANNOTATION_OWNER);

    if (!is_its && !json_get(c->spec, "manager.podDisruptionBudget"))
        return;
    expect_number(c, "maxUnavailable", json_int_or(budget, "spec.maxUnavailable", -1),
                  json_int_or(c->spec, "manager.podDisruptionBudget.maxUnavailable", -1));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The runner */

static bool has_tag(struct json_object *tags, const char *tag)
{
    for (size_t i = 0; i < json_len(tags); i++)
        if (strcmp(json_string(json_at(tags, i)), tag) == 0)
            return true;
    return false;
}

static void expect_tags(const struct content *c, const struct gitlab_runner *runner)
{
    struct json_object *should = json_get(c->spec, "tags");
    bool same = json_len(should) == json_len(runner->tags);

    for (size_t i = 0; i < json_len(should) && same; i++)
        same = has_tag(runner->tags, json_string(json_at(should, i)));
    if (!same)
        differs(c, "tags", json_text(runner->tags), json_text(should));
}

struct sought {
    const struct content *content;
    uint64_t id;
};

static void check_if_its(void *arg, const struct gitlab_runner *runner)
{
    const struct sought *sought = arg;
    const struct content *c = sought->content;

    if (runner->id != sought->id)
        return;
    expect_tags(c, runner);
    expect_text(c, "paused", runner->paused ? "true" : "false",
                json_bool_or(c->spec, "paused", false) ? "true" : "false");
    if (json_get(c->spec, "description"))
        expect_text(c, "description", runner->description, json_str_or(c->spec, "description", ""));
}

static void check_at_gitlab(const struct content *c)
{
    cleanup_arena struct arena a = {0};
    const struct gitlab_server *gitlab = c->story->gitlabs[spec_gitlab(c->spec)];
    struct json_object *secret = wish_child(c->story, c->wish, "secrets", "-runner-token");
    const char *token = base64_decode(json_string(json_member(json_get(secret, "data"), KEY_RUNNER_TOKEN)), NULL, &a);
    struct sought sought = {.content = c, .id = token ? gitlab_runner_of(gitlab, token) : 0};

    if (sought.id)
        gitlab_each(gitlab, check_if_its, &sought);
}

void contents_check(struct story *story, const struct wish *wish, struct json_object *object)
{
    const struct content c = {.story = story, .wish = wish, .spec = json_get(object, "spec")};

    check_config(&c);
    check_deployment(&c);
    check_binding(&c);
    check_budget(&c);
    if (spec_mode(c.spec) == MODE_ACCESS && !story->plan.setup[SETUP_WRONG])
        check_at_gitlab(&c);
}
