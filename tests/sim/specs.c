#include "tests/sim/specs.h"

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

static const struct {
    const char *member, *key, *secret;
} modes[MODES] = {
    [MODE_ACCESS] = {"accessTokenSecretRef", "access-token", "access"},
    [MODE_REGISTRATION] = {"registrationTokenSecretRef", "runner-registration-token", "registration"},
    [MODE_RUNNER] = {"runnerTokenSecretRef", "runner-token", "runner"},
};

const char *mode_key(enum spec_mode mode)
{
    return modes[mode].key;
}

enum spec_mode spec_mode(struct json_object *spec)
{
    struct json_object *authentication = json_get(spec, "authentication");
    enum spec_mode mode = MODE_ACCESS;

    while (mode < MODE_RUNNER && !json_get(authentication, modes[mode].member))
        mode++;
    return mode;
}

int spec_gitlab(struct json_object *spec)
{
    const char *digit = strpbrk(json_str_or(spec, "url", ""), "01");

    return digit ? *digit - '0' : 0;
}

const char *spec_secret(struct json_object *spec)
{
    char path[80];

    snprintf(path, sizeof(path), "authentication.%s.name", modes[spec_mode(spec)].member);
    return json_str_or(spec, path, "");
}

/* Who has restored an object owns its credential, and an apply of another one leaves both. */
static bool has_one_credential(struct json_object *spec)
{
    struct json_object *authentication = json_get(spec, "authentication");
    int len = 0;

    for (enum spec_mode mode = 0; mode < MODES; mode++)
        len += json_get(authentication, modes[mode].member) != NULL;
    return len == 1;
}

/* And the same of its number. */
static bool scope_is_whole(struct json_object *spec)
{
    struct json_object *scope = json_get(spec, "scope");
    const char *type = json_str_or(scope, "type", "");

    return (strcmp(type, "Project") == 0) == (json_get(scope, "projectId") != NULL) &&
           (strcmp(type, "Group") == 0) == (json_get(scope, "groupId") != NULL);
}

bool spec_is_invalid(struct json_object *spec)
{
    return strncmp(json_str_or(spec, "url", ""), "https://", 8) != 0 || !has_one_credential(spec) ||
           !scope_is_whole(spec);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Fields */

/* Where it is registered and by what: a Secret for each GitLab, and a runner token for each runner. */
static void set_place(struct json_object *spec, int runner, int gitlab, enum spec_mode mode)
{
    char url[64], secret[64];

    snprintf(url, sizeof(url), "https://gitlab-%d.example", gitlab);
    snprintf(secret, sizeof(secret), mode == MODE_RUNNER ? "%s-%d-%d" : "%s-%d", modes[mode].secret, gitlab, runner);
    json_set_str(spec, "url", url);
    json_set(spec, "authentication", json_build("{}"));
    json_set(json_get(spec, "authentication"), modes[mode].member, json_build("{name: %s}", secret));
    if (mode != MODE_ACCESS)
        json_remove(spec, "scope");
    else if (!json_get(spec, "scope"))
        json_set(spec, "scope", json_build("{type: 'Project', projectId: 1}"));
    if (mode == MODE_RUNNER)
        for (const char *const *name = (const char *const[]){"tags", "description", "paused", NULL}; *name; name++)
            json_remove(spec, *name);
}

static void edit_url(struct json_object *spec, int runner, uint32_t chance)
{
    (void)chance;
    set_place(spec, runner, 1 - spec_gitlab(spec), spec_mode(spec));
}

static void edit_mode(struct json_object *spec, int runner, uint32_t chance)
{
    set_place(spec, runner, spec_gitlab(spec), (spec_mode(spec) + 1 + chance % 2) % MODES);
}

static void edit_scope(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    if (spec_mode(spec) != MODE_ACCESS)
        return;
    json_set(spec, "scope",
             chance % 3 == 0   ? json_build("{type: 'Project', projectId: %d}", (int64_t)1 + chance / 3 % 3)
             : chance % 3 == 1 ? json_build("{type: 'Group', groupId: %d}", (int64_t)1 + chance / 3 % 3)
                               : json_build("{type: 'Instance'}"));
}

static void edit_tags(struct json_object *spec, int runner, uint32_t chance)
{
    static const char *const tags[] = {"kubernetes", "fast", "gpu", "arm64"};
    (void)runner;
    if (spec_mode(spec) == MODE_RUNNER)
        return;
    struct json_object *list = json_build("[]");
    for (uint32_t i = 0; i < ARRAY_LEN(tags); i++)
        if (i == 0 || chance >> i & 1)
            json_append(list, json_build("%s", tags[i]));
    json_set(spec, "tags", list);
}

static void edit_description(struct json_object *spec, int runner, uint32_t chance)
{
    char text[40];

    (void)runner;
    snprintf(text, sizeof(text), "runner %u", (unsigned)chance % 10);
    if (spec_mode(spec) != MODE_RUNNER)
        json_set_str(spec, "description", text);
}

static void edit_paused(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner, (void)chance;
    if (spec_mode(spec) != MODE_RUNNER)
        json_set_bool(spec, "paused", !json_bool_or(spec, "paused", false));
}

static void edit_image(struct json_object *spec, int runner, uint32_t chance)
{
    static const char *const images[] = {"busybox", "alpine:3.20", "debian:12"};

    (void)runner;
    json_set_str(spec, "image", images[chance % 3]);
}

static void edit_replicas(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    json_set_int(spec, "manager.replicas", chance % 3);
}

static void edit_manager_image(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    json_set_str(spec, "manager.image", chance % 2 ? "gitlab/gitlab-runner:alpine-v19.3.1" : "gitlab/gitlab-runner:x");
}

static void edit_jobs_namespace(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    if (chance % 2)
        json_set_str(spec, "namespace", "jobs");
    else
        json_remove(spec, "namespace");
}

static void edit_cache(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    json_remove(spec, "cache");
    if (chance % 2)
        json_set(spec, "cache",
                 json_build("{type: 's3', s3: {bucketName: 'b', credentialsSecretRef: {name: 'keys'}}}"));
}

static void edit_suspend(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner, (void)chance;
    json_set_bool(spec, "suspend", !json_bool_or(spec, "suspend", false));
}

static void edit_policy(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    json_set_str(spec, "deletionPolicy", chance % 2 ? "Orphan" : "Delete");
}

static void edit_validity(struct json_object *spec, int runner, uint32_t chance)
{
    (void)chance;
    if (spec_is_invalid(spec))
        set_place(spec, runner, spec_gitlab(spec), spec_mode(spec));
    else
        json_set_str(spec, "url", spec_gitlab(spec) ? "ftp://gitlab-1.example" : "ftp://gitlab-0.example");
}

static void edit_config(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    json_set_int(spec, "config.runners.limit", 1 + chance % 5);
}

static void edit_account(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    if (chance % 2)
        json_set_str(spec, "manager.serviceAccountName", "their-own");
    else
        json_remove(spec, "manager.serviceAccountName");
}

static void edit_budget(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    if (chance % 2)
        json_set_int(spec, "manager.podDisruptionBudget.maxUnavailable", 1);
    else
        json_remove(spec, "manager.podDisruptionBudget");
}

static void edit_concurrent(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    json_set_int(spec, "concurrent", 8 + chance % 4);
}

static void edit_node(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    json_remove(spec, "nodeSelector");
    if (chance % 3)
        json_set(spec, "nodeSelector", json_build("{disk: %s}", chance % 3 == 1 ? "ssd" : "hdd"));
}

static void edit_manager_node(struct json_object *spec, int runner, uint32_t chance)
{
    (void)runner;
    json_remove(spec, "manager.nodeSelector");
    if (chance % 3)
        json_set(spec, "manager.nodeSelector",
                 chance % 3 == 1 ? json_build("{role: 'ci'}") : json_build("{pool: 'a'}"));
}

static const struct {
    const char *name;
    void (*edit)(struct json_object *spec, int runner, uint32_t chance);
    bool rolls, moves;
} fields[] = {
    {"tags", edit_tags, false, false},
    {"image", edit_image, false, false},
    {"description", edit_description, false, false},
    {"replicas", edit_replicas, false, false},
    {"paused", edit_paused, false, false},
    {"config", edit_config, false, false},
    {"concurrent", edit_concurrent, false, false},
    {"manager.image", edit_manager_image, true, false},
    {"namespace", edit_jobs_namespace, false, false},
    {"url", edit_url, false, true},
    {"mode", edit_mode, false, true},
    {"scope", edit_scope, false, true},
    {"cache", edit_cache, false, false},
    {"suspend", edit_suspend, false, false},
    {"deletionPolicy", edit_policy, false, false},
    {"validity", edit_validity, false, true},
    {"account", edit_account, true, false},
    {"budget", edit_budget, false, false},
    {"nodeSelector", edit_node, false, false},
    {"manager.nodeSelector", edit_manager_node, true, false},
};

const char *spec_edit(struct json_object *spec, int runner, uint32_t field, uint32_t chance)
{
    field %= ARRAY_LEN(fields);
    fields[field].edit(spec, runner, chance);
    return fields[field].name;
}

bool edit_may_roll(const char *field)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(fields[i].name, field) == 0)
            return fields[i].rolls;
    return true;
}

bool edit_moves(const char *field)
{
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        if (strcmp(fields[i].name, field) == 0)
            return fields[i].moves;
    return true;
}

struct json_object *spec_new(int runner, uint32_t chance, int check_s)
{
    struct json_object *spec = json_build("{image: 'busybox'}");
    static const enum spec_mode weights[] = {MODE_ACCESS, MODE_ACCESS, MODE_REGISTRATION, MODE_RUNNER};

    set_place(spec, runner, chance >> 2 & 1, weights[chance & 3]);
    if (weights[chance & 3] != MODE_RUNNER)
        json_set(spec, "tags", json_build("['kubernetes']"));
    if (check_s)
        json_set_int(spec, "serverCheckPeriodSeconds", check_s);
    for (uint32_t rest = chance >> 3; rest & 1; rest >>= 5)
        spec_edit(spec, runner, rest >> 1 & 15, rest >> 5);
    return spec;
}
