/* `render`: the objects that GitLabRunners lead to: those of files, offline, or those of a cluster by name. */
#include <assert.h>
#include <getopt.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "version.h"
#include "cli/load.h"
#include "cli/print.h"
#include "operator/kinds.h"
#include "plugin/command.h"
#include "plugin/plugin.h"
#include "plugin/session.h"
#include "runner/job_pod.h"
#include "runner/names.h"
#include "runner/pod_security.h"
#include "runner/complaints.h"
#include "runner/render.h"

enum format { FORMAT_YAML, FORMAT_JSON, FORMAT_TOML, FORMAT_JOB };

struct options {
    const char **files;
    size_t len;
    struct render_settings settings;
    enum format format;
};

static void render_usage(FILE *out)
{
    fprintf(out, "Usage: %s render -f FILE... [OPTION...]\n       %s render NAME... [OPTION...]\n\n", program_name(),
            program_name());
    fputs(
        "Prints the objects that GitLabRunners lead to. Of files it asks neither a cluster nor GitLab; NAME is one of\n"
        "the cluster, with kubectl's options: render NAME -h.\n\n"
        "  -f, --filename FILE      YAML or JSON, \"-\": standard input; may be given more than once\n"
        "  -o, --output FORMAT      yaml (default), json (one List), toml (config.toml alone),\n"
        "                           job (what Pod Security sees of the pod that gitlab-runner makes of a job; a\n"
        "                           label names the strictest level that it fits)\n"
        "  --manager-image IMAGE    where spec.manager.image is not given (default: " DEFAULT_MANAGER_IMAGE ")\n"
        "  --help\n\n"
        "The manifests are those that the operator applies, but for two things. Secrets are shown as stringData, to "
        "be\n"
        "read by people, where the operator writes data. And what only a cluster or GitLab can know is missing or "
        "stands in\n"
        "angle brackets: tokens, the runner's id, a CA, and for objects that come from a file without a uid, owner "
        "references.\n\n"
        "Objects of other kinds are left out. Invalid GitLabRunners are named on standard error, and the exit code "
        "is 3.\n",
        out);
}

static bool format_parse(const char *text, enum format *ret)
{
    static const char *const names[] = {
        [FORMAT_YAML] = "yaml", [FORMAT_JSON] = "json", [FORMAT_TOML] = "toml", [FORMAT_JOB] = "job"};

    for (size_t i = 0; i < ARRAY_LEN(names); i++)
        if (strcmp(text, names[i]) == 0) {
            *ret = (enum format)i;
            return true;
        }
    fprintf(stderr, "render: --output %s: must be yaml, json, toml or job\n", text);
    return false;
}

/* EXIT_OK or EXIT_USAGE to end with, -1 to go on. */
static int parse_render_options(int argc, char **argv, struct options *o)
{
    static const struct option longs[] = {
        {"filename", required_argument, NULL, 'f'},
        {"output", required_argument, NULL, 'o'},
        {"manager-image", required_argument, NULL, 'm'},
        {"help", no_argument, NULL, 'h'},
        {0},
    };

    for (int opt; (opt = getopt_long(argc, argv, "f:o:h", longs, NULL)) != -1;) {
        if (opt == 'f')
            o->files[o->len++] = optarg;
        else if (opt == 'm')
            o->settings.manager_image = optarg;
        else if (opt == 'h')
            return render_usage(stdout), EXIT_OK;
        else if (opt != 'o' || !format_parse(optarg, &o->format))
            return render_usage(stderr), EXIT_USAGE;
    }
    return o->len && optind == argc ? -1 : (render_usage(stderr), EXIT_USAGE);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The objects of one GitLabRunner */

static const struct config_inputs unknown;

/* A Secret as a person wants to read it: decoded, as stringData. */
static void make_readable(struct json_object *manifest, struct arena *a)
{
    struct json_object *data = json_member(manifest, "data");
    struct json_object *readable = json_object_new_object();

    json_each (it, data)
        json_put_member(readable, it.key, base64_decode(json_string(it.value), NULL, a));
    json_object_object_del(manifest, "data");
    json_set(manifest, "stringData", readable);
}

/* As it will be once GitLab has said which runner it is. */
static struct json_object *token_secret(const struct owner *owner, const struct spec *spec, struct arena *a)
{
    const struct registration r = {
        .url = spec->url,
        .authentication = authentication_name(spec->authentication),
        .scope = scope_text(spec, a),
        .told_hash = attributes_hash(&spec->attributes, a),
    };
    struct json_object *manifest = render_token_secret(owner, &r, a);

    json_put_member(json_get(manifest, "metadata.annotations"), ANNOTATION_RUNNER_ID, "<runner id>");
    return manifest;
}

static struct json_object *child_of(enum child child, const struct owner *owner, const struct spec *spec,
                                    const struct render_settings *settings, struct arena *a)
{
    struct json_object *manifest =
        child == CHILD_TOKEN_SECRET ? token_secret(owner, spec, a) : render_child(child, owner, spec, settings, a);

    if (strcmp(child_kind(child), "Secret") == 0)
        make_readable(manifest, a);
    return manifest;
}

static void add_children(struct json_object *list, const struct owner *owner, const struct spec *spec,
                         const struct render_settings *settings, struct arena *a)
{
    for (enum child child = 0; child < CHILD_COUNT; child++)
        if (child_wanted(child, spec))
            json_append(list, json_ref(child_of(child, owner, spec, settings, a)));
}

static struct json_object *pod_of_job(const struct owner *owner, const struct spec *spec, struct arena *a)
{
    struct json_object *tree = render_config_tree(owner, spec, &unknown, a);

    struct json_object *runner = json_at(json_member(tree, "runners"), 0), *pod = job_pod(runner, a);

    json_put_member(json_get(pod, "metadata.labels"), LABEL_POD_SECURITY, pod_security_level(spec, runner, a));
    return pod;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Output */

static void print_toml(const struct owner *owner, const struct spec *spec, bool several, struct arena *a)
{
    if (several)
        printf("# %s/%s\n", owner->ns, owner->name);
    fputs(render_config_toml(owner, spec, &unknown, a), stdout);
}

static void print_objects(struct json_object *list, enum format format)
{
    assert(format != FORMAT_TOML);
    if (format == FORMAT_JSON) {
        cleanup_json struct json_object *whole = json_build("{apiVersion: v1, kind: List, items: %o}", json_ref(list));
        int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;
        puts(json_object_to_json_string_ext(whole, flags));
        return;
    }
    print_documents(list);
}

static int render(const struct load *load, const struct options *o, struct arena *a)
{
    struct json_object *list = arena_json(a, json_object_new_array());
    int code = EXIT_OK;

    for (size_t i = 0; i < load->len; i++) {
        const struct owner owner = owner_of(load->items[i].object);
        struct complaints all = {.a = a};
        struct spec spec;
        if (!loaded_parse(&load->items[i], &spec, &all)) {
            loaded_complain(&load->items[i], &all, stderr);
            code = EXIT_INVALID;
            continue;
        }
        for (size_t w = 0; w < spec.warnings.len; w++)
            fprintf(stderr, "%s: warning: %s\n", loaded_name(&load->items[i], a), spec.warnings.texts[w]);
        if (o->format == FORMAT_JOB)
            json_append(list, json_ref(pod_of_job(&owner, &spec, a)));
        else if (o->format == FORMAT_TOML)
            print_toml(&owner, &spec, load->len > 1, a);
        else
            add_children(list, &owner, &spec, &o->settings, a);
    }
    if (o->format != FORMAT_TOML)
        print_objects(list, o->format);
    return code;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Of a cluster */

struct live_options {
    unsigned format; /* enum format */
};

static const struct option_row live_rows[] = {
    {'o', "output", "yaml|json|toml", "how it is printed (default: yaml)", NULL, offsetof(struct live_options, format),
     NULL},
};

/* One that is there; false: *code says how it ended. */
static bool render_live(struct plugin_call *call, const char *name, struct json_object *list, enum plugin_exit *code)
{
    const struct live_options *o = call->own;
    const char *ns = session_namespace(call->session);
    struct spec *spec = arena_alloc(call->a, sizeof(*spec));
    struct err err = {0};
    struct json_object *object =
        session_get(call->session, kube_path(kind_resource(KIND_RUNNER), ns, name, NULL, call->a), call->a, &err);

    if (!object || !spec_parse(object, spec, call->a, &err)) {
        *code = failed(call, name, &err);
        return false;
    }
    const struct owner owner = owner_of(object);
    const struct render_settings settings = {.manager_image = DEFAULT_MANAGER_IMAGE};
    if (o->format == FORMAT_TOML)
        print_toml(&owner, spec, call->args_len > 1, call->a);
    else
        add_children(list, &owner, spec, &settings, call->a);
    return true;
}

static enum plugin_exit render_live_run(struct plugin_call *call)
{
    const struct live_options *o = call->own;
    struct json_object *list = arena_json(call->a, json_object_new_array());
    enum plugin_exit code = EXIT_GOOD;

    for (size_t i = 0; i < call->args_len; i++)
        render_live(call, call->args[i], list, &code);
    if (o->format != FORMAT_TOML && json_len(list))
        print_objects(list, (enum format)o->format);
    return code;
}

static const struct plugin_command render_live_command = {
    .name = "render",
    .args = "NAME...",
    .summary = "print the objects that a GitLabRunner leads to",
    .about =
        "Prints the objects that GitLabRunners of the cluster lead to, as `render -f FILE` does for those of files.\n"
        "Tokens, and all else that is in Secrets, stand in angle brackets.",
    .example = "render builds -n ci\nrender builds -o toml",
    .rights = "get gitlabrunners",
    .rows = live_rows,
    .rows_len = ARRAY_LEN(live_rows),
    .own_size = sizeof(struct live_options),
    .args_min = 1,
    .args_max = 64,
    .run = render_live_run,
};

/* A name, and no file. */
static bool is_of_a_cluster(int argc, char **argv)
{
    bool named = false;

    for (int i = 1; i < argc; i++) {
        if (strncmp(argv[i], "-f", 2) == 0 || strncmp(argv[i], "--file", 6) == 0)
            return false;
        named |= argv[i][0] != '-' && (i == 1 || argv[i - 1][0] != '-');
    }
    return named;
}

int cli_render(int argc, char **argv)
{
    cleanup_arena struct arena a = {0};
    cleanup_load struct load load = {0};
    struct options o = {.files = arena_alloc(&a, (size_t)argc * sizeof(*o.files)),
                        .settings = {.manager_image = DEFAULT_MANAGER_IMAGE}};

    if (is_of_a_cluster(argc, argv))
        return plugin_run_command("kubectl glr", &render_live_command, argc, argv);
    int code = parse_render_options(argc, argv, &o);
    if (code >= 0)
        return code;
    code = load_files(&load, o.files, o.len, &a);
    return code == EXIT_OK ? render(&load, &o, &a) : code;
}
