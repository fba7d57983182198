/* Where the API server is, as its EndpointSlice says. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/json.h"
#include "base/mem.h"
#include "kube/client.h"
#include "net/loop.h"
#include "operator/api_servers.h"

/* A client and a timer of the test's own. */
static struct {
    kube_done_fn *done;
    void (*callback)(void *arg);
    void *arg, *timer_arg;
    int reads, cancelled;
    int64_t delay_ms;
} w;

uint64_t kube_get(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                  kube_done_fn *done, void *arg)
{
    assert_non_null(client);
    assert_string_equal(r->kind, "EndpointSlice");
    assert_string_equal(ns, "default");
    assert_string_equal(name, "kubernetes");
    w.done = done;
    w.arg = arg;
    return (uint64_t)++w.reads;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    assert_non_null(client);
    assert_int_equal(id, w.reads);
    w.cancelled++;
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*callback)(void *arg), void *arg)
{
    w.callback = callback;
    w.timer_arg = arg;
    return (struct loop_timer *)loop;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    (void)timer;
    w.delay_ms = delay_ms;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    (void)timer;
}

static void the_urls_of_a_slice(void **state)
{
    static const struct {
        const char *slice, *urls;
    } cases[] = {
        {"{'endpoints': [{'addresses': ['10.244.0.1']}], 'ports': [{'name': 'https', 'port': 6443}]}",
         "https://10.244.0.1:6443 "},
        {"{'endpoints': [{'addresses': ['10.0.0.1', '10.0.0.2']}, {'addresses': ['fd00::1']}], 'ports': [{'port': 1}]}",
         "https://10.0.0.1:1 https://10.0.0.2:1 https://[fd00::1]:1 "},
        {"{'endpoints': [{'addresses': ['10.0.0.1']}], 'ports': [{'port': 6443}, {'port': 443}]}",
         "https://10.0.0.1:6443 https://10.0.0.1:443 "},
        {"{'endpoints': [{'addresses': ['kube.test', 7, '10.0.0.1']}], 'ports': [{'port': 0}, {'port': 65536}, {}]}",
         ""},
        {"{'endpoints': [{'addresses': ['10.0.0.1']}], 'ports': []}", ""},
        {"{'endpoints': null}", ""},
        {"{}", ""},
    };
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_free char *text = mem_strdup(cases[i].slice);
        char *urls[4], all[256] = "";
        struct err err = {0};

        for (char *at = text; (at = strchr(at, '\''));)
            *at = '"';
        cleanup_json struct json_object *slice = json_parse(text, strlen(text), &err);
        size_t len = api_servers_of_slice(slice, urls, ARRAY_LEN(urls));
        for (size_t u = 0; u < len; u++) {
            strcat(strcat(all, urls[u]), " ");
            free(urls[u]);
        }
        assert_string_equal(all, cases[i].urls);
    }
}

static void no_more_than_there_is_room_for(void **state)
{
    char *urls[2];
    struct json_object *endpoint = json_build("{addresses: [%s, %s, %s]}", "10.0.0.1", "10.0.0.2", "10.0.0.3");
    cleanup_json struct json_object *slice =
        json_build("{endpoints: [%o], ports: [{port: %d}]}", endpoint, (int64_t)6443);

    (void)state;
    assert_int_equal(api_servers_of_slice(slice, urls, ARRAY_LEN(urls)), 2);
    free(urls[0]);
    free(urls[1]);
}

static void assert_urls(const struct api_servers *servers, const char *expected)
{
    char all[512] = "";

    for (const char *const *url = api_servers_urls(servers); *url; url++)
        strcat(strcat(all, *url), " ");
    assert_string_equal(all, expected);
}

static void answer(enum err_kind kind, const char *first, const char *second)
{
    cleanup_json struct json_object *slice =
        json_build("{endpoints: [{addresses: [%s, %s]}], ports: [{port: %d}]}", first, second, (int64_t)6443);
    struct kube_reply reply = {.object = kind == ERR_NONE ? slice : NULL};

    if (kind != ERR_NONE)
        err_set(&reply.err, kind, "Reason", "text");
    w.done(w.arg, &reply);
}

static struct api_servers *begin(const char *host, const char *port)
{
    static const struct kube_config config = {.server = "https://configured"};

    memset(&w, 0, sizeof(w));
    host ? setenv("KUBERNETES_SERVICE_HOST", host, 1) : unsetenv("KUBERNETES_SERVICE_HOST");
    port ? setenv("KUBERNETES_SERVICE_PORT", port, 1) : unsetenv("KUBERNETES_SERVICE_PORT");
    return api_servers_create(NULL, &config);
}

static void what_is_known_without_asking(void **state)
{
    static const struct {
        const char *host, *port, *urls;
    } cases[] = {
        {NULL, NULL, "https://configured "},
        {"", "443", "https://configured "},
        {"10.96.0.1", "6443", "https://configured https://10.96.0.1:6443 "},
        {"10.96.0.1", NULL, "https://configured https://10.96.0.1:443 "},
        {"fd00::1", "443", "https://configured https://[fd00::1]:443 "},
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct api_servers *servers = begin(cases[i].host, cases[i].port);
        assert_urls(servers, cases[i].urls);
        assert_int_equal(w.reads, 0);
        api_servers_destroy(servers);
    }
}

static void the_slice_is_read_again_and_again(void **state)
{
    struct api_servers *servers = begin("10.96.0.1", "443");

    (void)state;
    api_servers_follow(servers, (struct kube_client *)&w);
    answer(ERR_NONE, "10.0.0.1", "10.0.0.2");
    assert_urls(servers, "https://configured https://10.96.0.1:443 https://10.0.0.1:6443 https://10.0.0.2:6443 ");
    assert_int_equal(w.delay_ms, 3600 * 1000);
    w.callback(w.timer_arg);
    answer(ERR_RETRY, NULL, NULL); /* what is known stays */
    assert_urls(servers, "https://configured https://10.96.0.1:443 https://10.0.0.1:6443 https://10.0.0.2:6443 ");
    assert_int_equal(w.delay_ms, 30 * 1000);
    w.callback(w.timer_arg);
    answer(ERR_NONE, "10.0.0.3", NULL);
    assert_urls(servers, "https://configured https://10.96.0.1:443 https://10.0.0.3:6443 ");
    w.callback(w.timer_arg);
    api_servers_destroy(servers);
    assert_int_equal(w.cancelled, 1);
    api_servers_destroy(NULL);
}

static void who_may_not_read_it_asks_seldom(void **state)
{
    static const enum err_kind kinds[] = {ERR_DENIED, ERR_NOT_FOUND};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct api_servers *servers = begin(NULL, NULL);
        api_servers_follow(servers, (struct kube_client *)&w);
        answer(kinds[i], NULL, NULL);
        assert_urls(servers, "https://configured ");
        assert_int_equal(w.delay_ms, 3600 * 1000);
        api_servers_destroy(servers);
        assert_int_equal(w.cancelled, 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_urls_of_a_slice),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(what_is_known_without_asking),
        cmocka_unit_test(the_slice_is_read_again_and_again),
        cmocka_unit_test(who_may_not_read_it_asks_seldom),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
