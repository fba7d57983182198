#include "tests/model/api_told.h"

#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/model/direct.h"

const char *told_key(char ret[static 400], const struct api_kind *kind, const char *ns, const char *name)
{
    snprintf(ret, 400, "%s/%s/%s", kind->plural, ns, name);
    return ret;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What the model tells, as the record has it: an array of [type, namespace, name, version] */

static struct json_object *row_of(const char *type, struct json_object *object)
{
    struct json_object *row = json_object_new_array();

    json_append(row, json_object_new_string(type));
    json_append(row, json_object_new_string(json_str_or(object, "metadata.namespace", "")));
    json_append(row, json_object_new_string(json_str_or(object, "metadata.name", "")));
    json_append(row, json_object_new_string(json_str_or(object, "metadata.resourceVersion", "")));
    return row;
}

static struct json_object *event_of(const char *line, size_t len)
{
    struct err err;
    cleanup_json struct json_object *event = json_parse_within(line, len, SIZE_MAX, &err);

    return row_of(json_str_or(event, "type", ""), json_get(event, "object"));
}

static struct json_object *rows_of_list(struct json_object *list)
{
    struct json_object *items = json_get(list, "items"), *rows = json_object_new_array();

    for (size_t i = 0; i < json_len(items); i++)
        json_append(rows, row_of("ADDED", json_at(items, i)));
    return rows;
}

static struct json_object *ask_for_events(const struct told_check *check, const struct held *watch, const char *target)
{
    char accept[400];
    const char *headers[] = {accept, NULL};
    struct json_object *events = json_object_new_array();

    snprintf(accept, sizeof(accept), "Accept: %s", json_str_or(watch->line, "accept", ""));
    const struct direct_answer *answer = direct_ask(check->sim, "GET", check->host, target, headers, NULL);
    for (const char *at = answer->body.data, *end; (end = strchr(at, '\n')); at = end + 1)
        json_append(events, event_of(at, (size_t)(end - at)));
    return events;
}

/* Without what the record knows nothing of, and without bookmarks: from the i-th on, the next one that counts. */
static bool next_told(const struct told_check *check, const struct held *watch, struct json_object *events, size_t *i,
                      struct told *ret)
{
    char key[400];

    for (; *i < json_len(events); ++*i) {
        *ret = told_at(events, *i);
        if (strcmp(ret->type, "BOOKMARK") == 0 || strcmp(ret->type, "ERROR") == 0)
            continue;
        if (!map_get(&check->known, told_key(key, watch->kind, ret->ns, ret->name)))
            continue;
        ++*i;
        return true;
    }
    return false;
}

static const char *shown_told(char ret[static 300], bool is, const struct told *told)
{
    if (is)
        snprintf(ret, 300, "%s %s/%s %llu", told->type, told->ns, told->name, (unsigned long long)told->version);
    else
        snprintf(ret, 300, "nothing");
    return ret;
}

static void tell_difference(const struct told_check *check, const struct held *watch, const char *where, bool is_real,
                            const struct told *real, bool is_model, const struct told *model)
{
    char exchange[80], r[300], m[300];

    snprintf(exchange, sizeof(exchange), "%s %s", watch->verb, watch->kind->plural);
    differences_found(check->differences, exchange, where, shown_told(r, is_real, real),
                      shown_told(m, is_model, model));
}

static bool same_told(const struct told *a, const struct told *b)
{
    return strcmp(a->type, b->type) == 0 && strcmp(a->ns, b->ns) == 0 && strcmp(a->name, b->name) == 0 &&
           (a->version == b->version || strcmp(a->type, "DELETED") == 0);
}

/* One after the other, as long as the record goes; the first that differs is told. */
static void compare_told(const struct told_check *check, const struct held *watch, const char *where,
                         struct json_object *real, size_t first, size_t end, struct json_object *model, bool whole)
{
    size_t i = first, j = 0;
    struct told r, m;

    for (;;) {
        bool is_real = next_told(check, watch, real, &i, &r) && i <= end;
        bool is_model = (is_real || whole) && next_told(check, watch, model, &j, &m);
        if (!is_real && !is_model)
            return;
        if (is_real != is_model || !same_told(&r, &m)) {
            tell_difference(check, watch, where, is_real, &r, is_model, &m);
            return;
        }
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * Checks */

static int by_place(const void *a, const void *b)
{
    struct json_object *x = *(struct json_object *const *)a, *y = *(struct json_object *const *)b;
    int order = strcmp(json_string(json_at(x, 1)), json_string(json_at(y, 1)));

    return order ? order : strcmp(json_string(json_at(x, 2)), json_string(json_at(y, 2)));
}

void told_check_initial(const struct told_check *check, const struct held *watch)
{
    size_t initial;
    struct json_object *events = json_member(watch->line, "events");
    cleanup_json struct json_object *real = json_object_new_array();

    if (!held_begins(watch, &initial) || !initial)
        return;
    for (size_t i = 0; i < initial; i++)
        json_append(real, json_ref(json_at(events, i)));
    cleanup_json struct json_object *model = ask_for_events(check, watch, json_str_or(watch->line, "target", ""));
    const struct told last = told_at(model, json_len(model) - 1);
    if (strcmp(last.type, "BOOKMARK") != 0 || last.version != watch->order)
        tell_difference(check, watch, "end of the beginning", true, &(struct told){"BOOKMARK", "", "", watch->order},
                        true, &last);
    json_object_array_sort(real, by_place); /* in the order of the server's keys, or of its cache */
    json_object_array_sort(model, by_place);
    compare_told(check, watch, "beginning", real, 0, initial, model, true);
}

void told_check_list(const struct told_check *check, const struct held *list)
{
    const char *target = json_str_or(list->line, "target", "");
    struct err err;

    if (strstr(target, "continue=") || *json_str_or(held_answer(list), "metadata.continue", ""))
        return;
    const struct direct_answer *answer = direct_ask(check->sim, "GET", check->host, target, NULL, NULL);
    cleanup_json struct json_object *shown = json_parse_within(answer->body.data, answer->body.len, SIZE_MAX, &err);
    cleanup_json struct json_object *real = rows_of_list(held_answer(list)), *model = rows_of_list(shown);
    if (version_of_object(shown) != list->order)
        tell_difference(check, list, "version", true, &(struct told){"", "", "", list->order}, true,
                        &(struct told){"", "", "", version_of_object(shown)});
    compare_told(check, list, "items", real, 0, json_len(real), model, true);
}

/* The same from that version on: without what asks for a beginning. */
static void target_from(char *ret, size_t size, const struct held *watch)
{
    static const char *const dropped[] = {"sendInitialEvents=", "resourceVersion=", "resourceVersionMatch="};
    const char *target = json_str_or(watch->line, "target", "");
    size_t path = strcspn(target, "?");

    snprintf(ret, size, "%.*s?resourceVersion=%llu", (int)path, target, (unsigned long long)watch->order);
    for (const char *at = target + path; *at;) {
        bool drop = false;
        size_t len = strcspn(++at, "&");
        for (size_t i = 0; i < ARRAY_LEN(dropped); i++)
            drop |= strncmp(at, dropped[i], strlen(dropped[i])) == 0;
        if (!drop)
            snprintf(ret + strlen(ret), size - strlen(ret), "&%.*s", (int)len, at);
        at += len;
    }
}

void told_check_rest(const struct told_check *check, const struct held *watch)
{
    struct json_object *events = json_member(watch->line, "events");
    char target[1000];
    size_t initial;

    if (!held_begins(watch, &initial))
        return;
    target_from(target, sizeof(target), watch);
    cleanup_json struct json_object *model = ask_for_events(check, watch, target);
    compare_told(check, watch, "events", events, initial, json_len(events), model, false);
}
