#include "operator/state.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/jitter.h"
#include "base/keep.h"
#include "base/mem.h"
#include "kube/shares.h"

static const struct backoff retries = {1000, 5 * 60 * 1000, 25};

static void state_finish(struct state *state)
{
    state_forget_issued(state);
    state_forget_starting(state);
    free(state->troubles);
    keep_free_text(state->key);
    keep_free_text(state->uid);
}

void states_finish(struct states *states)
{
    const char *key;
    void *value;

    for (size_t i = 0; map_iter(&states->by_key, &i, &key, &value);) {
        state_finish(value);
        keep_free(value, sizeof(struct state));
    }
    map_finish(&states->by_key);
    shares_destroy(take(states->shown_by));
    states->shown = 0;
}

struct state *states_get(struct states *states, const char *key)
{
    struct state *state = map_get(&states->by_key, key);

    if (!state) {
        state = keep_alloc(sizeof(*state));
        state->key = keep_strdup(key);
        states->by_key.lent = true;
        map_set(&states->by_key, state->key, state);
    }
    return state;
}

void states_remove(struct states *states, const char *key)
{
    struct state *state = map_remove(&states->by_key, key);

    if (!state)
        return;
    fleet_hide(states, state);
    state_finish(state);
    keep_free(state, sizeof(*state));
}

static void begin_state_anew(struct state *state, const char *uid)
{
    char *key = take(state->key);

    state_finish(state);
    *state = (struct state){.key = key, .uid = keep_strdup(uid), .facts.shown = state->facts.shown};
}

void state_follow(struct state *state, const struct record *record, int64_t generation)
{
    if (!state->uid || strcmp(state->uid, record->uid) != 0)
        begin_state_anew(state, record->uid);
    if (state->generation != generation) {
        state_forgive(state);
        state->wanted.known = false;
    }
    state->generation = generation;
}

void state_forgive(struct state *state)
{
    state->reported = NULL;
    free(take(state->troubles));
    state->reach = REACH_UNKNOWN;
    state->found_id = 0;
    state->takeover = TAKEOVER_UNTRIED;
    state->not_inherited = false;
    state->check.credential_status = 0;
    check_forget_self(&state->check);
    if (state->doubt > DOUBT_LOST)
        state->doubt = DOUBT_LOST;
}

void state_token_is_absent(struct state *state)
{
    if (state->doubt == DOUBT_SUSPECTED || state->doubt == DOUBT_UNREAD)
        state->doubt = DOUBT_LOST;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Troubles */

const struct troubles *state_troubles(const struct state *state)
{
    static const struct troubles none;

    return state->troubles ? state->troubles : &none;
}

/* Room for so many failures; NULL when there is nothing left to tell. */
static struct troubles *resize(struct state *state, size_t len)
{
    struct troubles *t = state->troubles;

    if (t && !len && t->gitlab_err.kind == ERR_NONE) {
        free(take(state->troubles));
        return NULL;
    }
    state->troubles = mem_resize(t, sizeof(*t) + len * sizeof(*t->failures));
    if (!t)
        *state->troubles = (struct troubles){.len = 0};
    state->troubles->len = len;
    return state->troubles;
}

static struct troubles *troubles(struct state *state)
{
    return state->troubles ? state->troubles : resize(state, 0);
}

void state_note_gitlab(struct state *state, const struct err *err)
{
    if (err->kind != ERR_NONE || state->troubles)
        troubles(state)->gitlab_err = *err;
}

static bool is_failure_of(const struct failure *failure, const char *rule)
{
    return failure->attempt.rule && strcmp(failure->attempt.rule, rule) == 0;
}

/* The rule's own place; else a new one, or that of the one that has been due for longest. */
static struct failure *place_for(struct state *state, const char *rule)
{
    struct troubles *t = troubles(state);
    struct failure *place = t->failures;

    for (size_t i = 0; i < t->len; i++) {
        struct failure *failure = &t->failures[i];
        if (is_failure_of(failure, rule))
            return failure;
        if (failure->attempt.retry_at_ms < place->attempt.retry_at_ms)
            place = failure;
    }
    if (t->len < ATTEMPTS_MAX) {
        t = resize(state, t->len + 1);
        place = &t->failures[t->len - 1];
    }
    *place = (struct failure){.count = 0};
    return place;
}

void state_fail(struct state *state, const char *rule, const struct err *err, int64_t now_ms)
{
    struct failure *failure = place_for(state, rule);
    int64_t pause = backoff_pause(&retries, ++failure->count, err->retry_after_ms, jitter_random());

    failure->attempt = (struct attempt){.rule = rule, .err = *err, .retry_at_ms = now_ms + pause};
}

void state_rest(struct state *state)
{
    if (state->troubles)
        resize(state, 0);
}

void state_succeed(struct state *state, const char *rule)
{
    struct troubles *t = state->troubles;

    for (size_t i = 0; t && i < t->len; i++)
        if (is_failure_of(&t->failures[i], rule)) {
            t->failures[i] = t->failures[t->len - 1];
            t = resize(state, t->len - 1);
        }
}

static const char *state_text(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Managers that start */

struct starting *state_starting(struct state *state, int64_t now_ms)
{
    if (!state->starting) {
        state->starting = mem_alloc(sizeof(*state->starting));
        *state->starting = (struct starting){.since_ms = now_ms};
    }
    return state->starting;
}

void state_forget_starting(struct state *state)
{
    struct starting *starting = take(state->starting);

    if (!starting)
        return;
    free((char *)starting->trouble.message);
    free(starting);
}

void state_note_trouble(struct state *state, const struct trouble *trouble)
{
    struct trouble *known = &state->starting->trouble;
    const char *former = known->message;

    *known = *trouble;
    known->message = state_text(trouble->message);
    free((char *)former);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A token on its way */

void state_issue(struct state *state, const struct registration *r)
{
    struct registration *copied = mem_alloc(sizeof(*copied));

    *copied = (struct registration){
        .runner_id = r->runner_id,
        .token = state_text(r->token),
        .url = state_text(r->url),
        .authentication = state_text(r->authentication),
        .scope = state_text(r->scope),
        .told_hash = state_text(r->told_hash),
        .expiration = state_text(r->expiration),
        .obtained = state_text(r->obtained),
        .rotation = state_text(r->rotation),
        .inputs = state_text(r->inputs),
    };
    state_forget_issued(state);
    state->issued = copied;
}

void state_forget_issued(struct state *state)
{
    struct registration *r = take(state->issued);

    if (!r)
        return;
    const char *owned[] = {r->token,      r->url,      r->authentication, r->scope, r->told_hash,
                           r->expiration, r->obtained, r->rotation,       r->inputs};
    for (size_t i = 0; i < ARRAY_LEN(owned); i++)
        mem_free_secret((char *)owned[i]);
    free(r);
}
