/* ACT_APPLY, ACT_DELETE: the children. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "kube/managed_fields.h"
#include "operator/perform.h"
#include "runner/learn.h"
#include "runner/names.h"

static void on_applied(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    enum child child = turn->asked.apply.child;

    assert(turn->asked.kind == ACT_APPLY);
    if (!perform_expect_success(turn, reply) ||
        (turn->asked.apply.release &&
         perform_takes_off_finalizer(turn, kind_of_child(child), reply->object, on_applied)))
        return;
    context_learn_applied(turn->ctx, kind_of_child(child), reply->object);
    if (child == CHILD_TOKEN_SECRET && !turn->asked.apply.release)
        observe_saved_token(&turn->observed, json_str_or(reply->object, "metadata.resourceVersion", ""), &turn->mem);
    learn_applied(&turn->state->memory, &turn->observed, &turn->asked);
    turn_log(turn, LOG_INFO, "applied", "rule", turn->asked.rule, "kind", child_kind(child), NULL);
    perform_succeeded(turn);
}

static const struct kube_resource *resource_asked(const struct turn *turn)
{
    return kind_resource(kind_of_child(turn->asked.apply.child));
}

static void send_apply(struct turn *turn)
{
    perform_announce(turn);
    turn->request = kube_apply(turn->ctx->client, resource_asked(turn), NULL, turn->asked.apply.manifest, FIELD_MANAGER,
                               on_applied, turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A new child is made by POST, which costs the API server less than an apply does. */

/* The token Secret's finalizer is taken off by an apply that leaves it out, also by a release that does not know of any
 * other entry than its own. The version is one that no existing object has. */
static void create_by_apply(struct turn *turn)
{
    json_set_str(turn->asked.apply.manifest, "metadata.resourceVersion", "1");
    send_apply(turn);
}

static void create(struct turn *turn)
{
    if (turn->asked.apply.child == CHILD_TOKEN_SECRET) {
        create_by_apply(turn);
        return;
    }
    perform_announce(turn);
    turn->request = kube_create_as(turn->ctx->client, resource_asked(turn), turn->asked.apply.manifest, FIELD_MANAGER,
                                   on_applied, turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Before its first apply, what is ours by update is handed over. A crash in between leaves a child as an apply has it,
 * which is applied as any other. */

/* As the watch or an answer has shown it last; NULL: it is not there any more. */
static const struct record *record_asked(const struct turn *turn)
{
    struct json_object *manifest = turn->asked.apply.manifest;
    const char *ns = json_str_or(manifest, "metadata.namespace", ""),
               *name = json_str_or(manifest, "metadata.name", "");

    return store_get(turn->ctx->store, kind_of_child(turn->asked.apply.child), ns, name);
}

static const struct kept_child *kept_asked(const struct turn *turn)
{
    return kept_child(record_asked(turn));
}

/* The token Secret of the former object of this name: its finalizer has kept it. */
static bool is_inherited(const struct turn *turn)
{
    const struct record *record = record_asked(turn);

    return turn->asked.apply.child == CHILD_TOKEN_SECRET && record && *record->owner_uid &&
           strcmp(record->owner_uid, turn->observed.owner.uid) != 0;
}

static bool is_another_controller(void *arg, struct json_object *reference)
{
    const struct turn *turn = arg;

    return json_bool_or(reference, "controller", false) &&
           strcmp(json_str_or(reference, "uid", ""), turn->observed.owner.uid) != 0;
}

/* An object has one controller, and an apply takes the former one away only when nobody else owns that reference: who
 * has restored the Secret from a backup does. NULL: there is none. */
static struct json_object *references_without_former(struct turn *turn, struct json_object *object)
{
    return json_without(json_get(object, "metadata.ownerReferences"), is_another_controller, turn);
}

/* A policy may refuse any write but one that puts right what somebody has done to the child. So it is applied first;
 * then it has drifted (drift.h), and comes here again. */
static void on_handed_over(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    const struct kept_child *kept = kept_asked(turn);
    bool refused = reply->err.kind == ERR_INVALID || reply->err.kind == ERR_DENIED;

    turn->request = 0;
    if ((refused && kept && !kept->applied) || perform_expect_success(turn, reply))
        send_apply(turn);
}

/* At the version that was read: whoever writes meanwhile may have moved entries. */
static void hand_over(struct turn *turn, struct json_object *object, struct json_object *fields,
                      struct json_object *references)
{
    const char *ns = json_str(object, "metadata.namespace"), *name = json_str(object, "metadata.name"),
               *version = json_str(object, "metadata.resourceVersion");
    struct json_object *patch =
        arena_json(&turn->step, json_build("{metadata: {namespace: %s, name: %s, resourceVersion: %s, "
                                           "managedFields: %o, ownerReferences: %o}}",
                                           ns, name, version, fields, references));

    turn->request = kube_patch(turn->ctx->client, resource_asked(turn), patch, FIELD_MANAGER, on_handed_over, turn);
}

static void on_managed_fields(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;

    if (!perform_expect_success(turn, reply))
        return;
    bool same = strcmp(json_str_or(reply->object, "metadata.uid", ""), turn->asked.apply.uid) == 0;
    struct json_object *fields = json_get(reply->object, "metadata.managedFields");
    bool by_update = managed_fields_by_update(fields, FIELD_MANAGER);
    struct json_object *references = same ? references_without_former(turn, reply->object) : NULL;
    if (same && (by_update || references))
        hand_over(turn, reply->object, by_update ? managed_fields_handed_over(fields, FIELD_MANAGER) : NULL,
                  references);
    else
        send_apply(turn);
}

static void read_managed_fields(struct turn *turn)
{
    struct json_object *manifest = turn->asked.apply.manifest;

    turn->request = kube_get_metadata(turn->ctx->client, resource_asked(turn), json_str(manifest, "metadata.namespace"),
                                      json_str(manifest, "metadata.name"), on_managed_fields, turn);
}

void perform_apply(struct turn *turn)
{
    const struct action *act = &turn->asked;
    const struct kept_child *kept = kept_asked(turn);

    assert(!act->apply.uid == !json_get(act->apply.manifest, "metadata.uid"));
    learn_applying(&turn->state->memory, &turn->observed, act, &turn->mem);
    if (!act->apply.uid)
        create(turn);
    else if ((kept && kept->updated) || is_inherited(turn))
        read_managed_fields(turn);
    else
        send_apply(turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Deletion */

static bool is_ending_slowly(struct json_object *object)
{
    return json_len(json_get(object, "metadata.finalizers")) > 0;
}

/* What the watch does not show is not kept: nobody would tell of its end. */
static void learn_deleted(struct turn *turn, struct json_object *object)
{
    const struct stray *s = &turn->asked.delete;
    enum kind kind = kind_by_name(s->kind);

    if (is_ending_slowly(object) && kind_shows(kind, object))
        context_learn_written(turn->ctx, kind, object);
    else
        store_bury(turn->ctx->store, kind, s->ns, s->name, s->uid); /* a Status, or the object as it was at its end */
    turn_log(turn, LOG_INFO, "deleted", "rule", turn->asked.rule, "kind", s->kind, "object", s->name, NULL);
    perform_succeeded(turn);
}

static void on_shown_again(void *arg, const struct kube_reply *reply)
{
    if (perform_expect_success(arg, reply))
        learn_deleted(arg, reply->object);
}

/* Somebody has taken our label off it, by which the watch finds it. */
static void show_again(struct turn *turn, enum kind kind)
{
    const struct stray *s = &turn->asked.delete;
    struct json_object *patch = arena_json(
        &turn->step, json_build("{metadata: {namespace: %s, name: %s, uid: %s, labels: {" LABEL_MANAGED_BY ": %s}}}",
                                s->ns, s->name, s->uid, FIELD_MANAGER));

    turn->request = kube_patch(turn->ctx->client, kind_resource(kind), patch, FIELD_MANAGER, on_shown_again, turn);
}

static void on_deleted(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    enum kind kind = kind_by_name(turn->asked.delete.kind);

    if (!perform_expect_success(turn, reply))
        return;
    if (is_ending_slowly(reply->object) && !kind_shows(kind, reply->object))
        show_again(turn, kind);
    else
        learn_deleted(turn, reply->object);
}

void perform_delete(struct turn *turn)
{
    const struct stray *s = &turn->asked.delete;

    assert(s->uid && kind_by_name(s->kind) < KIND_COUNT);
    turn->request = kube_delete(turn->ctx->client, kind_resource(kind_by_name(s->kind)), s->ns, s->name, s->uid,
                                s->foreground, on_deleted, turn);
}
