/* Requests to the API server, with a network, a clock and credentials that are a few lines of this file. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fake_loop.h"
#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "kube/client.h"
#include "kube/client_stats.h"
#include "kube/config.h"
#include "kube/exec.h"
#include "kube/limit.h"
#include "kube/object_text.h"

enum { SENT_MAX = 400 };

/* ---------------------------------------------------------------------------------------------------------------------
 * The network: remembers what was sent. */

struct sent {
    struct http_request request;
    char head[1000]; /* "METHOD URL\nheader\n…" */
    char body[1000];
    bool open;
};

struct http {
    struct sent sent[SENT_MAX];
    size_t len;
    int closed, distrusted;
};

uint64_t http_start(struct http *http, const struct http_request *r)
{
    struct sent *s = &http->sent[http->len++];
    int len = snprintf(s->head, sizeof(s->head), "%s %s\n", r->method, r->url);

    assert_in_range(http->len, 1, SENT_MAX);
    for (const char *const *h = r->headers; *h; h++)
        len += snprintf(s->head + len, sizeof(s->head) - (size_t)len, "%s\n", *h);
    snprintf(s->body, sizeof(s->body), "%s", r->body ? r->body : "");
    s->request = *r;
    s->open = true;
    return http->len;
}

void http_cancel(struct http *http, uint64_t id)
{
    http->sent[id - 1].open = false;
}

void http_close_idle(struct http *http)
{
    http->closed++;
}

void http_distrust(struct http *http, const char *url, int64_t idle_ms)
{
    assert_string_equal(url, "https://k8s.test");
    assert_int_equal(idle_ms, 30000);
    http->distrusted++;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Credentials: what the test puts here is what the files hold and the plugin does. */

static int forced;             /* refreshes                      */
static const char *next_token; /* taken over by a forced refresh */
static unsigned next_change;   /* what the next refresh reports  */

unsigned kube_config_refresh(struct kube_config *config, int64_t now_ms, bool force)
{
    unsigned changed = next_change;

    (void)now_ms;
    next_change = 0;
    forced += force;
    if (force && next_token) {
        config->token = (char *)take(next_token);
        config->generation++;
    }
    return changed;
}

struct http_tls kube_config_tls(const struct kube_config *config)
{
    return (struct http_tls){.ca_pem = config->ca_pem};
}

struct exec {
    enum exec_state state;
    struct exec_credential credential;
    struct err err;
    unsigned generation;
    int runs;
    void (*changed)(void *arg);
    void *arg;
};

static struct exec plugin;

struct exec *exec_create(struct loop *loop, const struct kube_config *config, void (*changed)(void *arg), void *arg)
{
    (void)loop, (void)config;
    plugin = (struct exec){.changed = changed, .arg = arg};
    return &plugin;
}

void exec_destroy(struct exec *exec)
{
    (void)exec;
}

enum exec_state exec_need(struct exec *exec)
{
    if (exec->state == EXEC_NONE) {
        exec->state = EXEC_RUNNING;
        exec->runs++;
    }
    return exec->state;
}

void exec_forget(struct exec *exec)
{
    if (exec->state == EXEC_HAVE)
        exec->state = EXEC_NONE;
}

const struct exec_credential *exec_credential(const struct exec *exec)
{
    return &exec->credential;
}

const struct err *exec_error(const struct exec *exec)
{
    return &exec->err;
}

unsigned exec_generation(const struct exec *exec)
{
    return exec->generation;
}

static void plugin_hands_out(const char *token)
{
    plugin.credential.token = (char *)token;
    plugin.generation++;
    plugin.state = EXEC_HAVE;
    plugin.changed(plugin.arg);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The world */

struct world {
    struct loop loop;
    struct http http;
    struct kube_config config;
    struct kube_client *client;
};

struct result {
    int calls;
    struct err err;
    char bytes[16]; /* the last piece of a stream */
};

static const struct kube_resource runners = {
    "GitLabRunner", "gitlab-runners.dev/v1beta1", "gitlabrunners", true, false, "metadata.managedFields", NULL, NULL};
static const struct kube_resource secrets = {"Secret", "v1", "secrets", true,
                                             true,     NULL, NULL,      "metadata.managedFields[].fieldsV1"};
static const struct kube_resource events = {"Event", "events.k8s.io/v1", "events", true, false, NULL, NULL, NULL};

static void create_client(struct world *w)
{
    kube_client_destroy(w->client);
    w->client = kube_client_create(&w->loop, &w->http, &w->config);
}

static int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));

    w->loop.now = 100000;
    w->config.server = (char *)"https://k8s.test";
    w->config.token = (char *)"t1";
    next_token = NULL;
    next_change = 0;
    create_client(w);
    *state = w;
    return 0;
}

static int tear_down(void **state)
{
    struct world *w = *state;

    kube_client_destroy(w->client);
    for (size_t i = 0; i < w->http.len; i++)
        assert_false(w->http.sent[i].open); /* nothing is left behind */
    free(w);
    return 0;
}

static void on_result(void *arg, const struct kube_reply *reply)
{
    struct result *r = arg;

    r->calls++;
    r->err = reply->err;
}

static uint64_t start(struct world *w, const char *method, const char *path, struct result *r)
{
    const struct kube_request request = {
        .method = method, .path = path, .body = *method == 'P' ? "{}" : NULL, .done = on_result, .arg = r};

    *r = (struct result){0};
    return kube_start(w->client, &request);
}

static void reply(struct world *w, size_t i, const struct http_reply *reply)
{
    struct sent *s = &w->http.sent[i];

    assert_true(s->open);
    if (reply->status / 100 == 2 && !s->request.on_data(s->request.arg, reply->body, reply->len))
        fail_msg("the answer was not taken");
    s->open = false;
    s->request.on_done(s->request.arg, reply);
}

static void answer(struct world *w, size_t i, long status, int64_t retry_after_ms)
{
    reply(
        w, i,
        &(struct http_reply){.status = status, .body = "{}", .len = 2, .retry_after_ms = retry_after_ms, .sent = true});
}

static void lose(struct world *w, size_t i, const char *reason, bool mute)
{
    struct http_reply lost = {.body = "", .sent = true, .mute = mute};

    err_set(&lost.err, ERR_RETRY, reason, "lost");
    reply(w, i, &lost);
}

static void assert_sent(const struct world *w, size_t i, const char *head)
{
    assert_true(i < w->http.len);
    if (strncmp(w->http.sent[i].head, head, strlen(head)) != 0)
        fail_msg("\"%s\" does not begin with \"%s\"", w->http.sent[i].head, head);
}

static void assert_said(const struct world *w, size_t i, const char *text)
{
    if (!strstr(w->http.sent[i].head, text))
        fail_msg("\"%s\" does not hold \"%s\"", w->http.sent[i].head, text);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is sent */

static struct json_object *sent_body(const struct world *w, size_t i)
{
    struct err err = {0};
    const char *body = w->http.sent[i].body;

    return json_parse(body, strlen(body), &err);
}

static void an_apply_is_forced_and_names_its_manager(void **state)
{
    struct world *w = *state;
    struct result r = {0};
    cleanup_json struct json_object *manifest = json_build(
        "{apiVersion: 'gitlab-runners.dev/v1beta1', kind: GitLabRunner, metadata: {namespace: a, name: b, uid: u}}");

    kube_apply(w->client, &runners, "status", manifest, "me", on_result, &r);
    assert_sent(w, 0,
                "PATCH https://k8s.test/apis/gitlab-runners.dev/v1beta1/namespaces/a/gitlabrunners/b/status"
                "?fieldManager=me&force=true&fieldValidation=Ignore\n");
    assert_said(w, 0, "\nContent-Type: application/apply-patch+yaml\n");
    assert_said(w, 0, "\nAuthorization: Bearer t1\n");
    cleanup_json struct json_object *body = sent_body(w, 0);
    assert_true(json_same(body, manifest)); /* the uid as well: what was deleted is not made again */
    assert_false(w->http.sent[0].request.once);
    assert_true(w->http.sent[0].request.fenced);
    assert_int_equal(w->http.sent[0].request.timeout_ms, 60000);
    assert_int_equal(w->http.sent[0].request.max_body, 64 << 10); /* of a refusal: the object comes in pieces */
    answer(w, 0, 200, 0);
    assert_int_equal(r.err.kind, ERR_NONE);
}

static void what_is_created_takes_over_nothing(void **state)
{
    struct world *w = *state;
    struct result r = {0};
    cleanup_json struct json_object *manifest =
        json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: a, name: b}}");

    kube_create_as(w->client, &secrets, manifest, "me", on_result, &r);
    assert_sent(w, 0, "POST https://k8s.test/api/v1/namespaces/a/secrets?fieldManager=me&fieldValidation=Strict\n");
    assert_said(w, 0, "\nAccept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1\n");
    assert_said(w, 0, "\nContent-Type: application/json\n");
    cleanup_json struct json_object *body = sent_body(w, 0);
    assert_true(json_same(body, manifest));
    assert_true(w->http.sent[0].request.fenced);
    answer(w, 0, 409, 0);
    assert_int_equal(r.err.kind, ERR_CONFLICT);
}

/* Where it had its effect already, the answer is a conflict. */
static void what_has_a_name_is_created_once_more(void **state)
{
    struct world *w = *state;
    struct result r = {0};
    cleanup_json struct json_object *manifest = json_build("{kind: Secret, metadata: {namespace: a, name: b}}");

    kube_create_as(w->client, &secrets, manifest, "me", on_result, &r);
    assert_false(w->http.sent[0].request.once);
    lose(w, 0, "ConnectionLost", false);
    assert_int_equal(w->http.len, 2);
    assert_string_equal(w->http.sent[1].body, w->http.sent[0].body);
    answer(w, 1, 409, 0);
    assert_int_equal(r.calls, 1);
    assert_int_equal(r.err.kind, ERR_CONFLICT);
}

static void a_merge_patch_names_its_manager(void **state)
{
    struct world *w = *state;
    struct result r = {0};
    cleanup_json struct json_object *patch =
        json_build("{metadata: {namespace: a, name: b, resourceVersion: '7', managedFields: []}}");

    kube_patch(w->client, &secrets, patch, "me", on_result, &r);
    assert_sent(w, 0, "PATCH https://k8s.test/api/v1/namespaces/a/secrets/b?fieldManager=me\n");
    assert_said(w, 0, "\nContent-Type: application/merge-patch+json\n");
    cleanup_json struct json_object *body = sent_body(w, 0);
    assert_true(json_same(body, patch));
    answer(w, 0, 200, 0);
    assert_int_equal(r.err.kind, ERR_NONE);
}

static void metadata_is_read_alone(void **state)
{
    struct world *w = *state;
    struct result r = {0};

    kube_get_metadata(w->client, &secrets, "a", "b", on_result, &r);
    assert_sent(w, 0, "GET https://k8s.test/api/v1/namespaces/a/secrets/b\n");
    assert_said(w, 0, "\nAccept: application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1\n");
    answer(w, 0, 200, 0);
}

static void what_is_read_has_no_body(void **state)
{
    struct world *w = *state;
    struct result r;

    start(w, "GET", "/1", &r);
    assert_string_equal(w->http.sent[0].head,
                        "GET https://k8s.test/1\nAccept: application/json\nAuthorization: Bearer t1\n");
    assert_null(w->http.sent[0].request.body);
    assert_int_equal(w->http.sent[0].request.body_len, 0);
    assert_false(w->http.sent[0].request.fenced);
    answer(w, 0, 200, 0);
    start(w, "PUT", "/1", &r);
    assert_string_equal(w->http.sent[1].body, "{}");
    assert_int_equal(w->http.sent[1].request.body_len, 2);
    assert_true(w->http.sent[1].request.fenced);
    answer(w, 1, 200, 0);
}

static void a_delete_means_this_very_object(void **state)
{
    struct world *w = *state;
    struct result r = {0};

    kube_delete(w->client, &secrets, "a", "b", "u-1", false, on_result, &r);
    assert_sent(w, 0, "DELETE https://k8s.test/api/v1/namespaces/a/secrets/b\n");
    assert_true(w->http.sent[0].request.fenced);
    cleanup_json struct json_object *body = sent_body(w, 0);
    assert_string_equal(json_str(body, "preconditions.uid"), "u-1");
    answer(w, 0, 200, 0);
}

static void a_create_is_sent_once(void **state)
{
    struct world *w = *state;
    struct result r = {0};
    cleanup_json struct json_object *event = json_build("{kind: Event}");

    kube_create(w->client, &events, "a", event, on_result, &r);
    assert_sent(w, 0, "POST https://k8s.test/apis/events.k8s.io/v1/namespaces/a/events\n");
    assert_true(w->http.sent[0].request.once);
    lose(w, 0, "ConnectionLost", false);
    fake_pass(&w->loop, 600000);
    assert_int_equal(w->http.len, 1);
    assert_int_equal(r.calls, 1);
    assert_int_equal(r.err.kind, ERR_RETRY);
}

static void what_lost_its_connection_is_sent_once_more(void **state)
{
    static const char *const methods[] = {"GET", "PUT", "PATCH", "DELETE"};
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(methods); i++) {
        start(w, methods[i], "/1", &r);
        lose(w, 2 * i, "ConnectionLost", false);
        assert_int_equal(r.calls, 0);
        lose(w, 2 * i + 1, "ConnectionLost", false);
        assert_int_equal(r.calls, 1);
        assert_string_equal(r.err.reason, "ConnectionLost");
    }
    start(w, "GET", "/1", &r);
    lose(w, 8, "ConnectionRefused", false); /* nobody is there: the caller waits */
    assert_int_equal(r.calls, 1);
    assert_int_equal(w->http.len, 9);
}

static void who_is_impersonated_is_said_each_time(void **state)
{
    struct world *w = *state;
    char *headers[] = {(char *)"Impersonate-User: a", (char *)"Impersonate-Group: b", NULL};
    struct result r;

    w->config.impersonate = headers;
    start(w, "GET", "/x", &r);
    assert_said(w, 0, "\nAuthorization: Bearer t1\nImpersonate-User: a\nImpersonate-Group: b\n");
    answer(w, 0, 200, 0);
}

static void each_goes_by_the_proxy_and_trusts_the_ca(void **state)
{
    struct world *w = *state;
    struct result r;

    w->config.proxy_url = (char *)"http://proxy.test";
    w->config.ca_pem = (char *)"a CA";
    start(w, "GET", "/x", &r);
    assert_string_equal(w->http.sent[0].request.proxy, "http://proxy.test");
    assert_string_equal(w->http.sent[0].request.tls.ca_pem, "a CA");
    answer(w, 0, 200, 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Busy servers */

static void a_429_holds_up_everything_for_as_long_as_it_says(void **state)
{
    struct world *w = *state;
    struct result first, second, third;

    w->loop.now = 1000;
    start(w, "PATCH", "/1", &first);
    answer(w, 0, 429, 5000);
    start(w, "GET", "/2", &second);
    start(w, "POST", "/3", &third);
    assert_int_equal(kube_traffic(w->client).held, 3);
    fake_pass(&w->loop, 4999);
    assert_int_equal(w->http.len, 1);
    fake_pass(&w->loop, 501);
    assert_int_equal(w->http.len, 4);
    assert_sent(w, 1, "PATCH https://k8s.test/1\n"); /* in the order in which they came */
    assert_sent(w, 2, "GET https://k8s.test/2\n");
    assert_sent(w, 3, "POST https://k8s.test/3\n");
    assert_in_range(kube_traffic(w->client).throttled_ms, 15000, 16500);
    for (size_t i = 1; i < 4; i++)
        answer(w, i, 200, 0);
    assert_int_equal(first.calls + second.calls + third.calls, 3);
    assert_int_equal(first.err.kind, ERR_NONE);
}

static void patience_ends(void **state)
{
    struct world *w = *state;
    struct result r;

    start(w, "PATCH", "/1", &r);
    for (size_t i = 0; i < 11; i++) {
        assert_int_equal(w->http.len, i + 1);
        assert_int_equal(r.calls, 0);
        answer(w, i, 429, 1000);
        fake_pass(&w->loop, 1100);
    }
    assert_int_equal(w->http.len, 11);
    assert_int_equal(r.calls, 1);
    assert_int_equal(r.err.code, 429);
    assert_int_equal(r.err.retry_after_ms, 1000);
    start(w, "PATCH", "/2", &r);
    answer(w, 11, 503, 3600000); /* that long nobody waits here */
    assert_int_equal(r.calls, 1);
    assert_int_equal(r.err.retry_after_ms, 3600000);
}

static void patience_is_of_a_minute(void **state)
{
    struct world *w = *state;
    struct result r;

    start(w, "PATCH", "/1", &r);
    answer(w, 0, 503, 60001);
    assert_int_equal(r.calls, 1);
    start(w, "PATCH", "/2", &r);
    answer(w, 1, 503, 60000);
    assert_int_equal(r.calls, 0);
    fake_pass(&w->loop, 66000); /* up to a tenth more */
    assert_sent(w, 2, "PATCH https://k8s.test/2\n");
    answer(w, 2, 200, 0);
}

static void a_429_that_names_no_time_holds_up_the_others_for_a_second(void **state)
{
    struct world *w = *state;
    struct result refused, next;

    start(w, "PATCH", "/1", &refused);
    answer(w, 0, 429, 0);
    assert_int_equal(refused.calls, 1); /* its caller knows when to try again */
    start(w, "GET", "/2", &next);
    fake_pass(&w->loop, 999);
    assert_int_equal(w->http.len, 1);
    fake_pass(&w->loop, 1);
    assert_sent(w, 1, "GET https://k8s.test/2\n");
    answer(w, 1, 200, 0);
    assert_int_equal(next.calls, 1);
}

static void a_5xx_is_repeated_only_where_the_server_says_when_and_it_does_no_harm(void **state)
{
    static const struct {
        const char *method;
        long status;
        int64_t retry_after_ms;
        bool repeated;
    } cases[] = {
        {"GET", 503, 2000, true},  {"PATCH", 500, 2000, true}, {"DELETE", 504, 2000, true}, {"POST", 503, 2000, false},
        {"POST", 429, 2000, true}, {"GET", 500, 0, false},     {"PATCH", 503, 0, false},    {"DELETE", 502, 0, false},
        {"PATCH", 429, 0, false},  {"GET", 404, 2000, false},  {"PATCH", 409, 2000, false},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct result r;
        size_t at = w->http.len;
        start(w, cases[i].method, "/1", &r);
        answer(w, at, cases[i].status, cases[i].retry_after_ms);
        fake_pass(&w->loop, 1999);
        assert_int_equal(w->http.len, at + 1);
        fake_pass(&w->loop, 201);
        assert_int_equal(w->http.len, at + 1 + cases[i].repeated);
        assert_int_equal(r.calls, !cases[i].repeated);
        if (cases[i].repeated)
            answer(w, at + 1, 200, 0);
    }
}

static void one_5xx_does_not_hold_up_the_others(void **state)
{
    struct world *w = *state;
    struct result slow, quick;

    start(w, "PATCH", "/1", &slow);
    answer(w, 0, 503, 5000);
    start(w, "PATCH", "/2", &quick);
    assert_sent(w, 1, "PATCH https://k8s.test/2\n");
    answer(w, 1, 200, 0);
    assert_int_equal(quick.calls, 1);
    fake_pass(&w->loop, 5500);
    assert_sent(w, 2, "PATCH https://k8s.test/1\n");
    answer(w, 2, 200, 0);
    assert_int_equal(slow.calls, 1);
}

static void the_limit_holds_requests_in_their_order(void **state)
{
    struct world *w = *state;
    struct result r[LIMIT_START + 4];
    uint64_t ids[ARRAY_LEN(r)];
    char path[16];

    for (size_t i = 0; i < ARRAY_LEN(r); i++) {
        snprintf(path, sizeof(path), "/%zu", i);
        ids[i] = start(w, "GET", path, &r[i]);
    }
    assert_int_equal(w->http.len, LIMIT_START);
    assert_int_equal(kube_traffic(w->client).held, 4);
    assert_int_equal(kube_traffic(w->client).in_flight, LIMIT_START);
    kube_cancel(w->client, ids[LIMIT_START]); /* while it is held */
    answer(w, 7, 200, 0);
    assert_sent(w, LIMIT_START, "GET https://k8s.test/33\n");
    kube_cancel(w->client, ids[0]); /* on its way: makes room */
    fake_pass(&w->loop, 0);
    assert_sent(w, LIMIT_START + 1, "GET https://k8s.test/34\n");
    assert_int_equal(r[0].calls + r[LIMIT_START].calls, 0);
    answer(w, 1, 503, 0);
    assert_int_equal(kube_traffic(w->client).limit, LIMIT_START / 2);
    for (size_t i = 0; i < ARRAY_LEN(r); i++)
        kube_cancel(w->client, ids[i]);
    assert_int_equal(kube_traffic(w->client).in_flight, 0);
    assert_int_equal(kube_traffic(w->client).held, 0);
}

static void what_is_asked_for_is_its_own_until_it_goes(void **state)
{
    struct world *w = *state;
    struct result r[LIMIT_START + 1] = {{0}};
    char method[] = "PATCH", path[] = "/x", type[] = "application/a", body[] = "{}";
    const struct kube_request request = {
        .method = method, .path = path, .content_type = type, .body = body, .done = on_result, .arg = &r[LIMIT_START]};

    for (size_t i = 0; i < LIMIT_START; i++)
        start(w, "GET", "/", &r[i]);
    kube_start(w->client, &request);
    *method = *path = *type = *body = '?';
    answer(w, 0, 200, 0);
    assert_sent(w, LIMIT_START, "PATCH https://k8s.test/x\n");
    assert_said(w, LIMIT_START, "\nContent-Type: application/a\n");
    assert_string_equal(w->http.sent[LIMIT_START].request.body, "{}");
}

/* What a stream brings is lines without an end; "stop" is enough of them. */
static bool on_bytes(void *arg, const char *bytes, size_t len)
{
    struct result *r = arg;

    memcpy(r->bytes, bytes, len);
    r->bytes[len] = '\0';
    return strcmp(r->bytes, "stop") != 0;
}

static void on_end(void *arg, const struct err *err)
{
    struct result *r = arg;

    r->calls++;
    r->err = *err;
}

static uint64_t follow(struct world *w, struct result *r)
{
    const struct kube_stream stream = {
        .path = "/watch", .idle_timeout_ms = 150000, .data = on_bytes, .end = on_end, .arg = r};

    *r = (struct result){0};
    return kube_stream(w->client, &stream);
}

static void streams_and_leases_do_not_wait(void **state)
{
    struct world *w = *state;
    struct result r, stream, lease = {0};

    start(w, "GET", "/1", &r);
    answer(w, 0, 429, 30000);
    follow(w, &stream);
    const struct kube_request renewal = {
        .method = "PATCH", .path = "/lease", .urgent = true, .timeout_ms = 5000, .done = on_result, .arg = &lease};
    kube_start(w->client, &renewal);
    assert_int_equal(w->http.len, 3);
    assert_int_equal(w->http.sent[1].request.idle_timeout_ms, 150000);
    assert_int_equal(w->http.sent[2].request.timeout_ms, 5000);
    assert_false(w->http.sent[2].request.fenced);
    assert_int_equal(kube_traffic(w->client).in_flight, 0);
    answer(w, 1, 429, 1000); /* their callers know when to ask again */
    answer(w, 2, 429, 1000);
    assert_int_equal(stream.calls + lease.calls, 2);
    assert_int_equal(stream.err.retry_after_ms, 1000);
}

static void a_stream_is_passed_on_as_it_comes(void **state)
{
    struct world *w = *state;
    struct result stream;

    follow(w, &stream);
    const struct http_request *watch = &w->http.sent[0].request;
    assert_true(watch->on_data(watch->arg, "one", 3));
    assert_string_equal(stream.bytes, "one");
    assert_true(watch->on_data(watch->arg, "two, and more", 3));
    assert_string_equal(stream.bytes, "two");
    assert_false(watch->on_data(watch->arg, "stop", 4));
    lose(w, 0, "ConnectionLost", false);
    assert_int_equal(w->http.len, 1); /* its caller knows from where on */
    assert_int_equal(stream.calls, 1);
    assert_string_equal(stream.err.reason, "ConnectionLost");
}

static uint64_t answers(const struct world *w, const char *code, const char *method)
{
    const struct tally *t = &kube_stats(w->client)->answers;

    for (size_t i = 0; i < t->len; i++)
        if (strcmp(t->rows[i].a, code) == 0 && strcmp(t->rows[i].b, method) == 0)
            return t->rows[i].count;
    return 0;
}

static void a_request_is_counted_once(void **state)
{
    struct world *w = *state;
    struct result r;

    start(w, "GET", "/1", &r);
    w->http.sent[0].request.on_status(w->http.sent[0].request.arg, 200);
    assert_int_equal(answers(w, "200", "GET"), 1); /* when the head of its answer is there … */
    answer(w, 0, 200, 0);
    assert_int_equal(answers(w, "200", "GET"), 1);
    start(w, "POST", "/2", &r);
    lose(w, 1, "Timeout", false);
    assert_int_equal(answers(w, "<error>", "POST"), 1); /* … or when there will be none */
    assert_int_equal(answers(w, "200", "POST"), 0);
}

static const struct kube_method_stats *stats_of(const struct world *w, const char *method)
{
    const struct kube_method_stats *stats = kube_stats(w->client)->methods;

    while (strcmp(stats->method, method) != 0)
        stats++;
    return stats;
}

static void a_request_is_measured(void **state)
{
    struct world *w = *state;
    const struct kube_method_stats *puts = stats_of(w, "PUT");
    struct result r;

    start(w, "PUT", "/1", &r);
    w->http.sent[0].request.on_data(w->http.sent[0].request.arg, "{\"a\":1}", 7);
    reply(w, 0, &(struct http_reply){.status = 200, .body = "", .sent = true});
    assert_int_equal(puts->seconds.count, 1);
    assert_true(puts->seconds.sum < 60);
    assert_true(puts->request_bytes.sum == 2);
    assert_true(puts->response_bytes.sum == 7);
    assert_int_equal(puts->held_seconds.count, 0);
    start(w, "PUT", "/1", &r);
    answer(w, 1, 429, 5000);
    fake_pass(&w->loop, 5500);
    answer(w, 2, 200, 0);
    assert_int_equal(puts->held_seconds.count, 1);
    assert_true(puts->held_seconds.sum >= 5 && puts->held_seconds.sum <= 5.5);
}

static void who_has_no_time_is_asked_less(void **state)
{
    static const struct {
        long status;
        bool less;
    } cases[] = {{429, true}, {500, false}, {502, false}, {503, true}, {504, true}, {505, false}, {404, false}};
    struct world *w = *state;
    struct result r;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        w->loop.now += 60000;
        unsigned before = kube_traffic(w->client).limit;
        size_t sent = w->http.len;
        start(w, "POST", "/1", &r);
        assert_int_equal(w->http.len, sent + 1);
        answer(w, sent, cases[i].status, 0);
        if (cases[i].less)
            assert_true(kube_traffic(w->client).limit < before);
        else
            assert_int_equal(kube_traffic(w->client).limit, before);
        fake_pass(&w->loop, 60000);
    }
    unsigned before = kube_traffic(w->client).limit;
    for (size_t round = 0; round < 4; round++) {
        size_t sent = w->http.len;
        for (size_t i = 0; i < before; i++)
            start(w, "POST", "/1", &r);
        for (size_t i = 0; i < before; i++)
            answer(w, sent + i, 200, 0);
    }
    assert_true(kube_traffic(w->client).limit > before); /* until it says so again */
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Dead peers */

static void a_peer_that_gives_no_answer_is_in_doubt(void **state)
{
    struct world *w = *state;
    struct result r[3];

    for (size_t i = 0; i < 3; i++)
        start(w, "GET", "/1", &r[i]);
    w->loop.now += 60000;
    lose(w, 0, "Timeout", true);
    lose(w, 1, "Timeout", true); /* of the same connection: nothing new */
    assert_int_equal(w->http.distrusted, 1);
    assert_int_equal(kube_traffic(w->client).limit, LIMIT_START / 2);
    lose(w, 2, "ConnectionLost", false);
    assert_int_equal(w->http.distrusted, 1);
    fake_pass(&w->loop, 10);
    answer(w, 3, 200, 0);
    start(w, "GET", "/1", &r[0]);
    lose(w, 4, "Timeout", true);
    assert_int_equal(w->http.distrusted, 2);
    start(w, "GET", "/1", &r[0]); /* in the same moment: on that connection, too */
    lose(w, 5, "Timeout", true);
    assert_int_equal(w->http.distrusted, 2);
}

static void a_quiet_server_is_asked_whether_it_is_there(void **state)
{
    struct world *w = *state;
    struct result stream;

    fake_pass(&w->loop, 600000); /* nobody listens: no question */
    assert_int_equal(w->http.len, 0);
    uint64_t id = follow(w, &stream);
    fake_pass(&w->loop, 20000);
    struct http_request *watch = &w->http.sent[0].request;
    watch->on_data(watch->arg, "{}", 2);
    fake_pass(&w->loop, 29999);
    assert_int_equal(w->http.len, 1);
    fake_pass(&w->loop, 1);
    assert_sent(w, 1, "GET https://k8s.test/version\n");
    assert_int_equal(w->http.sent[1].request.timeout_ms, 10000);
    answer(w, 1, 403, 0);
    assert_int_equal(w->http.distrusted, 0);
    fake_pass(&w->loop, 20000);
    watch->on_status(watch->arg, 200); /* a head is a sign, too */
    fake_pass(&w->loop, 29999);
    assert_int_equal(w->http.len, 2);
    fake_pass(&w->loop, 1);
    lose(w, 2, "Timeout", true);
    assert_int_equal(w->http.distrusted, 1);
    kube_cancel(w->client, id);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Credentials */

static void a_401_reads_the_token_and_tries_once_more(void **state)
{
    struct world *w = *state;
    struct result r;

    next_token = "t2";
    start(w, "POST", "/1", &r);
    answer(w, 0, 401, 0);
    assert_int_equal(r.calls, 0);
    assert_sent(w, 1, "POST https://k8s.test/1\n");
    assert_said(w, 1, "Bearer t2\n");
    next_token = "t3";
    answer(w, 1, 401, 0);
    assert_int_equal(w->http.len, 2);
    assert_int_equal(r.calls, 1);
    assert_int_equal(r.err.code, 401);
}

static void a_401_without_a_newer_token_is_an_answer(void **state)
{
    struct world *w = *state;
    struct result r;

    start(w, "GET", "/1", &r);
    answer(w, 0, 401, 0);
    assert_int_equal(w->http.len, 1);
    assert_int_equal(r.err.kind, ERR_RETRY);
    assert_int_equal(r.err.code, 401);
}

/* Several requests are refused at a time: the first one gets the new token, which is not thrown away for the second. */
static void a_token_newer_than_the_request_is_kept(void **state)
{
    struct world *w = *state;
    struct result a, b;

    start(w, "GET", "/a", &a);
    start(w, "GET", "/b", &b);
    next_token = "t2";
    answer(w, 0, 401, 0);
    next_token = "t3";
    answer(w, 1, 401, 0);
    assert_said(w, 2, "Bearer t2\n");
    assert_said(w, 3, "Bearer t2\n");
    answer(w, 2, 200, 0);
    answer(w, 3, 200, 0);
}

static void a_refused_stream_begins_again(void **state)
{
    struct world *w = *state;
    struct result stream;

    next_token = "t2";
    uint64_t id = follow(w, &stream);
    answer(w, 0, 401, 0);
    assert_said(w, 1, "Bearer t2\n");
    assert_int_equal(stream.calls, 0);
    kube_cancel(w->client, id);
}

static void another_ca_needs_other_connections(void **state)
{
    struct world *w = *state;
    struct result r;

    next_change = CONFIG_TOKEN;
    start(w, "GET", "/1", &r);
    assert_int_equal(w->http.closed, 0);
    next_change = CONFIG_CA;
    start(w, "GET", "/2", &r);
    assert_int_equal(w->http.closed, 1);
    answer(w, 0, 200, 0);
    answer(w, 1, 200, 0);
}

static void a_server_that_is_not_trusted_may_have_another_ca(void **state)
{
    struct world *w = *state;
    struct http_reply untrusted = {.body = ""};
    struct result r;

    err_set(&untrusted.err, ERR_DENIED, "UntrustedCertificate", "not trusted");
    forced = 0;
    start(w, "GET", "/1", &r);
    next_change = CONFIG_CA;
    reply(w, 0, &untrusted);
    assert_int_equal(forced, 1);
    assert_int_equal(w->http.closed, 1);
    assert_int_equal(r.err.kind, ERR_DENIED); /* the caller tries again */
}

static void with_a_plugin(struct world *w)
{
    static struct exec_spec spec;

    w->config.token = NULL;
    w->config.exec = &spec;
    create_client(w);
}

static void requests_wait_for_the_plugin(void **state)
{
    struct world *w = *state;
    struct result a, b;

    with_a_plugin(w);
    start(w, "GET", "/a", &a);
    start(w, "GET", "/b", &b);
    assert_int_equal(w->http.len, 0);
    assert_int_equal(plugin.runs, 1);
    assert_null(fake_next_timer(&w->loop)); /* nothing is to be done until then */
    plugin_hands_out("p1");
    fake_pass(&w->loop, 0);
    assert_int_equal(w->http.len, 2);
    assert_said(w, 0, "Bearer p1\n");
    answer(w, 0, 401, 0); /* another one, for both */
    answer(w, 1, 401, 0);
    assert_int_equal(plugin.runs, 2);
    assert_int_equal(w->http.len, 2);
    plugin_hands_out("p2");
    fake_pass(&w->loop, 0);
    assert_said(w, 2, "Bearer p2\n");
    assert_said(w, 3, "Bearer p2\n");
    answer(w, 2, 200, 0);
    answer(w, 3, 401, 0);
    assert_int_equal(w->http.len, 4); /* once */
    assert_int_equal(b.err.code, 401);
}

/* Connections that were made with another one, or without, serve nobody any more. */
static void a_plugin_may_hand_out_a_certificate(void **state)
{
    struct world *w = *state;
    struct result a;

    with_a_plugin(w);
    start(w, "GET", "/a", &a);
    plugin.credential = (struct exec_credential){.cert = (char *)"a cert", .key = (char *)"a key"};
    plugin_hands_out(NULL);
    fake_pass(&w->loop, 0);
    assert_int_equal(w->http.closed, 1);
    assert_string_equal(w->http.sent[0].request.tls.client_cert, "a cert");
    assert_string_equal(w->http.sent[0].request.tls.client_key, "a key");
    assert_null(strstr(w->http.sent[0].head, "Authorization"));
    answer(w, 0, 200, 0);
}

static void a_name_and_a_password_are_proof(void **state)
{
    struct world *w = *state;
    struct result a;

    w->config.token = NULL;
    w->config.username = (char *)"anna";
    w->config.password = (char *)"a:b";
    create_client(w);
    start(w, "GET", "/a", &a);
    assert_said(w, 0, "Authorization: Basic YW5uYTphOmI=\n");
    answer(w, 0, 200, 0);
}

static void a_plugin_that_fails_fails_those_who_wait(void **state)
{
    struct world *w = *state;
    struct result a, b, c;

    with_a_plugin(w);
    start(w, "GET", "/a", &a);
    uint64_t id = start(w, "GET", "/b", &b);
    kube_cancel(w->client, id);
    plugin.state = EXEC_FAILED;
    err_set(&plugin.err, ERR_RETRY, "ExecPluginFailed", "no such program");
    plugin.changed(plugin.arg);
    fake_pass(&w->loop, 0);
    assert_int_equal(a.calls, 1);
    assert_string_equal(a.err.text, "no such program");
    start(w, "GET", "/c", &c);
    assert_int_equal(c.calls, 0); /* never from within */
    fake_pass(&w->loop, 0);
    assert_int_equal(c.calls, 1);
    assert_int_equal(b.calls, 0);
    assert_int_equal(w->http.len, 0);
}

static size_t tries;

static void on_failed_try_again(void *arg, const struct kube_reply *reply)
{
    struct world *w = arg;

    assert_int_equal(reply->err.kind, ERR_RETRY);
    tries++;
    kube_start(w->client, &(struct kube_request){.method = "GET", .path = "/x", .done = on_failed_try_again, .arg = w});
}

/* Or nothing else would ever happen. */
static void who_tries_again_at_once_waits_for_his_turn(void **state)
{
    struct world *w = *state;

    with_a_plugin(w);
    tries = 0;
    kube_start(w->client, &(struct kube_request){.method = "GET", .path = "/x", .done = on_failed_try_again, .arg = w});
    plugin.state = EXEC_FAILED;
    err_set(&plugin.err, ERR_RETRY, "ExecPluginFailed", "no such program");
    plugin.changed(plugin.arg);
    for (size_t times = 1; times < 4; times++) {
        fake_fire(fake_next_timer(&w->loop));
        assert_int_equal(tries, times);
    }
}

static void what_is_on_its_way_ends_with_the_client(void **state)
{
    struct world *w = *state;
    struct result r, stream;

    start(w, "GET", "/1", &r);
    follow(w, &stream);
    answer(w, 0, 429, 1000);
    start(w, "GET", "/2", &r);
    kube_client_destroy(take(w->client));
    assert_false(w->http.sent[1].open);
    assert_int_equal(r.calls + stream.calls, 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Answers that are too large */

/* What came of the last answer. */
static struct {
    char name[32], version[16], data[64];
    bool too_large, object;
    struct err err;
} seen;

static void on_seen(void *arg, const struct kube_reply *reply)
{
    (void)arg;
    memset(&seen, 0, sizeof(seen));
    seen.err = reply->err;
    seen.object = reply->object != NULL;
    seen.too_large = object_too_large(reply->object) != NULL;
    snprintf(seen.name, sizeof(seen.name), "%s", json_str_or(reply->object, "metadata.name", ""));
    snprintf(seen.version, sizeof(seen.version), "%s", json_str_or(reply->object, "metadata.resourceVersion", ""));
    snprintf(seen.data, sizeof(seen.data), "%s", json_str_or(reply->object, "data.token", ""));
}

/* Of 3 MB, with what identifies it at the end. */
static void answer_large(struct world *w, size_t i, const char *stuff)
{
    enum { SIZE = 3 << 20 };
    char *body = mem_alloc(SIZE + 1000);
    size_t len = (size_t)sprintf(body, "{\"data\":{\"other\":\"x\",\"token\":\"dG9rZW4=\"},\"metadata\":{\"x\":[{}");

    while (len < SIZE)
        len += (size_t)sprintf(body + len, "%s", stuff);
    len += (size_t)sprintf(body + len, "],\"name\":\"a\",\"resourceVersion\":\"7\"}}");
    reply(w, i, &(struct http_reply){.status = 200, .body = body, .len = len, .sent = true});
    free(body);
}

static void an_answer_that_is_too_large_is_a_success(void **state)
{
    struct world *w = *state;
    cleanup_json struct json_object *manifest =
        json_build("{apiVersion: 'gitlab-runners.dev/v1beta1', kind: GitLabRunner, metadata: {namespace: a, name: b}}");

    kube_apply(w->client, &runners, NULL, manifest, "me", on_seen, NULL);
    answer_large(w, 0, ",{}");
    assert_int_equal(seen.err.kind, ERR_NONE);
    assert_true(seen.too_large);
    assert_string_equal(seen.name, "a");
    assert_string_equal(seen.version, "7");
    assert_string_equal(seen.data, "");
}

/* … and the value that was asked for is in it. */
static void a_key_is_read_of_a_secret_that_is_too_large(void **state)
{
    struct world *w = *state;

    kube_get_data(w->client, &secrets, "a", "b", "token", on_seen, NULL);
    answer_large(w, 0, ",\"\\u003c\"");
    assert_int_equal(seen.err.kind, ERR_NONE);
    assert_true(seen.too_large);
    assert_string_equal(seen.data, "dG9rZW4=");
    kube_get(w->client, &secrets, "a", "b", on_seen, NULL);
    answer_large(w, 1, ",\"\\u003c\"");
    assert_string_equal(seen.name, "a");
    assert_string_equal(seen.data, "");
}

/* A Lease, say, of which a part would be misleading. */
static void whoever_needs_all_of_it_gets_an_error(void **state)
{
    struct world *w = *state;
    const struct kube_request whole = {.method = "GET", .path = "/x", .done = on_seen};
    const struct kube_request larger = {.method = "GET", .path = "/x", .answer_max = 4 << 20, .done = on_seen};

    kube_start(w->client, &whole);
    answer_large(w, 0, ",1111111");
    assert_int_equal(seen.err.kind, ERR_RETRY);
    assert_string_equal(seen.err.reason, "TooLarge");
    assert_false(seen.object);
    kube_start(w->client, &larger);
    answer_large(w, 1, ",\"an entry of some length, and of which there may be many: 0123456789012345678901234567890\"");
    assert_int_equal(seen.err.kind, ERR_NONE);
    assert_string_equal(seen.name, "a");
    assert_false(seen.too_large);
}

/* Cut off, or of somebody else: it may be better the next time. */
static void an_answer_that_is_no_json_is_tried_again(void **state)
{
    static const char *const bodies[] = {"<html>", "{\"metadata\": {", "null", ""};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(bodies); i++) {
        kube_start(w->client, &(struct kube_request){.method = "GET", .path = "/x", .done = on_seen});
        reply(w, i, &(struct http_reply){.status = 200, .body = bodies[i], .len = strlen(bodies[i]), .sent = true});
        if (seen.err.kind != ERR_RETRY || seen.object)
            fail_msg("%s: %s", bodies[i], seen.err.text);
    }
}

static bool on_piece(void *arg, const char *bytes, size_t len)
{
    (void)bytes;
    *(size_t *)arg += len;
    return true;
}

/* Whoever takes the bytes as they come has had them: they do not come twice. */
static void what_was_told_is_not_asked_for_again(void **state)
{
    struct world *w = *state;
    size_t bytes = 0;
    const struct kube_request request = {
        .method = "GET", .path = "/x", .data = on_piece, .done = on_seen, .arg = &bytes};

    kube_start(w->client, &request);
    lose(w, 0, "ConnectionLost", false);
    assert_int_equal(w->http.len, 2); /* nothing was told yet */
    lose(w, 1, "ConnectionLost", false);
    kube_start(w->client, &request);
    w->http.sent[2].request.on_data(w->http.sent[2].request.arg, "[1,", 3);
    lose(w, 2, "ConnectionLost", false);
    assert_int_equal(w->http.len, 3);
    assert_string_equal(seen.err.reason, "ConnectionLost");
    assert_int_equal(bytes, 3);
}

static void what_was_passed_on_is_no_object(void **state)
{
    struct world *w = *state;
    size_t bytes = 0;

    kube_start(w->client,
               &(struct kube_request){.method = "GET", .path = "/x", .data = on_piece, .done = on_seen, .arg = &bytes});
    w->http.sent[0].request.on_data(w->http.sent[0].request.arg, "one line\n", 9);
    reply(w, 0, &(struct http_reply){.status = 200, .body = "", .sent = true});
    assert_int_equal(seen.err.kind, ERR_NONE);
    assert_null(seen.object);
    assert_int_equal(bytes, 9);
}

/* Half of an answer that was lost is no part of the next. */
static void what_came_before_a_connection_broke_is_forgotten(void **state)
{
    struct world *w = *state;
    const char *body = "{\"metadata\":{\"name\":\"whole\"}}";

    kube_get(w->client, &secrets, "a", "b", on_seen, NULL);
    w->http.sent[0].request.on_data(w->http.sent[0].request.arg, "{\"metadata\":{\"na", 15);
    lose(w, 0, "ConnectionLost", false);
    reply(w, 1, &(struct http_reply){.status = 200, .body = body, .len = strlen(body), .sent = true});
    assert_int_equal(seen.err.kind, ERR_NONE);
    assert_string_equal(seen.name, "whole");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

/* Names come from specs and annotations: none leads to another object, or to another call. */
static void a_path_leads_to_no_other_place(void **state)
{
    static const char *const names[] = {"..",    ".",   "",      "a/b",   "../../other/secrets/a",
                                        "a?x=y", "a#b", "a%2fb", "a\r\nb"};
    struct arena a cleanup_arena = {0};

    (void)state;
    assert_string_equal(kube_path(&secrets, "ns", "a.b-c", NULL, &a), "/api/v1/namespaces/ns/secrets/a.b-c");
    for (size_t i = 0; i < ARRAY_LEN(names); i++) {
        assert_string_equal(kube_path(&secrets, "ns", names[i], NULL, &a), "/api/v1/namespaces/ns/secrets/-");
        assert_string_equal(kube_path(&secrets, names[i], "n", NULL, &a), "/api/v1/namespaces/-/secrets/n");
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_path_leads_to_no_other_place),
        TEST(an_apply_is_forced_and_names_its_manager),
        TEST(what_is_created_takes_over_nothing),
        TEST(what_has_a_name_is_created_once_more),
        TEST(a_merge_patch_names_its_manager),
        TEST(metadata_is_read_alone),
        TEST(what_is_read_has_no_body),
        TEST(a_delete_means_this_very_object),
        TEST(a_create_is_sent_once),
        TEST(what_lost_its_connection_is_sent_once_more),
        TEST(who_is_impersonated_is_said_each_time),
        TEST(each_goes_by_the_proxy_and_trusts_the_ca),
        TEST(a_429_holds_up_everything_for_as_long_as_it_says),
        TEST(patience_ends),
        TEST(patience_is_of_a_minute),
        TEST(a_429_that_names_no_time_holds_up_the_others_for_a_second),
        TEST(a_5xx_is_repeated_only_where_the_server_says_when_and_it_does_no_harm),
        TEST(one_5xx_does_not_hold_up_the_others),
        TEST(the_limit_holds_requests_in_their_order),
        TEST(what_is_asked_for_is_its_own_until_it_goes),
        TEST(streams_and_leases_do_not_wait),
        TEST(a_stream_is_passed_on_as_it_comes),
        TEST(a_request_is_counted_once),
        TEST(a_request_is_measured),
        TEST(who_has_no_time_is_asked_less),
        TEST(a_peer_that_gives_no_answer_is_in_doubt),
        TEST(a_quiet_server_is_asked_whether_it_is_there),
        TEST(a_401_reads_the_token_and_tries_once_more),
        TEST(a_401_without_a_newer_token_is_an_answer),
        TEST(a_token_newer_than_the_request_is_kept),
        TEST(a_refused_stream_begins_again),
        TEST(another_ca_needs_other_connections),
        TEST(a_server_that_is_not_trusted_may_have_another_ca),
        TEST(requests_wait_for_the_plugin),
        TEST(a_plugin_may_hand_out_a_certificate),
        TEST(a_name_and_a_password_are_proof),
        TEST(a_plugin_that_fails_fails_those_who_wait),
        TEST(who_tries_again_at_once_waits_for_his_turn),
        TEST(what_is_on_its_way_ends_with_the_client),
        TEST(an_answer_that_is_too_large_is_a_success),
        TEST(a_key_is_read_of_a_secret_that_is_too_large),
        TEST(whoever_needs_all_of_it_gets_an_error),
        TEST(an_answer_that_is_no_json_is_tried_again),
        TEST(what_was_told_is_not_asked_for_again),
        TEST(what_was_passed_on_is_no_object),
        TEST(what_came_before_a_connection_broke_is_forgotten),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
