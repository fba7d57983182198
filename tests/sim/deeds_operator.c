/* What becomes of the operator's own credential and rights at the API server. All of it ends, at the latest when all
 * heals. */
#include <stdio.h>
#include <string.h>

#include "tests/sim/deeds.h"
#include "tests/sim/story.h"

static const char *const files[] = {"its file has the new one", "its file has the old one for a while",
                                    "and the same one works again later"};

/* Only the token that is valid now is taken, and whoever reads it from a file finds it there. */
void operator_mend(struct story *story)
{
    api_accept_token(story->api, NULL, NULL);
    api_accept_token(story->api, story->token, OPERATOR_USER);
    for (int i = 0; i < story->replicas_len; i++)
        replica_give_token(story->replicas[i], story->token);
}

static void on_token_time(void *arg)
{
    struct story *story = arg;

    sim_tell(story->sim, "the operator's token is %s", story->token);
    operator_mend(story);
}

/* As the kubelet replaces the token in a pod's volume, in time or too late; or the API server cannot tell for a while
 * whose it is. Without a file it stays the same one. */
static void token(struct story *story, const struct step *step)
{
    unsigned how = story->plan.setup[SETUP_TOKEN] ? step->b % 3 : 2;
    static const int64_t spans[] = {1000, 20000, 90000, 400000};

    sim_tell(story->sim, "the operator's token is refused: %s", files[how]);
    if (how < 2)
        snprintf(story->token, sizeof(story->token), OPERATOR_TOKEN "%u", (unsigned)step->a % 1000);
    api_accept_token(story->api, NULL, NULL);
    if (how < 2)
        api_accept_token(story->api, story->token, OPERATOR_USER);
    for (int i = 0; i < story->replicas_len && how == 0; i++)
        replica_give_token(story->replicas[i], story->token);
    if (how > 0)
        sim_later(story->sim, spans[step->c % 4], on_token_time, story);
}

static void on_rights_time(void *arg)
{
    struct story *story = arg;

    sim_tell(story->sim, "the operator has its rights again");
    api_deny(story->api, OPERATOR_USER, NULL, NULL, false);
}

/* Its ClusterRole is deleted, and made again. */
static void rights(struct story *story, const struct step *step)
{
    static const int64_t spans[] = {1000, 30000, 120000, 400000};

    sim_tell(story->sim, "the operator has no rights");
    api_deny(story->api, OPERATOR_USER, NULL, NULL, true);
    sim_later(story->sim, spans[step->a % 4], on_rights_time, story);
}

const struct deed deeds_operator[] = {
    {"the operator's token", 4, token},
    {"the operator's rights", 3, rights},
    {NULL, 0, NULL},
};
