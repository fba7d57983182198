#include "plugin/session.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/escape.h"
#include "base/json.h"
#include "base/mem.h"
#include "gitlab/egress.h"
#include "kube/config.h"
#include "net/http.h"
#include "net/loop.h"
#include "plugin/options.h"

enum {
    PAGE = 500,
    ITEMS_MAX = 100 * 1000,
    ANSWER_MAX = 64 << 20,
    TEXT_MAX = 1 << 20,
    GRACE_MS = 2000, /* what a request may be late by: it may wait for its turn, or for a credential */
};

struct session {
    struct loop *loop;
    struct http *http;
    struct kube_config config;
    struct kube_client *client;
    const char *namespace; /* NULL: all */
    int64_t timeout_ms;
    bool interrupted;
    struct session_wait *asleep; /* NULL: nobody sleeps */
};

static const char *environment_value(const char *name, const char *other)
{
    const char *value = getenv(name);

    return value && *value ? value : getenv(other);
}

static bool is_on_this_machine(const char *url)
{
    static const char *const hosts[] = {"https://localhost", "https://127.", "https://[::1]"};

    for (size_t i = 0; i < ARRAY_LEN(hosts); i++)
        if (strncasecmp(url, hosts[i], strlen(hosts[i])) == 0)
            return true;
    return false;
}

/* The environment's, as kubectl takes it, where the kubeconfig names none. */
static void take_environments_proxy(struct kube_config *config)
{
    const char *proxy = environment_value("HTTPS_PROXY", "https_proxy"),
               *others = environment_value("NO_PROXY", "no_proxy");
    const struct gitlab_egress egress = {.proxy = proxy,
                                         .no_proxy = others && egress_list_is_good(others) ? others : NULL};

    if (proxy && *proxy && !config->proxy_url && strncasecmp(config->server, "https://", 8) == 0 &&
        !is_on_this_machine(config->server) && egress_is_proxied(&egress, config->server, NULL))
        config->proxy_url = mem_strdup(proxy);
}

struct session *session_open(const struct plugin_options *options, struct err *err)
{
    const struct kube_choice choice = {
        .path = options->kubeconfig,
        .context = options->context,
        .cluster = options->cluster,
        .user = options->user,
        .as = options->as,
        .groups = options->groups.items,
        .groups_len = options->groups.len,
    };
    struct session *s = mem_alloc(sizeof(*s));

    *s = (struct session){.timeout_ms = options->timeout_ms};
    s->loop = loop_create();
    s->http = http_create(s->loop, PLUGIN_FIELD_MANAGER);
    if (!kube_config_choose(&s->config, &choice, err)) {
        session_close(s);
        return NULL;
    }
    take_environments_proxy(&s->config);
    if (!options->all_namespaces)
        s->namespace = options->namespace ? options->namespace : s->config.namespace;
    s->client = kube_client_create(s->loop, s->http, &s->config);
    return s;
}

void session_close(struct session *s)
{
    if (!s)
        return;
    kube_client_destroy(s->client);
    http_destroy(s->http);
    loop_destroy(s->loop);
    kube_config_finish(&s->config);
    free(s);
}

const char *session_namespace(const struct session *s)
{
    return s->namespace;
}

int64_t session_now(const struct session *s)
{
    return loop_wall(s->loop);
}

struct loop *session_loop(struct session *s)
{
    return s->loop;
}

struct kube_client *session_client(struct session *s)
{
    return s->client;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Waiting */

static void on_interrupt(void *arg, int signal)
{
    struct session *s = arg;

    (void)signal;
    s->interrupted = true;
    loop_stop(s->loop);
}

void session_catch_interrupt(struct session *s)
{
    loop_on_stop_signal(s->loop, on_interrupt, s);
}

bool session_interrupted(const struct session *s)
{
    return s->interrupted;
}

/* What is waited for: it is over when *pending is 0. */
struct session_wait {
    struct session *session;
    size_t pending;
    bool late;
};

static void on_late(void *arg)
{
    struct session_wait *w = arg;

    w->late = true;
    loop_stop(w->session->loop);
}

/* ms < 0: without a deadline. */
static void wait_for_all(struct session_wait *w, int64_t ms)
{
    struct loop_timer *deadline = loop_timer_create(w->session->loop, on_late, w);

    loop_timer_set(deadline, ms);
    while (w->pending && !w->late && !w->session->interrupted)
        loop_run(w->session->loop);
    loop_timer_destroy(deadline);
}

static void one_less(struct session_wait *w)
{
    assert(w->pending > 0);
    if (--w->pending == 0)
        loop_stop(w->session->loop);
}

bool session_sleep(struct session *s, int64_t ms)
{
    struct session_wait w = {.session = s, .pending = 1};

    assert(!s->asleep);
    s->asleep = &w;
    wait_for_all(&w, ms);
    s->asleep = NULL;
    return !s->interrupted;
}

void session_wake(struct session *s)
{
    if (s->asleep && s->asleep->pending)
        one_less(s->asleep);
}

/* Of what has not ended in time. */
static void set_unanswered(const struct session *s, struct err *err)
{
    if (s->interrupted)
        err_set(err, ERR_RETRY, "Interrupted", "interrupted");
    else
        err_set(err, ERR_RETRY, "Timeout", "no answer of %s within %lld s", s->config.server,
                (long long)s->timeout_ms / 1000);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests */

struct asked {
    struct session_wait *wait;
    struct session_request *request;
    struct arena *a;
    uint64_t id; /* 0: it has ended */
    struct buf text;
};

static void on_asked(void *arg, const struct kube_reply *reply)
{
    struct asked *asked = arg;
    struct session_request *r = asked->request;

    assert(asked->id && !r->object);
    asked->id = 0;
    r->err = reply->err;
    if (r->err.kind == ERR_NONE)
        r->object = arena_json(asked->a, r->text ? json_object_new_string_len(asked->text.data, (int)asked->text.len)
                                                 : json_ref(reply->object));
    one_less(asked->wait);
}

static bool on_text(void *arg, const char *bytes, size_t len)
{
    struct asked *asked = arg;

    buf_add(&asked->text, bytes, len); /* what is too much is left out */
    return true;
}

static void begin_asking(struct session *s, struct asked *asked)
{
    const struct session_request *r = asked->request;

    assert(r->path && !asked->id);
    const struct kube_request request = {
        .method = r->method ? r->method : "GET",
        .path = r->path,
        .content_type = r->content_type,
        .accept = r->accept,
        .body = r->body ? json_text(r->body) : NULL,
        .timeout_ms = s->timeout_ms,
        .answer_max = ANSWER_MAX,
        .data = r->text ? on_text : NULL,
        .done = on_asked,
        .arg = asked,
    };

    buf_init(&asked->text, TEXT_MAX);
    asked->id = kube_start(s->client, &request);
}

void session_ask(struct session *s, struct session_request *requests, size_t len, struct arena *a)
{
    struct asked *all = mem_alloc((len + 1) * sizeof(*all));
    struct session_wait w = {.session = s, .pending = len};

    for (size_t i = 0; i < len; i++) {
        requests[i].object = NULL;
        requests[i].err = (struct err){0};
        all[i] = (struct asked){.wait = &w, .request = &requests[i], .a = a};
        begin_asking(s, &all[i]);
    }
    wait_for_all(&w, s->timeout_ms + GRACE_MS);
    for (size_t i = 0; i < len; i++) {
        if (all[i].id) {
            kube_cancel(s->client, all[i].id);
            set_unanswered(s, &requests[i].err);
        }
        buf_finish(&all[i].text);
    }
    free(all);
}

static struct json_object *ask_one(struct session *s, struct session_request *request, struct arena *a, struct err *err)
{
    session_ask(s, request, 1, a);
    if (request->err.kind != ERR_NONE)
        *err = request->err;
    return request->object;
}

struct json_object *session_get(struct session *s, const char *path, struct arena *a, struct err *err)
{
    return ask_one(s, &(struct session_request){.path = path}, a, err);
}

struct json_object *session_write(struct session *s, const char *method, const char *path, const char *content_type,
                                  struct json_object *body, struct arena *a, struct err *err)
{
    return ask_one(
        s, &(struct session_request){.method = method, .path = path, .content_type = content_type, .body = body}, a,
        err);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lists */

/* Where a list has got to. */
struct paging {
    struct session_list *list;
    char *from; /* the continue token; NULL: it has ended */
    unsigned tries;
};

static const char *page_path(const struct paging *p, struct arena *a)
{
    const char *more = *p->from ? arena_printf(a, "&continue=%s", percent_escaped(p->from, a)) : "";

    return arena_printf(a, "%s%climit=%d%s", p->list->path, strchr(p->list->path, '?') ? '&' : '?', PAGE, more);
}

static void begin_pages(struct paging *p, struct arena *a)
{
    p->list->items = arena_json(a, json_object_new_array());
    p->list->err = (struct err){0};
    free(p->from);
    p->from = mem_strdup("");
}

static void end_pages(struct paging *p)
{
    free(take(p->from));
    if (p->list->err.kind != ERR_NONE)
        p->list->items = NULL;
}

static void take_items(struct session_list *list, struct json_object *page)
{
    struct json_object *rows = json_member(page, "rows"), *items = rows ? rows : json_member(page, "items");

    for (size_t i = 0; i < json_len(items); i++) {
        struct json_object *item = json_at(items, i);
        if (!json_object_is_type(item, json_type_object))
            continue;
        if (list->lean)
            json_remove(item, "metadata.managedFields");
        json_append(list->items, json_ref(item));
    }
    if (json_len(list->items) > ITEMS_MAX)
        err_set(&list->err, ERR_INVALID, "TooMuch", "there are too many to be listed: name a namespace or labels");
}

static void take_page(struct paging *p, const struct session_request *answer, struct arena *a)
{
    enum { TRIES = 3 };
    struct session_list *list = p->list;

    assert(p->from && list->items);
    const char *more = json_str_or(answer->object, "metadata.continue", "");

    if (answer->err.kind == ERR_EXPIRED && ++p->tries < TRIES) { /* what the pages are of has been forgotten */
        begin_pages(p, a);
        return;
    }
    list->err = answer->err;
    if (!list->columns)
        list->columns = arena_json(a, json_ref(json_member(answer->object, "columnDefinitions")));
    take_items(list, answer->object);
    free(p->from);
    p->from = mem_strdup(more);
    if (!*more || list->err.kind != ERR_NONE)
        end_pages(p);
}

/* The next page of each list that has one. Each round has an arena of its own: of it the items remain. */
static bool read_pages(struct session *s, struct paging *pagings, size_t len, struct arena *a)
{
    struct session_request asks[SESSION_LISTS_MAX] = {{0}};
    struct paging *of[SESSION_LISTS_MAX];
    cleanup_arena struct arena round = {0};
    size_t n = 0;

    for (size_t i = 0; i < len; i++)
        if (pagings[i].from) {
            asks[n].path = page_path(&pagings[i], &round);
            asks[n].accept = pagings[i].list->accept;
            of[n++] = &pagings[i];
        }
    session_ask(s, asks, n, &round);
    for (size_t i = 0; i < n; i++)
        take_page(of[i], &asks[i], a);
    return n > 0;
}

void session_read_lists(struct session *s, struct session_list *lists, size_t len, struct arena *a)
{
    struct paging pagings[SESSION_LISTS_MAX] = {{0}};

    assert(len <= SESSION_LISTS_MAX);
    for (size_t i = 0; i < len; i++) {
        pagings[i].list = &lists[i];
        lists[i].columns = NULL;
        begin_pages(&pagings[i], a);
    }
    while (read_pages(s, pagings, len, a))
        ;
}

struct json_object *session_list(struct session *s, const char *path, struct arena *a, struct err *err)
{
    struct session_list list = {.path = path};

    session_read_lists(s, &list, 1, a);
    if (!list.items)
        *err = list.err;
    return list.items;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Streams */

struct followed_stream {
    struct session_wait wait;
    bool (*data)(void *arg, const char *bytes, size_t len);
    void *arg;
    bool enough;
    struct err err;
};

static bool on_stream_data(void *arg, const char *bytes, size_t len)
{
    struct followed_stream *f = arg;

    f->enough = !f->data(f->arg, bytes, len);
    return !f->enough;
}

static void on_stream_end(void *arg, const struct err *err)
{
    struct followed_stream *f = arg;

    f->err = *err;
    one_less(&f->wait);
}

bool session_stream(struct session *s, const char *path, int64_t idle_ms,
                    bool (*data)(void *arg, const char *bytes, size_t len), void *arg, struct err *err)
{
    struct followed_stream f = {.wait = {.session = s, .pending = 1}, .data = data, .arg = arg};
    const struct kube_stream stream = {.path = path,
                                       .accept = "*/*",
                                       .idle_timeout_ms = idle_ms,
                                       .data = on_stream_data,
                                       .end = on_stream_end,
                                       .arg = &f};
    uint64_t id = kube_stream(s->client, &stream);

    wait_for_all(&f.wait, -1);
    if (f.wait.pending) {
        kube_cancel(s->client, id);
        set_unanswered(s, &f.err);
    }
    if (f.err.kind == ERR_NONE || f.enough)
        return true;
    *err = f.err;
    return false;
}
