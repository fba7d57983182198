/* config.toml: a tree in gitlab-runner's shape, built from the spec, then written as TOML. */
#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/extra_config.h"
#include "runner/affinity.h"
#include "runner/pod_security.h"
#include "runner/cache.h"
#include "runner/proxy.h"
#include "runner/render_parts.h"
#include "runner/shapes.h"
#include "runner/toml.h"

/* The tree itself, or NULL when it has no members: what is empty is not written. */
static struct json_object *unless_empty(struct json_object *o)
{
    bool empty = json_object_is_type(o, json_type_array) ? json_len(o) == 0 : !json_first(o).key;

    if (!empty)
        return o;
    json_object_put(o);
    return NULL;
}

/* A map of the user's: sorted, so that the order in which it is written is no change. */
static struct json_object *map_of(struct json_object *map)
{
    return map ? unless_empty(json_sorted(map)) : NULL;
}

static struct json_object *pull_policies(const struct spec *spec)
{
    static const struct {
        const char *kubernetes, *runner;
    } names[] = {{"Always", "always"}, {"IfNotPresent", "if-not-present"}, {"Never", "never"}};
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < json_len(spec->pull_policy); i++)
        for (size_t n = 0; n < ARRAY_LEN(names); n++)
            if (strcmp(json_object_get_string(json_at(spec->pull_policy, i)), names[n].kubernetes) == 0)
                json_object_array_add(list, json_object_new_string(names[n].runner));
    return unless_empty(list);
}

static struct json_object *pull_secrets(const struct spec *spec)
{
    struct json_object *list = json_object_new_array();

    for (size_t i = 0; i < json_len(spec->image_pull_secrets); i++)
        json_object_array_add(list, json_ref(json_get(json_at(spec->image_pull_secrets, i), "name")));
    return unless_empty(list);
}

static void add_variables(struct json_object *list, struct json_object *variables, struct arena *a)
{
    for (size_t i = 0; i < json_len(variables); i++) {
        struct json_object *entry = json_at(variables, i);
        const char *text = arena_printf(a, "%s=%s", json_str_or(entry, "name", ""), json_str_or(entry, "value", ""));
        json_object_array_add(list, json_object_new_string(text));
    }
}

/* The proxy's variables, then the user's. */
static struct json_object *environment(const struct spec *spec, struct arena *a)
{
    struct json_object *list = json_object_new_array();
    struct json_object *proxy = arena_json(a, proxy_variables(&spec->proxy, NULL, spec->environment, a));

    add_variables(list, proxy, a);
    add_variables(list, spec->environment, a);
    return unless_empty(list);
}

/* Adds cpu_request, memory_limit, …: the bounds of the build container. */
static void add_resources(struct json_object *kubernetes, const struct spec *spec, struct arena *a)
{
    static const char *const bounds[][2] = {{"requests", "request"}, {"limits", "limit"}};

    for (size_t b = 0; b < ARRAY_LEN(bounds); b++)
        for (size_t r = 0; resource_names[r]; r++) {
            struct json_object *quantity = json_member(json_get(spec->resources, bounds[b][0]), resource_names[r]);
            char *key = arena_printf(a, "%s_%s", resource_names[r], bounds[b][1]);
            for (char *dash = strchr(key, '-'); dash; dash = strchr(dash, '-'))
                *dash = '_';
            json_put_member(kubernetes, key, quantity_text(quantity));
        }
}

static struct json_object *node_tolerations(const struct spec *spec, struct arena *a)
{
    struct json_object *table = json_object_new_object();

    for (size_t i = 0; i < json_len(spec->tolerations); i++) {
        struct json_object *entry = json_at(spec->tolerations, i);
        json_put_member(table, toleration_key(entry, a), json_str_or(entry, "effect", ""));
    }
    return unless_empty(table);
}

static struct json_object *host_aliases(const struct spec *spec)
{
    struct json_object *list = json_object_new_array();

    assert(spec->host_aliases_len == json_len(spec->host_aliases_json));
    for (size_t i = 0; i < spec->host_aliases_len; i++) {
        struct json_object *names = json_get(json_at(spec->host_aliases_json, i), "hostnames");
        json_object_array_add(list, json_build("{ip: %s, hostnames: %o}", spec->host_aliases[i].ip, json_ref(names)));
    }
    return unless_empty(list);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Volumes.
 */

/* [{key, path}] as a table from key to path. */
static struct json_object *items_table(struct json_object *items)
{
    struct json_object *table = json_object_new_object();

    for (size_t i = 0; i < json_len(items); i++)
        json_put_member(table, json_str_or(json_at(items, i), "key", ""), json_str(json_at(items, i), "path"));
    return unless_empty(table);
}

static struct json_object *column_value(struct json_object *value)
{
    if (json_object_is_type(value, json_type_array))
        return items_table(value);
    if (json_object_is_type(value, json_type_object))
        return map_of(value);
    return quantity_text(value) ? json_object_new_string(quantity_text(value)) : NULL;
}

static struct json_object *volume(struct json_object *entry, const struct volume_kind *kind)
{
    struct json_object *source = json_member(entry, kind->member);
    struct json_object *table =
        json_build("{name: %s, mount_path: %s, sub_path: %s, mount_propagation: %s}", volume_name(entry),
                   json_str(entry, "mountPath"), json_str(entry, "subPath"), json_str(entry, "mountPropagation"));

    if (json_bool_or(entry, "readOnly", false) || json_bool_or(source, "readOnly", false))
        json_set_bool(table, "read_only", true);
    for (const struct volume_column *c = kind->columns; c->from; c++) {
        struct json_object *value = column_value(json_member(source, c->from));
        if (value)
            json_set(table, c->to, value);
    }
    return table;
}

static struct json_object *volumes(const struct spec *spec)
{
    struct json_object *tables = json_object_new_object();
    const struct volume_kind *kind;

    for (size_t k = 0; (kind = volume_kind_at(k)); k++) {
        struct json_object *list = json_object_new_array();
        for (size_t i = 0; i < json_len(spec->volumes); i++)
            if (volume_kind_of(json_at(spec->volumes, i)) == kind)
                json_object_array_add(list, volume(json_at(spec->volumes, i), kind));
        if ((list = unless_empty(list)))
            json_set(tables, kind->table, list);
    }
    return unless_empty(tables);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The file. Its namespace is always written, since without one gitlab-runner takes `default`; neither limit, which
 * would bound the jobs a second time, nor the token's times, which would make gitlab-runner rotate the token on its
 * own.
 */
static struct json_object *kubernetes_section(const struct owner *owner, const struct spec *spec, struct arena *a)
{
    struct json_object *section =
        json_build("{namespace: %s, image: %s, helper_image: %s, service_account: %s, privileged: %o, pull_policy: %o, "
                   "image_pull_secrets: %o, node_selector: %o, node_tolerations: %o, affinity: %o, pod_labels: %o, "
                   "pod_annotations: %o, host_aliases: %o, volumes: %o}",
                   spec->namespace, spec->image, spec->helper_image, render_jobs_account_name(owner, spec, a),
                   spec->privileged ? json_object_new_boolean(true) : NULL, pull_policies(spec), pull_secrets(spec),
                   map_of(spec->node_selector), node_tolerations(spec, a), affinity_table(spec->affinity),
                   map_of(spec->pod_labels), map_of(spec->pod_annotations), host_aliases(spec), volumes(spec));

    add_resources(section, spec, a);
    return section;
}

/* How many requests for jobs there may be at once. GitLab holds one until there is a job, and gitlab-runner warns, at
 * each load, when no other can be made meanwhile. More than there may be jobs make no sense; without the feature flag
 * they are not withdrawn when there is nothing to do. The user's own number wins. */
static struct json_object *request_concurrency(const struct spec *spec)
{
    enum { LEAST = 2, MOST = 4 };
    int64_t limit = json_int_or(spec->config, "runners.limit", 0), jobs = spec->concurrent;
    bool adaptive = json_bool_or(spec->config, "runners.feature_flags.FF_USE_ADAPTIVE_REQUEST_CONCURRENCY", true);

    if (json_get(spec->config, "runners.request_concurrency"))
        return NULL;
    if (limit > 0 && limit < jobs)
        jobs = limit;
    return json_object_new_int64(!adaptive || jobs < LEAST ? LEAST : jobs > MOST ? MOST : jobs);
}

static struct json_object *runner_section(const struct owner *owner, const struct spec *spec,
                                          const struct config_inputs *in, struct arena *a)
{
    return json_build("{name: %s, url: %s, token: %s, executor: 'kubernetes', request_concurrency: %o, tls-ca-file: "
                      "%s, tls-cert-file: %s, "
                      "tls-key-file: %s, environment: %o, cache: %o, kubernetes: %o}",
                      arena_printf(a, "%s/%s", owner->ns, owner->name), spec->url,
                      in->token ? in->token : TOKEN_PLACEHOLDER, request_concurrency(spec),
                      spec->ca.name ? CONFIG_MOUNT "/" KEY_CA : NULL,
                      spec->client_cert.name ? CONFIG_MOUNT "/" KEY_CLIENT_CERT : NULL,
                      spec->client_key.name ? CONFIG_MOUNT "/" KEY_CLIENT_KEY : NULL, environment(spec, a),
                      cache_table(spec->cache, in->cache, a), kubernetes_section(owner, spec, a));
}

struct json_object *config_of_fields(const struct owner *owner, const struct spec *spec, const struct config_inputs *in,
                                     struct arena *a)
{
    return arena_json(
        a, json_build(
               "{concurrent: %d, check_interval: %d, log_level: %s, log_format: %s, listen_address: %s, runners: [%o]}",
               spec->concurrent, spec->check_interval, spec->log_level, spec->log_format, ":" METRICS_PORT,
               runner_section(owner, spec, in, a)));
}

struct json_object *render_config_tree(const struct owner *owner, const struct spec *spec,
                                       const struct config_inputs *in, struct arena *a)
{
    struct json_object *tree = config_of_fields(owner, spec, in, a);

    assert(json_len(json_member(tree, "runners")) == 1);
    extra_config_merge(tree, spec->config);
    pod_security_grant(json_member(json_at(json_member(tree, "runners"), 0), "kubernetes"), spec->pod_security);
    return tree;
}

const char *render_config_toml(const struct owner *owner, const struct spec *spec, const struct config_inputs *in,
                               struct arena *a)
{
    return toml_text(render_config_tree(owner, spec, in, a), a);
}

/* The first of its name in the runner's own section: keys of the user's may stand before it, but never a header's line,
 * since no value has a line break. NULL: none, or empty. */
static const char *runner_text(const char *toml, const char *name, struct arena *a)
{
    const char *section = strstr(toml, "\n[[runners]]\n"), *before = arena_printf(a, "\n  %s = \"", name);
    const char *start = section ? strstr(section, before) : NULL;

    if (!start)
        return NULL;
    start += strlen(before);
    size_t len = strcspn(start, "\"");
    return len && start[len] ? arena_strndup(a, start, len) : NULL;
}

const char *config_toml_token(const char *toml, const char *url, struct arena *a)
{
    const char *of = runner_text(toml, "url", a);

    return of && strcmp(of, url) == 0 ? runner_text(toml, "token", a) : NULL;
}
