#include "tests/sim/patterns.h"

#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/deeds.h"
#include "tests/sim/story.h"

enum { LAG_VERSIONS = 6, LAG_MS = 60000 };

const char *pattern_name(enum pattern pattern)
{
    static const char *const names[PATTERNS] = {"none", "stale", "between", "unobserved"};

    assert(pattern < PATTERNS);
    return names[pattern];
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A life */

static const struct {
    const char *deed;
    uint32_t b, c;
} life[] = {
    {"edit", 0, 3},     /* tags */
    {"edit", 1, 1},     /* image */
    {"edit", 3, 2},     /* replicas */
    {"annotate", 0, 1}, /* another token */
    {"edit", 8, 1},     /* the jobs' namespace */
    {"edit", 12, 1},    /* the cache */
    {"edit", 9, 0},     /* url */
    {"edit", 10, 0},    /* by another token */
    {"annotate", 1, 1}, /* other pods */
    {"edit", 16, 1},    /* the managers' ServiceAccount */
    {"damage a child", 0, 0}, {"delete", 0, 0}, {"apply", 0, 0},
};

void plan_life(struct plan *ret, unsigned mode)
{
    static const uint32_t first[] = {0, 2, 3};

    static_assert(ARRAY_LEN(life) <= STEPS_MAX, "plan.h");
    *ret = (struct plan){.seed = 1, .len = ARRAY_LEN(life), .noise_until = 0};
    ret->setup[SETUP_REPLICAS] = ret->setup[SETUP_HOSTS] = ret->setup[SETUP_LEASE] = ret->setup[SETUP_CHECK] = 1;
    ret->setup[SETUP_DELETED] = 1;
    ret->setup[SETUP_FIRST] = first[mode % ARRAY_LEN(first)];
    for (size_t i = 0; i < ARRAY_LEN(life); i++)
        ret->steps[i] =
            (struct step){.after_ms = 15000, .deed = deed_named(life[i].deed), .b = life[i].b, .c = life[i].c};
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What happens at a place of it */

static void end_lag(void *arg)
{
    struct story *story = arg;

    for (int i = 0; i < API_HOSTS; i++)
        api_lag(story->api, api_host(i), NULL, 0);
}

static void kill_leader(struct story *story, int64_t again_ms)
{
    for (int i = 0; i < story->replicas_len; i++)
        if (replica_leads(story->replicas[i]))
            replica_kill(story->replicas[i], again_ms);
}

static void strike(void *arg)
{
    struct story *story = arg;

    sim_tell(story->sim, "--- after write %u: %s", story->plan.place, pattern_name(story->plan.pattern));
    switch ((enum pattern)story->plan.pattern) {
    case PATTERN_STALE:
        for (int i = 0; i < API_HOSTS; i++)
            api_lag(story->api, api_host(i), NULL, LAG_VERSIONS);
        sim_later(story->sim, LAG_MS, end_lag, story);
        kill_leader(story, 2 * LAG_MS);
        break;
    case PATTERN_BETWEEN:
        kill_leader(story, 0);
        break;
    case PATTERN_UNOBSERVED:
        for (int i = 0; i < API_HOSTS; i++)
            api_end_watches(story->api, api_host(i), true);
        api_compact(story->api);
        break;
    case PATTERN_NONE:
    case PATTERNS:
        break;
    }
}

void pattern_saw_write(struct story *story, unsigned n)
{
    if (story->plan.pattern && n == story->plan.place)
        sim_later(story->sim, 0, strike, story);
}
