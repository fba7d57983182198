/* `diff -f FILE`: what the objects of a file would change in the cluster, and what rolls the managers; `diff NAME`:
 * what is there against what would be made. Both sides of a file are rendered by the functions that the operator
 * applies by, so what the API server adds is no difference; the managers roll when the template of their Deployment is
 * another one, which is how Kubernetes decides it. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "cli/load.h"
#include "operator/kinds.h"
#include "plugin/command.h"
#include "plugin/output.h"
#include "plugin/session.h"
#include "plugin/survey.h"
#include "plugin/terminal.h"
#include "runner/complaints.h"
#include "runner/names.h"

enum { VALUE_SHOWN = 160, DIFFERENCES_MAX = 500 };

struct diff_options {
    struct option_list files;
};

static const struct option_row diff_rows[] = {
    {'f', "filename", "FILE", "YAML or JSON, \"-\": standard input; may be given several times", option_append,
     offsetof(struct diff_options, files), "64 at most"},
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Trees */

static const char *value_text(struct json_object *value, struct arena *a)
{
    if (!value)
        return "(none)";
    const char *text = json_object_is_type(value, json_type_string) ? json_string(value) : json_text(value);
    return *text ? shorten(arena_strdup(a, text), VALUE_SHOWN) : "\"\"";
}

static const char *below(const char *path, const char *key, struct arena *a)
{
    return *path ? arena_printf(a, "%s.%s", path, key) : key;
}

/* Says each leaf of `wanted` that is another one in what is there: what others have added there is none of ours. */
static void compare_ours(struct json_object *there, struct json_object *wanted, const char *path,
                         struct json_object *ret, struct arena *a)
{
    bool lists = json_is_array(there) && json_is_array(wanted) && json_len(there) == json_len(wanted);
    bool objects = json_object_is_type(there, json_type_object) && json_object_is_type(wanted, json_type_object);

    if (json_same(there, wanted) || json_len(ret) == DIFFERENCES_MAX)
        return;
    if (!lists && !objects)
        json_append(ret, json_build("{path: %s, from: %s, to: %s}", path, value_text(there, a), value_text(wanted, a)));
    for (size_t i = 0; lists && i < json_len(wanted); i++)
        compare_ours(json_at(there, i), json_at(wanted, i), arena_printf(a, "%s[%zu]", path, i), ret, a);
    json_each (it, objects ? wanted : NULL)
        compare_ours(json_member(there, it.key), it.value, below(path, it.key, a), ret, a);
}

/* Says each leaf that is not the same; what is made anew from the rest is none. */
static void compare(struct json_object *before, struct json_object *after, const char *path, struct json_object *ret,
                    struct arena *a)
{
    bool lists = json_is_array(before) && json_is_array(after);
    bool objects = json_object_is_type(before, json_type_object) && json_object_is_type(after, json_type_object);

    if (json_same(before, after) || json_len(ret) == DIFFERENCES_MAX || strcmp(path, ANNOTATION_APPLIED_HASH) == 0)
        return;
    if (objects) {
        json_each (it, before)
            compare(it.value, json_member(after, it.key), below(path, it.key, a), ret, a);
        json_each (it, after)
            if (!json_object_object_get_ex(before, it.key, NULL))
                compare(NULL, it.value, below(path, it.key, a), ret, a);
    } else if (lists && json_len(before) == json_len(after)) {
        for (size_t i = 0; i < json_len(before); i++)
            compare(json_at(before, i), json_at(after, i), arena_printf(a, "%s[%zu]", path, i), ret, a);
    } else {
        json_append(ret, json_build("{path: %s, from: %s, to: %s}", path, value_text(before, a), value_text(after, a)));
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One runner */

/* It as it is in the cluster, if it is there, and as the file has it. */
struct edited {
    struct owner owner;
    struct spec before, after;
    bool exists;
    struct json_object *changes; /* of all runners */
    struct arena *a;
};

static const struct config_inputs nothing_read;

static struct json_object *compared_content(const struct edited *e, enum child child, const struct spec *spec)
{
    const struct render_settings settings = {.manager_image = DEFAULT_MANAGER_IMAGE};

    if (child == CHILD_CONFIG_SECRET)
        return render_config_tree(&e->owner, spec, &nothing_read, e->a);
    struct json_object *manifest = render_child(child, &e->owner, spec, &settings, e->a);
    json_object_object_del(json_get(manifest, "metadata.annotations"), ANNOTATION_APPLIED_HASH);
    return manifest;
}

static void add_change(const struct edited *e, const char *kind, const char *ns, const char *name, const char *change,
                       bool rolls, struct json_object *differences)
{
    json_append(e->changes,
                json_build("{runner: %s, kind: %s, namespace: %s, name: %s, change: %s, rolls: %b, managers: %d, "
                           "differences: %o}",
                           e->owner.name, kind, ns, name, change, rolls, e->before.manager.replicas, differences));
}

static bool rolls_managers(enum child child, struct json_object *before, struct json_object *after)
{
    return child == CHILD_DEPLOYMENT && !json_same(json_get(before, "spec.template"), json_get(after, "spec.template"));
}

static void compare_child(const struct edited *e, enum child child)
{
    bool was = e->exists && child_wanted(child, &e->before), is = child_wanted(child, &e->after);
    const char *ns = child_namespace(child, &e->owner, is ? &e->after : &e->before);
    const char *name = child_name(child, &e->owner, e->a), *kind = child_kind(child);
    struct json_object *differences = json_build("[]");

    if (was && is) {
        struct json_object *before = compared_content(e, child, &e->before),
                           *after = compared_content(e, child, &e->after);
        compare(before, after, "", differences, e->a);
        if (json_len(differences)) {
            add_change(e, kind, ns, name, "changed", rolls_managers(child, before, after), differences);
            return;
        }
    } else if (was || is) {
        add_change(e, kind, ns, name, is ? "created" : "deleted", false, differences);
        return;
    }
    json_object_put(differences);
}

/* What GitLab keeps of the runner; and where and how it is registered. */
static void compare_at_gitlab(const struct edited *e)
{
    const struct spec *b = &e->before, *n = &e->after;
    bool moves = e->exists && (strcmp(b->url, n->url) != 0 || strcmp(scope_text(b, e->a), scope_text(n, e->a)) != 0);
    bool told = e->exists && strcmp(attributes_hash(&b->attributes, e->a), attributes_hash(&n->attributes, e->a)) != 0;

    if (moves || !e->exists)
        add_change(e, "GitLab", NULL, n->url, "registered", false, json_build("[]"));
    else if (told)
        add_change(e, "GitLab", NULL, n->url, "told of tags and other attributes", false, json_build("[]"));
}

static void compare_runner(const struct edited *e)
{
    compare_at_gitlab(e);
    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
        compare_child(e, child);
}

/* False: *code says how it ended. */
static bool read_both(struct plugin_call *call, const struct loaded *item, struct edited *e, enum plugin_exit *code)
{
    struct complaints all = {.a = call->a};
    struct err err = {0};

    if (!json_str(item->object, "metadata.namespace"))
        json_set_str(item->object, "metadata.namespace", session_namespace(call->session));
    const char *ns = json_str_or(item->object, "metadata.namespace", ""),
               *name = json_str_or(item->object, "metadata.name", "");
    struct json_object *live =
        session_get(call->session, kube_path(kind_resource(KIND_RUNNER), ns, name, NULL, call->a), call->a, &err);
    if (!live && err.kind != ERR_NOT_FOUND) {
        *code = failed(call, name, &err);
        return false;
    }
    e->owner = (struct owner){.ns = ns, .name = name, .uid = json_str_or(live, "metadata.uid", "")};
    e->exists = live && spec_parse(live, &e->before, call->a, &err);
    json_set_str(item->object, "metadata.uid", json_str(live, "metadata.uid")); /* GitLab is told of it */
    if (!loaded_parse(item, &e->after, &all)) {
        loaded_complain(item, &all, stderr);
        *code = EXIT_COULD_NOT;
        return false;
    }
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is in the cluster, against what would be made */

/* Of Secrets no content is told, also not of those that somebody has changed. */
static struct json_object *live_differences(const struct survey *s, enum child child, struct arena *a)
{
    const struct observed *o = &s->observed;
    struct json_object *ret = json_build("[]"), *wanted = wanted_manifest(o, child, a);

    json_object_object_del(json_get(wanted, "metadata.annotations"), ANNOTATION_APPLIED_HASH);
    json_object_object_del(wanted, "data");
    if (child == CHILD_DEPLOYMENT)
        render_deployment_inputs(wanted, deployment_inputs_text(o, a), a);
    compare_ours(s->children[child], wanted, "", ret, a);
    return ret;
}

static void compare_live_child(const struct edited *e, const struct survey *s, enum child child)
{
    const struct observed *o = &s->observed;
    const char *kind = child_kind(child), *name = child_name(child, &o->owner, e->a);
    const char *ns = child_namespace(child, &o->owner, o->spec);

    if (s->unseen[child] || (o->wanted[child].wanted ? child_is_right(o, child, e->a) : !o->children[child].exists))
        return;
    if (!o->wanted[child].wanted || !o->children[child].exists) {
        add_change(e, kind, ns, name, o->wanted[child].wanted ? "created" : "deleted", false, json_build("[]"));
        return;
    }
    struct json_object *template = json_get(wanted_manifest(o, child, e->a), "spec.template");
    cleanup_json struct json_object *of_pods = json_build("[]");
    compare_ours(json_get(s->children[child], "spec.template"), template, "", of_pods, e->a);
    add_change(e, kind, ns, name, "changed", child == CHILD_DEPLOYMENT && json_len(of_pods),
               live_differences(s, child, e->a));
}

static enum plugin_exit compare_live(struct plugin_call *call, const char *name, struct json_object *changes)
{
    struct survey *s = arena_alloc(call->a, sizeof(*s));
    struct edited *e = arena_alloc(call->a, sizeof(*e));
    struct err err = {0};
    enum plugin_exit code = EXIT_GOOD;

    if (!survey(call, session_namespace(call->session), name, s, &err)) {
        code = failed(call, name, &err);
    } else if (!s->observed.spec) {
        fprintf(stderr, "%s: %s\n", harmless(name, call->a), harmless(s->observed.spec_err.text, call->a));
        code = EXIT_COULD_NOT;
    } else {
        *e = (struct edited){.owner = s->observed.owner, .before = *s->observed.spec, .changes = changes, .a = call->a};
        for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
            compare_live_child(e, s, child);
    }
    survey_finish(s);
    return code;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Printing */

static const char *short_path(const char *path)
{
    static const char *const prefixes[] = {"spec.template.spec.containers[0].", "spec.template.spec.", "runners[0].",
                                           "spec."};

    for (size_t i = 0; i < ARRAY_LEN(prefixes); i++)
        if (strncmp(path, prefixes[i], strlen(prefixes[i])) == 0)
            return path + strlen(prefixes[i]);
    return path;
}

static void print_change(const struct plugin_call *call, struct json_object *change)
{
    struct json_object *differences = json_member(change, "differences");

    printf("%s %s  %s, ", json_str(change, "kind"), harmless(json_str(change, "name"), call->a),
           json_str(change, "change"));
    if (json_bool_or(change, "rolls", false))
        printf("ROLLS %lld managers\n", (long long)json_int_or(change, "managers", 0));
    else
        puts("no restart");
    for (size_t i = 0; i < json_len(differences); i++) {
        struct json_object *d = json_at(differences, i);
        printf("  %s  %s -> %s\n", harmless(short_path(json_str_or(d, "path", "")), call->a),
               harmless(json_str_or(d, "from", ""), call->a), harmless(json_str_or(d, "to", ""), call->a));
    }
}

static void print_changes(const struct plugin_call *call, struct json_object *changes)
{
    enum plugin_output output = (enum plugin_output)call->options->output;

    if (output == OUTPUT_JSON || output == OUTPUT_YAML) {
        cleanup_json struct json_object *tree = json_build("{changes: %o}", json_ref(changes));
        output_tree(tree, output);
        return;
    }
    for (size_t i = 0; i < json_len(changes); i++) {
        if (output != OUTPUT_NAME)
            print_change(call, json_at(changes, i));
        else
            printf("%s/%s\n", json_str(json_at(changes, i), "kind"), json_str(json_at(changes, i), "name"));
    }
}

static enum plugin_exit diff_run(struct plugin_call *call)
{
    const struct diff_options *o = call->own;
    cleanup_load struct load load = {0};
    struct json_object *changes = arena_json(call->a, json_object_new_array());
    enum plugin_exit code = EXIT_GOOD;

    if (!o->files.len == !call->args_len) {
        fprintf(stderr, "diff: give NAME, or a file: -f FILE\n");
        return EXIT_COULD_NOT;
    }
    for (size_t i = 0; i < call->args_len && code == EXIT_GOOD; i++)
        code = compare_live(call, call->args[i], changes);
    if (o->files.len && load_files(&load, o->files.items, o->files.len, call->a) != 0)
        return EXIT_COULD_NOT;
    for (size_t i = 0; i < load.len && code == EXIT_GOOD; i++) {
        struct edited *e = arena_alloc(call->a, sizeof(*e));
        *e = (struct edited){.changes = changes, .a = call->a};
        if (read_both(call, &load.items[i], e, &code))
            compare_runner(e);
    }
    if (code != EXIT_GOOD)
        return code;
    print_changes(call, changes);
    return json_len(changes) ? EXIT_FINDING : EXIT_GOOD;
}

const struct plugin_command diff_command = {
    .name = "diff",
    .args = "[NAME...]",
    .summary = "show what a file would change, and what rolls the managers",
    .about =
        "Holds the GitLabRunners of a file against those of the cluster: what would change in each object that is made "
        "of\nthem, and at GitLab; whether that replaces the managers' pods, or is read without a restart. With NAME it "
        "holds\nwhat is in the cluster against what would be made. Nothing is changed. Tokens are in neither side.",
    .example = "diff -f builds.yaml\ndiff -f builds.yaml -o json\ndiff builds -n ci",
    .exits = "0 nothing would change; 1 something would",
    .rights = "get gitlabrunners; with NAME those of explain",
    .rows = diff_rows,
    .rows_len = ARRAY_LEN(diff_rows),
    .own_size = sizeof(struct diff_options),
    .takes = TAKES_OUTPUT,
    .args_max = 64,
    .run = diff_run,
};
