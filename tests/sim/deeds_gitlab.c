/* What people and misfortune do at a GitLab. */
#include <string.h>

#include "base/json.h"
#include "tests/sim/deeds.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

#define SCOPES "create_runner manage_runner read_api"

struct choice {
    uint32_t left; /* so many are to be passed over */
    uint64_t id;   /* the runner that is chosen     */
};

static void count_runner(void *arg, const struct gitlab_runner *runner)
{
    (void)runner;
    ++*(uint32_t *)arg;
}

static void choose_runner(void *arg, const struct gitlab_runner *runner)
{
    struct choice *choice = arg;

    if (choice->left-- == 0)
        choice->id = runner->id;
}

/* 0: it has none. */
static uint64_t some_runner(const struct gitlab_server *gitlab, uint32_t chance)
{
    struct choice choice = {0};
    uint32_t count = 0;

    gitlab_each(gitlab, count_runner, &count);
    if (!count)
        return 0;
    choice.left = chance % count;
    gitlab_each(gitlab, choose_runner, &choice);
    return choice.id;
}

static void disown(struct story *story, int gitlab)
{
    story->seen.disowned[gitlab]++;
    for (int i = 0; i < story->wishes_len; i++)
        story->wishes[i].disowned = true;
}

static void people(struct story *story, const struct step *step)
{
    int g = (int)(step->a % GITLABS);
    struct gitlab_server *gitlab = story->gitlabs[g];
    uint64_t id = some_runner(gitlab, step->b);

    if (!id)
        return;
    static const char *const words[] = {"deletes", "edits", "takes the mark of", "resets the token of"};
    sim_tell(story->sim, "at %s somebody %s runner %llu", gitlab_host(g), words[step->c % 4], (unsigned long long)id);
    story->seen.meddled = true;
    switch (step->c % 4) {
    case 0:
        gitlab_delete_runner(gitlab, id);
        disown(story, g);
        break;
    case 1:
        gitlab_edit_runner(gitlab, id, step->c / 4);
        break;
    case 2:
        gitlab_take_mark(gitlab, id);
        disown(story, g);
        break;
    default:
        gitlab_reset_token(gitlab, id);
        disown(story, g);
    }
}

static void backup(struct story *story, const struct step *step)
{
    gitlab_backup(story->gitlabs[step->a % GITLABS]);
    sim_tell(story->sim, "%s is backed up", gitlab_host((int)(step->a % GITLABS)));
}

static void restored(struct story *story, const struct step *step)
{
    int g = (int)(step->a % GITLABS);

    story->seen.meddled = true;
    gitlab_restore(story->gitlabs[g]);
    for (int i = 0; i < 4; i++)
        disown(story, g);
    sim_tell(story->sim, "%s is restored", gitlab_host(g));
}

static void end_troubles(void *arg)
{
    struct story *story = arg;

    for (int g = 0; g < GITLABS; g++)
        gitlabs_heal(story, g);
}

void gitlabs_heal(struct story *story, int gitlab)
{
    gitlab_trouble(story->gitlabs[gitlab], &(struct gitlab_trouble){0});
    gitlab_block_users(story->gitlabs[gitlab], false);
    gitlab_throttle(story->gitlabs[gitlab], 0);
    gitlab_limit(story->gitlabs[gitlab], 1000);
    gitlab_rights(story->gitlabs[gitlab], story->access[gitlab], SCOPES, GITLAB_ADMIN);
    story->troubled[gitlab] = false;
}

/* Until it heals. */
static void is_troubled(struct story *story, int gitlab, uint32_t chance)
{
    static const int64_t lengths[] = {2000, 20000, 120000, 900000};

    story->sim->figures.gitlab_faults++;
    story->troubled[gitlab] = true;
    sim_later(story->sim, lengths[chance % 4], end_troubles, story);
    sim_tell(story->sim, "… for %lld s", (long long)lengths[chance % 4] / 1000);
}

static void trouble(struct story *story, const struct step *step)
{
    static const int statuses[] = {503, 500, 502, GITLAB_GARBAGE, 504, GITLAB_HALF, 429,
                                   404, 403, 422}; /* the last four: before */
    enum { STATUSES = 10, BEFORE = 6 };
    int g = (int)(step->a % GITLABS);
    const struct gitlab_trouble t = {.status = statuses[step->b % STATUSES],
                                     .after = step->b % STATUSES < BEFORE && step->c & 1,
                                     .retry_after_ms = step->c & 2 ? 30000 : 0};

    gitlab_trouble(story->gitlabs[g], &t);
    sim_tell(story->sim, "%s answers with %d%s", gitlab_host(g), t.status, t.after ? ", after the effect" : "");
    is_troubled(story, g, step->c / 4);
}

static void block(struct story *story, const struct step *step)
{
    int g = (int)(step->a % GITLABS);

    gitlab_block_users(story->gitlabs[g], true);
    sim_tell(story->sim, "%s blocks the users of access tokens", gitlab_host(g));
    is_troubled(story, g, step->b);
}

static void throttle(struct story *story, const struct step *step)
{
    int g = (int)(step->a % GITLABS);

    gitlab_throttle(story->gitlabs[g], 1 + step->c % 8);
    sim_tell(story->sim, "%s takes %u requests a minute", gitlab_host(g), 1 + step->c % 8);
    is_troubled(story, g, step->b);
}

/* The access token has not all that it needs any more. */
static void rights(struct story *story, const struct step *step)
{
    static const struct {
        const char *scopes;
        enum gitlab_role role;
    } all[] = {{SCOPES, GITLAB_DEVELOPER},
               {"create_runner", GITLAB_ADMIN},
               {"manage_runner read_api", GITLAB_ADMIN},
               {"create_runner manage_runner", GITLAB_OWNER},
               {"read_api", GITLAB_ADMIN},
               {SCOPES, GITLAB_MAINTAINER}};
    int g = (int)(step->a % GITLABS);
    uint32_t which = step->c % 6;

    gitlab_rights(story->gitlabs[g], story->access[g], all[which].scopes, all[which].role);
    sim_tell(story->sim, "%s: the access token has %s, and role %d", gitlab_host(g), all[which].scopes,
             (int)all[which].role);
    is_troubled(story, g, step->b);
}

static void limit(struct story *story, const struct step *step)
{
    int g = (int)(step->a % GITLABS);

    gitlab_limit(story->gitlabs[g], step->c % 3);
    sim_tell(story->sim, "%s lets a project have %u runners", gitlab_host(g), step->c % 3);
    is_troubled(story, g, step->b);
}

static void version(struct story *story, const struct step *step)
{
    static const char *const versions[] = {"19.3.1-ee", "19.4.0-pre", "18.0.0", "17.11.2-ee", "20.1.0"};
    int g = (int)(step->a % GITLABS);

    gitlab_version(story->gitlabs[g], versions[step->b % 5]);
    sim_tell(story->sim, "%s is %s now", gitlab_host(g), versions[step->b % 5]);
}

static void registration(struct story *story, const struct step *step)
{
    int g = (int)(step->a % GITLABS);

    gitlab_registration_off(story->gitlabs[g], step->b % 2);
    sim_tell(story->sim, "%s has registration tokens %s", gitlab_host(g), step->b % 2 ? "off" : "on");
}

static void revoke(struct story *story, const struct step *step)
{
    int g = (int)(step->a % GITLABS);

    story->seen.meddled = true;
    if (step->b & 1)
        gitlab_access_ends(story->gitlabs[g], story->access[g], sim_wall(story->sim));
    else
        gitlab_revoke(story->gitlabs[g], story->access[g]);
    story->access[g] = gitlab_access_token(story->gitlabs[g], SCOPES, GITLAB_ADMIN);
    sim_tell(story->sim, "the access token of %s is revoked", gitlab_host(g));
}

const struct deed deeds_gitlab[] = {
    {"at GitLab", 8, people},
    {"trouble at GitLab", 12, trouble},
    {"GitLab's backup", 2, backup},
    {"GitLab's restore", 2, restored},
    {"registration", 3, registration},
    {"revoke", 3, revoke},
    {"users blocked", 2, block},
    {"throttle", 3, throttle},
    {"rights", 2, rights},
    {"limit", 2, limit},
    {"GitLab's version", 1, version},
    {NULL, 0, NULL},
};
