/* `rotate`: a new token, without a restart; `restart`: new manager pods, the old ones end their jobs. */
#include <inttypes.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "net/loop.h"
#include "plugin/session.h"
#include "plugin/steer.h"
#include "runner/names.h"
#include "runner/pod_spec.h"

enum {
    ROTATE_MS = 5 * 60 * 1000, /* the kubelet takes up to two minutes to bring a Secret */
    RESTART_MS = 10 * 60 * 1000,
    READ_PATIENCE_MS = 3 * 60 * 1000, /* for managers whose log does not say that they have read it */
    MANAGERS_MAX = 32,                /* whose logs are looked at */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What is written */

/* A value that nobody has given before. */
static struct json_object *plan_word(struct steer *s, struct steered *r, const char *annotation)
{
    struct json_object *annotations = json_object_new_object();

    if (json_get(r->before, "metadata.deletionTimestamp"))
        steer_refuse(s, r, "it is being deleted");
    else if (json_object_get_boolean(json_get(r->before, "spec.suspend")))
        steer_refuse(s, r, "spec.suspend is true, so the operator changes nothing: set it to false");
    r->value = time_format_us(clock_wall_us(), 6, s->call->a);
    json_put_member(annotations, annotation, r->value);
    struct json_object *patch = arena_json(s->call->a, json_build("{metadata: {annotations: %o}}", annotations));
    return r->over ? NULL : patch;
}

static struct json_object *plan_rotation(struct steer *s, struct steered *r)
{
    if (json_get(r->before, "spec.authentication.runnerTokenSecretRef"))
        return steer_refuse(s, r, "its token is yours: reset it at GitLab, and put the new one into Secret %s/%s",
                            r->ns, json_str_or(r->before, "spec.authentication.runnerTokenSecretRef.name", "?"));
    return plan_word(s, r, ANNOTATION_ROTATE_TOKEN);
}

static struct json_object *plan_restart(struct steer *s, struct steered *r)
{
    return plan_word(s, r, ANNOTATION_RESTART);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Rotation */

static int64_t since_written(const struct steer *s, const struct steered *r)
{
    return loop_now(session_loop(s->call->session)) - r->written_ms;
}

/* gitlab-runner says so each time that it has read config.toml. By the node's clock, not by ours. */
static bool has_read_config(struct steer *s, const struct steered *r, const char *pod, bool *ret_unseen,
                            struct arena *a)
{
    struct session_request ask = {
        .path = arena_printf(
            a, "/api/v1/namespaces/%s/pods/%s/log?container=" MANAGER_CONTAINER "&limitBytes=1000000&sinceSeconds=%lld",
            r->ns, pod, (long long)since_written(s, r) / 1000 + 1),
        .accept = "*/*",
        .text = true,
    };

    session_ask(s->call->session, &ask, 1, a);
    *ret_unseen = is_forbidden(&ask.err);
    return ask.object && strstr(json_string(ask.object), "Configuration loaded");
}

static bool is_ending(struct json_object *pod)
{
    return json_get(pod, "metadata.deletionTimestamp") != NULL;
}

/* How many managers have read the new token; -1: that cannot be seen. */
static int64_t managers_with_token(struct steer *s, const struct steered *r, int64_t *ret_of, struct arena *a)
{
    struct json_object *pods = steer_managers(s, r, a);
    int64_t count = 0;

    *ret_of = 0;
    for (size_t i = 0; i < json_len(pods) && i < MANAGERS_MAX; i++) {
        bool unseen = false;
        if (is_ending(json_at(pods, i)))
            continue;
        count += has_read_config(s, r, json_str_or(json_at(pods, i), "metadata.name", ""), &unseen, a);
        ++*ret_of;
        if (!unseen)
            continue;
        not_seen(s->call, "which managers have read it", arena_printf(s->call->a, "get pods/log in %s", r->ns));
        return -1;
    }
    return pods ? count : -1;
}

/* Pods that were there before, and whose containers have not begun anew since. */
static const char *restarts_text(struct steer *s, const struct steered *r, struct arena *a)
{
    struct json_object *pods = steer_managers(s, r, a);
    int64_t began = session_now(s->call->session) - since_written(s, r) / 1000;
    bool restarted = false;

    for (size_t i = 0; i < json_len(pods); i++) {
        struct json_object *status = json_at(json_get(json_at(pods, i), "status.containerStatuses"), 0);
        restarted = restarted || time_parse(json_str(status, "state.running.startedAt")) > began + 1;
    }
    return !pods ? "whether a pod restarted is not seen" : restarted ? "a pod restarted meanwhile" : "no pod restarted";
}

static const char *look_rotated(struct steer *s, struct steered *r, struct json_object *now, struct arena *a)
{
    const char *handled = json_str(now, "status.lastHandledRotateToken"),
               *applied = steer_condition(now, "ConfigApplied", "status");
    int64_t of, id = json_int_or(now, "status.runnerId", 0), took = since_written(s, r) / 1000;

    if (!handled || strcmp(handled, r->value) != 0 || !applied || strcmp(applied, "True") != 0)
        return NULL;
    int64_t read = managers_with_token(s, r, &of, a);
    if (read < 0)
        return steer_over(r, EXIT_INCOMPLETE,
                          arena_printf(a, "%lld: new token, which managers read within two minutes; %s", (long long)id,
                                       restarts_text(s, r, a)));
    if (read == of)
        return steer_over(r, EXIT_GOOD,
                          arena_printf(a, "%lld: new token, read by %lld/%lld managers after %llds, %s", (long long)id,
                                       (long long)read, (long long)of, (long long)took, restarts_text(s, r, a)));
    if (since_written(s, r) < READ_PATIENCE_MS)
        return arena_printf(a, "%lld: new token, read by %lld/%lld managers", (long long)id, (long long)read,
                            (long long)of);
    return steer_over(r, EXIT_GOOD,
                      arena_printf(a, "%lld: new token; that %lld/%lld managers have read it their logs do not say, %s",
                                   (long long)id, (long long)(of - read), (long long)of, restarts_text(s, r, a)));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Restart */

/* "; 1 old one ends its jobs, until 10:12 at the latest" */
static const char *old_ones_text(struct steer *s, const struct steered *r, struct arena *a)
{
    struct json_object *pods = steer_managers(s, r, a);
    int64_t old = 0, last = 0, count;

    for (size_t i = 0; i < json_len(pods); i++) {
        int64_t end = time_parse(json_str(json_at(pods, i), "metadata.deletionTimestamp"));
        old += is_ending(json_at(pods, i));
        last = end > last ? end : last;
    }
    if (!old)
        return pods ? ", no old one is left" : "; old ones are not seen";
    return arena_printf(a, "; %lld old end%s %s, until %s at the latest", (long long)old, old == 1 ? "s" : "",
                        steer_jobs(s, r, &count, a), clock_text(last, session_now(s->call->session), a));
}

static const char *look_restarted(struct steer *s, struct steered *r, struct json_object *now, struct arena *a)
{
    const char *handled = json_str(now, "status.lastHandledRestart"),
               *available = steer_condition(now, "ManagerAvailable", "status"),
               *reason = steer_condition(now, "ManagerAvailable", "reason");
    int64_t wanted = json_int_or(now, "spec.manager.replicas", 1);

    if (!handled || strcmp(handled, r->value) != 0)
        return NULL;
    if (available && strcmp(available, "True") == 0)
        return steer_over(r, EXIT_GOOD,
                          arena_printf(a, "%lld/%lld new managers ready%s", (long long)wanted, (long long)wanted,
                                       old_ones_text(s, r, a)));
    if (reason && strcmp(reason, "ManagerStarting") == 0)
        return "new managers start";
    return arena_printf(a, "new managers do not start: %s", reason ? reason : "?");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The commands */

static enum plugin_exit run_rotate(struct plugin_call *call)
{
    static const struct steer_verb verb = {
        .plan = plan_rotation,
        .look = look_rotated,
        .interrupted = "the annotation is there, and the token is replaced when the operator sees it",
        .unheard =
            "An operator of version 0.1.0 replaces the token, but its status does not say so: look for the Event "
            "TokenRotated.",
        .timeout = ROTATE_MS,
    };

    return steer_run(call, &verb);
}

static enum plugin_exit run_restart(struct plugin_call *call)
{
    static const struct steer_verb verb = {
        .plan = plan_restart,
        .look = look_restarted,
        .interrupted = "the annotation is there, and the managers roll on",
        .unheard = "An operator of version 0.1.0 passes over the annotation: kubectl rollout restart of the Deployment "
                   "does the same there.",
        .timeout = RESTART_MS,
    };

    return steer_run(call, &verb);
}

static const struct option_row rotate_rows[] = {STEER_TIMEOUT("how long it is waited for (default: 5m)"), STEER_ANYWAY};
static const struct option_row restart_rows[] = {STEER_TIMEOUT("how long it is waited for (default: 10m)"),
                                                 STEER_ANYWAY};

const struct plugin_command rotate_command = {
    .name = "rotate",
    .args = "NAME...",
    .summary = "a new token for the runner",
    .about =
        "Has the operator replace the runner's token at GitLab, and waits until its managers have read it. No pod is\n"
        "restarted, and no job disturbed.",
    .example = "rotate -n ci builds",
    .exits = "1 the token is yours, or another tool owns the annotation; 3 not in time; 4 what managers read may not "
             "be seen",
    .rights = "get and patch gitlabrunners; list gitlabrunners for -l; of managers: list pods, get pods/log",
    .rows = rotate_rows,
    .rows_len = ARRAY_LEN(rotate_rows),
    .own_size = sizeof(struct steer_options),
    .takes = TAKES_SELECTOR | TAKES_OUTPUT,
    .args_max = STEERED_MAX,
    .run = run_rotate,
};

const struct plugin_command restart_command = {
    .name = "restart",
    .args = "NAME...",
    .summary = "new manager pods; old ones end their jobs first",
    .about = "Has the managers' Deployment roll: new pods are there before old ones go, and those end their jobs. "
             "Waits until the\n"
             "new ones are ready.",
    .example = "restart -n ci builds",
    .exits = "1 another tool owns the annotation; 3 the new managers are not ready in time",
    .rights = "get and patch gitlabrunners; list gitlabrunners for -l; of old managers and jobs: list pods",
    .rows = restart_rows,
    .rows_len = ARRAY_LEN(restart_rows),
    .own_size = sizeof(struct steer_options),
    .takes = TAKES_SELECTOR | TAKES_OUTPUT,
    .args_max = STEERED_MAX,
    .run = run_restart,
};
