/* `version`: of the plugin, the operators in the cluster, the kind and the API server. */
#include "version.h"

#include <json-c/json.h>
#include <stdio.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "plugin/command.h"
#include "plugin/installation.h"
#include "plugin/output.h"
#include "plugin/session.h"
#include "plugin/table.h"
#include "runner/names.h"

struct version_options {
    bool client;
};

static struct json_object *operators(struct plugin_call *call)
{
    struct json_object *list = json_object_new_array();
    struct installations found;

    installations_find(call, &found);
    for (size_t i = 0; i < found.len; i++) {
        const struct installation *o = &found.items[i];
        json_append(
            list, json_build("{namespace: %s, name: %s, version: %s, image: %s, replicas: %d, ready: %d, leader: %s}",
                             o->ns, o->name, o->version, o->image, o->wanted, o->ready, *o->holder ? o->holder : NULL));
    }
    return list;
}

/* The versions that the API server serves of our kind; NULL: not known. */
static struct json_object *kind_versions(const struct session_request *group)
{
    struct json_object *versions = json_member(group->object, "versions"), *list = json_object_new_array();

    for (size_t i = 0; i < json_len(versions); i++)
        json_append(list, json_ref(json_member(json_at(versions, i), "version")));
    if (group->object || group->err.kind == ERR_NOT_FOUND)
        return list;
    json_put_ptr(&list);
    return NULL;
}

static void version_line(struct table *t, const char *what, const char *version, const char *more)
{
    table_row(t);
    table_cell(t, what, TONE_PLAIN);
    table_cell(t, version, TONE_PLAIN);
    table_cell(t, more, TONE_FAINT);
}

static void print_table(const struct plugin_call *call, struct json_object *tree)
{
    static const struct column columns[] = {{.name = "WHAT"}, {.name = "VERSION"}, {.name = "WHERE", .flexible = true}};
    const struct terminal terminal = terminal_of(stdout);
    struct table *t = table_create(columns, ARRAY_LEN(columns), call->a);
    struct json_object *list = json_member(tree, "operators"), *kinds = json_member(tree, "kind");

    version_line(t, "plugin", json_str(tree, "plugin"), NULL);
    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *o = json_at(list, i);
        const char *where =
            arena_printf(call->a, "%s/%s, %lld of %lld ready, leader: %s", json_str_or(o, "namespace", "?"),
                         json_str_or(o, "name", "?"), (long long)json_int_or(o, "ready", 0),
                         (long long)json_int_or(o, "replicas", 0), json_str_or(o, "leader", "?"));
        version_line(t, "operator", json_str_or(o, "version", "?"), where);
    }
    if (json_len(list) == 0)
        version_line(t, "operator", call->not_seen_len ? "?" : "none", NULL);
    version_line(t, KIND, json_len(kinds) ? json_string(json_at(kinds, 0)) : kinds ? "none" : "?", NULL);
    version_line(t, "Kubernetes", json_str_or(tree, "kubernetes", "?"), NULL);
    table_print(t, stdout, &terminal, call->options->no_headers ? TABLE_NO_HEADERS : 0);
}

static void print_version(const struct plugin_call *call, struct json_object *tree)
{
    if (call->options->output == OUTPUT_JSON || call->options->output == OUTPUT_YAML)
        output_tree(tree, (enum plugin_output)call->options->output);
    else
        print_table(call, tree);
}

/* Whatever the cluster says, or whether there is one: this program's own version is told. */
static void print_own(const struct plugin_call *call)
{
    struct json_object *tree = arena_json(call->a, json_build("{plugin: %s}", version_number()));

    if (call->options->output == OUTPUT_JSON || call->options->output == OUTPUT_YAML)
        output_tree(tree, (enum plugin_output)call->options->output);
    else
        printf("%s %s\n", PLUGIN_FIELD_MANAGER, version_text());
}

static enum plugin_exit run_version(struct plugin_call *call)
{
    struct session_request asks[] = {{.path = "/apis/" GROUP}, {.path = "/version"}};
    const struct version_options *o = call->own;
    struct err err = {0};

    call->session = o->client ? NULL : session_open(call->options, &err);
    if (!call->session) {
        print_own(call);
        return o->client ? EXIT_GOOD : (failed(call, "version", &err), EXIT_COULD_NOT);
    }
    session_ask(call->session, asks, ARRAY_LEN(asks), call->a);
    if (asks[1].err.code == 0 && asks[1].err.kind != ERR_NONE)
        return print_own(call), failed(call, "the API server", &asks[1].err);
    struct json_object *tree = arena_json(
        call->a, json_build("{plugin: %s, operators: %o, kind: %o, kubernetes: %s}", version_number(), operators(call),
                            kind_versions(&asks[0]), json_str(asks[1].object, "gitVersion")));
    print_version(call, tree);
    return EXIT_GOOD;
}

static const struct option_row rows[] = {
    {0, "client", NULL, "of this program alone", option_flag, offsetof(struct version_options, client), NULL},
};

const struct plugin_command version_command = {
    .name = "version",
    .summary = "the versions of plugin, operator, kind and API server",
    .about =
        "Prints the versions of this program, the operators in the cluster, the kind GitLabRunner and the API server.",
    .example = "version\nversion -o json",
    .rights = "none to begin with; of the operator: list deployments.apps, list leases.coordination.k8s.io",
    .rows = rows,
    .rows_len = ARRAY_LEN(rows),
    .own_size = sizeof(struct version_options),
    .takes = TAKES_OUTPUT,
    .offline = true, /* it asks the cluster if there is one */
    .run = run_version,
};
