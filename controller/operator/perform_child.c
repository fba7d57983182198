/* ACT_APPLY, ACT_DELETE: the children. */
#include <string.h>

#include "base/json.h"
#include "base/log.h"
#include "operator/perform.h"
#include "runner/names.h"

/* Only the token Secret goes, and not the runner. */
static bool runner_stays(const struct observed *o)
{
    return !o->deleting && !o->memory->deregistered;
}

/* The token Secret is about to be let go. If only it was deleted its token goes into the next one; it is kept before
 * the request, because the answer may be lost. */
static void keep_token_to_release(struct turn *turn)
{
    struct observed *o = &turn->observed;
    struct registration r = o->registered;

    r.token = o->values[READ_TOKEN].lookup == LOOKUP_FOUND ? o->values[READ_TOKEN].value : NULL;
    if (runner_stays(o) && r.token && registration_fits(o, &turn->mem))
        memory_issue(&turn->state->memory, &r);
}

/* The token Secret was let go. */
static void note_released_token(struct turn *turn)
{
    const struct observed *o = &turn->observed;
    bool users_own = strcmp(o->registered.authentication, authentication_name(AUTH_RUNNER_TOKEN)) == 0;

    turn->state->memory.had_secret = runner_stays(o) && !users_own;
}

/* The token Secret is written. */
static void keep_saved_token(struct turn *turn, struct json_object *secret)
{
    const struct registration *issued = turn->state->memory.issued;

    turn->state->memory.config_token_dead = turn->state->memory.deregistered = false;
    turn->state->memory.had_secret = true;
    turn->observed.values[READ_TOKEN] = (struct observed_value){
        .lookup = LOOKUP_FOUND,
        .value = issued ? arena_strdup(&turn->mem, issued->token) : turn->observed.values[READ_TOKEN].value,
        .version = arena_strdup(&turn->mem, json_str_or(secret, "metadata.resourceVersion", ""))};
    memory_forget_issued(&turn->state->memory);
}

static void on_applied(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    enum child child = turn->asked.apply.child;

    if (!perform_expect_success(turn, reply))
        return;
    workshop_learn_applied(turn->shop, kind_of_child(child), reply->object);
    turn->state->memory.foreign[child] = false;
    if (turn->asked.apply.release)
        note_released_token(turn);
    else if (child == CHILD_TOKEN_SECRET)
        keep_saved_token(turn, reply->object);
    turn_log(turn, LOG_INFO, "applied", "rule", turn->asked.rule, "kind", child_kind(child), NULL);
    perform_succeeded(turn);
}

void perform_apply(struct turn *turn)
{
    const struct action *act = &turn->asked;

    if (act->apply.release)
        keep_token_to_release(turn);
    turn->request = kube_apply(turn->shop->client, kind_resource(kind_of_child(act->apply.child)), NULL,
                               act->apply.manifest, FIELD_MANAGER, act->apply.uid == NULL, on_applied, turn);
}

static void on_deleted(void *arg, const struct kube_reply *reply)
{
    struct turn *turn = arg;
    const struct stray *s = &turn->asked.delete;
    enum kind kind = kind_by_name(s->kind);

    if (!perform_expect_success(turn, reply))
        return;
    if (json_len(json_get(reply->object, "metadata.finalizers")) > 0)
        workshop_learn_written(turn->shop, kind, reply->object);
    else
        store_bury(turn->shop->store, kind, s->ns, s->name, s->uid); /* a Status, or the object as it was at its end */
    turn_log(turn, LOG_INFO, "deleted", "rule", turn->asked.rule, "kind", s->kind, "object", s->name, NULL);
    perform_succeeded(turn);
}

void perform_delete(struct turn *turn)
{
    const struct stray *s = &turn->asked.delete;

    turn->request = kube_delete(turn->shop->client, kind_resource(kind_by_name(s->kind)), s->ns, s->name, s->uid,
                                s->foreground, on_deleted, turn);
}
