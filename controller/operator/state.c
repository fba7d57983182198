#include "operator/state.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/keep.h"
#include "base/mem.h"
#include "kube/shares.h"
#include "operator/kept.h"

struct subject {
    struct record record;
    struct arena mem;
};

void state_keep_subject(struct state *state, const struct record *record)
{
    struct subject *former = take(state->subject);

    assert(!former || record != &former->record);
    if (record) {
        state->subject = mem_alloc(sizeof(*state->subject));
        *state->subject = (struct subject){.record.uid = NULL};
        state->subject->record = record_copy(&kept_layouts[KIND_RUNNER], record, &state->subject->mem);
    }
    if (former)
        arena_finish(&former->mem);
    free(former);
}

const struct record *state_subject(const struct state *state)
{
    return state->subject ? &state->subject->record : NULL;
}

static void state_finish(struct state *state)
{
    assert(!state->errand);
    state_keep_subject(state, NULL);
    memory_finish(&state->memory);
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

static void state_follow(struct state *state, const char *uid, int64_t generation)
{
    if (!state->uid || strcmp(state->uid, uid) != 0)
        begin_state_anew(state, uid);
    memory_follow(&state->memory, generation);
}

void state_observe(struct state *state, struct observed *o, struct arena *a)
{
    assert(o->owner.uid);
    state_follow(state, o->owner.uid, o->generation);
    o->memory = &state->memory;
    observe_fingerprints(o, &state->wanted, a);
}
