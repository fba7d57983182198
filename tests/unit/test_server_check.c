/* What GitLab's answers about a registered runner come to, and when it is asked. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/server_check.h"

enum { NOW = 5000000, PERIOD = 600 };

static const char *const tags[] = {"a", "b"};
static const struct spec spec = {
    .authentication = AUTH_ACCESS_TOKEN,
    .scope = SCOPE_GROUP,
    .scope_id = 2,
    .server_check_period = PERIOD,
    .attributes = {.description = "ci/builds",
                   .tags = {(const char **)tags, 2},
                   .access_level = "not_protected",
                   .maintenance_note = "ours\ngitlab-runners.dev/uid=uid-1"},
};
static const struct server_check_context in = {
    .spec = &spec, .attributes = &spec.attributes, .uid = "uid-1", .now_ms = NOW, .managers = true, .by_id = true};

#define AS_TOLD                                                                                                        \
    "description: 'ci/builds', tag_list: [b, a], run_untagged: false, locked: false, paused: false, "                  \
    "access_level: not_protected, maximum_timeout: null"
#define MARKED "maintenance_note: 'ours\ngitlab-runners.dev/uid=uid-1'"

/* As json_build(), and null is null. */
static struct json_object *runner_of(const char *format)
{
    static const char *const members[] = {"tag_list", "maximum_timeout", "maintenance_note", "contacted_at"};
    struct json_object *runner = json_build(format);

    for (size_t i = 0; i < ARRAY_LEN(members); i++)
        if (strcmp(json_str_or(runner, members[i], ""), "null") == 0)
            json_set(runner, members[i], NULL);
    return runner;
}

static void shown(struct server_check *check, const char *runner)
{
    cleanup_json struct json_object *json = runner_of(runner);

    server_check_shown(check, &in, json);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * When */

static void a_process_does_not_begin_with_checks(void **state)
{
    int early = 0, late = 0;

    (void)state;
    for (int i = 0; i < 1000; i++) {
        char uid[16];
        struct server_check check = {0};
        snprintf(uid, sizeof(uid), "uid-%d", i);
        server_check_plan(&check, uid, PERIOD, NOW);
        assert_in_range(check.due_ms, NOW + PERIOD * 250, NOW + PERIOD * 1250);
        early += check.due_ms < NOW + PERIOD * 500;
        late += check.due_ms >= NOW + PERIOD * 1000;
    }
    assert_in_range(early, 200, 300); /* a quarter of them in each quarter */
    assert_in_range(late, 200, 300);
}

static void what_is_planned_stays_unless_the_period_is_shorter_now(void **state)
{
    struct server_check check = {0};

    (void)state;
    server_check_plan(&check, "uid-1", PERIOD, NOW);
    int64_t planned = check.due_ms;
    server_check_plan(&check, "uid-1", PERIOD, NOW + 1000);
    assert_int_equal(check.due_ms, planned);
    server_check_plan(&check, "uid-1", 30, NOW);
    assert_in_range(check.due_ms, NOW + 30 * 250, NOW + 30 * 1250);
}

static void all_is_well_for_about_a_period(void **state)
{
    struct server_check check = {0};

    (void)state;
    shown(&check, "{" AS_TOLD ", " MARKED ", contacted_at: '2026-01-25T16:39:48.066Z'}");
    assert_in_range(check.due_ms, NOW + PERIOD * 900, NOW + PERIOD * 1100);
    assert_int_equal(check.edited, 0);
    assert_int_equal(check.shown, SHOWN_OURS);
    assert_false(check.try_token);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Proof */

static void what_is_said_once_is_asked_again_soon(void **state)
{
    struct server_check absent = {0}, refused = {0};

    (void)state;
    server_check_absent(&absent, &in);
    server_check_refused(&refused, &in);
    assert_int_equal(absent.due_ms, NOW + CONFIRM_AFTER_MS);
    assert_int_equal(refused.due_ms, NOW + CONFIRM_AFTER_MS);
    assert_true(refused.try_token);
}

static void what_proves_nothing_counts_for_nothing(void **state)
{
    struct server_check check = {.absences = 1, .refusals = 1};

    (void)state;
    server_check_unanswered(&check, &in, 0);
    assert_int_equal(check.absences + check.refusals, 2);
    assert_in_range(check.due_ms, NOW + PERIOD * 900, NOW + PERIOD * 1100);
    server_check_unanswered(&check, &in, 7200 * 1000);
    assert_int_equal(check.due_ms, NOW + 7200 * 1000);
}

static void a_good_answer_ends_the_row(void **state)
{
    struct server_check check = {.absences = 1, .refusals = 1, .try_token = true};

    (void)state;
    server_check_accepted(&check, &in, 4, 4);
    assert_int_equal(check.absences + check.refusals, 0);
    assert_false(check.try_token);
    check.absences = 1;
    shown(&check, "{" AS_TOLD ", " MARKED "}");
    assert_int_equal(check.absences, 0);
}

/* With the token dead the id is asked for at once; without an access token there is only the token to ask with. */
static void a_dead_token_is_looked_for_by_id(void **state)
{
    struct server_check check = {.refusals = 1, .shown = SHOWN_OURS};
    struct server_check_context alone = in;

    (void)state;
    server_check_refused(&check, &in);
    assert_int_equal(check.due_ms, NOW);
    assert_false(check.try_token);
    assert_int_equal(check.shown, SHOWN_UNKNOWN); /* it may be somebody else's by now */
    shown(&check, "{description: 'theirs', maintenance_note: 'theirs'}");
    assert_int_equal(check.shown, SHOWN_FOREIGN);
    assert_false(check.try_token);
    alone.by_id = false;
    check = (struct server_check){.refusals = 1};
    server_check_refused(&check, &alone);
    assert_in_range(check.due_ms, NOW + PERIOD * 900, NOW + PERIOD * 1100);
    assert_true(check.try_token);
}

/* It goes on with the runner's own token, where that is no lie, and comes back to the id at the next one. */
static void an_access_token_that_may_not_look_is_not_given_up(void **state)
{
    struct server_check check = {.due_ms = NOW}, unmanned = {.due_ms = NOW};
    struct server_check_context nobody = in;

    (void)state;
    server_check_not_allowed(&check, &in, 403);
    assert_int_equal(check.due_ms, check.refused_due_ms);
    server_check_accepted(&check, &in, 4, 4);
    assert_int_equal(check.credential_status, 403); /* which is still to be told */
    assert_int_not_equal(check.due_ms, check.refused_due_ms);
    nobody.managers = false;
    server_check_not_allowed(&unmanned, &nobody, 401);
    assert_in_range(unmanned.due_ms, NOW + PERIOD * 900, NOW + PERIOD * 1100);
    unmanned.absences = 1; /* a doubt that the runner's token settles */
    server_check_not_allowed(&unmanned, &nobody, 403);
    assert_true(unmanned.try_token);
    shown(&check, "{" AS_TOLD ", " MARKED "}");
    assert_int_equal(check.credential_status, 0);
}

/* Managers that run are heard of; if GitLab has heard nothing, they may have a token that it does not know. */
static void silence_makes_the_token_suspect(void **state)
{
    static const struct {
        const char *first, *second;
        bool suspect;
    } cases[] = {
        {"'2026-01-25T16:39:48.066Z'", "'2026-01-25T16:49:40Z'", false},
        {"'2026-01-25T16:39:48.066Z'", "'2026-01-25T16:39:48.066Z'", true},
        {"null", "null", true},
        {"null", "'2026-01-25T16:39:48.066Z'", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_arena struct arena a = {0};
        struct server_check check = {0};
        shown(&check, arena_printf(&a, "{" AS_TOLD ", " MARKED ", contacted_at: %s}", cases[i].first));
        assert_false(check.try_token); /* nothing to compare with yet */
        shown(&check, arena_printf(&a, "{" AS_TOLD ", " MARKED ", contacted_at: %s}", cases[i].second));
        assert_int_equal(check.try_token, cases[i].suspect);
        assert_int_equal(check.due_ms == NOW, cases[i].suspect);
    }
}

/* Its number alone does not make a runner ours: before it is changed, its token or the mark must say so. */
static void an_edited_runner_without_our_mark_must_prove_itself(void **state)
{
    struct server_check check = {0};

    (void)state;
    shown(&check, "{description: 'theirs', maintenance_note: 'theirs'}");
    assert_int_equal(check.shown, SHOWN_FOREIGN);
    assert_true(check.try_token);
    server_check_accepted(&check, &in, 4, 4);
    assert_int_equal(check.shown, SHOWN_OURS);
    assert_int_not_equal(check.edited, 0);
    shown(&check, "{description: 'theirs', maintenance_note: 'theirs'}");
    server_check_accepted(&check, &in, 5, 4); /* the token of another one */
    assert_int_equal(check.shown, SHOWN_FOREIGN);
    assert_int_equal(check.edited, 0);
    assert_int_equal(check.absences, CONFIRMATIONS);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What was edited */

static void names_what_somebody_has_edited(void **state)
{
    static const struct {
        const char *runner, *edited;
    } cases[] = {
        {"{" AS_TOLD ", " MARKED "}", ""},
        {"{}", ""},                                               /* what is not shown says nothing */
        {"{maintenance_note: null, tag_list: null}", "tag_list"}, /* a note may only be hidden */
        {"{" AS_TOLD ", maintenance_note: 'theirs'}", "maintenance_note"},
        {"{tag_list: [a]}", "tag_list"},
        {"{tag_list: [a, c]}", "tag_list"},
        {"{tag_list: [a, a]}", "tag_list"},
        {"{description: x, run_untagged: true, locked: true, paused: true}",
         "description, run_untagged, locked, paused"},
        {"{access_level: ref_protected, maximum_timeout: 3600}", "access_level, maximum_timeout"},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_arena struct arena a = {0};
        cleanup_json struct json_object *runner = runner_of(cases[i].runner);
        assert_string_equal(attributes_text(attributes_edited(&spec.attributes, runner), &a), cases[i].edited);
    }
}

static void knows_the_scope_of_a_runner(void **state)
{
    static const struct {
        enum scope_type scope;
        const char *runner;
        bool fits;
    } cases[] = {
        {SCOPE_INSTANCE, "{runner_type: instance_type}", true},
        {SCOPE_INSTANCE, "{runner_type: group_type, groups: [{id: 2}]}", false},
        {SCOPE_GROUP, "{runner_type: group_type, groups: [{id: 2}]}", true},
        {SCOPE_GROUP, "{runner_type: group_type, groups: [{id: 3}]}", false},
        {SCOPE_GROUP, "{runner_type: project_type, projects: [{id: 2}]}", false},
        {SCOPE_PROJECT, "{runner_type: project_type, projects: [{id: 1}, {id: 2}]}", true},
        {SCOPE_PROJECT, "{runner_type: project_type}", false},
        {SCOPE_UNSET, "{runner_type: instance_type}", false},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const struct spec where = {.scope = cases[i].scope, .scope_id = 2};
        cleanup_json struct json_object *runner = json_build(cases[i].runner);
        assert_int_equal(runner_is_in_scope(runner, &where), cases[i].fits);
    }
}

static void reads_gitlabs_version(void **state)
{
    struct server_check check = {.wants_version = true};

    (void)state;
    server_check_version(&check, &in, "19.3.1-ee");
    assert_int_equal(check.major, 19);
    assert_int_equal(check.minor, 3);
    assert_false(check.wants_version);
    server_check_version(&check, &in, NULL); /* not told this time: it is what it was */
    server_check_version(&check, &in, "nightly");
    assert_int_equal(check.major, 19);
    shown(&check, "{" AS_TOLD "}");
    assert_true(!check.wants_version && check.wants_self); /* the other question, in a check of its own */
    server_check_self(&check, &in, "2030-02-03");
    assert_true(check.self_known);
    assert_int_equal(check.credential_end, 1896307200);
    shown(&check, "{" AS_TOLD "}");
    assert_false(check.wants_version || check.wants_self); /* both are asked seldom */
    server_check_forget_credential(&check);
    shown(&check, "{" AS_TOLD "}");
    assert_true(!check.wants_version && check.wants_self);
    server_check_self(&check, &in, NULL);
    assert_int_equal(check.credential_end, 0);
}

/* What was not heard is asked for in the next check, and puts the other question off for no longer than that. */
static void asks_again_what_was_not_heard(void **state)
{
    struct server_check check = {.major = 0};

    (void)state;
    shown(&check, "{" AS_TOLD "}");
    assert_true(check.wants_version);
    server_check_unheard(&check);
    assert_false(check.wants_version || check.wants_self); /* not at once */
    shown(&check, "{" AS_TOLD "}");
    assert_true(check.wants_version);
    server_check_version(&check, &in, NULL);
    shown(&check, "{" AS_TOLD "}");
    assert_true(check.wants_self);
    server_check_self(&check, &in, "2030-02-03");
    server_check_forget_credential(&check);
    shown(&check, "{" AS_TOLD "}");
    assert_true(check.wants_version); /* another credential may be told what this one was not */
    server_check_version(&check, &in, "19.3.1");
    shown(&check, "{" AS_TOLD "}");
    server_check_unheard(&check);
    assert_int_equal(check.credential_end, 1896307200);
    shown(&check, "{" AS_TOLD "}");
    assert_true(check.wants_self);
}

/* What one GitLab has said of itself is not true of another. */
static void another_gitlab_is_asked_anew(void **state)
{
    struct server_check check = {.major = 0};

    (void)state;
    server_check_version(&check, &in, "19.3.1");
    server_check_self(&check, &in, "2030-02-03");
    server_check_renewed(&check, &in, false);
    assert_int_equal(check.major, 19);
    server_check_renewed(&check, &in, true);
    assert_int_equal(check.major, 0);
    assert_int_equal(check.credential_end, 0);
    shown(&check, "{" AS_TOLD "}");
    assert_true(check.wants_version);
}

/* A call by the token says so, too; whatever was found of the id is forgotten. */
static void a_token_that_is_dead_needs_no_second_look(void **state)
{
    struct server_check check = {.absences = 1, .shown = SHOWN_OURS, .credential_status = 403};

    (void)state;
    server_check_dead(&check);
    assert_int_equal(check.refusals, CONFIRMATIONS);
    assert_int_equal(check.absences, 0);
    assert_int_equal(check.credential_status, 0);
    assert_int_equal(check.shown, SHOWN_UNKNOWN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_process_does_not_begin_with_checks),
        cmocka_unit_test(what_is_planned_stays_unless_the_period_is_shorter_now),
        cmocka_unit_test(all_is_well_for_about_a_period),
        cmocka_unit_test(what_is_said_once_is_asked_again_soon),
        cmocka_unit_test(what_proves_nothing_counts_for_nothing),
        cmocka_unit_test(a_good_answer_ends_the_row),
        cmocka_unit_test(a_dead_token_is_looked_for_by_id),
        cmocka_unit_test(an_access_token_that_may_not_look_is_not_given_up),
        cmocka_unit_test(silence_makes_the_token_suspect),
        cmocka_unit_test(an_edited_runner_without_our_mark_must_prove_itself),
        cmocka_unit_test(names_what_somebody_has_edited),
        cmocka_unit_test(knows_the_scope_of_a_runner),
        cmocka_unit_test(reads_gitlabs_version),
        cmocka_unit_test(asks_again_what_was_not_heard),
        cmocka_unit_test(another_gitlab_is_asked_anew),
        cmocka_unit_test(a_token_that_is_dead_needs_no_second_look),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
