/* Whose job a pod runs, and which: from what gitlab-runner writes on it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/job_pods.h"

#define LONG "a-name-of-a-runner-that-is-so-long-that-no-label-may-hold-all-of-it"

/* As sanitizeLabel() of gitlab-runner makes them. */
static void labels_are_what_gitlab_runner_writes(void **state)
{
    static const char *const cases[][3] = {
        {"ci", "builds", "ci_builds"},
        {"ci", "a.b-c", "ci_a.b-c"},
        {"a-b", "c", "a-b_c"},
        {"ci", LONG, "ci_a-name-of-a-runner-that-is-so-long-that-no-label-may-hold-al"},
        {"n", "12345678-12345678-12345678-12345678-12345678-12345678-12345.-x", /* cut behind a dash */
         "n_12345678-12345678-12345678-12345678-12345678-12345678-12345"},
        {"-ci", "builds-", "ci_builds"},
        {"-", "-", ""},
    };
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_string_equal(job_pods_label(cases[i][0], cases[i][1], &a), cases[i][2]);
}

static struct json_object *pod_of(const char *text, struct arena *a)
{
    struct err err;
    struct json_object *pod = arena_json(a, json_parse(text, strlen(text), &err));

    assert_non_null(pod);
    return pod;
}

#define HEAD                                                                                                           \
    "{\"metadata\": {\"name\": \"runner-x-0\", \"namespace\": \"jobs\", \"creationTimestamp\": "                       \
    "\"2026-01-02T03:04:05Z\", \"labels\": {\"job.runner.gitlab.com/pod\": \"p\", "                                    \
    "\"manager.runner.gitlab.com/name\": \"ci_builds\"}, \"annotations\": {\"job.runner.gitlab.com/id\": \"8812\", "   \
    "\"job.runner.gitlab.com/name\": \"unit\", \"project.runner.gitlab.com/id\": \"7\", "                              \
    "\"job.runner.gitlab.com/url\": \"https://gitlab.test/a/b/-/jobs/8812\"}}"

static void a_pod_tells_of_its_job(void **state)
{
    cleanup_arena struct arena a = {0};
    struct json_object *pod =
        pod_of(HEAD ", \"spec\": {\"nodeName\": \"node-3\", \"containers\": [{\"env\": [{\"name\": "
                    "\"CI_JOB_STAGE\", \"value\": \"test\"}]}]}, \"status\": {\"phase\": "
                    "\"Running\"}}",
               &a);
    struct job job = job_of_pod(pod, &a);

    (void)state;
    assert_string_equal(job_pod_runner(pod), "ci_builds");
    assert_true(job_pod_is_live(pod));
    assert_string_equal(job.id, "8812");
    assert_string_equal(job.project, "a/b");
    assert_string_equal(job.name, "unit");
    assert_string_equal(job.stage, "test");
    assert_string_equal(job.state, "running");
    assert_string_equal(job.node, "node-3");
    assert_int_equal(job.since, 1767323045);
}

static void a_pod_that_waits_says_for_what(void **state)
{
    static const char *const cases[][2] = {
        {"{\"phase\": \"Pending\"}", "pending"},
        {"{\"phase\": \"Pending\", \"conditions\": [{\"type\": \"PodScheduled\", \"status\": \"False\", \"reason\": "
         "\"Unschedulable\"}]}",
         "Unschedulable"},
        {"{\"phase\": \"Pending\", \"containerStatuses\": [{\"state\": {\"waiting\": {\"reason\": "
         "\"ContainerCreating\"}}}, {\"state\": {\"waiting\": {\"reason\": \"ImagePullBackOff\"}}}]}",
         "ImagePullBackOff"},
        {"{}", ""},
    };
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct json_object *pod = pod_of(arena_printf(&a, HEAD ", \"status\": %s}", cases[i][0]), &a);
        assert_string_equal(job_of_pod(pod, &a).state, cases[i][1]);
    }
}

static void a_pod_that_was_deleted_is_ending(void **state)
{
    static const char pod[] =
        "{\"metadata\": {\"deletionTimestamp\": \"2026-01-01T00:00:00Z\"}, \"status\": {\"phase\": \"Running\"}}";
    cleanup_arena struct arena a = {0};

    (void)state;
    assert_string_equal(job_of_pod(pod_of(pod, &a), &a).state, "ending");
}

static void a_pod_lives_until_it_has_ended(void **state)
{
    static const struct {
        const char *phase;
        bool live;
    } cases[] = {{"", true}, {"Pending", true}, {"Running", true}, {"Succeeded", false}, {"Failed", false}};
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(
            job_pod_is_live(pod_of(arena_printf(&a, HEAD ", \"status\": {\"phase\": \"%s\"}}", cases[i].phase), &a)),
            cases[i].live);
}

static void other_pods_are_nobodys(void **state)
{
    cleanup_arena struct arena a = {0};
    struct json_object *pause = pod_of("{\"metadata\": {\"labels\": {\"manager.runner.gitlab.com/name\": \"x\"}}}", &a);
    struct job nothing = job_of_pod(NULL, &a);

    (void)state;
    assert_null(job_pod_runner(pause));
    assert_null(job_pod_runner(NULL));
    assert_string_equal(nothing.id, "");
    assert_string_equal(nothing.project, "");
    assert_int_equal(nothing.since, -1);
}

static void capacity_is_that_of_all_managers(void **state)
{
    static const struct {
        const char *spec;
        int64_t jobs;
    } cases[] = {
        {"{}", 10},
        {"{\"concurrent\": 4, \"manager\": {\"replicas\": 3}}", 12},
        {"{\"concurrent\": 4, \"config\": {\"runners\": {\"limit\": 2}}, \"manager\": {\"replicas\": 3}}", 6},
        {"{\"config\": {\"runners\": {\"limit\": 0}}}", 10},
        {"{\"config\": {\"runners\": {\"limit\": 50}}}", 10},
        {"{\"manager\": {\"replicas\": 0}}", 0},
        {"{\"concurrent\": -4}", -1},
        {"{\"concurrent\": 9999999999999}", -1},
    };
    cleanup_arena struct arena a = {0};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_int_equal(job_capacity(pod_of(cases[i].spec, &a)), cases[i].jobs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(labels_are_what_gitlab_runner_writes), cmocka_unit_test(a_pod_tells_of_its_job),
        cmocka_unit_test(a_pod_that_waits_says_for_what),       cmocka_unit_test(a_pod_that_was_deleted_is_ending),
        cmocka_unit_test(a_pod_lives_until_it_has_ended),       cmocka_unit_test(other_pods_are_nobodys),
        cmocka_unit_test(capacity_is_that_of_all_managers),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
