/* Answers: how runners and their managers look, and GitLab's refusals in its words. A runner's token is shown when it
 * is made, and to whoever has it. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"
#include "tests/sim/gitlab_parts.h"

enum { ONLINE_MS = 2 * 3600 * 1000, STALE_MS = 7 * 24 * 3600 * 1000 };

/* ------------------------------------------------------------------------------------------------------------------
 * JSON as text */

static void add_escaped(struct buf *b, unsigned char c)
{
    const char *at = strchr("\"\"\\\\\nn\rr\tt\bb\ff", c);

    if (c >= ' ' && c != '"' && c != '\\')
        buf_add(b, &c, 1);
    else if (at && c)
        buf_addf(b, "\\%c", at[1]);
    else
        buf_addf(b, "\\u%04x", c);
}

void lab_add_text(struct buf *b, const char *text)
{
    if (!text) {
        buf_adds(b, "null");
        return;
    }
    buf_adds(b, "\"");
    while (*text) {
        size_t plain = strcspn(text, "\"\\\x01\x02\x03\x04\x05\x06\x07\b\t\n\x0b\f\r\x0e\x0f\x10\x11\x12\x13\x14\x15"
                                     "\x16\x17\x18\x19\x1a\x1b\x1c\x1d\x1e\x1f");
        buf_add(b, text, plain);
        text += plain;
        if (*text)
            add_escaped(b, (unsigned char)*text++);
    }
    buf_adds(b, "\"");
}

void lab_add_time(struct buf *b, int64_t ms)
{
    cleanup_arena struct arena a = {0};

    lab_add_text(b, ms ? time_format_us(ms * 1000, 3, &a) : NULL);
}

static void add_member(struct buf *b, const char *name, const char *text)
{
    buf_addf(b, ",\"%s\":", name);
    lab_add_text(b, text);
}

static const char *truth(bool is)
{
    return is ? "true" : "false";
}

/* ------------------------------------------------------------------------------------------------------------------
 * Answers */

struct buf *lab_reply(struct lab_call *call, int status)
{
    call->head.status = status;
    call->head.content_type = "application/json";
    buf_clear(&call->lab->answer);
    return &call->lab->answer;
}

void lab_no_content(struct lab_call *call)
{
    lab_reply(call, 204);
    call->head.content_type = NULL;
}

void lab_page(struct lab_call *call, int status, const char *type, const char *text)
{
    buf_adds(lab_reply(call, status), text);
    call->head.content_type = type;
}

static void refuse(struct lab_call *call, int status, const char *key, const char *text)
{
    struct buf *b = lab_reply(call, status);

    buf_addf(b, "{\"%s\":", key);
    lab_add_text(b, text);
    buf_adds(b, "}");
}

void lab_error(struct lab_call *call, int status, const char *text)
{
    refuse(call, status, "error", text);
}

void lab_message(struct lab_call *call, int status, const char *text)
{
    refuse(call, status, "message", text);
}

void lab_refuse_token(struct lab_call *call, const char *description)
{
    struct buf *b = lab_reply(call, 401);

    buf_addf(b, "{\"error\":\"invalid_token\",\"error_description\":\"%s\"}", description);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Runners */

bool lab_is_online(const struct lab_runner *runner, int64_t now_ms)
{
    return runner->contacted_ms && runner->contacted_ms > now_ms - ONLINE_MS;
}

static const char *status_by_contact(int64_t created_ms, int64_t contacted_ms, int64_t now_ms)
{
    if ((contacted_ms > created_ms ? contacted_ms : created_ms) <= now_ms - STALE_MS)
        return "stale";
    return !contacted_ms ? "never_contacted" : contacted_ms > now_ms - ONLINE_MS ? "online" : "offline";
}

const char *lab_status(const struct lab_runner *runner, int64_t now_ms)
{
    const char *status = status_by_contact(runner->created_ms, runner->contacted_ms, now_ms);

    bool seen = strcmp(status, "online") == 0 || strcmp(status, "offline") == 0;

    return runner->is.paused && seen ? "paused" : status;
}

void lab_add_user_entity(struct lab_call *call, const struct lab_user *user)
{
    const struct gitlab_server *lab = call->lab;
    struct buf *b = &call->lab->answer;

    buf_addf(b, "{\"id\":%llu", (unsigned long long)user->id);
    add_member(b, "username", user->username);
    add_member(b, "name", user->name);
    buf_addf(b, ",\"state\":\"active\",\"web_url\":\"%s%s/%s\"}", *lab->url ? lab->url : "http://",
             *lab->url ? "" : call->request->host, user->username);
}

void lab_add_credentials(struct lab_call *call, const struct lab_runner *runner, bool with_id)
{
    struct buf *b = &call->lab->answer;

    buf_adds(b, "{");
    if (with_id)
        buf_addf(b, "\"id\":%llu,", (unsigned long long)runner->id);
    buf_adds(b, "\"token\":");
    lab_add_text(b, runner->token);
    buf_adds(b, ",\"token_expires_at\":");
    lab_add_time(b, runner->expires_ms);
    buf_adds(b, "}");
}

static void add_short_members(struct lab_call *call, const struct lab_runner *runner)
{
    struct buf *b = &call->lab->answer;
    int64_t now = lab_now_ms(call->lab);
    const struct lab_user *creator = lab_user(call->lab, runner->creator);

    buf_addf(b, "{\"id\":%llu", (unsigned long long)runner->id);
    add_member(b, "description", runner->is.description);
    buf_addf(b, ",\"ip_address\":null,\"active\":%s,\"paused\":%s,\"is_shared\":%s,\"runner_type\":\"%s\"",
             truth(!runner->is.paused), truth(runner->is.paused), truth(runner->type == LAB_INSTANCE),
             lab_types[runner->type]);
    add_member(b, "name", runner->is.name);
    buf_addf(b, ",\"online\":%s,\"status\":\"%s\",\"job_execution_status\":\"%s\",\"created_at\":",
             runner->contacted_ms ? truth(lab_is_online(runner, now)) : "null", lab_status(runner, now),
             runner->running ? "active" : "idle");
    lab_add_time(b, runner->created_ms);
    buf_adds(b, ",\"created_by\":");
    if (creator)
        lab_add_user_entity(call, creator);
    else
        buf_adds(b, "null");
}

void lab_add_short(struct lab_call *call, const struct lab_runner *runner)
{
    add_short_members(call, runner);
    buf_adds(&call->lab->answer, "}");
}

/* What the manager says that called last. */
static void add_newest_manager(struct buf *b, const struct lab_runner *runner)
{
    const struct lab_manager *newest = NULL;

    for (size_t i = 0; i < runner->n_managers; i++)
        if (!newest || runner->managers[i].contacted_ms > newest->contacted_ms)
            newest = &runner->managers[i];
    add_member(b, "version", newest && *newest->version ? newest->version : NULL);
    add_member(b, "revision", newest && *newest->revision ? newest->revision : NULL);
    add_member(b, "platform", newest && *newest->platform ? newest->platform : NULL);
    add_member(b, "architecture", newest && *newest->architecture ? newest->architecture : NULL);
}

/* "group / project", of their path. */
static void add_path_as_name(struct buf *b, const char *path)
{
    for (const char *part = path; *part;) {
        size_t len = strcspn(part, "/");
        buf_addf(b, "%s%.*s", part == path ? "" : " / ", (int)len, part);
        part += len + (part[len] == '/');
    }
}

static void add_project(struct buf *b, const struct lab_owner *project)
{
    buf_addf(b, "{\"id\":%llu,\"description\":null,\"name\":\"%s\",\"name_with_namespace\":\"",
             (unsigned long long)project->id, project->name);
    add_path_as_name(b, project->path);
    buf_addf(b, "\",\"path\":\"%s\",\"path_with_namespace\":\"%s\"}", project->name, project->path);
}

static void add_owner(struct lab_call *call, const struct lab_runner *runner, bool with_projects)
{
    const struct gitlab_server *lab = call->lab;
    struct buf *b = &call->lab->answer;
    const struct lab_owner *project = runner->type == LAB_PROJECT ? lab_owner(&lab->projects, runner->owner) : NULL;
    const struct lab_owner *group = runner->type == LAB_GROUP ? lab_owner(&lab->groups, runner->owner) : NULL;

    if (with_projects)
        buf_adds(b, ",\"projects\":[");
    if (with_projects && project)
        add_project(b, project);
    buf_addf(b, "%s,\"groups\":[", with_projects ? "]" : "");
    if (group)
        buf_addf(b, "{\"id\":%llu,\"web_url\":\"http://%s/groups/%s\",\"name\":\"%s\"}", (unsigned long long)group->id,
                 call->request->host, group->path, group->name);
    buf_adds(b, "]}");
}

static void add_tags(struct buf *b, struct json_object *tags)
{
    buf_adds(b, ",\"tag_list\":[");
    for (size_t i = 0; i < json_len(tags); i++) {
        buf_adds(b, i ? "," : "");
        lab_add_text(b, json_string(json_at(tags, i)));
    }
    buf_adds(b, "]");
}

void lab_add_detailed(struct lab_call *call, const struct lab_runner *runner, bool with_projects)
{
    struct buf *b = &call->lab->answer;

    add_short_members(call, runner);
    add_tags(b, runner->is.tags);
    buf_addf(b, ",\"run_untagged\":%s,\"locked\":%s,\"maximum_timeout\":", truth(runner->is.run_untagged),
             truth(runner->is.locked));
    if (runner->is.maximum_timeout < 0)
        buf_adds(b, "null");
    else
        buf_addf(b, "%lld", (long long)runner->is.maximum_timeout);
    add_member(b, "access_level", lab_access_levels[runner->is.ref_protected]);
    add_newest_manager(b, runner);
    buf_adds(b, ",\"contacted_at\":");
    lab_add_time(b, runner->contacted_ms);
    add_member(b, "maintenance_note", lab_may_update(call->lab, call->user, runner) ? runner->is.note : NULL);
    add_owner(call, runner, with_projects);
}

void lab_add_manager(struct lab_call *call, const struct lab_manager *manager, bool busy)
{
    struct buf *b = &call->lab->answer;

    buf_addf(b, "{\"id\":%llu", (unsigned long long)manager->id);
    add_member(b, "system_id", manager->system_id);
    add_member(b, "version", *manager->version ? manager->version : NULL);
    add_member(b, "revision", *manager->revision ? manager->revision : NULL);
    add_member(b, "platform", *manager->platform ? manager->platform : NULL);
    add_member(b, "architecture", *manager->architecture ? manager->architecture : NULL);
    buf_adds(b, ",\"created_at\":");
    lab_add_time(b, manager->created_ms);
    buf_adds(b, ",\"contacted_at\":");
    lab_add_time(b, manager->contacted_ms);
    buf_addf(b, ",\"ip_address\":null,\"status\":\"%s\",\"job_execution_status\":\"%s\"}",
             status_by_contact(manager->created_ms, manager->contacted_ms, lab_now_ms(call->lab)),
             busy ? "active" : "idle");
}
