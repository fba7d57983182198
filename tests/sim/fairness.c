/* An edit is served soon, whatever else is going on. At the end of a story one of these goes on, and the first runner
 * is edited meanwhile. */
#include <stdio.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/network.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

enum { SERVED_WITHIN_MS = 15 * 1000, CALM_AGAIN_MS = 36 * 60 * 1000, NOISE = 40, NOISES = 3 };

static const struct network_weather fine = {.state = NETWORK_UP}, silent = {.state = NETWORK_SILENT};

/* Another GitLab is silent, and its runner is edited first. */
static bool begin_silence(struct story *story)
{
    struct wish *mine = story_wish(story, 0), *other = story_wish(story, 1);
    int dead = other->spec ? spec_gitlab(other->spec) : 0;

    if (story->wishes_len < 2 || !wish_object(story, other) || spec_gitlab(mine->spec) == dead)
        return false;
    network_set(story->sim, -1, gitlab_host(dead), &silent);
    spec_edit(other->spec, other->number, 0, 0x55);
    other->edited_there = true;
    apply_wish(story, other);
    return true;
}

static void end_silence(struct story *story)
{
    network_set(story->sim, -1, NULL, &fine);
}

/* The namespace of another team ends, and its GitLab does not say that a runner may go. */
static bool begin_ending(struct story *story)
{
    if (!begin_silence(story))
        return false;
    story->seen.waits = true;
    user_request(story, "admin", "DELETE", object_path("namespaces", "", story_wish(story, 1)->ns), "application/json",
                 NULL);
    return true;
}

/* Another team's many runners, none of which has a credential. */
static void each_noise(struct story *story, const char *method, const char *path_suffix, int64_t concurrent)
{
    char target[300], name[24];

    for (int i = 0; i < NOISE; i++) {
        snprintf(name, sizeof(name), "noise-%d", i);
        snprintf(target, sizeof(target), "%s%s", object_path(RUNNERS, "ops", name), path_suffix);
        user_request(
            story, "carol", method, target, "application/apply-patch+yaml",
            json_build("{apiVersion: 'gitlab-runners.dev/v1beta1', kind: 'GitLabRunner', metadata: "
                       "{namespace: 'ops', name: %s}, spec: {url: 'https://gitlab-0.example', concurrent: %d, "
                       "authentication: {accessTokenSecretRef: {name: 'missing'}}, scope: {type: 'Instance'}}}",
                       (const char *)name, concurrent));
    }
}

static bool begin_noise(struct story *story)
{
    for (int i = 0; i < NOISES; i++) {
        each_noise(story, "PATCH", "?fieldManager=kubectl&force=true", 1 + i);
        sim_run(story->sim, story->sim->now + 100);
    }
    return true;
}

static void end_noise(struct story *story)
{
    each_noise(story, "DELETE", "", 0);
}

/* The API server sends everybody away for some seconds. */
static bool begin_crowd(struct story *story)
{
    api_trouble(story->api, &(struct api_trouble){.status = 429, .retry_after_ms = 1000});
    return true;
}

static void end_crowd(struct story *story)
{
    api_trouble(story->api, &(struct api_trouble){0});
}

static const struct {
    const char *name;
    bool (*begin)(struct story *story); /* false: it cannot be in this story */
    void (*end)(struct story *story);   /* also when the edit has to be served afterwards */
    int64_t goes_on_ms;                 /* before the edit */
    bool served_after;
    unsigned share; /* of so many stories; one with the noise takes as long as ten others */
} turmoils[] = {
    {"another GitLab is silent", begin_silence, end_silence, 60 * 1000, false, 32},
    {"a namespace ends", begin_ending, end_silence, 60 * 1000, false, 16},
    {"a team is noisy", begin_noise, end_noise, 0, false, 1},
    {"the API server has too much to do", begin_crowd, end_crowd, 5 * 1000, true, 16},
};

/* ARRAY_LEN(turmoils): none. */
static size_t turmoil_of(const struct story *story)
{
    enum { STORIES = 256 };
    unsigned place = (unsigned)(story->plan.seed / 3 % STORIES);
    size_t i = 0;

    for (; i < ARRAY_LEN(turmoils) && place >= turmoils[i].share; i++)
        place -= turmoils[i].share;
    return i;
}

static void check_calm(void *arg)
{
    properties_at_rest(arg);
}

void be_fair(struct story *story)
{
    struct wish *mine = story_wish(story, 0);
    size_t i = turmoil_of(story);

    if (i == ARRAY_LEN(turmoils) || !wish_object(story, mine) || !turmoils[i].begin(story))
        return;
    sim_tell(story->sim, "--- %s", turmoils[i].name);
    sim_run(story->sim, story->sim->now + turmoils[i].goes_on_ms);
    spec_edit(mine->spec, mine->number, 1, 2);
    apply_wish(story, mine);
    if (turmoils[i].served_after)
        turmoils[i].end(story);
    sim_run(story->sim, story->sim->now + SERVED_WITHIN_MS);
    objects_check_served(story, mine);
    turmoils[i].end(story);
    if (!story_settle(story, CALM_AGAIN_MS, check_calm) && !story->plan.setup[SETUP_EXPIRY])
        properties_at_rest(story);
}
