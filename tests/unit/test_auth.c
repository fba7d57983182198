/* Who may read the metrics, with an API server, a clock and pages of the test's own. */
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
#include "web/auth.h"
#include "kube/client.h"
#include "net/loop.h"

enum { CALLS_MAX = 64, IDS_MAX = 400 };

static int64_t now;
static void (*look)(void *arg); /* at who is held, as time goes by */
static void *look_arg;
static struct {
    char path[64], body[256];
    kube_done_fn *done;
    void *arg;
    bool over;
} calls[CALLS_MAX];
static size_t calls_len;
static int answers[IDS_MAX]; /* by id: the status; 0: none */

int64_t loop_now(const struct loop *loop)
{
    (void)loop;
    return now;
}

const char *kube_path(const struct kube_resource *r, const char *ns, const char *name, const char *subresource,
                      struct arena *a)
{
    assert_null(ns);
    assert_null(name);
    assert_null(subresource);
    return arena_printf(a, "%s/%s", r->api_version, r->plural);
}

uint64_t kube_start(struct kube_client *client, const struct kube_request *request)
{
    (void)client;
    assert_in_range(calls_len, 0, CALLS_MAX - 1);
    snprintf(calls[calls_len].path, sizeof(calls[0].path), "%s", request->path);
    snprintf(calls[calls_len].body, sizeof(calls[0].body), "%s", request->body);
    calls[calls_len].done = request->done;
    calls[calls_len].arg = request->arg;
    calls[calls_len].over = false;
    assert_true(request->urgent); /* else a replica that stands by could not be scraped */
    return ++calls_len;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    (void)client;
    calls[id - 1].over = true;
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*callback)(void *arg), void *arg)
{
    (void)loop;
    look = callback;
    look_arg = arg;
    return NULL;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    (void)timer, (void)delay_ms;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    (void)timer;
}

void serve_admit(struct serve *serve, uint64_t id, int status)
{
    (void)serve;
    assert_int_equal(answers[id], 0);
    answers[id] = status;
}

static struct auth *begin(void)
{
    now = 1000;
    calls_len = 0;
    memset(answers, 0, sizeof(answers));
    return auth_create(NULL, NULL, &(struct auth_question){.path = "/metrics"});
}

static int ask(struct auth *auth, uint64_t id, const char *authorization)
{
    const struct serve_request request = {.authorization = authorization};

    auth_ask(auth, id, &request);
    return answers[id];
}

/* The API server's answer to the newest review. text NULL: it fails. */
static void answer(const char *text)
{
    struct err err = {0};
    cleanup_json struct json_object *object = text ? json_parse(text, strlen(text), &err) : NULL;
    const struct kube_reply reply = {.object = object, .err.kind = text ? ERR_NONE : ERR_RETRY};

    assert_false(calls[calls_len - 1].over);
    calls[calls_len - 1].over = true;
    calls[calls_len - 1].done(calls[calls_len - 1].arg, &reply);
}

#define KNOWN   "{\"status\": {\"authenticated\": true, \"user\": {\"username\": \"p\", \"groups\": [\"g\"]}}}"
#define UNKNOWN "{\"status\": {\"authenticated\": false, \"user\": {}}}"
#define ALLOWED "{\"status\": {\"allowed\": true}}"
#define DENIED  "{\"status\": {\"allowed\": false}}"

static void who_is_known_and_allowed_is_let_in(void **state)
{
    struct auth *auth = begin();

    (void)state;
    assert_int_equal(ask(auth, 1, "Bearer abc"), 0);
    assert_string_equal(calls[0].path, "authentication.k8s.io/v1/tokenreviews");
    assert_non_null(strstr(calls[0].body, "\"token\":\"abc\""));
    assert_int_equal(ask(auth, 2, "bearer  abc"), 0); /* waits for the same review */
    answer(KNOWN);
    assert_string_equal(calls[1].path, "authorization.k8s.io/v1/subjectaccessreviews");
    assert_non_null(strstr(calls[1].body, "\"user\":\"p\""));
    assert_non_null(strstr(calls[1].body, "\"groups\":[\"g\"]"));
    assert_non_null(strstr(calls[1].body, "\"path\":\"/metrics\",\"verb\":\"get\""));
    answer(ALLOWED);
    assert_int_equal(answers[1], 200);
    assert_int_equal(answers[2], 200);
    assert_int_equal(ask(auth, 3, "Bearer abc"), 200); /* for a while without asking */
    assert_int_equal(calls_len, 2);
    now += 61 * 1000;
    assert_int_equal(ask(auth, 4, "Bearer abc"), 0);
    answer(KNOWN);
    answer(DENIED); /* the right was taken away */
    assert_int_equal(answers[4], 403);
    auth_destroy(auth);
}

static void all_others_are_refused(void **state)
{
    static const char *const none[] = {NULL, "", "Basic abc", "Bearer", "Bearer ", "Bearer a b", "Bearer a\x01", "abc"};
    struct auth *auth = begin();
    uint64_t id = 1;

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(none); i++)
        assert_int_equal(ask(auth, id++, none[i]), 401);
    assert_int_equal(calls_len, 0);
    assert_int_equal(ask(auth, id, "Bearer x"), 0);
    answer(UNKNOWN);
    assert_int_equal(answers[id++], 401);
    assert_int_equal(ask(auth, id++, "Bearer x"), 401); /* and is not asked for again at once */
    now += 1000;
    assert_int_equal(ask(auth, id, "Bearer y"), 0);
    answer("{}"); /* says nothing */
    assert_int_equal(answers[id++], 401);
    now += 1000;
    assert_int_equal(ask(auth, id, "Bearer z"), 0);
    answer(NULL);
    assert_int_equal(answers[id++], 503);
    now += 1000;
    assert_int_equal(ask(auth, id, "Bearer z"), 0); /* no answer is remembered */
    auth_destroy(auth);                             /* while it waits */
    assert_true(calls[calls_len - 1].over);
}

static void strangers_do_not_keep_a_scraper_out(void **state)
{
    struct auth *auth = begin();
    char token[32];
    uint64_t id = 1;

    (void)state;
    assert_int_equal(ask(auth, id++, "Bearer good"), 0);
    answer(KNOWN);
    answer(ALLOWED);
    size_t before = calls_len;
    for (int i = 0; i < 300; i++) {
        snprintf(token, sizeof(token), "Bearer stranger-%d", i);
        now += 10;
        int status = ask(auth, id++, token);
        assert_true(status == 0 || status == 429);
    }
    assert_in_range(calls_len - before, 1, 4); /* which are under way */
    now += 60 * 1000;
    assert_int_equal(ask(auth, id, "Bearer good"), 0);
    answer(KNOWN);
    answer(ALLOWED);
    assert_int_equal(answers[id], 200);
    for (int i = 0; i < 9; i++) /* one token has so many places */
        ask(auth, 350 + (uint64_t)i, "Bearer stranger-0");
    assert_int_equal(answers[358], 429);
    auth_destroy(auth);
}

/* Many tokens, one after another: the good one stays. */
static void what_is_remembered_is_bounded(void **state)
{
    struct auth *auth = begin();
    char token[32];

    (void)state;
    ask(auth, 1, "Bearer good");
    answer(KNOWN);
    answer(ALLOWED);
    for (int i = 0; i < 200; i++) {
        snprintf(token, sizeof(token), "Bearer stranger-%d", i);
        now += 200;
        calls_len = 2;
        assert_int_equal(ask(auth, 2 + (uint64_t)i, token), 0);
        answer(UNKNOWN);
    }
    calls_len = 0;
    assert_int_equal(ask(auth, 300, "Bearer good"), 200);
    assert_int_equal(calls_len, 0);
    auth_destroy(auth);
}

static void nothing_is_destroyed_quietly(void **state)
{
    (void)state;
    auth_destroy(NULL);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Namespace by namespace, and held */

static const char *const has_runners[] = {"ci", "ops", "web", NULL};
static int changes;

static void runners_are_in(void *arg, void (*each)(void *each_arg, const char *ns), void *each_arg)
{
    (void)arg;
    for (const char *const *ns = has_runners; *ns; ns++)
        each(each_arg, *ns);
}

static void on_change(void *arg, struct auth_user *user)
{
    (void)arg, (void)user;
    changes++;
}

static struct auth *begin_by_namespace(void)
{
    const struct auth_question question = {
        .group = "g.test", .plural = "things", .namespaces = runners_are_in, .changed = on_change};

    now = 1000;
    calls_len = 0;
    changes = 0;
    memset(answers, 0, sizeof(answers));
    return auth_create(NULL, NULL, &question);
}

/* Of all reviews that wait, whichever: a bit each for all namespaces, ci, ops and web. */
static void answer_by_rights(unsigned rights)
{
    for (size_t i = 0; i < calls_len; i++) {
        unsigned bit = strstr(calls[i].body, "\"ci\"")    ? 2
                       : strstr(calls[i].body, "\"ops\"") ? 4
                       : strstr(calls[i].body, "\"web\"") ? 8
                                                          : 1;
        struct err err = {0};
        const char *text = rights & bit ? ALLOWED : DENIED;
        if (calls[i].over)
            continue;
        calls[i].over = true;
        cleanup_json struct json_object *object = json_parse(text, strlen(text), &err);
        calls[i].done(calls[i].arg, &(struct kube_reply){.object = object});
    }
}

static const struct serve_request with_token = {.authorization = "Bearer t"};

/* Every set of rights there is. */
static void one_sees_what_one_may_list(void **state)
{
    (void)state;
    for (unsigned rights = 0; rights < 16; rights++) {
        struct auth *auth = begin_by_namespace();
        assert_int_equal(ask(auth, 1, "Bearer t"), 0);
        answer(KNOWN);
        assert_non_null(strstr(calls[1].body, "\"verb\":\"list\",\"group\":\"g.test\",\"resource\":\"things\""));
        assert_null(strstr(calls[1].body, "namespace\""));
        answer_by_rights(rights);
        assert_int_equal(answers[1], rights ? 200 : 403);
        struct auth_user *user = auth_hold(auth, &with_token);
        assert_true(!user == !rights);
        if (user) {
            assert_int_equal(auth_may_see_all(user), rights & 1);
            assert_int_equal(auth_may_see(user, "ci"), (rights & 3) != 0);
            assert_int_equal(auth_may_see(user, "ops"), (rights & 5) != 0);
            assert_int_equal(auth_may_see(user, "web"), (rights & 9) != 0);
            assert_int_equal(auth_may_see(user, "others"), rights & 1);
            assert_string_equal(auth_user_name(user), "p");
        }
        auth_release(user);
        auth_destroy(auth);
    }
}

static void nobody_was_asked_who_it_is(void **state)
{
    (void)state;
    assert_true(auth_may(NULL));
    assert_true(auth_may_see_all(NULL));
    assert_true(auth_may_see(NULL, "any"));
    assert_null(auth_user_name(NULL));
}

static void pass_time(int64_t ms)
{
    for (int64_t end = now + ms; now < end;) {
        now += 5000;
        look(look_arg);
    }
}

static void a_right_that_is_withdrawn_is_told_within_a_minute(void **state)
{
    struct auth *auth = begin_by_namespace();

    (void)state;
    ask(auth, 1, "Bearer t");
    answer(KNOWN);
    answer_by_rights(2 | 4);
    struct auth_user *user = auth_hold(auth, &with_token);
    pass_time(45 * 1000);
    answer_by_rights(2 | 4);
    assert_int_equal(changes, 0); /* nothing has */
    pass_time(45 * 1000);
    answer_by_rights(4);
    assert_int_equal(changes, 1);
    assert_false(auth_may_see(user, "ci"));
    assert_true(auth_may_see(user, "ops"));
    pass_time(45 * 1000);
    answer_by_rights(0);
    assert_int_equal(changes, 2);
    assert_false(auth_may(user));
    assert_false(auth_may_see(user, "ops"));
    auth_release(user);
    auth_destroy(auth);
}

/* A yes is good for a minute and no longer, and of a token for a minute since it was asked about. */
static void an_old_answer_is_none(void **state)
{
    struct auth *auth = begin_by_namespace();

    (void)state;
    ask(auth, 1, "Bearer t");
    answer(KNOWN);
    answer_by_rights(1);
    struct auth_user *user = auth_hold(auth, &with_token);
    pass_time(45 * 1000);
    answer_by_rights(1);
    now += 20 * 1000;
    assert_int_equal(ask(auth, 2, "Bearer t"), 0); /* whose it is, is asked again */
    assert_non_null(strstr(calls[calls_len - 1].path, "tokenreviews"));
    answer(UNKNOWN);
    assert_int_equal(answers[2], 401);
    assert_int_equal(changes, 1);
    assert_false(auth_may(user));
    auth_release(user);
    auth_destroy(auth);

    auth = begin_by_namespace();
    ask(auth, 1, "Bearer t");
    answer(KNOWN);
    answer_by_rights(1);
    user = auth_hold(auth, &with_token);
    pass_time(65 * 1000); /* nobody answers */
    assert_int_equal(changes, 1);
    assert_false(auth_may(user));
    auth_release(user);
    auth_destroy(auth);
}

static void a_refusal_says_who_and_what(void **state)
{
    struct auth *auth = begin_by_namespace();
    struct buf words cleanup_buf;

    (void)state;
    buf_init(&words, 4096);
    ask(auth, 1, "Bearer t");
    answer(KNOWN);
    answer_by_rights(0);
    auth_refuse(auth, &with_token, 403, &words);
    assert_non_null(strstr(words.data, "\"user\":\"p\",\"need\":\"list things.g.test\""));
    buf_clear(&words);
    auth_refuse(auth, &(struct serve_request){.query = ""}, 401, &words);
    assert_null(strstr(words.data, "user\""));
    auth_destroy(auth);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_known_and_allowed_is_let_in),
        cmocka_unit_test(all_others_are_refused),
        cmocka_unit_test(strangers_do_not_keep_a_scraper_out),
        cmocka_unit_test(what_is_remembered_is_bounded),
        cmocka_unit_test(nothing_is_destroyed_quietly),
        cmocka_unit_test(one_sees_what_one_may_list),
        cmocka_unit_test(nobody_was_asked_who_it_is),
        cmocka_unit_test(a_right_that_is_withdrawn_is_told_within_a_minute),
        cmocka_unit_test(an_old_answer_is_none),
        cmocka_unit_test(a_refusal_says_who_and_what),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
