/* The fleet page: requests, the runners that it tells of, and an API server that says anything (peer.h). The first
 * character is one of modes[]; the rest of the line is the query of the stream, the next line that of a runner. Then
 * come runners, a line each: JSON, behind a '-' one that goes. Behind a form feed are the API server's answers. The
 * first revision is 2147483648.
 *
 * What readers are told is what fleet_stream.h and fleet_runner.h have: events that are JSON in one line, whose indexes
 * lead to strings, of namespaces that the reader may see. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "fuzz.h"
#include "gitlab/api.h"
#include "kube/client.h"
#include "kube/config.h"
#include "operator/kinds.h"
#include "operator/reconcile.h"
#include "operator/records.h"
#include "operator/state.h"
#include "operator/stats.h"
#include "peer.h"
#include "web/auth.h"
#include "web/fleet_runner.h"
#include "web/fleet_stream.h"

enum { STEPS = 40, PIECES_MAX = 200, RUNNERS_MAX = 300, ASKED_STEPS = 800, WORDS_MAX = 1 << 16, TEXT_MAX = 1 << 20 };
enum { CALLS_MAX = 20, CLOCK_STEP_US = 200 };

/* guarded: who asks is asked about, else may see all. calls: of each runner with a URL, its GitLab's version is asked
 * for, by the same answers. namespaces: that are served. */
static const struct mode {
    char letter;
    bool guarded, calls;
    const char *namespaces;
} modes[] = {
    {'a', false, false, NULL}, {'g', true, false, NULL}, {'c', true, true, NULL}, {'s', false, false, "ci,ops"}};

struct page {
    const struct mode *mode;
    int64_t clock_us;
    bool admitted;
    struct gitlab_op *calls[CALLS_MAX]; /* NULL: answered */
    size_t calls_len;
    struct context ctx;
    struct stats stats;
    struct states states;
    struct auth *auth; /* NULL: all may see all */
    struct fleet_stream *fleet;
    struct fleet_runners *runners;
};

static struct page page;

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What takes the place of chance and time, of the operator and its server */

ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
    (void)flags;
    memset(bytes, 0, len);
    return (ssize_t)len;
}

int64_t clock_us(void)
{
    return page.clock_us += CLOCK_STEP_US;
}

int64_t clock_wall_us(void)
{
    return loop_wall(page.ctx.loop) * 1000000;
}

struct reconciler_view reconciler_view(const struct reconciler *rec)
{
    (void)rec;
    return (struct reconciler_view){.ctx = &page.ctx, .states = &page.states, .synced = true, .leading = true};
}

void serve_stream_wake(struct serve_stream *stream)
{
    (void)stream;
}

void serve_admit(struct serve *serve, uint64_t id, int status)
{
    (void)serve, (void)id;
    expect(status == 200 || status == 401 || status == 403 || status == 429 || status == 503);
    page.admitted = true;
}

static void each_namespace(void *arg, void (*each)(void *each_arg, const char *ns), void *each_arg)
{
    (void)arg;
    fleet_stream_each_namespace(page.fleet, each, each_arg);
}

static void on_verdict(void *arg, struct auth_user *user)
{
    (void)arg;
    fleet_stream_review(page.fleet, user);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is told */

/* null, or the index of a string. */
static bool is_index(struct json_object *value, struct json_object *strings)
{
    return !value || (json_object_is_type(value, json_type_int) && json_object_get_int64(value) >= 0 &&
                      (size_t)json_object_get_int64(value) < json_len(strings));
}

static void judge_row(struct json_object *row, struct json_object *strings, const struct auth_user *who)
{
    static const size_t indexes[] = {0, 3, 4, 10, 11, 12};
    enum { MEMBERS = 18 };

    expect(json_len(row) == MEMBERS);
    for (size_t i = 0; i < ARRAY_LEN(indexes); i++)
        expect(is_index(json_at(row, indexes[i]), strings));
    const char *ns = json_string(json_at(strings, (size_t)json_object_get_int64(json_at(row, 0))));
    expect(!json_at(row, 0) || auth_may_see(who, ns));
}

static void judge_data(const char *text, size_t len, const struct auth_user *who, struct arena *a)
{
    struct err err;
    struct json_object *data = arena_json(a, json_parse(text, len, &err)), *rows = json_get(data, "rows"),
                       *gone = json_get(data, "keys");

    expect(data != NULL);
    for (size_t i = 0; i < json_len(rows); i++)
        judge_row(json_at(rows, i), json_get(data, "strings"), who);
    for (size_t i = 0; i < json_len(gone); i++)
        expect(auth_may_see(who, json_string(json_at(json_at(gone, i), 0))));
}

/* Events, each "event: NAME\ndata: JSON\n\n", and heartbeats. */
static void judge_events(const struct buf *piece, const struct auth_user *who, struct arena *a)
{
    static const char event[] = "event: ", data[] = "data: ";

    for (const char *at = piece->data, *end = at + piece->len; at < end;) {
        const char *stop = strstr(at, "\n\n"), *line = strstr(at, "\ndata: ");
        expect(stop != NULL);
        if (*at != ':') {
            expect(strncmp(at, event, strlen(event)) == 0 && line && line < stop);
            line += 1 + strlen(data);
            expect(!memchr(line, '\n', (size_t)(stop - line)));
            judge_data(line, (size_t)(stop - line), who, a);
        }
        at = stop + 2;
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Who looks */

static struct serve_request request_of(const char *query)
{
    return (struct serve_request){.below = "", .query = query, .authorization = "Bearer some-token"};
}

/* The first that a reader is told, who may be late already. */
static void judge_beginning(const char *text)
{
    static const char *const events[] = {"event: hello\n", "event: anew\n", "event: bye\n"};
    bool good = false;

    for (size_t i = 0; i < ARRAY_LEN(events); i++)
        good |= strncmp(text, events[i], strlen(events[i])) == 0;
    expect(good);
}

/* All that there is to be told now. */
static bool read_stream(void *reader, const struct auth_user *who, struct arena *a)
{
    bool goes_on = true;

    for (int i = 0; i < PIECES_MAX && goes_on; i++) {
        cleanup_buf struct buf piece;
        buf_init(&piece, SERVE_PIECE_MAX);
        goes_on = fleet_stream_next(reader, &piece);
        if (!piece.len)
            break;
        judge_events(&piece, who, a);
    }
    return goes_on;
}

/* NULL: refused. An answer gets old, so nothing comes between it and who looks. */
static struct auth_user *ask(const struct serve_request *request)
{
    auth_ask(page.auth, 1, request);
    for (int i = 0; i < ASKED_STEPS && !page.admitted; i++)
        peer_run(1);
    return auth_hold(page.auth, request);
}

/* NULL: refused. */
static void *begin_stream(const char *query, const struct auth_user *who, struct arena *a)
{
    const struct serve_request request = request_of(query);
    void *reader = NULL;
    cleanup_buf struct buf words;

    buf_init(&words, SERVE_PIECE_MAX);
    int status = fleet_stream_begin(page.fleet, page.auth, &request, NULL, &reader, &words);
    expect((status == 200) == (reader != NULL) && (status == 200 || words.len));
    if (!reader)
        return NULL;
    buf_clear(&words);
    fleet_stream_next(reader, &words);
    judge_beginning(words.len ? words.data : "");
    judge_events(&words, who, a);
    return reader;
}

/* NULL: refused. */
static void *begin_look(const char *query, struct arena *a)
{
    const struct serve_request request = request_of(query);
    void *reader = NULL;
    struct err err;
    cleanup_buf struct buf words;

    buf_init(&words, WORDS_MAX);
    int status = fleet_runner_begin(page.runners, page.auth, &request, NULL, &reader, &words);
    expect((status == 200) == (reader != NULL));
    expect(status == 200 || arena_json(a, json_parse(words.data, words.len, &err)));
    return reader;
}

static void read_look(void *reader, struct arena *a)
{
    struct err err;
    cleanup_buf struct buf whole;
    bool goes_on = true;

    buf_init(&whole, TEXT_MAX);
    for (int i = 0; i < PIECES_MAX && (goes_on = fleet_runner_next(reader, &whole)); i++)
        peer_run(STEPS);
    expect(goes_on || arena_json(a, json_parse(whole.data, whole.len, &err)));
}

/* One leaves before anything has come; then two look at the same, of whom one leaves. */
static void read_runner(const char *query, struct arena *a)
{
    void *first = begin_look(query, a);

    if (!first)
        return;
    fleet_runner_end(first);
    first = begin_look(query, a);
    void *second = begin_look(query, a);
    expect(first && second);
    fleet_runner_end(first);
    read_look(second, a);
    fleet_runner_end(second);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Runners */

static void on_answer(void *arg, const struct gitlab_answer *answer)
{
    (void)answer;
    *(struct gitlab_op **)arg = NULL;
}

static void call_gitlab(const char *url)
{
    struct err invalid;
    const struct gitlab_request call = {.op = GITLAB_OP_VERSION, .url = url, .token = "t", .ns = "ci"};

    if (!url || !http_url_is_valid(url, NULL, 0, &invalid) || page.calls_len == CALLS_MAX)
        return;
    struct gitlab_op **at = &page.calls[page.calls_len++];
    *at = gitlab_start(page.ctx.gitlab, &call, on_answer, at);
}

static void take_runner(const char *line, size_t len, struct arena *a)
{
    struct err err;
    bool goes = *line == '-';
    struct json_object *object = arena_json(a, json_parse(line + goes, len - goes, &err));
    const struct record record = kind_record(KIND_RUNNER, object, page.ctx.store, a);

    if (!*record.name || !*record.ns || !*record.uid || !*record.version)
        return;
    if (goes)
        store_remove(page.ctx.store, KIND_RUNNER, record.ns, record.name);
    else
        store_put(page.ctx.store, KIND_RUNNER, &record);
    if (page.mode->calls)
        call_gitlab(json_str(object, "spec.url"));
}

/* A line of the text, and the next one's beginning; "": there is none left. */
static const char *take_line(const char **at, struct arena *a)
{
    size_t len = strcspn(*at, "\n\f");
    const char *line = arena_strndup(a, *at, len);

    *at += len + ((*at)[len] == '\n');
    return line;
}

static void look(const char *text, struct arena *a)
{
    const char *of_stream = take_line(&text, a), *of_runner = take_line(&text, a);
    const struct serve_request request = request_of(of_stream);
    struct auth_user *who = NULL;

    for (int i = 0; i < RUNNERS_MAX && *text && *text != '\f' && *text != '\n'; i++) {
        const char *line = take_line(&text, a);
        take_runner(line, strlen(line), a);
    }
    if (page.auth)
        who = ask(&request);
    void *first = !page.auth || who ? begin_stream("", who, a) : NULL;
    peer_run(STEPS);
    bool goes_on = first && read_stream(first, who, a);
    for (int i = 0; i < RUNNERS_MAX && *text && *text != '\f'; i++) {
        const char *line = take_line(&text, a);
        take_runner(line, strlen(line), a);
        peer_run(i % 4);
        goes_on = goes_on && read_stream(first, who, a);
    }
    void *second = first ? begin_stream(of_stream, who, a) : NULL;
    read_runner(of_runner, a);
    peer_run(STEPS);
    if (second && read_stream(second, who, a))
        fleet_stream_say_bye(page.fleet, "the operator stops");
    if (second)
        read_stream(second, who, a), fleet_stream_end(second);
    if (first)
        fleet_stream_end(first);
    auth_release(who);
}

/* ------------------------------------------------------------------------------------------------------------------ */

static void begin(const char *answers, const struct mode *mode, struct kube_config *config)
{
    const struct auth_question question = {
        .group = "gitlab-runners.dev", .plural = "gitlabrunners", .namespaces = each_namespace, .changed = on_verdict};
    struct loop *loop = peer_begin(answers);

    page = (struct page){.mode = mode, .ctx = {.loop = loop, .instance = "operator-1_a", .ns = "ops"}};
    page.ctx.render.manager_image = "registry/runner:v19.4.0";
    page.ctx.render.namespaces = mode->namespaces;
    page.ctx.client = kube_client_create(loop, peer_http(), config);
    page.ctx.gitlab = gitlab_create(loop, peer_http(), NULL);
    page.ctx.store = kinds_store_create();
    stats_init(&page.stats);
    page.ctx.stats = &page.stats;
    page.fleet = fleet_stream_create(NULL);
    page.runners = fleet_runners_create(NULL);
    page.auth = mode->guarded ? auth_create(loop, page.ctx.client, &question) : NULL;
}

static void end(void)
{
    for (size_t i = 0; i < page.calls_len; i++)
        if (page.calls[i])
            gitlab_cancel(page.calls[i]);
    fleet_runners_destroy(page.runners);
    fleet_stream_destroy(page.fleet);
    auth_destroy(page.auth);
    store_destroy(page.ctx.store);
    gitlab_destroy(page.ctx.gitlab);
    kube_client_destroy(page.ctx.client);
    states_finish(&page.states);
    peer_end();
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    struct kube_config config = {.server = (char *)"https://api", .token = (char *)"t", .namespace = (char *)"ops"};
    const char *answers = len ? strchr(text, '\f') : NULL;

    log_setup(LOG_ERROR, true);
    for (size_t i = 0; len && i < ARRAY_LEN(modes); i++)
        if (modes[i].letter == *text) {
            begin(answers ? answers + 1 : "", &modes[i], &config);
            look(text + 1, a);
            end();
        }
}
