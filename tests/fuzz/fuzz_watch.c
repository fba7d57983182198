/* What an API server says to a watch: the first byte chooses into what pieces the rest is cut, and whether the server
 * knows streamed lists; if not, the rest is a page. However it is cut, the same is told, and the watch goes on: after a
 * pause, and when the server falls silent. The few functions of kube/client.c and net/loop.c that it needs are here. */
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/log.h"
#include "fuzz.h"
#include "kube/watch.h"
#include "net/loop.h"

enum { STEPS = 6, SILENT = 4, SILENCE_MS = 61 * 1000 };

struct loop_timer {
    bool armed;
    void (*callback)(void *arg);
    void *arg;
};

struct loop {
    int64_t now;
    struct loop_timer timer;
};

int64_t loop_now(const struct loop *loop)
{
    return loop->now;
}

struct loop_timer *loop_timer_create(struct loop *loop, void (*callback)(void *arg), void *arg)
{
    loop->timer = (struct loop_timer){.callback = callback, .arg = arg};
    return &loop->timer;
}

void loop_timer_set(struct loop_timer *timer, int64_t delay_ms)
{
    timer->armed = delay_ms >= 0;
}

void loop_timer_destroy(struct loop_timer *timer)
{
    timer->armed = false;
}

/* What is in flight: either of the two, or nothing. */
struct kube_client {
    struct kube_request list;
    struct kube_stream stream;
};

uint64_t kube_start(struct kube_client *client, const struct kube_request *request)
{
    client->list = *request;
    return 1;
}

uint64_t kube_stream(struct kube_client *client, const struct kube_stream *stream)
{
    client->stream = *stream;
    return 1;
}

void kube_cancel(struct kube_client *client, uint64_t id)
{
    (void)id;
    *client = (struct kube_client){0};
}

const char *kube_path(const struct kube_resource *r, const char *ns, const char *name, const char *subresource,
                      struct arena *a)
{
    (void)ns, (void)name, (void)subresource;
    return arena_printf(a, "/%s", r->plural);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What it tells, as text */

struct told {
    struct arena *mem;
    const char *text;
};

static void add(struct told *told, const char *sign, const char *text)
{
    told->text = arena_printf(told->mem, "%s%s%s ", told->text, sign, text);
}

static void on_list_begin(void *arg)
{
    add(arg, "(", "");
}

static void on_object(void *arg, enum watch_type type, struct json_object *object)
{
    static const char *const signs[] = {"*", "+", "~", "-"};

    add(arg, signs[type], json_text(object));
}

static bool on_known(void *arg, const struct watch_identity *identity)
{
    (void)arg;
    (void)identity;
    return false;
}

static void on_list_end(void *arg, const char *version)
{
    add(arg, ")", version);
}

static void on_reached(void *arg, const char *version)
{
    add(arg, "=", version);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void say(struct kube_client *client, const char *text, size_t len, size_t piece)
{
    const struct kube_stream stream = client->stream;
    struct err err = {0};
    bool open = true;

    for (size_t at = 0; at < len && open; at += piece)
        open = stream.data(stream.arg, text + at, len - at < piece ? len - at : piece);
    if (!open)
        err_set(&err, ERR_RETRY, "Aborted", "the watch wanted no more");
    client->stream.end = NULL;
    stream.end(stream.arg, &err);
}

static void answer(struct kube_client *client, const char *text, size_t len, size_t piece)
{
    const struct kube_request list = client->list;
    struct kube_reply reply = {.err = {.kind = ERR_NONE}};

    for (size_t at = 0; at < len && reply.err.kind == ERR_NONE; at += piece)
        if (!list.data(list.arg, text + at, piece < len - at ? piece : len - at))
            err_set(&reply.err, ERR_RETRY, "Cancelled", "ended");
    client->list.done = NULL;
    list.done(list.arg, &reply);
}

static bool is_in_flight(const struct kube_client *client)
{
    return client->stream.end || client->list.done;
}

static void pass_time(struct loop *loop)
{
    loop->now += SILENCE_MS;
    loop->timer.armed = false;
    loop->timer.callback(loop->timer.arg);
}

static void refuse(struct kube_client *client)
{
    const struct kube_stream stream = client->stream;
    struct err err = {0};

    err_set(&err, ERR_INVALID, "Invalid", "sendInitialEvents is forbidden");
    err.code = 422;
    client->stream.end = NULL;
    stream.end(stream.arg, &err);
}

/* The same text is the first list, and what follows it. */
static const char *told_of(const char *text, size_t len, size_t piece, bool paged, struct arena *a)
{
    static const struct kube_resource resource = {
        "GitLabRunner", "gitlab-runners.dev/v1beta1", "gitlabrunners", true, false, "spec.large", NULL, NULL};
    struct loop loop = {.now = 1000};
    struct kube_client client = {.list = {0}};
    struct told told = {a, ""};
    const struct watch_handler handler = {on_list_begin, on_object, on_known, on_list_end, on_reached, &told};
    struct watch *watch = watch_create(&loop, &client, &resource, NULL, NULL, &handler);

    watch_start(watch);
    if (paged)
        refuse(&client);
    for (int i = 0; i < STEPS; i++) {
        if (loop.timer.armed && (i == SILENT || !is_in_flight(&client)))
            pass_time(&loop);
        else if (client.stream.end)
            say(&client, text, len, piece);
        else
            answer(&client, text, len, piece);
        if (!is_in_flight(&client) && !loop.timer.armed)
            abort(); /* nothing will ever happen again */
    }
    add(&told, watch_state_name(watch), watch_version(watch));
    watch_destroy(watch);
    return told.text;
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    log_setup(LOG_ERROR, true);
    if (len == 0)
        return;
    size_t piece = ((unsigned char)text[0] & 0x7f) + 1u;
    bool paged = (unsigned char)text[0] & 0x80;
    if (strcmp(told_of(text + 1, len - 1, piece, paged, a), told_of(text + 1, len - 1, len, paged, a)) != 0)
        abort();
}
