#include "runner/status.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/time.h"
#include "runner/applied_fields.h"
#include "runner/expiry.h"
#include "runner/names.h"
#include "runner/rules.h"
#include "runner/skew.h"

enum { TAGS_SHOWN_MAX = 200, HANDLED_MAX = 200 };

struct condition {
    const char *type;
    const char *status; /* "True", "False", "Unknown"; NULL: the condition is absent */
    const char *reason;
    const char *message;
};

static struct json_object *former_condition(struct json_object *status, const char *type)
{
    struct json_object *conditions = json_get(status, "conditions");

    for (size_t i = 0; i < json_len(conditions); i++)
        if (strcmp(json_str_or(json_at(conditions, i), "type", ""), type) == 0)
            return json_at(conditions, i);
    return NULL;
}

const char *condition_get(struct json_object *status, const char *type, const char *member)
{
    return json_str(former_condition(status, type), member);
}

/* As somebody wants it to be. */
static bool is_meant(const char *reason)
{
    return reason && (strcmp(reason, "Suspended") == 0 || strcmp(reason, "Draining") == 0);
}

int64_t status_unready_since(struct json_object *status)
{
    const char *ready = condition_get(status, "Ready", "status");
    int64_t since = time_parse(condition_get(status, "Ready", "lastTransitionTime"));

    if (!ready || strcmp(ready, "True") == 0 || is_meant(condition_get(status, "Ready", "reason")))
        return 0;
    return since > 0 ? since : 0;
}

/* It works, and everybody on the way can read the tokens. */
static const char *insecure_warning(const char *url)
{
    return strncmp(url, "http://", 7) == 0 ? "; the URL is not https, so tokens travel in clear text" : "";
}

static struct condition registered(const struct observed *o, const struct finding *why, struct arena *a)
{
    if (is_registered(o, a))
        return (struct condition){"Registered", "True", "Registered",
                                  arena_printf(a, "runner %lld at %s%s", (long long)o->registered.runner_id,
                                               o->registered.url, insecure_warning(o->registered.url))};
    return (struct condition){"Registered", "False", why->reason ? why->reason : "Registering",
                              why->message ? why->message : "being registered"};
}

/* What is not known now is shown as it was: after a restart GitLab is not asked just to fill a condition. A
 * registration that the status does not tell yet was the last answer, to a process that died. */
static struct condition reachable(const struct observed *o, struct arena *a)
{
    bool untold = o->spec && is_registered(o, a) && json_int_or(o->status, "runnerId", 0) != o->registered.runner_id;

    if (o->memory->reach == REACH_YES && o->memory->check.credential_status &&
        memory_troubles(o->memory)->gitlab_err.kind != ERR_NONE)
        return (struct condition){"GitLabReachable", "True", memory_troubles(o->memory)->gitlab_err.reason,
                                  memory_troubles(o->memory)->gitlab_err.text};
    if (o->memory->reach == REACH_YES || (o->memory->reach == REACH_UNKNOWN && untold))
        return (struct condition){"GitLabReachable", "True", "Reachable", "GitLab has answered the last call"};
    if (o->memory->reach == REACH_NO)
        return (struct condition){"GitLabReachable", "False", memory_troubles(o->memory)->gitlab_err.reason,
                                  memory_troubles(o->memory)->gitlab_err.text};
    if (former_condition(o->status, "GitLabReachable"))
        return (struct condition){"GitLabReachable", condition_get(o->status, "GitLabReachable", "status"),
                                  condition_get(o->status, "GitLabReachable", "reason"),
                                  condition_get(o->status, "GitLabReachable", "message")};
    return (struct condition){"GitLabReachable", "Unknown", "NotContacted", "GitLab has not been called yet"};
}

static struct condition config_applied(const struct observed *o, const struct finding *why, struct arena *a)
{
    const struct warnings *w = &o->spec->warnings;

    if (child_is_right(o, CHILD_CONFIG_SECRET, a))
        return (struct condition){"ConfigApplied", "True", w->reason ? w->reason : "Applied",
                                  w->reason ? warnings_text(w, WARNINGS_TEXT_MAX, a)
                                            : "the config Secret holds what the spec asks for"};
    return (struct condition){"ConfigApplied", "False", why->reason ? why->reason : "Pending",
                              why->message ? why->message : "the config Secret is to be written"};
}

/* Of a deletion that had to wait for managers: that none is left. The time of its change tells since when GitLab alone
 * is waited for. */
static struct condition drained(const struct observed *o)
{
    struct condition c = {"Drained", NULL, "Drained", "no manager is left"};

    if (o->deleting && o->children[CHILD_DEPLOYMENT].exists)
        return (struct condition){"Drained", "False", "Draining", "managers are still there"};
    c.status = o->deleting && former_condition(o->status, c.type) ? "True" : NULL;
    return c;
}

static const char *numbers_text(const struct observed *o, struct arena *a)
{
    return arena_printf(a, "%lld of %lld managers are available", (long long)o->available_replicas,
                        (long long)o->spec->manager.replicas);
}

struct finding manager_starting(const struct observed *o, struct arena *a)
{
    return (struct finding){.reason = "ManagerStarting", .message = numbers_text(o, a)};
}

static struct condition manager_available(const struct observed *o, const struct finding *why, struct arena *a)
{
    const struct trouble trouble = managers_trouble(o, a);
    const char *numbers = numbers_text(o, a);

    if (o->deleting && !child_is_right(o, CHILD_DEPLOYMENT, a))
        return (struct condition){"ManagerAvailable", "False", drained(o).reason, drained(o).message};
    if (!child_is_right(o, CHILD_DEPLOYMENT, a))
        return (struct condition){"ManagerAvailable", "False", why->reason ? why->reason : "Pending",
                                  why->message ? why->message : "the manager Deployment is to be written"};
    if (trouble.reason)
        return (struct condition){"ManagerAvailable", "False", trouble.reason, trouble.message};
    if (o->rollout_problem)
        return (struct condition){"ManagerAvailable", "False", "RolloutFailed", o->rollout_problem};
    if (!managers_are_available(o))
        return (struct condition){"ManagerAvailable", "False", "ManagerStarting", numbers};
    return (struct condition){"ManagerAvailable", "True", o->spec->manager.replicas ? "Available" : "ScaledToZero",
                              numbers};
}

/* What the status tells of GitLab, and of the access token for it, is of the one that the spec names, which will be
 * asked again. */
static bool is_of_the_same_gitlab(const struct observed *o)
{
    return o->spec && o->spec->authentication == AUTH_ACCESS_TOKEN &&
           strcmp(json_str_or(o->status, "url", ""), o->spec->url) == 0;
}

/* What was told of an access token before a restart is told until GitLab has been asked again. */
static const char *expiry_text(const struct observed *o, struct arena *a)
{
    const char *warning = expiry_warning(o, a), *former = condition_get(o->status, "TokenExpiring", "message");
    bool unknown = is_of_the_same_gitlab(o) && !o->memory->check.self_known;

    return warning || !unknown || json_int_or(o->status, "observedGeneration", -1) != o->generation ? warning : former;
}

/* A token of the user's own is not replaced. */
static const char *rotation_warning(const struct observed *o)
{
    if (!o->spec || !is_users_own(&o->registered) || !is_rotation_requested(o))
        return NULL;
    return "the annotation " ANNOTATION_ROTATE_TOKEN
           " has no effect: the token that authentication.runnerTokenSecretRef "
           "names is yours to replace; reset it at GitLab and put the new one into its Secret";
}

static const char *both_texts(const char *first, const char *second, struct arena *a)
{
    return first && second ? arena_printf(a, "%s; %s", first, second) : first ? first : second;
}

static const char *pause_text(const struct observed *o, struct arena *a)
{
    if (!o->attributes.paused)
        return "resumed, but GitLab has not been told yet";
    if (o->spec->attributes.paused)
        return "by spec.paused";
    return steering_pause_text(&o->spec->steering, a);
}

/* Only there when true: GitLab was told so. */
static struct condition paused(const struct observed *o, struct arena *a)
{
    bool asked = o->spec && (o->attributes.paused || former_condition(o->status, "Paused"));
    bool is = asked && !o->deleting && is_paused_at_gitlab(o, a);

    return (struct condition){"Paused", is ? "True" : NULL, "Paused",
                              is ? arena_printf(a, "takes no new jobs: paused %s", pause_text(o, a)) : NULL};
}

/* It works, but something will not work as it is meant. */
static struct condition ready_as_asked(const struct observed *o, struct arena *a)
{
    bool pauses = o->spec && o->attributes.paused;
    const char *message = pauses ? paused(o, a).message : "registered, configured and waiting for jobs",
               *reason = pauses ? "Paused" : "Ready",
               *warnings = o->spec ? warnings_text(&o->spec->warnings, WARNINGS_TEXT_MAX, a) : NULL;

    warnings = both_texts(both_texts(expiry_text(o, a), rotation_warning(o), a), warnings, a);
    if (!message)
        message = "to be paused at GitLab";
    if (!warnings)
        return (struct condition){"Ready", "True", reason, message};
    return (struct condition){"Ready", "True", pauses ? reason : "ReadyWithWarnings",
                              arena_printf(a, "%s, but: %s", message, warnings)};
}

/* The first thing that is in the way decides the reason that people see in the STATUS column. */
static struct condition ready(const struct observed *o, const struct condition *parts, size_t len,
                              const struct finding *registration, const struct finding *manager, struct arena *a)
{
    if (registration->reason)
        return (struct condition){"Ready", "False", registration->reason, registration->message};
    if (manager->reason)
        return (struct condition){"Ready", "False", manager->reason, manager->message};
    for (size_t i = 0; i < len; i++)
        if (strcmp(parts[i].status, "True") != 0)
            return (struct condition){"Ready", "False", parts[i].reason, parts[i].message};
    return ready_as_asked(o, a);
}

/* Only there when true. */
static struct condition expiring(const struct observed *o, struct arena *a)
{
    const char *warning = o->deleting ? NULL : expiry_text(o, a);

    return (struct condition){"TokenExpiring", warning ? "True" : NULL, "TokenExpiring", warning};
}

/* kstatus: Stalled when a person has to act, Reconciling while the operator is at work; neither when all is well. */
static void abnormal(const struct condition *is_ready, bool stalled, struct condition ret[static 2])
{
    bool ok = strcmp(is_ready->status, "True") == 0 || strcmp(is_ready->reason, "Suspended") == 0;

    ret[0] = (struct condition){"Reconciling", ok || stalled ? NULL : "True", is_ready->reason, is_ready->message};
    ret[1] = (struct condition){"Stalled", !ok && stalled ? "True" : NULL, is_ready->reason, is_ready->message};
}

/* Only a person can help. */
static bool is_stalled(const struct observed *o, const struct finding *registration, const struct finding *manager,
                       struct arena *a)
{
    if (registration->reason)
        return registration->stalled;
    return manager->reason ? manager->stalled : managers_trouble(o, a).stalled;
}

/* Only where versions are known not to go together. What was known of GitLab before a restart is shown until it is
 * known again. */
static struct condition skew(const struct observed *o, struct arena *a)
{
    struct condition c = {.type = "VersionSkew"};
    struct json_object *former = former_condition(o->status, c.type);

    c.reason = o->spec ? version_skew(o, a, &c.message) : NULL;
    if (c.reason) {
        c.status = "True";
    } else if (former && !o->memory->check.major && is_of_the_same_gitlab(o)) {
        c.status = json_str(former, "status");
        c.reason = json_str(former, "reason");
        c.message = json_str(former, "message");
    }
    return c;
}

/* A time that is yet to come was written by a clock that was ahead: people would read it, and what counts from it would
 * wait until then. */
static const char *transition_time(const struct condition *c, const struct observed *o, struct arena *a)
{
    enum { CLOCKS_DIFFER_S = 300 }; /* of processes that lead after each other */
    struct json_object *former = former_condition(o->status, c->type);
    const char *since = json_str(former, "lastTransitionTime");
    bool same = since && strcmp(json_str_or(former, "status", ""), c->status) == 0;

    return same && time_parse(since) <= o->now + CLOCKS_DIFFER_S ? since : time_format(o->now, a);
}

static void add_condition(struct json_object *list, const struct condition *c, const struct observed *o,
                          struct arena *a)
{
    if (!c->status)
        return;
    const char *since = transition_time(c, o, a);
    char *message = c->message ? charset_to_prose(arena_strdup(a, c->message)) : NULL;
    json_append(
        list,
        json_build("{type: %s, status: %s, reason: %s, message: %s, lastTransitionTime: %s, observedGeneration: %d}",
                   c->type, c->status, c->reason, message, since, o->generation));
}

/* What is registered stays on show while it is there, whatever the spec says meanwhile; and what was just got, before
 * its Secret has it. */
static void add_registration(struct json_object *status, const struct observed *o, struct arena *a)
{
    bool saved = o->children[CHILD_TOKEN_SECRET].exists;
    const struct registration *r = o->memory->issued ? o->memory->issued : &o->registered;

    if ((!saved && !o->memory->issued) || !r->url[0])
        return;
    json_set_int(status, "runnerId", r->runner_id);
    json_set_str(status, "url", r->url);
    json_set_str(status, "authentication", r->authentication);
    json_set_str(status, "scope", r->scope);
    if (saved)
        json_set_str(status, "tokenSecretRef.name", child_name(CHILD_TOKEN_SECRET, &o->owner, a));
    json_set_str(status, "tokenExpirationTime", r->expiration);
    if (saved && r->rotation)
        json_set_str(status, "lastHandledRotateToken", shorten(arena_strdup(a, r->rotation), HANDLED_MAX));
}

/* What was registered stays on show until something else is: it says where a runner whose token is lost is to be looked
 * for. */
static void keep_registration(struct json_object *status, const struct observed *o)
{
    static const char *const kept[] = {"runnerId", "url", "authentication", "scope"};

    if (json_get(status, "url"))
        return;
    for (size_t i = 0; i < ARRAY_LEN(kept); i++)
        if (json_get(o->status, kept[i]))
            json_set(status, kept[i], json_ref(json_get(o->status, kept[i])));
}

/* As kubectl shows them in a column, which would print a list with its brackets. */
static const char *tags_text(const struct strings *tags, struct arena *a)
{
    const char *text = "";

    for (size_t i = 0; i < tags->len; i++)
        text = arena_printf(a, "%s%s%s", text, *text ? "," : "", tags->items[i]);
    return tags->len ? shorten(arena_strdup(a, text), TAGS_SHOWN_MAX) : NULL;
}

static void add_manager(struct json_object *status, const struct observed *o, struct arena *a)
{
    if (!o->spec)
        return;
    if (child_is_right(o, CHILD_CONFIG_SECRET, a))
        json_set_str(status, "configHash", o->wanted[CHILD_CONFIG_SECRET].hash);
    json_set_str(status, "appliedFields", applied_fields_text(o, a));
    json_set_str(status, "tags", tags_text(&o->spec->attributes.tags, a));
    json_set_str(status, "lastHandledRestart", input_of(o->children[CHILD_DEPLOYMENT].inputs, INPUT_RESTART, a));
    json_set_int(status, "replicas", o->replicas);
    json_set_int(status, "readyReplicas", o->ready_replicas);
    json_set_str(status, "managers",
                 arena_printf(a, "%lld/%lld", (long long)o->ready_replicas, (long long)o->spec->manager.replicas));
    json_set_str(status, "selector", selector_text(&o->owner, a));
}

struct json_object *status_render(const struct observed *o, const struct finding *registration,
                                  const struct finding *manager, struct arena *a)
{
    struct json_object *status = arena_json(a, json_build("{observedGeneration: %d}", o->generation));
    struct json_object *conditions = json_build("[]");
    struct condition parts[8] = {{.status = NULL}}, last[2];
    size_t len = 0;

    if (o->spec) {
        parts[len++] = registered(o, registration, a);
        parts[len++] = config_applied(o, manager, a);
        parts[len++] = manager_available(o, manager, a);
    }
    struct condition is_ready = ready(o, parts, len, registration, manager, a);
    parts[len++] = reachable(o, a);
    parts[len++] = paused(o, a);
    parts[len++] = skew(o, a);
    parts[len++] = expiring(o, a);
    parts[len++] = drained(o);
    assert(len <= ARRAY_LEN(parts));
    abnormal(&is_ready, is_stalled(o, registration, manager, a), last);
    assert(!last[0].status || !last[1].status);

    add_condition(conditions, &is_ready, o, a);
    for (size_t i = 0; i < len; i++)
        add_condition(conditions, &parts[i], o, a);
    for (size_t i = 0; i < ARRAY_LEN(last); i++)
        add_condition(conditions, &last[i], o, a);
    json_set(status, "conditions", conditions);
    add_registration(status, o, a);
    keep_registration(status, o);
    add_manager(status, o, a);
    return status;
}

/* Its members are the other's. */
static struct json_object *with_members_of(struct json_object *status)
{
    struct json_object *ret = json_build("{}");

    json_each (it, status)
        json_set(ret, it.key, json_ref(it.value));
    return ret;
}

static void take_member(struct json_object *into, struct json_object *from, const char *name)
{
    json_remove(into, name);
    if (json_member(from, name))
        json_set(into, name, json_ref(json_member(from, name)));
}

/* How many pods there are is no news by itself while they start: it comes with what people wait for. */
static bool are_starting(struct json_object *status)
{
    const char *why = condition_get(status, "ManagerAvailable", "reason");

    return why && strcmp(why, "Available") != 0 && json_member(status, "replicas");
}

/* Nor is it which fields are applied. */
bool status_is_shown(const struct observed *o, struct json_object *status)
{
    if (!o->status || json_same(o->status, status))
        return o->status != NULL;
    cleanup_json struct json_object *shown = with_members_of(o->status);
    take_member(shown, status, "appliedFields");
    if (are_starting(status))
        take_member(shown, status, "replicas");
    return json_same(shown, status);
}
