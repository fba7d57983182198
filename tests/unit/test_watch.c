/* The watch, with an API server and a clock that are a few lines of this file: they take the place of kube/client.c and
 * net/loop.c. The streams are those of a real API server (tests/data/watch/: watch=1 on Secrets, as metadata only; in
 * initial.jsonl with sendInitialEvents). */
#include "fake_loop.h"
#include "golden.h"

#include "base/buf.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/object_text.h"
#include "kube/version.h"
#include "kube/watch.h"

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

static struct err failure(enum err_kind kind, int code, const char *text)
{
    struct err err = {0};

    if (kind != ERR_NONE)
        err_set(&err, kind, "Reason", "%s", text);
    err.code = code;
    return err;
}

/* The page in pieces, as a connection brings them; when the watch wants no more the request has failed. */
static void answer_text(struct kube_client *c, const char *text, size_t len, size_t piece, struct err err)
{
    struct kube_request list = c->list;

    assert_non_null(list.done);
    for (size_t at = 0; at < len && err.kind == ERR_NONE; at += piece)
        if (!list.data(list.arg, text + at, piece < len - at ? piece : len - at))
            err = failure(ERR_RETRY, 0, "Cancelled");
    const struct kube_reply reply = {.err = err};
    c->list.done = NULL;
    list.done(list.arg, &reply);
}

static void answer(struct kube_client *c, struct json_object *page, struct err err)
{
    const char *text = page ? json_text(page) : "";

    answer_text(c, text, strlen(text), 7, err);
    json_object_put(page);
}

static void refuse_page(struct kube_client *c, enum err_kind kind, int code)
{
    answer(c, NULL, failure(kind, code, "the list failed"));
}

/* A page of these names: "a b". */
static void answer_names(struct kube_client *c, const char *names, const char *version, const char *next)
{
    struct json_object *items = json_build("[]");
    cleanup_free char *copy = mem_strdup(names);

    for (char *rest = copy, *name; (name = strsep(&rest, " ")) && *name;)
        json_append(items, json_build("{metadata: {name: %s, resourceVersion: '3'}}", name));
    answer(c, json_build("{metadata: {resourceVersion: %s, continue: %s}, items: %o}", version, next, items),
           (struct err){0});
}

static void fail_stream(struct kube_client *c, struct err err)
{
    struct kube_stream stream = c->stream;

    assert_non_null(stream.end);
    c->stream.end = NULL;
    stream.end(stream.arg, &err);
}

static void end_stream(struct kube_client *c, enum err_kind kind)
{
    fail_stream(c, failure(kind, 0, "the stream broke"));
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

/* A whole event: type, and the object in json_build()'s format. */
static bool send_event(struct kube_client *c, const char *type, const char *object)
{
    cleanup_json struct json_object *event = json_build("{type: %s, object: %o}", type, json_build(object));

    return send_text(c, json_text(event)) && send_text(c, "\n");
}

static bool send_end_of_list(struct kube_client *c, const char *version)
{
    cleanup_json struct json_object *event =
        json_build("{type: 'BOOKMARK', object: {metadata: {resourceVersion: %s, annotations: "
                   "{'k8s.io/initial-events-end': 'true'}}}}",
                   version);

    return send_text(c, json_text(event)) && send_text(c, "\n");
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
    static const char signs[] = {
        [WATCH_LISTED] = '*', [WATCH_ADDED] = '+', [WATCH_MODIFIED] = '~', [WATCH_DELETED] = '-'};
    struct world *w = arg;

    buf_addf(&w->told, "%c%s%s", signs[type], object_too_large(object) ? "!" : "",
             json_str_or(object, "metadata.name", "?"));
    if (json_get(object, "metadata.annotations"))
        buf_adds(&w->told, json_text(json_get(object, "metadata.annotations")));
    if (json_get(object, "spec.large"))
        buf_adds(&w->told, json_text(json_get(object, "spec")));
    buf_adds(&w->told, " ");
}

/* As if an answer had told all of version 7. */
static bool on_known(void *arg, const struct watch_identity *i)
{
    if (strcmp(i->version, "7") != 0)
        return false;
    buf_addf(&((struct world *)arg)->told, "known %s/%s %s ", i->ns, i->name, i->uid);
    return true;
}

static void on_list_end(void *arg, const char *version)
{
    assert_true(kube_version_valid(version));
    buf_adds(&((struct world *)arg)->told, ")");
}

static void on_reached(void *arg, const char *version)
{
    buf_addf(&((struct world *)arg)->told, "=%s ", version);
}

static const struct kube_resource secrets = {"Secret", "v1", "secrets",       true,
                                             true,     NULL, "example.com/*", "metadata.managedFields[].fieldsV1"};
static const struct kube_resource runners = {
    "GitLabRunner", "gitlab-runners.dev/v1beta1", "gitlabrunners", true, false, "spec.large", NULL, NULL};

static void world_init(struct world *w, const struct kube_resource *resource, const char *selector)
{
    const struct watch_handler handler = {on_list_begin, on_object, on_known, on_list_end, on_reached, w};

    *w = (struct world){.loop = {.now = 1000}};
    buf_init(&w->told, 1 << 20);
    log_setup(LOG_ERROR, true);
    w->watch = watch_create(&w->loop, &w->client, resource, NULL, selector, &handler);
    assert_string_equal(watch_state_name(w->watch), "idle");
    watch_start(w->watch);
}

static void world_finish(struct world *w)
{
    watch_destroy(w->watch);
    assert_false(in_flight(&w->client));
    assert_null(w->loop.timers[0].callback);
    buf_finish(&w->told);
    arena_finish(&w->client.mem);
}

/* A watch whose server knows no streamed lists. */
static void world_paging(struct world *w, const struct kube_resource *resource, const char *selector)
{
    world_init(w, resource, selector);
    fail_stream(&w->client, failure(ERR_INVALID, 422, "sendInitialEvents is forbidden"));
    assert_string_equal(watch_state_name(w->watch), "list");
    buf_clear(&w->told);
}

/* A watch that has listed nothing and goes on from version 5. */
static void world_streaming(struct world *w)
{
    world_init(w, &runners, NULL);
    send_end_of_list(&w->client, "5");
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
    assert_true(w->loop.timers[0].due >= w->loop.now);
    int64_t pause = w->loop.timers[0].due - w->loop.now;
    w->loop.now = w->loop.timers[0].due;
    fake_fire(w->loop.timers);
    assert_true(in_flight(&w->client));
    return pause;
}

static bool asks(const struct world *w, const char *what)
{
    return in_flight(&w->client) && strstr(w->client.path, what);
}

static bool is_in(const struct world *w, const char *state)
{
    return strcmp(watch_state_name(w->watch), state) == 0;
}

static int timeout_asked(const struct world *w)
{
    const char *seconds = strstr(w->client.path, "timeoutSeconds=");

    assert_non_null(seconds);
    return atoi(seconds + strlen("timeoutSeconds="));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lists by stream */

static void lists_by_stream_and_goes_on_with_it(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &secrets, "a=b,c in (d,e)");
    assert_true(asks(&w, "/secrets/?watch=1&allowWatchBookmarks=true&sendInitialEvents=true&"
                         "resourceVersionMatch=NotOlderThan&timeoutSeconds="));
    assert_true(asks(&w, "&labelSelector=a%3Db%2Cc%20in%20%28d%2Ce%29"));
    assert_false(asks(&w, "resourceVersion="));
    assert_in_range(timeout_asked(&w), 300, 600);
    assert_string_equal(w.client.accept, "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1");
    assert_true(is_in(&w, "sync"));
    assert_true(send_event(&w.client, "ADDED", "{metadata: {name: 'a', resourceVersion: '3'}}"));
    assert_true(send_event(&w.client, "BOOKMARK", "{metadata: {resourceVersion: '8'}}"));
    assert_true(send_event(&w.client, "ADDED", "{metadata: {name: 'b', resourceVersion: '2'}}"));
    assert_true(send_event(&w.client, "DELETED", "{metadata: {name: 'a', resourceVersion: '9'}}"));
    assert_false(watch_synced(w.watch));
    assert_told(&w, "(*a *b -a "); /* no version is reached before the list is complete */
    assert_true(send_end_of_list(&w.client, "10"));
    assert_true(watch_synced(w.watch));
    assert_true(is_in(&w, "stream"));
    assert_string_equal(watch_version(w.watch), "10");
    assert_true(send_event(&w.client, "ADDED", "{metadata: {name: 'c', resourceVersion: '12'}}"));
    assert_told(&w, ")=10 +c =12 ");
    assert_int_equal(w.client.requests, 1);
    world_finish(&w);
}

static void asks_for_whole_objects_when_told_so(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &runners, NULL);
    assert_null(w.client.accept);
    fail_stream(&w.client, failure(ERR_INVALID, 400, "what?"));
    assert_string_equal(w.client.path, "/gitlabrunners/?limit=50");
    assert_null(w.client.accept);
    world_finish(&w);
}

/* Half a list says nothing about what is not there any more. */
static void a_list_by_stream_that_breaks_begins_anew(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &runners, NULL);
    send_event(&w.client, "ADDED", "{metadata: {name: 'a', resourceVersion: '3'}}");
    end_stream(&w.client, ERR_RETRY);
    assert_string_equal(watch_problem(w.watch), "the stream broke");
    pass_pause(&w);
    assert_true(asks(&w, "sendInitialEvents=true"));
    assert_false(watch_synced(w.watch));
    send_end_of_list(&w.client, "5");
    assert_told(&w, "(*a ()=5 ");
    assert_string_equal(watch_problem(w.watch), "");
    world_finish(&w);
}

/* Bookmarks and even events come, but never the one that ends the list. */
static void lists_by_pages_when_a_stream_never_ends_the_list(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &runners, NULL);
    for (int i = 0; i < 3; i++) {
        int64_t deadline = w.loop.timers[0].due;
        assert_in_range(deadline - w.loop.now, 10 * 1000, 120 * 1000);
        w.loop.now += 1000;
        send_event(&w.client, "BOOKMARK", "{metadata: {resourceVersion: '8'}}");
        assert_int_equal(w.loop.timers[0].due, deadline);
        send_event(&w.client, "ADDED", "{metadata: {name: 'a', resourceVersion: '3'}}");
        assert_int_equal(w.loop.timers[0].due, deadline + 1000);
    }
    send_text(&w.client, "{\"type\":\"half");
    w.loop.now = w.loop.timers[0].due;
    w.loop.timers[0].callback(w.loop.timers[0].arg);
    assert_int_equal(w.client.cancelled, 1);
    assert_true(asks(&w, "limit=50"));
    buf_clear(&w.told);
    answer_names(&w.client, "a", "8", NULL);
    assert_told(&w, "(*a )=8 ");
    assert_true(send_event(&w.client, "ADDED", "{metadata: {name: 'b', resourceVersion: '9'}}"));
    fail_stream(&w.client, failure(ERR_EXPIRED, 410, "too old"));
    assert_true(asks(&w, "sendInitialEvents=true")); /* the next time may be better */
    world_finish(&w);
}

/* A server that takes no notice of the parameters ends the stream as any other. */
static void lists_by_pages_when_a_stream_ends_before_the_list(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &runners, NULL);
    w.loop.now += 30 * 1000;
    end_stream(&w.client, ERR_NONE);
    pass_pause(&w);
    assert_true(asks(&w, "limit=50"));
    refuse_page(&w.client, ERR_RETRY, 0);
    pass_pause(&w);
    assert_true(asks(&w, "sendInitialEvents=true"));
    world_finish(&w);
}

static void remembers_that_a_server_knows_no_streamed_lists(void **state)
{
    static const int codes[] = {400, 422};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(codes); i++) {
        struct world w;
        world_init(&w, &runners, NULL);
        fail_stream(&w.client, failure(ERR_INVALID, codes[i], "sendInitialEvents is forbidden"));
        assert_true(is_in(&w, "list")); /* at once */
        answer_names(&w.client, "a", "7", NULL);
        assert_true(asks(&w, "resourceVersion=7&"));
        fail_stream(&w.client, failure(ERR_EXPIRED, 410, "too old"));
        assert_true(asks(&w, "limit=50"));
        refuse_page(&w.client, ERR_RETRY, 0);
        pass_pause(&w);
        assert_true(asks(&w, "limit=50"));
        world_finish(&w);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lists by pages */

static void lists_page_by_page_then_streams(void **state)
{
    struct world w;

    (void)state;
    world_paging(&w, &secrets, "a=b");
    assert_string_equal(w.client.path, "/secrets/?limit=50&labelSelector=a%3Db");
    assert_string_equal(w.client.accept, "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1");
    answer_names(&w.client, "a b", "7", "next/page+=");
    assert_string_equal(w.client.path, "/secrets/?limit=50&continue=next%2Fpage%2B%3D&labelSelector=a%3Db");
    assert_false(watch_synced(w.watch));
    answer_names(&w.client, "c", "7", NULL);
    assert_true(watch_synced(w.watch));
    assert_told(&w, "(*a *b *c )=7 ");
    assert_true(is_in(&w, "stream"));
    assert_true(asks(&w, "/secrets/?watch=1&allowWatchBookmarks=true&resourceVersion=7&timeoutSeconds="));
    assert_true(asks(&w, "&labelSelector=a%3Db"));
    world_finish(&w);
}

/* It has names in it, of any length. */
static void where_a_page_goes_on_may_be_long(void **state)
{
    struct world w;
    char next[10001];

    (void)state;
    memset(next, 'x', sizeof(next) - 1);
    next[sizeof(next) - 1] = '\0';
    world_paging(&w, &secrets, NULL);
    answer_names(&w.client, "a", "7", next);
    assert_true(asks(&w, next));
    answer_names(&w.client, "b", "7", NULL);
    assert_told(&w, "(*a *b )=7 ");
    world_finish(&w);
}

static void a_failed_page_begins_the_list_anew(void **state)
{
    static const enum err_kind kinds[] = {ERR_RETRY, ERR_DENIED, ERR_NOT_FOUND};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        struct world w;
        world_paging(&w, &runners, NULL);
        answer_names(&w.client, "a", "7", "next");
        refuse_page(&w.client, kinds[i], 0);
        assert_string_equal(watch_problem(w.watch), "the list failed");
        pass_pause(&w);
        assert_false(asks(&w, "continue"));
        assert_false(watch_synced(w.watch));
        answer_names(&w.client, "b", "8", NULL);
        assert_told(&w, "(*a (*b )=8 ");
        assert_string_equal(watch_problem(w.watch), "");
        world_finish(&w);
    }
}

/* The server has compacted what the second page would be of: everything in one go, which cannot expire. */
static void lists_the_whole_when_a_page_has_expired(void **state)
{
    struct world w;

    (void)state;
    world_paging(&w, &runners, "a=b");
    answer_names(&w.client, "a", "7", "next");
    refuse_page(&w.client, ERR_EXPIRED, 410);
    assert_string_equal(w.client.path, "/gitlabrunners/?labelSelector=a%3Db");
    answer_names(&w.client, "a b", "9", NULL);
    assert_told(&w, "(*a (*a *b )=9 ");
    assert_true(asks(&w, "resourceVersion=9&"));
    watch_list_again(w.watch);
    assert_true(asks(&w, "limit=50"));
    answer_names(&w.client, "a", "9", "next");
    refuse_page(&w.client, ERR_EXPIRED, 410);
    answer_names(&w.client, "a b", "9", NULL);
    fail_stream(&w.client, failure(ERR_EXPIRED, 410, "too old"));
    assert_true(asks(&w, "limit=50"));
    world_finish(&w);
}

/* An empty or foreign 200 is no proof that everything is gone, and must not be asked for again at once. */
static void what_is_not_a_list_is_a_failure(void **state)
{
    static const char *const pages[] = {NULL,
                                        "{}",
                                        "[]",
                                        "{items: []}",
                                        "{metadata: {}, items: []}",
                                        "{metadata: {resourceVersion: ''}, items: []}",
                                        "{metadata: {resourceVersion: '0'}, items: []}",
                                        "{metadata: {resourceVersion: '1x'}, items: []}",
                                        "{metadata: {resourceVersion: '7'}, items: {}}",
                                        "{metadata: {resourceVersion: '7'}, items: 'a'}",
                                        "{kind: 'Table', metadata: {resourceVersion: '7'}, rows: []}",
                                        "{kind: 'GitLabRunner', metadata: {resourceVersion: '7'}}"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct world w;
        world_paging(&w, &runners, NULL);
        answer(&w.client, pages[i] ? json_build(pages[i]) : NULL, (struct err){0});
        assert_false(watch_synced(w.watch));
        assert_told(&w, "");
        pass_pause(&w);
        assert_true(strlen(watch_problem(w.watch)) > 0);
        world_finish(&w);
    }
}

/* After a change of servers one may be behind: nothing is taken from its list. */
static void refuses_a_list_of_the_past(void **state)
{
    struct world w;

    (void)state;
    world_paging(&w, &runners, NULL);
    answer_names(&w.client, "a", "7", NULL);
    send_event(&w.client, "BOOKMARK", "{metadata: {resourceVersion: '100'}}");
    fail_stream(&w.client, failure(ERR_EXPIRED, 410, "too old"));
    buf_clear(&w.told);
    answer_names(&w.client, "", "99", NULL);
    assert_told(&w, "");
    assert_non_null(strstr(watch_problem(w.watch), "the server is behind"));
    pass_pause(&w);
    assert_true(asks(&w, "limit=50"));
    answer_names(&w.client, "", "100", NULL);
    assert_told(&w, "()");
    assert_true(asks(&w, "resourceVersion=100&"));
    world_finish(&w);
}

static void refuses_a_streamed_list_of_the_past(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    send_event(&w.client, "BOOKMARK", "{metadata: {resourceVersion: '100'}}");
    buf_clear(&w.told);
    fail_stream(&w.client, failure(ERR_EXPIRED, 410, "too old"));
    send_event(&w.client, "ADDED", "{metadata: {name: 'a', resourceVersion: '3'}}");
    assert_false(send_end_of_list(&w.client, "99"));
    assert_told(&w, "(*a "); /* and no end */
    assert_string_equal(watch_version(w.watch), "100");
    pass_pause(&w);
    assert_true(asks(&w, "sendInitialEvents=true"));
    assert_true(send_end_of_list(&w.client, "101"));
    assert_told(&w, "()=101 ");
    world_finish(&w);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Streams: events are the same whatever the pieces are */

/* What a stream tells that comes in pieces, the first of `first` bytes, the others of `rest`; and how it went on. */
static char *told_by(void (*begin)(struct world *w), const char *text, size_t first, size_t rest, struct arena *a)
{
    struct world w;
    size_t len = strlen(text);

    begin(&w);
    bool open = send(&w.client, text, first);
    for (size_t at = first; at < len && open; at += rest)
        open = send(&w.client, text + at, rest < len - at ? rest : len - at);
    if (open)
        end_stream(&w.client, ERR_NONE);
    const char *version = strstr(w.client.path, "resourceVersion=");
    version = version ? version : "list";
    char *told = arena_printf(a, "%s| %.*s", w.told.data, (int)strcspn(version, "&"), version);
    world_finish(&w);
    return told;
}

static void assert_told_however_cut(void (*begin)(struct world *w), const char *file, const char *expected)
{
    struct arena a cleanup_arena = {0};
    char *text = read_file(arena_printf(&a, DATA "watch/%s", file), &a);

    assert_string_equal(told_by(begin, text, strlen(text), 1, &a), expected);
    for (size_t cut = 0; cut <= strlen(text); cut++) {
        struct arena mem cleanup_arena = {0};
        if (strcmp(told_by(begin, text, cut, strlen(text), &mem), expected) != 0)
            fail_msg("cut at byte %zu", cut);
    }
    for (size_t piece = 1; piece < 100; piece++)
        assert_string_equal(told_by(begin, text, 0, piece, &a), expected);
}

static void world_of_secrets(struct world *w)
{
    world_init(w, &secrets, NULL);
}

static void world_streaming_secrets(struct world *w)
{
    world_init(w, &secrets, NULL);
    send_end_of_list(&w->client, "5");
    buf_clear(&w->told);
}

#define KNOWN "metadata: {namespace: 'ci', name: 'a', uid: 'u', resourceVersion: "

/* … but moves on, so that the next stream does not begin before it. */
static void passes_over_what_is_known(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    assert_true(send_event(&w.client, "MODIFIED", "{" KNOWN "'6'}}"));
    assert_told(&w, "~a =6 ");
    assert_true(send_event(&w.client, "MODIFIED", "{" KNOWN "'7'}}"));
    assert_told(&w, "known ci/a u =7 ");
    assert_true(send_event(&w.client, "ADDED", "{" KNOWN "'7'}}"));
    assert_told(&w, "known ci/a u ");
    assert_true(send_event(&w.client, "DELETED", "{" KNOWN "'7'}}"));
    assert_told(&w, "-a ");
    assert_string_equal(watch_version(w.watch), "7");
    world_finish(&w);
}

static void passes_over_what_nobody_reads(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    assert_true(
        send_event(&w.client, "MODIFIED", "{" KNOWN "'6'}, spec: {a: 1, large: {b: ['}', {c: ']'}]}, d: 'e'}}"));
    assert_told(&w, "~a{\"a\":1,\"large\":0,\"d\":\"e\"} =6 ");
    assert_true(send_event(&w.client, "DELETED", "{" KNOWN "'8'}, spec: {large: 'f'}}"));
    assert_told(&w, "-a{\"large\":0} =8 ");
    assert_false(send_text(&w.client, "{\"type\":\"ADDED\",\"object\":{\"spec\":{\"large\":,\"x\":1}}}\n"));
    assert_string_equal(watch_problem(w.watch), "not JSON at byte 42: unexpected character");
    assert_told(&w, "");
    world_finish(&w);
}

/* A list tells what is there: all of it counts. */
static void passes_over_nothing_of_a_list(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &runners, NULL);
    assert_true(send_event(&w.client, "ADDED", "{" KNOWN "'7'}}"));
    assert_told(&w, "(*a ");
    world_finish(&w);
}

static void tells_the_same_however_the_bytes_are_cut(void **state)
{
    (void)state;
    assert_told_however_cut(world_streaming_secrets, "secrets.jsonl",
                            "+two =2874 ~one =2875 ~two{\"text\":\"{\\\"type\\\":\\\"ADDED\\\"}\\\\n "
                            "\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xb3\"} "
                            "=2876 ~two{\"lines\":\"a\\nb\\r\\n\\tc\",\"text\":\"{\\\"type\\\":\\\"ADDED\\\"}\\\\n "
                            "\xc3\xbc\xe2\x82\xac\xf0\x9f\x90\xb3\"} =2877 "
                            "-one =2878 =2899 | resourceVersion=2899");
}

static void lists_the_same_however_the_bytes_are_cut(void **state)
{
    (void)state;
    assert_told_however_cut(world_of_secrets, "initial.jsonl",
                            "(*one *two )=286 ~one =289 -two =290 | resourceVersion=290");
}

static void lists_again_when_the_version_has_expired(void **state)
{
    (void)state;
    assert_told_however_cut(world_streaming_secrets, "expired.jsonl", "(| list");
}

static void lists_again_when_the_server_has_not_reached_the_version(void **state)
{
    struct world w;

    (void)state;
    assert_told_however_cut(world_streaming_secrets, "too-large.jsonl", "(| list");
    world_streaming(&w);
    fail_stream(&w.client, failure(ERR_RETRY, 504, "Timeout: Too large resource version: 9, current: 5"));
    assert_true(asks(&w, "sendInitialEvents=true"));
    assert_false(asks(&w, "resourceVersion="));
    world_finish(&w);
}

/* What no server asks for is not asked for. */
static void a_pause_that_makes_no_sense_is_none(void **state)
{
    static const char *const seconds[] = {"-1", "-9223372036854775807", "9223372036854775807", "92233720368547759"};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(seconds); i++) {
        cleanup_arena struct arena a = {0};
        struct world w;
        world_streaming(&w);
        assert_false(
            send_event(&w.client, "ERROR",
                       arena_printf(&a, "{kind: 'Status', code: 500, details: {retryAfterSeconds: %s}}", seconds[i])));
        assert_in_range(pass_pause(&w), 800, 1600);
        world_finish(&w);
    }
}

/* Of 40 pauses after this error. */
static int64_t least_pause_after(const char *status)
{
    int64_t least = INT64_MAX;

    for (int i = 0; i < 40; i++) {
        struct world w;
        world_streaming(&w);
        assert_false(send_event(&w.client, "ERROR", status));
        int64_t pause = pass_pause(&w);
        assert_in_range(pause, 800, 1600);
        least = pause < least ? pause : least;
        world_finish(&w);
    }
    return least;
}

/* Half of the usual ones are less than 1.2 s. */
static void who_asks_for_no_pause_gets_the_usual_one(void **state)
{
    (void)state;
    assert_in_range(least_pause_after("{kind: 'Status', code: 500}"), 800, 999);
    assert_in_range(least_pause_after("{kind: 'Status', code: 500, details: {retryAfterSeconds: 1}}"), 1000, 1600);
}

/* Up to a minute; chance shortens each by up to a half. */
static void each_pause_is_twice_the_one_before(void **state)
{
    static const int64_t pauses[] = {1600, 3200, 6400, 12800, 25600, 51200, 60000, 60000};
    struct world w;

    (void)state;
    for (unsigned seed = 1; seed <= 20; seed++) {
        world_streaming(&w);
        for (size_t i = 0; i < ARRAY_LEN(pauses); i++) {
            srand(seed);
            rand(); /* what the server asks for is drawn first */
            int64_t chance = rand() % (pauses[i] / 2 + 1);
            srand(seed);
            fail_stream(&w.client, failure(ERR_RETRY, 500, "etcd is tired"));
            assert_int_equal(pass_pause(&w), pauses[i] - chance);
        }
        world_finish(&w);
    }
}

static void keeps_what_the_server_said(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    assert_false(send_event(&w.client, "ERROR",
                            "{kind: 'Status', code: 500, reason: 'InternalError', message: 'etcd is tired', details: "
                            "{retryAfterSeconds: 7}}"));
    assert_string_equal(watch_problem(w.watch), "etcd is tired");
    assert_in_range(pass_pause(&w), 7000, 7700);
    assert_true(asks(&w, "resourceVersion=5&"));
    world_finish(&w);
}

/* What had come of a line goes with its stream. */
static void lists_again_in_the_middle_of_a_line(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    assert_true(send_text(&w.client, "{\"type\":\"ADDED\",\"obj"));
    watch_list_again(w.watch);
    assert_true(is_in(&w, "sync"));
    uint64_t requests = w.client.requests;
    watch_list_again(w.watch); /* it is at it */
    assert_int_equal(w.client.requests, requests);
    assert_true(send_event(&w.client, "ADDED", "{metadata: {name: 'a', resourceVersion: '6'}}"));
    assert_true(send_end_of_list(&w.client, "6"));
    assert_told(&w, "(*a )=6 ");
    assert_true(is_in(&w, "stream"));
    world_finish(&w);
}

/* At once, the first time; a server that forgets each version at once is not asked without a pause. */
static void lists_again_at_once_when_the_request_is_refused_as_expired(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    for (int i = 0; i < 3; i++) {
        fail_stream(&w.client, failure(ERR_EXPIRED, 410, "too old"));
        assert_true(is_in(&w, "sync"));
        send_end_of_list(&w.client, "9");
        fail_stream(&w.client, failure(ERR_EXPIRED, 410, "too old"));
        assert_in_range(pass_pause(&w), 800, 60000);
        assert_true(is_in(&w, "sync"));
        send_end_of_list(&w.client, "9");
        assert_true(is_in(&w, "stream"));
        w.loop.now += 10 * 1000;
    }
    world_finish(&w);
}

static void goes_on_from_the_last_version(void **state)
{
    const struct err ends[] = {failure(ERR_NONE, 0, ""), failure(ERR_RETRY, 0, "connection refused"),
                               failure(ERR_RETRY, 429, "too many requests"), failure(ERR_DENIED, 403, "no right")};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        struct world w;
        world_streaming(&w);
        assert_true(send_event(&w.client, "ADDED", "{metadata: {name: 'a', resourceVersion: '8'}}"));
        assert_true(send_event(&w.client, "BOOKMARK", "{metadata: {resourceVersion: '20'}}"));
        assert_true(send_text(&w.client,
                              "{\"type\":\"ADDED\",\"object\":{\"metadata\":{\"name\":\"half")); /* never completed */
        fail_stream(&w.client, ends[i]);
        if (ends[i].kind != ERR_NONE)
            pass_pause(&w);
        assert_true(asks(&w, "resourceVersion=20&"));
        assert_true(send_event(&w.client, "MODIFIED", "{metadata: {name: 'b', resourceVersion: '21'}}"));
        assert_told(&w, "+a =8 =20 ~b =21 ");
        world_finish(&w);
    }
}

/* Five minutes without the server, and then it is as if nothing had been. */
static void a_long_outage_needs_no_list(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    while (w.loop.now < 5 * 60 * 1000) {
        fail_stream(&w.client, failure(ERR_RETRY, 0, "connection refused"));
        pass_pause(&w);
        assert_true(asks(&w, "resourceVersion=5&"));
    }
    assert_true(send_event(&w.client, "MODIFIED", "{metadata: {name: 'b', resourceVersion: '21'}}"));
    assert_told(&w, "~b =21 ");
    assert_int_equal(watch_counts(w.watch).lists, 1);
    world_finish(&w);
}

static void the_version_never_goes_back(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    assert_true(send_event(&w.client, "BOOKMARK", "{metadata: {resourceVersion: '100'}}"));
    assert_true(send_event(&w.client, "MODIFIED", "{metadata: {name: 'a', resourceVersion: '99'}}"));
    assert_true(send_event(&w.client, "BOOKMARK", "{metadata: {resourceVersion: '0'}}"));
    assert_true(send_event(&w.client, "BOOKMARK", "{metadata: {resourceVersion: 'x'}}"));
    assert_true(send_event(&w.client, "BOOKMARK", "{}"));
    assert_told(&w, "=100 ~a ");
    assert_string_equal(watch_version(w.watch), "100");
    world_finish(&w);
}

static void ends_a_stream_that_makes_no_sense(void **state)
{
    static const char *const lines[] = {"<html>\n", "{\"type\":\n", "{} {}\n", "\"text\n", "{\"type\":\"ADDED\"}}\n",
                                        "null\n"};

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
    assert_true(send_text(&w.client, "\n\n[]\n7\n{}\n{\"type\":7,\"object\":[]}\n{\"type\":\"ADDED\"}\n"
                                     "{\"type\":\"ADDED\",\"object\":null}\n"));
    assert_true(send_event(&w.client, "NEWS", "{metadata: {name: 'a', resourceVersion: '6'}}"));
    assert_true(send_event(&w.client, "ADDED", "{kind: 'Table', apiVersion: 'meta.k8s.io/v1', columnDefinitions: []}"));
    assert_true(send_event(&w.client, "ADDED", "{metadata: {name: 'a', resourceVersion: ''}}"));
    assert_true(send_event(&w.client, "DELETED", "{metadata: {resourceVersion: '7'}}"));
    assert_true(send_event(
        &w.client, "ADDED",
        "{kind: 'GitLabRunner', apiVersion: 'gitlab-runners.dev/v9', metadata: {name: 'a', resourceVersion: '8'}}"));
    assert_true(
        send_event(&w.client, "ADDED", "{kind: 'Secret', metadata: {name: 'a', resourceVersion: '9'}, data: {}}"));
    assert_told(&w, "=6 =7 =8 =9 ");
    assert_true(send_event(&w.client, "ADDED",
                           "{kind: 'GitLabRunner', apiVersion: 'gitlab-runners.dev/v1beta1', metadata: {name: 'a', "
                           "resourceVersion: '10'}}"));
    assert_told(&w, "+a =10 ");
    world_finish(&w);
}

/* One object with a free-form field that is nested beyond all measure hides no other. */
static void reads_an_object_that_is_too_deep(void **state)
{
    enum { DEPTH = 9000 };
    struct world w;
    struct buf text cleanup_buf = {0};

    (void)state;
    world_streaming(&w);
    buf_init(&text, 1 << 20);
    buf_adds(&text, "{\"type\":\"ADDED\",\"object\":{\"spec\":");
    for (int i = 0; i < DEPTH; i++)
        buf_adds(&text, "{\"x\":");
    buf_adds(&text, "[]");
    for (int i = 0; i < DEPTH; i++)
        buf_adds(&text, "}");
    buf_adds(&text, ",\"metadata\":{\"name\":\"deep\",\"resourceVersion\":\"6\"}}}\n");
    assert_true(send_text(&w.client, text.data));
    assert_true(send_event(&w.client, "ADDED", "{metadata: {name: 'b', resourceVersion: '7'}}"));
    assert_told(&w, "+deep =6 +b =7 ");
    world_finish(&w);
}

static void passes_over_items_that_are_none(void **state)
{
    struct world w;

    (void)state;
    world_paging(&w, &secrets, NULL);
    answer(&w.client,
           json_build("{kind: 'PartialObjectMetadataList', metadata: {resourceVersion: '7'}, items: ["
                      "%o, 7, 'x', {}, {metadata: {name: 'a'}}, {metadata: {resourceVersion: '1'}}, "
                      "{kind: 'ConfigMap', apiVersion: 'v1', metadata: {name: 'b', resourceVersion: '1'}}, "
                      "{kind: 'PartialObjectMetadata', apiVersion: 'meta.k8s.io/v1', metadata: {name: 'c', "
                      "resourceVersion: '1'}}, {metadata: {name: 'd', resourceVersion: '2'}}]}",
                      json_build("{}")),
           (struct err){0});
    assert_told(&w, "(*c *d )=7 ");
    world_finish(&w);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is too large is told of by name and version, and hides nothing */

enum { LARGE = 9 << 20 };

/* The line of an object with all of this before its name, as keys are sorted, between ` and ^: many times over. */
static char *large_object(const char *before, const char *stuff, const char *behind, size_t size)
{
    struct buf text;

    buf_init(&text, 2 * LARGE);
    buf_addf(&text, "{\"metadata\":{\"annotations\":{\"a\":1,\"example.com/b\":\"ours\"},\"managedFields\":%s", before);
    while (text.len < size)
        buf_adds(&text, stuff);
    buf_addf(&text,
             "%s,\"name\":\"large\",\"namespace\":\"ci\",\"uid\":\"u\",\"resourceVersion\":\"%s\"},\"spec\":{\"x\":1}}",
             behind, "6");
    return buf_detach(&text);
}

static const struct {
    const char *before, *stuff, *behind;
    size_t size;
} larges[] = {
    {"[{\"name\":\"", "\\u003c", "\"}]", LARGE},          /* one string                       */
    {"[{\"name\":\"", "\"},{\"name\":\"", "\"}]", LARGE}, /* whose name is not the object's   */
    {"[", "{},", "{}]", 100 << 10},                       /* held, but too much as a tree     */
    {"[", "{},", "{}]", LARGE},
    {"[\"", "}]\\\"{[", "\"]", 600 << 10},
};

static void an_object_that_is_too_large_does_not_end_the_stream(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(larges); i++) {
        struct world w;
        cleanup_free char *object = large_object(larges[i].before, larges[i].stuff, larges[i].behind, larges[i].size);
        world_streaming_secrets(&w);
        assert_true(send_text(&w.client, "{\"type\":\"MODIFIED\",\"object\":"));
        for (size_t at = 0, len = strlen(object); at < len; at += 16000)
            assert_true(send(&w.client, object + at, len - at < 16000 ? len - at : 16000));
        assert_true(send_text(&w.client, "}\n"));
        assert_told(&w, "~!large{\"example.com/b\":\"ours\"} =6 ");
        assert_true(send_event(&w.client, "ADDED", "{metadata: {name: 'b', resourceVersion: '8'}}"));
        assert_told(&w, "+b =8 ");
        assert_int_equal(watch_counts(w.watch).too_large, 1);
        assert_int_equal(watch_counts(w.watch).pauses, 0);
        end_stream(&w.client, ERR_NONE);
        assert_true(asks(&w, "resourceVersion=8&"));
        world_finish(&w);
    }
}

/* … nor keeps a list from its end, by stream or by page. */
static void an_object_that_is_too_large_is_listed(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(larges); i++) {
        struct world w;
        cleanup_free char *object = large_object(larges[i].before, larges[i].stuff, larges[i].behind, larges[i].size);
        world_init(&w, &secrets, NULL);
        assert_true(send_text(&w.client, "{\"type\":\"ADDED\",\"object\":"));
        assert_true(send_text(&w.client, object));
        assert_true(send_text(&w.client, "}\n"));
        assert_true(send_end_of_list(&w.client, "9"));
        assert_told(&w, "(*!large{\"example.com/b\":\"ours\"} )=9 ");
        world_finish(&w);

        struct buf page cleanup_buf = {0};
        buf_init(&page, 2 * LARGE);
        buf_addf(
            &page, "{\"items\":[{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"3\"}},%s,%s", object,
            "{\"metadata\":{\"name\":\"c\",\"resourceVersion\":\"4\"}}],\"metadata\":{\"resourceVersion\":\"9\"}}");
        world_paging(&w, &secrets, NULL);
        answer_text(&w.client, page.data, page.len, 16000, (struct err){0});
        assert_told(&w, "(*a *!large{\"example.com/b\":\"ours\"} *c )=9 ");
        assert_true(watch_synced(w.watch));
        world_finish(&w);
    }
}

/* What an answer has told is known, however large it is. */
static void passes_over_what_is_known_and_too_large(void **state)
{
    struct world w;
    struct buf text cleanup_buf = {0};

    (void)state;
    world_streaming(&w);
    buf_init(&text, LARGE);
    buf_adds(&text, "{\"type\":\"MODIFIED\",\"object\":{\"metadata\":{\"x\":\"");
    while (text.len < (1 << 20))
        buf_adds(&text, "xxxxxxxxxxxxxxxx");
    buf_adds(&text, "\",\"name\":\"a\",\"namespace\":\"ci\",\"uid\":\"u\",\"resourceVersion\":\"7\"}}}\n");
    assert_true(send_text(&w.client, text.data));
    assert_told(&w, "known ci/a u =7 ");
    world_finish(&w);
}

/* What nobody reads costs nothing, so it makes nothing too large as a tree. */
static void what_nobody_reads_does_not_count(void **state)
{
    struct world w;
    struct buf text cleanup_buf = {0};

    (void)state;
    world_streaming(&w);
    buf_init(&text, LARGE);
    buf_adds(&text, "{\"type\":\"ADDED\",\"object\":{\"spec\":{\"large\":[1");
    while (text.len < (100 << 10))
        buf_adds(&text, ",{}");
    buf_adds(&text, "]},\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"6\"}}}\n");
    assert_true(send_text(&w.client, text.data));
    assert_told(&w, "+a{\"large\":0} =6 ");
    world_finish(&w);
}

/* What never ends, or is no object in the end. */
static void a_line_without_end_takes_no_memory(void **state)
{
    enum { PIECE = 1 << 20 };
    struct world w;
    char *piece = mem_alloc(PIECE);

    (void)state;
    memset(piece, 'x', PIECE);
    world_streaming(&w);
    for (int i = 0; i < 50; i++)
        assert_true(send(&w.client, piece, PIECE));
    assert_false(send_text(&w.client, "\n"));
    assert_non_null(strstr(watch_problem(w.watch), "not JSON"));
    pass_pause(&w);
    assert_true(send_event(&w.client, "DELETED", "{metadata: {name: 'a', resourceVersion: '7'}}"));
    assert_told(&w, "-a =7 ");
    free(piece);
    world_finish(&w);
}

/* Half a page says nothing about what is not there any more. */
static void a_page_that_breaks_begins_anew(void **state)
{
    static const char *const pages[] = {
        "{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"3\"}}"
        ",{\"b",
        "{\"metadata\":{\"resourceVersion\":\"7\"},\"items\":[{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"3\"}}"
        ",x]}",
        "{\"items\":[{\"metadata\":{\"name\":\"a\",\"resourceVersion\":\"3\"}}]}",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pages); i++) {
        struct world w;
        world_paging(&w, &runners, NULL);
        answer_text(&w.client, pages[i], strlen(pages[i]), 10, (struct err){0});
        assert_told(&w, "(*a ");
        assert_false(watch_synced(w.watch));
        pass_pause(&w);
        world_finish(&w);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Pauses */

static void pauses_grow_up_to_a_minute(void **state)
{
    struct world w;
    int64_t base = 800, longest = 0;

    (void)state;
    world_paging(&w, &runners, NULL);
    for (int i = 0; i < 20; i++) {
        refuse_page(&w.client, ERR_RETRY, 0);
        int64_t pause = pass_pause(&w);
        assert_in_range(pause, base, 2 * base);
        longest = pause > longest ? pause : longest;
        base = base * 2 < 30000 ? base * 2 : 30000;
    }
    assert_in_range(longest, 30000, 60000);
    assert_int_equal(watch_counts(w.watch).pauses, 20);
    world_finish(&w);
}

/* Ten watches of a process, cut off at the same time, do not come back at the same time. */
static void pauses_do_not_align(void **state)
{
    enum { WATCHES = 10 };
    int64_t pauses[WATCHES];
    int alike = 0;

    (void)state;
    for (int i = 0; i < WATCHES; i++) {
        struct world w;
        world_streaming(&w);
        end_stream(&w.client, ERR_RETRY);
        pauses[i] = pass_pause(&w);
        for (int n = 0; n < i; n++)
            alike += llabs(pauses[i] - pauses[n]) <= 1;
        world_finish(&w);
    }
    assert_in_range(alike, 0, 3);
}

static void waits_as_long_as_the_server_asks(void **state)
{
    struct world w;
    struct err err = failure(ERR_RETRY, 429, "too many requests");

    (void)state;
    err.retry_after_ms = 17000;
    world_paging(&w, &runners, NULL);
    answer(&w.client, NULL, err);
    assert_in_range(pass_pause(&w), 17000, 18700);
    answer_names(&w.client, "", "5", NULL);
    fail_stream(&w.client, err);
    assert_in_range(pass_pause(&w), 17000, 18700);
    assert_true(asks(&w, "resourceVersion=5&"));
    world_finish(&w);
}

/* The server ends each stream after some minutes: that is no failure, and nothing may be missed meanwhile. */
static void a_stream_that_ends_in_good_order_goes_on_at_once(void **state)
{
    struct world w;
    int shortest = 600, longest = 300;

    (void)state;
    world_streaming(&w);
    for (int i = 0; i < 200; i++) {
        int seconds = timeout_asked(&w);
        assert_in_range(seconds, 300, 600);
        shortest = seconds < shortest ? seconds : shortest;
        longest = seconds > longest ? seconds : longest;
        w.loop.now += seconds * 1000;
        end_stream(&w.client, ERR_NONE);
        assert_true(is_in(&w, "stream"));
        assert_true(asks(&w, "resourceVersion=5&"));
    }
    assert_in_range(shortest, 300, 320);
    assert_in_range(longest, 580, 600);
    assert_told(&w, "");
    const struct watch_counts counts = watch_counts(w.watch);
    assert_int_equal(counts.lists, 1);
    assert_int_equal(counts.watches, 201);
    assert_int_equal(counts.pauses, 0);
    assert_int_equal(counts.short_watches, 0);
    world_finish(&w);
}

/* Two minutes, to the millisecond. */
static void a_stream_that_lived_long_resets_the_pause(void **state)
{
    static const int64_t lives_ms[] = {119999, 120000, 600000};

    (void)state;
    for (size_t n = 0; n < ARRAY_LEN(lives_ms); n++) {
        struct world w;
        world_streaming(&w);
        for (int i = 0; i < 8; i++) {
            end_stream(&w.client, ERR_RETRY);
            pass_pause(&w);
        }
        w.loop.now += lives_ms[n];
        end_stream(&w.client, ERR_RETRY);
        int64_t pause = pass_pause(&w);
        assert_int_equal(pause <= 1600, lives_ms[n] >= 120000);
        assert_true(pause >= 800);
        world_finish(&w);
    }
}

/* In good order, but so soon that it would be asked for hundreds of times a second. */
static void a_very_short_stream_is_a_failure(void **state)
{
    struct world w;

    (void)state;
    world_streaming(&w);
    w.loop.now += 60 * 1000;
    end_stream(&w.client, ERR_NONE);
    w.loop.now += 999;
    assert_true(send_event(&w.client, "BOOKMARK", "{metadata: {resourceVersion: '5'}}")); /* which is nothing new */
    end_stream(&w.client, ERR_NONE);
    assert_int_equal(watch_counts(w.watch).short_watches, 1);
    pass_pause(&w);
    assert_true(send_event(&w.client, "ADDED", "{metadata: {name: 'a', resourceVersion: '6'}}"));
    end_stream(&w.client, ERR_NONE);
    assert_true(is_in(&w, "stream"));
    assert_int_equal(watch_counts(w.watch).short_watches, 1);
    world_finish(&w);
}

static void leaves_nothing_in_flight(void **state)
{
    struct world w;

    (void)state;
    world_init(&w, &runners, NULL);
    world_finish(&w);
    assert_int_equal(w.client.cancelled, 1);
    world_paging(&w, &runners, NULL);
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
        cmocka_unit_test(lists_by_stream_and_goes_on_with_it),
        cmocka_unit_test(asks_for_whole_objects_when_told_so),
        cmocka_unit_test(a_list_by_stream_that_breaks_begins_anew),
        cmocka_unit_test(lists_by_pages_when_a_stream_never_ends_the_list),
        cmocka_unit_test(lists_by_pages_when_a_stream_ends_before_the_list),
        cmocka_unit_test(remembers_that_a_server_knows_no_streamed_lists),
        cmocka_unit_test(passes_over_what_is_known),
        cmocka_unit_test(passes_over_what_nobody_reads),
        cmocka_unit_test(passes_over_nothing_of_a_list),
        cmocka_unit_test(lists_page_by_page_then_streams),
        cmocka_unit_test(where_a_page_goes_on_may_be_long),
        cmocka_unit_test(a_failed_page_begins_the_list_anew),
        cmocka_unit_test(lists_the_whole_when_a_page_has_expired),
        cmocka_unit_test(what_is_not_a_list_is_a_failure),
        cmocka_unit_test(refuses_a_list_of_the_past),
        cmocka_unit_test(refuses_a_streamed_list_of_the_past),
        cmocka_unit_test(tells_the_same_however_the_bytes_are_cut),
        cmocka_unit_test(lists_the_same_however_the_bytes_are_cut),
        cmocka_unit_test(lists_again_when_the_version_has_expired),
        cmocka_unit_test(lists_again_when_the_server_has_not_reached_the_version),
        cmocka_unit_test(lists_again_in_the_middle_of_a_line),
        cmocka_unit_test(a_pause_that_makes_no_sense_is_none),
        cmocka_unit_test(who_asks_for_no_pause_gets_the_usual_one),
        cmocka_unit_test(each_pause_is_twice_the_one_before),
        cmocka_unit_test(keeps_what_the_server_said),
        cmocka_unit_test(lists_again_at_once_when_the_request_is_refused_as_expired),
        cmocka_unit_test(goes_on_from_the_last_version),
        cmocka_unit_test(a_long_outage_needs_no_list),
        cmocka_unit_test(the_version_never_goes_back),
        cmocka_unit_test(ends_a_stream_that_makes_no_sense),
        cmocka_unit_test(passes_over_what_it_does_not_know),
        cmocka_unit_test(reads_an_object_that_is_too_deep),
        cmocka_unit_test(passes_over_items_that_are_none),
        cmocka_unit_test(an_object_that_is_too_large_does_not_end_the_stream),
        cmocka_unit_test(an_object_that_is_too_large_is_listed),
        cmocka_unit_test(passes_over_what_is_known_and_too_large),
        cmocka_unit_test(what_nobody_reads_does_not_count),
        cmocka_unit_test(a_line_without_end_takes_no_memory),
        cmocka_unit_test(a_page_that_breaks_begins_anew),
        cmocka_unit_test(pauses_grow_up_to_a_minute),
        cmocka_unit_test(pauses_do_not_align),
        cmocka_unit_test(waits_as_long_as_the_server_asks),
        cmocka_unit_test(a_stream_that_ends_in_good_order_goes_on_at_once),
        cmocka_unit_test(a_stream_that_lived_long_resets_the_pause),
        cmocka_unit_test(a_very_short_stream_is_a_failure),
        cmocka_unit_test(leaves_nothing_in_flight),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
