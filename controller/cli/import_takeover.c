#include "cli/import_takeover.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/escape.h"
#include "base/json.h"
#include "cli/import_token.h"
#include "kube/client.h"
#include "plugin/command.h"
#include "plugin/session.h"
#include "plugin/terminal.h"
#include "runner/names.h"

enum { POLL_MS = 1000, TOLD_MS = 30 * 1000 };

static const struct kube_resource deployments = {"Deployment", "apps/v1", "deployments", .namespaced = true};
static const struct kube_resource pods = {"Pod", "v1", "pods", .namespaced = true};
static const struct kube_resource secrets = {"Secret", "v1", "secrets", .namespaced = true};
static const struct kube_resource runners = {KIND, API_VERSION, PLURAL, .namespaced = true};

struct import_step {
    struct import *im;
    struct arena *a; /* the import's, or one of each look while something is waited for */
    const struct takeover_options *o;
    struct session *session;
    const char *ns;
    struct json_object *old; /* the Deployment as it was */
    const char *selector;
    bool stopped; /* it is at zero by us */
    struct err err;
    int code;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What is told */

/* The way back is a line to copy. */
static bool stop_takeover(struct import_step *s, int code, const char *what)
{
    s->code = is_forbidden(&s->err) ? EXIT_INCOMPLETE : code;
    fprintf(stderr, "import: %s%s%s\n", harmless(what, s->a), s->err.kind == ERR_NONE ? "" : ": ",
            s->err.kind == ERR_NONE ? "" : harmless(s->err.text, s->a));
    if (!s->stopped) {
        fputs("Nothing was changed.\n", stderr);
        return false;
    }
    fprintf(stderr, "To go back:\n");
    for (size_t i = 0; i < json_len(s->im->runners); i++)
        fprintf(stderr, "  kubectl -n %s delete glr %s --ignore-not-found\n", s->ns,
                json_str(json_at(s->im->runners, i), "metadata.name"));
    fprintf(stderr, "  kubectl -n %s scale deployment %s --replicas=%lld\n", s->ns, s->o->deployment,
            (long long)json_int_or(s->old, "spec.replicas", 1));
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Before anything is changed */

static const char *path_of(struct import_step *s, const struct kube_resource *kind, const char *name,
                           const char *subresource, const char *query)
{
    return arena_printf(s->a, "%s%s", kube_path(kind, s->ns, name, subresource, s->a), query);
}

static bool has_namespaces(struct import_step *s)
{
    s->ns = session_namespace(s->session);
    for (size_t i = 0; i < json_len(s->im->runners); i++) {
        struct json_object *object = json_at(s->im->runners, i);
        if (!json_str(object, "metadata.namespace"))
            json_set_str(object, "metadata.namespace", s->ns);
        if (i && strcmp(s->ns, json_str(object, "metadata.namespace")) != 0)
            return stop_takeover(s, EXIT_FINDING, "the runners are of several namespaces: take them over one by one");
        s->ns = json_str(object, "metadata.namespace");
    }
    return true;
}

static const char *old_selector(struct import_step *s)
{
    const char *list = "";

    json_each (it, json_get(s->old, "spec.selector.matchLabels"))
        list = arena_printf(s->a, "%s%s%s=%s", list, *list ? "," : "", it.key, json_string(it.value));
    return percent_escaped(list, s->a);
}

/* A pod that deregisters as it ends takes the runner along, unless GitLab has made it for a token of its own. */
static bool would_deregister(struct import_step *s)
{
    struct json_object *containers = json_get(s->old, "spec.template.spec.containers");

    for (size_t i = 0; i < json_len(containers); i++) {
        struct json_object *hook = json_get(json_at(containers, i), "lifecycle.preStop");
        if (hook && strstr(json_text(hook), "unregister"))
            return true;
    }
    return false;
}

/* The token of a runner's Secret, among those that are imported or in the cluster; NULL: not known. */
static const char *token_in_secret(struct import_step *s, struct json_object *ref)
{
    const char *name = json_str_or(ref, "name", ""), *key = json_str_or(ref, "key", "runner-token");
    struct json_object *data;
    struct err ignored;

    for (size_t i = 0; i < json_len(s->im->secrets); i++) {
        struct json_object *secret = json_at(s->im->secrets, i);
        if (strcmp(json_str(secret, "metadata.name"), name) == 0)
            return json_string(json_member(json_member(secret, "stringData"), key));
    }
    data = json_member(session_get(s->session, path_of(s, &secrets, name, NULL, ""), s->a, &ignored), "data");
    return json_member(data, key) ? base64_decode(json_string(json_member(data, key)), NULL, s->a) : NULL;
}

static bool would_lose_a_runner(struct import_step *s)
{
    for (size_t i = 0; i < json_len(s->im->runners); i++) {
        struct json_object *ref = json_get(json_at(s->im->runners, i), "spec.authentication.runnerTokenSecretRef");
        const char *token = ref ? token_in_secret(s, ref) : NULL;
        if (ref && (!token || strncmp(token, "glrt-", 5) != 0))
            return true;
    }
    return false;
}

static bool look_at_the_old(struct import_step *s)
{
    s->old = session_get(s->session, path_of(s, &deployments, s->o->deployment, NULL, ""), s->a, &s->err);
    if (!s->old)
        return stop_takeover(s, EXIT_FINDING, arena_printf(s->a, "Deployment %s/%s", s->ns, s->o->deployment));
    s->selector = old_selector(s);
    if (would_deregister(s) && would_lose_a_runner(s))
        return stop_takeover(
            s, EXIT_FINDING,
            "its pods deregister as they end (preStop, unregister), and GitLab would delete the runner: its "
            "token is none that begins with glrt-. Set unregisterRunners to false, delete the pod with "
            "--force, and come again");
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Objects */

static struct json_object *with_data(struct import_step *s, struct json_object *secret)
{
    struct json_object *whole = json_copy(secret), *data = json_object_new_object();

    json_set_str(whole, "metadata.namespace", s->ns);
    json_each (it, json_member(secret, "stringData"))
        json_put_member(data, it.key, base64_encode(json_string(it.value), strlen(json_string(it.value)), s->a));
    json_object_object_del(whole, "stringData");
    json_set(whole, "data", data);
    return arena_json(s->a, whole);
}

static bool apply_one(struct import_step *s, const struct kube_resource *kind, struct json_object *object,
                      const char *query)
{
    const char *name = json_str(object, "metadata.name");

    assert(s->stopped || strstr(query, "dryRun")); /* never two managers at one runner */
    if (session_write(s->session, "PATCH", path_of(s, kind, name, NULL, query), "application/apply-patch+yaml", object,
                      s->a, &s->err))
        return true;
    return stop_takeover(s, EXIT_FINDING, arena_printf(s->a, "%s %s/%s", kind->kind, s->ns, name));
}

static bool apply_all(struct import_step *s, const char *query)
{
    for (size_t i = 0; i < json_len(s->im->secrets); i++)
        if (!apply_one(s, &secrets, with_data(s, json_at(s->im->secrets, i)), query))
            return false;
    for (size_t i = 0; i < json_len(s->im->runners); i++)
        if (!apply_one(s, &runners, json_at(s->im->runners, i), query))
            return false;
    return true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Waiting */

/* What is waited for tells what is still in its way: "" for nothing; NULL, and given up. */
typedef const char *left_fn(struct import_step *s);

struct told {
    char text[400];
    int64_t at_ms;
};

/* A line when it is another one, and now and then. */
static void tell_left(struct told *told, const char *what, const char *left, int64_t passed_ms, struct arena *a)
{
    if (strncmp(left, told->text, sizeof(told->text) - 1) == 0 && passed_ms - told->at_ms < TOLD_MS)
        return;
    fprintf(stderr, "%s: %s\n", what, harmless(left, a));
    snprintf(told->text, sizeof(told->text), "%s", left);
    told->at_ms = passed_ms;
}

/* One look. Returns whether to look again. */
static bool look_again(struct import_step *s, left_fn *left, const char *what, int64_t passed_ms, struct told *told,
                       bool *ret_ok)
{
    const char *now = left(s);

    *ret_ok = now && !*now;
    if (!now || !*now)
        return false;
    tell_left(told, what, now, passed_ms, s->a);
    if (passed_ms < s->o->timeout_ms && session_sleep(s->session, POLL_MS))
        return true;
    return passed_ms < s->o->timeout_ms
               ? stop_takeover(s, EXIT_FINDING, "interrupted")
               : stop_takeover(s, EXIT_DEADLINE, arena_printf(s->a, "not within --timeout: %s", now));
}

static bool wait_until(struct import_step *s, left_fn *left, const char *what)
{
    int64_t begin = session_now(s->session);
    struct told told = {.at_ms = 0};
    bool ok = false, again = true;

    while (again) {
        cleanup_arena struct arena a = {0};
        s->a = &a;
        again = look_again(s, left, what, (session_now(s->session) - begin) * 1000, &told, &ok);
        s->a = s->im->a;
    }
    return ok;
}

static const char *old_pods_left(struct import_step *s)
{
    const char *query = arena_printf(s->a, "?labelSelector=%s", s->selector), *list = "";
    struct json_object *found = session_get(s->session, path_of(s, &pods, NULL, NULL, query), s->a, &s->err), *now;

    now = found ? session_get(s->session, path_of(s, &deployments, s->o->deployment, NULL, ""), s->a, &s->err) : NULL;
    if (!now) {
        stop_takeover(s, EXIT_FINDING, "the old manager's pods");
        return NULL;
    }
    if (json_int_or(now, "spec.replicas", 1) > 0) {
        stop_takeover(s, EXIT_FINDING,
                      "somebody has scaled the old Deployment up again: stop the operator that it has first");
        return NULL;
    }
    for (size_t i = 0; i < json_len(json_member(found, "items")); i++) {
        struct json_object *pod = json_at(json_member(found, "items"), i);
        const char *phase = json_str_or(pod, "status.phase", "");
        if (strcmp(phase, "Failed") != 0 && strcmp(phase, "Succeeded") != 0) /* these only wait to be collected */
            list = arena_printf(s->a, "%s%s%s", list, *list ? ", " : "", json_str(pod, "metadata.name"));
    }
    return list;
}

static const char *not_ready_yet(struct json_object *object)
{
    struct json_object *conditions = json_get(object, "status.conditions");

    for (size_t i = 0; i < json_len(conditions); i++) {
        struct json_object *c = json_at(conditions, i);
        if (strcmp(json_str_or(c, "type", ""), "Ready") != 0)
            continue;
        bool current = json_int_or(c, "observedGeneration", 0) == json_int_or(object, "metadata.generation", -1);
        return current && strcmp(json_str_or(c, "status", ""), "True") == 0 ? "" : json_str_or(c, "message", "?");
    }
    return "no operator has seen it yet";
}

static const char *runners_left(struct import_step *s)
{
    const char *list = "";

    for (size_t i = 0; i < json_len(s->im->runners); i++) {
        const char *name = json_str(json_at(s->im->runners, i), "metadata.name"), *why;
        struct json_object *now = session_get(s->session, path_of(s, &runners, name, NULL, ""), s->a, &s->err);
        if (!now) {
            stop_takeover(s, EXIT_FINDING, name);
            return NULL;
        }
        if (*(why = not_ready_yet(now)))
            list = arena_printf(s->a, "%s%s%s (%s)", list, *list ? ", " : "", name, why);
    }
    return list;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The steps */

static bool stop_the_old(struct import_step *s)
{
    struct json_object *zero = arena_json(s->a, json_build("{spec: {replicas: %d}}", (int64_t)0));

    fprintf(stderr, "1. Deployment %s/%s goes from %lld to 0; its pods have %lld s to finish their jobs\n", s->ns,
            s->o->deployment, (long long)json_int_or(s->old, "spec.replicas", 1),
            (long long)json_int_or(s->old, "spec.template.spec.terminationGracePeriodSeconds", 30));
    s->stopped =
        session_write(s->session, "PATCH",
                      path_of(s, &deployments, s->o->deployment, "scale", "?fieldManager=" PLUGIN_FIELD_MANAGER),
                      "application/merge-patch+json", zero, s->a, &s->err) != NULL;
    return s->stopped || stop_takeover(s, EXIT_FINDING, s->o->deployment);
}

static bool take_steps(struct import_step *s)
{
    session_catch_interrupt(s->session);
    if (!has_namespaces(s) || !look_at_the_old(s) ||
        !apply_all(s, "?fieldManager=" PLUGIN_FIELD_MANAGER "&force=false&dryRun=All") || !stop_the_old(s) ||
        !wait_until(s, old_pods_left, "   still there"))
        return false;
    fputs("2. none of its pods is left: the GitLabRunners are applied\n", stderr);
    if (!apply_all(s, "?fieldManager=" PLUGIN_FIELD_MANAGER "&force=false") ||
        !wait_until(s, runners_left, "   not ready yet"))
        return false;
    fprintf(stderr,
            "3. all are ready. Deployment %s/%s may be removed, with what it was installed by: docs/migration.md\n",
            s->ns, s->o->deployment);
    return true;
}

int import_takeover(struct import *im, const struct takeover_options *o)
{
    struct import_step s = {.im = im, .a = im->a, .o = o};

    assert(o->deployment && o->timeout_ms > 0);
    s.session = session_open(o->plugin, &s.err);
    if (!s.session)
        return stop_takeover(&s, EXIT_COULD_NOT, "the cluster"), s.code;
    take_steps(&s);
    session_close(s.session);
    return s.code;
}
