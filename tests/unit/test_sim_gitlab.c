/* The simulation's GitLab: what the program would be answered there. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/model/direct.h"
#include "tests/sim/gitlab_parts.h"

#define HOST     "gitlab-0.example"
#define START_MS ((int64_t)1767225600 * 1000) /* 2026-01-01 */

static struct sim *sim;
static struct gitlab_server *lab;

static int set_up(void **state)
{
    (void)state;
    sim = direct_create();
    direct_set_time(sim, START_MS);
    lab = gitlab_server_create(sim, HOST);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    gitlab_server_destroy(lab);
    direct_destroy(sim);
    return 0;
}

static const struct direct_answer *ask(const char *token, const char *method, const char *path, const char *body)
{
    char target[300], header[300];
    const char *headers[] = {"Content-Type: application/json", token ? header : NULL, NULL};

    snprintf(target, sizeof(target), "/api/v4%s", path);
    snprintf(header, sizeof(header), "PRIVATE-TOKEN: %s", token ? token : "");
    return direct_ask(sim, method, HOST, target, headers, body);
}

static void assert_says(const struct direct_answer *answer, long status, const char *body)
{
    assert_int_equal(answer->status, status);
    assert_string_equal(answer->body.data, body);
}

static struct json_object *body_of(const struct direct_answer *answer)
{
    struct err err;
    struct json_object *body = json_parse(answer->body.data, answer->body.len, &err);

    assert_non_null(body);
    return body;
}

/* A runner of the access token; its number, and its token in text. */
static int64_t create(const char *access, const char *attributes, char *text, size_t size)
{
    char body[4000];

    snprintf(body, sizeof(body), "{\"runner_type\":\"instance_type\"%s}", attributes);
    const struct direct_answer *answer = ask(access, "POST", "/user/runners", body);
    assert_int_equal(answer->status, 201);
    cleanup_json struct json_object *made = body_of(answer);
    snprintf(text, size, "%s", json_str_or(made, "token", ""));
    return json_int_or(made, "id", 0);
}

static const struct direct_answer *by_token(const char *method, const char *path, const char *token)
{
    char body[400];

    snprintf(body, sizeof(body), "{\"token\":\"%s\"}", token);
    return ask(NULL, method, path, body);
}

/* ------------------------------------------------------------------------------------------------------------------
 * One runner's life */

static void test_life(void **state)
{
    const char *access = gitlab_access_token(lab, "create_runner manage_runner read_api", GITLAB_ADMIN);
    char token[100], path[40], again[100];

    (void)state;
    int64_t id = create(access, ",\"tag_list\":\"a, b,a\",\"description\":\"d\",\"maintenance_note\":\"n\"", token,
                        sizeof(token));
    assert_true(strncmp(token, "glrt-t1_", 8) == 0);
    snprintf(path, sizeof(path), "/runners/%lld", (long long)id);
    cleanup_json struct json_object *shown = body_of(ask(access, "GET", path, NULL));
    assert_string_equal(json_text(json_get(shown, "tag_list")), "[\"a\",\"b\"]");
    assert_string_equal(json_str(shown, "maintenance_note"), "n");
    assert_string_equal(json_str(shown, "status"), "never_contacted");
    assert_null(json_get(shown, "token"));

    assert_int_equal(by_token("POST", "/runners/verify", token)->status, 200);
    cleanup_json struct json_object *edited = body_of(ask(access, "PUT", path, "{\"paused\":true,\"tag_list\":[]}"));
    assert_true(json_bool_or(edited, "paused", false));
    assert_int_equal(json_len(json_get(edited, "tag_list")), 0);
    assert_string_equal(json_str(edited, "contacted_at"), "2026-01-01T00:00:00.000Z");
    assert_string_equal(json_str(edited, "status"), "paused");

    cleanup_json struct json_object *renewed = body_of(by_token("POST", "/runners/reset_authentication_token", token));
    snprintf(again, sizeof(again), "%s", json_str(renewed, "token"));
    assert_says(by_token("POST", "/runners/verify", token), 403, "{\"message\":\"403 Forbidden\"}");
    assert_int_equal(gitlab_runner_of(lab, again), id);
    assert_says(by_token("DELETE", "/runners", again), 204, "");
    assert_says(by_token("DELETE", "/runners", again), 403, "{\"message\":\"403 Forbidden\"}");
    assert_says(ask(access, "DELETE", path, NULL), 404, "{\"message\":\"404 Runner Not Found\"}");
}

static void test_registration(void **state)
{
    (void)state;
    cleanup_json struct json_object *made =
        body_of(by_token("POST", "/runners", gitlab_registration_token(lab, "project_type", 2)));
    assert_true(strncmp(json_str(made, "token"), "glrtr-t3_", 9) == 0);
    assert_says(by_token("POST", "/runners", "nonsense"), 403,
                "{\"message\":\"403 Forbidden - invalid token supplied\"}");
    assert_says(ask(NULL, "POST", "/runners", "{}"), 400, "{\"error\":\"token is missing\"}");
    assert_says(ask(NULL, "POST", "/runners", "{\"active\":1,\"paused\":0}"), 400,
                "{\"error\":\"token is missing, active, paused are mutually exclusive\"}");
    gitlab_registration_off(lab, true);
    assert_says(by_token("POST", "/runners", gitlab_registration_token(lab, "instance_type", 0)), 410,
                "{\"message\":\"410 Gone - runner registration disallowed\"}");
    assert_int_equal(by_token("POST", "/runners", "nonsense")->status, 410);
}

/* ------------------------------------------------------------------------------------------------------------------
 * Refusals */

static void test_refused_tokens(void **state)
{
    const char *creates = gitlab_access_token(lab, "create_runner", GITLAB_ADMIN);
    const char *manages = gitlab_access_token(lab, "manage_runner", GITLAB_ADMIN);

    (void)state;
    assert_says(ask(NULL, "GET", "/runners/1", NULL), 401, "{\"message\":\"401 Unauthorized\"}");
    assert_int_equal(ask(manages, "GET", "/runners/1", NULL)->status, 404);
    assert_says(ask(manages, "GET", "/runners/all", NULL), 403,
                "{\"error\":\"insufficient_scope\",\"error_description\":\"The request requires higher privileges than "
                "provided by the access token.\",\"scope\":\"manage_runner api read_api\"}");
    assert_int_equal(ask(creates, "GET", "/version", NULL)->status, 403);
    assert_int_equal(ask(creates, "GET", "/personal_access_tokens/self", NULL)->status, 200);
    gitlab_access_ends(lab, manages, START_MS / 1000);
    assert_true(strstr(ask(manages, "GET", "/runners/1", NULL)->body.data, "Token is expired"));
    gitlab_revoke(lab, manages);
    assert_true(strstr(ask(manages, "GET", "/runners/1", NULL)->body.data, "Token was revoked"));
    gitlab_block_users(lab, true);
    assert_says(ask(creates, "GET", "/personal_access_tokens/self", NULL), 403,
                "{\"message\":\"403 Forbidden - Your account has been blocked.\"}");
}

static void test_roles(void **state)
{
    const char *scopes = "create_runner manage_runner read_api";
    static const char *const bodies[] = {"{\"runner_type\":\"instance_type\"}",
                                         "{\"runner_type\":\"group_type\",\"group_id\":1}",
                                         "{\"runner_type\":\"project_type\",\"project_id\":\"1\"}"};
    static const char *const lists[] = {"/runners/all", "/groups/1/runners", "/projects/group-1%2fproject-1/runners"};

    (void)state;
    for (enum gitlab_role role = GITLAB_DEVELOPER; role <= GITLAB_ADMIN; role++) {
        const char *token = gitlab_access_token(lab, scopes, role);
        for (int type = 0; type < 3; type++) {
            bool may = (int)role + type >= 3;
            assert_int_equal(ask(token, "POST", "/user/runners", bodies[type])->status, may ? 201 : 403);
            if (type < 2)
                assert_int_equal(ask(token, "GET", lists[type], NULL)->status, may ? 200 : 403);
        }
    }
    const char *owner = gitlab_access_token(lab, scopes, GITLAB_OWNER);
    assert_says(ask(owner, "POST", "/user/runners", "{\"runner_type\":\"group_type\",\"group_id\":99}"), 400,
                "{\"message\":\"400 Bad request - Missing/invalid group\"}");
    assert_says(ask(owner, "POST", "/user/runners", "{\"runner_type\":\"group_type\"}"), 400,
                "{\"error\":\"group_id is missing\"}");
    assert_says(ask(owner, "POST", "/user/runners", "{}"), 400,
                "{\"error\":\"runner_type is missing, runner_type does not have a valid value\"}");
}

static void test_rights_and_limits(void **state)
{
    const char *token = gitlab_access_token(lab, "create_runner", GITLAB_OWNER);
    static const char *const body = "{\"runner_type\":\"project_type\",\"project_id\":2}";

    (void)state;
    gitlab_limit(lab, 1);
    assert_int_equal(ask(token, "POST", "/user/runners", body)->status, 201);
    assert_says(ask(token, "POST", "/user/runners", body), 400,
                "{\"message\":\"400 Bad request - Runner projects base Maximum number of ci registered project runners "
                "(1) exceeded\"}");
    assert_says(by_token("POST", "/runners", gitlab_registration_token(lab, "project_type", 2)), 400,
                "{\"message\":{\"runner_projects.base\":[\"Maximum number of ci registered project runners (1) "
                "exceeded\"]}}");
    gitlab_limit(lab, 1000);
    gitlab_rights(lab, token, "create_runner api", GITLAB_DEVELOPER);
    assert_int_equal(ask(token, "POST", "/user/runners", body)->status, 403);
    assert_int_equal(ask(token, "GET", "/version", NULL)->status, 200);
    gitlab_rights(lab, token, "read_api", GITLAB_ADMIN);
    assert_int_equal(ask(token, "GET", "/runners/all", NULL)->status, 200);
    assert_int_equal(ask(token, "POST", "/user/runners", body)->status, 403);
}

/* A group goes with its projects; their runners stay, and are nobody's. */
static void test_orphans(void **state)
{
    const char *access = gitlab_access_token(lab, "api", GITLAB_ADMIN);
    char token[100];

    (void)state;
    cleanup_json struct json_object *made =
        body_of(by_token("POST", "/runners", gitlab_registration_token(lab, "project_type", 1)));
    snprintf(token, sizeof(token), "%s", json_str(made, "token"));
    lab_delete_owner(lab, LAB_GROUP, 1);
    assert_int_equal(ask(access, "GET", "/groups/1/runners", NULL)->status, 404);
    assert_int_equal(ask(access, "GET", "/projects/1/runners", NULL)->status, 404);
    assert_int_equal(by_token("POST", "/runners/verify", token)->status, 200);
    lab->orphans_told = true;
    assert_says(by_token("POST", "/runners/verify", token), 422, "{\"message\":\"Runner is orphaned\"}");
    assert_int_equal(ask(access, "GET", "/runners/1", NULL)->status, 200);
    assert_int_equal(by_token("DELETE", "/runners", token)->status, 204);
}

static void test_no_resets(void **state)
{
    const char *access = gitlab_access_token(lab, "api", GITLAB_ADMIN), *token = gitlab_runner_by_hand(lab);

    (void)state;
    lab->no_self_reset = true;
    assert_says(by_token("POST", "/runners/reset_authentication_token", token), 403,
                "{\"error\":\"Not permitted to reset\"}");
    lab->too_late = true;
    assert_says(ask(access, "POST", "/runners/1/reset_authentication_token", NULL), 422,
                "{\"message\":\"422 Unprocessable Entity\"}");
    assert_int_equal(gitlab_runner_of(lab, token), 1);
}

static void test_attributes(void **state)
{
    const char *access = gitlab_access_token(lab, "api", GITLAB_ADMIN);
    char token[100];

    (void)state;
    assert_says(ask(access, "POST", "/user/runners",
                    "{\"runner_type\":\"instance_type\",\"run_untagged\":false,\"maximum_timeout\":10}"),
                400,
                "{\"message\":\"400 Bad request - Tags list can not be empty when runner is not allowed to pick "
                "untagged jobs and Maximum timeout needs to be at least 10 minutes\"}");
    create(access, "", token, sizeof(token));
    assert_says(ask(access, "PUT", "/runners/1", "{\"maximum_timeout\":10}"), 400,
                "{\"message\":{\"maximum_timeout\":[\"needs to be at least 10 minutes\"]}}");
    assert_says(ask(access, "PUT", "/runners/1", "{}"), 400,
                "{\"error\":\"description, active, paused, tag_list, run_untagged, locked, access_level, "
                "maximum_timeout, maintenance_note are missing, at least one parameter must be provided\"}");
    assert_says(ask(access, "PUT", "/runners/1", "{\"access_level\":\"none\",\"locked\":\"maybe\"}"), 400,
                "{\"error\":\"locked is invalid, access_level does not have a valid value\"}");
    assert_says(ask(access, "GET", "/runners/verify", NULL), 400, "{\"error\":\"id is invalid\"}");
    assert_says(ask(access, "PATCH", "/runners/1", NULL), 405, "{\"error\":\"405 Not Allowed\"}");
    assert_says(ask(access, "GET", "/nothing", NULL), 404, "{\"error\":\"404 Not Found\"}");
}

/* ------------------------------------------------------------------------------------------------------------------
 * Lists */

static void test_pages(void **state)
{
    const char *access = gitlab_access_token(lab, "api", GITLAB_ADMIN);
    char token[100];

    (void)state;
    for (int i = 0; i < 45; i++)
        create(access, "", token, sizeof(token));
    assert_int_equal(by_token("POST", "/runners/verify", token)->status, 200);
    const char *target = "/runners/all?type=instance_type&status=never_contacted&per_page=20&page=";
    for (int page = 1, seen = 0; page <= 3; page++) {
        char path[120];
        snprintf(path, sizeof(path), "%s%d", target, page);
        const struct direct_answer *answer = ask(access, "GET", path, NULL);
        cleanup_json struct json_object *list = body_of(answer);
        for (size_t i = 0; i < json_len(list); i++)
            assert_int_equal(json_int_or(json_at(list, i), "id", 0), 44 - seen++);
        assert_int_equal(seen, page < 3 ? page * 20 : 44);
        assert_string_equal(answer->next_page, page == 1 ? "2" : page == 2 ? "3" : "");
    }
    assert_says(ask(access, "GET", "/runners/all?page=4", NULL), 200, "[]");
    assert_says(ask(access, "GET", "/runners", NULL), 200, "[]");
    assert_int_equal(ask(access, "GET", "/groups/7/runners", NULL)->status, 404);
    gitlab_run_job(lab, 45, true);
    cleanup_json struct json_object *jobs =
        body_of(ask(access, "GET", "/runners/45/jobs?status=running&per_page=1", NULL));
    assert_int_equal(json_len(jobs), 1);
}

/* ------------------------------------------------------------------------------------------------------------------
 * What people, time and trouble do */

static void test_expiry(void **state)
{
    const char *access = gitlab_access_token(lab, "api", GITLAB_ADMIN);
    char token[100];

    (void)state;
    gitlab_expiry(lab, 60);
    create(access, "", token, sizeof(token));
    assert_int_equal(by_token("POST", "/runners/verify", token)->status, 200);
    assert_true(strstr(ask(access, "POST", "/runners/1/reset_authentication_token", "")->body.data,
                       "\"token_expires_at\":\"2026-01-01T00:01:00.000Z\""));
    direct_set_time(sim, START_MS + 60 * 1000);
    assert_int_equal(by_token("POST", "/runners/verify", token)->status, 403);
    assert_int_equal(gitlab_runner_of(lab, token), 0);
}

static void count_runner(void *arg, const struct gitlab_runner *runner)
{
    *(uint64_t *)arg = *(uint64_t *)arg * 10 + runner->id;
}

static void test_backup(void **state)
{
    const char *access = gitlab_access_token(lab, "api", GITLAB_ADMIN);
    char first[100], second[100], third[100];
    uint64_t ids = 0;

    (void)state;
    create(access, "", first, sizeof(first));
    gitlab_backup(lab);
    create(access, "", second, sizeof(second));
    gitlab_delete_runner(lab, 1);
    gitlab_restore(lab);
    assert_int_equal(gitlab_runner_of(lab, first), 1);
    assert_int_equal(gitlab_runner_of(lab, second), 0);
    assert_int_equal(create(access, "", third, sizeof(third)), 2);
    assert_string_not_equal(second, third);
    gitlab_each(lab, count_runner, &ids);
    assert_int_equal(ids, 12);
}

static void note_asked(void *arg, const struct gitlab_asked *asked)
{
    snprintf(arg, 80, "%s %d %d", asked->verb, (int)asked->id, asked->status);
}

static void test_trouble(void **state)
{
    const char *access = gitlab_access_token(lab, "api", GITLAB_ADMIN), *body = "{\"runner_type\":\"instance_type\"}";
    char told[80];

    (void)state;
    gitlab_on_call(lab, note_asked, told);
    gitlab_trouble(lab, &(struct gitlab_trouble){.status = 502, .after = true, .verb = "create"});
    assert_int_equal(ask(access, "POST", "/user/runners", body)->status, 502);
    assert_string_equal(told, "create 1 201");
    assert_int_equal(ask(access, "GET", "/runners/1", NULL)->status, 200);
    gitlab_trouble(lab, &(struct gitlab_trouble){.status = 500});
    assert_says(ask(access, "POST", "/user/runners", body), 500, "{\"message\":\"500 Internal Server Error\"}");
    assert_string_equal(told, "create 0 0");
    gitlab_trouble(lab, &(struct gitlab_trouble){.status = GITLAB_HALF});
    assert_int_equal(ask(access, "POST", "/user/runners", body)->status, 201);
    assert_string_equal(told, "create 2 201");
    gitlab_trouble(lab, &(struct gitlab_trouble){.status = 0});
    gitlab_throttle(lab, 2);
    for (int i = 0; i < 4; i++)
        assert_int_equal(ask(access, "GET", "/version", NULL)->status, i < 2 ? 200 : 429);
    direct_set_time(sim, START_MS + 45 * 1000);
    assert_int_equal(ask(access, "GET", "/version", NULL)->retry_after_ms, 15000);
    direct_set_time(sim, START_MS + 60 * 1000);
    assert_int_equal(ask(access, "GET", "/version", NULL)->status, 200);
}

static void test_people(void **state)
{
    const char *token = gitlab_runner_by_hand(lab), *again;
    char body[200];

    (void)state;
    for (uint32_t chance = 0; chance < 14; chance++)
        gitlab_edit_runner(lab, 1, chance);
    gitlab_take_mark(lab, 1);
    gitlab_reset_token(lab, 1);
    assert_int_equal(by_token("POST", "/runners/verify", token)->status, 403);
    again = gitlab_registration_token(lab, "group_type", 3);
    gitlab_revoke(lab, again);
    snprintf(body, sizeof(body), "%s", again);
    assert_int_equal(by_token("POST", "/runners", body)->status, 403);
    assert_int_equal(by_token("POST", "/runners", gitlab_registration_token(lab, "group_type", 3))->status, 201);
    gitlab_delete_runner(lab, 99);
    gitlab_edit_runner(lab, 99, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_life, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_registration, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_refused_tokens, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_roles, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_rights_and_limits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_orphans, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_no_resets, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_attributes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_pages, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_expiry, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_backup, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_trouble, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_people, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
