/* config.toml: each `[[runners]]` of the kubernetes executor becomes a GitLabRunner, with typed fields where there are
 * some and spec.config for the rest. At the end each value that was moved is looked for in the config.toml that would
 * be rendered of it; so what a table here forgets is told, too. */
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/toml_read.h"
#include "cli/import.h"
#include "cli/import_shapes.h"
#include "runner/extra_config_parts.h"

/* What gitlab-runner calls it, and the field of the spec; NULL as a shape: the same value. */
struct moved {
    const char *path, *field;
    import_shape_fn *shape;
};

static const struct moved of_file[] = {
    {"concurrent", "concurrent", NULL},
    {"check_interval", "checkIntervalSeconds", NULL},
    {"log_level", "logLevel", NULL},
    {"log_format", "logFormat", NULL},
};

static const struct moved of_runner[] = {
    {"url", "url", NULL},
    {"environment", "environment", import_environment},
    {"kubernetes.namespace", "namespace", NULL},
    {"kubernetes.image", "image", NULL},
    {"kubernetes.helper_image", "helperImage", NULL},
    {"kubernetes.service_account", "serviceAccountName", NULL},
    {"kubernetes.privileged", "privileged", NULL},
    {"kubernetes.pull_policy", "pullPolicy", import_pull_policy},
    {"kubernetes.image_pull_secrets", "imagePullSecrets", import_pull_secrets},
    {"kubernetes.node_selector", "nodeSelector", NULL},
    {"kubernetes.node_tolerations", "tolerations", import_tolerations},
    {"kubernetes.affinity", "affinity", import_affinity},
    {"kubernetes.pod_labels", "podLabels", NULL},
    {"kubernetes.pod_annotations", "podAnnotations", NULL},
    {"kubernetes.host_aliases", "hostAliases", NULL},
    {"kubernetes.volumes", "volumes", import_volumes},
    {"kubernetes.cpu_request", "resources.requests.cpu", import_quantity},
    {"kubernetes.cpu_limit", "resources.limits.cpu", import_quantity},
    {"kubernetes.memory_request", "resources.requests.memory", import_quantity},
    {"kubernetes.memory_limit", "resources.limits.memory", import_quantity},
    {"kubernetes.ephemeral_storage_request", "resources.requests.ephemeral-storage", import_quantity},
    {"kubernetes.ephemeral_storage_limit", "resources.limits.ephemeral-storage", import_quantity},
};

/* What goes into the Secret of the cache, under the names that spec.cache wants. */
static const struct {
    const char *type, *path, *key;
} cache_secrets[] = {
    {"s3", "cache.s3.AccessKey", "accesskey"},
    {"s3", "cache.s3.SecretKey", "secretkey"},
    {"s3", "cache.s3.SessionToken", "sessiontoken"},
    {"gcs", "cache.gcs.AccessID", "gcs-access-id"},
    {"gcs", "cache.gcs.PrivateKey", "gcs-private-key"},
    {"azure", "cache.azure.AccountName", "azure-account-name"},
    {"azure", "cache.azure.AccountKey", "azure-account-key"},
};

/* Keys of gitlab-runner's that nobody has to say any more. */
static const char *const needless[][2] = {
    {"listen_address", "is where the operator has the metrics and the probes"},
    {"runners.name", "is the object's namespace and name"},
    {"runners.id", "is what status.runnerId shows"},
    {"runners.executor", "is always kubernetes"},
    {"runners.token_obtained_at", "is known to the operator, which rotates the token"},
    {"runners.token_expires_at", "is known to the operator, which rotates the token"},
};

/* Of the file's own keys, or those of one runner. */
struct conversion {
    struct import *im;
    const struct import_view *view;
    const char *prefix;       /* of the keys in the view: "runners[0].", ""           */
    const char *config;       /* … and in config.toml as spec.config has it: "runners.", "" */
    struct json_object *rest; /* what is left of them, and goes to spec.config        */
    struct json_object *spec;
};

#define TELL(c, path, fate, ...)                                                                                       \
    import_tell_key(&(c)->im->report, (c)->view, arena_printf((c)->im->a, "%s%s", (c)->prefix, path), fate, __VA_ARGS__)

/* ---------------------------------------------------------------------------------------------------------------------
 * One value after the other */

static void move_value(struct conversion *c, const struct moved *m)
{
    struct json_object *value = json_get(c->rest, m->path);
    struct json_object *shaped = value && m->shape ? m->shape(value) : json_ref(value);

    if (!value || import_is_unset(value)) {
        json_object_put(shaped);
        return;
    }
    if (!shaped) {
        TELL(c, m->path, IMPORT_CANNOT, "gitlab-runner takes no such value either: correct it");
    } else {
        json_set(c->spec, m->field, shaped);
        TELL(c, m->path, IMPORT_MOVED, "spec.%s", m->field);
    }
    json_remove(c->rest, m->path);
}

static void move_all(struct conversion *c, const struct moved *table, size_t len)
{
    for (size_t i = 0; i < len; i++)
        move_value(c, &table[i]);
}

/* The runner's token stays the one that it is: so does the runner at GitLab, with its id and attributes. */
static void move_token(struct conversion *c)
{
    const char *token = json_str_or(c->rest, "token", "");

    if (!*token)
        return;
    json_set_str(c->spec, "authentication.runnerTokenSecretRef.name",
                 import_secret_add(c->im, "token", "runner-token", token));
    TELL(c, "token", IMPORT_SECRET, "Secret %s-token, key runner-token", import_runner_name(c->im));
    json_remove(c->rest, "token");
}

static void move_cache_secrets(struct conversion *c)
{
    for (size_t i = 0; i < ARRAY_LEN(cache_secrets); i++) {
        const char *value = json_str_or(c->rest, cache_secrets[i].path, ""), *field;
        if (!*value)
            continue;
        field = arena_printf(c->im->a, "cache.%s.credentialsSecretRef.name", cache_secrets[i].type);
        json_set_str(c->spec, field, import_secret_add(c->im, "cache", cache_secrets[i].key, value));
        TELL(c, cache_secrets[i].path, IMPORT_SECRET, "Secret %s-cache, key %s", import_runner_name(c->im),
             cache_secrets[i].key);
        json_remove(c->rest, cache_secrets[i].path);
    }
}

/* What spec.cache does not have stays in spec.config: the table is shared. */
static void move_cache(struct conversion *c)
{
    struct json_object *cache = json_get(c->rest, "cache");
    const char *type = json_str_or(cache, "Type", "");
    cleanup_json struct json_object *kept = NULL;

    if (!*type)
        return;
    move_cache_secrets(c);
    kept = import_cache(cache);
    json_set_str(c->spec, "cache.type", type);
    json_each (it, kept) {
        bool is_section = json_object_is_type(it.value, json_type_object);
        if (is_section && strcmp(it.key, type) != 0)
            continue;
        json_each (member, is_section ? it.value : NULL)
            json_set(c->spec, arena_printf(c->im->a, "cache.%s.%s", type, member.key), json_ref(member.value));
        if (!is_section)
            json_set(c->spec, arena_printf(c->im->a, "cache.%s", it.key), json_ref(it.value));
    }
    TELL(c, "cache", IMPORT_MOVED, "spec.cache");
    json_remove(c->rest, "cache");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The rest */

static const char *why_needless(const char *path)
{
    for (size_t i = 0; i < ARRAY_LEN(needless); i++)
        if (strcmp(needless[i][0], path) == 0)
            return needless[i][1];
    return NULL;
}

/* Only what is nobody's business, or is in a table that is shared, may stay. */
static bool may_stay(struct conversion *c, const char *path, struct json_object *value)
{
    const char *whole = arena_printf(c->im->a, "%s%s", c->config, path), *why, *field = extra_config_owner(whole, &why);

    if (import_is_unset(value) || extra_config_says_nothing(whole, value))
        TELL(c, path, IMPORT_OURS, "says nothing");
    else if (why_needless(whole))
        TELL(c, path, IMPORT_OURS, "%s", why_needless(whole));
    else if (why)
        TELL(c, path, IMPORT_CANNOT, "%s", why);
    else if (field && !extra_config_shared_with(whole))
        TELL(c, path, IMPORT_CANNOT, "is a file of its manager's: put it into a Secret and name that as spec.%s",
             field);
    else
        return true;
    return false;
}

/* What may stay of a table. The caller owns it; NULL: nothing. */
static struct json_object *keep_of(struct conversion *c, const char *path, struct json_object *table)
{
    struct json_object *kept = json_object_new_object();

    json_each (it, table) {
        const char *inner = *path ? arena_printf(c->im->a, "%s.%s", path, it.key) : it.key;
        struct json_object *value = NULL;
        if (json_object_is_type(it.value, json_type_object) && json_first(it.value).key) {
            value = keep_of(c, inner, it.value);
        } else if (may_stay(c, inner, it.value)) {
            TELL(c, inner, IMPORT_MOVED, "spec.config.%s%s", c->config, inner);
            value = json_ref(it.value);
        }
        if (value)
            json_object_object_add(kept, it.key, value);
    }
    if (json_first(kept).key)
        return kept;
    json_object_put(kept);
    return NULL;
}

static struct conversion conversion_of(struct import *im, const struct import_view *view, const char *prefix,
                                       const char *config, struct json_object *values, struct json_object *spec)
{
    return (struct conversion){.im = im,
                               .view = view,
                               .prefix = *prefix ? arena_printf(im->a, "%s.", prefix) : "",
                               .config = config,
                               .rest = arena_json(im->a, json_copy(values)),
                               .spec = spec};
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Whole files */

static void convert_runner(struct import *im, const struct import_view *view, const char *prefix,
                           struct json_object *runner, struct json_object *spec)
{
    struct conversion c = conversion_of(im, view, prefix, "runners.", runner, spec);
    struct json_object *kept;

    move_token(&c);
    move_all(&c, of_runner, ARRAY_LEN(of_runner));
    move_cache(&c);
    if ((kept = keep_of(&c, "", c.rest)))
        json_set(spec, "config.runners", kept);
}

/* What is of all of them: each is converted with it, and there may be many. */
static struct json_object *without_runners(struct json_object *tree, struct arena *a)
{
    struct json_object *ret = arena_json(a, json_object_new_object());

    json_each (it, tree) {
        if (strcmp(it.key, "runners") != 0)
            json_object_object_add(ret, it.key, json_ref(it.value));
    }
    return ret;
}

static void convert_file(struct import *im, const struct import_view *view, struct json_object *tree,
                         struct json_object *spec)
{
    struct conversion c = conversion_of(im, view, "", "", without_runners(tree, im->a), spec);
    struct json_object *kept;

    if (!json_int_or(c.rest, "check_interval", 1)) {
        TELL(&c, "check_interval", IMPORT_OURS, "is gitlab-runner's own: 3 s, as it is here");
        json_remove(c.rest, "check_interval");
    }
    move_all(&c, of_file, ARRAY_LEN(of_file));
    if ((kept = keep_of(&c, "", c.rest)))
        json_set(spec, "config", kept);
}

struct json_object *import_config_runner(struct import *im, const struct import_view *view, struct json_object *tree,
                                         size_t i, const char *name)
{
    const char *prefix = arena_printf(im->a, "runners[%zu]", i);
    struct json_object *runner = json_at(json_member(tree, "runners"), i), *spec = import_runner_add(im, name);

    convert_file(im, view, tree, spec);
    convert_runner(im, view, prefix, runner, spec);
    import_proof_add(im, view, tree, i);
    return spec;
}

/* What gitlab-runner takes where nobody has said it. */
static void say_defaults(struct import *im, struct json_object *spec)
{
    if (!json_get(spec, "namespace")) {
        json_set_str(spec, "namespace", "default");
        import_tell_default(&im->report, "kubernetes.namespace default", "spec.namespace");
    }
    if (!json_get(spec, "concurrent")) {
        json_set_int(spec, "concurrent", 1);
        import_tell_default(&im->report, "concurrent 1", "spec.concurrent");
    }
}

static void import_runners(struct import *im, struct import_source *source)
{
    struct json_object *runners = json_member(source->tree, "runners");
    struct import_view *view = arena_alloc(im->a, sizeof(*view));

    view->source = source;
    for (size_t i = 0; i < json_len(runners); i++) {
        struct json_object *runner = json_at(runners, i);
        const char *executor = json_str_or(runner, "executor", "");
        if (strcmp(executor, "kubernetes") == 0)
            say_defaults(im, import_config_runner(im, view, source->tree, i, json_str_or(runner, "name", "")));
        else
            import_tell(&im->report, source, arena_printf(im->a, "runners[%zu]", i), IMPORT_CANNOT,
                        "its executor is %s: only kubernetes has jobs in a cluster", *executor ? executor : "not said");
    }
    if (!json_len(im->runners))
        import_tell(&im->report, source, "", IMPORT_CANNOT, "belongs to no runner of the kubernetes executor");
}

bool import_read_config(struct import *im, const char *name, const struct buf *text, struct err *err)
{
    struct json_object *marks, *tree = toml_read(name, text->data, text->len, &marks, err);

    if (!tree)
        return false;
    import_runners(im, import_source_add(&im->report, name, false, arena_json(im->a, tree), arena_json(im->a, marks)));
    return true;
}
