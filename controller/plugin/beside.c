#include "plugin/beside.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "operator/kinds.h"
#include "plugin/command.h"
#include "plugin/runner_row.h"
#include "plugin/session.h"
#include "runner/job_pods.h"
#include "runner/names.h"
#include "runner/skew.h"

enum { NAMESPACES_MAX = 15, LABEL_FULL = 63 };

/* ---------------------------------------------------------------------------------------------------------------------
 * Jobs */

void job_counts_add(struct job_counts *c, const char *label)
{
    int64_t *count = map_get(&c->counts, label);

    if (!count) {
        count = mem_alloc(sizeof(*count));
        map_set(&c->counts, label, count);
    }
    ++*count;
}

static int64_t job_counts_get(const struct job_counts *c, const char *label)
{
    const int64_t *count = map_get(&c->counts, label);

    return count ? *count : 0;
}

void job_counts_finish(struct job_counts *c)
{
    const char *label;
    void *count;

    for (size_t i = 0; map_iter(&c->counts, &i, &label, &count);)
        free(count);
    map_finish(&c->counts);
    *c = (struct job_counts){0};
}

void beside_count(const struct job_counts *counts, struct runner_row *rows, size_t len)
{
    cleanup_arena struct arena a = {0};
    struct map cut = {0}; /* label → its first row */

    for (size_t i = 0; i < len; i++) {
        const char *label = job_pods_label(rows[i].ns, rows[i].name, &a);
        rows[i].jobs = job_counts_get(counts, label);
        struct runner_row *same = strlen(label) == LABEL_FULL ? map_set(&cut, label, &rows[i]) : NULL;
        if (same)
            same->jobs = rows[i].jobs = UNKNOWN;
    }
    map_finish(&cut);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lists */

/* What is listed, of one namespace or of all. */
struct beside {
    struct plugin_call *call;
    struct runner_row *rows;
    size_t rows_len;
    struct session_list lists[SESSION_LISTS_MAX];
    size_t lists_len, pods_len; /* pods' lists are the first */
};

/* The different namespaces of rows; false: more than can be asked for one by one. */
static bool namespaces_of(const struct beside *b, bool of_jobs, const char **ret, size_t *ret_len)
{
    assert(b->rows_len > 0);
    *ret_len = 0;
    for (size_t i = 0; i < b->rows_len; i++) {
        const char *ns = of_jobs ? b->rows[i].jobs_ns : b->rows[i].ns;
        size_t at = 0;
        while (at < *ret_len && strcmp(ret[at], ns) != 0)
            at++;
        if (at == NAMESPACES_MAX)
            return false;
        if (at == *ret_len)
            ret[(*ret_len)++] = ns;
    }
    return true;
}

static void plan_lists(struct beside *b, bool of_jobs, const struct kube_resource *resource, const char *query,
                       const char *accept)
{
    struct arena *a = b->call->a;
    const char *namespaces[NAMESPACES_MAX + 1] = {NULL};
    size_t len = 0;

    if (!session_namespace(b->call->session) || !namespaces_of(b, of_jobs, namespaces, &len)) {
        namespaces[0] = NULL;
        len = 1;
    }
    assert(b->lists_len + len <= SESSION_LISTS_MAX);
    for (size_t i = 0; i < len; i++)
        b->lists[b->lists_len++] = (struct session_list){
            .path = arena_printf(a, "%s?%s", kube_path(resource, namespaces[i], NULL, NULL, a), query),
            .accept = accept};
}

static bool all_seen(const struct beside *b, size_t from, size_t to, const char *what, const char *needs)
{
    bool seen = true;

    for (size_t i = from; i < to; i++) {
        const struct err *err = &b->lists[i].err;
        if (b->lists[i].items)
            continue;
        not_seen(b->call, what, is_forbidden(err) ? needs : err->text);
        seen = false;
    }
    return seen;
}

static void count_pods(struct beside *b)
{
    struct job_counts counts = {0};

    for (size_t i = 0; i < b->pods_len; i++)
        for (size_t n = 0; n < json_len(b->lists[i].items); n++) {
            struct json_object *pod = json_at(b->lists[i].items, n);
            const char *label = job_pod_runner(pod);
            if (label && job_pod_is_live(pod))
                job_counts_add(&counts, label);
        }
    if (all_seen(b, 0, b->pods_len, "jobs", "list pods"))
        beside_count(&counts, b->rows, b->rows_len);
    job_counts_finish(&counts);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Versions */

static size_t images_column(struct json_object *columns)
{
    size_t i = 0;

    while (i < json_len(columns) && strcmp(json_str_or(json_at(columns, i), "name", ""), "Images") != 0)
        i++;
    return i;
}

/* Deployment's place → its image, which is lent. */
static void map_images(const struct session_list *list, struct map *images, struct arena *a)
{
    size_t column = images_column(list->columns);

    for (size_t i = 0; i < json_len(list->items); i++) {
        struct json_object *row = json_at(list->items, i);
        const char *ns = json_str_or(row, "object.metadata.namespace", "");
        const char *name = json_str_or(row, "object.metadata.name", "");
        const char *image = json_string(json_at(json_member(row, "cells"), column));
        map_set(images, arena_printf(a, "%s/%s", ns, name), (void *)image);
    }
}

static void take_versions(struct beside *b)
{
    struct arena *a = b->call->a;
    struct map images = {0};

    for (size_t i = b->pods_len; i < b->lists_len; i++)
        map_images(&b->lists[i], &images, a);
    for (size_t i = 0; i < b->rows_len; i++) {
        const struct owner owner = {.ns = b->rows[i].ns, .name = b->rows[i].name};
        const char *image =
            map_get(&images, arena_printf(a, "%s/%s", owner.ns, child_name(CHILD_DEPLOYMENT, &owner, a)));
        b->rows[i].version = image ? image_version(image) : b->rows[i].version;
    }
    map_finish(&images);
    all_seen(b, b->pods_len, b->lists_len, "the managers' versions", "list deployments.apps");
}

static void plan_pods(struct beside *b, const char *accept)
{
    static const struct kube_resource pods = {.plural = "pods", .api_version = "v1", .namespaced = true};

    plan_lists(b, true, &pods, JOB_PODS_QUERY, accept);
    b->pods_len = b->lists_len;
}

static void plan_versions(struct beside *b)
{
    plan_lists(b, false, kind_resource(KIND_DEPLOYMENT),
               "labelSelector=app.kubernetes.io%2Fmanaged-by%3D" FIELD_MANAGER, SESSION_AS_TABLE);
}

void beside_read(struct plugin_call *call, struct runner_row *rows, size_t len)
{
    struct beside b = {.call = call, .rows = rows, .rows_len = len};

    if (!len)
        return;
    plan_pods(&b, KUBE_AS_METADATA("List"));
    plan_versions(&b);
    session_read_lists(call->session, b.lists, b.lists_len, call->a);
    count_pods(&b);
    take_versions(&b);
}

void beside_versions(struct plugin_call *call, struct runner_row *rows, size_t len)
{
    struct beside b = {.call = call, .rows = rows, .rows_len = len};

    if (!len)
        return;
    plan_versions(&b);
    session_read_lists(call->session, b.lists, b.lists_len, call->a);
    take_versions(&b);
}

static bool is_of_one(const struct beside *b, const char *label)
{
    bool is = false;

    for (size_t i = 0; i < b->rows_len && label && !is; i++)
        is = strcmp(job_pods_label(b->rows[i].ns, b->rows[i].name, b->call->a), label) == 0;
    return is;
}

struct json_object *beside_pods(struct plugin_call *call, struct runner_row *rows, size_t len)
{
    struct json_object *found = arena_json(call->a, json_object_new_array());
    struct beside b = {.call = call, .rows = rows, .rows_len = len};

    if (!len)
        return found;
    plan_pods(&b, NULL);
    session_read_lists(call->session, b.lists, b.lists_len, call->a);
    for (size_t i = 0; i < b.lists_len; i++)
        for (size_t n = 0; n < json_len(b.lists[i].items); n++) {
            struct json_object *pod = json_at(b.lists[i].items, n);
            if (is_of_one(&b, job_pod_runner(pod)))
                json_append(found, json_ref(pod));
        }
    return all_seen(&b, 0, b.lists_len, "jobs", "list pods") || json_len(found) ? found : NULL;
}
