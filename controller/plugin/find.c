#include "plugin/find.h"

#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/escape.h"
#include "base/json.h"
#include "operator/kinds.h"
#include "plugin/session.h"
#include "plugin/terminal.h"

/* Those of the names, each by itself: it takes but the right to get them. Says which are not there. */
static struct json_object *get_named(struct plugin_call *call, enum plugin_exit *code)
{
    struct session_request *asks = arena_alloc(call->a, call->args_len * sizeof(*asks));
    struct json_object *items = arena_json(call->a, json_object_new_array());
    const char *ns = session_namespace(call->session);

    for (size_t i = 0; i < call->args_len; i++)
        asks[i].path = kube_path(kind_resource(KIND_RUNNER), ns, call->args[i], NULL, call->a);
    session_ask(call->session, asks, call->args_len, call->a);
    for (size_t i = 0; i < call->args_len; i++) {
        if (asks[i].object)
            json_append(items, json_ref(asks[i].object));
        else
            *code = failed(call, call->args[i], &asks[i].err);
    }
    return items;
}

static struct json_object *list_all(struct plugin_call *call, enum plugin_exit *code)
{
    const char *labels = call->options->selector, *ns = session_namespace(call->session);
    const char *query = labels ? arena_printf(call->a, "?labelSelector=%s", percent_escaped(labels, call->a)) : "";
    const char *path = kube_path(kind_resource(KIND_RUNNER), ns, NULL, NULL, call->a);
    struct session_list list = {.path = arena_printf(call->a, "%s%s", path, query), .lean = true};

    session_read_lists(call->session, &list, 1, call->a);
    if (!list.items)
        *code = failed(call, call->command->name, &list.err);
    return list.items;
}

/* Of a list, those that are named; the names that are not in it are said. */
static struct json_object *keep_named(struct plugin_call *call, struct json_object *items, enum plugin_exit *code)
{
    struct json_object *kept = arena_json(call->a, json_object_new_array());

    for (size_t n = 0; n < call->args_len; n++) {
        size_t before = json_len(kept);
        for (size_t i = 0; i < json_len(items); i++)
            if (strcmp(json_str_or(json_at(items, i), "metadata.name", ""), call->args[n]) == 0)
                json_append(kept, json_ref(json_at(items, i)));
        if (json_len(kept) == before) {
            fprintf(stderr, "%s: there is no such GitLabRunner\n", harmless(call->args[n], call->a));
            *code = EXIT_FINDING;
        }
    }
    return kept;
}

struct json_object *find_runners(struct plugin_call *call, enum plugin_exit *code)
{
    if (call->args_len && !call->options->selector && session_namespace(call->session))
        return get_named(call, code);
    struct json_object *items = list_all(call, code);
    return items && call->args_len ? keep_named(call, items, code) : items;
}
