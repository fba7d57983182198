#include "base/json.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"

enum { TOKENER_KEPT = 64 << 10, MEMBERS_COMPARED = 16 };

/* One for all texts: each is read to its end before the next begins. */
static struct json_tokener *tokener;

static struct json_tokener *fresh_tokener(void)
{
    if (tokener)
        json_tokener_reset(tokener);
    else if (!(tokener = json_tokener_new_ex(JSON_DEPTH_MAX)))
        abort();
    json_tokener_set_flags(tokener, JSON_TOKENER_STRICT);
    return tokener;
}

/* It keeps room for the longest string that it has met. */
static void forget_large_tokener(size_t len)
{
    if (len < TOKENER_KEPT)
        return;
    json_tokener_free(tokener);
    tokener = NULL;
}

bool json_affordable(const char *text, size_t len, size_t max_cost, struct err *err)
{
    size_t cost = len > max_cost / JSON_COST_PER_BYTE ? json_cost(text, len) : 0;

    return cost <= max_cost || err_set(err, ERR_INVALID, "TooLarge",
                                       "%zu bytes of JSON would take %zu KiB of memory; at most %zu KiB may be", len,
                                       cost >> 10, max_cost >> 10);
}

static struct json_object *parse_whole(const char *text, size_t len, struct err *err)
{
    struct json_tokener *t = fresh_tokener();
    struct json_object *value = json_tokener_parse_ex(t, text, len > INT32_MAX ? INT32_MAX : (int)len);
    enum json_tokener_error error = json_tokener_get_error(t);
    size_t end = json_tokener_get_parse_end(t);

    if (error == json_tokener_continue) { /* only what follows a number tells that it has ended */
        value = json_tokener_parse_ex(t, " ", 1);
        error = json_tokener_get_error(t);
    }
    forget_large_tokener(len);
    while (end < len && isspace((unsigned char)text[end]))
        end++;
    bool whole = error == json_tokener_success && end == len;
    size_t odd = whole ? json_odd_word(text, len) : len;
    if (whole && odd == len)
        return value;
    json_object_put(value);
    err_set(err, ERR_INVALID, "InvalidJSON", "not JSON at byte %zu: %s", odd < len ? odd : end,
            odd < len                       ? "neither a number nor true, false or null"
            : error == json_tokener_success ? "text after the value"
                                            : json_tokener_error_desc(error));
    return NULL;
}

struct json_object *json_parse_within(const char *text, size_t len, size_t max_cost, struct err *err)
{
    return json_affordable(text, len, max_cost, err) ? parse_whole(text, len, err) : NULL;
}

struct json_object *json_parse(const char *text, size_t len, struct err *err)
{
    return json_parse_within(text, len, JSON_COST_MAX, err);
}

struct json_object *json_parse_text(const char *text)
{
    struct err ignored;

    return text ? json_parse(text, strlen(text), &ignored) : NULL;
}

/* The text, with null in the place of each object and array that is nested too deep. A scalar takes a level, too. False
 * when there is none. */
static bool cut_the_deep(const char *text, size_t len, struct buf *out)
{
    enum { KEPT = JSON_DEPTH_MAX - 1 };
    bool quoted = false, cut = false;
    int depth = 0;

    for (const char *c = text; c < text + len; c++) {
        bool deep = depth > KEPT, escape = quoted && *c == '\\' && c + 1 < text + len;
        if (*c == '"')
            quoted = !quoted;
        else if (!quoted && (*c == '{' || *c == '[') && ++depth == KEPT + 1)
            cut = buf_adds(out, "null");
        else if (!quoted && (*c == '}' || *c == ']'))
            depth--;
        if (!deep && depth <= KEPT)
            buf_add(out, c, 1 + escape);
        c += escape;
    }
    return cut;
}

struct json_object *json_parse_cut(const char *text, size_t len, size_t max_cost, struct err *err)
{
    cleanup_buf struct buf shallow = {0};
    struct err first = {0};

    if (!json_affordable(text, len, max_cost, err))
        return NULL;
    struct json_object *value = parse_whole(text, len, &first);
    if (value || first.kind == ERR_NONE)
        return value;
    buf_init(&shallow, 2 * len); /* null for [] */
    if (cut_the_deep(text, len, &shallow))
        return parse_whole(shallow.data, shallow.len, err);
    *err = first;
    return NULL;
}

/* Few keys are sooner compared than one is hashed. */
struct json_object *json_member(struct json_object *o, const char *key)
{
    const struct lh_table *members = json_object_get_object(o);

    if (!members || members->count > MEMBERS_COMPARED)
        return members ? json_object_object_get(o, key) : NULL;
    for (const struct lh_entry *e = members->head; e; e = e->next)
        if (*(const char *)lh_entry_k(e) == *key && strcmp(lh_entry_k(e), key) == 0)
            return lh_entry_v(e);
    return NULL;
}

enum { PART_SIZE = 128 }; /* of a part of a path, its NUL included */

/* Copies the part of a dotted path that ends there. False: it is too long. */
static bool copy_path_part(const char *path, const char *end, char part[static PART_SIZE])
{
    size_t len = (size_t)(end - path);

    if (len >= PART_SIZE)
        return false;
    memcpy(part, path, len);
    part[len] = '\0';
    return true;
}

/* Copies the first part and moves on to the rest (NULL: it was the last). False: it is too long. */
static bool next_part(const char **path, char part[static PART_SIZE])
{
    const char *end = strchrnul(*path, '.');

    if (!copy_path_part(*path, end, part))
        return false;
    *path = *end ? end + 1 : NULL;
    return true;
}

struct json_object *json_get(struct json_object *o, const char *path)
{
    char part[PART_SIZE];

    for (const char *dot; o && (dot = strchr(path, '.')); path = dot + 1) {
        if (!copy_path_part(path, dot, part))
            return NULL;
        o = json_member(o, part);
    }
    return json_member(o, path);
}

const char *json_str(struct json_object *o, const char *path)
{
    struct json_object *value = json_get(o, path);

    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : NULL;
}

const char *json_string(struct json_object *value)
{
    return json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
}

const char *json_str_or(struct json_object *o, const char *path, const char *otherwise)
{
    const char *text = json_str(o, path);

    return text ? text : otherwise;
}

int64_t json_int_or(struct json_object *o, const char *path, int64_t otherwise)
{
    struct json_object *value = json_get(o, path);

    return json_object_is_type(value, json_type_int) ? json_object_get_int64(value) : otherwise;
}

bool json_bool_or(struct json_object *o, const char *path, bool otherwise)
{
    struct json_object *value = json_get(o, path);

    return json_object_is_type(value, json_type_boolean) ? json_object_get_boolean(value) : otherwise;
}

bool json_is_array(struct json_object *o)
{
    return json_object_is_type(o, json_type_array);
}

size_t json_len(struct json_object *o)
{
    return json_is_array(o) ? json_object_array_length(o) : 0;
}

struct json_object *json_at(struct json_object *o, size_t i)
{
    return i < json_len(o) ? json_object_array_get_idx(o, i) : NULL;
}

/* The object that holds the last part of the path, which is copied to ret; NULL: there is none. */
static struct json_object *holder_of(struct json_object *o, const char *path, bool make, char ret[static PART_SIZE])
{
    while (next_part(&path, ret) && json_object_is_type(o, json_type_object)) {
        struct json_object *inner = json_member(o, ret);
        if (!path)
            return o;
        if (!inner && make) {
            inner = json_object_new_object();
            json_object_object_add(o, ret, inner);
        }
        o = inner;
    }
    return NULL;
}

void json_set(struct json_object *o, const char *path, struct json_object *value)
{
    char name[PART_SIZE];
    struct json_object *holder = holder_of(o, path, true, name);

    if (holder)
        json_object_object_add(holder, name, value);
    else
        json_object_put(value);
}

bool json_remove(struct json_object *o, const char *path)
{
    char name[PART_SIZE];
    struct json_object *holder = holder_of(o, path, false, name);

    if (!json_object_object_get_ex(holder, name, NULL))
        return false;
    json_object_object_del(holder, name);
    return true;
}

void json_set_str(struct json_object *o, const char *path, const char *value)
{
    if (value)
        json_set(o, path, json_object_new_string(value));
}

void json_set_int(struct json_object *o, const char *path, int64_t value)
{
    json_set(o, path, json_object_new_int64(value));
}

void json_set_bool(struct json_object *o, const char *path, bool value)
{
    json_set(o, path, json_object_new_boolean(value));
}

void json_put_member(struct json_object *o, const char *key, const char *value)
{
    if (value && json_object_is_type(o, json_type_object))
        json_object_object_add(o, key, json_object_new_string(value));
}

void json_append(struct json_object *array, struct json_object *value)
{
    json_object_array_add(array, value);
}

struct json_object *json_without(struct json_object *array, bool (*drop)(void *arg, struct json_object *element),
                                 void *arg)
{
    struct json_object *rest = json_object_new_array();

    for (size_t i = 0; i < json_len(array); i++)
        if (!drop(arg, json_at(array, i)))
            json_append(rest, json_ref(json_at(array, i)));
    if (json_len(rest) < json_len(array))
        return rest;
    json_object_put(rest);
    return NULL;
}

size_t json_first_seen(struct json_object *seen, const char *key, size_t number)
{
    struct json_object *known = json_member(seen, key);

    if (!known)
        json_object_object_add(seen, key, json_object_new_int64((int64_t)number));
    return known ? (size_t)json_object_get_int64(known) : number;
}

struct json_object *json_ref(struct json_object *o)
{
    return json_object_get(o);
}

struct json_object *json_copy(struct json_object *o)
{
    struct json_object *copy = NULL;

    if (o && json_object_deep_copy(o, &copy, NULL) < 0)
        abort();
    return copy;
}

void json_cleanse(struct json_object *o)
{
    if (json_object_is_type(o, json_type_string))
        explicit_bzero((char *)json_object_get_string(o), (size_t)json_object_get_string_len(o));
    for (size_t i = 0; i < json_len(o); i++)
        json_cleanse(json_at(o, i));
    json_each (it, o)
        json_cleanse(it.value);
}

struct sorted_member {
    const char *key;
    struct json_object *value;
};

static int by_key(const void *a, const void *b)
{
    return strcmp(((const struct sorted_member *)a)->key, ((const struct sorted_member *)b)->key);
}

static struct json_object *sorted_object(struct json_object *o)
{
    struct json_object *result = json_object_new_object();
    size_t len = (size_t)json_object_object_length(o), i = 0;
    cleanup_free struct sorted_member *members = mem_alloc(len * sizeof(*members));

    json_each (it, o)
        members[i++] = (struct sorted_member){it.key, it.value};
    qsort(members, len, sizeof(*members), by_key);
    for (i = 0; i < len; i++)
        json_object_object_add_ex(result, members[i].key, json_sorted(members[i].value), JSON_C_OBJECT_ADD_KEY_IS_NEW);
    return result;
}

struct json_object *json_sorted(struct json_object *o)
{
    if (json_object_is_type(o, json_type_object))
        return sorted_object(o);
    if (!json_object_is_type(o, json_type_array))
        return json_ref(o);

    struct json_object *result = json_object_new_array();
    for (size_t i = 0; i < json_len(o); i++)
        json_object_array_add(result, json_sorted(json_at(o, i)));
    return result;
}

static bool has_same_members(struct json_object *a, struct json_object *b)
{
    if (json_object_object_length(a) != json_object_object_length(b))
        return false;
    json_each (it, a)
        if (!json_same(it.value, json_member(b, it.key)) || (!it.value && !json_object_object_get_ex(b, it.key, NULL)))
            return false;
    return true;
}

static bool has_same_elements(struct json_object *a, struct json_object *b)
{
    bool same = json_len(a) == json_len(b);

    for (size_t i = 0; same && i < json_len(a); i++)
        same = json_same(json_at(a, i), json_at(b, i));
    return same;
}

bool json_same(struct json_object *a, struct json_object *b)
{
    enum json_type type = json_object_get_type(a);

    if (a == b || type != json_object_get_type(b))
        return a == b;
    return type == json_type_object  ? has_same_members(a, b)
           : type == json_type_array ? has_same_elements(a, b)
                                     : json_object_equal(a, b);
}

void json_put_ptr(struct json_object **o)
{
    json_object_put(*o);
}

static void load_entry(struct json_iter *it)
{
    struct lh_entry *entry = it->entry;

    it->key = entry ? lh_entry_k(entry) : NULL;
    it->value = entry ? (struct json_object *)lh_entry_v(entry) : NULL;
}

struct json_iter json_first(struct json_object *o)
{
    struct json_iter it = {.object = o};

    if (json_object_is_type(o, json_type_object))
        it.entry = json_object_get_object(o)->head;
    load_entry(&it);
    return it;
}

void json_next(struct json_iter *it)
{
    it->entry = lh_entry_next((struct lh_entry *)it->entry);
    load_entry(it);
}
