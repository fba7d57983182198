/* Checks about single GitLabRunners, what was made for them, and what they left behind. */
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/key.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/time.h"
#include "plugin/doctor.h"
#include "runner/names.h"
#include "runner/namespaces.h"
#include "runner/orphan.h"
#include "runner/status.h"

enum {
    MINUTE_S = 60,
    DAY_S = 24 * 3600,
    UNSERVED_S = 2 * MINUTE_S,   /* an operator that is there has looked by then                */
    NOT_READY_S = 10 * MINUTE_S, /* images have been pulled, and GitLab has been up again       */
    PAUSED_S = 7 * DAY_S,
    DELETION_SLACK_S = 5 * MINUTE_S,
    CHILD_S = 2 * MINUTE_S, /* the operator, or the garbage collector, would have taken it */
};

static const char *explain_of(const struct doctor *d, const struct doctor_runner *r)
{
    return arena_printf(d->a, "kubectl glr explain -n %s %s", r->owner.ns, r->owner.name);
}

/* Told by another check. */
static bool is_told_elsewhere(const char *reason)
{
    return strcmp(reason, "NameConflict") == 0 || strcmp(reason, "Suspended") == 0;
}

void check_needs_a_person(struct doctor *d)
{
    size_t ready = 0;

    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        const char *reason = doctor_condition(r, "Ready", "reason");
        ready += strcmp(doctor_condition(r, "Ready", "status"), "True") == 0;
        if (strcmp(doctor_condition(r, "Stalled", "status"), "True") == 0 && !is_told_elsewhere(reason))
            doctor_find(d, NULL, r->key, explain_of(d, r), "%s: %s", reason, doctor_condition(r, "Ready", "message"));
    }
    if (d->view->others_unseen) {
        d->incomplete = true;
        doctor_find_as(d, LEVEL_SKIP, NULL, "other namespaces", "ask for the right, or name a namespace: -n",
                       "only %s was looked at: you may not list gitlabrunners in all namespaces", d->view->ns);
    }
    if (d->view->runners_len)
        doctor_fact(d, NULL, "%zu of %zu ready", ready, d->view->runners_len);
    else
        doctor_fact(d, NULL, "there are none");
}

void check_not_ready_long(struct doctor *d)
{
    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        int64_t since = status_unready_since(r->status);
        bool told = strcmp(doctor_condition(r, "Stalled", "status"), "True") == 0 ||
                    strcmp(doctor_condition(r, "Ready", "reason"), "WaitingForOperator") == 0;
        if (since && !told && !r->deleting && d->view->now - since > NOT_READY_S)
            doctor_find(d, NULL, r->key, explain_of(d, r), "not ready since %s, %s: %s",
                        doctor_condition(r, "Ready", "lastTransitionTime"), doctor_condition(r, "Ready", "reason"),
                        doctor_condition(r, "Ready", "message"));
    }
}

void check_warnings(struct doctor *d)
{
    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        const char *reason = doctor_condition(r, "ConfigApplied", "reason");
        if (strcmp(reason, WARNS_OF_ANYTHING) == 0 || strcmp(reason, WARNS_OF_UNKNOWN_KEYS) == 0)
            doctor_find(d, NULL, r->key, NULL, "%s", doctor_condition(r, "ConfigApplied", "message"));
    }
}

void check_name_conflicts(struct doctor *d)
{
    static const char *const conditions[] = {"Ready", "Registered", "ConfigApplied", "ManagerAvailable"};

    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        const char *message = NULL;
        for (size_t c = 0; c < ARRAY_LEN(conditions) && !message; c++)
            if (strcmp(doctor_condition(r, conditions[c], "reason"), "NameConflict") == 0)
                message = doctor_condition(r, conditions[c], "message");
        if (message)
            doctor_find(d, NULL, r->key, NULL, "%s", message);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Who serves it */

static bool is_of_no_operator(const struct doctor_view *v, const char *ns)
{
    for (size_t i = 0; i < v->operators_len; i++)
        if (namespaces_have(v->operators[i].namespaces, ns))
            return false;
    return v->operators_len > 0; /* where there is none at all, that is told by another check, and once */
}

static bool is_behind(const struct doctor_runner *r)
{
    return json_int_or(r->status, "observedGeneration", -1) < json_int_or(r->object, "metadata.generation", 0);
}

void check_is_served(struct doctor *d)
{
    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        int64_t age = d->view->now - r->written_s;
        if (is_of_no_operator(d->view, r->owner.ns))
            doctor_find(d, NULL, r->key, NULL, "no operator serves namespace %s", r->owner.ns);
        else if (is_behind(r) && age > UNSERVED_S)
            doctor_find(d, NULL, r->key, NULL, "written %lld minutes ago, and no operator has looked at it since",
                        (long long)(age / MINUTE_S));
    }
}

void check_suspended(struct doctor *d)
{
    for (size_t i = 0; i < d->view->runners_len; i++)
        if (json_bool_or(d->view->runners[i].object, "spec.suspend", false))
            doctor_find(d, NULL, d->view->runners[i].key, NULL, "spec.suspend is true");
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What lasts too long */

/* Since when it has been paused at least; 0: it is not, or nobody knows. */
static int64_t paused_since(const struct doctor_runner *r)
{
    struct json_object *annotations = json_get(r->object, "metadata.annotations");
    int64_t at = time_parse(json_string(json_member(annotations, ANNOTATION_PAUSED_AT)));
    const char *until = json_string(json_member(annotations, ANNOTATION_PAUSED_UNTIL));

    if (json_bool_or(r->object, "spec.paused", false) && at <= 0)
        at = time_parse(json_str(r->object, "doctor.paused"));
    else if (!*until && !json_bool_or(r->object, "spec.paused", false))
        at = 0;
    return at > 0 ? at : 0;
}

void check_paused_long(struct doctor *d)
{
    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        int64_t since = paused_since(r);
        const char *by = json_string(json_member(json_get(r->object, "metadata.annotations"), ANNOTATION_PAUSED_BY));
        if (since && d->view->now - since > PAUSED_S)
            doctor_find(
                d, NULL, r->key,
                arena_printf(d->a, "kubectl glr resume -n %s %s, or spec.paused: false", r->owner.ns, r->owner.name),
                "paused for %lld days%s%s", (long long)((d->view->now - since) / DAY_S), *by ? " by " : "",
                shown(by, 60).text);
    }
}

/* How long a deletion may take by the object's own deadlines. */
static int64_t patience_of(const struct doctor_runner *r)
{
    int64_t grace = json_int_or(r->object, "spec.manager.terminationGracePeriodSeconds", 3600),
            deadline = json_int_or(r->object, "spec.deregistrationDeadlineSeconds", 900);

    return grace + deadline + DELETION_SLACK_S;
}

static bool has_finalizer(const struct doctor_runner *r, const char *name)
{
    struct json_object *list = json_get(r->object, "metadata.finalizers");

    for (size_t i = 0; i < json_len(list); i++)
        if (strcmp(json_string(json_at(list, i)), name) == 0)
            return true;
    return false;
}

void check_deletion_ends(struct doctor *d)
{
    for (size_t i = 0; i < d->view->runners_len; i++) {
        const struct doctor_runner *r = &d->view->runners[i];
        int64_t began = time_parse(json_str(r->object, "metadata.deletionTimestamp"));
        if (began <= 0 || d->view->now - began <= patience_of(r))
            continue;
        bool ours = has_finalizer(r, FINALIZER);
        doctor_find(d, NULL, r->key,
                    ours ? arena_printf(d->a,
                                        "see that the operator runs; to wait no longer: kubectl annotate glr -n %s "
                                        "%s " ANNOTATION_FORCE_DELETE "=true",
                                        r->owner.ns, r->owner.name)
                         : "whoever has put the other finalizers on it has to take them off",
                    "being deleted for %lld minutes; %s is waited for: %s",
                    (long long)((d->view->now - began) / MINUTE_S), ours ? "the operator" : "somebody else",
                    doctor_condition(r, "Ready", "message"));
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is left behind */

static bool is_left(const struct doctor *d, const struct map *uids, struct json_object *child)
{
    struct json_object *annotations = json_get(child, "metadata.annotations");
    const char *uid = json_string(json_member(annotations, ANNOTATION_OWNER_UID));
    int64_t made = time_parse(json_str(child, "metadata.creationTimestamp")),
            going = time_parse(json_str(child, "metadata.deletionTimestamp"));

    return *uid && !map_get(uids, uid) && going <= 0 && d->view->now - made > CHILD_S;
}

static void find_left(struct doctor *d, const struct map *uids, enum doctor_source source, const char *kind)
{
    struct json_object *list = doctor_source(d, source);

    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *child = json_at(list, i);
        const char *ns = json_str_or(child, "metadata.namespace", ""), *name = json_str_or(child, "metadata.name", "");
        const char *owner = json_string(json_member(json_get(child, "metadata.annotations"), ANNOTATION_OWNER));
        if (is_left(d, uids, child))
            doctor_find(d, NULL, arena_printf(d->a, "%s %s/%s", kind, ns, name),
                        arena_printf(d->a, "kubectl delete %s -n %s %s", kind, ns, name),
                        "it was made for %s, which is not there", shown(key_path(owner), 240).text);
    }
}

/* A binding may be in another namespace than its owner: where not all GitLabRunners were looked at, none is missing. */
void check_children_left(struct doctor *d)
{
    struct map uids = {0};

    if (d->view->ns || d->view->sources[SOURCE_RUNNERS].cut)
        return;
    for (size_t i = 0; i < d->view->runners_len; i++)
        if (d->view->runners[i].owner.uid)
            map_set(&uids, d->view->runners[i].owner.uid, &d->view->runners[i]);
    find_left(d, &uids, SOURCE_CHILD_DEPLOYMENTS, "deployment");
    find_left(d, &uids, SOURCE_CHILD_BINDINGS, "rolebinding");
    map_finish(&uids);
}

static void find_entries(struct doctor *d, struct json_object *secret)
{
    json_each (it, json_get(secret, "data")) {
        struct orphan orphan;
        const char *text = base64_decode(json_string(it.value), NULL, d->a);
        if (!text || !orphan_parse(text, &orphan, d->a))
            continue;
        const struct owner owner = orphan_owner(text, d->a);
        doctor_find(d, NULL, orphan_name(&owner, &orphan, d->a), NULL, "left behind since %s: %s",
                    time_format(orphan.since_s, d->a), orphan.why);
    }
}

void check_ledger(struct doctor *d)
{
    struct json_object *ledgers = doctor_source(d, SOURCE_LEDGER);
    size_t before = d->found_len;

    for (size_t i = 0; i < json_len(ledgers); i++)
        find_entries(d, json_at(ledgers, i));
    if (json_len(ledgers) && d->found_len == before)
        doctor_fact(d, NULL, "no runner was left behind");
}
