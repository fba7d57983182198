/* Parameters as GitLab's API framework reads them: from query, body and path alike, coerced and checked in the order of
 * their declaration, all complaints joined in one sentence. */
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/gitlab_parts.h"

bool lab_has(struct json_object *params, const char *name)
{
    return json_object_object_get_ex(params, name, NULL);
}

const char *lab_text(struct json_object *params, const char *name)
{
    struct json_object *value = json_member(params, name);

    return value ? json_object_get_string(value) : NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What was sent */

void lab_unescape(char *plain)
{
    size_t len = strlen(plain);
    char *to = plain;

    for (size_t i = 0; i < len; i++) {
        bool escaped = plain[i] == '%' && i + 2 < len && hex_digit(plain[i + 1]) >= 0 && hex_digit(plain[i + 2]) >= 0;
        int c = escaped ? hex_digit(plain[i + 1]) << 4 | hex_digit(plain[i + 2]) : plain[i] == '+' ? ' ' : plain[i];
        *to++ = (char)c;
        i += escaped ? 2 : 0;
    }
    *to = '\0';
}

static char *unescaped(const char *text, size_t len, struct arena *a)
{
    char *plain = arena_strndup(a, text, len);

    lab_unescape(plain);
    return plain;
}

static void gather_query(struct json_object *raw, const char *query)
{
    cleanup_arena struct arena a = {0};

    while (*query) {
        size_t len = strcspn(query, "&"), name = strcspn(query, "=&");
        if (name < len)
            json_object_object_add(raw, unescaped(query, name, &a),
                                   json_object_new_string(unescaped(query + name + 1, len - name - 1, &a)));
        query += len + (query[len] == '&');
    }
}

/* The members of *from go to raw. */
static void gather_members(struct json_object *raw, struct json_object *from)
{
    json_each (it, from)
        json_object_object_add(raw, it.key, json_ref(it.value));
}

static bool gather_body(struct lab_call *call)
{
    static const char *const bad =
        "Problem:\n  message body does not match declared format\nResolution:\n"
        "  when specifying application/json as content-type, you must pass valid application/json"
        " in the request's 'body'\n";
    const char *type = exchange_header(call->request, "Content-Type");
    struct err err;

    if (!call->request->body_len || !type || strncasecmp(type, "application/octet-stream", 24) == 0 ||
        strncasecmp(type, "text/plain", 10) == 0)
        return true;
    if (strncasecmp(type, "application/json", 16) != 0) {
        char text[200];
        snprintf(text, sizeof(text), "The provided content-type '%.100s' is not supported.", type);
        lab_error(call, 415, text);
        return false;
    }
    cleanup_json struct json_object *body = json_parse(call->request->body, call->request->body_len, &err);
    if (!body)
        lab_error(call, 400, bad);
    else if (json_object_is_type(body, json_type_object))
        gather_members(call->raw, body);
    return body;
}

bool lab_gather(struct lab_call *call, const char *query)
{
    call->raw = json_object_new_object();
    gather_query(call->raw, query);
    if (!gather_body(call))
        return false;
    if (*call->key)
        json_object_object_add(call->raw, "id", json_object_new_string(call->key));
    return true;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Of which type. Each returns false when the value is none of it; *ret NULL: null. */

static bool read_string(struct json_object *value, struct json_object **ret)
{
    bool nested = json_object_is_type(value, json_type_object) || json_object_is_type(value, json_type_array);

    *ret = json_object_is_type(value, json_type_string) ? json_ref(value)
           : nested                                     ? NULL
                                                        : json_object_new_string(json_object_get_string(value));
    return !nested;
}

static bool read_integer(struct json_object *value, struct json_object **ret)
{
    const char *text = json_object_get_string(value);
    char *end;

    *ret = NULL;
    if (json_object_is_type(value, json_type_int)) {
        *ret = json_ref(value);
        return true;
    }
    if (!json_object_is_type(value, json_type_string))
        return false;
    if (!*text)
        return true;
    errno = 0;
    int64_t number = strtoll(text, &end, 10);
    *ret = *end || errno ? NULL : json_object_new_int64(number);
    return *ret;
}

static bool read_boolean(struct json_object *value, struct json_object **ret)
{
    static const char *const words[] = {"false", "true", "f", "t", "0", "1", "off", "on", "no", "yes"};
    const char *text = json_object_get_string(value);

    *ret = NULL;
    if (json_object_is_type(value, json_type_object) || json_object_is_type(value, json_type_array))
        return false;
    if (!*text)
        return true;
    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcasecmp(text, words[i]) == 0)
            *ret = json_object_new_boolean(i & 1);
    return *ret;
}

static bool read_table(struct json_object *value, struct json_object **ret)
{
    *ret = json_object_is_type(value, json_type_object) ? json_ref(value) : NULL;
    return *ret;
}

static void add_name(struct json_object *names, const char *text, size_t len)
{
    while (len && strchr(" \t\n", *text))
        text++, len--;
    while (len && strchr(" \t\n", text[len - 1]))
        len--;
    for (size_t i = 0; i < json_len(names); i++) {
        struct json_object *known = json_at(names, i);
        if ((size_t)json_object_get_string_len(known) == len && memcmp(json_string(known), text, len) == 0)
            return;
    }
    if (len)
        json_append(names, json_object_new_string_len(text, (int)len));
}

/* A list, or its members in one string with commas; each once. */
static bool read_names(struct json_object *value, struct json_object **ret)
{
    struct json_object *names = *ret = json_object_new_array();

    for (size_t i = 0; i < json_len(value); i++) {
        cleanup_json struct json_object *name = NULL;
        if (json_at(value, i) && !read_string(json_at(value, i), &name))
            return false;
        add_name(names, name ? json_string(name) : "", name ? strlen(json_string(name)) : 0);
    }
    if (json_is_array(value))
        return true;
    if (!json_object_is_type(value, json_type_string))
        return false;
    for (const char *at = json_string(value); *at; at += *at == ',') {
        size_t len = strcspn(at, ",");
        add_name(names, at, len);
        at += len;
    }
    return true;
}

/* ------------------------------------------------------------------------------------------------------------------
 * What fits */

static void complain(struct buf *complaints, const char *name, const char *what)
{
    buf_addf(complaints, "%s%s %s", complaints->len ? ", " : "", name, what);
}

static bool has_value(const struct lab_param *param, struct json_object *value)
{
    if (!value)
        return !param->required;
    for (size_t i = 0; param->values[i]; i++)
        if (strcmp(json_object_get_string(value), param->values[i]) == 0)
            return true;
    return false;
}

static void check_value(struct lab_call *call, const struct lab_param *param, struct buf *complaints)
{
    static bool (*const readers[])(struct json_object *, struct json_object **) = {
        [LAB_STRING] = read_string, [LAB_INTEGER] = read_integer, [LAB_BOOLEAN] = read_boolean,
        [LAB_TABLE] = read_table,   [LAB_NAMES] = read_names,
    };
    bool sent = lab_has(call->raw, param->name);
    cleanup_json struct json_object *otherwise = param->otherwise ? json_object_new_string(param->otherwise) : NULL;
    struct json_object *raw = sent ? json_member(call->raw, param->name) : otherwise;
    cleanup_json struct json_object *value = NULL;

    if (param->required && !sent)
        complain(complaints, param->name, "is missing");
    if (raw && !readers[param->kind](raw, &value)) {
        complain(complaints, param->name, "is invalid");
        return;
    }
    if (param->values && !has_value(param, value))
        complain(complaints, param->name, "does not have a valid value");
    if (param->not_zero && value && json_object_get_int64(value) == 0)
        complain(complaints, param->name, "has a value not allowed");
    if (sent || param->otherwise)
        json_object_object_add(call->params, param->name, json_ref(value));
}

/* Of names with commas those that were sent, as a text like it. */
static size_t names_sent(struct json_object *raw, const char *names, struct buf *ret)
{
    size_t n = 0;

    for (const char *at = names; *at; at += strspn(at, ", ")) {
        char name[40];
        size_t len = strcspn(at, ",");
        snprintf(name, sizeof(name), "%.*s", (int)len, at);
        at += len;
        if (lab_has(raw, name))
            buf_addf(ret, "%s%s", n++ ? ", " : "", name);
    }
    return n;
}

static void check_together(struct lab_call *call, const struct lab_param *param, struct buf *complaints)
{
    cleanup_buf struct buf sent;

    buf_init(&sent, 1 << 10);
    size_t n = names_sent(call->raw, param->name, &sent);
    if (param->kind == LAB_EXCLUSIVE && n > 1)
        complain(complaints, sent.data, "are mutually exclusive");
    if (param->kind == LAB_AT_LEAST_ONE && !n)
        complain(complaints, param->name, "are missing, at least one parameter must be provided");
}

bool lab_check(struct lab_call *call, const struct lab_param *params)
{
    cleanup_buf struct buf complaints;

    buf_init(&complaints, 4 << 10);
    call->params = json_object_new_object();
    for (; params->name; params++) {
        const char *given = params->given ? lab_text(call->raw, params->given) : NULL;
        if (params->given && (!given || strcmp(given, params->given_value) != 0))
            continue;
        if (params->kind >= LAB_EXCLUSIVE)
            check_together(call, params, &complaints);
        else
            check_value(call, params, &complaints);
    }
    if (complaints.len)
        lab_error(call, 400, complaints.data);
    return !complaints.len;
}
