#include "tests/model/api_held.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

uint64_t version_of_object(struct json_object *object)
{
    return strtoull(json_str_or(object, "metadata.resourceVersion", "0"), NULL, 10);
}

struct json_object *held_answer(const struct held *h)
{
    return json_member(h->line, "answer");
}

bool held_is_watch(const struct held *h)
{
    return strcmp(h->verb, "watch") == 0;
}

bool held_is_end(const struct held *h)
{
    return strcmp(h->verb, "end") == 0;
}

bool held_is_list(const struct held *h)
{
    return strcmp(h->verb, "list") == 0;
}

bool held_is_write(const struct held *h)
{
    return strcmp(h->verb, "get") != 0 && !held_is_list(h) && !held_is_watch(h) && !held_is_end(h);
}

bool held_is_of(const struct held *h, const struct api_kind *kind, const char *ns, const char *name)
{
    return h->kind == kind && strcmp(h->ns, ns) == 0 && strcmp(h->name, name) == 0;
}

static bool is_status(struct json_object *answer)
{
    return strcmp(json_str_or(answer, "kind", ""), "Status") == 0;
}

bool held_ends(const struct held *h)
{
    struct json_object *o = held_answer(h);
    bool held = json_len(json_get(o, "metadata.finalizers")) || json_len(json_get(o, "spec.finalizers"));
    bool marked = json_get(o, "metadata.deletionTimestamp");

    if (h->status >= 300 || !held_is_write(h))
        return false;
    if (is_status(o) || (strcmp(h->verb, "delete") == 0 && !marked))
        return true;
    return marked && !held && json_int_or(o, "metadata.deletionGracePeriodSeconds", 0) == 0;
}

struct told told_at(struct json_object *events, size_t i)
{
    struct json_object *event = json_at(events, i);

    return (struct told){.type = json_string(json_at(event, 0)),
                         .ns = json_string(json_at(event, 1)),
                         .name = json_string(json_at(event, 2)),
                         .version = strtoull(json_string(json_at(event, 3)), NULL, 10)};
}

uint64_t held_begins(const struct held *h, size_t *ret_initial)
{
    struct json_object *events = json_member(h->line, "events");
    const char *target = json_str_or(h->line, "target", ""), *version = strstr(target, "resourceVersion=");

    *ret_initial = 0;
    if (!strstr(target, "sendInitialEvents=true"))
        return version ? strtoull(version + strlen("resourceVersion="), NULL, 10) : 0;
    for (size_t i = 0; i < json_len(events); i++) {
        const struct told told = told_at(events, i);
        if (strcmp(told.type, "BOOKMARK") != 0)
            continue;
        *ret_initial = i + 1;
        return told.version;
    }
    return 0;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Lines */

/* Of "/apis/GROUP/VERSION/[namespaces/NS/]PLURAL?…" */
static const struct api_kind *kind_of_target(const char *target, char *ns, size_t size)
{
    char group[64] = "", path[200], *in, *plural;

    snprintf(path, sizeof(path), "%.*s", (int)strcspn(target, "?"), target);
    sscanf(path, "/apis/%63[^/]/", group);
    in = strstr(path, "/namespaces/");
    if (in)
        snprintf(ns, size, "%.*s", (int)strcspn(in + 12, "/"), in + 12);
    plural = strrchr(path, '/');
    return plural ? api_kind_of(group, plural + 1) : NULL;
}

static struct held read_watch(struct json_object *line)
{
    char ns[64] = "";
    const char *target = json_str_or(line, "target", "");
    const struct api_kind *kind = kind_of_target(target, ns, sizeof(ns));
    size_t ignored;
    struct held h = {.line = line, .kind = kind, .verb = "watch", .subresource = "", .ns = "", .name = ""};

    json_set_str(line, "namespace", ns);
    h.ns = json_str_or(line, "namespace", "");
    h.status = (int)json_int_or(line, "status", 0);
    h.order = held_begins(&h, &ignored);
    if (!h.order || h.status != 200)
        h.kind = NULL;
    return h;
}

static struct held read_exchange(struct json_object *line)
{
    struct held h = {.line = line,
                     .kind = api_kind_of(json_str_or(line, "group", ""), json_str_or(line, "resource", "")),
                     .verb = json_str_or(line, "verb", ""),
                     .subresource = json_str_or(line, "subresource", ""),
                     .ns = json_str_or(line, "namespace", ""),
                     .name = json_str_or(line, "name", ""),
                     .from_us = json_int_or(line, "from", 0),
                     .until_us = json_int_or(line, "until", 0),
                     .status = (int)json_int_or(line, "status", 0)};

    if (h.kind && !h.kind->namespaced && strcmp(h.ns, h.name) == 0)
        h.ns = "";
    bool by_delete = strcmp(h.verb, "delete") == 0; /* any other end is answered with the version before it */
    if (h.status < 300 && held_is_write(&h) && (by_delete || !held_ends(&h)))
        h.version = version_of_object(held_answer(&h));
    if (strcmp(h.verb, "list") == 0)
        h.order = version_of_object(held_answer(&h));
    if (!*h.name)
        h.name = json_str_or(line, "answer.metadata.name", "");
    return h;
}

static void record_push(struct record *record, struct held h)
{
    if (record->len == record->size) {
        record->size = record->size ? record->size * 2 : 256;
        record->held = mem_resize(record->held, record->size * sizeof(*record->held));
    }
    record->held[record->len++] = h;
}

void record_add(struct record *record, struct json_object *line)
{
    bool watch = strcmp(json_str_or(line, "verb", ""), "watch") == 0;
    const struct held h = watch ? read_watch(line) : read_exchange(line);

    if (h.kind)
        record_push(record, h);
    else
        json_object_put(line);
}

void record_finish(struct record *record)
{
    for (size_t i = 0; i < record->len; i++)
        json_object_put(record->held[i].line);
    free(record->held);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Order */

/* The last version of its object that may have been there by then. */
static uint64_t last_version(const struct record *record, const struct held *h, int64_t by_us)
{
    uint64_t last = 0;

    for (size_t i = 0; i < record->len; i++) {
        const struct held *other = &record->held[i];
        bool by_then = !held_is_end(other) && other->from_us <= by_us; /* of an end the time is not known */
        if (by_then && other->version > last && held_is_of(other, h->kind, h->ns, h->name))
            last = other->version;
    }
    return last;
}

/* The version with which another object of its name was made afterwards; the last of all when none was. */
static uint64_t version_of_successor(const struct record *record, const struct held *h)
{
    uint64_t first = UINT64_MAX;

    for (size_t i = 0; i < record->len; i++) {
        const struct held *other = &record->held[i];
        if (other->status == 201 && other->from_us > h->from_us && other->version && other->version < first &&
            held_is_of(other, h->kind, h->ns, h->name))
            first = other->version;
    }
    return first;
}

/* The audit does not tell with which version an object has gone; a watch does, if there was one then. 0: there was
 * none. */
static uint64_t version_of_end(const struct record *record, const struct held *h)
{
    uint64_t before = last_version(record, h, h->from_us), until = version_of_successor(record, h), first = 0;

    for (size_t i = 0; i < record->len; i++) {
        const struct held *watch = &record->held[i];
        struct json_object *events = watch->kind == h->kind ? json_member(watch->line, "events") : NULL;
        for (size_t e = 0; e < json_len(events); e++) {
            const struct told told = told_at(events, e);
            bool fits = strcmp(told.type, "DELETED") == 0 && told.version > before && told.version < until;
            if (fits && held_is_of(h, h->kind, told.ns, told.name) && (!first || told.version < first))
                first = told.version;
        }
    }
    return first;
}

static int by_time(const void *a, const void *b)
{
    const struct held *x = a, *y = b;

    return x->until_us < y->until_us ? -1 : x->until_us > y->until_us;
}

static int by_order(const void *a, const void *b)
{
    const struct held *x = a, *y = b;

    if (x->order != y->order)
        return x->order < y->order ? -1 : 1;
    if (!x->version != !y->version)
        return x->version ? -1 : 1;
    return by_time(a, b);
}

/* The last version of all that had been answered by then. */
static uint64_t version_by(const struct record *record, int64_t by_us)
{
    uint64_t last = 0;

    for (size_t i = 0; i < record->len; i++)
        if (record->held[i].until_us && record->held[i].until_us <= by_us && record->held[i].version > last)
            last = record->held[i].version;
    return last;
}

/* What has no version of its own comes behind what had ended before it; a refusal behind what it may have been due to;
 * an end that nobody was told of as early as it can be: who lists next may do so before it is answered. */
static uint64_t order_without_version(const struct record *record, const struct held *h, uint64_t last)
{
    bool ends = held_ends(h);
    uint64_t own = ends || h->status >= 400 ? last_version(record, h, ends ? h->from_us : h->until_us) : 0;

    if (ends)
        last = version_by(record, h->from_us);
    return own > last ? own : last;
}

static struct held end_of_object(const struct api_kind *kind, const struct told *told)
{
    struct json_object *line = json_build("{namespace: %s, name: %s}", told->ns, told->name);

    return (struct held){.line = line,
                         .kind = kind,
                         .verb = "end",
                         .subresource = "",
                         .ns = json_str_or(line, "namespace", ""),
                         .name = json_str_or(line, "name", ""),
                         .version = told->version};
}

/* The record has seen the object made, and not its end. */
static bool is_end_wanted(const struct record *record, const struct api_kind *kind, const struct told *told)
{
    bool made = false;

    for (size_t i = 0; i < record->len; i++) {
        const struct held *h = &record->held[i];
        if (!h->version || !held_is_of(h, kind, told->ns, told->name))
            continue;
        if (h->version == told->version)
            return false;
        made |= h->version < told->version && held_is_write(h);
    }
    return made;
}

/* What went with all others of its kind, and of which a watch has told. */
static void add_other_ends(struct record *record)
{
    for (size_t i = 0, len = record->len; i < len; i++) {
        const struct api_kind *kind = record->held[i].kind;
        struct json_object *events = json_member(record->held[i].line, "events");
        for (size_t e = 0; e < json_len(events); e++) {
            const struct told told = told_at(events, e);
            if (strcmp(told.type, "DELETED") == 0 && is_end_wanted(record, kind, &told))
                record_push(record, end_of_object(kind, &told));
        }
    }
}

void record_put_in_order(struct record *record)
{
    uint64_t last = 0;

    qsort(record->held, record->len, sizeof(*record->held), by_time);
    for (size_t i = 0; i < record->len; i++) {
        struct held *h = &record->held[i];
        if (!h->version && held_ends(h))
            h->version = version_of_end(record, h);
    }
    add_other_ends(record);
    qsort(record->held, record->len, sizeof(*record->held), by_time);
    for (size_t i = 0; i < record->len; i++) {
        struct held *h = &record->held[i];
        last = h->until_us && h->version > last ? h->version : last; /* of an end the time is not known */
        if (!h->order)
            h->order = h->version ? h->version : order_without_version(record, h, last);
    }
    qsort(record->held, record->len, sizeof(*record->held), by_order);
}
