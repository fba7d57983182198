/* /healthz and /readyz: each check fails for what it is made for, and by name. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "web/health.h"
#include "kube/config.h"
#include "kube/queue.h"
#include "net/http.h"
#include "net/loop.h"

#define MISSING                                                                                                        \
    "not listed yet: GitLabRunner, Secret, ConfigMap, Namespace, ServiceAccount, RoleBinding, Deployment, "            \
    "PodDisruptionBudget"

/* A reconciler that was not started, and a view of it that a test may spoil. */
struct world {
    struct loop *loop;
    struct http *http;
    struct kube_config config;
    struct context ctx;
    struct reconciler *rec;
    struct reconciler_view view;
    struct list turns;
    struct state state;
    struct turn turn;
    struct buf body;
};

static int set_up(void **state)
{
    static char key[] = "GitLabRunner/ci/builds";
    struct world *w = mem_alloc(sizeof(*w));

    w->loop = loop_create();
    w->http = http_create(w->loop, "tester/1");
    w->config.server = "https://127.0.0.1:1";
    w->ctx = (struct context){
        .loop = w->loop, .client = kube_client_create(w->loop, w->http, &w->config), .instance = "tester"};
    w->rec = reconciler_create(&w->ctx);
    w->view = reconciler_view(w->rec);
    list_init(&w->turns);
    w->state.key = key;
    w->turn = (struct turn){.work.state = WORK_WAITING, .state = &w->state, .asked_us = clock_us()};
    list_append(&w->turns, &w->turn.work.node);
    w->view.turns = &w->turns;
    buf_init(&w->body, 4096);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    reconciler_destroy(w->rec);
    kube_client_destroy(w->ctx.client);
    http_destroy(w->http);
    loop_destroy(w->loop);
    buf_finish(&w->body);
    free(w);
    return 0;
}

static void ask(struct world *w, const struct health_checks *checks, const char *below, const char *query, int status,
                const char *body)
{
    const struct serve_request request = {.below = below, .query = query};

    buf_clear(&w->body);
    assert_int_equal(health_render(checks, &w->view, &request, &w->body), status);
    assert_string_equal(w->body.data, body);
}

static void is_alive_before_anything_is_known(void **state)
{
    struct world *w = *state;

    ask(w, &healthz, "", "", 200, "ok\n");
    ask(w, &healthz, "", "verbose", 200,
        "[+]ping ok\n[+]turns ok\n[+]queue ok\n[+]leaderElection ok\nhealthz check passed\n");
    ask(w, &healthz, "queue", "", 200, "ok\n");
    ask(w, &healthz, "queue", "verbose=1", 200, "[+]queue ok\nhealthz check passed\n");
    ask(w, &healthz, "nothing", "", 404, "");
}

static void is_not_ready_before_all_is_listed(void **state)
{
    struct world *w = *state;
    const char *all = "[+]ping ok\n[-]sync failed: " MISSING "\n[+]shutdown ok\nreadyz check failed\n";

    ask(w, &readyz, "", "", 503, all);
    ask(w, &readyz, "ping", "", 200, "ok\n");
    ask(w, &readyz, "sync", "", 503, "[-]sync failed: " MISSING "\nreadyz check failed\n");
    ask(w, &readyz, "", "verbose", 503, all);
}

static void is_not_ready_any_more_when_it_ends(void **state)
{
    struct world *w = *state;

    w->view.draining = true;
    ask(w, &readyz, "shutdown", "", 503, "[-]shutdown failed: stopping\nreadyz check failed\n");
    ask(w, &healthz, "", "", 200, "ok\n");
}

static void fails_when_a_turn_outlives_its_request(void **state)
{
    struct world *w = *state;

    w->turn.asked_us = clock_us() - 301 * 1000000ll;
    ask(w, &healthz, "", "", 503,
        "[+]ping ok\n[-]turns failed: ci/builds has waited for 301 s\n[+]queue ok\n[+]leaderElection ok\nhealthz check "
        "failed\n");
    w->turn.work.state = WORK_READY; /* it waits for nobody but us: it may have been asked for in GitLab's line */
    ask(w, &healthz, "", "", 200, "ok\n");
}

static void fails_when_ready_keys_are_not_taken(void **state)
{
    struct world *w = *state;

    w->view.synced = w->view.leading = true;
    w->view.idle_seconds = 3600; /* nobody wanted anything for an hour … */
    w->view.oldest_seconds = 0.1;
    ask(w, &healthz, "", "", 200, "ok\n");
    w->view.oldest_seconds = 61; /* … and now somebody does, in vain */
    ask(w, &healthz, "queue", "", 503,
        "[-]queue failed: 0 keys are ready, none was taken for 3600 s\nhealthz check failed\n");
    w->view.turns_len = 1; /* it may be that all places are taken */
    ask(w, &healthz, "", "", 200, "ok\n");
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(is_alive_before_anything_is_known),   TEST(is_not_ready_before_all_is_listed),
        TEST(is_not_ready_any_more_when_it_ends),  TEST(fails_when_a_turn_outlives_its_request),
        TEST(fails_when_ready_keys_are_not_taken),
    };

    return cmocka_run_group_tests_name("health", tests, NULL, NULL);
}
