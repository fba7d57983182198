#include "operator/fleet.h"

#include <assert.h>
#include <string.h>

#include "base/key.h"
#include "base/mem.h"
#include "kube/shares.h"
#include "runner/expiry.h"
#include "runner/status.h"
#include "operator/state.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * One runner */

static uint16_t small_number(int64_t number)
{
    return (uint16_t)(number < 0 ? 0 : number > UINT16_MAX ? UINT16_MAX : number);
}

/* None is missing where nobody asks for any: of a spec that cannot be read it is not known how many it asks for. */
static int64_t managers_asked_for(const struct observed *o)
{
    bool asked = o->spec && !o->spec->suspend && !o->deleting;

    return asked ? o->spec->manager.replicas : o->ready_replicas;
}

void runner_facts_learn(struct runner_facts *facts, const struct observed *o)
{
    const char *ready = condition_get(o->status, "Ready", "status");

    facts->ready = ready && strcmp(ready, "True") == 0;
    facts->unready_since = status_unready_since(o->status);
    facts->token_end = expiry_end(o);
    facts->rotation_time = o->spec ? expiry_rotation_time(o) : 0;
    facts->managers_wanted = small_number(managers_asked_for(o));
    facts->managers_ready = small_number(o->ready_replicas);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Those with series of their own */

void fleet_show(struct states *states, struct state *state)
{
    assert(states->shown <= states->shown_max);
    struct key key;

    if (!states->shown_max || !key_parse(state->key, &key) || state->facts.shown || states->shown == states->shown_max)
        return;
    if (!states->shown_by)
        states->shown_by = shares_create(FLEET_SHOWN_MAX);
    if (shares_held(states->shown_by, key.ns) >= states->shown_max - states->shown)
        return;
    shares_take(states->shown_by, key.ns, 1);
    states->shown++;
    state->facts.shown = true;
}

void fleet_hide(struct states *states, struct state *state)
{
    assert(!state->facts.shown || (states->shown > 0 && states->shown_by));
    struct key key;

    if (!state->facts.shown || !key_parse(state->key, &key))
        return;
    shares_give(states->shown_by, key.ns, 1);
    states->shown--;
    state->facts.shown = false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * All of them */

static void take_earlier(int64_t *time, int64_t other)
{
    if (other && (!*time || other < *time))
        *time = other;
}

static bool is_unattended(const struct runner_facts *facts, int64_t now)
{
    return !facts->rotation_time || now > facts->rotation_time;
}

struct fleet fleet_count(const struct states *states, int64_t now)
{
    struct fleet fleet = {.managers_wanted = 0};
    const char *key;
    void *state;

    for (size_t i = 0; map_iter(&states->by_key, &i, &key, &state);) {
        const struct runner_facts *facts = &((const struct state *)state)->facts;
        assert(facts->ready_reason < ARRAY_LEN(fleet.runners));
        fleet.runners[facts->ready_reason]++;
        take_earlier(&fleet.unready_since[facts->ready_reason], facts->unready_since);
        take_earlier(&fleet.token_end, facts->token_end);
        take_earlier(&fleet.rotation_time, facts->rotation_time);
        take_earlier(&fleet.unattended_end, is_unattended(facts, now) ? facts->token_end : 0);
        fleet.managers_wanted += facts->managers_wanted;
        fleet.managers_ready += facts->managers_ready;
    }
    return fleet;
}
