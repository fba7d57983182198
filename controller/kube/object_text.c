#include "kube/object_text.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/format.h"
#include "base/json.h"
#include "base/mem.h"

#define TOO_LARGE "tooLarge" /* a member that no object has: the API server takes out what is not of the schema */

enum {
    TEXT_KEPT = 64 << 10, /* of memory, from one text to the next                                      */
    SMALL_MAX = 24 << 10, /* what the sieve lets through: whatever it is, its tree stays below 10 MiB   */
    SMALL_COST = 10 << 20,
};

static const struct json_keep kept[] = {
    {{"kind"}, 100, false},
    {{"apiVersion"}, 100, false},
    {{"metadata", "namespace"}, 100, false},
    {{"metadata", "name"}, 300, false},
    {{"metadata", "uid"}, 100, false},
    {{"metadata", "resourceVersion"}, 100, false},
    {{"metadata", "generation"}, 30, false},
    {{"metadata", "deletionTimestamp"}, 100, false},
    {{"metadata", "finalizers"}, 2048, false},
    {{"metadata", "ownerReferences"}, 2048, false},
    {{"metadata", "labels", "app.kubernetes.io/managed-by"}, 100, false},
    {{"metadata", "labels", "pod-security.kubernetes.io/enforce"}, 100, false},
    {{"status"}, 12 << 10, false},
};

static void add_keep(struct object_text *t, const struct json_keep *keep)
{
    struct json_keep *added = &t->keeps[t->keeps_len++];

    assert(t->keeps_len <= OBJECT_KEEPS_MAX);
    *added = *keep;
    if (!t->is_event)
        return;
    memmove(added->path + 1, added->path, (SIEVE_PATH - 1) * sizeof(*added->path));
    added->path[0] = "object";
}

static void name_the_text(struct object_text *t, const char *path)
{
    const char *before = t->is_event ? "object." : "", *in_list = strstr(path, "[].");

    if (in_list)
        snprintf(t->list, sizeof(t->list), "%s%.*s", before, (int)(in_list - path), path);
    format_into(t->member, sizeof(t->member), "%s%s", in_list ? "" : before, in_list ? in_list + 3 : path);
}

void object_text_init(struct object_text *t, const struct kube_resource *resource, bool is_event, size_t max)
{
    *t = (struct object_text){.is_event = is_event};
    buf_init(&t->text, max ? max : OBJECT_TEXT_MAX);
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        add_keep(t, &kept[i]);
    if (is_event)
        t->keeps[t->keeps_len++] = (struct json_keep){{"type"}, 20, false};
    if (resource && resource->annotations)
        add_keep(t, &(struct json_keep){{"metadata", "annotations", resource->annotations}, 2048, false});
    if (resource && resource->unread)
        format_into(t->unread, sizeof(t->unread), "%s%s", is_event ? "object." : "", resource->unread);
    if (resource && resource->as_text)
        name_the_text(t, resource->as_text);
}

void object_text_keep(struct object_text *t, const char *member, const char *key, size_t value_max)
{
    assert(!t->size && value_max > 0);
    add_keep(t, &(struct json_keep){{member, key}, value_max, false});
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What comes */

static size_t small_max(const struct object_text *t)
{
    return SMALL_MAX + (t->keeps_len > ARRAY_LEN(kept) + 1 ? t->keeps[t->keeps_len - 1].max : 0);
}

/* What has come goes through the sieve, and so does what will. */
static void begin_to_sieve(struct object_text *t)
{
    json_sieve_init(&t->sieve, t->keeps, t->keeps_len, small_max(t));
    json_sieve_feed(&t->sieve, t->text.data, t->text.len);
    buf_finish(&t->text);
    t->sieving = true;
}

void object_text_add(struct object_text *t, const char *bytes, size_t len)
{
    t->size += len;
    if (!t->sieving && buf_add(&t->text, bytes, len))
        return;
    if (!t->sieving)
        begin_to_sieve(t);
    json_sieve_feed(&t->sieve, bytes, len);
}

const struct buf *object_text_held(const struct object_text *t)
{
    return t->sieving ? &t->sieve.out : &t->text;
}

void object_text_clear(struct object_text *t)
{
    if (t->text.size > TEXT_KEPT)
        buf_finish(&t->text);
    buf_clear(&t->text);
    json_sieve_finish(&t->sieve);
    t->sieving = false;
    t->size = 0;
}

void object_text_finish(struct object_text *t)
{
    buf_finish(&t->text);
    json_sieve_finish(&t->sieve);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Trees */

/* In the place of a value there is a number then. */
static void cut_value(struct object_text *t, const char *value, size_t size)
{
    size_t at = (size_t)(value - t->text.data), rest = at + size;

    t->text.data[at] = '0';
    memmove(t->text.data + at + 1, t->text.data + rest, t->text.len + 1 - rest);
    t->text.len -= size - 1;
}

static void cut_the_unread(struct object_text *t)
{
    const char *value;
    size_t size;

    if (*t->unread && json_peek_value(t->text.data, t->text.len, t->unread, &value, &size) && size > 0)
        cut_value(t, value, size);
}

/* As a string; NULL: there is none. */
static struct json_object *cut_member(struct object_text *t, const char *text, size_t len)
{
    const char *value;
    size_t size;

    if (!json_peek_value(text, len, t->member, &value, &size) || size == 0)
        return NULL;
    struct json_object *ret = json_object_new_string_len(value, (int)size);
    cut_value(t, value, size);
    return ret;
}

/* For each element of the list a string, or null; where there is no list, for the whole. */
static struct json_object *cut_texts(struct object_text *t)
{
    const char *at, *element;
    size_t len;
    struct json_object *ret = json_object_new_array();

    if (*t->member && !*t->list)
        json_append(ret, cut_member(t, t->text.data, t->text.len));
    if (!*t->list || !json_peek_value(t->text.data, t->text.len, t->list, &at, NULL))
        return ret;
    while (json_peek_element(&at, t->text.data + t->text.len, &element, &len)) {
        size_t before = t->text.len;
        json_append(ret, cut_member(t, element, len));
        at -= before - t->text.len;
    }
    return ret;
}

static void put_texts_back(struct object_text *t, struct json_object *value, struct json_object *texts)
{
    struct json_object *list = *t->list ? json_get(value, t->list) : NULL;

    for (size_t i = 0; i < json_len(texts); i++)
        if (json_at(texts, i))
            json_set(*t->list ? json_at(list, i) : value, t->member, json_ref(json_at(texts, i)));
}

/* Whoever reads one of them takes as much as if it had been a tree from the beginning. */
static bool are_texts_affordable(struct json_object *texts, size_t max, struct err *err)
{
    for (size_t i = 0; i < json_len(texts); i++) {
        const char *text = json_string(json_at(texts, i));
        if (!json_affordable(text, strlen(text), max, err))
            return false;
    }
    return true;
}

static struct json_object *parse_held(struct object_text *t, struct err *err)
{
    size_t max = OBJECT_COST_RATIO * t->text.max;
    cleanup_json struct json_object *texts = cut_texts(t);

    cut_the_unread(t);
    if (!are_texts_affordable(texts, max, err))
        return NULL;
    struct json_object *value = json_parse_cut(t->text.data, t->text.len, max, err);
    put_texts_back(t, value, texts);
    return value;
}

static struct json_object *parse_small(struct object_text *t, const char *why, struct err *err)
{
    const struct buf *out = &t->sieve.out;

    if (!json_sieve_is_complete(&t->sieve)) {
        err_set(err, ERR_INVALID, "InvalidJSON", "not JSON: %zu bytes that are no object", t->size);
        return NULL;
    }
    struct json_object *value = json_parse_within(out->data, out->len, SMALL_COST, err);
    struct json_object *object = t->is_event ? json_get(value, "object") : value;
    if (json_get(object, "metadata"))
        json_set_str(object, TOO_LARGE, why);
    return value;
}

struct json_object *object_text_parse(struct object_text *t, struct err *err)
{
    char why[sizeof(err->text)];
    struct err costly = {0};

    if (t->sieving) {
        snprintf(why, sizeof(why), "%zu KiB of JSON; at most %d KiB are read", t->size >> 10, (int)(t->text.max >> 10));
    } else {
        struct json_object *value = parse_held(t, &costly);
        if (value)
            return value;
        if (costly.kind == ERR_NONE)
            err_set(&costly, ERR_INVALID, "InvalidJSON", "null is no object");
        if (strcmp(costly.reason, "TooLarge") != 0) {
            *err = costly;
            return NULL;
        }
        snprintf(why, sizeof(why), "%s", costly.text);
        begin_to_sieve(t);
    }
    return parse_small(t, why, err);
}

const char *object_too_large(struct json_object *object)
{
    return json_str(object, TOO_LARGE);
}

const char *object_member_text(struct json_object *value)
{
    if (!value)
        return NULL;
    return json_object_is_type(value, json_type_string) ? json_string(value) : json_text(value);
}
