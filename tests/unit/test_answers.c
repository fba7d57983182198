/* What GitLab's answers about a runner that exists teach: the words of the refusals are those that GitLab uses. */
#include "golden.h"

#include "base/json.h"
#include "gitlab/op.h"
#include "runner/learn.h"

#define URL   "https://gitlab.example.com"
#define SCOPE "{\"error\":\"insufficient_scope\",\"error_description\":\"The request requires higher privileges\"}"
#define NO    "{\"message\":\"403 Forbidden - No access granted\"}"
#define DEAD  "{\"message\":\"403 Forbidden\"}"
#define GONE  "{\"message\":\"404 Runner Not Found\"}"
#define PAGE  "<html>by a proxy</html>"
#define OURS  "{\"id\":4,\"maintenance_note\":\"gitlab-runners.dev/uid=uid-1\",\"runner_type\":\"instance_type\"}"

static const struct spec spec = {
    .url = URL, .authentication = AUTH_ACCESS_TOKEN, .scope = SCOPE_INSTANCE, .server_check_period = 600};

/* What was learned, in a line; "": nothing. */
static const char *learned_text(const struct memory *m, struct arena *a)
{
    static const char *const shown[] = {"", " ours", " foreign"}, *const takeover[] = {"", " unmarked", " fits",
                                                                                       " refused"};
    static const char *const doubts[] = {"", " suspected", " unread", " lost", " searched", " unsearchable"};
    const struct server_check *c = &m->check;

    return arena_printf(a, "%s%s%s%s%s%s%s%s%s%s", c->absences ? " absent" : "", c->refusals ? " dead" : "",
                        c->credential_status ? " unseen" : "", shown[c->shown], takeover[m->takeover],
                        m->not_inherited ? " not-inherited" : "", doubts[m->doubt], m->issued ? " issued" : "",
                        m->config_token_dead ? " no-restore" : "", m->deregistered ? " gone" : "");
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
    {"proof", GITLAB_INSPECT, GITLAB_OP_SHOW, 404, NO, "", true}, /* GitLab does not say this with that */
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

static struct call_answer answer_of(enum gitlab_op_kind op, int status, const char *body, struct arena *a)
{
    struct err ignored;
    struct json_object *json = arena_json(a, json_parse(body, strlen(body), &ignored));
    struct call_answer answer = {.id = json_int_or(json, "id", 0), .body = json};

    if (status == 200)
        return answer;
    answer.err = gitlab_classify(op, URL, status, body, strlen(body), 0);
    const struct http_reply reply = {.status = status, .body = body, .len = strlen(body)};
    answer.proven = refusal_is_in_gitlabs_words(op, &reply);
    return answer;
}

enum { NOW = 100000, SAID_AGAIN = 6000 };

/* What GitLab says to a call about runner 4; *ret_event: what is told of it, "": nothing. False: it is tried again. */
static bool learns_at(int64_t now_ms, const char *rule, enum gitlab_call call, struct memory *m,
                      const struct call_answer *answer, bool has_secret, const char **ret_event)
{
    cleanup_arena struct arena a = {0};
    const struct action asked = {
        .kind = ACT_GITLAB, .rule = rule, .gitlab = {.call = call, .url = URL, .token = "t", .runner_id = 4}};
    struct observed o = {.spec = &spec, .memory = m, .owner.uid = "uid-1", .ready_replicas = 1, .now_ms = now_ms};

    o.registered = (struct registration){.url = "", .authentication = "", .scope = "", .told_hash = ""};
    o.values[READ_TOKEN] = (struct observed_value){.lookup = LOOKUP_FOUND, .value = "t"};
    o.children[CHILD_TOKEN_SECRET].exists = has_secret;
    const struct learned learned = learn_gitlab(m, &o, &asked, answer, 0, &a);
    *ret_event = learned.reason ? learned.reason : "";
    return !learned.failed;
}

/* The same, and some seconds later once more if that is what it takes to be believed. */
static bool learns(const char *rule, enum gitlab_call call, struct memory *m, const struct call_answer *answer,
                   bool has_secret, const char **ret_event)
{
    bool ok = learns_at(NOW, rule, call, m, answer, has_secret, ret_event);

    return m->heard.at_ms ? learns_at(NOW + SAID_AGAIN, rule, call, m, answer, has_secret, ret_event) : ok;
}

static void an_answer_teaches_what_it_proves(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_arena struct arena a = {0};
        struct memory m = {.check.due_ms = 1};
        const struct call_answer answer = answer_of(cases[i].op, cases[i].status, cases[i].body, &a);
        const char *event;
        bool failed = !learns(cases[i].rule, cases[i].call, &m, &answer, true, &event);
        if (strcmp(learned_text(&m, &a), cases[i].learned) != 0 || failed != cases[i].failed || *event)
            fail_msg("%s: %s, %d %s:%s%s %s", cases[i].rule, gitlab_call_name(cases[i].call), cases[i].status,
                     cases[i].body, learned_text(&m, &a), failed ? ", failed" : "", event);
        memory_finish(&m);
    }
}

static void a_takeover_is_given_up_only_when_it_is_not_allowed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(updates); i++) {
        cleanup_arena struct arena a = {0};
        struct memory m = {.takeover = TAKEOVER_FITS};
        const struct call_answer answer = answer_of(GITLAB_OP_UPDATE, updates[i].status, updates[i].body, &a);
        const char *event;
        assert_false(learns("takeover", GITLAB_UPDATE, &m, &answer, true, &event));
        if (strcmp(learned_text(&m, &a), updates[i].learned) != 0)
            fail_msg("%d %s:%s", updates[i].status, updates[i].body, learned_text(&m, &a));
        memory_finish(&m);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Runners that come and go */

#define TOKEN           .token = "glrt-4"
#define REFUSED(status) .proven = true, .err = {.kind = ERR_DENIED, .code = status}

static const struct {
    enum gitlab_call call;
    struct call_answer answer;
    const char *learned, *event;
    bool has_secret, failed;
} lives[] = {
    {GITLAB_REGISTER, {.id = 4, TOKEN}, " issued", "", false, false},
    {GITLAB_CREATE, {.id = 4, TOKEN}, " issued", "", false, false},
    {GITLAB_CREATE, {.err = {.kind = ERR_RETRY, .code = 500}, .ambiguous = true}, " lost", "", false, true},
    {GITLAB_CREATE, {.err = {.kind = ERR_RETRY, .code = 429}}, "", "", false, true},
    {GITLAB_VERIFY, {.id = 4, TOKEN}, " issued", "", false, false},
    {GITLAB_VERIFY, {REFUSED(403)}, "", "", false, true},
    {GITLAB_RESTORE, {.id = 4, TOKEN}, " issued", "", false, false},
    {GITLAB_RESTORE, {.id = 5, TOKEN}, " no-restore", "", false, false},
    {GITLAB_RESTORE, {REFUSED(403)}, " no-restore", "", false, false},
    {GITLAB_RESTORE, {.err = {.kind = ERR_DENIED, .code = 403}}, "", "", false, true}, /* by whom? */
    {GITLAB_FIND, {.id = 4}, " searched", "", false, false},
    {GITLAB_FIND, {.id = 0}, "", "", false, false},
    {GITLAB_FIND, {REFUSED(403)}, " unsearchable", "", false, false},
    {GITLAB_FIND, {.err = {.kind = ERR_DENIED, .code = 401}}, "", "", false, true},
    {GITLAB_RESET, {.id = 4, TOKEN}, " issued", "", false, false},
    {GITLAB_RESET, {.id = 4, TOKEN}, " issued", "TokenRotated", true, false},
    {GITLAB_RESET, {.proven = true, .err = {.kind = ERR_NOT_FOUND, .code = 404}}, " lost", "", false, true},
    {GITLAB_ROTATE, {.id = 4, TOKEN}, " issued", "TokenRotated", true, false},
    {GITLAB_UPDATE, {.id = 4}, " issued", "", true, false},
    {GITLAB_DEREGISTER, {.id = 4}, " gone", "Deregistered", true, false},
    {GITLAB_DEREGISTER, {.unknown = true}, " gone", "RunnerLost", true, false},
    {GITLAB_DEREGISTER, {.err = {.kind = ERR_RETRY, .code = 500}, .ambiguous = true}, "", "", true, true},
    {GITLAB_REMOVE, {.id = 4}, " gone", "Deregistered", false, false},
    {GITLAB_REMOVE, {.unknown = true}, " gone", "Deregistered", false, false},
};

static void what_becomes_of_a_runner_is_remembered_and_told(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lives); i++) {
        cleanup_arena struct arena a = {0};
        struct memory m = {.check.due_ms = 1};
        const char *event;
        bool failed = !learns("register", lives[i].call, &m, &lives[i].answer, lives[i].has_secret, &event);
        if (strcmp(learned_text(&m, &a), lives[i].learned) != 0 || failed != lives[i].failed ||
            strcmp(event, lives[i].event) != 0)
            fail_msg("%zu, %s:%s%s %s", i, gitlab_call_name(lives[i].call), learned_text(&m, &a),
                     failed ? ", failed" : "", event);
        memory_finish(&m);
    }
}

/* Said once, it changes nothing; said again 5 s later, and within the hour, it is believed, and begins anew. */
static void what_loses_a_runner_is_to_be_said_twice(void **state)
{
    const struct call_answer none = {.id = 0}, unknown = {.unknown = true}, good = {.id = 4, TOKEN},
                             refused = {REFUSED(403)}, doubted = {.err = {.kind = ERR_DENIED, .code = 403}};
    const struct {
        enum gitlab_call call;
        const struct call_answer *answer;
        bool grave;
    } sayings[] = {
        {GITLAB_FIND, &none, true},       {GITLAB_FIND, &refused, true},     {GITLAB_FIND, &good, false},
        {GITLAB_FIND, &doubted, false},   {GITLAB_DEREGISTER, &good, false}, {GITLAB_DEREGISTER, &unknown, true},
        {GITLAB_REMOVE, &unknown, true},  {GITLAB_RESTORE, &refused, true},  {GITLAB_RESTORE, &none, true},
        {GITLAB_RESTORE, &good, false},   {GITLAB_KEEP, &refused, true},     {GITLAB_INHERIT, &refused, true},
        {GITLAB_INSPECT, &refused, true}, {GITLAB_INSPECT, &good, false},    {GITLAB_REGISTER, &refused, false},
        {GITLAB_CREATE, &good, false},
    };
    static const struct {
        int64_t after_ms;
        bool believed;
    } times[] = {{0, false}, {4999, false},           {1, true},   {0, false}, {60 * 60 * 1000 - 1, true},
                 {0, false}, {60 * 60 * 1000, false}, {5000, true}};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(sayings); i++) {
        struct memory m = {0};
        int64_t now = NOW;
        const char *event;
        for (size_t t = 0; t < ARRAY_LEN(times); t++) {
            now += times[t].after_ms;
            learns_at(now, "proof", sayings[i].call, &m, sayings[i].answer, true, &event);
            assert_int_equal(m.heard.at_ms == 0, !sayings[i].grave || times[t].believed);
        }
        memory_finish(&m);
    }
}

/* … and of the same runner. */
static void what_is_said_of_another_runner_is_another_thing(void **state)
{
    struct memory m = {.heard = {.call = GITLAB_REMOVE, .runner_id = 5, .at_ms = NOW - SAID_AGAIN}};
    const struct call_answer unknown = {.unknown = true};
    const char *event;

    (void)state;
    assert_false(learns_at(NOW, "deregister", GITLAB_REMOVE, &m, &unknown, true, &event));
    assert_string_equal(memory_troubles(&m)->failures[0].attempt.err.reason, CONFIRMING);
    assert_int_equal(memory_troubles(&m)->failures[0].attempt.retry_at_ms, NOW + 5000);
    assert_false(m.deregistered);
    memory_finish(&m);
}

/* A deletion that has an access token looks for it by its id before it is given up. */
static void a_token_that_is_not_known_may_only_have_been_reset(void **state)
{
    cleanup_arena struct arena a = {0};
    struct memory m = {.heard = {.call = GITLAB_DEREGISTER, .runner_id = 4, .at_ms = NOW - SAID_AGAIN}};
    const struct observed o = {.spec = &spec, .memory = &m, .deleting = true, .now_ms = NOW};
    const struct action asked = {
        .kind = ACT_GITLAB, .rule = "deregister", .gitlab = {.call = GITLAB_DEREGISTER, .runner_id = 4}};
    const struct call_answer unknown = {.unknown = true};

    (void)state;
    assert_null(learn_gitlab(&m, &o, &asked, &unknown, 0, &a).reason);
    assert_false(m.deregistered);
    assert_int_equal(m.check.refusals, CONFIRMATIONS);
    m.heard = (struct hearsay){GITLAB_DEREGISTER, 4, NOW - SAID_AGAIN};
    assert_string_equal(learn_gitlab(&m, &o, &asked, &unknown, 0, &a).reason, "RunnerLost");
    assert_true(m.deregistered);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_teaches_what_it_proves),
        cmocka_unit_test(a_takeover_is_given_up_only_when_it_is_not_allowed),
        cmocka_unit_test(what_becomes_of_a_runner_is_remembered_and_told),
        cmocka_unit_test(what_loses_a_runner_is_to_be_said_twice),
        cmocka_unit_test(what_is_said_of_another_runner_is_another_thing),
        cmocka_unit_test(a_token_that_is_not_known_may_only_have_been_reset),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
