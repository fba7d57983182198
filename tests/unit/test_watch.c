/* The watch, with an API server and a clock that are a few lines of this file: they take the place of kube/client.c and
 * net/loop.c. The streams are those of a real API server (tests/data/watch/: watch=1 on Secrets, as metadata only). */
#include "golden.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/watch.h"
#include "net/loop.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * The clock */

struct loop {
    int64_t now;
    struct loop_timer {
        void (*callback)(void *arg);
        void *arg;
        int64_t due; /* -1: not armed */
    } timer;
};

int64_t loop_now(const struct loop *loop)
{
    return loop->now;
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*callback)(void *arg), void *arg)
{
    loop->timer = (struct loop_timer){callback, arg, -1};
    return &loop->timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    struct loop *loop = container_of(timer, struct loop, timer);

    timer->due = delay_ms < 0 ? -1 : loop->now + delay_ms;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    *timer = (struct loop_timer){.due = -1};
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The API server: remembers the one request in flight, and says what the test tells it to say. */

struct kube_client {
    struct arena mem;
    char *path, *accept;
    struct kube_request list;  /* in flight when done is set */
    struct kube_stream stream; /* in flight when end is set  */
    uint64_t requests, cancelled;
};

static bool in_flight(const struct kube_client *c)
{
    return c->list.done || c->stream.end;
}

static uint64_t remember(struct kube_client *c, const char *path, const char *accept)
{
    if (in_flight(c))
        fail_msg("a second request in flight: %s", path);
    c->path = arena_strdup(&c->mem, path);
    c->accept = arena_strdup(&c->mem, accept);
    return ++c->requests;
}

uint64_t kube_start(struct kube_client *c, const struct kube_request *request)
{
    assert_string_equal(request->method, "GET");
    assert_null(request->body);
    uint64_t id = remember(c, request->path, request->accept);
    c->list = *request;
    return id;
}

uint64_t kube_stream(struct kube_client *c, const struct kube_stream *stream)
{
    uint64_t id = remember(c, stream->path, stream->accept);

    assert_true(stream->idle_timeout_ms > 60 * 1000); /* bookmarks come about once a minute */
    c->stream = *stream;
    return id;
}

void kube_cancel(struct kube_client *c, uint64_t id)
{
    assert_true(in_flight(c));
    assert_int_equal(id, c->requests);
    c->cancelled++;
    c->list.done = NULL;
    c->stream.end = NULL;
}

const char *kube_path(const struct kube_resource *r, const char *ns, const char *name, const char *subresource,
                      struct arena *a)
{
    assert_null(name);
    assert_null(subresource);
    return arena_printf(a, "/%s/%s%s", r->plural, ns ? ns : "", ns ? "/" : "");
}

static void answer_page(struct kube_client *c, struct json_object *page, enum err_kind kind, int64_t retry_after_ms)
{
    struct kube_request list = c->list;
    struct kube_reply reply = {.object = page};

    assert_non_null(list.done);
    c->list.done = NULL;
    if (kind != ERR_NONE) {
        err_set(&reply.err, kind, "Reason", "the list failed");
        reply.err.retry_after_ms = retry_after_ms;
    }
    list.done(list.arg, &reply);
    json_object_put(page);
}

/* A page of these names: "a b". */
static void answer_names(struct kube_client *c, const char *names, const char *version, const char *next)
{
    struct json_object *items = json_build("[]");
    cleanup_free char *copy = mem_strdup(names);

    for (char *rest = copy, *name; (name = strsep(&rest, " ")) && *name;)
        json_append(items, json_build("{metadata: {name: %s}}", name));
    answer_page(c, json_build("{metadata: {resourceVersion: %s, continue: %s}, items: %o}", version, next, items),
                ERR_NONE, 0);
}

static void end_stream(struct kube_client *c, enum err_kind kind)
{
    struct kube_stream stream = c->stream;
    struct err err = {0};

    assert_non_null(stream.end);
    c->stream.end = NULL;
    if (kind != ERR_NONE)
        err_set(&err, kind, "Reason", "the stream broke");
    stream.end(stream.arg, &err);
}

/* False when the watch wanted no more, as kube/client.h has it. */
static bool send(struct kube_client *c, const char *bytes, size_t len)
{
    if (c->stream.data(c->stream.arg, bytes, len))
        return true;
    end_stream(c, ERR_RETRY);
    return false;
}

static bool send_text(struct kube_client *c, const char *text)
{
    return send(c, text, strlen(text));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The world of a test: a watch, and what it has told, as text */

struct world {
    struct loop loop;
    struct kube_client client;
    struct watch *watch;
    struct buf told;
};

static void on_list_begin(void *arg)
{
    buf_adds(&((struct world *)arg)->told, "(");
}

static void on_object(void *arg, enum watch_type type, struct json_object *object)
{
    static const char signs[] = {[WATCH_ADDED] = '+', [WATCH_MODIFIED] = '~', [WATCH_DELETED] = '-'};
    struct world *w = arg;

    buf_addf(&w->told, "%c%s", signs[type], json_str_or(object, "metadata.name", "?"));
    if (json_get(object, "metadata.annotations"))
        buf_adds(&w->told, json_text(json_get(object, "metadata.annotations")));
    buf_adds(&w->told, " ");
}

static void on_list_end(void *arg)
{
    buf_adds(&((struct world *)arg)->told, ")");
}

static const struct kube_resource secrets = {"Secret", "v1", "secrets", true, true};
static const struct kube_resource runners = {"GitLabRunner", "gitlab-runners.dev/v1beta1", "gitlabrunners", true,
                                             false};

static void world_init(struct world *w, const struct kube_resource *resource, const char *selector)
{
    const struct watch_handler handler = {on_list_begin, on_object, on_list_end, w};

    *w = (struct world){.loop = {.now = 1000}};
    buf_init(&w->told, 1 << 20);
    log_setup(LOG_ERROR, true);
    srand(1);
    w->watch = watch_create(&w->loop, &w->client, resource, NULL, selector, &handler);
    assert_string_equal(watch_state_name(w->watch), "idle");
    assert_ptr_equal(watch_resource(w->watch), resource);
    watch_start(w->watch);
}

static void world_finish(struct world *w)
{
    watch_destroy(w->watch);
    assert_false(in_flight(&w->client));
    assert_null(w->loop.timer.callback);
    buf_finish(&w->told);
    arena_finish(&w->client.mem);
}

/* A watch that has listed nothing and streams from version 5. */
static void world_streaming(struct world *w)
{
    world_init(w, &runners, NULL);
    answer_names(&w->client, "", "5", NULL);
    assert_string_equal(watch_state_name(w->watch), "stream");
    buf_clear(&w->told);
}

static void assert_told(struct world *w, const char *text)
{
    assert_string_equal(w->told.data, text);
    buf_clear(&w->told);
}

/* The pause that is on, in which nothing is in flight; then lets it pass. */
static int64_t pass_pause(struct world *w)
{
    assert_string_equal(watch_state_name(w->watch), "pause");
    assert_false(in_flight(&w->client));
    assert_true(w->loop.timer.due >= w->loop.now);
    int64_t pause = w->loop.timer.due - w->loop.now;
    w->loop.now = w->loop.timer.due;
    w->loop.timer.due = -1;
    w->loop.timer.callback(w->loop.timer.arg);
    assert_true(in_flight(&w->client));
    return pause;
}

static bool asks(const struct world *w, const char *what)
{
    return in_flight(&w->client) && strstr(w->client.path, what);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lists */

static void lists_page_by_page_then_streams(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &secrets, "a=b,c in (d,e)");
    assert_string_equal(w.client.path, "/secrets/?limit=500&labelSelector=a%3Db%2Cc%20in%20%28d%2Ce%29");
    assert_string_equal(w.client.accept, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    assert_string_equal(watch_state_name(w.watch), "list");
    answer_names(&w.client, "a b", "7", "next/page+=");
    assert_string_equal(w.client.path,
                        "/secrets/?limit=500&labelSelector=a%3Db%2Cc%20in%20%28d%2Ce%29&continue=next%2Fpage%2B%3D");
    assert_false(watch_synced(w.watch));
    answer_names(&w.client, "c", "7", NULL);
    assert_true(watch_synced(w.watch));
    assert_told(&w, "(+a +b +c )");

    assert_string_equal(watch_state_name(w.watch), "stream");
    assert_string_equal(w.client.accept, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    assert_true(asks(&w, "/secrets/?watch=1&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds="));
    int seconds = atoi(strstr(w.client.path, "timeoutSeconds=") + strlen("timeoutSeconds="));
    assert_in_range(seconds, 300, 600);
    assert_true(asks(&w, "&labelSelector=a%3Db%2Cc%20in%20%28d%2Ce%29"));
    world_finish(&w);
}

static void asks_for_whole_objects_when_told_so(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &runners, NULL);
    assert_string_equal(w.client.path, "/gitlabrunners/?limit=500");
    assert_null(w.client.accept);
    world_finish(&w);
}

/* Half a list says nothing about what is not there any more. */
static void a_failed_page_begins_the_list_anew(void **state)
{
    static const enum err_kind kinds[] = {ERR_RETRY, ERR_EXPIRED, ERR_DENIED, ERR_NOT_FOUND};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct world w;
        world_init(&w, &runners, NULL);
        answer_names(&w.client, "a", "7", "next");
        answer_page(&w.client, NULL, kinds[i], 0);
        assert_string_equal(watch_problem(w.watch), "the list failed");
        pass_pause(&w);
        assert_false(asks(&w, "continue"));
        assert_false(watch_synced(w.watch));
        answer_names(&w.client, "b", "8", NULL);
        assert_told(&w, "(+a (+b )");
        assert_string_equal(watch_problem(w.watch), "");
        world_finish(&w);
    }
}

/* An empty or foreign 200 is no proof that everything is gone, and must not be asked for again at once. */
static void what_is_not_a_list_is_a_failure(void **state)
{
    static const char *const pages[] = {
        NULL, "{}", "[]", "{items: []}", "{metadata: {}, items: []}", "{metadata: {resourceVersion: ''}, items: []}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct world w;
        world_init(&w, &runners, NULL);
        answer_page(&w.client, pages[i] ? json_build(pages[i]) : NULL, ERR_NONE, 0);
        assert_false(watch_synced(w.watch));
        assert_told(&w, "(");
        pass_pause(&w);
        assert_true(strlen(watch_problem(w.watch)) > 0);
        world_finish(&w);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Streams: events are the same whatever the pieces are */

/* What a stream tells that comes in pieces, the first of `first` bytes, the others of `rest`; and how it went on. */
static char *told_by(const char *text, size_t first, size_t rest, struct arena *a)
{
    struct world w;
    size_t len = strlen(text);

    world_streaming(&w);
    bool open = send(&w.client, text, first);
    for (size_t at = first; at < len && open; at += rest)
        open = send(&w.client, text + at, rest < len - at ? rest : len - at);
    if (open)
        end_stream(&w.client, ERR_NONE);
    pass_pause(&w);
    const char *version = strstr(w.client.path, "resourceVersion=");
    char *told = arena_printf(a, "%s| %.20s", w.told.data, version ? version : "list");
    world_finish(&w);
    return told;
}

static void tells_the_same_however_the_bytes_are_cut(void **state)
{
    static const char expected[] =
        "+two ~one ~two{\"text\":\"{\\\"type\\\":\\\"ADDED\\\"}\\\\n \xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xb3\"} "
        "~two{\"lines\":\"a\\nb\\r\\n\\tc\",\"text\":\"{\\\"type\\\":\\\"ADDED\\\"}\\\\n "
        "\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xb3\"} "
        "-one | resourceVersion=2899";
    struct arena a cleanup_arena = {0};
    char *text = read_file(DATA "watch/secrets.jsonl", &a);

    (void)state;
    assert_string_equal(told_by(text, strlen(text), 1, &a), expected);
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct arena mem cleanup_arena = {0};
        if (strcmp(told_by(text, cut, strlen(text), &mem), expected) != 0)
            fail_msg("cut at byte %zu", cut);
    }
    for (size_t piece = 1; piece < 100; piece++)
        assert_string_equal(told_by(text, 0, piece, &a), expected);
}

static void lists_again_when_the_version_has_expired(void **state)
{
    struct arena a cleanup_arena = {0};
    char *text = read_file(DATA "watch/expired.jsonl", &a);

    (void)state;
    for (size_t cut = 0; cut <= strlen(text); cut++)
        assert_string_equal(told_by(text, cut, strlen(text), &a), "(| list");
}

static void keeps_what_the_server_said(void **state)
{
    struct arena a cleanup_arena = {0};
    struct world w;

    (void)state;
    world_streaming(&w);
    assert_false(send_text(&w.client, read_file(DATA "watch/expired.jsonl", &a)));
    assert_string_equal(watch_problem(w.watch), "too old resource version: 1 (568)");
    world_finish(&w);
}

/* 410 as the answer to the request itself. */
static void lists_again_when_the_request_is_refused_as_expired(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    end_stream(&w.client, ERR_EXPIRED);
    pass_pause(&w);
    assert_true(asks(&w, "limit="));
    answer_names(&w.client, "a", "9", NULL);
    assert_told(&w, "(+a )");
    world_finish(&w);
}

static void goes_on_from_the_last_version(void **state)
{
    static const enum err_kind kinds[] = {ERR_NONE, ERR_RETRY, ERR_DENIED};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct world w;
        world_streaming(&w);
        assert_true(send_text(
            &w.client, "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"8\"}}}\n"));
        assert_true(
            send_text(&w.client, "{\"type\":\"BOOKMARK\",\"object\":{\"metadata\":{\"resourceVersion\":\"20\"}}}\n"));
        assert_true(send_text(&w.client,
                              "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"half")); /* never completed */
        end_stream(&w.client, kinds[i]);
        pass_pause(&w);
        assert_true(asks(&w, "resourceVersion=20&"));
        assert_true(send_text(
            &w.client,
            "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"name\":\"b\",\"resourceVersion\":\"21\"}}}\n"));
        assert_told(&w, "+a ~b ");
        world_finish(&w);
    }
}

static void ends_a_stream_that_makes_no_sense(void **state)
{
    static const char *const lines[] = {"<html>\n", "{\"type\":\n", "{} {}\n", "\"text\n", "{\"type\":\"ADDED\"}}\n"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct world w;
        world_streaming(&w);
        assert_false(send_text(&w.client, lines[i]));
        assert_told(&w, "");
        pass_pause(&w);
        assert_true(asks(&w, "resourceVersion=5&"));
        world_finish(&w);
    }
}

static void passes_over_what_it_does_not_know(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    assert_true(
        send_text(&w.client, "\n\n{\"type\":\"NEWS\",\"object\":{\"metadata\":{\"resourceVersion\":\"6\"}}}\n"));
    assert_told(&w, "");
    end_stream(&w.client, ERR_NONE);
    pass_pause(&w);
    assert_true(asks(&w, "resourceVersion=6&"));
    world_finish(&w);
}

/* A peer that never ends its line does not eat all memory. */
static void bounds_a_line(void **state)
{
    enum { PIECE = 1 << 20 };
    struct world w;
    char *piece = mem_alloc(PIECE);
    int pieces = 0;

    (void)state;
    memset(piece, 'x', PIECE);
    world_streaming(&w);
    while (send(&w.client, piece, PIECE) && pieces < 100)
        pieces++;
    assert_in_range(pieces, 3, 16); /* objects of 3 MiB must fit */
    assert_string_equal(watch_problem(w.watch), "an event is larger than 8 MiB");
    pass_pause(&w);
    assert_true(send_text(&w.client, "{\"type\":\"DELETED\",\"object\":{\"metadata\":{\"name\":\"a\"}}}\n"));
    assert_told(&w, "-a ");
    free(piece);
    world_finish(&w);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Pauses */

static void pauses_grow_up_to_half_a_minute(void **state)
{
    struct world w;
    int64_t base = 800, longest = 0;

    (void)state;
    world_init(&w, &runners, NULL);
    for (int i = 0; i < 12; i++) {
        answer_page(&w.client, NULL, ERR_RETRY, 0);
        int64_t pause = pass_pause(&w);
        assert_in_range(pause, base / 2, base + base / 2);
        longest = pause > longest ? pause : longest;
        base = base * 2 < 30000 ? base * 2 : 30000;
    }
    assert_in_range(longest, 15000, 45000);
    world_finish(&w);
}

static void waits_as_long_as_the_server_asks(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &runners, NULL);
    answer_page(&w.client, NULL, ERR_RETRY, 17000);
    assert_int_equal(pass_pause(&w), 17000);
    world_finish(&w);
}

/* The server ends each stream after some minutes: that is no failure, and nothing may be missed meanwhile. */
static void a_stream_that_lived_long_goes_on_at_once(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    for (int i = 0; i < 8; i++) {
        end_stream(&w.client, ERR_RETRY);
        pass_pause(&w);
    }
    w.loop.now += 2 * 60 * 1000;
    end_stream(&w.client, ERR_NONE);
    assert_string_equal(watch_state_name(w.watch), "stream");
    assert_true(asks(&w, "resourceVersion=5&"));
    end_stream(&w.client, ERR_RETRY);
    assert_in_range(pass_pause(&w), 400, 1200); /* the pauses are short again */
    world_finish(&w);
}

static void leaves_nothing_in_flight(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &runners, NULL);
    world_finish(&w);
    assert_int_equal(w.client.cancelled, 1);
    world_streaming(&w);
    world_finish(&w);
    assert_int_equal(w.client.cancelled, 1);
    world_streaming(&w);
    end_stream(&w.client, ERR_RETRY);
    world_finish(&w);
    assert_int_equal(w.client.cancelled, 0);
    watch_destroy(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_page_by_page_then_streams),
        cmocka_unit_test(asks_for_whole_objects_when_told_so),
        cmocka_unit_test(a_failed_page_begins_the_list_anew),
        cmocka_unit_test(what_is_not_a_list_is_a_failure),
        cmocka_unit_test(tells_the_same_however_the_bytes_are_cut),
        cmocka_unit_test(lists_again_when_the_version_has_expired),
        cmocka_unit_test(keeps_what_the_server_said),
        cmocka_unit_test(lists_again_when_the_request_is_refused_as_expired),
        cmocka_unit_test(goes_on_from_the_last_version),
        cmocka_unit_test(ends_a_stream_that_makes_no_sense),
        cmocka_unit_test(passes_over_what_it_does_not_know),
        cmocka_unit_test(bounds_a_line),
        cmocka_unit_test(pauses_grow_up_to_half_a_minute),
        cmocka_unit_test(waits_as_long_as_the_server_asks),
        cmocka_unit_test(a_stream_that_lived_long_goes_on_at_once),
        cmocka_unit_test(leaves_nothing_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
