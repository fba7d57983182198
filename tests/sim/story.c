#include "tests/sim/story.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/format.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/deeds.h"
#include "tests/sim/network_parts.h"
#include "tests/sim/properties.h"

enum {
    STARTS_WITHIN_MS = 2000,
    CONVERGES_WITHIN_MS = 17 * 60 * 1000, /* five of the last pause, ten until GitLab is asked for its version */
    /* GitLab is asked every ten minutes, and of a token every third time; or every two, and after 24 for its version */
    FOUND_OUT_WITHIN_MS = 56 * 60 * 1000,
    /* A deletion has no longer, whatever a clock has told it: an hour for jobs, one minute, 15 for GitLab; and a pause
     */
    MISDATED_WITHIN_MS = 82 * 60 * 1000,
    RESTS_FOR_MS = 60 * 1000,
    RESTS_LONG_FOR_MS = 12 * 60 * 1000,
    PATIENT_ONCE_IN = 64,
    STANDS_STILL_MS = 1000,
    DELETES_WITHIN_MS = 12 * 60 * 1000, /* jobs go on for ten */
};

static const char *const gitlab_hosts[GITLABS] = {"gitlab-0.example", "gitlab-1.example"};
static const char *const api_hosts[API_HOSTS] = {"api-0.example", "api-1.example"};
enum { LITTLE_ROOM = 64 << 10 }; /* a good dozen of runners */
static const char *const namespaces[] = {"ci", "ops", "jobs", OPERATOR_NAMESPACE};

const char *gitlab_host(int gitlab)
{
    return gitlab_hosts[(unsigned)gitlab % GITLABS];
}

const char *api_host(int host)
{
    return api_hosts[(unsigned)host % API_HOSTS];
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The API server, for users */

static const char *group_of(const char *resource)
{
    static const char *const groups[][2] = {
        {RUNNERS, "/apis/gitlab-runners.dev/v1beta1"},
        {"deployments", "/apis/apps/v1"},
        {"rolebindings", "/apis/rbac.authorization.k8s.io/v1"},
        {"poddisruptionbudgets", "/apis/policy/v1"},
    };

    for (size_t i = 0; i < ARRAY_LEN(groups); i++)
        if (strcmp(groups[i][0], resource) == 0)
            return groups[i][1];
    return "/api/v1";
}

const char *object_path(const char *resource, const char *ns, const char *name)
{
    static char texts[4][320];
    static unsigned next;
    char *text = texts[next++ % 4];

    if (*ns)
        snprintf(text, sizeof(texts[0]), "%s/namespaces/%s/%s%s%s", group_of(resource), ns, resource, *name ? "/" : "",
                 name);
    else
        snprintf(text, sizeof(texts[0]), "%s/%s%s%s", group_of(resource), resource, *name ? "/" : "", name);
    return text;
}

int user_request(struct story *story, const char *user, const char *method, const char *target,
                 const char *content_type, struct json_object *body)
{
    struct api_answer answer = api_request(story->api, user, method, target, content_type, body);

    json_put_ptr(&answer.object);
    json_put_ptr(&body);
    return answer.status;
}

struct wish *story_wish(struct story *story, uint32_t number)
{
    return &story->wishes[number % (uint32_t)story->wishes_len];
}

struct json_object *wish_object(const struct story *story, const struct wish *wish)
{
    return api_object(story->api, RUNNERS, wish->ns, wish->name);
}

struct json_object *wish_child(const struct story *story, const struct wish *wish, const char *resource,
                               const char *suffix)
{
    char name[128];

    format_into(name, sizeof(name), "%s%s", wish->name, suffix);
    return api_object(story->api, resource, wish->ns, name);
}

void put_secret(struct story *story, const char *ns, const char *name, const char *key, const char *value)
{
    cleanup_arena struct arena a = {0};
    struct json_object *there = api_object(story->api, "secrets", ns, name), *data = json_build("{}");

    json_put_member(data, key, base64_encode(value, strlen(value), &a));
    if (json_same(json_get(there, "data"), data)) {
        json_put_ptr(&data);
        return;
    }
    struct json_object *secret = json_build("{apiVersion: 'v1', kind: 'Secret', metadata: {namespace: %s, name: %s}, "
                                            "data: %o}",
                                            ns, name, data);
    user_request(story, "alice", there ? "PUT" : "POST", object_path("secrets", ns, there ? name : ""),
                 "application/json", secret);
}

static void put_cache_keys(struct story *story, const char *ns)
{
    if (!api_object(story->api, "secrets", ns, "keys"))
        user_request(story, "alice", "POST", object_path("secrets", ns, ""), "application/json",
                     json_build("{apiVersion: 'v1', kind: 'Secret', metadata: {namespace: %s, name: 'keys'}, data: "
                                "{accesskey: 'QUtJQQ==', secretkey: 'c2VjcmV0'}}",
                                ns));
}

void put_credentials(struct story *story, const char *ns)
{
    char name[40];

    for (int g = 0; g < GITLABS; g++) {
        snprintf(name, sizeof(name), "access-%d", g);
        put_secret(story, ns, name, mode_key(MODE_ACCESS), story->access[g]);
        snprintf(name, sizeof(name), "registration-%d", g);
        put_secret(story, ns, name, mode_key(MODE_REGISTRATION), story->registration[g]);
    }
    put_cache_keys(story, ns);
    if (!api_object(story->api, "serviceaccounts", ns, "their-own"))
        user_request(story, "alice", "POST", object_path("serviceaccounts", ns, ""), "application/json",
                     json_build("{apiVersion: 'v1', kind: 'ServiceAccount', metadata: {namespace: %s, name: "
                                "'their-own'}}",
                                ns));
}

bool has_runner_token(const struct story *story, const struct wish *wish)
{
    cleanup_arena struct arena a = {0};
    struct json_object *secret = api_object(story->api, "secrets", wish->ns, spec_secret(wish->spec));
    const char *token =
        base64_decode(json_string(json_member(json_get(secret, "data"), mode_key(MODE_RUNNER))), NULL, &a);

    return token && gitlab_runner_of(story->gitlabs[spec_gitlab(wish->spec)], token);
}

void put_runner_token(struct story *story, const struct wish *wish, bool only_if_absent)
{
    const char *name = wish->spec ? spec_secret(wish->spec) : "";
    bool there = api_object(story->api, "secrets", wish->ns, name);

    if (wish->spec && spec_mode(wish->spec) == MODE_RUNNER &&
        (!there || (!only_if_absent && !has_runner_token(story, wish))))
        put_secret(story, wish->ns, name, mode_key(MODE_RUNNER),
                   gitlab_runner_by_hand(story->gitlabs[spec_gitlab(wish->spec)]));
}

static bool is_moved(struct json_object *from, struct json_object *to)
{
    static const char *const where[] = {"url", "authentication", "scope"};

    for (size_t i = 0; i < ARRAY_LEN(where); i++)
        if (!json_same(json_get(from, where[i]), json_get(to, where[i])))
            return true;
    return false;
}

void apply_wish(struct story *story, struct wish *wish)
{
    char target[400];
    struct json_object *there = json_get(wish_object(story, wish), "spec");

    if (there && is_moved(there, wish->spec)) {
        wish->moved = true;
        runners_note_lost(story, wish, wish_object(story, wish), LOST_ALONE);
    }
    struct json_object *object =
        json_build("{apiVersion: 'gitlab-runners.dev/v1beta1', kind: 'GitLabRunner', metadata: {namespace: %s, name: "
                   "%s}, spec: %o}",
                   wish->ns, wish->name, json_copy(wish->spec));

    put_runner_token(story, wish, true);
    snprintf(target, sizeof(target), "%s?fieldManager=kubectl&force=true", object_path(RUNNERS, wish->ns, wish->name));
    int status = user_request(story, "kubectl", "PATCH", target, "application/apply-patch+yaml", object);
    wish->refused = status >= 300;
    sim_tell(story->sim, "user: applies %s/%s: %s (%d)", wish->ns, wish->name, json_text(wish->spec), status);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The world */

static void create_namespaces(struct story *story)
{
    for (size_t i = 0; i < ARRAY_LEN(namespaces); i++)
        user_request(story, "admin", "POST", "/api/v1/namespaces", "application/json",
                     json_build("{apiVersion: 'v1', kind: 'Namespace', metadata: {name: %s}}", namespaces[i]));
    users_mend(story);
}

static void create_servers(struct story *story)
{
    struct sim *sim = story->sim;

    story->api = api_create(sim);
    for (int i = 0; i < API_HOSTS; i++)
        api_serve(story->api, api_host(i));
    snprintf(story->token, sizeof(story->token), "%s", OPERATOR_TOKEN);
    api_accept_token(story->api, story->token, OPERATOR_USER);
    for (int g = 0; g < GITLABS; g++) {
        struct gitlab_server *gitlab = story->gitlabs[g] = gitlab_server_create(sim, gitlab_host(g));
        gitlab_expiry(gitlab, story->plan.setup[SETUP_EXPIRY] ? 3600 : 0);
        story->access[g] = gitlab_access_token(gitlab, "create_runner manage_runner read_api", GITLAB_ADMIN);
        story->registration[g] = gitlab_registration_token(gitlab, "project_type", 1);
    }
    properties_watch(story);
    pages_begin(story);
    controllers_start(story->api);
}

static void create_wishes(struct story *story)
{
    static const char *const names[] = {"builds", "tests", "deploys"};

    story->wishes_len = 1 + (int)(story->plan.setup[SETUP_RUNNERS] % WISHES_MAX);
    for (int i = 0; i < story->wishes_len; i++)
        story->wishes[i] = (struct wish){.number = i, .ns = i == 1 ? "ops" : "ci", .name = names[i]};
}

static void create_replicas(struct story *story)
{
    static const struct lease_timing usual = {15000, 10000, 2000}, slow = {300000, 200000, 40000};
    const uint32_t *setup = story->plan.setup;

    story->replicas_len = 1 + (int)(setup[SETUP_REPLICAS] % REPLICAS_MAX);
    for (int i = 0; i < story->replicas_len; i++) {
        const struct replica_settings settings = {.host = api_host(setup[SETUP_HOSTS] ? i : 0),
                                                  .token = OPERATOR_TOKEN,
                                                  .token_file = setup[SETUP_TOKEN],
                                                  .election = setup[SETUP_ELECTION] || story->replicas_len > 1,
                                                  .lease = setup[SETUP_LEASE] ? usual : slow,
                                                  .namespaces = setup[SETUP_SCOPE] ? "ci,ops,jobs" : NULL,
                                                  .secrets_by_name = setup[SETUP_SECRETS],
                                                  .kept_budget = setup[SETUP_ROOM] ? LITTLE_ROOM : 0};
        story->replicas[i] = replica_create(story->sim, i, &settings);
        replica_start(story->replicas[i]);
    }
}

static void create_world(struct story *story)
{
    create_wishes(story);
    create_servers(story);
    create_namespaces(story);
    create_replicas(story);
}

static void destroy_world(struct story *story)
{
    for (int i = 0; i < story->replicas_len; i++)
        replica_destroy(story->replicas[i]);
    network_destroy(story->sim->network);
    for (int g = 0; g < GITLABS; g++)
        gitlab_server_destroy(story->gitlabs[g]);
    api_destroy(story->api);
    for (int i = 0; i < story->wishes_len; i++) {
        struct wish *wish = &story->wishes[i];
        json_put_ptr(&wish->spec);
        json_put_ptr(&wish->backup);
        json_put_ptr(&wish->token);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Its course */

static void run_steps(struct story *story)
{
    const struct plan *plan = &story->plan;

    for (size_t i = 0; i < plan->len; i++) {
        const struct step *step = &plan->steps[i];
        if (step->left_out)
            continue;
        sim_run(story->sim, story->sim->now + step->after_ms);
        story->sim->figures.steps++;
        sim_tell(story->sim, "--- step %zu: %s", i, deed_of(step->deed)->name);
        deed_of(step->deed)->perform(story, step);
    }
}

static void heal(struct story *story)
{
    sim_tell(story->sim, "--- all heals");
    faults_heal(story);
    finalizers_mend(story);
    if (!story->plan.setup[SETUP_WRONG])
        users_mend(story);
    story->healed = true;
    story->healed_at = story->sim->now;
}

/* Something is to be found out that nobody tells; or the ledger's next two attempts are as far apart as they may be. */
static bool is_late(const struct story *story)
{
    bool found_out = story->seen.waits || (story->seen.meddled && !story->plan.setup[SETUP_CHECK]);

    return found_out || ledger_has_some(story) || story_waits_for_version(story);
}

/* Some stories wait to the end of their time, as what is wrong may begin late. */
static bool is_patient(const struct story *story)
{
    return !story->plan.setup[SETUP_CHECK] || story->plan.seed % PATIENT_ONCE_IN == 0;
}

static void check_rest(void *arg)
{
    properties_at_rest(arg);
}

static void check_end(void *arg)
{
    properties_at_the_end(arg);
}

/* What it has missed takes as long as ever, once it goes on. */
static void wait_for_who_stands_still(struct story *story)
{
    for (int i = 0; i < story->replicas_len; i++)
        while (replica_stands_still(story->replicas[i]))
            sim_run(story->sim, story->sim->now + STANDS_STILL_MS);
}

static int64_t rests_within_ms(const struct story *story)
{
    if (story->seen.misdated && story->seen.waits)
        return MISDATED_WITHIN_MS;
    return is_late(story) ? FOUND_OUT_WITHIN_MS : CONVERGES_WITHIN_MS;
}

static void rest(struct story *story)
{
    int64_t within_ms = rests_within_ms(story);

    sim_tell(story->sim, "--- all goes to rest");
    wait_for_who_stands_still(story);
    if (is_patient(story))
        sim_run(story->sim, story->sim->now + within_ms);
    bool well = !is_patient(story) && story_settle(story, within_ms, check_rest);
    sim_tell(story->sim, "--- all should be at rest");
    if (!well)
        properties_at_rest(story);
    story->seen.resting = true;
    sim_run(story->sim, story->sim->now + (is_patient(story) ? RESTS_LONG_FOR_MS : RESTS_FOR_MS));
    properties_at_rest(story);
    story->seen.resting = false;
}

static void delete_all(struct story *story)
{
    sim_tell(story->sim, "--- all is deleted");
    children_mend(story);
    for (int i = 0; i < story->wishes_len; i++)
        user_request(story, "alice", "DELETE", object_path(RUNNERS, story->wishes[i].ns, story->wishes[i].name),
                     "application/json", NULL);
    bool late = story->seen.waits || story->plan.setup[SETUP_WRONG];
    if (!story_settle(story, late ? FOUND_OUT_WITHIN_MS : DELETES_WITHIN_MS, check_end))
        properties_at_the_end(story);
}

/* Whatever the steps are about, there is a runner first. */
static void begin(struct story *story)
{
    struct wish *wish = story_wish(story, 0);

    sim_run(story->sim, STARTS_WITHIN_MS);
    wish->spec = spec_new(0, story->plan.setup[SETUP_FIRST], story->plan.setup[SETUP_CHECK] ? CHECK_S : 0);
    apply_wish(story, wish);
    greed_begin(story);
}

void story_tell(const struct plan *plan, int telling, struct outcome *ret)
{
    struct choices choices;
    struct story *story = mem_alloc(sizeof(*story));

    choices_init(&choices, plan->seed);
    choices.first = plan->rest;
    choices.from = plan->noise_from;
    choices.until = plan->noise_until;
    story->plan = *plan;
    struct sim *sim = story->sim = sim_create(&choices);
    sim->telling = telling;
    create_world(story);
    begin(story);
    run_steps(story);
    heal(story);
    rest(story);
    greed_end(story);
    be_fair(story);
    if (plan->setup[SETUP_DELETED])
        delete_all(story);
    destroy_world(story);
    ret->figures = sim->figures;
    ret->writes = story->seen.writes;
    ret->lasted_ms = sim->now;
    snprintf(ret->property, sizeof(ret->property), "%s", sim->broken);
    snprintf(ret->text, sizeof(ret->text), "%s", sim->broken_text.data);
    sim_destroy(sim);
    free(story);
}
