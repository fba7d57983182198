/* What a person or an operator does with an access token: create runners, read, change, rotate, delete them, and ask
 * about the instance and the token itself. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/time.h"
#include "tests/sim/gitlab_parts.h"

enum { LEVEL_MAINTAINER = 40, LEVEL_OWNER = 50 };

/* ------------------------------------------------------------------------------------------------------------------
 * Creation */

static bool may_create(const struct lab_call *call, enum lab_type type, const struct lab_owner *owner)
{
    const struct gitlab_server *lab = call->lab;
    bool off = type == LAB_GROUP ? lab->group_registrars_off : lab->project_registrars_off;

    if (call->user->admin || type == LAB_INSTANCE)
        return call->user->admin;
    if (off || owner->registrars_off)
        return false;
    return type == LAB_GROUP ? lab_group_level(lab, call->user, owner->id) >= LEVEL_OWNER
                             : lab_project_level(lab, call->user, owner->id) >= LEVEL_MAINTAINER;
}

static enum lab_type type_of_text(const char *text)
{
    return strcmp(text, lab_types[LAB_INSTANCE]) == 0 ? LAB_INSTANCE
           : strcmp(text, lab_types[LAB_GROUP]) == 0  ? LAB_GROUP
                                                      : LAB_PROJECT;
}

/* An owner that does not exist is refused before anyone's rights are looked at. */
static bool may_create_there(struct lab_call *call, enum lab_type type, const struct lab_owner **ret_owner)
{
    static const char *const ids[] = {"", "group_id", "project_id"};
    struct json_object *id = type == LAB_INSTANCE ? NULL : json_member(call->params, ids[type]);
    const struct lab_owners *owners = type == LAB_GROUP ? &call->lab->groups : &call->lab->projects;

    *ret_owner = id ? lab_owner(owners, (uint64_t)json_object_get_int64(id)) : NULL;
    if (type != LAB_INSTANCE && !*ret_owner)
        lab_message(call, 400,
                    type == LAB_GROUP ? "400 Bad request - Missing/invalid group"
                                      : "400 Bad request - Missing/invalid project");
    else if (!may_create(call, type, *ret_owner))
        lab_message(call, 403, "403 Forbidden - Insufficient permissions");
    else
        return true;
    return false;
}

void lab_create(struct lab_call *call)
{
    struct lab_attributes is = {.run_untagged = true, .maximum_timeout = -1};
    enum lab_type type = type_of_text(lab_text(call->params, "runner_type"));
    const struct lab_owner *owner;

    if (!may_create_there(call, type, &owner))
        return;
    lab_attributes_take(&is, call->params);
    if (lab_attributes_are_good(call, &is, type, owner ? owner->id : 0, true)) {
        const struct lab_runner *runner = lab_add_runner(call->lab, type, owner ? owner->id : 0, call->user->id, &is);
        call->told_id = runner->id;
        lab_reply(call, 201);
        lab_add_credentials(call, runner, true);
    }
    lab_attributes_finish(&is);
}

/* ------------------------------------------------------------------------------------------------------------------
 * One runner, by its id. A missing one is 404 for everybody: who may see one can only be asked of one that is there. */

struct lab_runner *lab_find(struct lab_call *call, bool (*may)(const struct gitlab_server *, const struct lab_user *,
                                                               const struct lab_runner *))
{
    struct json_object *id = json_member(call->params, "id");
    struct lab_runner *runner = id ? lab_runner(call->lab, (uint64_t)json_object_get_int64(id)) : NULL;

    call->told_id = runner ? runner->id : 0;
    if (!runner)
        lab_message(call, 404, "404 Runner Not Found");
    else if (!may(call->lab, call->user, runner))
        lab_message(call, 403, "403 Forbidden - No access granted");
    else
        return runner;
    return NULL;
}

void lab_show(struct lab_call *call)
{
    const struct lab_runner *runner = lab_find(call, lab_may_read);
    struct json_object *with_projects = json_member(call->params, "include_projects");

    if (!runner)
        return;
    lab_reply(call, 200);
    lab_add_detailed(call, runner, with_projects && json_object_get_boolean(with_projects));
}

void lab_managers(struct lab_call *call)
{
    const struct lab_runner *runner = lab_find(call, lab_may_read);

    if (!runner)
        return;
    struct buf *b = lab_reply(call, 200);
    buf_adds(b, "[");
    for (size_t i = 0; i < runner->n_managers; i++) {
        buf_adds(b, i ? "," : "");
        lab_add_manager(call, &runner->managers[i], i == 0 && runner->running);
    }
    buf_adds(b, "]");
}

void lab_update(struct lab_call *call)
{
    struct lab_runner *runner = lab_find(call, lab_may_update);
    struct lab_attributes is;

    if (!runner)
        return;
    lab_attributes_copy(&is, &runner->is);
    lab_attributes_take(&is, call->params);
    if (lab_attributes_are_good(call, &is, LAB_INSTANCE, 0, false)) {
        struct lab_attributes former = runner->is;
        runner->is = is;
        is = former;
        runner->updated_ms = lab_now_ms(call->lab);
        lab_reply(call, 200);
        lab_add_detailed(call, runner, true);
    }
    lab_attributes_finish(&is);
}

void lab_remove(struct lab_call *call)
{
    struct lab_runner *runner = lab_find(call, lab_may_update);

    if (!runner)
        return;
    if (runner->shared && !call->user->admin) {
        lab_message(call, 403, "403 Forbidden - Runner associated with more than one project");
        return;
    }
    lab_delete_runner(call->lab, runner);
    lab_no_content(call);
}

bool lab_is_too_late(struct lab_call *call)
{
    if (call->lab->too_late)
        lab_message(call, 422, "422 Unprocessable Entity");
    return call->lab->too_late;
}

void lab_reset(struct lab_call *call)
{
    struct lab_runner *runner = lab_find(call, lab_may_update);

    if (!runner || lab_is_too_late(call))
        return;
    lab_renew_token(call->lab, runner);
    lab_reply(call, 201);
    lab_add_credentials(call, runner, false);
}

/* ------------------------------------------------------------------------------------------------------------------
 * About the instance, and who asks */

void lab_version(struct lab_call *call)
{
    const char *version = call->lab->version;
    size_t len = strlen(version);
    struct buf *b = lab_reply(call, 200);

    buf_adds(b, "{\"version\":");
    lab_add_text(b, version);
    buf_addf(b,
             ",\"revision\":\"abcdef01\",\"kas\":{\"enabled\":false,\"externalUrl\":null,\"version\":null},"
             "\"enterprise\":%s}",
             len > 3 && strcmp(version + len - 3, "-ee") == 0 ? "true" : "false");
}

void lab_whoami(struct lab_call *call)
{
    lab_reply(call, 200);
    lab_add_user_entity(call, call->user);
}

static void add_scopes(struct buf *b, const char *scopes)
{
    bool first = true;

    for (const char *at = scopes + strspn(scopes, " "); *at; at += strspn(at, " ")) {
        size_t len = strcspn(at, " ");
        buf_addf(b, "%s\"%.*s\"", first ? "" : ",", (int)len, at);
        first = false;
        at += len;
    }
}

static void add_day(struct buf *b, int64_t seconds)
{
    cleanup_arena struct arena a = {0};

    if (seconds)
        buf_addf(b, "\"%.10s\"", time_format(seconds, &a));
    else
        buf_adds(b, "null");
}

void lab_self(struct lab_call *call)
{
    const struct lab_access *access = call->access;
    struct buf *b = lab_reply(call, 200);

    buf_addf(b, "{\"id\":%llu,\"name\":", (unsigned long long)access->id);
    lab_add_text(b, access->name);
    buf_adds(b, ",\"revoked\":false,\"created_at\":");
    lab_add_time(b, access->created_ms);
    buf_adds(b, ",\"description\":null,\"scopes\":[");
    add_scopes(b, access->scopes);
    buf_addf(b, "],\"user_id\":%llu,\"last_used_at\":", (unsigned long long)access->user);
    lab_add_time(b, access->used_ms);
    buf_adds(b, ",\"active\":true,\"expires_at\":");
    add_day(b, access->ends_s);
    buf_adds(b, ",\"expired\":false,\"granular\":false,\"last_used_ips\":[]}");
}
