/* Misfortune: the network's, the API server's, and that of the operator's processes. All of it ends: by itself, or when
 * all heals. */
#include <assert.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/deeds.h"
#include "tests/sim/network.h"
#include "tests/sim/story.h"

static const char *host_of(uint32_t chance)
{
    static const char *const hosts[] = {"api-0.example", "gitlab-0.example", "api-1.example", "gitlab-1.example"};

    return hosts[chance % 4];
}

static int64_t span_of(uint32_t chance)
{
    static const int64_t spans[] = {500, 3000, 15000, 60000, 300000};

    return spans[chance % 5] + chance % 997;
}

static int some_replica(const struct story *story, uint32_t chance)
{
    return (int)(chance % (uint32_t)story->replicas_len);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The network */

static void weather_of(const struct story *story, struct network_weather *ret)
{
    static const uint32_t once_in[] = {0, 60, 25, 10};
    uint32_t rate = story->healed ? 0 : once_in[story->plan.setup[SETUP_WEATHER] % 4];

    *ret = (struct network_weather){.lost_before = rate, .lost_after = rate, .mute = rate * 3};
}

static void end_storm(void *arg)
{
    struct story *story = arg;
    struct network_weather weather;

    weather_of(story, &weather);
    network_set(story->sim, -1, NULL, &weather);
    sim_tell(story->sim, "the network is as usual");
}

static void storm(struct story *story, const struct step *step)
{
    static const struct {
        const char *words;
        enum network_state state;
    } kinds[] = {{"refuses connections", NETWORK_REFUSES},
                 {"is silent", NETWORK_SILENT},
                 {"has no name", NETWORK_NO_NAME},
                 {"is slow", NETWORK_UP},
                 {"shows a certificate that is not trusted", NETWORK_UNTRUSTED},
                 {"does not take the client's certificate", NETWORK_REFUSES_CLIENT}};
    uint32_t kind = step->b % ARRAY_LEN(kinds);
    const char *host = host_of(step->b / ARRAY_LEN(kinds));
    int replica = step->a % 2 ? -1 : some_replica(story, step->a / 2);
    struct network_weather weather;

    weather_of(story, &weather);
    weather.state = kinds[kind].state;
    weather.slow_ms = weather.state == NETWORK_UP ? 5000 : 0;
    network_set(story->sim, replica, host, &weather);
    sim_later(story->sim, span_of(step->c), end_storm, story);
    sim_tell(story->sim, "%s %s for replica %d and %lld ms", host, kinds[kind].words, replica,
             (long long)span_of(step->c));
}

static void cut(struct story *story, const struct step *step)
{
    int replica = step->a % 2 ? -1 : some_replica(story, step->a / 2);

    sim_tell(story->sim, "connections of replica %d to %s %s", replica, host_of(step->b),
             step->c % 3 ? "break" : "die");
    if (step->c % 3)
        network_cut(story->sim, replica, host_of(step->b));
    else
        network_mute(story->sim, replica, host_of(step->b));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The API server */

static const char *some_resource(uint32_t chance)
{
    static const char *const resources[] = {
        NULL,           RUNNERS,           "secrets",    "deployments", "configmaps",
        "rolebindings", "serviceaccounts", "namespaces", "leases",      "poddisruptionbudgets"};

    return resources[chance % ARRAY_LEN(resources)];
}

static const char *some_verb(uint32_t chance)
{
    static const char *const verbs[] = {NULL, "get", "patch", "create", "delete", "watch", "list", "update"};

    return verbs[chance % 8];
}

static void heal_api(void *arg)
{
    struct story *story = arg;

    for (int i = 0; i < API_HOSTS; i++)
        api_lag(story->api, api_host(i), NULL, 0);
    api_deny(story->api, OPERATOR_USER, NULL, NULL, false);
    api_refuse(story->api, NULL, 0, NULL);
    api_trouble(story->api, &(struct api_trouble){0});
    controllers_hold(story->api, false);
}

static void lag(struct story *story, const struct step *step)
{
    const char *resource = some_resource(step->b);

    sim_tell(story->sim, "%s lags by %u versions, in %s", api_host((int)step->a), (unsigned)step->c % 12 + 1,
             resource ? resource : "all");
    api_lag(story->api, api_host((int)step->a), resource, step->c % 12 + 1);
    sim_later(story->sim, span_of(step->c), heal_api, story);
}

static void end_watches(struct story *story, const struct step *step)
{
    sim_tell(story->sim, "watches of %s end%s%s", api_host((int)step->a), step->b & 1 ? ", amid a line" : "",
             step->b & 2 ? ", and history is forgotten" : "");
    if (step->b & 2)
        api_compact(story->api);
    api_end_watches(story->api, api_host((int)step->a), step->b & 1);
}

static void deny(struct story *story, const struct step *step)
{
    const char *resource = some_resource(1 + step->a % 9), *verb = some_verb(step->b);

    sim_tell(story->sim, "the operator may not %s %s", verb ? verb : "do anything with", resource);
    api_deny(story->api, OPERATOR_USER, verb, resource, true);
    sim_later(story->sim, span_of(step->c), heal_api, story);
}

static void refuse(struct story *story, const struct step *step)
{
    const char *resource = some_resource(step->a);
    int status = (const int[]){500, 503, 403, 422, 429}[step->b % 5];

    sim_tell(story->sim, "writes of %s are refused with %d", resource ? resource : "all", status);
    api_refuse(story->api, resource, status, "a webhook says no");
    sim_later(story->sim, span_of(step->c), heal_api, story);
}

static void trouble(struct story *story, const struct step *step)
{
    static const int statuses[] = {503, 500, 504, 429};
    const struct api_trouble t = {
        .status = statuses[step->a % 4], .after = step->b & 1, .retry_after_ms = step->b & 2 ? 2000 : 0};

    story->sim->figures.api_faults++;
    sim_tell(story->sim, "the API server answers with %d%s for %lld ms", t.status, t.after ? ", after the effect" : "",
             (long long)span_of(step->c));
    api_trouble(story->api, &t);
    sim_later(story->sim, span_of(step->c), heal_api, story);
}

static void hold(struct story *story, const struct step *step)
{
    sim_tell(story->sim, "the cluster's controllers stand still");
    controllers_hold(story->api, true);
    sim_later(story->sim, span_of(step->c), heal_api, story);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Processes */

static void kill(struct story *story, const struct step *step)
{
    static const int64_t again[] = {0, 500, 2000, 30000, 200000};

    replica_kill(story->replicas[some_replica(story, step->a)], again[step->b % 5]);
}

static void terminate(struct story *story, const struct step *step)
{
    static const int64_t again[] = {0, 1000, 20000};

    replica_terminate(story->replicas[some_replica(story, step->a)], again[step->b % 3]);
}

static void freeze(struct story *story, const struct step *step)
{
    replica_freeze(story->replicas[some_replica(story, step->a)], span_of(step->b), step->c % 2);
}

/* The leader stands still amid work, until somebody else leads; then it goes on where it was. */
static void freeze_amid_work(struct story *story, const struct step *step)
{
    struct wish *wish = story_wish(story, step->a);

    if (!wish->spec)
        return;
    wish->edited_there |= strcmp(spec_edit(wish->spec, wish->number, step->b % 2, step->c), "tags") == 0;
    apply_wish(story, wish);
    sim_run(story->sim, story->sim->now + step->b / 2 % 60);
    for (int i = 0; i < story->replicas_len; i++)
        if (replica_leads(story->replicas[i]))
            replica_freeze(story->replicas[i], story->plan.setup[SETUP_LEASE] ? 20000 : 400000, false);
}

static void jump(struct story *story, const struct step *step)
{
    static const int64_t offsets[] = {0, 3, -3, 3600, -3600, 400000, -400000};

    sim_tell(story->sim, "the clock of replica %d is set", some_replica(story, step->a));
    replica_set_wall(story->replicas[some_replica(story, step->a)], offsets[step->b % 7]);
    story->seen.misdated = true;
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void wake_replicas(struct story *story)
{
    for (int i = 0; i < story->replicas_len; i++) {
        replica_set_wall(story->replicas[i], 0);
        if (!replica_runs(story->replicas[i]))
            replica_kill(story->replicas[i], 0);
    }
}

void faults_heal(struct story *story)
{
    story->healed = true;
    end_storm(story);
    heal_api(story);
    operator_mend(story);
    for (int g = 0; g < GITLABS; g++) {
        gitlabs_heal(story, g);
        gitlab_registration_off(story->gitlabs[g], false);
    }
    wake_replicas(story);
}

const struct deed deeds_faults[] = {
    {"storm", 12, storm},
    {"cut", 8, cut},
    {"lag", 6, lag},
    {"end watches", 6, end_watches},
    {"deny", 5, deny},
    {"refuse", 4, refuse},
    {"trouble at the API server", 8, trouble},
    {"hold the controllers", 3, hold},
    {"kill", 14, kill},
    {"terminate", 5, terminate},
    {"freeze", 6, freeze},
    {"freeze amid work", 5, freeze_amid_work},
    {"set the clock", 4, jump},
    {NULL, 0, NULL},
};
