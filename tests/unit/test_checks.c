/* What GitLab's answers about a runner that exists teach: the words of the refusals are those that GitLab uses. */
#include "golden.h"

#include "operator/checks.h"
#include "gitlab/op.h"
#include "net/loop.h"

#define URL   "https://gitlab.example.com"
#define SCOPE "{\"error\":\"insufficient_scope\",\"error_description\":\"The request requires higher privileges\"}"
#define NO    "{\"message\":\"403 Forbidden - No access granted\"}"
#define DEAD  "{\"message\":\"403 Forbidden\"}"
#define GONE  "{\"message\":\"404 Runner Not Found\"}"
#define PAGE  "<html>by a proxy</html>"
#define OURS  "{\"id\":4,\"maintenance_note\":\"gitlab-runners.dev/uid=uid-1\",\"runner_type\":\"instance_type\"}"

static const struct spec spec = {
    .authentication = AUTH_ACCESS_TOKEN, .scope = SCOPE_INSTANCE, .server_check_period = 600};

/* What was learned, in a line; "": nothing. */
static const char *learned(const struct state *state, struct arena *a)
{
    static const char *const shown[] = {"", " ours", " foreign"}, *const takeover[] = {"", " unmarked", " fits",
                                                                                       " refused"};
    const struct server_check *c = &state->memory.check;

    return arena_printf(a, "%s%s%s%s%s%s", c->absences ? " absent" : "", c->refusals ? " dead" : "",
                        c->credential_status ? " unseen" : "", shown[c->shown], takeover[state->memory.takeover],
                        state->memory.not_inherited ? " not-inherited" : "");
}

static const struct {
    const char *rule;
    enum gitlab_call call;
    enum gitlab_op_kind op;
    int status;
    const char *body, *learned;
    bool failed; /* it counts as a failure that is tried again */
} cases[] = {
    /* By id. */
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 200, OURS, " ours", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 200, "{\"id\":4}", " foreign", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 404, GONE, " absent", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 404, "{\"error\":\"404 Not Found\"}", "", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 404, PAGE, "", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 403, NO, " unseen", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 403, SCOPE, " unseen", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 403, PAGE, "", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 401, "{\"message\":\"401 Unauthorized\"}", " unseen", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 401, "{\"error\":\"invalid_token\"}", " unseen", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 401, PAGE, "", false},
    {"check", GITLAB_SHOW, GITLAB_OP_SHOW, 502, PAGE, "", false},
    {"proof", GITLAB_SHOW, GITLAB_OP_SHOW, 502, PAGE, "", true}, /* somebody waits for this one */
    {"proof", GITLAB_SHOW, GITLAB_OP_SHOW, 404, GONE, " absent", false},

    /* By the runner's own token. */
    {"check", GITLAB_TRY, GITLAB_OP_VERIFY, 200, "{\"id\":4,\"token\":\"t\"}", " ours", false},
    {"check", GITLAB_TRY, GITLAB_OP_VERIFY, 200, "{\"id\":5,\"token\":\"t\"}", " absent foreign", false},
    {"check", GITLAB_TRY, GITLAB_OP_VERIFY, 403, DEAD, " dead", false},
    {"check", GITLAB_TRY, GITLAB_OP_VERIFY, 403, PAGE, "", false},
    {"proof", GITLAB_TRY, GITLAB_OP_VERIFY, 403, PAGE, "", true},
    {"rotation", GITLAB_ROTATE, GITLAB_OP_ROTATE, 403, DEAD, " dead", false},
    {"rotation", GITLAB_ROTATE, GITLAB_OP_ROTATE, 403, "{\"error\":\"Not permitted to reset\"}", "", true},
    {"rotation", GITLAB_ROTATE, GITLAB_OP_ROTATE, 502, PAGE, "", true},

    /* Changes. */
    {"attributes", GITLAB_UPDATE, GITLAB_OP_UPDATE, 404, GONE, " absent", true},
    {"attributes", GITLAB_UPDATE, GITLAB_OP_UPDATE, 403, NO, "", true},
    {"dead-token", GITLAB_RESET, GITLAB_OP_RESET, 404, GONE, " absent", true},

    /* Takeovers: what GitLab does not allow is done in another way, and what it did not say is asked again. */
    {"proof", GITLAB_INSPECT, GITLAB_OP_SHOW, 200, OURS, " ours fits", false},
    {"proof", GITLAB_INSPECT, GITLAB_OP_SHOW, 200, "{\"id\":4}", " refused", false},
    {"proof", GITLAB_INSPECT, GITLAB_OP_SHOW, 404, GONE, " refused", false},
    {"proof", GITLAB_INSPECT, GITLAB_OP_SHOW, 403, NO, " refused", false},
    {"proof", GITLAB_INSPECT, GITLAB_OP_SHOW, 403, SCOPE, " refused", false},
    {"proof", GITLAB_INSPECT, GITLAB_OP_SHOW, 401, "{\"message\":\"401 Unauthorized\"}", "", true},
    {"proof", GITLAB_INSPECT, GITLAB_OP_SHOW, 403, PAGE, "", true},
    {"takeover", GITLAB_KEEP, GITLAB_OP_VERIFY, 403, DEAD, " refused", false},
    {"takeover", GITLAB_KEEP, GITLAB_OP_VERIFY, 200, "{\"id\":5,\"token\":\"t\"}", " refused", false},
    {"takeover", GITLAB_KEEP, GITLAB_OP_VERIFY, 502, PAGE, "", true},
    {"inherit", GITLAB_INHERIT, GITLAB_OP_VERIFY, 403, DEAD, " not-inherited", false},
    {"inherit", GITLAB_INHERIT, GITLAB_OP_VERIFY, 200, "{\"id\":5,\"token\":\"t\"}", " not-inherited", false},
    {"inherit", GITLAB_INHERIT, GITLAB_OP_VERIFY, 403, PAGE, "", true},
};

/* A runner that fits is told the attributes: what of that means that it cannot be taken over, and what is only to be
 * put right, or tried again? A runner that works is not given up for the latter. */
static const struct {
    int status;
    const char *body, *learned;
} updates[] = {
    {404, GONE, " refused"},
    {403, NO, " refused"},
    {403, SCOPE, " refused"},
    {403, PAGE, " fits"},
    {401, "{\"message\":\"401 Unauthorized\"}", " fits"},
    {400, "{\"message\":{\"tags_list\":[\"can not be empty\"]}}", " fits"},
    {429, "{\"message\":{\"error\":\"too many times\"}}", " fits"},
    {502, PAGE, " fits"},
};

static struct gitlab_answer answer_of(enum gitlab_op_kind op, int status, const char *body, struct arena *a)
{
    struct err ignored;
    struct json_object *json = arena_json(a, json_parse(body, strlen(body), &ignored));
    struct gitlab_answer answer = {.id = json_int_or(json, "id", 0), .body = json};

    if (status == 200)
        return answer;
    answer.err = gitlab_classify(op, URL, status, body, strlen(body), 0);
    const struct http_reply reply = {.status = status, .body = body, .len = strlen(body)};
    answer.proven = refusal_is_in_gitlabs_words(op, &reply);
    return answer;
}

static bool learns(struct loop *loop, const char *rule, enum gitlab_call call, struct state *state,
                   const struct gitlab_answer *answer)
{
    const struct workshop shop = {.loop = loop};
    struct turn turn = {
        .shop = &shop,
        .state = state,
        .asked = {.kind = ACT_GITLAB, .rule = rule, .gitlab = {.call = call, .runner_id = 4}},
        .observed = {.spec = &spec, .memory = &state->memory, .owner.uid = "uid-1", .ready_replicas = 1}};

    turn.observed.children[CHILD_TOKEN_SECRET].exists = true;
    return checks_learn(&turn, answer);
}

static void an_answer_teaches_what_it_proves(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_arena struct arena a = {0};
        struct state runner = {.memory.check.due_ms = 1};
        const struct gitlab_answer answer = answer_of(cases[i].op, cases[i].status, cases[i].body, &a);
        bool failed = !learns(*state, cases[i].rule, cases[i].call, &runner, &answer);
        if (strcmp(learned(&runner, &a), cases[i].learned) != 0 || failed != cases[i].failed)
            fail_msg("%s: %s, %d %s:%s%s", cases[i].rule, gitlab_call_name(cases[i].call), cases[i].status,
                     cases[i].body, learned(&runner, &a), failed ? ", failed" : "");
    }
}

static void a_takeover_is_given_up_only_when_it_is_not_allowed(void **state)
{
    for (size_t i = 0; i < ARRAY_LEN(updates); i++) {
        cleanup_arena struct arena a = {0};
        struct state runner = {.memory.takeover = TAKEOVER_FITS};
        const struct gitlab_answer answer = answer_of(GITLAB_OP_UPDATE, updates[i].status, updates[i].body, &a);
        assert_false(learns(*state, "takeover", GITLAB_UPDATE, &runner, &answer));
        if (strcmp(learned(&runner, &a), updates[i].learned) != 0)
            fail_msg("%d %s:%s", updates[i].status, updates[i].body, learned(&runner, &a));
    }
}

/* Of calls that are about something else it learns nothing. */
static void other_answers_are_left_to_others(void **state)
{
    static const enum gitlab_call calls[] = {GITLAB_REGISTER, GITLAB_CREATE,     GITLAB_VERIFY, GITLAB_RESTORE,
                                             GITLAB_FIND,     GITLAB_DEREGISTER, GITLAB_REMOVE};

    for (size_t i = 0; i < ARRAY_LEN(calls); i++) {
        struct state runner = {0};
        const struct gitlab_answer answer = {.id = 4};
        assert_false(learns(*state, "register", calls[i], &runner, &answer));
    }
}

/* Said once, it changes nothing; said again some seconds later it is believed, and begins anew. */
static void what_loses_a_runner_is_to_be_said_twice(void **state)
{
    const struct gitlab_answer none = {.id = 0}, unknown = {.unknown = true}, good = {.id = 4},
                               refused = {.err = {.kind = ERR_DENIED, .code = 403}, .proven = true},
                               doubted = {.err = {.kind = ERR_DENIED, .code = 403}};
    const struct {
        enum gitlab_call call;
        const struct gitlab_answer *answer;
        bool grave;
    } sayings[] = {
        {GITLAB_FIND, &none, true},       {GITLAB_FIND, &refused, true},     {GITLAB_FIND, &good, false},
        {GITLAB_FIND, &doubted, false},   {GITLAB_DEREGISTER, &good, false}, {GITLAB_DEREGISTER, &unknown, true},
        {GITLAB_REMOVE, &unknown, true},  {GITLAB_RESTORE, &refused, true},  {GITLAB_RESTORE, &none, true},
        {GITLAB_RESTORE, &good, false},   {GITLAB_KEEP, &refused, true},     {GITLAB_INHERIT, &refused, true},
        {GITLAB_INSPECT, &refused, true}, {GITLAB_INSPECT, &good, false},    {GITLAB_REGISTER, &refused, false},
        {GITLAB_CREATE, &good, false},
    };
    const struct workshop shop = {.loop = *state};

    for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
        struct state runner = {0};
        struct turn turn = {.shop = &shop,
                            .state = &runner,
                            .observed.memory = &runner.memory,
                            .asked = {.gitlab = {.call = sayings[i].call, .url = URL, .runner_id = 4}}};
        struct err err = {0};
        turn.observed.children[CHILD_TOKEN_SECRET].exists = true; /* of one that is to be adopted nothing is lost */
        assert_int_equal(checks_believe(&turn, sayings[i].answer, &err), !sayings[i].grave);
        if (!sayings[i].grave)
            continue;
        assert_string_equal(err.reason, CONFIRMING);
        assert_int_equal(err.kind, ERR_RETRY);
        assert_true(err.retry_after_ms > 0);
        assert_false(checks_believe(&turn, sayings[i].answer, &err)); /* too soon */
        runner.memory.heard.at_ms -= err.retry_after_ms;
        assert_true(checks_believe(&turn, sayings[i].answer, &err));
        assert_false(checks_believe(&turn, sayings[i].answer, &err));
        runner.memory.heard.at_ms -= 2 * 60 * 60 * 1000; /* too long ago */
        assert_false(checks_believe(&turn, sayings[i].answer, &err));
        runner.memory.heard.at_ms -= err.retry_after_ms;
        turn.asked.gitlab.runner_id = 5; /* of another runner */
        assert_false(checks_believe(&turn, sayings[i].answer, &err));
    }
}

static int setup(void **state)
{
    *state = loop_create();
    return 0;
}

static int teardown(void **state)
{
    loop_destroy(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_teaches_what_it_proves),
        cmocka_unit_test(a_takeover_is_given_up_only_when_it_is_not_allowed),
        cmocka_unit_test(other_answers_are_left_to_others),
        cmocka_unit_test(what_loses_a_runner_is_to_be_said_twice),
    };

    return cmocka_run_group_tests(tests, setup, teardown);
}
