/* A team has more objects than there is room for. Nobody else may be left out for that; who is left out is told so; and
 * when most of them go, those that stay are served. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "kube/store.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

enum {
    FEW = 3,
    CHECK_USUAL_S = 600,
    GREEDY_NAMESPACES = 2,
    SERVED_WITHIN_MS = 15 * 1000,
    LET_IN_WITHIN_MS = 2 * 60 * 1000,
    LOOK_MS = 5 * 1000,
    GONE_WITHIN_MS = 60 * 60 * 1000, /* jobs end first, and who had no room until then is deleted after them */
    CALM_AGAIN_MS = 36 * 60 * 1000
};

static const char *greedy_name(int number)
{
    static char name[24];

    snprintf(name, sizeof(name), "greedy-%d", number);
    return name;
}

bool greed_is_in(const struct story *story, const char *ns)
{
    return story->greedy && strcmp(story->greedy, ns) == 0;
}

int greed_number(const struct story *story, const char *uid)
{
    for (int i = 0; i < GREEDY_MAX && story->greedy; i++)
        if (strcmp(json_str_or(api_object(story->api, RUNNERS, story->greedy, greedy_name(i)), "metadata.uid", "-"),
                   uid) == 0)
            return i;
    return -1;
}

/* What its objects name as their credential: in half of the stories there is none. */
static const char *greedy_secret(const struct story *story)
{
    return story->plan.setup[SETUP_ROOM] > GREEDY_NAMESPACES ? "greedy" : "missing";
}

static void apply_greedy(struct story *story, int64_t concurrent)
{
    int64_t check_s = story->plan.setup[SETUP_CHECK] ? CHECK_S : CHECK_USUAL_S;
    char target[300];

    for (int i = 0; i < GREEDY_MAX; i++) {
        snprintf(target, sizeof(target), "%s?fieldManager=kubectl&force=true",
                 object_path(RUNNERS, story->greedy, greedy_name(i)));
        user_request(
            story, "carol", "PATCH", target, "application/apply-patch+yaml",
            json_build("{apiVersion: 'gitlab-runners.dev/v1beta1', kind: 'GitLabRunner', metadata: {namespace: "
                       "%s, name: %s}, spec: {url: 'https://gitlab-0.example', concurrent: %d, authentication: "
                       "{accessTokenSecretRef: {name: %s}}, scope: {type: 'Instance'}, serverCheckPeriodSeconds: %d}}",
                       story->greedy, greedy_name(i), concurrent, greedy_secret(story), check_s));
    }
}

static void delete_greedy(struct story *story, int first)
{
    for (int i = first; i < GREEDY_MAX; i++)
        user_request(story, "carol", "DELETE", object_path(RUNNERS, story->greedy, greedy_name(i)), "application/json",
                     NULL);
}

void greed_mend(struct story *story)
{
    if (story->greedy)
        put_secret(story, story->greedy, "greedy", mode_key(MODE_ACCESS), story->access[0]);
}

void greed_begin(struct story *story)
{
    static const char *const where[GREEDY_NAMESPACES] = {"jobs", "ops"};
    uint32_t room = story->plan.setup[SETUP_ROOM];

    if (!room)
        return;
    story->greedy = where[(room - 1) % GREEDY_NAMESPACES];
    sim_tell(story->sim, "--- a team in %s wants all there is", story->greedy);
    greed_mend(story);
    apply_greedy(story, 1);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What must hold */

static const char *reason_of(struct json_object *object)
{
    return json_str_or(json_at(json_get(object, "status.conditions"), 0), "reason", "");
}

struct told {
    const char *ns;
    size_t left_out, served;
};

static void count_told(void *arg, struct json_object *object)
{
    struct told *told = arg;
    bool there = strcmp(json_str_or(object, "metadata.namespace", ""), told->ns) == 0;
    bool out = strcmp(reason_of(object), "NamespaceOverShare") == 0;

    told->left_out += there && out;
    told->served += there && !out;
}

void greed_check(struct story *story)
{
    struct told told = {.ns = story->greedy};

    if (!story->greedy)
        return;
    api_each(story->api, RUNNERS, count_told, &told);
    for (int i = 0; i < story->replicas_len; i++) {
        const struct replica *r = story->replicas[i];
        size_t left_out = replica_leads(r) ? shares_left_out(store_shares(replica_store(r)), story->greedy) : 0;
        if (replica_leads(r) && (left_out != told.left_out || (left_out && !told.served)))
            sim_broken(story->sim, PROPERTY_ROOM, "%s: %zu are left out, %zu are told so, %zu are not", story->greedy,
                       left_out, told.left_out, told.served);
    }
}

/* One that is deleted has its room until its managers' jobs have ended and its runner is gone. */
static bool who_leaves_holds_room(struct story *story)
{
    bool any = false;

    for (int i = FEW; i < GREEDY_MAX; i++) {
        struct json_object *object = api_object(story->api, RUNNERS, story->greedy, greedy_name(i));
        any |= object && strcmp(reason_of(object), "NamespaceOverShare") != 0;
    }
    return any;
}

/* Until nobody who leaves has held any for as long as it may take to let others in. */
static void run_until_room(struct story *story)
{
    int64_t end_ms = story->sim->now + GONE_WITHIN_MS;

    for (int64_t free_ms = 0; free_ms < LET_IN_WITHIN_MS && story->sim->now < end_ms;) {
        sim_run(story->sim, story->sim->now + LOOK_MS);
        free_ms = who_leaves_holds_room(story) ? 0 : free_ms + LOOK_MS;
    }
}

static void check_few(struct story *story)
{
    for (int i = 0; i < FEW; i++) {
        struct json_object *object = api_object(story->api, RUNNERS, story->greedy, greedy_name(i));
        bool served =
            strcmp(reason_of(object), "NamespaceOverShare") != 0 &&
            json_int_or(object, "status.observedGeneration", -1) == json_int_or(object, "metadata.generation", -1);
        if (object && !served)
            sim_broken(story->sim, PROPERTY_ROOM, "%s/%s: there is room again: %s", story->greedy, greedy_name(i),
                       json_text(json_get(object, "status")));
    }
}

/* Nobody else waits for a team that edits all of its own. */
static void edit_meanwhile(struct story *story)
{
    struct wish *mine = story_wish(story, 0);

    apply_greedy(story, 2);
    if (!wish_object(story, mine))
        return;
    spec_edit(mine->spec, mine->number, 1, 3);
    apply_wish(story, mine);
    sim_run(story->sim, story->sim->now + SERVED_WITHIN_MS);
    objects_check_served(story, mine);
}

static void check_all(void *arg)
{
    properties_at_rest(arg);
}

void greed_end(struct story *story)
{
    if (!story->greedy)
        return;
    edit_meanwhile(story);
    sim_tell(story->sim, "--- few of the team's objects stay");
    delete_greedy(story, FEW);
    run_until_room(story);
    check_few(story);
    sim_tell(story->sim, "--- none of the team's objects stays");
    delete_greedy(story, 0);
    story->greedy = NULL;
    if (!story_settle(story, CALM_AGAIN_MS, check_all))
        properties_at_rest(story);
}
