/* Lists of runners, and of a runner's jobs: who may see which, filters, pages. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/gitlab_parts.h"

enum { MAINTAINER_OF = 40, OWNER_OF = 50 };

/* ------------------------------------------------------------------------------------------------------------------
 * Filters. Each says whether a runner has the value that was asked for. */

static bool has_status(const struct lab_runner *runner, const char *status, int64_t now_ms)
{
    bool online = lab_is_online(runner, now_ms);

    if (strcmp(status, "active") == 0 || strcmp(status, "paused") == 0)
        return runner->is.paused == (*status == 'p');
    if (strcmp(status, "online") == 0 || strcmp(status, "offline") == 0)
        return runner->contacted_ms && online == (status[1] == 'n');
    if (strcmp(status, "never_contacted") == 0)
        return !runner->contacted_ms;
    return strcmp(lab_status(runner, now_ms), "stale") == 0;
}

static const char *const scopes[] = {"active", "paused",   "online",        "offline",    "never_contacted", "stale",
                                     "shared", "specific", "instance_type", "group_type", "project_type"};

static bool is_scope(const char *scope)
{
    for (size_t i = 0; i < ARRAY_LEN(scopes); i++)
        if (strcmp(scope, scopes[i]) == 0)
            return true;
    return false;
}

static bool has_scope(const struct lab_runner *runner, const char *scope, int64_t now_ms)
{
    if (strcmp(scope, "shared") == 0 || strcmp(scope, "specific") == 0)
        return (runner->type == LAB_INSTANCE) == (scope[1] == 'h');
    return strstr(scope, "_type") ? strcmp(scope, lab_types[runner->type]) == 0 : has_status(runner, scope, now_ms);
}

static bool has_tags(const struct lab_runner *runner, struct json_object *tags)
{
    for (size_t i = 0; i < json_len(tags); i++) {
        bool found = false;
        for (size_t j = 0; j < json_len(runner->is.tags) && !found; j++)
            found = strcmp(json_string(json_at(tags, i)), json_string(json_at(runner->is.tags, j))) == 0;
        if (!found)
            return false;
    }
    return true;
}

static bool has_version(const struct lab_runner *runner, const char *prefix)
{
    for (size_t i = 0; i < runner->n_managers; i++)
        if (strncmp(runner->managers[i].version, prefix, strlen(prefix)) == 0)
            return true;
    return false;
}

/* Read once for each list. */
struct filter {
    const char *scope, *type, *status, *version;
    struct json_object *tags, *paused;
    int64_t now_ms;
};

static struct filter filter_of(struct lab_call *call)
{
    struct json_object *params = call->params;

    return (struct filter){.scope = lab_text(params, "scope"),
                           .type = lab_text(params, "type"),
                           .status = lab_text(params, "status"),
                           .version = lab_text(params, "version_prefix"),
                           .tags = json_member(params, "tag_list"),
                           .paused = json_member(params, "paused"),
                           .now_ms = lab_now_ms(call->lab)};
}

static bool passes(const struct filter *f, const struct lab_runner *runner)
{
    return (!f->scope || !*f->scope || has_scope(runner, f->scope, f->now_ms)) &&
           (!f->type || strcmp(f->type, lab_types[runner->type]) == 0) &&
           (!f->status || has_status(runner, f->status, f->now_ms)) &&
           (!f->paused || json_object_get_boolean(f->paused) == runner->is.paused) &&
           (!f->tags || has_tags(runner, f->tags)) && (!f->version || has_version(runner, f->version));
}

/* ------------------------------------------------------------------------------------------------------------------
 * Pages */

static int64_t number_of(struct lab_call *call, const char *name, int64_t otherwise)
{
    struct json_object *value = json_member(call->params, name);

    return value ? json_object_get_int64(value) : otherwise;
}

struct page {
    size_t first, end, all;
};

/* Of all rows; tells the number of the next page. */
static struct page page_of(struct lab_call *call, size_t all)
{
    int64_t size = number_of(call, "per_page", 20), number = number_of(call, "page", 1);
    struct page page = {.all = all};

    size = size < 1 ? 1 : size > 100 ? 100 : size;
    number = number < 1 ? 1 : number > 1000000 ? 1000000 : number;
    page.first = (size_t)((number - 1) * size);
    page.end = page.first + (size_t)size;
    if (page.end < all)
        snprintf(call->next_page, sizeof(call->next_page), "%lld", (long long)number + 1);
    call->head.next_page = call->next_page;
    return page;
}

typedef bool shown_to(struct lab_call *call, const struct lab_runner *runner, uint64_t owner);

/* Newest first; a client must not depend on the direction. */
static void list(struct lab_call *call, shown_to *is_shown, uint64_t owner)
{
    const struct lab_rows *rows = &call->lab->rows;
    const struct filter filter = filter_of(call);
    size_t n = 0, all = 0;

    if (filter.scope && *filter.scope && !is_scope(filter.scope)) {
        lab_message(call, 400, "Scope contains invalid value");
        return;
    }
    for (size_t i = 0; i < rows->len; i++)
        all += is_shown(call, rows->runners[i], owner) && passes(&filter, rows->runners[i]);
    struct buf *b = lab_reply(call, 200);
    const struct page page = page_of(call, all);
    buf_adds(b, "[");
    for (size_t i = rows->len; i > 0 && n < page.end; i--) {
        const struct lab_runner *runner = rows->runners[i - 1];
        if (!is_shown(call, runner, owner) || !passes(&filter, runner) || n++ < page.first)
            continue;
        buf_adds(b, n - 1 > page.first ? "," : "");
        lab_add_short(call, runner);
    }
    buf_adds(b, "]");
}

/* ------------------------------------------------------------------------------------------------------------------
 * Whose */

/* Through a membership; being an administrator adds none. */
static bool is_ones_own(struct lab_call *call, const struct lab_runner *runner, uint64_t owner)
{
    (void)owner;
    if (runner->type == LAB_GROUP)
        return lab_group_level(call->lab, call->user, runner->owner) >= OWNER_OF;
    return runner->type == LAB_PROJECT && lab_project_level(call->lab, call->user, runner->owner) >= MAINTAINER_OF;
}

static bool is_anyones(struct lab_call *call, const struct lab_runner *runner, uint64_t owner)
{
    (void)call, (void)runner, (void)owner;
    return true;
}

/* The group's own, those of the groups above it, and the instance's. */
static bool is_of_group(struct lab_call *call, const struct lab_runner *runner, uint64_t group)
{
    return runner->type == LAB_INSTANCE ||
           (runner->type == LAB_GROUP && lab_is_within(call->lab, group, runner->owner));
}

/* The project's own, those of the groups it is in, and the instance's when switched on. */
static bool serves_project(struct lab_call *call, const struct lab_runner *runner, uint64_t id)
{
    const struct lab_owner *project = lab_owner(&call->lab->projects, id);

    if (runner->type == LAB_INSTANCE)
        return !project->no_shared;
    return runner->type == LAB_PROJECT ? runner->owner == id : lab_is_within(call->lab, project->parent, runner->owner);
}

void lab_list_own(struct lab_call *call)
{
    list(call, is_ones_own, 0);
}

void lab_list_all(struct lab_call *call)
{
    if (call->user->admin)
        list(call, is_anyones, 0);
    else
        lab_message(call, 403, "403 Forbidden");
}

typedef unsigned level_of(const struct gitlab_server *lab, const struct lab_user *user, uint64_t owner);

/* To those who may manage the owner. */
static void list_of_owner(struct lab_call *call, const struct lab_owner *owner, const char *missing, level_of *level,
                          unsigned least, shown_to *is_shown)
{
    if (!owner)
        lab_message(call, 404, missing);
    else if (!call->user->admin && level(call->lab, call->user, owner->id) < least)
        lab_message(call, 403, "403 Forbidden");
    else
        list(call, is_shown, owner->id);
}

void lab_list_group(struct lab_call *call)
{
    list_of_owner(call, lab_owner_by_key(&call->lab->groups, call->key), "404 Group Not Found", lab_group_level,
                  OWNER_OF, is_of_group);
}

void lab_list_project(struct lab_call *call)
{
    list_of_owner(call, lab_owner_by_key(&call->lab->projects, call->key), "404 Project Not Found", lab_project_level,
                  MAINTAINER_OF, serves_project);
}

/* Jobs are but counted here: those that run have a number and a status. */
void lab_list_jobs(struct lab_call *call)
{
    const struct lab_runner *runner = lab_find(call, lab_may_read);
    const char *status = lab_text(call->params, "status");

    if (!runner)
        return;
    size_t all = status && strcmp(status, "running") != 0 ? 0 : runner->running;
    struct buf *b = lab_reply(call, 200);
    const struct page page = page_of(call, all);
    buf_adds(b, "[");
    for (size_t i = page.first; i < page.end && i < all; i++)
        buf_addf(b, "%s{\"id\":%llu,\"status\":\"running\",\"name\":\"job\"}", i > page.first ? "," : "",
                 (unsigned long long)(runner->id * 1000 + all - i));
    buf_adds(b, "]");
}
