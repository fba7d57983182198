/* Whether everything will stay as it is. */
#include "base/json.h"
#include "kube/rounds.h"
#include "kube/shares.h"
#include "kube/store.h"
#include "runner/names.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

enum {
    LOOK_MS = 10 * 1000,
    QUIET_MS = 70 * 1000, /* requests wait for a minute, and what has no owner is looked at once a minute */
};

/* What changes while things are still happening, and what only time changes. */
struct calm {
    unsigned writes, starts;
    int leader; /* the last one; -1: nobody */
    int64_t at_ms;
    int64_t asks_at[WISHES_MAX]; /* when it will ask GitLab; 0: there is more to do. Without an object: now */
};

static int some_leader(const struct story *story)
{
    int leader = -1;

    for (int i = 0; i < story->replicas_len; i++)
        if (replica_leads(story->replicas[i]))
            leader = i;
    return leader;
}

struct versions {
    const struct story *story;
    const struct replica *leader;
    bool old; /* one of them is */
};

/* Only an access token is told of it. */
static void look_at_version(void *arg, struct json_object *object)
{
    struct versions *versions = arg;
    struct json_object *spec = json_get(object, "spec");
    int major, minor;

    if (spec_mode(spec) != MODE_ACCESS)
        return;
    if (!replica_heard_version(versions->leader, json_str_or(object, "metadata.namespace", ""),
                               json_str_or(object, "metadata.name", ""), &major, &minor))
        versions->old |= object_is_ready(object); /* it will be */
    else
        versions->old |= !gitlab_is_version(versions->story->gitlabs[spec_gitlab(spec)], major, minor);
}

bool story_waits_for_version(const struct story *story)
{
    int leader = some_leader(story);
    struct versions versions = {.story = story};

    if (leader < 0 || !story->plan.setup[SETUP_CHECK])
        return false;
    versions.leader = story->replicas[leader];
    api_each(story->api, RUNNERS, look_at_version, &versions);
    return versions.old;
}

static struct calm calm_of(const struct story *story)
{
    struct calm calm = {.writes = story->seen.writes, .leader = some_leader(story), .at_ms = story->sim->now};

    for (int i = 0; i < story->replicas_len; i++)
        calm.starts += replica_starts(story->replicas[i]);
    for (int i = 0; i < story->wishes_len && calm.leader >= 0; i++) {
        const struct wish *wish = &story->wishes[i];
        bool asks = wish_object(story, wish) && !greed_is_in(story, wish->ns);
        calm.asks_at[i] = asks ? replica_asks_at(story->replicas[calm.leader], wish->ns, wish->name) : calm.at_ms;
    }
    return calm;
}

bool ledger_has_some(const struct story *story)
{
    struct json_object *ledger = api_object(story->api, "secrets", OPERATOR_NAMESPACE, LEDGER_NAME);

    return json_first(json_get(ledger, "data")).key != NULL;
}

/* Who was left out is looked at once a minute. */
static bool lets_some_in(const struct replica *replica)
{
    const struct shares *shares = store_shares(replica_store(replica));

    return shares_left_out(shares, NULL) && shares_have_room(shares);
}

/* Jobs end before a Deployment does, what has no owner is let go after a while, and so are runners in the ledger. */
static bool goes_on(const struct story *story, int leader)
{
    const struct replica *replica = leader >= 0 ? story->replicas[leader] : NULL;
    bool on = ledger_has_some(story) || story_waits_for_version(story) ||
              (replica && (replica_removes(replica) || lets_some_in(replica)));

    for (int i = 0; i < story->wishes_len; i++) {
        const struct wish *wish = &story->wishes[i];
        struct json_object *deployment = wish_child(story, wish, "deployments", "-runner");
        on |= json_get(deployment, "metadata.deletionTimestamp") ||
              (!wish_object(story, wish) && wish_child(story, wish, "secrets", "-runner-token"));
    }
    return on;
}

static bool is_stir(const struct story *story, const struct calm *then, const struct calm *now)
{
    bool stir = now->writes != then->writes || now->starts != then->starts || now->leader != then->leader ||
                story->sim->now < story->seen.due;

    for (int i = 0; i < story->wishes_len; i++)
        stir |= !then->asks_at[i];
    for (int i = 0; i < story->replicas_len; i++)
        stir |= replica_stands_still(story->replicas[i]);
    return stir || goes_on(story, now->leader);
}

/* GitLab was asked about each runner meanwhile, and there was nothing to do. */
static bool is_calm(const struct story *story, const struct calm *then, const struct calm *now)
{
    bool calm = now->leader >= 0 && now->at_ms - then->at_ms >= QUIET_MS;

    for (int i = 0; i < story->wishes_len; i++)
        calm &= then->asks_at[i] < now->asks_at[i];
    return calm;
}

/* Where Secrets are read by their names, what has become of one shows in the next round. */
static int64_t all_is_seen_at(const struct story *story)
{
    return story->sim->now + (story->plan.setup[SETUP_SECRETS] ? ROUND_MS * 5 / 4 : 0);
}

/* What GitLab said last may still lead to something. */
bool story_settle(struct story *story, int64_t within_ms, void (*check)(void *arg))
{
    struct sim *sim = story->sim;
    int64_t deadline = sim->now + within_ms, seen_at = all_is_seen_at(story);
    struct calm then = calm_of(story), now;
    unsigned calm_looks = 0;

    while (sim->now < deadline) {
        if (calm_looks >= 2 && sim_try(sim, check, story))
            return true;
        sim_run(sim, sim->now + LOOK_MS < deadline ? sim->now + LOOK_MS : deadline);
        now = calm_of(story);
        bool stir = sim->now < seen_at || is_stir(story, &then, &now), calm = is_calm(story, &then, &now);
        calm_looks = stir ? 0 : calm_looks + (calm || calm_looks > 0);
        if (stir || calm)
            then = now;
    }
    return false;
}
