#include "tests/model/gitlab_replay.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "tests/model/direct.h"
#include "tests/sim/gitlab_parts.h"

#define HOST "gitlab.test"

enum { CLOCKS_APART_S = 5, HEADERS_MAX = 4 };

struct gitlab_replay {
    struct differences *differences;
    struct sim *sim;
    struct gitlab_server *lab;
    size_t compared;
};

struct gitlab_replay *gitlab_replay_create(struct differences *differences)
{
    struct gitlab_replay *r = mem_alloc(sizeof(*r));

    *r = (struct gitlab_replay){.differences = differences};
    return r;
}

static void end_gitlab(struct gitlab_replay *r)
{
    gitlab_server_destroy(r->lab);
    if (r->sim)
        direct_destroy(r->sim);
}

void gitlab_replay_destroy(struct gitlab_replay *r)
{
    end_gitlab(r);
    free(r);
}

size_t gitlab_replay_compared(const struct gitlab_replay *r)
{
    return r->compared;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What tests have made and changed behind everyone's back: rows as the stand-in shows them */

static const char *keep_text(struct gitlab_server *lab, struct json_object *row, const char *name)
{
    return lab_keep_token(lab, mem_strdup(json_str_or(row, name, "")));
}

static int64_t expiry_of(struct json_object *row)
{
    return json_int_or(row, "runner_token_expiration_interval", -1);
}

/* "2026-01-02T03:04:05.678Z" and null. */
static int64_t ms_of(struct json_object *row, const char *name)
{
    const char *text = json_str(row, name), *fraction = text ? strchr(text, '.') : NULL;

    return text ? time_parse(text) * 1000 + (fraction ? strtol(fraction + 1, NULL, 10) : 0) : 0;
}

static bool lists_word(struct json_object *list, const char *word)
{
    for (size_t i = 0; i < json_len(list); i++)
        if (strcmp(json_string(json_at(list, i)), word) == 0)
            return true;
    return false;
}

static void replace(char **text, const char *by)
{
    free(*text);
    *text = by ? mem_strdup(by) : NULL;
}

static void take_settings(struct gitlab_server *lab, struct json_object *row, struct json_object *body)
{
    struct json_object *registrars = json_get(row, "valid_runner_registrars");

    (void)body;
    lab->registration = keep_text(lab, row, "registration_token");
    lab->tokens_off = !json_bool_or(row, "allow_runner_registration_token", true);
    lab->group_registrars_off = !lists_word(registrars, "group");
    lab->project_registrars_off = !lists_word(registrars, "project");
    lab->expiry_s = expiry_of(row);
    lab->no_self_reset = !json_bool_or(row, "resets_itself", true);
    lab->too_late = json_bool_or(row, "rotation_deadline_passed", false);
    lab->orphans_told = json_bool_or(row, "orphans_are_told", true);
    lab->throttle = (unsigned)json_int_or(row, "throttle_authenticated", 0);
    lab->throttle_others = (unsigned)json_int_or(row, "throttle_unauthenticated", 0);
    lab->strangers = json_get(row, "allowed_addresses") && !lists_word(json_get(row, "allowed_addresses"), "127.0.0.1");
    lab->migrating = json_bool_or(row, "executing_migrations", false);
    lab->runner_limit = (unsigned)json_int_or(row, "runner_limit", 1000);
    replace(&lab->version, json_str_or(row, "version", ""));
    replace(&lab->url, json_str_or(row, "url", ""));
}

static void take_owner(struct gitlab_server *lab, struct lab_owners *owners, struct json_object *row,
                       const char *parent)
{
    uint64_t id = (uint64_t)json_int_or(row, "id", 0);
    const char *name = json_str_or(row, "name", ""), *path = json_str_or(row, "path", "");
    struct lab_owner *owner = lab_owner(owners, id);

    if (!owner)
        owner = lab_add_owner(lab, owners, name, path, 0);
    replace(&owner->name, name);
    replace(&owner->path, path);
    owner->parent = (uint64_t)json_int_or(row, parent, 0);
    owner->registration = keep_text(lab, row, "runners_token");
    owner->tokens_off = !json_bool_or(row, "allow_runner_registration_token", true);
    owner->registrars_off = !json_bool_or(row, "runner_registration_enabled", true);
    owner->no_shared = !json_bool_or(row, "shared_runners_enabled", true);
    owner->expiry_s = expiry_of(row);
    json_each (it, json_get(row, "members"))
        lab_set_level(owner, strtoull(it.key, NULL, 10), (unsigned)json_object_get_int(it.value));
}

static void take_group(struct gitlab_server *lab, struct json_object *row, struct json_object *body)
{
    (void)body;
    take_owner(lab, &lab->groups, row, "parent_id");
}

static void take_project(struct gitlab_server *lab, struct json_object *row, struct json_object *body)
{
    (void)body;
    take_owner(lab, &lab->projects, row, "group_id");
}

static void take_user(struct gitlab_server *lab, struct json_object *row, struct json_object *body)
{
    struct lab_user *user = lab_user(lab, (uint64_t)json_int_or(row, "id", 0));

    (void)body;
    if (user)
        user->blocked = json_bool_or(row, "blocked", false);
}

static unsigned level_of(const char *role)
{
    static const struct {
        const char *role;
        unsigned level;
    } levels[] = {{"guest", 10}, {"reporter", 20}, {"developer", 30}, {"maintainer", 40}};

    for (size_t i = 0; i < ARRAY_LEN(levels); i++)
        if (strcmp(role, levels[i].role) == 0)
            return levels[i].level;
    return 50;
}

static void take_level(struct lab_owners *owners, struct json_object *body, const char *which, uint64_t user)
{
    struct lab_owner *owner = lab_owner(owners, (uint64_t)json_int_or(body, which, 0));

    if (owner)
        lab_set_level(owner, user, level_of(json_str_or(body, "role", "owner")));
}

static const char *scopes_of(struct json_object *row, struct arena *a)
{
    struct json_object *scopes = json_get(row, "scopes");
    const char *text = "";

    for (size_t i = 0; i < json_len(scopes); i++)
        text = arena_printf(a, "%s%s%s", text, i ? " " : "", json_string(json_at(scopes, i)));
    return text;
}

static void take_token(struct gitlab_server *lab, struct json_object *row, struct json_object *body)
{
    cleanup_arena struct arena a = {0};
    uint64_t id = (uint64_t)json_int_or(row, "id", 0);
    const char *day = json_str(row, "expires_at");
    struct lab_access *access = id && id <= lab->n_accesses ? lab->accesses[id - 1] : NULL;

    if (!access) {
        uint64_t user = lab_add_user(lab, json_str_or(row, "name", ""), json_bool_or(body, "admin", false))->id;
        access = lab_add_access(lab, keep_text(lab, row, "token"), scopes_of(row, &a), user);
        take_level(&lab->groups, body, "group_id", user);
        take_level(&lab->projects, body, "project_id", user);
    }
    access->ends_s = day ? day_parse(day) : 0;
    access->revoked = json_bool_or(row, "revoked", false);
}

static void set_token(struct gitlab_server *lab, struct lab_runner *runner, const char *token)
{
    map_remove(&lab->by_token, runner->token);
    runner->token = lab_keep_token(lab, mem_strdup(token));
    map_set(&lab->by_token, runner->token, runner);
}

static void take_runner(struct gitlab_server *lab, struct json_object *row, struct json_object *body)
{
    struct lab_runner *runner = lab_runner(lab, (uint64_t)json_int_or(row, "id", 0));

    (void)body;
    if (!runner)
        return;
    lab_attributes_take(&runner->is, row);
    set_token(lab, runner, json_str_or(row, "token", ""));
    runner->expires_ms = ms_of(row, "token_expires_at");
    runner->contacted_ms = ms_of(row, "contacted_at");
    runner->created_ms = ms_of(row, "created_at");
    runner->shared = json_len(json_get(row, "project_ids")) > 1;
}

static void take_backup(struct gitlab_server *lab, struct json_object *row, struct json_object *body)
{
    (void)row;
    (void)body;
    gitlab_backup(lab);
}

static void take_restore(struct gitlab_server *lab, struct json_object *row, struct json_object *body)
{
    (void)row;
    (void)body;
    gitlab_restore(lab);
}

static const struct {
    const char *what;
    void (*change)(struct gitlab_server *lab, struct json_object *row, struct json_object *body);
} makers[] = {
    {"PUT /settings", take_settings}, {"POST /groups", take_group},     {"PUT /groups/", take_group},
    {"POST /projects", take_project}, {"PUT /projects/", take_project}, {"POST /tokens", take_token},
    {"PUT /tokens/", take_token},     {"PUT /runners/", take_runner},   {"PUT /users/", take_user},
    {"POST /backup", take_backup},    {"POST /restore", take_restore},
};

static void begin_gitlab(struct gitlab_replay *r, struct json_object *line)
{
    end_gitlab(r);
    r->sim = direct_create();
    direct_set_time(r->sim, json_int_or(line, "at", 0));
    r->lab = lab_install(r->sim, HOST);
    r->lab->registration = keep_text(r->lab, line, "answer.registration_token");
    r->lab->orphans_told = true;
    replace(&r->lab->url, json_str_or(line, "answer.url", ""));
}

static void change(struct gitlab_replay *r, struct json_object *line, const char *what)
{
    static const struct {
        const char *what;
        enum lab_type type; /* of an owner */
    } deleting[] = {
        {"DELETE /runners/", LAB_INSTANCE}, {"DELETE /groups/", LAB_GROUP}, {"DELETE /projects/", LAB_PROJECT}};

    if (strcmp(what, "GitLab") == 0)
        begin_gitlab(r, line);
    else
        direct_set_time(r->sim, json_int_or(line, "at", 0));
    for (size_t i = 0; i < ARRAY_LEN(makers); i++) {
        size_t len = strlen(makers[i].what);
        bool begins = strncmp(what, makers[i].what, len) == 0;
        bool rest = begins && makers[i].what[len - 1] == '/' && !strchr(what + len, '/');
        if (begins && (!what[len] || rest))
            makers[i].change(r->lab, json_get(line, "answer"), json_get(line, "body"));
    }
    for (size_t i = 0; i < ARRAY_LEN(deleting); i++) {
        size_t len = strlen(deleting[i].what);
        uint64_t id = strncmp(what, deleting[i].what, len) == 0 ? strtoull(what + len, NULL, 10) : 0;
        if (id && deleting[i].type == LAB_INSTANCE)
            gitlab_delete_runner(r->lab, id);
        else if (id)
            lab_delete_owner(r->lab, deleting[i].type, id);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Answers */

static bool is_near(const char *real, const char *model)
{
    int64_t apart = time_parse(real) - time_parse(model);

    return time_parse(real) >= 0 && time_parse(model) >= 0 && apart <= CLOCKS_APART_S && apart >= -CLOCKS_APART_S;
}

/* Up to where chance begins, which may have such characters, too: "glrt-t3_…", "glrt-…". */
static bool begin_alike(const char *real, const char *model)
{
    const char *dash = strchr(real, '-'), *end = dash;

    if (dash && dash[1] == 't' && isdigit((unsigned char)dash[2]) && dash[3] == '_')
        end = dash + 3;
    return end && strncmp(real, model, (size_t)(end - real) + 1) == 0;
}

/* Behind the host. */
static const char *path_of(const char *url)
{
    const char *host = strstr(url, "://");

    return host ? host + 3 + strcspn(host + 3, "/") : url;
}

static bool is_same_at_gitlab(const char *name, struct json_object *real, struct json_object *model)
{
    size_t len = strlen(name);
    const char *r = json_string(real), *m = json_string(model);

    if (!*r || !*m)
        return false;
    if (len > 3 && strcmp(name + len - 3, "_at") == 0)
        return is_near(r, m);
    if (strcmp(name, "token") == 0)
        return begin_alike(r, m);
    return strcmp(name, "web_url") == 0 && strcmp(path_of(r), path_of(m)) == 0;
}

/* The token of the record takes the place of that which the model has made. */
static void adopt_token(struct gitlab_replay *r, struct json_object *real, struct json_object *model)
{
    const char *token = json_str(real, "token"), *made = json_str(model, "token");
    struct lab_runner *runner = token && made ? map_get(&r->lab->by_token, made) : NULL;

    if (runner)
        set_token(r->lab, runner, token);
}

/* "GET /api/v4/runners/N": what is there once for each kind of exchange. */
static const char *kind_of(struct json_object *line, struct arena *a)
{
    const char *target = json_str_or(line, "target", "");
    char *path = arena_strndup(a, target, strcspn(target, "?")), *to = path;

    for (const char *from = path; *from; from++) {
        bool digit = isdigit((unsigned char)*from) && (to == path || to[-1] == '/' || to[-1] == 'N');
        if (digit && to > path && to[-1] == 'N')
            continue;
        *to++ = digit ? 'N' : *from;
    }
    *to = '\0';
    return arena_printf(a, "%s %s", json_str_or(line, "method", ""), path);
}

static void compare_answers(struct gitlab_replay *r, struct json_object *line, const struct direct_answer *answer,
                            struct arena *a)
{
    const struct comparison comparison = {r->differences, kind_of(line, a), is_same_at_gitlab};
    const char *text = json_str_or(line, "answer", ""), *next = json_str_or(line, "read.X-Next-Page", "");
    const char *type = json_str_or(line, "read.Content-Type", "");
    struct err err;
    struct json_object *real = arena_json(a, json_parse(text, strlen(text), &err));
    struct json_object *model = arena_json(a, json_parse(answer->body.data, answer->body.len, &err));
    long status = json_int_or(line, "status", 0);

    r->compared++;
    if (status != answer->status)
        differences_found(
            r->differences, comparison.exchange, arena_printf(a, "status %ld, not %ld", status, answer->status),
            arena_printf(a, "%ld %s", status, text), arena_printf(a, "%ld %s", answer->status, answer->body.data));
    if (strcmp(next, answer->next_page) != 0)
        differences_found(r->differences, comparison.exchange, "next page", next, answer->next_page);
    if (status != answer->status)
        return;
    if (strncmp(type, answer->content_type, strcspn(type, ";")) != 0)
        differences_found(r->differences, comparison.exchange, "content type", type, answer->content_type);
    if (real && model)
        compare_trees(&comparison, real, model);
    else if (strcmp(text, answer->body.data) != 0)
        differences_found(r->differences, comparison.exchange, "text", text, answer->body.data);
    adopt_token(r, real, model);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Requests */

/* What a manager does with its runner's token is not GitLab's API of runners, but a sign of life. */
static bool is_of_jobs(struct gitlab_replay *r, struct json_object *line)
{
    const char *target = json_str_or(line, "target", ""), *body = json_str_or(line, "body", "");
    struct err err;

    if (strncmp(target, "/api/v4/jobs", 12) != 0 && strncmp(target, "/api/v4", 7) == 0)
        return false;
    cleanup_json struct json_object *asked = json_parse(body, strlen(body), &err);
    struct lab_runner *runner = lab_runner_of(r->lab, json_str(asked, "token"));
    if (strcmp(target, "/api/v4/jobs/request") == 0 && runner)
        lab_heartbeat(r->lab, runner, json_str_or(asked, "system_id", ""), json_get(asked, "info"));
    return true;
}

static void ask_again(struct gitlab_replay *r, struct json_object *line)
{
    cleanup_arena struct arena a = {0};
    const char *headers[HEADERS_MAX + 1] = {NULL}, *spoilt = json_str_or(line, "spoilt", "");
    size_t n = 0;

    direct_set_time(r->sim, json_int_or(line, "at", 0));
    if (is_of_jobs(r, line) || strcmp(spoilt, "not done") == 0)
        return;
    json_each (it, json_get(line, "sent"))
        if (n < HEADERS_MAX)
            headers[n++] = arena_printf(&a, "%s: %s", it.key, json_string(it.value));
    const struct direct_answer *answer =
        direct_ask(r->sim, json_str_or(line, "method", ""), HOST, json_str_or(line, "target", ""), headers,
                   json_str_or(line, "body", ""));
    if (!*spoilt)
        compare_answers(r, line, answer, &a);
}

void gitlab_replay_line(struct gitlab_replay *r, struct json_object *line)
{
    const char *made = json_str(line, "made");

    if (made)
        change(r, line, made);
    else
        ask_again(r, line);
}
