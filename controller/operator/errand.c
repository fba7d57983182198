#include "operator/errand.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/machine.h"
#include "base/mem.h"
#include "operator/perform.h"

enum {
    VALUE_MAX = 256,      /* tokens are shorter                                                           */
    HEARD_MAX = 64 << 10, /* bytes of the trees of an object whose turn waits for its key: few have more */
};

/* What a spec may choose the length of is read again. */
static const enum readable kept[ERRAND_VALUES] = {READ_CREDENTIAL, READ_TOKEN, READ_CONFIG, READ_ACCOUNT};

/* ---------------------------------------------------------------------------------------------------------------------
 * What it keeps of a turn, and gives to the next */

static void forget_values(struct errand *e)
{
    for (size_t i = 0; i < ERRAND_VALUES; i++) {
        mem_free_secret((char *)e->values[i].value);
        free((char *)e->values[i].version);
        e->values[i] = (struct observed_value){0};
    }
}

/* What may be large; and what comes with more than its value: whom it is bound to, or what is wrong with it. */
static bool is_read_again(const struct observed_value *value)
{
    return value->bound || value->complaint || (value->value && strlen(value->value) > VALUE_MAX);
}

static void keep_values(struct errand *e, const struct observed *o)
{
    forget_values(e);
    e->generation = o->generation;
    for (size_t i = 0; i < ERRAND_VALUES; i++) {
        const struct observed_value *from = &o->values[kept[i]];
        bool again = is_read_again(from);
        e->values[i] = (struct observed_value){
            .lookup = again ? LOOKUP_UNKNOWN : from->lookup,
            .value = from->value && !again ? mem_strdup(from->value) : NULL,
            .version = from->version ? mem_strdup(from->version) : NULL,
        };
    }
}

/* What was read for another spec is not what this one names, nor for where it leads. */
static void give_values(const struct errand *e, struct turn *turn)
{
    if (turn->observed.generation != e->generation)
        return;
    for (size_t i = 0; i < ERRAND_VALUES; i++)
        turn->observed.values[kept[i]] = (struct observed_value){
            .lookup = e->values[i].lookup,
            .value = arena_strdup(&turn->mem, e->values[i].value),
            .version = arena_strdup(&turn->mem, e->values[i].version),
        };
}

/* What the answer is about. */
static void keep_subject(struct errand *e, const struct turn *turn)
{
    arena_finish(&e->mem);
    e->record = record_copy(&kept_layouts[KIND_RUNNER], &turn->record, &e->mem);
    e->registered = registration_copy(&turn->observed.registered, &e->mem);
    e->paused = turn->observed.attributes.paused;
}

static void go_on_with_errand(const struct errand *e, struct turn *turn)
{
    memcpy(turn->id, e->id, sizeof(turn->id));
    turn->cause = e->cause;
    turn->began_us = e->began_us;
    turn->asked_us = e->asked_us;
    turn->steps = e->steps;
    turn->asked.rule = e->asked.rule;
    turn->urgent |= e->urgent;
    give_values(e, turn);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Its stages */

static void errand_enter(struct errand *e, enum errand_stage to)
{
    static const char *const names[] = {[ERRAND_IN_LINE] = "in line",
                                        [ERRAND_LET_IN] = "let in",
                                        [ERRAND_CALLING] = "calling",
                                        [ERRAND_ANSWERED] = "answered"};
    static const unsigned next[] = {
        [ERRAND_IN_LINE] = MACHINE_TO(ERRAND_IN_LINE) | MACHINE_TO(ERRAND_LET_IN),
        [ERRAND_LET_IN] = MACHINE_TO(ERRAND_IN_LINE) | MACHINE_TO(ERRAND_LET_IN) | MACHINE_TO(ERRAND_CALLING),
        [ERRAND_CALLING] = MACHINE_TO(ERRAND_ANSWERED),
        [ERRAND_ANSWERED] = 0,
    };
    static const struct machine machine = MACHINE("errand", names, next);

    machine_step(&machine, e->stage, to);
    e->stage = to;
}

static void wake_errand(const struct errand *e, bool begun, const char *cause)
{
    const struct errands *errands = e->ctx->errands;

    errands->wake(errands->arg, e->state->key, begun, cause);
}

/* A place, or the breaker has opened and nobody waits any more: the next turn hears of it when it asks. */
static void on_place(struct gate_pass *pass, const struct err *refusal)
{
    struct errand *e = container_of(pass, struct errand, pass);

    assert(e->stage == ERRAND_IN_LINE);
    if (!refusal) {
        errand_enter(e, ERRAND_LET_IN);
        wake_errand(e, true, "there is a place at GitLab");
        return;
    }
    wake_errand(e, false, "GitLab cannot be called now");
}

static struct errand *errand_begin(struct turn *turn)
{
    assert(!turn->state->errand);
    struct errand *e = mem_alloc(sizeof(*e));

    *e = (struct errand){.ctx = turn->ctx,
                         .state = turn->state,
                         .pass.go = on_place,
                         .cause = turn->cause,
                         .began_us = turn->began_us,
                         .steps = turn->steps,
                         .urgent = turn->urgent};
    memcpy(e->id, turn->id, sizeof(e->id));
    list_init(&e->node);
    list_append(&turn->ctx->errands->all, &e->node);
    turn->state->errand = e;
    return e;
}

void errand_end(struct errand *e)
{
    if (!e)
        return;
    assert((e->stage == ERRAND_CALLING) == (e->call != NULL) && e->state->errand == e);
    if (e->call)
        gitlab_cancel(e->call);
    if (e->heard)
        turn_destroy(e->heard);
    gitlab_step_back(e->ctx->gitlab, &e->pass);
    forget_values(e);
    arena_finish(&e->mem);
    list_remove(&e->node);
    e->state->errand = NULL;
    free(e);
}

bool errand_is_about(const struct errand *e, const char *uid)
{
    return !e || !e->state->uid || strcmp(e->state->uid, uid) == 0;
}

bool errand_is_calling(const struct errand *e)
{
    return e && e->stage == ERRAND_CALLING;
}

/* The object, its registration and what was read are as they were when GitLab was asked; all else is as it is now. What
 * is to be only until the answer is applied is lent. */
static void hear(const struct errand *e, struct turn *turn, const struct gitlab_answer *answer)
{
    const struct observed now = turn->observed;

    turn->asked = e->asked;
    turn->observed.registered = e->registered;
    turn->observed.attributes.paused = e->paused;
    perform_gitlab_answered(turn, answer);
    turn->observed = now;
    turn->asked = (struct action){.rule = e->asked.rule};
}

static struct turn *turn_of_the_answer(const struct errand *e, const struct gitlab_answer *answer)
{
    struct turn *turn = turn_create(e->ctx, &e->record, e->state, e->cause);

    turn_look(turn);
    go_on_with_errand(e, turn);
    hear(e, turn, answer);
    return turn;
}

static void on_errand_answer(void *arg, const struct gitlab_answer *answer)
{
    struct errand *e = arg;

    assert(e->call && e->record.uid);
    e->call = NULL;
    errand_enter(e, ERRAND_ANSWERED);
    e->heard = turn_of_the_answer(e, answer);
    if (e->heard->object_cost > HEARD_MAX)
        turn_destroy(take(e->heard));
    wake_errand(e, true, "GitLab has answered");
}

static void start_call(struct errand *e, struct turn *turn, const struct gitlab_request *call)
{
    struct gitlab_request placed = *call;

    assert(!e->call && e->state == turn->state);
    placed.place = &e->pass;
    errand_enter(e, ERRAND_CALLING);
    e->asked = turn->asked;
    e->asked_us = turn->asked_us;
    keep_subject(e, turn);
    e->asked.gitlab.token = NULL;
    e->asked.gitlab.url = arena_strdup(&e->mem, call->url);
    e->call = gitlab_start(turn->ctx->gitlab, &placed, on_errand_answer, e);
    assert(e->call && !e->asked.gitlab.token);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Turns */

/* What only waits for a host has no end, and for an object that is gone nobody waits: it goes into the ledger. */
static bool may_wait(const struct turn *turn, struct err *ret_err)
{
    return !turn->observed.gone || err_set(ret_err, ERR_RETRY, "Busy", "GitLab has no place for another call now");
}

static enum gate_verdict enter(struct errand *e, const struct turn *turn, const struct gitlab_request *call,
                               struct err *ret_err)
{
    struct gate_door door = gitlab_door(turn->ctx->gitlab, call);

    door.urgent = turn->urgent;
    if (gate_is_for(&e->pass, &door))
        return e->stage == ERRAND_LET_IN ? GATE_GO : GATE_WAIT;
    gitlab_step_back(turn->ctx->gitlab, &e->pass);
    enum gate_verdict verdict = gitlab_enter(turn->ctx->gitlab, &e->pass, &door, ret_err);
    errand_enter(e, verdict == GATE_GO ? ERRAND_LET_IN : ERRAND_IN_LINE);
    return verdict == GATE_WAIT && !may_wait(turn, ret_err) ? GATE_REFUSE : verdict;
}

/* One whose answer has come while the turn was at something else is over: the turn has seen what the answer taught. */
static struct errand *errand_of(struct turn *turn)
{
    if (turn->state->errand && turn->state->errand->stage == ERRAND_ANSWERED)
        errand_end(turn->state->errand);
    return turn->state->errand ? turn->state->errand : errand_begin(turn);
}

void errand_ask(struct turn *turn, const struct gitlab_request *call)
{
    struct errand *e = errand_of(turn);
    struct gitlab_answer refused = {.id = 0};
    assert(turn->asked.kind == ACT_GITLAB && !turn->request);
    enum gate_verdict verdict = enter(e, turn, call, &refused.err);

    if (verdict == GATE_REFUSE) {
        errand_end(e);
        perform_gitlab_answered(turn, &refused);
        turn_ready(turn);
        return;
    }
    work_park(&turn->work);
    e->asked.rule = turn->asked.rule; /* the one to blame when it repeats */
    e->steps = verdict == GATE_GO ? turn->steps : e->steps;
    keep_values(e, &turn->observed);
    if (memory_knows_alone(turn->observed.memory))
        state_keep_subject(turn->state, &turn->record);
    if (verdict == GATE_GO)
        start_call(e, turn, call);
}

/* The one that has heard the answer, unless the object is another now. */
static struct turn *take_heard(struct errand *e, const struct record *record)
{
    bool same = e->heard && strcmp(e->heard->record.uid, record->uid) == 0 &&
                strcmp(e->heard->record.version, record->version) == 0;

    return same ? take(e->heard) : NULL;
}

struct turn *errand_begin_turn(const struct context *ctx, const struct record *record, struct state *state,
                               const char *cause)
{
    struct errand *e = state->errand;
    struct turn *turn = e ? take_heard(e, record) : NULL;

    if (!turn) {
        turn = turn_create(ctx, record, state, cause);
        if (e && e->stage != ERRAND_CALLING)
            go_on_with_errand(e, turn);
    }
    if (e && e->stage == ERRAND_ANSWERED)
        errand_end(e);
    return turn;
}

const struct record *errand_subject(const struct state *state, const struct record *now)
{
    const struct errand *e = state->errand;
    const struct record *former = e && e->record.uid ? &e->record : state_subject(state);
    bool is_gone = !now || (state->uid && strcmp(now->uid, state->uid) != 0);

    return former && is_gone ? former : now;
}

void errands_end(struct errands *errands, bool all)
{
    list_each_safe (node, after, &errands->all) {
        struct errand *e = container_of(node, struct errand, node);
        if (all || e->stage == ERRAND_IN_LINE || e->stage == ERRAND_LET_IN)
            errand_end(e);
    }
    assert(!all || list_empty(&errands->all));
}
