/* What GitLab's answers teach: about the token that was got, and about one that is of no use. */
#include "golden.h"

#include "base/mem.h"
#include "base/time.h"
#include "runner/learn.h"
#include "runner/names.h"
#include "runner/rules.h"
#include "world_broken.h"

#define ENDS "2030-01-01T00:00:00.000Z"

static struct stage stage;

static int begin(void **state)
{
    const int options[OPTIONS] = {0};

    (void)state;
    stage_init(&stage, options, true);
    decided(&stage.world, true); /* so that the world is observed */
    return 0;
}

static int end(void **state)
{
    (void)state;
    stage_finish(&stage);
    return 0;
}

static const struct memory *answered(enum gitlab_call call, const struct call_answer *answer)
{
    struct world *w = &stage.world;
    const struct action asked = {
        .kind = ACT_GITLAB,
        .rule = "register",
        .gitlab = {.call = call, .url = "https://one.example.com", .token = "access", .runner_id = 4}};

    learn_gitlab(&w->process.memory, &w->observed, &asked, answer, 0, &w->mem);
    return &w->process.memory;
}

static const struct registration *got(enum gitlab_call call, const char *expiration)
{
    const struct registration *r =
        answered(call, &(struct call_answer){.id = 4, .token = "glrt-a4", .expiration = expiration})->issued;

    assert_non_null(r);
    return r;
}

/* Else its life is reckoned from another time than that of its making. */
static void a_token_that_was_made_lives_from_now_on(void **state)
{
    (void)state;
    assert_string_equal(got(GITLAB_CREATE, ENDS)->obtained, time_format(stage.world.observed.now, &stage.world.mem));
}

static void nothing_is_told_of_one_without_an_end(void **state)
{
    (void)state;
    assert_null(got(GITLAB_CREATE, NULL)->obtained);
}

static void nor_of_one_that_was_there_before(void **state)
{
    (void)state;
    assert_null(got(GITLAB_VERIFY, ENDS)->obtained);
    assert_string_equal(got(GITLAB_VERIFY, ENDS)->expiration, ENDS);
}

static struct call_answer refused(int status)
{
    struct call_answer ret = {.proven = true};

    err_set(&ret.err, ERR_DENIED, "RunnerTokenRejected", "GitLab answered %d", status);
    ret.err.code = status;
    return ret;
}

/* Said twice, some seconds apart. */
static bool is_dead_after(const struct call_answer *answer)
{
    bool at_once = answered(GITLAB_RESTORE, answer)->config_token_dead;

    assert_false(at_once);
    stage.world.observed.now_ms += 10 * 1000;
    return answered(GITLAB_RESTORE, answer)->config_token_dead;
}

static void a_token_that_is_refused_is_not_restored_again(void **state)
{
    const struct call_answer down = refused(502), no = refused(403);

    (void)state;
    assert_false(is_dead_after(&down));
    assert_true(is_dead_after(&no));
}

static void nor_is_anothers(void **state)
{
    (void)state;
    assert_true(is_dead_after(&(struct call_answer){.id = 5, .token = "glrt-a5"}));
    assert_null(stage.world.process.memory.issued);
}

/* A GitLab that was down for hours answers again: what it says is not tried less often for that. */
/* The former runner was let go at another GitLab; then nothing was heard of the registration at this one. */
static void a_lost_registration_is_no_former_one(void **state)
{
    const struct call_answer lost = {.err = {.kind = ERR_RETRY, .reason = "ServerError", .code = 503},
                                     .ambiguous = true};

    (void)state;
    stage.world.process.memory.deregistered = true;
    assert_false(memory_knows_alone(&stage.world.process.memory));
    assert_int_equal(answered(GITLAB_CREATE, &lost)->doubt, DOUBT_LOST);
    assert_true(memory_knows_alone(&stage.world.process.memory));
}

static void what_is_said_is_asked_again_soon_after_failures(void **state)
{
    const struct call_answer down = refused(503), no = refused(403);

    (void)state;
    for (int i = 0; i < 20; i++)
        answered(GITLAB_RESTORE, &down);
    stage.world.observed.now_ms += 60 * 60 * 1000;
    answered(GITLAB_RESTORE, &no);
    assert_true(failed_attempt(&stage.world.observed, "register")->retry_at_ms <=
                stage.world.observed.now_ms + 10 * 1000);
}

/* An answer that was lost says neither that there is no version, nor that the access token lives for ever. */
static void what_was_not_heard_is_not_known(void **state)
{
    const struct call_answer lost = refused(502), no = refused(403), day = {.expiration = "2030-02-03"};

    (void)state;
    assert_true(answered(GITLAB_SELF, &day)->check.credential_end > 0);
    assert_true(answered(GITLAB_SELF, &lost)->check.credential_end > 0);
    assert_int_equal(answered(GITLAB_SELF, &no)->check.credential_end, 0);
    assert_int_equal(answered(GITLAB_VERSION, &lost)->check.version_due_ms, 0);
    assert_true(answered(GITLAB_VERSION, &no)->check.version_due_ms > stage.world.observed.now_ms);
}

static void asked_of(enum authentication authentication, const char *url)
{
    static struct spec spec;

    spec = *stage.world.observed.spec;
    spec.authentication = authentication;
    spec.url = url;
    stage.world.observed.spec = &spec;
}

/* A spec that names another place by now has nobody look where it was lost. */
static void where_a_registration_was_lost_is_known(void **state)
{
    struct memory *m = &stage.world.process.memory;
    struct call_answer down = refused(502);

    (void)state;
    down.ambiguous = true;
    asked_of(AUTH_ACCESS_TOKEN, "https://one.example.com");
    memory_lose(m, "https://before.example.com", "");
    answered(GITLAB_CREATE, &down);
    assert_string_equal(m->lost->url, "https://one.example.com");
    assert_false(is_lost_elsewhere(&stage.world.observed, &stage.world.mem));
    asked_of(AUTH_RUNNER_TOKEN, "https://one.example.com");
    assert_true(is_lost_elsewhere(&stage.world.observed, &stage.world.mem));
    asked_of(AUTH_ACCESS_TOKEN, "https://two.example.com");
    assert_true(is_lost_elsewhere(&stage.world.observed, &stage.world.mem));
    learn_reported(m, "PossibleOrphan");
    assert_false(is_lost_elsewhere(&stage.world.observed, &stage.world.mem));
}

/* It is known where it was lost, but not in which scope: that it is not in this one proves nothing. */
static void what_a_registration_token_lost_may_be_in_any_scope(void **state)
{
    struct memory *m = &stage.world.process.memory;
    struct call_answer down = refused(502), none = {.id = 0};

    (void)state;
    down.ambiguous = true;
    asked_of(AUTH_REGISTRATION_TOKEN, "https://one.example.com");
    answered(GITLAB_REGISTER, &down);
    asked_of(AUTH_ACCESS_TOKEN, "https://one.example.com");
    assert_false(is_lost_elsewhere(&stage.world.observed, &stage.world.mem));
    answered(GITLAB_FIND, &none);
    stage.world.observed.now_ms += 10 * 1000;
    answered(GITLAB_FIND, &none);
    assert_int_equal(m->doubt, DOUBT_UNSEARCHABLE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_token_that_was_made_lives_from_now_on, begin, end),
        cmocka_unit_test_setup_teardown(nothing_is_told_of_one_without_an_end, begin, end),
        cmocka_unit_test_setup_teardown(nor_of_one_that_was_there_before, begin, end),
        cmocka_unit_test_setup_teardown(a_token_that_is_refused_is_not_restored_again, begin, end),
        cmocka_unit_test_setup_teardown(nor_is_anothers, begin, end),
        cmocka_unit_test_setup_teardown(a_lost_registration_is_no_former_one, begin, end),
        cmocka_unit_test_setup_teardown(what_is_said_is_asked_again_soon_after_failures, begin, end),
        cmocka_unit_test_setup_teardown(what_was_not_heard_is_not_known, begin, end),
        cmocka_unit_test_setup_teardown(where_a_registration_was_lost_is_known, begin, end),
        cmocka_unit_test_setup_teardown(what_a_registration_token_lost_may_be_in_any_scope, begin, end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
