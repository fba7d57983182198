/* Of each object exactly one runner is at GitLab, and of what is gone none. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "runner/names.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

struct count {
    struct story *story;
    int gitlab;
    unsigned of[WISHES_MAX], orphans, untold;
    struct reports reports; /* that are not used yet */
    char last[200];         /* of the orphans */
};

static bool is_marked(const struct gitlab_runner *runner, struct json_object *object)
{
    const char *mark = strstr(runner->note, MARK_PREFIX), *uid = json_str_or(object, "metadata.uid", "");
    size_t len = strlen(uid);

    return mark && len && strncmp(mark + strlen(MARK_PREFIX), uid, len) == 0;
}

/* "" when there is none. */
static const char *token_of(const struct story *story, const struct wish *wish, struct arena *a)
{
    struct json_object *secret = wish_object(story, wish) ? wish_child(story, wish, "secrets", "-runner-token") : NULL;
    const char *token = base64_decode(json_string(json_member(json_get(secret, "data"), KEY_RUNNER_TOKEN)), NULL, a);

    return token ? token : "";
}

/* An object that was made anew inherits its predecessor's, whose mark it may not be able to change. */
static bool has_its_token(const struct story *story, const struct wish *wish, const struct gitlab_runner *runner)
{
    cleanup_arena struct arena a = {0};

    return strstr(runner->note, MARK_PREFIX) && strcmp(token_of(story, wish, &a), runner->token) == 0;
}

/* One whose token was lost, and that was told of, is registered still. */
static bool has_another(const struct story *story, const struct wish *wish, int gitlab,
                        const struct gitlab_runner *runner)
{
    cleanup_arena struct arena a = {0};
    uint64_t id = gitlab_runner_of(story->gitlabs[gitlab], token_of(story, wish, &a));

    return id && id != runner->id;
}

/* While its object is suspended, or cannot be read, it stays where it is; and while there is nothing to register
 * another one with, as long as its token is held. */
static bool may_be_elsewhere(const struct story *story, const struct wish *wish, const struct gitlab_runner *runner)
{
    struct json_object *object = wish_object(story, wish), *spec = json_get(object, "spec");
    bool waits = story->plan.setup[SETUP_WRONG] && !object_is_ready(object);

    return json_bool_or(spec, "suspend", false) || spec_is_invalid(spec) ||
           (waits && has_its_token(story, wish, runner));
}

static bool counts_for(struct count *count, const struct gitlab_runner *runner, int wish)
{
    struct json_object *object = wish_object(count->story, &count->story->wishes[wish]);

    if (!is_marked(runner, object) && !has_its_token(count->story, &count->story->wishes[wish], runner))
        return false;
    if (has_another(count->story, &count->story->wishes[wish], count->gitlab, runner))
        return false;
    if (spec_gitlab(json_get(object, "spec")) != count->gitlab)
        return may_be_elsewhere(count->story, &count->story->wishes[wish], runner);
    return ++count->of[wish] == 1;
}

static void count_one(void *arg, const struct gitlab_runner *runner)
{
    struct count *count = arg;

    if (runner->by_hand)
        return;
    for (int i = 0; i < count->story->wishes_len; i++)
        if (counts_for(count, runner, i))
            return;
    bool told = reports_take(&count->reports, count->gitlab, runner);
    count->orphans++;
    count->untold += !told;
    snprintf(count->last, sizeof(count->last), "runner %llu (%s)%s", (unsigned long long)runner->id, runner->note,
             told ? "" : ", of which nothing was told");
}

struct loss {
    struct json_object *object;
    const char *token; /* that is known */
    unsigned lost;
};

static void count_lost(void *arg, const struct gitlab_runner *runner)
{
    struct loss *loss = arg;

    loss->lost += is_marked(runner, loss->object) && strcmp(runner->token, loss->token) != 0;
}

void runners_note_lost(struct story *story, const struct wish *wish)
{
    cleanup_arena struct arena a = {0};
    struct json_object *secret = wish_child(story, wish, "secrets", "-runner-token");
    const char *token = base64_decode(json_string(json_member(json_get(secret, "data"), KEY_RUNNER_TOKEN)), NULL, &a);

    for (int g = 0; g < GITLABS; g++) {
        struct loss loss = {.object = wish_object(story, wish), .token = token ? token : ""};
        gitlab_each(story->gitlabs[g], count_lost, &loss);
        story->seen.disowned[g] += loss.lost;
    }
}

static unsigned ends_of_terms(const struct seen *seen)
{
    return seen->terms ? seen->terms - 1 : 0;
}

/* Each runner that no object has was told of, or was taken out of the operator's hands; and there is a reason for it: a
 * registration can be lost when its answer was not heard, or nobody waits until it was looked for, and its user may
 * want it to stay. */
static void check_gitlab(struct story *story, int g)
{
    const struct seen *seen = &story->seen;
    struct count count = {.story = story, .gitlab = g, .reports = {.seen = seen}};
    unsigned unheard = seen->unheard + seen->spoiled + ends_of_terms(seen) + seen->disowned[g] + seen->forced;

    gitlab_each(story->gitlabs[g], count_one, &count);
    if (count.untold > seen->disowned[g])
        sim_broken(story->sim, PROPERTY_RUNNERS, "%s has %u, %u of them untold, such as %s; %u may be", gitlab_host(g),
                   count.orphans, count.untold, count.last, seen->disowned[g]);
    if (count.reports.possible > unheard || count.reports.kept > seen->keepers)
        sim_broken(story->sim, PROPERTY_RUNNERS,
                   "%s has %u, such as %s; %u were lost, and %u may be; %u stay, "
                   "and %u may",
                   gitlab_host(g), count.orphans, count.last, count.reports.possible, unheard, count.reports.kept,
                   seen->keepers);
}

void runners_check(struct story *story)
{
    for (int g = 0; g < GITLABS; g++)
        check_gitlab(story, g);
}
