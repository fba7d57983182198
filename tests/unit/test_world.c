/* From thousands of random worlds, and with a crash of the process after any action, the rules come to rest, stay
 * there, and leave neither GitLab nor Kubernetes in a state that nobody asked for.
 *
 *   WORLDS=n          how many worlds are tried: half of them are always the same, the others those of the day
 *   CRASHED_WORLDS=n  in how many of them the process dies at every action
 *   WORLD_DAY=n       the worlds of another day, counted from 1970
 *   WORLD_SEED=n      only this one, with its story
 *
 * A world in which a property does not hold is made as small as it can be before it is shown. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "reasons.h"
#include "runner/names.h"
#include "runner/status.h"
#include "world.h"
#include "world_obstacles.h"

#ifdef __SANITIZE_ADDRESS__
enum { WORLDS = 600, CRASHED_WORLDS = 10 }; /* for what only it sees; the plain build tries many more */
#else
enum { WORLDS = 6000, CRASHED_WORLDS = 80 }; /* in these every action is tried as the last one of a process */
#endif
enum { WORLDS_A_DAY = 1000000 };
enum { CHANGES_MAX = 60 }; /* of one run from its beginning to rest, whatever goes wrong */
/* Every ten minutes by id, and by token where that is refused; and besides for half an hour every twenty seconds, if
 * GitLab asks for that. Nothing is asked every second. */
enum { LOOKS_AN_HOUR = 14, LOOKS_MAX = 240, HOUR_MS = 3600 * 1000 };

/* ------------------------------------------------------------------------------------------------------------------
 * What is true of a world.
 */
static enum place place_of_jobs(const struct world *w)
{
    enum place place = PLACE_OWN;

    while (place < PLACE_OTHER && strcmp(world_wish(w)->spec.namespace, place_name(place)) != 0)
        place++;
    return place;
}

static const struct object *child_of(const struct world *w, enum child child)
{
    return &w->api.children[child][child_is_binding(child) ? place_of_jobs(w) : PLACE_OWN];
}

static bool object_is_ours(const struct object *object)
{
    return object->exists && object->owner == OUR_UID && !object->terminating;
}

/* GitLab was told the attributes of now. With a registration token nobody can ask what it was told before the token
 * Secret was lost, so an edit at the same time is not noticed; nor at the time of an inheritance, because the object's
 * uid, which is another one now, is among the attributes. */
static bool attributes_are_told(struct world *w, const struct remote_runner *r, struct arena *a)
{
    const struct spec *spec = &world_wish(w)->spec;
    const struct attributes wanted = world_attributes(w);
    const char *hash = attributes_hash(&wanted, a);
    bool unknowable = spec->authentication == AUTH_REGISTRATION_TOKEN && w->scenario->options[OPT_EDIT] == EDIT_TAGS &&
                      w->journal.calls[GITLAB_RESTORE] + w->journal.calls[GITLAB_INHERIT] > 0;

    return strcmp(child_of(w, CHILD_TOKEN_SECRET)->told_hash, hash) == 0 &&
           (unknowable || strcmp(r->attributes, hash) == 0);
}

static bool given(const struct world *w, enum option o)
{
    return w->scenario->options[o] != 0;
}

static bool gitlab_is_dead(const struct world *w)
{
    const struct wish *wish = world_wish(w);

    return server_is_dead(w, wish->valid ? wish->spec.url : "");
}

/* The credential shows, now that all has settled, what somebody does to the runner at GitLab. */
static bool can_see(const struct world *w)
{
    return world_wish(w)->spec.authentication == AUTH_ACCESS_TOKEN && !given(w, OPT_NO_SEARCH) &&
           !trouble_lasts(w, OPT_CREDENTIAL) && !trouble_lasts(w, OPT_CA_TROUBLE) && !gitlab_is_dead(w);
}

/* Nobody waits for another token: it has more than a quarter of its life, and who asked for a new one has got it. */
static bool token_is_new_enough(const struct world *w, const struct remote_runner *r)
{
    char wanted[sizeof(child_of(w, CHILD_TOKEN_SECRET)->rotation)];

    snprintf(wanted, sizeof(wanted), "r%d", w->api.rotations);
    return (!w->api.rotations || strcmp(child_of(w, CHILD_TOKEN_SECRET)->rotation, wanted) == 0) &&
           (!r->expires_at || w->now_ms / 1000 < r->expires_at - 3600);
}

/* The token Secret is of a runner as the spec asks for one. */
static bool registration_is_recorded(const struct world *w)
{
    struct arena a cleanup_arena = {0};
    const struct spec *spec = &world_wish(w)->spec;
    const struct object *secret = child_of(w, CHILD_TOKEN_SECRET);

    return object_is_ours(secret) && secret->held && strcmp(secret->url, spec->url) == 0 &&
           strcmp(secret->scope, scope_text(spec, &a)) == 0 &&
           strcmp(secret->authentication, authentication_name(spec->authentication)) == 0;
}

/* … and GitLab has this runner, as the spec says. */
static bool gitlab_agrees(struct world *w)
{
    struct arena a cleanup_arena = {0};
    const struct spec *spec = &world_wish(w)->spec;
    const struct object *secret = child_of(w, CHILD_TOKEN_SECRET);
    const struct remote_runner *r = gitlab_runner(w, spec->url, secret->token);
    bool users_own = spec->authentication == AUTH_RUNNER_TOKEN;

    return r && r->ours != users_own && r->id == secret->runner_id &&
           (users_own || (attributes_are_told(w, r, &a) && token_is_new_enough(w, r))) &&
           (!can_see(w) || (r->paused == world_attributes(w).paused && r->mark == OUR_UID));
}

static bool child_is_true(const struct world *w, enum child child)
{
    const struct wanted *wanted = &world_wish(w)->wanted[child];
    const struct object *object = child_of(w, child);

    if (!wanted->wanted)
        return !object_is_ours(object);
    return object_is_ours(object) && !object->drifted && strcmp(object->hash, wanted->hash) == 0;
}

/* The config Secret was made from the token, the CA and the cache's keys of now. */
static bool config_is_fresh(const struct world *w)
{
    const struct spec *spec = &world_wish(w)->spec;
    const struct object *config = child_of(w, CHILD_CONFIG_SECRET), *token = child_of(w, CHILD_TOKEN_SECRET);
    char inputs[sizeof(config->inputs)];
    int len = snprintf(inputs, sizeof(inputs), "token=%d", token->version);

    if (spec->ca.name)
        len += snprintf(inputs + len, sizeof(inputs) - len, " ca=%d", w->api.ca[spec->ca_in_config_map].version);
    if (spec->cache)
        snprintf(inputs + len, sizeof(inputs) - len, " cache=%d", w->api.cache.version);
    return strcmp(config->inputs, inputs) == 0 && strcmp(config->token, token->token) == 0 &&
           config->ca == (spec->ca.name != NULL);
}

static bool input_is(const char *is, const char *name, int number)
{
    char text[16];

    snprintf(text, sizeof(text), "%s%d", name, number);
    return is && strcmp(is, text) == 0;
}

/* The pods have tokens of the account that there is, and are those that somebody has asked for. */
static bool pods_are_new_enough(const struct world *w)
{
    struct arena a cleanup_arena = {0};
    const struct object *account = child_of(w, CHILD_SERVICE_ACCOUNT), *manager = child_of(w, CHILD_DEPLOYMENT);
    const char *of = input_of(manager->inputs, INPUT_ACCOUNT, &a),
               *restarted = input_of(manager->inputs, INPUT_RESTART, &a);
    bool theirs = world_wish(w)->spec.manager.service_account_name;

    return (theirs || !of || input_is(of, "uid-", account->uid)) &&
           (!w->api.restarts || input_is(restarted, "r", w->api.restarts));
}

static bool manager_is_true(const struct world *w)
{
    bool ret = !w->api.places[place_of_jobs(w)].closed;

    for (enum child child = CHILD_CONFIG_SECRET; child < CHILD_COUNT; child++)
        ret = ret && child_is_true(w, child);
    return ret && config_is_fresh(w) && pods_are_new_enough(w) && child_of(w, CHILD_DEPLOYMENT)->rolled_out;
}

/* What has to stay as long as the runner is there: its CA, the keys of its cache, and a token that is the user's own.
 */
static bool inputs_are_there(const struct world *w)
{
    const struct spec *spec = &world_wish(w)->spec;
    const struct value *theirs = &w->api.credentials[AUTH_RUNNER_TOKEN];
    const struct object *secret = child_of(w, CHILD_TOKEN_SECRET);
    char inputs[sizeof(secret->inputs)];

    snprintf(inputs, sizeof(inputs), "credential=%d", theirs->version);
    return (!spec->ca.name || w->api.ca[spec->ca_in_config_map].trouble == VALUE_FINE) &&
           (!spec->cache || w->api.cache.trouble == VALUE_FINE) &&
           (spec->authentication != AUTH_RUNNER_TOKEN ||
            (theirs->trouble == VALUE_FINE && strcmp(secret->inputs, inputs) == 0));
}

/* Objects of ours outside of the object's own namespace that the spec does not lead to. */
static int strays(const struct world *w)
{
    int count = 0;

    for (enum child child = 0; child < CHILD_COUNT; child++)
        for (enum place place = PLACE_JOBS; place < PLACES; place++) {
            const struct object *binding = &w->api.children[child][place];
            count +=
                object_is_ours(binding) && !(w->api.exists && world_wish(w)->valid && binding == child_of(w, child));
        }
    return count;
}

static bool cluster_is_right(const struct world *w)
{
    const struct wish *wish = world_wish(w);

    return !w->api.deleting && wish->valid && !wish->spec.suspend && w->api.finalizer && inputs_are_there(w) &&
           registration_is_recorded(w) && manager_is_true(w) && strays(w) == 0;
}

static bool all_is_right(struct world *w)
{
    return cluster_is_right(w) && gitlab_agrees(w);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What may be in the way.
 */
static bool damaged(const struct world *w, enum damage damage)
{
    const int *o = w->scenario->options;

    return o[OPT_DAMAGE] == (int)damage || o[OPT_DAMAGE_2] == (int)damage;
}

/* An access token for the same place all the time, with the right to look: nothing can get lost. */
static bool can_always_search(const struct world *w)
{
    const struct wish *first = &w->scenario->wishes[0];

    return first->valid && first->spec.authentication == AUTH_ACCESS_TOKEN && !world_moves(w) &&
           !given(w, OPT_NO_SEARCH);
}

/* The policy is, or was, to leave the runner at GitLab. */
static bool may_be_kept(const struct world *w)
{
    const struct wish *wishes = w->scenario->wishes;

    return wishes[0].spec.deletion_policy == DELETION_ORPHAN || wishes[1].spec.deletion_policy == DELETION_ORPHAN;
}

static bool only_users_own(const struct world *w)
{
    const struct wish *first = &w->scenario->wishes[0];

    return first->spec.authentication == AUTH_RUNNER_TOKEN && w->scenario->options[OPT_EDIT] != EDIT_MODE &&
           w->scenario->options[OPT_EDIT] != EDIT_MODE_BACK;
}

/* Somebody at GitLab did something to the runner, and GitLab tells nothing; or, without managers whose silence would be
 * noticed, the credential does not show the runner, or it was done to the token, which no credential shows. Then only
 * what GitLab has may be wrong. */
static bool nobody_can_know(const struct world *w)
{
    const struct wish *wish = world_wish(w);
    bool unused = wish->valid && wish->spec.manager.replicas == 0,
         unseen = !can_see(w) || w->scenario->options[OPT_REMOTE] == REMOTE_RESET;

    return given(w, OPT_REMOTE) && ((unused && unseen) || gitlab_is_dead(w));
}

/* ------------------------------------------------------------------------------------------------------------------
 * The properties. Each says what is wrong, or NULL.
 */
static const char *calm(struct world *w, bool rested)
{
    if (w->journal.violation[0])
        return w->journal.violation;
    if (!rested)
        return "does not come to rest";
    if (w->looks > LOOKS_MAX + LOOKS_AN_HOUR * (w->now_ms - w->began_ms) / HOUR_MS)
        return "asks GitLab for the runner again and again";
    return w->journal.changes > CHANGES_MAX ? "comes to rest too late" : NULL;
}

static const char *shown(struct world *w)
{
    const char *ready = condition_get(w->api.status, "Ready", "status"),
               *reason = condition_get(w->api.status, "Ready", "reason");
    const struct wish *wish = world_wish(w);

    if (!ready)
        return "the status has no condition Ready";
    if (!reason_is_known(reason))
        return arena_printf(&w->mem, "the reason %s is not in the list", reason);
    if (strcmp(ready, "True") == 0 && (strcmp(reason, "Paused") == 0) != world_attributes(w).paused)
        return "paused, and does not say so, or the other way round";
    if (strcmp(ready, "True") == 0)
        return cluster_is_right(w) && (gitlab_agrees(w) || nobody_can_know(w)) ? NULL : "Ready, but something is wrong";
    bool paused = !w->api.deleting && !w->process.memory.issued; /* else there is something more urgent to say */
    if (!wish->valid && paused)
        return strcmp(reason, "InvalidSpec") == 0 ? NULL : "an invalid spec is not said to be invalid";
    if (wish->valid && wish->spec.suspend && paused)
        return strcmp(reason, "Suspended") == 0 ? NULL : "suspended, but does not say so";
    if (all_is_right(w))
        return "all is right, but not Ready";
    if (!needs_a_person(w))
        return "nothing is in the way, but something is wrong";
    return reason_is_expected(w, reason) ? NULL : arena_printf(&w->mem, "%s is said, which is not in the way", reason);
}

static const char *rights_are_withdrawn(struct world *w)
{
    bool closed = strcmp(condition_get(w->api.status, "Ready", "reason"), "NamespaceNotAllowed") == 0;

    for (enum child child = 0; child < CHILD_COUNT; child++)
        if (closed && child_is_binding(child) && object_is_ours(child_of(w, child)))
            return "the manager has rights in a closed namespace";
    return NULL;
}

/* Each value that somebody asks with is honoured once, whatever dies in between. */
static const char *rotated_once(struct world *w)
{
    return given(w, OPT_EXPIRES) || w->journal.rotated <= (w->api.rotations > 0) ? NULL : "a token is replaced twice";
}

/* What may cost a token. */
static int accidents(const struct world *w)
{
    return w->journal.crashes + w->journal.lost_answers + damaged(w, DAMAGE_FORCED) + damaged(w, DAMAGE_REPLACED) +
           damaged(w, DAMAGE_EMPTIED) + damaged(w, DAMAGE_BARE);
}

/* A token that somebody resets, or that expires, is not renewed while the object is suspended or its spec invalid. */
static bool token_may_be_dead(const struct world *w)
{
    const struct wish *wish = world_wish(w);

    return (w->scenario->options[OPT_REMOTE] == REMOTE_RESET || given(w, OPT_EXPIRES)) &&
           (!wish->valid || wish->spec.suspend);
}

/* A token that was lost cannot be traced once the spec has moved on; nor can its runner without our mark, which
 * somebody took away, or which an inherited runner has not got yet. */
static const char *nothing_leaked(struct world *w)
{
    const struct leaked lost = world_leaked(w);
    bool dies = w->scenario->options[OPT_REMOTE] == REMOTE_RESET || given(w, OPT_EXPIRES); /* also in the ledger */
    int reported = w->journal.possible_orphans + w->journal.orphans + (dies ? w->journal.recorded : 0),
        cost = accidents(w);
    int unmarked = lost.unmarked < cost ? lost.unmarked : cost, untraceable = world_moves(w) ? cost : unmarked;
    bool undisturbed = w->journal.crashes + w->journal.lost_answers == 0 && !needs_a_person(w) &&
                       !given(w, OPT_DAMAGE) && !given(w, OPT_DAMAGE_2) && !token_may_be_dead(w) && !nobody_can_know(w);
    bool settled = !w->api.exists || all_is_right(w) || undisturbed;

    if (!settled || (!w->api.exists && may_be_kept(w)))
        return NULL;
    if (can_always_search(w) && w->api.exists && lost.count > lost.unmarked)
        return "a runner is leaked though it could have been found";
    return lost.count > reported + untraceable ? "a runner is leaked, and nobody is told" : NULL;
}

static const char *users_runners_are_theirs(struct world *w)
{
    const int *calls = w->journal.calls;

    if (only_users_own(w) && calls[GITLAB_REGISTER] + calls[GITLAB_CREATE] + calls[GITLAB_DEREGISTER] +
                                     calls[GITLAB_REMOVE] + calls[GITLAB_RESET] + calls[GITLAB_ROTATE] +
                                     calls[GITLAB_UPDATE] >
                                 0)
        return "the user's own runner is more than verified";
    return NULL;
}

static const char *deleted(struct world *w)
{
    const struct wish *wish = world_wish(w);

    if (w->api.exists)
        return w->api.deleting && !reason_is_expected(w, "Forbidden") ? "deleted, but stays" : NULL;
    if (strays(w) > 0 && !given(w, OPT_FROZEN)) /* an old view may show it only when the object is gone */
        return "something is left in another namespace";
    if (w->api.children[CHILD_TOKEN_SECRET][PLACE_OWN].held)
        return "the token Secret cannot go";
    if (wish->valid && wish->spec.deletion_policy == DELETION_ORPHAN && w->scenario->options[OPT_EDIT] == 0 &&
        w->journal.calls[GITLAB_DEREGISTER] + w->journal.calls[GITLAB_REMOVE] > 0)
        return "the runner was to be kept";
    return NULL;
}

static const char *problem_of(struct world *w, bool rested)
{
    const char *problem = calm(w, rested);

    problem = problem ? problem : users_runners_are_theirs(w);
    problem = problem ? problem : rotated_once(w);
    problem = problem ? problem : deleted(w);
    problem = problem || !w->api.exists ? problem : shown(w);
    problem = problem || !w->api.exists ? problem : rights_are_withdrawn(w);
    return problem ? problem : nothing_leaked(w);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Trying worlds.
 */
struct trial {
    char problem[256]; /* "": none */
    struct journal journal;
};

static struct trial try_world(const struct scenario *s, struct crash crash, FILE *trace)
{
    struct trial trial = {.problem = ""};
    struct world w;

    world_init(&w, s, crash, trace);
    bool rested = world_run(&w);
    const char *problem = problem_of(&w, rested);
    if (problem)
        snprintf(trial.problem, sizeof(trial.problem), "%s", problem);
    trial.journal = w.journal;
    world_finish(&w);
    return trial;
}

static struct trial try_options(uint64_t seed, const int options[OPTIONS], struct crash crash, FILE *trace)
{
    struct scenario s;

    scenario_init(&s, seed, options);
    struct trial trial = try_world(&s, crash, trace);
    scenario_finish(&s);
    return trial;
}

static const struct crash no_crash = {.at = -1};

/* Takes away what is not needed for the problem: options, then the crash. */
static void make_small(uint64_t seed, int options[OPTIONS], struct crash *crash)
{
    for (int i = 0; i < OPTIONS; i++)
        while (options[i] > 0) {
            int fewer[OPTIONS];
            memcpy(fewer, options, sizeof(fewer));
            fewer[i] = 0;
            if (!try_options(seed, fewer, *crash, NULL).problem[0]) {
                fewer[i] = options[i] - 1;
                bool counts = i == OPT_EDIT_AT || i == OPT_DELETE_AT || i == OPT_DAMAGE_AT || i == OPT_DAMAGE_AT_2;
                if (!counts || !try_options(seed, fewer, *crash, NULL).problem[0])
                    break;
            }
            memcpy(options, fewer, sizeof(fewer));
        }
    if (try_options(seed, options, no_crash, NULL).problem[0])
        *crash = no_crash;
}

static void show_and_fail(uint64_t seed, const int drawn[OPTIONS], struct crash crash)
{
    int options[OPTIONS];
    struct scenario s;

    memcpy(options, drawn, sizeof(options));
    make_small(seed, options, &crash);
    scenario_init(&s, seed, options);
    fprintf(stderr, "\nWORLD_SEED=%llu; at its smallest: ", (unsigned long long)seed);
    scenario_print(&s, stderr);
    if (crash.at >= 0)
        fprintf(stderr, "with a crash at action %d, %s it\n", crash.at, crash.effect ? "after" : "before");
    struct trial trial = try_world(&s, crash, stderr);
    scenario_finish(&s);
    fail_msg("%s", trial.problem);
}

/* The process dies at every action, once before and once after it had its effect. False at the first that is not
 * survived. */
static bool survives_crashes(const struct scenario *s, int actions, struct crash *crash, int *crashes)
{
    for (int at = 0; at < actions; at++)
        for (int effect = 0; effect < 2; effect++, ++*crashes) {
            *crash = (struct crash){.at = at, .effect = effect};
            if (try_world(s, *crash, NULL).problem[0])
                return false;
        }
    return true;
}

static uint64_t number_of(const char *variable, uint64_t otherwise)
{
    const char *text = getenv(variable);

    return text ? strtoull(text, NULL, 10) : otherwise;
}

struct sum {
    int worlds, crashes, most_changes, longest_turn;
};

static void note_most(int *most, int number)
{
    *most = number > *most ? number : *most;
}

static void try_seed(uint64_t seed, bool with_crashes, struct sum *sum)
{
    int options[OPTIONS];
    struct crash crash = no_crash;
    struct scenario s;

    scenario_draw(seed, options);
    if (with_crashes)
        options[OPT_EDIT] = (int)(seed % EDITS); /* so that each edit is among a few worlds */
    if (getenv("WORLD")) {
        memset(options, 0, sizeof(options));
        scenario_read(getenv("WORLD"), options);
    }
    scenario_init(&s, seed, options);
    struct trial trial = try_world(&s, no_crash, NULL);
    bool ok =
        !trial.problem[0] && (!with_crashes || survives_crashes(&s, trial.journal.actions, &crash, &sum->crashes));
    scenario_finish(&s);
    if (!ok)
        show_and_fail(seed, options, crash);
    sum->worlds++;
    note_most(&sum->most_changes, trial.journal.changes);
    note_most(&sum->longest_turn, trial.journal.longest_turn);
}

static struct sum try_seeds(const char *variable, uint64_t worlds, bool with_crashes)
{
    uint64_t only = number_of("WORLD_SEED", 0), count = number_of(variable, worlds);
    uint64_t day = number_of("WORLD_DAY", (uint64_t)time(NULL) / 86400), todays = day * WORLDS_A_DAY;
    struct sum sum = {0};

    if (only)
        try_seed(only, with_crashes, &sum);
    else
        print_message("SEED WORLD_DAY=%llu\n", (unsigned long long)day);
    for (uint64_t i = 0; i < count && !only; i++)
        try_seed(i % 2 ? todays + i / 2 : 1 + i / 2, with_crashes, &sum);
    return sum;
}

static void every_world_comes_to_rest(void **state)
{
    struct sum sum = try_seeds("WORLDS", WORLDS, false);

    (void)state;
    print_message("%d worlds; at most %d decisions in a turn and %d changes in a world\n", sum.worlds, sum.longest_turn,
                  sum.most_changes);
}

static void every_crash_is_survived(void **state)
{
    struct sum sum = try_seeds("CRASHED_WORLDS", CRASHED_WORLDS, true);

    (void)state;
    print_message("%d worlds, %d crashes\n", sum.worlds, sum.crashes);
}

/* What once went wrong, at its smallest. */
static const struct story {
    uint64_t seed;
    const char *options;
    struct crash crash;
} stories[] = {
    /* in an old view the object is there, which has gone, and its Secret is a former object's */
    {82, "start=4 delete=2 delete-at=14 frozen=5", {.at = 17, .effect = true}},
    /* a pause was told to GitLab by a credential that is not used any more */
    {6426, "edit=2 edit-at=2 pause=3", {.at = -1}},
    /* a new token is asked for, and the CA, the cache's keys, are gone, so the managers could not be given it */
    {162, "ca=1 start=1 ca-trouble=6 rotate=2", {.at = -1}},
    {162, "cache=1 start=1 cache-trouble=2 rotate=1", {.at = -1}},
    /* the CA lacks its key, and a former object's runner is to be gone on with */
    {243, "ca=1 start=4 ca-trouble=4", {.at = -1}},
};

static void what_went_wrong_once_does_not_again(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(stories); i++) {
        int options[OPTIONS] = {0};
        scenario_read(stories[i].options, options);
        if (try_options(stories[i].seed, options, stories[i].crash, NULL).problem[0])
            show_and_fail(stories[i].seed, options, stories[i].crash);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * A server that is behind.
 */
static int made_or_removed(const struct world *w)
{
    static const enum gitlab_call calls[] = {GITLAB_REGISTER, GITLAB_CREATE, GITLAB_RESET,     GITLAB_ROTATE,
                                             GITLAB_UPDATE,   GITLAB_REMOVE, GITLAB_DEREGISTER};
    int count = w->journal.possible_orphans + w->journal.orphans;

    for (size_t i = 0; i < ARRAY_LEN(calls); i++)
        count += w->journal.calls[calls[i]];
    return count;
}

/* The operator starts anew, and for a minute sees what there was before its former self took this action. */
static void see_what_was(const struct scenario *s, const struct api *was, int action)
{
    struct world w;

    world_init(&w, s, no_crash, NULL);
    assert_true(world_run(&w));
    api_copy(&w.frozen, was);
    w.journal = (struct journal){0};
    world_crash(&w);
    bool rested = world_run(&w);
    if (!rested || made_or_removed(&w) + w.journal.changes > 0 || !all_is_right(&w) || world_leaked(&w).count > 0)
        fail_msg("seeing what was before action %d: %d changes, %d at GitLab", action, w.journal.changes,
                 made_or_removed(&w));
    world_finish(&w);
}

/* False when there is no such action. */
static bool see_what_was_before(const struct scenario *s, int action)
{
    struct world w;

    world_init(&w, s, (struct crash){.at = action, .final = true}, NULL);
    world_run(&w);
    bool ret = w.journal.crashes > 0;
    if (ret)
        see_what_was(s, &w.api, action);
    world_finish(&w);
    return ret;
}

static void does_nothing_twice_by_an_old_view(void **state)
{
    (void)state;
    for (int mode = 0; mode < 3; mode++) {
        const int options[OPTIONS] = {[OPT_MODE] = mode};
        struct scenario s;
        int action = 0;
        scenario_init(&s, 1, options);
        while (see_what_was_before(&s, action))
            action++;
        assert_in_range(action, 8, 20);
        scenario_finish(&s);
    }
}

/* ------------------------------------------------------------------------------------------------------------------
 * A GitLab that says something strange.
 */
enum { LIES = 8 };

static void hear_a_lie(const struct scenario *s, int look)
{
    struct world w;

    world_init(&w, s, no_crash, NULL);
    w.watched_until = w.now_ms + HOUR_MS;
    w.lie_at = look;
    bool rested = world_run(&w);
    if (!rested || made_or_removed(&w) + w.journal.changes > 0 || !all_is_right(&w))
        fail_msg("a lie at look %d: %d changes, %d at GitLab", look, w.journal.changes, made_or_removed(&w));
    assert_true(w.looks > LIES); /* so that each of them was told */
    world_finish(&w);
}

/* By id, by the runner's token where the access token may not look, by a registration token's runner, by a user's. */
static void one_strange_answer_changes_nothing(void **state)
{
    static const int ways[][OPTIONS] = {
        {0}, {[OPT_NO_SEARCH] = 1}, {[OPT_NO_SEARCH] = 2}, {[OPT_MODE] = 1}, {[OPT_MODE] = 2}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        int options[OPTIONS];
        struct scenario s;
        memcpy(options, ways[i], sizeof(options));
        options[OPT_START] = START_CONVERGED;
        scenario_init(&s, 1, options);
        for (int look = 1; look <= LIES; look++)
            hear_a_lie(&s, look);
        scenario_finish(&s);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_world_comes_to_rest),           cmocka_unit_test(every_crash_is_survived),
        cmocka_unit_test(what_went_wrong_once_does_not_again), cmocka_unit_test(does_nothing_twice_by_an_old_view),
        cmocka_unit_test(one_strange_answer_changes_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
