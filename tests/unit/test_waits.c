/* Failures and waits: what failed is shown, waited for and tried again, and holds up nothing else. */
#include "golden.h"

#include "base/mem.h"
#include "runner/learn.h"
#include "runner/rules.h"
#include "runner/status.h"
#include "world_broken.h"

#define ONE "https://one.example.com"

static struct world *a_failing_service_account(struct stage *stage, enum err_kind kind)
{
    static const int plain[OPTIONS];
    struct world *w = &stage->world;

    stage_init(stage, plain, false);
    lost(w, CHILD_SERVICE_ACCOUNT);
    failed(w, "service-account", kind);
    return w;
}

static void a_failure_is_shown_and_waited_for(void **state)
{
    struct stage stage cleanup_stage;
    struct world *w = a_failing_service_account(&stage, ERR_RETRY);
    struct action act = decided(w, true);

    (void)state;
    assert_string_equal(in_a_line(&act, &w->mem), "status: status ServerError");
    assert_non_null(condition_get(act.status, "Reconciling", "status"));
    act = decided(w, false);
    assert_string_equal(in_a_line(&act, &w->mem), "service-account: wait ServerError");
    assert_string_equal(act.wait.message, "it did not work");
    assert_int_equal(act.wait.retry_at_ms, w->process.memory.troubles->failures[0].attempt.retry_at_ms);
}

static void when_its_time_has_come_it_is_tried_again(void **state)
{
    struct stage stage cleanup_stage;
    struct world *w = a_failing_service_account(&stage, ERR_RETRY);

    (void)state;
    w->now_ms += RETRY_MS;
    struct action act = decided(w, true);
    assert_string_equal(in_a_line(&act, &w->mem), "service-account: apply ServiceAccount ci/builds-runner, new");
}

static void what_is_denied_or_invalid_needs_a_person(void **state)
{
    static const enum err_kind kinds[] = {ERR_DENIED, ERR_INVALID};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct stage stage cleanup_stage;
        struct world *w = a_failing_service_account(&stage, kinds[i]);
        struct action act = decided(w, false);
        assert_true(act.wait.stalled);
        assert_non_null(condition_get(w->observed.status, "Stalled", "status"));
    }
}

static void a_status_that_cannot_be_shown_waits(void **state)
{
    struct stage stage cleanup_stage;
    struct world *w = a_failing_service_account(&stage, ERR_RETRY);

    (void)state;
    failed(w, "status", ERR_RETRY);
    struct action act = decided(w, true);
    assert_string_equal(in_a_line(&act, &w->mem), "status: wait ServerError");
}

static void gitlab_does_not_hold_up_the_manager(void **state)
{
    static const int tags[OPTIONS] = {[OPT_EDIT] = EDIT_TAGS};
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, tags, false);
    edited(w, 0);
    lost(w, CHILD_DEPLOYMENT);
    world_deliver(w);
    world_observe(w); /* a new generation forgives what failed before */
    failed(w, "attributes", ERR_RETRY);
    struct action act = decided(w, false);
    assert_string_equal(in_a_line(&act, &w->mem), "deployment: apply Deployment ci/builds-runner, new");
}

/* An edit that GitLab has to hear of, and a Deployment that could not be written. */
static struct world *a_failing_deployment(struct stage *stage)
{
    static const int tags[OPTIONS] = {[OPT_EDIT] = EDIT_TAGS};
    struct world *w = &stage->world;

    stage_init(stage, tags, false);
    edited(w, 0);
    lost(w, CHILD_DEPLOYMENT);
    world_deliver(w);
    world_observe(w);
    w->observed.values[READ_CREDENTIAL].lookup = LOOKUP_FOUND;
    w->observed.values[READ_CREDENTIAL].value = "credential";
    w->observed.values[READ_TOKEN].lookup = LOOKUP_FOUND;
    w->observed.values[READ_TOKEN].value = "token";
    failed(w, "deployment", ERR_RETRY);
    return w;
}

/* The status first, then what is waited for. */
static struct action waited_for(struct world *w)
{
    world_update(w);
    struct action act = decide(&w->observed, &w->mem);
    assert_int_equal(act.kind, ACT_STATUS);
    world_perform(w, &act);
    world_update(w);
    return decide(&w->observed, &w->mem);
}

/* GitLab is tried again in a while; a Deployment that cannot be written earlier, and the other way round. */
static void the_first_retry_counts(void **state)
{
    (void)state;
    for (size_t later = 0; later < 2; later++) {
        struct stage stage cleanup_stage;
        struct world *w = a_failing_deployment(&stage);
        failed(w, "attributes", ERR_RETRY);
        w->process.memory.troubles->failures[later].attempt.retry_at_ms += 1000;
        struct action act = waited_for(w);
        assert_int_equal(act.wait.retry_at_ms, w->process.memory.troubles->failures[!later].attempt.retry_at_ms);
    }
}

static void a_retry_counts_beside_what_waits_for_somebody(void **state)
{
    struct stage stage cleanup_stage;
    struct world *w = a_failing_deployment(&stage);

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(w->api.credentials); i++)
        w->api.credentials[i].trouble = VALUE_MISSING;
    struct action act = decided(w, false);
    assert_string_equal(act.wait.reason, "SecretNotFound");
    assert_int_equal(act.wait.retry_at_ms, w->process.memory.troubles->failures[0].attempt.retry_at_ms);
}

static void a_refused_deployment_does_not_hold_up_a_token(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    lost(w, CHILD_DEPLOYMENT);
    failed(w, "deployment", ERR_DENIED);
    issued(w, 0);
    struct action act = decided(w, true);
    assert_string_equal(in_a_line(&act, &w->mem), "save: apply Secret ci/builds-runner-token");
}

/* A move waits for the former GitLab, as a deletion does: until the deadline, counted from when the status first said
 * so. */
static void a_former_gitlab_that_stays_down_is_left(void **state)
{
    static const int url[OPTIONS] = {[OPT_EDIT] = EDIT_URL};
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, url, false);
    edited_and_tried(w, 0);
    struct action act = decided(w, false);
    assert_string_equal(in_a_line(&act, &w->mem), "moved: wait ServerError");
    w->now_ms += 899 * 1000;
    act = decided(w, false);
    assert_string_equal(in_a_line(&act, &w->mem), "moved: gitlab deregister at " ONE " with glrt-a4, runner 4");
    w->now_ms += 1000;
    act = decided(w, false);
    assert_string_equal(in_a_line(&act, &w->mem), "record: record " ONE ", runner 4: glrt-a4");
    world_perform(w, &act);
    act = decided(w, false);
    assert_string_equal(in_a_line(&act, &w->mem), "former-token: delete Secret ci/builds-runner-token");
}

static void the_deadline_is_not_overslept(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    deleted(w, 0);
    failed(w, "deregister", ERR_RETRY);
    w->process.memory.troubles->failures[0].attempt.retry_at_ms = w->now_ms + 7200 * 1000;
    struct action act = decided(w, false);
    assert_string_equal(in_a_line(&act, &w->mem), "deregister: wait ServerError");
    assert_true(act.again_at_ms <= (w->api.deletion_time + 900 + 1) * 1000);
}

/* Managers that start are looked at when it is time, unless there is something before that: then that wakes. */
static void a_look_that_has_to_wait_does_not_wake(void **state)
{
    static const int elsewhere[OPTIONS] = {[OPT_PLACE] = PLACE_JOBS};
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, elsewhere, false);
    memory_await(&w->process.memory, w->now_ms);
    learn_look_planned(&w->process.memory, w->now_ms + 1000);
    place_closed(w, 0);
    w->now_ms += 60 * 1000;
    world_turn(w);
    assert_string_equal(in_a_line(&w->last, &w->mem), "job-namespace: wait NamespaceNotAllowed, stalled");
    assert_true(!w->last.again_at_ms || w->last.again_at_ms > w->now_ms);
}

static void the_end_of_a_pause_is_not_overslept(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;
    const struct remote_runner *runner = &w->servers[0].runners[3];

    (void)state;
    stage_init(&stage, plain, false);
    paused(w, PAUSE_FOR_LONG);
    world_turn(w);
    assert_int_equal(w->last.kind, ACT_DONE);
    assert_true(runner->id == 4 && runner->paused);
    assert_in_range(w->last.again_at_ms, w->now_ms + 1, w->api.paused_until * 1000 + 1000);
    struct observed late = w->observed; /* it has ended while the turn went on */
    late.now = w->api.paused_until;
    late.now_ms += 60 * 1000;
    assert_int_equal(next_look(&late, true, &w->mem), late.now_ms + 1);
    w->now_ms = w->last.again_at_ms;
    world_turn(w);
    assert_int_equal(w->last.kind, ACT_DONE);
    assert_false(runner->paused);
}

static void the_ledger_has_what_it_takes_to_try_again(void **state)
{
    static const int with_ca[OPTIONS] = {[OPT_CA] = 1};
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;
    struct orphan orphan;

    (void)state;
    stage_init(&stage, with_ca, false);
    deleted_and_tried(w, 0);
    struct action act = decided(w, false);
    assert_int_equal(act.kind, ACT_RECORD);
    const char *text = orphan_text(&w->observed.owner, &act.record, w->observed.now, &w->mem);
    assert_true(orphan_parse(text, &orphan, &w->mem));
    assert_string_equal(orphan.url, ONE);
    assert_string_equal(orphan.token, "glrt-a4");
    assert_string_equal(orphan.ca_pem, "PEM");
    assert_string_equal(orphan.why, "it did not work");
    assert_string_equal(orphan_key(&w->observed.owner, &orphan, &w->mem), "uid-1.4");
    assert_non_null(strstr(text, "\"namespace\":\"ci\",\"name\":\"builds\""));
    assert_false(orphan_parse("{\"url\": \"" ONE "\"}", &orphan, &w->mem));
    assert_false(orphan_parse("[", &orphan, &w->mem));
}

static void the_report_of_an_orphan_says_why(void **state)
{
    static const int plain[OPTIONS];
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, plain, false);
    deleted_long_ago(w, 0);
    failed(w, "deregister", ERR_RETRY);
    failed(w, "record", ERR_DENIED);
    struct action act = decided(w, false);
    assert_string_equal(act.report.message, "runner 4 was left behind at " ONE ": it did not work");
    assert_true(act.report.warning);
}

static void config_has_the_token_and_the_ca(void **state)
{
    static const int with_ca[OPTIONS] = {[OPT_CA] = 2};
    struct stage stage cleanup_stage;
    struct world *w = &stage.world;

    (void)state;
    stage_init(&stage, with_ca, false);
    lost(w, CHILD_CONFIG_SECRET);
    struct action act = decided(w, false);
    world_perform(w, &act);
    const struct object *config = child_of(w, CHILD_CONFIG_SECRET);
    assert_string_equal(config->token, "glrt-a4");
    assert_true(config->ca);
    assert_string_equal(config->inputs, config_inputs_text(&w->observed, &w->mem));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_failure_is_shown_and_waited_for),
        cmocka_unit_test(when_its_time_has_come_it_is_tried_again),
        cmocka_unit_test(what_is_denied_or_invalid_needs_a_person),
        cmocka_unit_test(a_status_that_cannot_be_shown_waits),
        cmocka_unit_test(gitlab_does_not_hold_up_the_manager),
        cmocka_unit_test(the_first_retry_counts),
        cmocka_unit_test(a_retry_counts_beside_what_waits_for_somebody),
        cmocka_unit_test(a_refused_deployment_does_not_hold_up_a_token),
        cmocka_unit_test(a_former_gitlab_that_stays_down_is_left),
        cmocka_unit_test(the_deadline_is_not_overslept),
        cmocka_unit_test(the_end_of_a_pause_is_not_overslept),
        cmocka_unit_test(a_look_that_has_to_wait_does_not_wake),
        cmocka_unit_test(the_ledger_has_what_it_takes_to_try_again),
        cmocka_unit_test(the_report_of_an_orphan_says_why),
        cmocka_unit_test(config_has_the_token_and_the_ca),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
