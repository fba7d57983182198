/* `import`: GitLabRunners for what runs already in another way. */
#include "cli/import.h"

#include <ctype.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "version.h"
#include "cli/import_takeover.h"
#include "cli/load.h"
#include "cli/print.h"
#include "runner/complaints.h"
#include "runner/names.h"
#include "runner/spec.h"

enum { FILE_MAX = 4 << 20, NAME_LEN_MAX = 52, TAKEOVER_MS = 3600 * 1000 };

struct import_options {
    const char *file, *ns, *name, *takeover;
    bool with_secrets, partial, adopt;
    int64_t timeout_ms;
    struct plugin_options cluster;
};

#define AT(member) offsetof(struct import_options, member)

/* clang-format off */
static const struct option_row import_options_rows[] = {
    {'f', "filename", "FILE", "\"-\": standard input", option_text, AT(file), NULL},
    {'n', "namespace", "NAME", "of the objects (default: the file's)", option_text, AT(ns), NULL},
    {0, "name", "NAME", "of the GitLabRunner, where the file has one", option_text, AT(name), NULL},
    {0, "with-secrets", NULL, "print the Secrets with the tokens, too, instead of how to make them",
     option_flag, AT(with_secrets), NULL},
    {0, "partial", NULL, "print what could be moved, even if something could not", option_flag, AT(partial), NULL},
    {0, "adopt", NULL, "refuse what would register another runner: id and token stay", option_flag, AT(adopt), NULL},
    {0, "takeover", "DEPLOYMENT", "print nothing: end this old manager, then apply, and wait until all is ready",
     option_text, AT(takeover), NULL},
    {0, "timeout", "TIME", "for --takeover: how long jobs may take to end (default: 1h)",
     option_duration, AT(timeout_ms), "a time, such as 1h30m"},
};
/* clang-format on */

static void import_usage(const struct option_table *tables, size_t len, FILE *out)
{
    fprintf(out, "Usage: %s import SOURCE -f FILE [OPTION...]\n\n", program_name());
    fputs("Prints the GitLabRunners that do what a manager does today. SOURCE is what the file is:\n\n"
          "  config                   a config.toml of gitlab-runner: one for each [[runners]] of the kubernetes "
          "executor\n"
          "  helm                     the values of GitLab's chart gitlab-runner\n"
          "  operator                 a Runner of GitLab's own operator (apps.gitlab.com), with what it names: the "
          "Secrets, the ConfigMap\n"
          "  alekc                    a Runner or MultiRunner of alekc/gitlab-runner-operator "
          "(gitlab.k8s.alekc.dev)\n\n",
          out);
    options_help(tables, len, out);
    fputs("\nStandard error has a line for each value of the file: where it is now, that it is needed no more (OURS), "
          "or why it\n"
          "cannot be moved (CANNOT). A runner whose own token is known stays at GitLab: same id, same token. Stop the "
          "old manager\n"
          "before the new one begins, or both take jobs; --takeover does it.\n"
          "Exit codes: 0 all is moved, 1 something cannot be, 2 wrong usage, or the file cannot be read; of --takeover "
          "also 3 the\n"
          "deadline is over, 4 a right is missing. Rights needed: none; for --takeover get deployments.apps, patch\n"
          "deployments.apps/scale, list pods, get and patch secrets and gitlabrunners.\n\n",
          out);
    fprintf(out, "Example: %s import helm -f values.yaml -n ci > runners.yaml\n", program_name());
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What converters add */

/* A name of Kubernetes', from anything. */
static const char *kubernetes_name(const char *text, struct arena *a)
{
    char *name = arena_strndup(a, text, strnlen(text, NAME_LEN_MAX)), *to = name;

    for (const char *from = name; *from; from++) {
        char c = (char)tolower((unsigned char)*from);
        bool fits_in = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
        if (fits_in || (to > name && to[-1] != '-'))
            *to++ = fits_in ? c : '-';
    }
    while (to > name && to[-1] == '-')
        to--;
    *to = '\0';
    return *name ? name : "runner";
}

static bool is_name_taken(const struct import *im, const char *name)
{
    for (size_t i = 0; i < json_len(im->runners); i++)
        if (strcmp(json_str(json_at(im->runners, i), "metadata.name"), name) == 0)
            return true;
    return false;
}

struct json_object *import_runner_add(struct import *im, const char *name)
{
    const char *wanted = kubernetes_name(im->name ? im->name : name, im->a), *own = wanted;
    struct json_object *object;

    for (int i = 2; is_name_taken(im, own); i++)
        own = arena_printf(im->a, "%s-%d", wanted, i);
    object = json_build("{apiVersion: %s, kind: %s, metadata: {name: %s, namespace: %s}, spec: {}}", API_VERSION, KIND,
                        own, im->ns);
    json_append(im->runners, object);
    return json_get(object, "spec");
}

const char *import_runner_name(const struct import *im)
{
    return json_str(json_at(im->runners, json_len(im->runners) - 1), "metadata.name");
}

const char *import_secret_add(struct import *im, const char *suffix, const char *key, const char *value)
{
    const char *name = arena_printf(im->a, "%s-%s", import_runner_name(im), suffix);
    struct json_object *secret = json_at(im->secrets, json_len(im->secrets) - 1);

    if (!secret || strcmp(json_str(secret, "metadata.name"), name) != 0) {
        secret = json_build("{apiVersion: v1, kind: Secret, metadata: {name: %s, namespace: %s}, stringData: {}}", name,
                            im->ns);
        json_append(im->secrets, secret);
    }
    json_put_member(json_member(secret, "stringData"), key, value);
    return name;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The file */

static const char *name_of_file(const char *file)
{
    const char *slash = strrchr(file, '/');

    return strcmp(file, "-") == 0 ? "standard input" : slash ? slash + 1 : file;
}

static const struct {
    const char *name;
    import_read_fn *read;
} import_sources[] = {
    {"config", import_read_config},
    {"helm", import_read_helm},
    {"operator", import_read_operator},
    {"alekc", import_read_alekc},
};

static bool import_file(struct import *im, const char *source, const char *file, struct err *err)
{
    cleanup_buf struct buf text;

    buf_init(&text, FILE_MAX);
    for (size_t i = 0; i < ARRAY_LEN(import_sources); i++)
        if (strcmp(import_sources[i].name, source) == 0)
            return load_text(file, name_of_file(file), &text, err) &&
                   import_sources[i].read(im, name_of_file(file), &text, err);
    return err_set(err, ERR_INVALID, "UnknownSource", "%s: must be config, helm, operator or alekc", source);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Output */

/* Without the values, which nobody has asked for. */
static void tell_how_to_make(struct json_object *secret)
{
    fprintf(stderr, "Make the Secret (--with-secrets prints it):\n  kubectl%s%s create secret generic %s",
            json_str(secret, "metadata.namespace") ? " -n " : "", json_str_or(secret, "metadata.namespace", ""),
            json_str(secret, "metadata.name"));
    json_each (it, json_member(secret, "stringData"))
        fprintf(stderr, " --from-literal=%s=…", it.key);
    fputc('\n', stderr);
}

/* What the API server would refuse of it. */
static size_t print_complaints(struct import *im)
{
    size_t found = 0;

    for (size_t i = 0; i < json_len(im->runners); i++) {
        struct complaints all = {.a = im->a};
        struct spec spec;
        spec_read_all(json_at(im->runners, i), &spec, &all, im->a);
        for (size_t c = 0; c < all.len; c++)
            fprintf(stderr, "%s: CANNOT %s\n", json_str(json_at(im->runners, i), "metadata.name"), all.items[c].text);
        found += all.len;
    }
    return found;
}

static int print_imported(const struct import *im, const struct import_options *o)
{
    if (o->with_secrets)
        print_documents(im->secrets);
    for (size_t i = 0; !o->with_secrets && i < json_len(im->secrets); i++)
        tell_how_to_make(json_at(im->secrets, i));
    print_documents(im->runners);
    return EXIT_OK;
}

static int finish_import(struct import *im, const struct import_options *o)
{
    import_prove(im);
    const struct takeover_options takeover = {
        .deployment = o->takeover, .timeout_ms = o->timeout_ms, .plugin = &o->cluster};
    size_t cannot = import_report_print(&im->report, stderr) + print_complaints(im);

    if (cannot && !o->partial) {
        fprintf(stderr, "Nothing is %s: mend those that cannot be moved, or take --partial.\n",
                o->takeover ? "done" : "printed");
        return EXIT_FAILED;
    }
    int code = o->takeover ? import_takeover(im, &takeover) : print_imported(im, o);
    return code == EXIT_OK && cannot ? EXIT_FAILED : code;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The command */

/* EXIT_OK or EXIT_USAGE to end with, -1 to go on. */
static int parse_import(int argc, char **argv, struct import_options *o, const char **ret_source)
{
    struct option_table tables[OPTION_TABLES_MAX] = {{import_options_rows, ARRAY_LEN(import_options_rows), o}};
    size_t len = 1 + plugin_option_tables(tables + 1, 0, &o->cluster);
    int first = argc;

    switch (options_read(tables, len, argc, argv, &first)) {
    case OPTIONS_HELP:
        return import_usage(tables, len, stdout), EXIT_OK;
    case OPTIONS_WRONG:
        return EXIT_USAGE;
    case OPTIONS_GOOD:
        break;
    }
    o->cluster.namespace = o->ns;
    *ret_source = first + 1 == argc ? argv[first] : NULL;
    return *ret_source && o->file ? -1 : (import_usage(tables, len, stderr), EXIT_USAGE);
}

int cli_import(int argc, char **argv)
{
    cleanup_arena struct arena a = {0};
    struct import_options o = {.timeout_ms = TAKEOVER_MS};
    const char *source;
    struct err err;
    int code = parse_import(argc, argv, &o, &source);

    if (code >= 0)
        return code;
    struct import im = {.a = &a,
                        .ns = o.ns,
                        .name = o.name,
                        .adopt = o.adopt,
                        .report.a = &a,
                        .runners = arena_json(&a, json_object_new_array()),
                        .secrets = arena_json(&a, json_object_new_array())};
    if (import_file(&im, source, o.file, &err))
        return finish_import(&im, &o);
    fprintf(stderr, "import: %s\n", err.text);
    return EXIT_USAGE;
}
