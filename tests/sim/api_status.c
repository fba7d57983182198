/* Answers, and what the server says when it says no. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

void api_reply_finish(struct api_reply *reply)
{
    api_state_drop(reply->state);
    json_object_put(reply->tree);
    free(reply->text.size ? reply->text.data : NULL);
    *reply = (struct api_reply){0};
}

struct api_reply api_reply_state(int status, struct api_state *state)
{
    return (struct api_reply){.status = status, .state = api_state_hold(state)};
}

const char *api_qualified(const struct api_kind *kind)
{
    static char text[80];

    snprintf(text, sizeof(text), "%s%s%s", kind->plural, *kind->group ? "." : "", kind->group);
    return text;
}

static struct json_object *details_of(const struct api_kind *kind, const char *name, struct json_object *causes)
{
    struct json_object *details = json_object_new_object();

    if (name && *name)
        api_json_add(details, "name", json_object_new_string(name));
    if (kind && *kind->group)
        api_json_add(details, "group", json_object_new_string(kind->group));
    if (kind)
        api_json_add(details, "kind", json_object_new_string(kind->plural));
    api_json_add(details, "causes", causes);
    return details;
}

struct json_object *api_status(int status, const char *reason, const struct api_kind *kind, const char *name,
                               struct json_object *causes, const char *message)
{
    struct json_object *tree = json_object_new_object();

    api_json_add(tree, "kind", json_object_new_string("Status"));
    api_json_add(tree, "apiVersion", json_object_new_string("v1"));
    api_json_add(tree, "metadata", json_object_new_object());
    api_json_add(tree, "status", json_object_new_string(status < 300 ? "Success" : "Failure"));
    if (message)
        api_json_add(tree, "message", json_object_new_string(message));
    if (reason)
        api_json_add(tree, "reason", json_object_new_string(reason));
    if (kind || causes)
        api_json_add(tree, "details", details_of(kind, name, causes));
    if (status >= 300)
        api_json_add(tree, "code", json_object_new_int(status));
    return tree;
}

struct api_reply api_refuse_with(int status, const char *reason, const struct api_kind *kind, const char *name,
                                 struct json_object *causes, const char *format, ...)
{
    char message[1024];
    va_list args;

    va_start(args, format);
    vsnprintf(message, sizeof(message), format, args);
    va_end(args);
    return (struct api_reply){.status = status, .tree = api_status(status, reason, kind, name, causes, message)};
}

struct api_reply api_not_found(const struct api_kind *kind, const char *name)
{
    return api_refuse_with(404, "NotFound", kind, name, NULL, "%s \"%s\" not found", api_qualified(kind), name);
}

struct api_reply api_conflict(const struct api_kind *kind, const char *name, const char *why)
{
    return api_refuse_with(409, "Conflict", kind, name, NULL, "Operation cannot be fulfilled on %s \"%s\": %s",
                           api_qualified(kind), name, why);
}
