/* Whether everything will stay as it is. */
#include "base/json.h"
#include "tests/sim/story.h"

enum { LOOK_MS = 10 * 1000 };

/* What changes while things are still happening, and what only time changes. */
struct calm {
    unsigned writes, starts;
    int leader;                  /* the last one; -1: nobody */
    int64_t asks_at[WISHES_MAX]; /* when it will ask GitLab; 0: there is more to do; INT64_MAX: about nothing */
};

static struct calm calm_of(const struct story *story)
{
    struct calm calm = {.writes = story->seen.writes, .leader = -1};

    for (int i = 0; i < story->replicas_len; i++) {
        calm.starts += replica_starts(story->replicas[i]);
        if (replica_leads(story->replicas[i]))
            calm.leader = i;
    }
    for (int i = 0; i < story->wishes_len && calm.leader >= 0; i++) {
        const struct wish *wish = &story->wishes[i];
        calm.asks_at[i] =
            wish_object(story, wish) ? replica_asks_at(story->replicas[calm.leader], wish->ns, wish->name) : INT64_MAX;
    }
    return calm;
}

/* Jobs end before a Deployment does, and what has no owner is let go after a while. */
static bool goes_on(const struct story *story, int leader)
{
    bool on = leader >= 0 && replica_removes(story->replicas[leader]);

    for (int i = 0; i < story->wishes_len; i++)
        on |= json_get(wish_child(story, &story->wishes[i], "deployments", "-runner"), "metadata.deletionTimestamp") !=
              NULL;
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
    bool calm = now->leader >= 0;

    for (int i = 0; i < story->wishes_len; i++)
        calm &= then->asks_at[i] < now->asks_at[i] || then->asks_at[i] == INT64_MAX;
    return calm;
}

/* Twice, as a question to GitLab may be under way. */
void story_settle(struct story *story, int64_t within_ms, void (*check)(void *arg))
{
    struct sim *sim = story->sim;
    int64_t deadline = sim->now + within_ms;
    struct calm then = calm_of(story), now;
    unsigned calm = 0;

    while (sim->now < deadline && (calm < 2 || !sim_try(sim, check, story))) {
        sim_run(sim, sim->now + LOOK_MS < deadline ? sim->now + LOOK_MS : deadline);
        now = calm_of(story);
        bool stir = is_stir(story, &then, &now);
        if (stir)
            then = now;
        calm = !stir && is_calm(story, &then, &now) ? calm + 1 : 0;
    }
}
