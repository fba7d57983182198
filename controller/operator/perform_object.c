/* ACT_FINALIZER, ACT_STATUS: the object itself. With the uid in the manifest a deleted object is never made again. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "operator/perform.h"
#include "operator/status_events.h"
#include "runner/learn.h"
#include "runner/names.h"

static struct json_object *runner_patch(struct turn *turn)
{
    const struct owner *owner = &turn->observed.owner;

    return arena_json(&turn->step,
                      json_build("{apiVersion: %s, kind: %s, metadata: {namespace: %s, name: %s, uid: %s}}",
                                 API_VERSION, KIND, owner->ns, owner->name, owner->uid));
}

/* The answer is the object as it is now. If its spec is another one, or it is being deleted, then the watch will have
 * no news for anybody when it comes to tell of that. */
static void learn_runner(struct turn *turn, struct json_object *object)
{
    context_learn_written(turn->ctx, KIND_RUNNER, object);
    turn->stale = object && json_int_or(object, "metadata.generation", 0) != turn->observed.generation;
}

/* What GitLab answers later is applied to the object as it is from now on: with our finalizer, and this status. */
static void follow_the_object(struct turn *turn, struct json_object *object)
{
    const struct record held = kind_record(KIND_RUNNER, object, turn->ctx->store, &turn->mem);

    turn->record = record_copy(&kept_layouts[KIND_RUNNER], &held, &turn->mem);
}

static void on_finalizer(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;

    if (!perform_expect_success(turn, reply) ||
        (!turn->asked.hold_finalizer && perform_takes_off_finalizer(turn, KIND_RUNNER, reply->object, on_finalizer)))
        return;
    learn_runner(turn, reply->object);
    if (reply->object && turn->asked.hold_finalizer && !turn->stale)
        follow_the_object(turn, reply->object);
    turn->observed.finalizer = turn->asked.hold_finalizer;
    learn_finalizer(&turn->state->memory, turn->asked.hold_finalizer);
    perform_succeeded(turn);
}

/* What follows cannot be repeated, so nothing of the object may have escaped us when the finalizer is put on it: the
 * write carries the version that is known, and is refused when there is a newer one. */
void perform_finalizer(struct turn *turn)
{
    struct json_object *patch = runner_patch(turn);

    assert(!turn->observed.gone);
    if (turn->asked.hold_finalizer) {
        json_set(patch, "metadata.finalizers", json_build("[%s]", FINALIZER));
        json_set_str(patch, "metadata.resourceVersion", turn->observed.version);
    }
    perform_announce(turn);
    turn->request =
        kube_apply(turn->ctx->client, kind_resource(KIND_RUNNER), NULL, patch, FIELD_MANAGER, on_finalizer, turn);
}

static void on_status(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;

    if (!perform_expect_success(turn, reply))
        return;
    status_events_tell(turn, turn->observed.status, turn->asked.status);
    learn_runner(turn, reply->object);
    if (reply->object && !turn->stale)
        follow_the_object(turn, reply->object);
    turn->observed.status = arena_json(&turn->mem, json_ref(turn->asked.status));
    perform_succeeded(turn);
}

static const struct record *newest_record(const struct turn *turn)
{
    const struct owner *owner = &turn->observed.owner;
    const struct record *record = store_get(turn->ctx->store, KIND_RUNNER, owner->ns, owner->name);

    return record && strcmp(record->uid, owner->uid) == 0 ? record : NULL;
}

/* By a write of ours of which no answer has come, which the watch has told of since. */
static bool status_is_another(const struct turn *turn)
{
    const struct kept_runner *then = kept_runner(&turn->record), *now = kept_runner(newest_record(turn));

    return then && now && strcmp(then->status ? then->status : "", now->status ? now->status : "") != 0;
}

/* The newest version that is known; where the store shows another object of that name, or none, the last of this one.
 */
static const char *newest_version(const struct turn *turn)
{
    const struct record *record = newest_record(turn);

    return record ? record->version : turn->observed.version;
}

/* With the version, because the API server does not compare the uid where only the status is written: an object that
 * was made anew under this name would get the status of the former one. */
void perform_status(struct turn *turn)
{
    assert(!turn->observed.gone && turn->asked.status);
    if (status_is_another(turn)) { /* then another one is to be written, or none */
        turn->stale = true;
        turn_ready(turn);
        return;
    }
    struct json_object *patch = runner_patch(turn);
    json_set_str(patch, "metadata.resourceVersion", newest_version(turn));
    json_set(patch, "status", json_ref(turn->asked.status));
    perform_announce(turn);
    turn->request =
        kube_apply(turn->ctx->client, kind_resource(KIND_RUNNER), "status", patch, FIELD_MANAGER, on_status, turn);
}
