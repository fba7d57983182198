/* Of each object exactly one runner is at GitLab, and of what is gone none. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

struct count {
    struct story *story;
    int gitlab;
    unsigned of[WISHES_MAX], of_greedy[GREEDY_MAX], orphans, untold;
    struct reports reports; /* that are not used yet */
    char last[200];         /* of the orphans */
};

static const struct made *made_of(const struct seen *seen, int gitlab, uint64_t id)
{
    for (unsigned i = seen->made_len; i > 0; i--) /* after a restore numbers are given anew */
        if (seen->made[i - 1].gitlab == gitlab && seen->made[i - 1].id == id)
            return &seen->made[i - 1];
    return NULL;
}

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
 * another one with, as long as its token is held, if need be by the process alone. */
static bool may_be_elsewhere(const struct story *story, const struct wish *wish, const struct gitlab_runner *runner)
{
    struct json_object *object = wish_object(story, wish), *spec = json_get(object, "spec");
    bool waits = story->plan.setup[SETUP_WRONG] && !object_is_ready(object);

    return json_bool_or(spec, "suspend", false) || spec_is_invalid(spec) ||
           (waits && (has_its_token(story, wish, runner) || is_name_taken(story, wish, "secrets", "-runner-token")));
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

static bool counts_for_greedy(struct count *count, const struct gitlab_runner *runner)
{
    const char *mark = strstr(runner->note, MARK_PREFIX);
    char uid[37];

    snprintf(uid, sizeof(uid), "%s", mark ? mark + strlen(MARK_PREFIX) : "");
    int i = greed_number(count->story, uid);
    return i >= 0 && ++count->of_greedy[i] == 1;
}

/* Only the process that has made it knew of it, and that one leads no more; or nobody has its token, and it may stay.
 */
static bool is_forgotten(const struct seen *seen, int gitlab, uint64_t id)
{
    const struct made *made = made_of(seen, gitlab, id);

    return made && (made->lost & LOST_WANTED || (made->lost & LOST_ALONE && made->term < seen->terms));
}

static void count_one(void *arg, const struct gitlab_runner *runner)
{
    struct count *count = arg;

    if (runner->by_hand)
        return;
    for (int i = 0; i < count->story->wishes_len; i++)
        if (counts_for(count, runner, i))
            return;
    if (counts_for_greedy(count, runner))
        return;
    bool told = reports_take(&count->reports, count->gitlab, runner);
    count->orphans++;
    count->untold += !told && !is_forgotten(&count->story->seen, count->gitlab, runner->id);
    snprintf(count->last, sizeof(count->last), "runner %llu (%s)%s", (unsigned long long)runner->id, runner->note,
             told ? "" : ", of which nothing was told");
}

/* Whose object it is, if it is where that one says, and in the way that it says: so it is looked for, or told of, by
 * any process. */
static const struct wish *who_looks_for_it(const struct story *story, const struct made *made,
                                           const struct gitlab_runner *runner)
{
    static const struct {
        const char *scope, *type, *owner;
    } places[] = {{"Project", "project_type", "scope.projectId"},
                  {"Group", "group_type", "scope.groupId"},
                  {"Instance", "instance_type", NULL}};

    for (int i = 0; i < story->wishes_len; i++) {
        struct json_object *object = wish_object(story, &story->wishes[i]), *spec = json_get(object, "spec");
        const char *scope = json_str_or(spec, "scope.type", "");
        bool here = is_marked(runner, object) && !spec_is_invalid(spec) && spec_gitlab(spec) == made->gitlab &&
                    spec_mode(spec) == made->mode;
        for (size_t p = 0; p < ARRAY_LEN(places) && here; p++)
            if (strcmp(scope, places[p].scope) == 0)
                here = strcmp(runner->type, places[p].type) == 0 &&
                       (!places[p].owner || (int64_t)runner->owner == json_int_or(spec, places[p].owner, 0));
        if (here)
            return &story->wishes[i];
    }
    return NULL;
}

/* Its credential goes with it. */
static bool is_namespace_ending(const struct story *story, const char *ns)
{
    return json_get(api_object(story->api, "namespaces", "", ns), "metadata.deletionTimestamp") != NULL;
}

static void note_one_made(void *arg, const struct gitlab_runner *runner)
{
    struct story *story = arg;
    struct made *made = &story->seen.made[story->seen.made_len - 1];

    if (runner->id != made->id)
        return;
    const struct wish *wish = who_looks_for_it(story, made, runner);
    made->lost = !wish ? LOST_ALONE : is_namespace_ending(story, wish->ns) ? LOST_KEYLESS : 0;
}

void runners_note_made(struct story *story, int gitlab, uint64_t id, unsigned mode)
{
    struct seen *seen = &story->seen;

    if (seen->made_len == MADE_MAX)
        memmove(seen->made, seen->made + 1, sizeof(*seen->made) * --seen->made_len);
    seen->made[seen->made_len++] = (struct made){.gitlab = gitlab, .id = id, .term = seen->terms, .mode = mode};
    gitlab_each(story->gitlabs[gitlab], note_one_made, story);
}

struct loss {
    struct story *story;
    struct json_object *object;
    const char *token; /* that is known */
    int gitlab;
    unsigned why;
};

static void note_one_lost(void *arg, const struct gitlab_runner *runner)
{
    const struct loss *loss = arg;
    struct seen *seen = &loss->story->seen;

    if (!is_marked(runner, loss->object) || strcmp(runner->token, loss->token) == 0)
        return;
    for (unsigned i = 0; i < seen->made_len; i++)
        if (seen->made[i].gitlab == loss->gitlab && seen->made[i].id == runner->id)
            seen->made[i].lost |= loss->why;
}

void runners_note_lost(struct story *story, const struct wish *wish, struct json_object *object, unsigned why)
{
    cleanup_arena struct arena a = {0};
    struct json_object *secret = wish_child(story, wish, "secrets", "-runner-token");
    const char *token = base64_decode(json_string(json_member(json_get(secret, "data"), KEY_RUNNER_TOKEN)), NULL, &a);

    for (int g = 0; g < GITLABS; g++) {
        struct loss loss = {story, object, token ? token : "", g, why};
        gitlab_each(story->gitlabs[g], note_one_lost, &loss);
    }
}

static unsigned hard_to_find(const struct seen *seen, int gitlab)
{
    unsigned n = 0;

    for (unsigned i = 0; i < seen->made_len; i++)
        n += seen->made[i].lost & (LOST_ALONE | LOST_KEYLESS) && seen->made[i].gitlab == gitlab;
    return n;
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
    unsigned unheard = seen->unheard + seen->spoiled + ends_of_terms(seen) + seen->disowned[g] + seen->forced +
                       seen->unsearchable + hard_to_find(seen, g);

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
