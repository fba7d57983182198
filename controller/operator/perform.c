/* Which request an action becomes, and what all of them have in common. */
#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/log.h"
#include "kube/version.h"
#include "net/loop.h"
#include "operator/finalizer.h"
#include "operator/perform.h"
#include "operator/pods.h"
#include "operator/report.h"
#include "runner/learn.h"
#include "runner/names.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Failures */

void perform_log_failure(const struct turn *turn, const struct err *err)
{
    turn_log(turn, LOG_WARN, "failed", "rule", turn->asked.rule, "kind", err_kind_name(err->kind), "reason",
             err->reason, "error", err->text, NULL);
}

static void note_failure(struct turn *turn, const struct err *err)
{
    memory_fail(&turn->state->memory, turn->asked.rule, err, loop_now(turn->ctx->loop), jitter_random());
    perform_log_failure(turn, err);
}

void perform_kube_failed(struct turn *turn, const struct err *err)
{
    note_failure(turn, err);
    turn_ready(turn);
}

void perform_succeeded(struct turn *turn)
{
    memory_succeed(&turn->state->memory, turn->asked.rule);
    turn_ready(turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A conflict or a missing object: what the store shows is out of date, so look. */

static struct stray subject(const struct turn *turn)
{
    const struct action *act = &turn->asked;
    struct json_object *manifest = act->apply.manifest;

    if (act->kind == ACT_DELETE)
        return act->delete;
    if (act->kind == ACT_APPLY)
        return (struct stray){.kind = child_kind(act->apply.child),
                              .ns = json_str_or(manifest, "metadata.namespace", ""),
                              .name = json_str_or(manifest, "metadata.name", "")};
    return (struct stray){.kind = KIND, .ns = turn->observed.owner.ns, .name = turn->observed.owner.name};
}

void perform_announce(struct turn *turn)
{
    const struct stray s = subject(turn);
    enum kind kind = kind_by_name(s.kind);

    echo_expect(&turn->echo, turn->ctx->echoes, kind, s.ns, s.name,
                kind == KIND_RUNNER ? turn->observed.generation : 0);
}

/* As the store would have it. */
bool perform_is_ours(struct turn *turn, enum kind kind, struct json_object *object)
{
    const struct context *ctx = turn->ctx;
    const struct record record = kind_record(kind, object, ctx->store, &turn->mem);

    return strcmp(record.owner_uid, turn->observed.owner.uid) == 0;
}

/* Somebody else's object that the watch does not show is not kept: nobody would tell of its end. */
static bool is_worth_keeping(struct turn *turn, enum kind kind, struct json_object *object)
{
    return object && (kind_shows(kind, object) || perform_is_ours(turn, kind, object));
}

/* The object is not as was thought, so the turn begins anew. If what is shown is no newer, whoever shows it is behind,
 * too: the call failed, and is made again later. Of one that is gone this turn sees to the end, if it alone knows the
 * runner. */
static void begin_anew(struct turn *turn, struct json_object *object)
{
    struct err err;

    if (!object && memory_knows_alone(turn->observed.memory))
        return;
    turn->stale =
        !object || kube_version_newer(json_str_or(object, "metadata.resourceVersion", ""), turn->observed.version);
    if (turn->stale)
        return;
    err_set(&err, ERR_CONFLICT, "Conflict", "the API server knows a newer version of the object than it shows");
    note_failure(turn, &err);
}

static void on_looked(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    const struct stray s = subject(turn);
    enum kind kind = kind_by_name(s.kind);

    assert(kind < KIND_COUNT);
    turn->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        perform_kube_failed(turn, &reply->err);
        return;
    }
    if (is_worth_keeping(turn, kind, reply->object))
        context_learn_presence(turn->ctx, &turn->prior, kind, reply->object);
    else
        context_learn_absence(turn->ctx, &turn->prior, kind, s.ns, s.name);
    if (turn->asked.kind == ACT_APPLY)
        learn_owner(&turn->state->memory, turn->asked.apply.child,
                    reply->object && !perform_is_ours(turn, kind, reply->object));
    if (kind == KIND_RUNNER)
        begin_anew(turn, reply->object);
    turn_ready(turn);
}

static void look(struct turn *turn)
{
    const struct stray s = subject(turn);

    turn_get(turn, kind_by_name(s.kind), s.ns, s.name, on_looked);
}

static void on_own_object(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    const struct owner *owner = &turn->observed.owner;
    struct err err = reply->err;

    turn->request = 0;
    if (reply->err.kind == ERR_NOT_FOUND) {
        context_learn_absence(turn->ctx, &turn->prior, KIND_RUNNER, owner->ns, owner->name);
        turn_ready(turn);
        return;
    }
    if (reply->err.kind == ERR_NONE)
        err_set(&err, ERR_RETRY, "NotFound", "namespace %s is not there", subject(turn).ns);
    perform_kube_failed(turn, &err);
}

/* Nothing can be made in a namespace that is gone; and if it is the object's own, so is the object, whatever the watch
 * shows. */
static bool is_without_namespace(const struct turn *turn, const struct err *err)
{
    return err->kind == ERR_NOT_FOUND && turn->asked.kind == ACT_APPLY && !turn->asked.apply.uid;
}

/* True when the answer is good; else the failure is dealt with. */
bool perform_expect_success(struct turn *turn, const struct kube_reply *reply)
{
    turn->request = 0;
    if (reply->err.kind == ERR_NONE)
        return true;
    if (is_without_namespace(turn, &reply->err))
        turn_get(turn, KIND_RUNNER, turn->observed.owner.ns, turn->observed.owner.name, on_own_object);
    else if (reply->err.kind == ERR_CONFLICT || reply->err.kind == ERR_NOT_FOUND)
        look(turn);
    else
        perform_kube_failed(turn, &reply->err);
    return false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Our finalizer */

bool perform_takes_off_finalizer(struct turn *turn, enum kind kind, struct json_object *object, kube_done_fn *done)
{
    struct json_object *patch = finalizer_off(object);

    if (patch)
        turn->request = kube_patch(turn->ctx->client, kind_resource(kind), arena_json(&turn->step, patch),
                                   FIELD_MANAGER, done, turn);
    return patch;
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

void perform(struct turn *turn, const struct action *act)
{
    static void (*const performers[])(struct turn * turn) = {
        [ACT_READ] = perform_read,     [ACT_FINALIZER] = perform_finalizer, [ACT_APPLY] = perform_apply,
        [ACT_DELETE] = perform_delete, [ACT_GITLAB] = perform_gitlab,       [ACT_STATUS] = perform_status,
        [ACT_RECORD] = perform_record, [ACT_REPORT] = report_perform,       [ACT_LOOK] = pods_perform,
    };

    assert(act->kind < ARRAY_LEN(performers) && performers[act->kind] && act->rule);
    assert(turn->work.state == WORK_WAITING && !turn->request && !turn->reading);
    turn->asked = *act;
    turn->asked_us = clock_us();
    performers[act->kind](turn);
}
