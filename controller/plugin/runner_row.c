#include "plugin/runner_row.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "net/http.h"
#include "runner/job_pods.h"
#include "runner/names.h"
#include "runner/skew.h"
#include "runner/status.h"

enum { SOON = 7 * 24 * 3600 }; /* as runner/expiry.h warns of tokens */

/* ---------------------------------------------------------------------------------------------------------------------
 * What the object tells */

static const char *row_host(struct json_object *object, struct arena *a)
{
    enum { HOST_SIZE = 300 };
    const char *url = json_str(object, "status.url");
    char *host = arena_alloc(a, HOST_SIZE);
    struct err ignored;

    url = url ? url : json_str_or(object, "spec.url", "");
    return http_url_is_valid(url, host, HOST_SIZE, &ignored) ? host : NULL;
}

static const char *row_annotation(struct json_object *object, const char *key)
{
    return json_string(json_member(json_get(object, "metadata.annotations"), key));
}

/* As the operator says it is at GitLab; one of 0.1.0 says nothing of it: then as the spec wants it. */
static bool is_paused(struct json_object *object)
{
    const char *told = condition_get(json_member(object, "status"), "Paused", "status");

    return told ? strcmp(told, "True") == 0 : json_bool_or(object, "spec.paused", false);
}

/* Since when and by whom, as far as somebody has said so. */
static const char *paused_cell(struct json_object *object, int64_t now, struct arena *a)
{
    const char *by = row_annotation(object, ANNOTATION_PAUSED_BY);
    int64_t at = time_parse(condition_get(json_member(object, "status"), "Paused", "lastTransitionTime"));

    return arena_printf(a, "Paused%s%s%s%s", at > 0 ? " " : "", at > 0 ? age_text(now - at, a) : "", *by ? " " : "",
                        by);
}

/* A pause is what somebody wants, so it is told where nothing is wrong. */
static const char *row_status(const struct runner_row *row, int64_t now, struct arena *a)
{
    bool well = row->headline.standing == STANDING_GOOD || row->headline.standing == STANDING_WARNS;

    return row->paused && well ? paused_cell(row->object, now, a) : row->headline.reason;
}

struct runner_row runner_row_of(struct json_object *object, int64_t now, struct arena *a)
{
    struct json_object *status = json_member(object, "status");
    int64_t expires = time_parse(json_str(status, "tokenExpirationTime"));
    struct runner_row row = {
        .object = object,
        .ns = json_str_or(object, "metadata.namespace", ""),
        .name = json_str_or(object, "metadata.name", ""),
        .ready = condition_get(status, "Ready", "status"),
        .headline = explain_headline(status, json_int_or(object, "metadata.generation", 0), now, a),
        .paused = is_paused(object),
        .managers = json_str(status, "managers"),
        .jobs = UNKNOWN,
        .capacity = job_capacity(json_member(object, "spec")),
        .runner_id = json_int_or(status, "runnerId", 0),
        .tags = json_get(object, "spec.tags"),
        .host = row_host(object, a),
        .version = image_version(json_str(object, "spec.manager.image")),
        .expires = expires > 0 ? expires : 0,
        .created = time_parse(json_str(object, "metadata.creationTimestamp")),
    };

    row.jobs_ns = json_str_or(object, "spec.namespace", row.ns);
    row.status = row_status(&row, now, a);
    return row;
}

static struct json_object *known_number(int64_t number)
{
    return number >= 0 ? json_object_new_int64(number) : NULL;
}

struct json_object *runner_row_json(const struct runner_row *row)
{
    return json_build(
        "{ready: %s, status: %s, headline: %s, standing: %s, needsSomebody: %b, paused: %b, managers: %s, "
        "jobs: %o, jobsLimit: %o, host: %s, version: %s}",
        row->ready, row->status, row->headline.text, standing_name(row->headline.standing),
        standing_needs_somebody(row->headline.standing), row->paused, row->managers, known_number(row->jobs),
        known_number(row->capacity), row->host, row->version);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Cells */

/* What a cell is made of. */
struct cell_of {
    const struct runner_row *row;
    int64_t now;
    bool wide;
    struct arena *a;
    enum tone tone; /* out */
};

static const char *namespace_cell(struct cell_of *c)
{
    return c->row->ns;
}

static const char *name_cell(struct cell_of *c)
{
    return c->row->name;
}

static const char *ready_cell(struct cell_of *c)
{
    const char *ready = c->row->ready ? c->row->ready : "?";

    c->tone = strcmp(ready, "True") == 0 ? TONE_GOOD : strcmp(ready, "False") == 0 ? TONE_BAD : TONE_WARN;
    return ready;
}

static const char *status_cell(struct cell_of *c)
{
    static const enum tone tones[STANDINGS] = {
        [STANDING_STOPPED] = TONE_BAD, [STANDING_RETRIES] = TONE_WARN, [STANDING_UNSERVED] = TONE_WARN,
        [STANDING_WARNS] = TONE_WARN,  [STANDING_GOOD] = TONE_GOOD,
    };

    c->tone = c->row->paused ? TONE_WARN : tones[c->row->headline.standing];
    return *c->row->status ? c->row->status : "?";
}

static const char *managers_cell(struct cell_of *c)
{
    return c->row->managers ? c->row->managers : "?";
}

static const char *jobs_cell(struct cell_of *c)
{
    const char *jobs = c->row->jobs < 0 ? "?" : arena_printf(c->a, "%lld", (long long)c->row->jobs);

    return c->row->capacity < 0 ? jobs : arena_printf(c->a, "%s/%lld", jobs, (long long)c->row->capacity);
}

static const char *runner_cell(struct cell_of *c)
{
    return c->row->runner_id ? arena_printf(c->a, "%lld", (long long)c->row->runner_id) : NULL;
}

static const char *tags_cell(struct cell_of *c)
{
    size_t len = json_len(c->row->tags);
    const char *text = json_string(json_at(c->row->tags, 0));

    for (size_t i = 1; i < len && c->wide; i++)
        text = arena_printf(c->a, "%s,%s", text, json_string(json_at(c->row->tags, i)));
    return len > 1 && !c->wide ? arena_printf(c->a, "%s +%zu", text, len - 1) : text;
}

static const char *host_cell(struct cell_of *c)
{
    return c->row->host ? c->row->host : "?";
}

static const char *version_cell(struct cell_of *c)
{
    const char *version = c->row->version;

    return version ? arena_strndup(c->a, version, strcspn(version, "@")) : "?";
}

static const char *token_cell(struct cell_of *c)
{
    int64_t left = c->row->expires - c->now;

    if (!c->row->expires)
        return NULL;
    if (left > SOON)
        return age_text(left, c->a);
    c->tone = left > 0 ? TONE_WARN : TONE_BAD;
    return left > 0 ? arena_printf(c->a, "%s !", age_text(left, c->a)) : "expired !";
}

static const char *age_cell(struct cell_of *c)
{
    return c->row->created > 0 ? age_text(c->now - c->row->created, c->a) : "?";
}

static const char *scope_cell(struct cell_of *c)
{
    return json_str(c->row->object, "status.scope");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Columns */

#define NUMBER(member) offsetof(struct runner_row, member), true

/* clang-format off */
static const struct column columns[ROW_COLUMNS] = {
    {.name = "NAMESPACE", .flexible = true, .least = 12}, {.name = "NAME", .flexible = true, .least = 16},
    {.name = "READY"},                                    {.name = "STATUS", .flexible = true, .least = 20},
    {.name = "MGRS", .rank = 2},                          {.name = "JOBS"},
    {.name = "RUNNER", .rank = 4},                        {.name = "TAGS", .flexible = true, .least = 12, .rank = 3},
    {.name = "HOST", .flexible = true, .least = 14, .rank = 6}, {.name = "VERSION", .rank = 7},
    {.name = "TOKEN", .rank = 5},                         {.name = "AGE", .rank = 1},
    {.name = "SCOPE", .wide = true, .flexible = true, .rank = 8},
};

static const struct {
    const char *(*cell)(struct cell_of *c);
    size_t number; /* what it is sorted by, an int64_t … */
    bool is_number; /* … or its text                     */
} cells[ROW_COLUMNS] = {
    {namespace_cell, 0, false}, {name_cell, 0, false},         {ready_cell, 0, false},        {status_cell, 0, false},
    {managers_cell, 0, false},  {jobs_cell, NUMBER(jobs)},     {runner_cell, NUMBER(runner_id)}, {tags_cell, 0, false},
    {host_cell, 0, false},      {version_cell, 0, false},      {token_cell, NUMBER(expires)}, {age_cell, NUMBER(created)},
    {scope_cell, 0, false},
};
/* clang-format on */

const struct column *runner_columns(void)
{
    return columns;
}

int runner_column(const char *name)
{
    for (int i = 0; i < ROW_COLUMNS; i++)
        if (strcasecmp(columns[i].name, name) == 0)
            return i;
    return -1;
}

static const char *row_cell(const struct runner_row *row, int column, bool wide, int64_t now, struct arena *a,
                            enum tone *tone)
{
    struct cell_of c = {.row = row, .now = now, .wide = wide, .a = a};

    assert(column >= 0 && column < ROW_COLUMNS);
    const char *text = cells[column].cell(&c);

    *tone = c.tone;
    return text;
}

void runner_row_add(struct table *t, const struct runner_row *row, bool with_namespace, bool wide, int64_t now,
                    struct arena *a)
{
    enum tone tone;

    table_row(t);
    for (int i = with_namespace ? 0 : 1; i < ROW_COLUMNS; i++) {
        const char *text = row_cell(row, i, wide, now, a, &tone);
        table_cell(t, text, tone);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Order */

static int compare_numbers(int64_t one, int64_t other)
{
    bool one_known = one > 0, other_known = other > 0;

    if (one_known != other_known)
        return one_known ? -1 : 1;
    return one < other ? -1 : one > other;
}

static int compare_cells(const struct runner_row *one, const struct runner_row *other, int column)
{
    cleanup_arena struct arena a = {0};
    enum tone ignored;

    if (cells[column].is_number)
        return compare_numbers(*(const int64_t *)((const char *)one + cells[column].number),
                               *(const int64_t *)((const char *)other + cells[column].number));
    if (cells[column].cell == status_cell && one->headline.standing != other->headline.standing)
        return one->headline.standing < other->headline.standing ? -1 : 1; /* the worst first */
    const char *text = row_cell(one, column, true, 0, &a, &ignored);
    const char *other_text = row_cell(other, column, true, 0, &a, &ignored);
    return strcmp(text ? text : "", other_text ? other_text : "");
}

int runner_row_compare(const struct runner_row *one, const struct runner_row *other, int column)
{
    assert(one && other && column < ROW_COLUMNS);
    int order = column >= 0 ? compare_cells(one, other, column) : 0;

    if (!order)
        order = strcmp(one->ns, other->ns);
    return order ? order : strcmp(one->name, other->name);
}
