/* How long a runner is searched for, and how fast, with a clock and HTTP of the test's own, in the place of net/loop.c
 * and net/http.c. The server makes up runners without end. */
#include "fake_loop.h"
#include "golden.h"

#include "gitlab/api.h"
#include "net/http.h"

enum { MINUTE_MS = 60 * 1000, PAGE = 20 };

static struct world {
    struct loop loop;
    struct http_request request; /* on_done NULL: none */
    char url[300];
    int64_t sent_ms, least_pause_ms;
    unsigned requests, answers;
    struct gitlab_answer answer;
} w;

uint64_t http_start(struct http *http, const struct http_request *request)
{
    (void)http;
    w.request = *request;
    snprintf(w.url, sizeof(w.url), "%s", request->url);
    if (w.requests++ && w.loop.now - w.sent_ms < w.least_pause_ms)
        w.least_pause_ms = w.loop.now - w.sent_ms;
    w.sent_ms = w.loop.now;
    return w.requests;
}

void http_cancel(struct http *http, uint64_t id)
{
    (void)http, (void)id;
    w.request.on_done = NULL;
}

static void on_answer(void *arg, const struct gitlab_answer *answer)
{
    (void)arg;
    w.answers++;
    w.answer = *answer;
}

static const char *next_page; /* that GitLab names; NULL: the next one */

/* A page of runners and the number of the next one, or a runner without our mark. */
static void answer_request(int64_t marked)
{
    const struct http_request request = w.request;
    cleanup_arena struct arena a = {0};
    const char *page = strstr(w.url, "&page="), *id = strrchr(w.url, '/') + 1;
    const char *body = "", *next = "";

    if (page) {
        long number = strtol(page + strlen("&page="), NULL, 10);
        for (int i = 0; i < PAGE; i++)
            body = arena_printf(&a, "%s%s{\"id\": %ld}", body, i ? "," : "", number * PAGE + i);
        body = arena_printf(&a, "[%s]", body);
        next = next_page ? next_page : arena_printf(&a, "%ld", number + 1);
    } else {
        body = arena_printf(&a, "{\"id\": %s, \"maintenance_note\": \"%s\"}", id,
                            strtol(id, NULL, 10) == marked ? "our-mark" : "");
    }
    w.request.on_done = NULL;
    request.on_done(request.arg, &(struct http_reply){.status = 200,
                                                      .content_type = "application/json",
                                                      .body = body,
                                                      .len = strlen(body),
                                                      .next_page = next,
                                                      .sent = true});
}

/* Each answer takes so long. */
static void search(int64_t marked, int64_t answer_ms)
{
    const struct gitlab_request find = {.op = GITLAB_OP_FIND,
                                        .url = "https://gitlab.example.com",
                                        .token = "t",
                                        .runner_type = "instance_type",
                                        .mark = "our-mark"};

    w = (struct world){.loop.now = 1000, .least_pause_ms = INT64_MAX};
    struct gitlab *gitlab = gitlab_create(&w.loop, NULL, NULL);
    gitlab_start(gitlab, &find, on_answer, NULL);
    while (!w.answers) {
        if (w.request.on_done) {
            w.loop.now += answer_ms;
            answer_request(marked);
            continue;
        }
        struct loop_timer *timer = fake_next_timer(&w.loop);
        assert_non_null(timer);
        w.loop.now = timer->due > w.loop.now ? timer->due : w.loop.now;
        fake_fire(timer);
    }
    gitlab_destroy(gitlab);
}

static void a_list_without_end_is_left_after_ten_minutes(void **state)
{
    (void)state;
    search(0, 400);
    assert_int_equal(w.answers, 1);
    assert_int_equal(w.answer.err.kind, ERR_RETRY);
    assert_string_equal(w.answer.err.reason, "SearchTooLong");
    assert_non_null(strstr(w.answer.err.text, "in 10 minutes"));
    assert_in_range(w.loop.now, 1000 + 10 * MINUTE_MS, 1000 + 10 * MINUTE_MS + 1000);
    assert_in_range(w.requests, 10 * MINUTE_MS / 450 - 1, 10 * MINUTE_MS / 450 + 1);
}

static void gitlab_is_asked_at_a_pace(void **state)
{
    (void)state;
    search(70, 0);
    assert_int_equal(w.answer.err.kind, ERR_NONE);
    assert_int_equal(w.answer.id, 70);
    assert_int_equal(w.least_pause_ms, 50);
    assert_int_equal(w.requests, 3 + 50 + 1); /* pages 1 to 3, runners 20 to 70 */
}

static void a_list_whose_next_page_is_none_is_not_believed(void **state)
{
    static const char *const wrong[] = {"x", "1", "0", "-3", "2x"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        next_page = wrong[i];
        search(0, 0);
        assert_string_equal(w.answer.err.reason, "UnexpectedAnswer");
        assert_int_equal(w.requests, 1);
    }
    next_page = NULL;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_list_without_end_is_left_after_ten_minutes),
        cmocka_unit_test(gitlab_is_asked_at_a_pace),
        cmocka_unit_test(a_list_whose_next_page_is_none_is_not_believed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
