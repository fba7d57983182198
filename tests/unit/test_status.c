/* What kubectl shows, and the closed list of reasons behind it. */
#include "base/time.h"
#include "golden.h"

#include <regex.h>

#include "base/mem.h"
#include "reasons.h"
#include "runner/complaints.h"
#include "runner/names.h"
#include "runner/status.h"
#include "world_broken.h"

/* ------------------------------------------------------------------------------------------------------------------
 * Conditions, in a line.
 */
static const char *conditions(struct json_object *status, struct arena *a)
{
    struct json_object *list = json_get(status, "conditions");
    const char *text = "";

    for (size_t i = 0; i < json_len(list); i++) {
        struct json_object *c = json_at(list, i);
        text = arena_printf(a, "%s%s%s=%s:%s", text, *text ? " " : "", json_str(c, "type"), json_str(c, "status"),
                            json_str(c, "reason"));
    }
    return text;
}

/* What status_render() makes of a world that is observed, without anything that a rule has found. */
static struct json_object *rendered(struct world *w)
{
    const struct finding none = {.reason = NULL};

    return status_render(&w->observed, &none, &none, &w->mem);
}

struct test_case {
    const char *name;
    const char *expected;
    broken_fn *broken;
    int how;
    bool fresh;
    int options[OPTIONS];
};

enum { DAY_S = 24 * 3600 };

#define CASE(name_, expected_, broken_, ...)                                                                           \
    {                                                                                                                  \
        .name = name_, .expected = expected_, .broken = broken_, __VA_ARGS__                                           \
    }

/* The status that is shown when nothing can be done for the moment. */
static const struct test_case cases[] = {
    CASE("at rest",
         "Ready=True:Ready Registered=True:Registered ConfigApplied=True:Applied ManagerAvailable=True:Available "
         "GitLabReachable=True:Reachable",
         nothing),
    CASE("no manager is asked for",
         "Ready=True:Ready Registered=True:Registered ConfigApplied=True:Applied ManagerAvailable=True:ScaledToZero "
         "GitLabReachable=True:Reachable",
         nothing, .options = {[OPT_REPLICAS] = 1}),
    CASE("managers are starting",
         "Ready=False:ManagerStarting Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=False:ManagerStarting GitLabReachable=True:Reachable Reconciling=True:ManagerStarting",
         starting),
    CASE("no credential",
         "Ready=False:SecretNotFound Registered=False:SecretNotFound ConfigApplied=False:NotRegistered "
         "ManagerAvailable=False:NotRegistered GitLabReachable=Unknown:NotContacted Stalled=True:SecretNotFound",
         nothing, .fresh = true, .options = {[OPT_CREDENTIAL] = 2 * VALUE_MISSING}),
    CASE("a closed namespace",
         "Ready=False:NamespaceNotAllowed Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable Stalled=True:NamespaceNotAllowed",
         place_closed, .options = {[OPT_PLACE] = PLACE_JOBS}),
    CASE("privileged jobs where they are forbidden",
         "Ready=False:PodSecurityForbids Registered=True:Registered ConfigApplied=False:PodSecurityForbids "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable Stalled=True:PodSecurityForbids",
         place_baseline, .options = {[OPT_EDIT] = EDIT_PRIVILEGED}),
    CASE("somebody else's config Secret",
         "Ready=False:NameConflict Registered=True:Registered ConfigApplied=False:NameConflict "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable Stalled=True:NameConflict",
         replaced, .how = CHILD_CONFIG_SECRET),
    CASE("somebody else's Deployment",
         "Ready=False:NameConflict Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=False:NameConflict GitLabReachable=True:Reachable Stalled=True:NameConflict",
         replaced, .how = CHILD_DEPLOYMENT),
    CASE(
        "a token Secret on its way out",
        "Ready=False:Recreating Registered=False:Recreating ConfigApplied=True:Applied ManagerAvailable=True:Available "
        "GitLabReachable=True:Reachable Reconciling=True:Recreating",
        pinned, .how = CHILD_TOKEN_SECRET),
    CASE("tags that cannot be told",
         "Ready=False:UpdateNeedsAccessToken Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable Stalled=True:UpdateNeedsAccessToken",
         edited, .options = {[OPT_MODE] = 1, [OPT_EDIT] = EDIT_TAGS}),
    CASE("a token of the user's that ends in six days",
         "Ready=True:ReadyWithWarnings Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable TokenExpiring=True:TokenExpiring",
         given_and_expiring, .how = 6 * DAY_S, .options = {[OPT_MODE] = 2}),
    CASE("a pause that GitLab was told of",
         "Ready=True:Paused Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable Paused=True:Paused",
         paused, .how = PAUSE_FOR_EVER),
    CASE("a pause with a word that is no time",
         "Ready=True:ReadyWithWarnings Registered=True:Registered ConfigApplied=True:Warnings "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable",
         paused, .how = PAUSE_UNREADABLE),
    CASE("a new token for a user's own",
         "Ready=True:ReadyWithWarnings Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable",
         asked_for_a_token, .options = {[OPT_MODE] = 2}),
    CASE("one that ends in eight days",
         "Ready=True:Ready Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable",
         given_and_expiring, .how = 8 * DAY_S, .options = {[OPT_MODE] = 2}),
    CASE("one that the operator replaces itself",
         "Ready=True:Ready Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable",
         given_and_expiring, .how = 2 * DAY_S),
    CASE("an access token that ends in six days",
         "Ready=True:ReadyWithWarnings Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable TokenExpiring=True:TokenExpiring",
         access_expiring, .how = 6 * DAY_S),
    CASE("one that ends in eight",
         "Ready=True:Ready Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=True:Available GitLabReachable=True:Reachable",
         access_expiring, .how = 8 * DAY_S),
    CASE("suspended",
         "Ready=False:Suspended Registered=True:Registered ConfigApplied=True:Applied ManagerAvailable=True:Available "
         "GitLabReachable=True:Reachable",
         edited, .options = {[OPT_EDIT] = EDIT_SUSPEND}),
    CASE("an invalid spec", "Ready=False:InvalidSpec GitLabReachable=True:Reachable Stalled=True:InvalidSpec", edited,
         .options = {[OPT_EDIT] = EDIT_INVALID}),
    CASE("GitLab is down",
         "Ready=False:ConnectionRefused Registered=False:ConnectionRefused ConfigApplied=False:NotRegistered "
         "ManagerAvailable=False:NotRegistered GitLabReachable=False:ConnectionRefused "
         "Reconciling=True:ConnectionRefused",
         nothing, .fresh = true, .options = {[OPT_GITLAB] = GITLAB_DOWN_FOREVER}),
    CASE("GitLab refuses",
         "Ready=False:RegistrationTokensDisabled Registered=False:RegistrationTokensDisabled "
         "ConfigApplied=False:NotRegistered ManagerAvailable=False:NotRegistered GitLabReachable=True:Reachable "
         "Stalled=True:RegistrationTokensDisabled",
         nothing, .fresh = true, .options = {[OPT_MODE] = 1, [OPT_GITLAB] = GITLAB_GONE_FOREVER}),
    CASE("deleted, and its managers have jobs",
         "Ready=False:Draining Registered=True:Registered ConfigApplied=True:Applied ManagerAvailable=False:Draining "
         "GitLabReachable=True:Reachable Drained=False:Draining Reconciling=True:Draining",
         deleted_with_its_manager),
    CASE("deleted, and GitLab is down",
         "Ready=False:ConnectionRefused Registered=True:Registered ConfigApplied=True:Applied "
         "ManagerAvailable=False:Drained GitLabReachable=False:ConnectionRefused Reconciling=True:ConnectionRefused",
         deleted, .options = {[OPT_GITLAB] = GITLAB_DOWN_FOREVER}),
};

static void a_case(void **state)
{
    const struct test_case *c = *state;
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    stage_init(&stage, c->options, c->fresh);
    c->broken(w, c->how);
    world_turn(w);
    assert_true(w->last.kind == ACT_WAIT || w->last.kind == ACT_DONE);
    assert_string_equal(conditions(w->api.status, &w->mem), c->expected);
}

/* The whole object, as far as tools that deploy from Git look at it. */
static struct json_object *object_shown(struct world *w)
{
    struct json_object *object =
        json_build("{apiVersion: %s, kind: %s, metadata: {namespace: 'ci', name: 'builds', generation: %d}, "
                   "spec: {suspend: %b}, status: %o}",
                   API_VERSION, KIND, w->observed.generation, w->observed.spec && w->observed.spec->suspend,
                   json_ref(w->api.status));

    if (w->api.deleting)
        json_set_str(object, "metadata.deletionTimestamp", time_format(w->api.deletion_time, &w->mem));
    return object;
}

/* By their names. What kubectl, Argo CD and Flux make of them is told by the end-to-end tests. */
static void each_stage_is_on_record(void **state)
{
    struct json_object *stages = json_build("{}");
    struct arena a cleanup_arena = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct stage stage cleanup_stage;
        stage_init(&stage, cases[i].options, cases[i].fresh);
        cases[i].broken(&stage.world, cases[i].how);
        world_turn(&stage.world);
        json_set(stages, cases[i].name, object_shown(&stage.world));
    }
    assert_golden(DATA "status/stages.json", pretty(arena_json(&a, stages), &a));
}

/* ------------------------------------------------------------------------------------------------------------------
 * What no world has: numbers of pods.
 */
static void expect_manager(struct world *w, const char *status, const char *reason)
{
    struct json_object *shown = rendered(w);

    assert_string_equal(condition_get(shown, "ManagerAvailable", "status"), status);
    assert_string_equal(condition_get(shown, "ManagerAvailable", "reason"), reason);
}

static void all_managers_must_be_new_and_available(void **state)
{
    static const int two[OPTIONS] = {[OPT_REPLICAS] = 2};
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;
    struct observed *o = &w->observed;

    (void)state;
    stage_init(&stage, two, false);
    world_observe(w);
    expect_manager(w, "True", "Available");
    o->available_replicas = 1;
    expect_manager(w, "False", "ManagerStarting");
    assert_string_equal(condition_get(rendered(w), "ManagerAvailable", "message"), "1 of 2 managers are available");
    o->available_replicas = 2;
    o->updated_replicas = 1;
    expect_manager(w, "False", "ManagerStarting");
    o->updated_replicas = 2;
    o->replicas = 3; /* one is still to go: scaled down, or replaced */
    expect_manager(w, "False", "ManagerStarting");
    o->replicas = 2;
    o->rollout_observed = false;
    expect_manager(w, "False", "ManagerStarting");
    o->rollout_problem = "pods \"builds-runner\" is forbidden";
    expect_manager(w, "False", "RolloutFailed");
    memory_await(&w->process.memory, o->now_ms);
    memory_note_trouble(&w->process.memory, &(struct trouble){.reason = "Unschedulable", .message = "no node"});
    expect_manager(w, "False", "Unschedulable");
    assert_null(condition_get(rendered(w), "Stalled", "status"));
    o->replica_failure = "pods \"builds-runner-x\" is forbidden: exceeded quota: q";
    expect_manager(w, "False", "QuotaExceeded");
    assert_string_equal(condition_get(rendered(w), "Ready", "reason"), "QuotaExceeded");
    assert_string_equal(condition_get(rendered(w), "Stalled", "reason"), "QuotaExceeded");
    assert_string_equal(json_str(rendered(w), "managers"), "2/2");
}

/* ------------------------------------------------------------------------------------------------------------------
 * Times and generations.
 */
static void times_change_with_the_status_alone(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    world_observe(w);
    const char *before = condition_get(w->observed.status, "ManagerAvailable", "lastTransitionTime");
    w->observed.now += 1000;
    assert_string_equal(condition_get(rendered(w), "ManagerAvailable", "lastTransitionTime"), before);
    w->observed.rollout_problem = "no quota";
    assert_string_not_equal(condition_get(rendered(w), "ManagerAvailable", "lastTransitionTime"), before);
    assert_string_not_equal(condition_get(rendered(w), "Ready", "lastTransitionTime"), before);
    assert_string_equal(condition_get(rendered(w), "Registered", "lastTransitionTime"),
                        condition_get(w->observed.status, "Registered", "lastTransitionTime"));
}

/* Another reason of the same status is no transition. */
static void another_reason_is_no_transition(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    starting(w, 0);
    world_turn(w);
    world_observe(w);
    const char *before = condition_get(w->observed.status, "ManagerAvailable", "lastTransitionTime");
    w->observed.now += 1000;
    w->observed.rollout_problem = "no quota";
    expect_manager(w, "False", "RolloutFailed");
    assert_string_equal(condition_get(rendered(w), "ManagerAvailable", "lastTransitionTime"), before);
}

/* As a clock that was ahead has written it; some minutes of difference are nothing. */
static void no_transition_is_yet_to_come(void **state)
{
    static const int plain[OPTIONS];
    static const struct {
        int64_t ahead;
        bool stays;
    } clocks[] = {{0, true}, {300, true}, {301, false}, {3600, false}, {365 * 86400, false}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(clocks); i++) {
        struct stage stage cleanup_stage;
        struct world *w = &stage.world;
        stage_init(&stage, plain, false);
        world_observe(w);
        const char *before = condition_get(w->observed.status, "Registered", "lastTransitionTime");
        w->observed.now = time_parse(before) - clocks[i].ahead;
        const char *now = clocks[i].stays ? before : time_format(w->observed.now, &w->mem);
        assert_string_equal(condition_get(rendered(w), "Registered", "lastTransitionTime"), now);
    }
}

static void nothing_ticks(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    world_observe(w);
    w->observed.now += 86400;
    w->observed.now_ms += 86400 * 1000;
    assert_true(status_is_shown(&w->observed, rendered(w)));
}

/* A manager takes its time: what is told meanwhile need not be told again for each pod that is there. */
static void pods_alone_are_no_news(void **state)
{
    static const int two[OPTIONS] = {[OPT_REPLICAS] = 2};
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;
    struct observed *o = &w->observed;

    (void)state;
    stage_init(&stage, two, false);
    world_observe(w);
    o->available_replicas = o->ready_replicas = o->replicas = 0;
    o->rollout_observed = false;
    o->status = rendered(w);
    o->replicas = 2;
    o->rollout_observed = true;
    assert_true(status_is_shown(o, rendered(w)));
    o->ready_replicas = 1;
    assert_false(status_is_shown(o, rendered(w)));
    o->ready_replicas = o->available_replicas = 2;
    assert_int_equal(json_int_or(rendered(w), "replicas", 0), 2);
    assert_false(status_is_shown(o, rendered(w)));
    o->status = rendered(w);
    assert_true(status_is_shown(o, rendered(w)));
}

static void each_condition_tells_its_generation(void **state)
{
    static const int image[OPTIONS] = {[OPT_EDIT] = EDIT_IMAGE};
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, image, false);
    edited(w, 0);
    world_turn(w);
    struct json_object *list = json_get(w->api.status, "conditions");
    assert_int_equal(json_int_or(w->api.status, "observedGeneration", 0), 2);
    for (size_t i = 0; i < json_len(list); i++)
        assert_int_equal(json_int_or(json_at(list, i), "observedGeneration", 0), 2);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What is registered.
 */
static void the_registration_is_shown(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    struct json_object *status = w->api.status;
    assert_int_equal(json_int_or(status, "runnerId", 0), 4);
    assert_string_equal(json_str(status, "url"), "https://one.example.com");
    assert_string_equal(json_str(status, "authentication"), "AccessToken");
    assert_string_equal(json_str(status, "scope"), "Project/7");
    assert_string_equal(json_str(status, "tokenSecretRef.name"), "builds-runner-token");
    assert_string_equal(json_str(status, "managers"), "1/1");
    assert_int_equal(json_int_or(status, "replicas", 0), 1);
    assert_string_equal(json_str(status, "selector"),
                        "app.kubernetes.io/name=gitlab-runner,gitlab-runners.dev/runner=builds");
    assert_string_equal(json_str(status, "configHash"), w->observed.wanted[CHILD_CONFIG_SECRET].hash);
}

/* Where a runner whose token is lost is to be looked for. */
static void the_last_registration_stays_on_show(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    both_secrets_lost(w, DOUBT_LOST);
    world_deliver(w);
    world_observe(w);
    struct json_object *status = rendered(w);
    assert_int_equal(json_int_or(status, "runnerId", 0), 4);
    assert_string_equal(json_str(status, "url"), "https://one.example.com");
    assert_null(json_get(status, "tokenSecretRef"));
    assert_string_equal(condition_get(status, "Registered", "status"), "False");
}

/* http works, and everybody is told what it means as long as it is so. */
static void a_url_without_tls_is_warned_about(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    assert_null(strstr(condition_get(rendered(w), "Registered", "message"), "clear text"));
    struct spec spec = *w->observed.spec;
    spec.url = w->observed.registered.url = "http://one.example.com";
    w->observed.spec = &spec;
    assert_string_equal(condition_get(rendered(w), "Registered", "status"), "True");
    assert_string_equal(condition_get(rendered(w), "Registered", "message"),
                        "runner 4 at http://one.example.com; the URL is not https, so tokens travel in clear text");
}

/* The file is as the spec asks for, and the object is ready; but something will not work as it is meant. */
static void warnings_are_told_where_people_look(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    assert_string_equal(condition_get(rendered(w), "ConfigApplied", "reason"), "Applied");
    struct spec spec = *w->observed.spec;
    w->observed.spec = &spec;
    warn_of_unknown_keys(&spec.warnings, &w->mem, "gitlab-runner does not know a key");
    assert_string_equal(condition_get(rendered(w), "ConfigApplied", "status"), "True");
    assert_string_equal(condition_get(rendered(w), "ConfigApplied", "reason"), "UnknownConfigKeys");
    assert_string_equal(condition_get(rendered(w), "ConfigApplied", "message"), "gitlab-runner does not know a key");
    warn(&spec.warnings, &w->mem, "spec.%s has no effect", "image");
    assert_string_equal(condition_get(rendered(w), "ConfigApplied", "reason"), "Warnings");
    assert_string_equal(condition_get(rendered(w), "ConfigApplied", "message"),
                        "gitlab-runner does not know a key; spec.image has no effect");
    assert_string_equal(condition_get(rendered(w), "Ready", "status"), "True");
    assert_string_equal(condition_get(rendered(w), "Ready", "reason"), "ReadyWithWarnings");
    assert_string_equal(condition_get(rendered(w), "Ready", "message"),
                        "registered, configured and waiting for jobs, but: gitlab-runner does not know a key; "
                        "spec.image has no effect");
    assert_null(condition_get(rendered(w), "Stalled", "status"));
}

static size_t length_of(struct json_object *status)
{
    return strlen(json_text(status));
}

/* As many as fit, twice: or as much is wrong with the spec as can be said. */
static void however_much_is_told_it_fits_into_the_room_that_is_held(void **state)
{
    static const int plain[OPTIONS];
    static const struct finding none, short_one = {"NamespaceOverShare", "short", true};
    char url[1025], complaint[COMPLAINTS_MESSAGE_MAX + 1];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    snprintf(url, sizeof(url), "https://%01016d", 0);
    snprintf(complaint, sizeof(complaint), "%0*d", COMPLAINTS_MESSAGE_MAX, 0);
    struct spec spec = *w->observed.spec;
    spec.url = w->observed.registered.url = url;
    for (int i = 0; i < WARNINGS_MAX; i++)
        warn(&spec.warnings, &w->mem, "%0100d", i);
    w->observed.rollout_problem = arena_printf(&w->mem, "%01024d", 0);
    w->observed.spec = &spec;
    size_t served = length_of(rendered(w));
    w->observed.spec = NULL;
    size_t left_out = length_of(status_render(&w->observed, &short_one, &none, &w->mem));
    const struct finding refused = {"InvalidSpec", complaint, true};
    size_t invalid = length_of(status_render(&w->observed, &refused, &none, &w->mem));
    print_message("%zu, %zu and %zu bytes\n", served, invalid, left_out);
    assert_true(served - left_out > 2 << 10 && served - left_out < STATUS_GROWS_MAX);
    assert_true(invalid - left_out < STATUS_GROWS_MAX);
}

static void no_token_is_shown(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;

    (void)state;
    stage_init(&stage, plain, false);
    assert_null(strstr(json_text(stage.world.api.status), "glrt-"));
    assert_null(strstr(json_text(stage.world.api.status), "access-token"));
}

/* After a restart nobody asks GitLab just to fill a condition. */
static void what_is_not_known_stays_as_it_was(void **state)
{
    static const int restarted[OPTIONS] = {[OPT_START] = START_RESTARTED};
    struct scenario s;
    struct world w;

    (void)state;
    scenario_init(&s, 1, restarted);
    world_init(&w, &s, (struct crash){.at = -1}, NULL);
    world_observe(&w);
    assert_int_equal(w.process.memory.reach, REACH_UNKNOWN);
    assert_string_equal(condition_get(rendered(&w), "GitLabReachable", "status"), "True");
    assert_true(status_is_shown(&w.observed, rendered(&w)));
    world_finish(&w);
    scenario_finish(&s);
}

static const char *former_beside(struct world *w, const char *type, const char *url)
{
    w->observed.status =
        arena_json(&w->mem, json_build("{url: %s, observedGeneration: %d, conditions: [{type: %s, status: 'True', "
                                       "reason: 'Old', message: 'old'}]}",
                                       url, w->observed.generation, type));
    return condition_get(rendered(w), type, "message");
}

/* What one GitLab has told of itself, and of the access token, is not shown of another, nor where nobody asks for it
 * any more. */
static void what_gitlab_has_told_is_shown_until_the_same_one_is_asked(void **state)
{
    static const char *const types[] = {"VersionSkew", "TokenExpiring"};
    static const int restarted[OPTIONS] = {[OPT_START] = START_RESTARTED};
    struct scenario s;
    struct world w;

    (void)state;
    scenario_init(&s, 1, restarted);
    world_init(&w, &s, (struct crash){.at = -1}, NULL);
    world_observe(&w);
    struct spec spec = *w.observed.spec;
    w.observed.spec = &spec;
    for (size_t i = 0; i < ARRAY_LEN(types); i++) {
        spec.authentication = AUTH_ACCESS_TOKEN;
        assert_string_equal(former_beside(&w, types[i], spec.url), "old");
        assert_null(former_beside(&w, types[i], "https://former.example.com"));
        spec.authentication = AUTH_REGISTRATION_TOKEN;
        assert_null(former_beside(&w, types[i], spec.url));
    }
    world_finish(&w);
    scenario_finish(&s);
}

/* The process died after the token was saved and before the status was written: a registration is an answer. */
static void a_registration_that_the_status_does_not_tell_was_answered(void **state)
{
    static const int restarted[OPTIONS] = {[OPT_START] = START_RESTARTED};
    static const struct {
        const char *status, *reason;
    } former[] = {{"Unknown", "NotContacted"}, {"False", "Timeout"}};
    struct scenario s;
    struct world w;

    (void)state;
    scenario_init(&s, 1, restarted);
    world_init(&w, &s, (struct crash){.at = -1}, NULL);
    world_observe(&w);
    w.observed.status = NULL;
    assert_string_equal(condition_get(rendered(&w), "GitLabReachable", "reason"), "Reachable");
    for (size_t i = 0; i < 2; i++) {
        w.observed.status =
            arena_json(&w.mem, json_build("{conditions: [{type: GitLabReachable, status: %s, reason: %s}]}",
                                          former[i].status, former[i].reason));
        assert_string_equal(condition_get(rendered(&w), "GitLabReachable", "reason"), "Reachable");
    }
    world_finish(&w);
    scenario_finish(&s);
}

/* ------------------------------------------------------------------------------------------------------------------
 * The closed list of reasons.
 */

/* Calls found(reason) for each reason that the pattern's last group matches in a source file. */
static void each_reason_in(const char *path, const char *pattern, void (*found)(const char *path, const char *reason))
{
    struct arena a cleanup_arena = {0};
    const char *text = read_file(path, &a);
    regmatch_t match[3];
    regex_t regex;
    int count = 0;

    if (!text)
        fail_msg("%s cannot be read: run the test from the project's folder", path);
    assert_int_equal(regcomp(&regex, pattern, REG_EXTENDED), 0);
    for (; regexec(&regex, text, 3, match, 0) == 0; text += match[0].rm_eo, count++)
        found(path, arena_strndup(&a, text + match[regex.re_nsub].rm_so,
                                  (size_t)(match[regex.re_nsub].rm_eo - match[regex.re_nsub].rm_so)));
    regfree(&regex);
    if (count == 0)
        fail_msg("no reason was found in %s", path);
}

static bool is_type_or_status(const char *word)
{
    static const char *const words[] = {"ConfigApplied", "ManagerAvailable", "GitLabReachable", "VersionSkew",
                                        "TokenExpiring", "Reconciling",      "Stalled",         "True",
                                        "False",         "Unknown"};

    for (size_t i = 0; i < ARRAY_LEN(words); i++)
        if (strcmp(word, words[i]) == 0)
            return true;
    return false;
}

static void must_be_listed(const char *path, const char *reason)
{
    if (!is_type_or_status(reason) && !reason_is_known(reason))
        fail_msg("%s has the reason %s, which is not in tests/data/reasons.txt", path, reason);
}

static void every_reason_is_in_the_list(void **state)
{
    static const struct {
        const char *path, *pattern;
    } sources[] = {
        {"controller/runner/rules.c", "need_a_new_secret\\(o, \"([A-Za-z]+)\""},
        {"controller/runner/rules.c", "act_(wait|report)\\([ \n]*\"([A-Za-z]+)\""},
        {"controller/runner/rules.c", "\"([A-Za-z]+NotFound)\""},
        {"controller/runner/rules_registration.c", "need_a_new_secret\\(o, \"([A-Za-z]+)\""},
        {"controller/runner/rules_registration.c", "act_(wait|report)\\([ \n]*\"([A-Za-z]+)\""},
        {"controller/runner/rules_server_check.c", "act_(wait|report)\\([ \n]*\"([A-Za-z]+)\""},
        {"controller/runner/skew.c", "return [^\"]*\"([A-Za-z]+)\""},
        {"controller/runner/rules_manager.c", "act_(wait|report)\\([ \n]*\"([A-Za-z]+)\""},
        {"controller/runner/status.c", "\"([A-Z][A-Za-z]+)\""},
        {"controller/runner/spec.c", "\"(InvalidSpec)\""},
        {"controller/operator/gather.c", "ERR_[A-Z_]+,[ \n]*\"([A-Za-z]+)\""},
        {"controller/operator/unserved.c", "\"([A-Z][a-z]+[A-Z][A-Za-z]+)\""},
        {"controller/operator/orphans.c", "send_orphan_event\\([^\"]*\"([A-Za-z]+)\""},
        {"controller/operator/removal.c", "send_event\\(removal, \"([A-Za-z]+)\""},
        {"controller/gitlab/refusal.c", "ERR_[A-Z_]+,[ \n]*\"([A-Za-z]+)\""},
        {"controller/runner/trouble.c", "\", \"([A-Z][A-Za-z]+)\", [tf]"},
        {"controller/gitlab/policy.c", "ERR_[A-Z_]+,[ \n]*\"([A-Za-z]+)\""},
        {"controller/operator/status_events.c", "turn_event\\(turn, [a-z]+,[ \n]*\"([A-Za-z]+)\""},
        {"controller/runner/learn.c", "learn_tells\\(l, [a-z]+,[ \n]*\"([A-Za-z]+)\""},
        {"controller/runner/learn_existing.c", "learn_tells\\(l, [a-z]+,[ \n]*\"([A-Za-z]+)\""},
        {"controller/gitlab/op.c", "ERR_[A-Z_]+,[ \n]*\"([A-Za-z]+)\""},
        {"controller/net/http_error.c", "ERR_[A-Z_]+,[ \n]*\"([A-Za-z]+)\""},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sources); i++)
        each_reason_in(sources[i].path, sources[i].pattern, must_be_listed);
}

static int64_t unready_since(const char *status, const char *reason, const char *time)
{
    cleanup_json struct json_object *shown = json_build(
        "{conditions: [{type: Ready, status: %s, reason: %s, lastTransitionTime: %s}]}", status, reason, time);

    return status_unready_since(shown);
}

/* Metrics tell it, and an alert waits for it: what somebody wants to be so is none. */
static void what_is_not_ready_is_so_since_a_time(void **state)
{
    static const char time[] = "2026-01-02T03:04:05Z";

    (void)state;
    assert_int_equal(unready_since("False", "SecretNotFound", time), time_parse(time));
    assert_int_equal(unready_since("Unknown", "Pending", time), time_parse(time));
    assert_int_equal(unready_since("True", "Ready", time), 0);
    assert_int_equal(unready_since("False", "Suspended", time), 0);
    assert_int_equal(unready_since("False", "Draining", time), 0);
    assert_int_equal(unready_since("False", "SecretNotFound", "yesterday"), 0);
    assert_int_equal(unready_since(NULL, NULL, NULL), 0);
    assert_int_equal(status_unready_since(NULL), 0);
}

/* The list and the page for people are the same, but for what the API server says. */
static void every_listed_reason_is_documented(void **state)
{
    struct arena a cleanup_arena = {0};
    const char *page = read_file("docs/conditions.md", &a);
    char *list = arena_strdup(&a, reasons()), *line;

    (void)state;
    assert_non_null(page);
    while ((line = strsep(&list, "\n"))) {
        char reason[64], group[32];
        if (sscanf(line, "%63s %31s", reason, group) != 2 || *reason == '#' || strcmp(group, "kubernetes") == 0 ||
            strcmp(group, "inner") == 0)
            continue;
        if (!strstr(page, arena_printf(&a, "`%s`", reason)))
            fail_msg("docs/conditions.md does not say what %s means", reason);
    }
}

/* GitLab answers, but the access token shows the runner no more: that is told as long as both are so. */
static void what_the_credential_lacks_is_told_while_gitlab_answers(void **state)
{
    const int options[OPTIONS] = {0};
    struct stage stage;
    struct err lacks = {0}, none = {0};

    (void)state;
    stage_init(&stage, options, false);
    struct memory *m = &stage.world.process.memory;
    decided(&stage.world, false);
    err_set(&lacks, ERR_DENIED, "InsufficientScope", "the access token lacks a scope");
    memory_note_gitlab(m, &lacks);
    m->check.credential_status = 403;
    m->reach = REACH_YES;
    assert_string_equal(condition_get(rendered(&stage.world), "GitLabReachable", "reason"), "InsufficientScope");
    assert_string_equal(condition_get(rendered(&stage.world), "GitLabReachable", "status"), "True");
    m->reach = REACH_NO;
    assert_string_equal(condition_get(rendered(&stage.world), "GitLabReachable", "status"), "False");
    m->reach = REACH_YES;
    memory_note_gitlab(m, &none);
    assert_string_equal(condition_get(rendered(&stage.world), "GitLabReachable", "reason"), "Reachable");
    stage_finish(&stage);
}

int main(void)
{
    static const struct CMUnitTest others[] = {
        cmocka_unit_test(what_the_credential_lacks_is_told_while_gitlab_answers),
        cmocka_unit_test(all_managers_must_be_new_and_available),
        cmocka_unit_test(times_change_with_the_status_alone),
        cmocka_unit_test(another_reason_is_no_transition),
        cmocka_unit_test(no_transition_is_yet_to_come),
        cmocka_unit_test(nothing_ticks),
        cmocka_unit_test(pods_alone_are_no_news),
        cmocka_unit_test(each_condition_tells_its_generation),
        cmocka_unit_test(the_registration_is_shown),
        cmocka_unit_test(the_last_registration_stays_on_show),
        cmocka_unit_test(no_token_is_shown),
        cmocka_unit_test(what_is_not_known_stays_as_it_was),
        cmocka_unit_test(what_gitlab_has_told_is_shown_until_the_same_one_is_asked),
        cmocka_unit_test(every_reason_is_in_the_list),
        cmocka_unit_test(a_registration_that_the_status_does_not_tell_was_answered),
        cmocka_unit_test(every_listed_reason_is_documented),
        cmocka_unit_test(a_url_without_tls_is_warned_about),
        cmocka_unit_test(warnings_are_told_where_people_look),
        cmocka_unit_test(however_much_is_told_it_fits_into_the_room_that_is_held),
        cmocka_unit_test(each_stage_is_on_record),
        cmocka_unit_test(what_is_not_ready_is_so_since_a_time),
    };
    struct CMUnitTest tests[ARRAY_LEN(cases) + ARRAY_LEN(others)];

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        tests[i] = (struct CMUnitTest){.name = cases[i].name, .test_func = a_case, .initial_state = (void *)&cases[i]};
    memcpy(&tests[ARRAY_LEN(cases)], others, sizeof(others));
    return cmocka_run_group_tests_name("status", tests, NULL, NULL);
}
