/* Traps of gitlab-runner: what it accepts, and what then does not do what it looks like. */
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "runner/config_keys.h"
#include "runner/glob.h"
#include "runner/go_syntax.h"
#include "runner/judge_parts.h"

enum {
    WORDS_MAX = 10,          /* of a list, in a message                              */
    FITTED_MAX = 100 * 1000, /* services that are held against patterns, times those */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Pull policies and images that are allowed.
 */
static const char *words_of(const struct judged *j, struct json_object *list)
{
    const char *text = "";

    for (size_t i = 0; i < json_len(list) && i < WORDS_MAX; i++)
        text = arena_printf(j->a, "%s%s%s", text, *text ? ", " : "", shown(json_string(json_at(list, i)), 40).text);
    return json_len(list) > WORDS_MAX ? arena_printf(j->a, "%s, …", text) : text;
}

static bool list_has(struct json_object *list, const char *text)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (strcmp(json_string(json_at(list, i)), text) == 0)
            return true;
    return false;
}

static bool lists_share(struct json_object *one, struct json_object *other)
{
    for (size_t i = 0; i < json_len(one); i++)
        if (list_has(other, json_string(json_at(one, i))))
            return true;
    return false;
}

/* A job that names no policy has those of pull_policy, or none, which is in no list. */
void judge_pull_policies(const struct judged *j)
{
    struct json_object *allowed = json_member(j->kubernetes, "allowed_pull_policies"),
                       *given = json_member(j->kubernetes, "pull_policy");
    const char *field = judged_field(j, "allowed_pull_policies");

    for (size_t i = 0; i < json_len(allowed); i++)
        if (word_index("always, if-not-present, never", json_string(json_at(allowed, i))) < 0)
            judged_refuse(j, "%s[%zu] must be always, if-not-present or never, not \"%s\": each job would fail", field,
                          i, shown(json_string(json_at(allowed, i)), 40).text);
    if (json_len(allowed) && !json_len(given))
        judged_warn(j,
                    "%s is given and spec.pullPolicy is not: a job that names no pull policy has none, which is not in "
                    "the list, and fails; set spec.pullPolicy to one that is (%s)",
                    field, words_of(j, allowed));
    else if (json_len(allowed) && !lists_share(given, allowed))
        judged_warn(j,
                    "spec.pullPolicy has none of %s: each job that names no pull policy fails; set spec.pullPolicy to "
                    "one of %s",
                    field, words_of(j, allowed));
}

static void judge_image_patterns(const struct judged *j, const char *key)
{
    struct json_object *list = json_member(j->kubernetes, key);

    for (size_t i = 0; i < json_len(list); i++)
        if (!glob_is_valid(json_string(json_at(list, i))))
            judged_warn(j,
                        "%s[%zu] is no pattern and fits no image: \"%s\" has a bracket, a brace or a backslash that "
                        "does not end",
                        judged_field(j, key), i, shown(json_string(json_at(list, i)), 80).text);
}

/* What is no pattern fits nothing. */
static bool fits_any(struct json_object *patterns, const char *image)
{
    for (size_t i = 0; i < json_len(patterns); i++) {
        const char *pattern = json_string(json_at(patterns, i));
        if (glob_is_valid(pattern) && glob_matches(pattern, image))
            return true;
    }
    return json_len(patterns) == 0;
}

/* Services of every job are held against the list, too; the default image is not held against that of images. */
void judge_allowed_images(const struct judged *j)
{
    struct json_object *allowed = json_member(j->kubernetes, "allowed_services"),
                       *services = json_member(j->kubernetes, "services");
    const char *image = json_str_or(j->kubernetes, "image", "");

    judge_image_patterns(j, "allowed_images");
    judge_image_patterns(j, "allowed_services");
    for (size_t i = 0; i < json_len(services) && i * json_len(allowed) <= FITTED_MAX; i++) {
        const char *name = json_str_or(json_at(services, i), "name", "");
        if (*name && !judged_has_variable(name) && strcmp(name, image) != 0 && !fits_any(allowed, name))
            judged_warn(j, "%s[%zu].name \"%s\" fits none of %s: each job fails; add it there",
                        judged_field(j, "services"), i, shown(name, 80).text, judged_field(j, "allowed_services"));
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Feature flags.
 */
#define ADVANCED_POD_SPEC "FF_USE_ADVANCED_POD_SPEC_CONFIGURATION"

void judge_pod_spec(const struct judged *j)
{
    struct json_object *list = json_member(j->kubernetes, "pod_spec");
    const char *field = judged_field(j, "pod_spec");

    if (json_len(list) && !judged_flag(j, ADVANCED_POD_SPEC, false))
        judged_warn(j,
                    "%s has no effect without the feature flag " ADVANCED_POD_SPEC ": set it to true in "
                    "spec.config.runners.feature_flags, or in the jobs' variables",
                    field);
    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *entry = json_at(list, i);
        const char *type = json_str_or(entry, "patch_type", "");
        if (*type && word_index("json, merge, strategic", type) < 0)
            judged_refuse(j, "%s[%zu].patch_type must be json, merge or strategic, not \"%s\"", field, i,
                          shown(type, 40).text);
        if (*json_str_or(entry, "patch", "") && *json_str_or(entry, "patch_path", ""))
            judged_refuse(j, "%s[%zu] has both patch and patch_path, so each job would fail: keep one", field, i);
    }
}

static bool is_boolean(const char *text)
{
    return word_index("1, t, T, TRUE, true, True, 0, f, F, FALSE, false, False", text) >= 0;
}

static void warn_of_unknown_flag(const struct judged *j, const char *field, const char *name, const struct shape *flags)
{
    const char *near = shape_near(flags, name);

    judged_warn(j, "%s: gitlab-runner %s knows no feature flag %s%s%s%s", field, config_keys_version,
                shown(name, 60).text, near ? " (did you mean " : ", and passes over it", near ? near : "",
                near ? "?), and passes over it" : "");
}

static void judge_flag(const struct judged *j, const char *field, const char *name, const char *value)
{
    const struct shape *flags = shape_find(&config_shape, "runners.feature_flags");

    if (strncasecmp(name, "FF_", 3) != 0)
        return;
    if (!shape_member(flags, name))
        warn_of_unknown_flag(j, field, name, flags);
    else if (!is_boolean(value) && !judged_has_variable(value))
        judged_warn(j, "%s: the feature flag %s must be true or false, not \"%s\": gitlab-runner passes over it", field,
                    name, shown(value, 40).text);
}

static void judge_variables(const struct judged *j, const char *path)
{
    struct json_object *list = json_get(j->spec->json, path);

    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *entry = json_at(list, i);
        if (json_str(entry, "value"))
            judge_flag(j, arena_printf(j->a, "spec.%s[%zu]", path, i), json_str_or(entry, "name", ""),
                       json_str(entry, "value"));
    }
}

/* Those of runners.feature_flags are among the keys that are not known. */
void judge_feature_flags(const struct judged *j)
{
    judge_variables(j, "environment");
    judge_variables(j, "manager.env");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Numbers that mean something else.
 */
void judge_limits(const struct judged *j)
{
    struct json_object *limit = json_member(j->runner, "limit");
    int64_t requests = json_int_or(j->runner, "request_concurrency", 2);

    if (limit && json_object_get_int64(limit) <= 0)
        judged_warn(j,
                    "spec.config.runners.limit is %lld, which is no limit: set spec.paused to have no jobs, or take it "
                    "out",
                    (long long)json_object_get_int64(limit));
    if (requests < 2)
        judged_warn(j,
                    "spec.config.runners.request_concurrency is below 2: while GitLab holds one request for jobs, no "
                    "other is made, and jobs wait as long; use 2 to 4, or take it out");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Patterns for what a job may overwrite. A job that does fails when they are none.
 */
void judge_patterns(const struct judged *j)
{
    static const char end[] = "_overwrite_allowed";

    json_each (it, j->kubernetes) {
        size_t len = strlen(it.key);
        bool pattern = len >= sizeof(end) && strcmp(it.key + len - sizeof(end) + 1, end) == 0 &&
                       json_object_is_type(it.value, json_type_string);
        if (pattern && !go_regexp_compiles(json_string(it.value)))
            judged_warn(j, "%s is no regular expression of Go: \"%s\"; each job that overwrites it fails: correct it",
                        judged_field(j, it.key), shown(json_string(it.value), 80).text);
    }
}

/* Labels in gitlab-runner's own domain are its own. */
void judge_own_labels(const struct judged *j)
{
    static const char domain[] = "runner.gitlab.com";

    json_each (it, json_member(j->kubernetes, "pod_labels")) {
        size_t len = strcspn(it.key, "/");
        const char *start = len >= sizeof(domain) - 1 ? it.key + len - sizeof(domain) + 1 : it.key;
        bool own = strncasecmp(start, domain, sizeof(domain) - 1) == 0 && (start == it.key || start[-1] == '.');
        if (own)
            judged_warn(j, "%s: gitlab-runner sets no label of %s but its own, and passes over %s",
                        judged_field(j, "pod_labels"), domain, shown(it.key, 80).text);
    }
}

/* Users that a job may name are numbers. */
void judge_allowed_users(const struct judged *j)
{
    static const char *const keys[] = {"allowed_users", "allowed_groups"};

    for (size_t k = 0; k < ARRAY_LEN(keys); k++) {
        struct json_object *list = json_member(j->kubernetes, keys[k]);
        for (size_t i = 0; i < json_len(list); i++) {
            const char *id = json_string(json_at(list, i));
            if (!*id || strspn(id, "0123456789") != strlen(id))
                judged_warn(j, "%s[%zu] must be a number in quotes: gitlab-runner passes over \"%s\"",
                            judged_field(j, keys[k]), i, shown(id, 40).text);
        }
    }
}
