/* Which endpoint a request is for, who may call it, and what it takes: one table. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/gitlab_parts.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Parameters */

static const char *const types[] = {"instance_type", "group_type", "project_type", NULL};
static const char *const statuses[] = {"active", "paused", "online", "offline", "never_contacted", "stale", NULL};
static const char *const job_statuses[] = {"pending", "running", "success", "failed", "canceled", "skipped", NULL};
static const char *const by_id[] = {"id", NULL};
static const char *const directions[] = {"asc", "desc", NULL};

#define DESCRIPTION                                                                                                    \
    {                                                                                                                  \
        .name = "description"                                                                                          \
    }
#define NOTE                                                                                                           \
    {                                                                                                                  \
        .name = "maintenance_note"                                                                                     \
    }
#define PAUSED                                                                                                         \
    {                                                                                                                  \
        .name = "paused", .kind = LAB_BOOLEAN                                                                          \
    }
#define ACTIVE                                                                                                         \
    {                                                                                                                  \
        .name = "active", .kind = LAB_BOOLEAN                                                                          \
    }
#define LOCKED                                                                                                         \
    {                                                                                                                  \
        .name = "locked", .kind = LAB_BOOLEAN                                                                          \
    }
#define RUN_UNTAGGED                                                                                                   \
    {                                                                                                                  \
        .name = "run_untagged", .kind = LAB_BOOLEAN                                                                    \
    }
#define TAG_LIST                                                                                                       \
    {                                                                                                                  \
        .name = "tag_list", .kind = LAB_NAMES                                                                          \
    }
#define ACCESS_LEVEL                                                                                                   \
    {                                                                                                                  \
        .name = "access_level", .values = lab_access_levels                                                            \
    }
#define MAXIMUM_TIMEOUT                                                                                                \
    {                                                                                                                  \
        .name = "maximum_timeout", .kind = LAB_INTEGER                                                                 \
    }
#define TOKEN                                                                                                          \
    {                                                                                                                  \
        .name = "token", .required = true                                                                              \
    }
#define INFO                                                                                                           \
    {                                                                                                                  \
        .name = "info", .kind = LAB_TABLE                                                                              \
    }
#define ID                                                                                                             \
    {                                                                                                                  \
        .name = "id", .kind = LAB_INTEGER, .required = true                                                            \
    }
#define PAGES                                                                                                          \
    {.name = "page", .kind = LAB_INTEGER, .otherwise = "1"},                                                           \
    {                                                                                                                  \
        .name = "per_page", .kind = LAB_INTEGER, .otherwise = "20", .not_zero = true                                   \
    }
#define FILTERS                                                                                                        \
    {.name = "type", .values = types}, {.name = "paused", .kind = LAB_BOOLEAN},                                        \
        {.name = "status", .values = statuses}, {.name = "tag_list", .kind = LAB_NAMES}, {.name = "version_prefix"},   \
        PAGES
#define END                                                                                                            \
    {                                                                                                                  \
        .name = NULL                                                                                                   \
    }

static const struct lab_param registering[] = {
    TOKEN,
    DESCRIPTION,
    {.name = "maintainer_note"},
    NOTE,
    INFO,
    ACTIVE,
    PAUSED,
    LOCKED,
    ACCESS_LEVEL,
    RUN_UNTAGGED,
    TAG_LIST,
    MAXIMUM_TIMEOUT,
    {.name = "maintainer_note, maintenance_note", .kind = LAB_EXCLUSIVE},
    {.name = "active, paused", .kind = LAB_EXCLUSIVE},
    END,
};
static const struct lab_param creating[] = {
    {.name = "runner_type", .required = true, .values = types},
    {.name = "group_id", .kind = LAB_INTEGER, .required = true, .given = "runner_type", .given_value = "group_type"},
    {.name = "project_id",
     .kind = LAB_INTEGER,
     .required = true,
     .given = "runner_type",
     .given_value = "project_type"},
    DESCRIPTION,
    NOTE,
    PAUSED,
    LOCKED,
    ACCESS_LEVEL,
    RUN_UNTAGGED,
    TAG_LIST,
    MAXIMUM_TIMEOUT,
    END,
};
static const struct lab_param updating[] = {
    ID,
    DESCRIPTION,
    ACTIVE,
    PAUSED,
    TAG_LIST,
    RUN_UNTAGGED,
    LOCKED,
    ACCESS_LEVEL,
    MAXIMUM_TIMEOUT,
    NOTE,
    {.name = "description, active, paused, tag_list, run_untagged, locked, access_level, maximum_timeout, "
             "maintenance_note",
     .kind = LAB_AT_LEAST_ONE},
    {.name = "active, paused", .kind = LAB_EXCLUSIVE},
    END,
};
static const struct lab_param with_token[] = {TOKEN, END};
static const struct lab_param of_manager[] = {TOKEN, {.name = "system_id", .required = true}, END};
static const struct lab_param verifying[] = {TOKEN, {.name = "system_id"}, INFO, END};
static const struct lab_param of_runner[] = {ID, END};
static const struct lab_param showing[] = {
    ID, {.name = "include_projects", .kind = LAB_BOOLEAN, .otherwise = "true"}, END};
static const struct lab_param listing[] = {{.name = "scope"}, FILTERS, END};
static const struct lab_param of_group[] = {{.name = "id"}, FILTERS, END};
static const struct lab_param of_project[] = {{.name = "id"}, {.name = "scope"}, FILTERS, END};
static const struct lab_param of_jobs[] = {ID,
                                           {.name = "system_id"},
                                           {.name = "status", .values = job_statuses},
                                           {.name = "order_by", .values = by_id},
                                           {.name = "sort", .values = directions, .otherwise = "desc"},
                                           PAGES,
                                           END};
static const struct lab_param nothing[] = {END};

/* ------------------------------------------------------------------------------------------------------------------
 * The guard */

/* Scopes that open a class of endpoints, in the order in which GitLab names them, each where it opens one. */
enum opens { NOWHERE, POSTS, READS, SINGLE_RUNNERS, EVERYWHERE };
struct class
{
    bool by_access_token;
    struct {
        const char *scope;
        enum opens opens;
    } scopes[4];
};
static const struct class own = {.by_access_token = false};
static const struct class create = {true, {{" create_runner ", POSTS}, {" api ", EVERYWHERE}, {" read_api ", READS}}};
static const struct class manage = {
    true, {{" manage_runner ", SINGLE_RUNNERS}, {" api ", EVERYWHERE}, {" read_api ", READS}}};
static const struct class about = {true, {{" read_user ", READS}, {" api ", EVERYWHERE}, {" read_api ", READS}}};
static const struct class any = {.by_access_token = true};

static bool scope_opens(const struct lab_call *call, enum opens opens)
{
    const char *method = call->request->method;

    return opens == EVERYWHERE || (opens == POSTS && strcmp(method, "POST") == 0) ||
           (opens == READS && strcmp(method, "GET") == 0) ||
           (opens == SINGLE_RUNNERS && *call->key && strncmp(call->request->target, "/api/v4/runners/", 16) == 0);
}

static bool has_a_scope(const struct lab_call *call, const struct class *class)
{
    for (size_t i = 0; class->scopes[i].scope; i++)
        if (scope_opens(call, class->scopes[i].opens) && strstr(call->access->scopes, class->scopes[i].scope))
            return true;
    return !class->scopes[0].scope;
}

static void lacks_scope(struct lab_call *call, const struct class *class)
{
    struct buf *b = lab_reply(call, 403);

    buf_adds(b, "{\"error\":\"insufficient_scope\",\"error_description\":\"The request requires higher privileges than "
                "provided by the access token.\",\"scope\":\"");
    for (size_t i = 0; class->scopes[i].scope; i++) {
        const char *scope = class->scopes[i].scope + 1;
        buf_addf(b, "%s%.*s", i ? " " : "", (int)strlen(scope) - 1, scope);
    }
    buf_adds(b, "\"}");
}

static struct lab_access *presented(const struct lab_call *call)
{
    const char *token = exchange_header(call->request, "PRIVATE-TOKEN");
    const char *bearer = exchange_header(call->request, "Authorization");

    if (!token)
        token = lab_text(call->raw, "private_token");
    if (!token && bearer && strncmp(bearer, "Bearer ", 7) == 0)
        token = bearer + 7;
    return token ? lab_access_of(call->lab, token) : NULL;
}

static bool admits_access_token(struct lab_call *call, const struct class *class)
{
    struct lab_access *access = call->access = presented(call);

    if (!access)
        lab_message(call, 401, "401 Unauthorized");
    else if (access->revoked)
        lab_refuse_token(call, "Token was revoked. You have to re-authorize from the user.");
    else if (access->ends_s && access->ends_s <= sim_wall(call->lab->sim))
        lab_refuse_token(call, "Token is expired. You can either do re-authorization or token refresh.");
    else if (!has_a_scope(call, class))
        lacks_scope(call, class);
    else if (call->lab->blocked || lab_user(call->lab, access->user)->blocked)
        lab_message(call, 403, "403 Forbidden - Your account has been blocked.");
    else {
        access->used_ms = lab_now_ms(call->lab);
        call->user = lab_user(call->lab, access->user);
        return true;
    }
    return false;
}

static bool admits(struct lab_call *call, const struct class *class)
{
    if (class->by_access_token)
        return admits_access_token(call, class);
    if (!call->lab->migrating)
        return true;
    lab_message(call, 429, "Executing database migrations. Please retry later.");
    call->head.retry_after_ms = 60 * 1000;
    return false;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Routes. The first that fits; ":" stands for one part of the path, the key. */

static const struct lab_route {
    const char *method, *path, *verb;
    const struct class *class;
    const struct lab_param *params;
    lab_endpoint *endpoint;
} routes[] = {
    {"POST", "/runners/verify", "verify", &own, verifying, lab_verify},
    {"GET", "/runners/all", "list", &manage, listing, lab_list_all},
    {"DELETE", "/runners/managers", "other", &own, of_manager, lab_unregister_manager},
    {"GET", "/runners/:", "show", &manage, showing, lab_show},
    {"PUT", "/runners/:", "update", &manage, updating, lab_update},
    {"POST", "/user/runners", "create", &create, creating, lab_create},
    {"POST", "/runners", "register", &own, registering, lab_register},
    {"DELETE", "/runners/:", "remove", &manage, of_runner, lab_remove},
    {"DELETE", "/runners", "deregister", &own, with_token, lab_unregister},
    {"POST", "/runners/:/reset_authentication_token", "reset", &manage, of_runner, lab_reset},
    {"POST", "/runners/reset_authentication_token", "rotate", &own, with_token, lab_rotate},
    {"GET", "/groups/:/runners", "list", &manage, of_group, lab_list_group},
    {"GET", "/projects/:/runners", "list", &manage, of_project, lab_list_project},
    {"GET", "/runners", "list", &manage, listing, lab_list_own},
    {"GET", "/version", "version", &about, nothing, lab_version},
    {"GET", "/metadata", "version", &about, nothing, lab_version},
    {"GET", "/personal_access_tokens/self", "self", &any, nothing, lab_self},
    {"GET", "/runners/:/jobs", "jobs", &manage, of_jobs, lab_list_jobs},
    {"GET", "/runners/:/managers", "other", &manage, of_runner, lab_managers},
    {"GET", "/user", "other", &about, nothing, lab_whoami},
};

/* The key is what ":" stands for. */
static bool fits(const char *pattern, const char *path, size_t len, char *key, size_t size)
{
    const char *colon = strchr(pattern, ':'), *end = path + len;

    *key = '\0';
    if (!colon)
        return strlen(pattern) == len && memcmp(pattern, path, len) == 0;
    size_t before = (size_t)(colon - pattern), after = strlen(colon + 1);
    if (len <= before + after || memcmp(pattern, path, before) != 0 || memcmp(end - after, colon + 1, after) != 0)
        return false;
    const char *part = path + before;
    size_t part_len = len - before - after;
    if (memchr(part, '/', part_len) || part_len >= size)
        return false;
    snprintf(key, size, "%.*s", (int)part_len, part);
    lab_unescape(key);
    return true;
}

static void without_route(struct lab_call *call)
{
    const char *target = call->request->target;

    if (strncmp(target, "/api/v3/", 8) == 0)
        lab_error(call, 410, "API V3 is no longer supported. Use API V4 instead.");
    else if (strncmp(target, "/api/v4", 7) != 0)
        lab_page(
            call, 404, "text/html",
            "<!DOCTYPE html>\n<title>The page you're looking for could not be found (404)</title>\n<h1>404</h1>\n");
    else
        lab_error(call, call->other_method ? 405 : 404, call->other_method ? "405 Not Allowed" : "404 Not Found");
}

void lab_find_route(struct lab_call *call)
{
    const char *target = call->request->target;
    size_t len = strcspn(target, "?");
    bool api = strncmp(target, "/api/v4/", 8) == 0;

    call->verb = "other";
    for (size_t i = 0; i < ARRAY_LEN(routes) && api; i++) {
        if (!fits(routes[i].path, target + 7, len - 7, call->key, sizeof(call->key)))
            continue;
        if (strcmp(routes[i].method, call->request->method) == 0) {
            call->route = &routes[i];
            call->verb = routes[i].verb;
            return;
        }
        call->other_method = true;
    }
}

void lab_run(struct lab_call *call)
{
    const struct lab_route *route = call->route;
    const char *query = strchr(call->request->target, '?');

    if (!route)
        without_route(call);
    else if (lab_gather(call, query ? query + 1 : "") && admits(call, route->class) && lab_check(call, route->params))
        route->endpoint(call);
}
