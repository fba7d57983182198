/* What this machine sees of GitLab's hosts, when it is asked to look: a hint, since the operator's DNS, proxies and
 * trust are others. One request without a token each, to which every GitLab answers 401. */
#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "gitlab/policy.h"
#include "net/http.h"
#include "net/loop.h"
#include "plugin/doctor.h"
#include "plugin/session.h"

enum { HOSTS_MAX = 16, BODY_MAX = 64 << 10, CLOCK_S = 30 };

struct glance {
    struct glances *all;
    const char *url, *host;
    uint64_t request; /* 0: it has ended */
};

struct glances {
    struct doctor_view *v;
    struct loop *loop;
    struct json_object *seen;
    struct glance each[HOSTS_MAX];
    size_t len, open;
};

static void on_glance(void *arg, const struct http_reply *reply)
{
    struct glance *g = arg;
    bool answered = reply->err.kind == ERR_NONE;

    assert(g->request && g->all->open > 0);
    g->request = 0;
    json_append(g->all->seen, json_build("{url: %s, host: %s, status: %d, reason: %s, text: %s, date: %d}", g->url,
                                         g->host, (int64_t)reply->status, answered ? NULL : reply->err.reason,
                                         answered ? NULL : reply->err.text, reply->date_s));
    if (--g->all->open == 0)
        loop_stop(g->all->loop);
}

static void on_glances_over(void *arg)
{
    struct glances *all = arg;

    loop_stop(all->loop);
}

static bool is_glanced_at(const struct glances *all, const char *url)
{
    for (size_t i = 0; i < all->len; i++)
        if (strcmp(all->each[i].url, url) == 0)
            return true;
    return all->len == HOSTS_MAX;
}

static void glance_at(struct glances *all, struct http *http, const struct doctor_runner *r)
{
    static const struct gitlab_policy policy; /* no loopback, no link-local address, … */
    struct glance *g = &all->each[all->len++];
    const struct http_request request = {.method = "GET",
                                         .url = arena_printf(all->v->a, "%s/api/v4/version", r->url),
                                         .connect_to = spec_address_of(r->spec, r->url, all->v->a),
                                         .refuse_address = policy_refuses_address,
                                         .policy = &policy,
                                         .max_body = BODY_MAX,
                                         .on_done = on_glance,
                                         .arg = g};

    *g = (struct glance){.all = all, .url = r->url, .host = r->host};
    g->request = http_start(http, &request);
    all->open++;
}

void doctor_look_from_here(struct doctor_view *v, struct session *session, int64_t timeout_ms)
{
    struct glances all = {.v = v, .loop = session_loop(session), .seen = arena_json(v->a, json_object_new_array())};
    struct http *http = http_create(all.loop, PLUGIN_FIELD_MANAGER);
    struct loop_timer *timer = loop_timer_create(all.loop, on_glances_over, &all);

    for (size_t i = 0; i < v->runners_len; i++)
        if (v->runners[i].spec && !is_glanced_at(&all, v->runners[i].url))
            glance_at(&all, http, &v->runners[i]);
    loop_timer_set(timer, timeout_ms);
    if (all.open)
        loop_run(all.loop);
    for (size_t i = 0; i < all.len; i++)
        if (all.each[i].request)
            json_append(all.seen, json_build("{url: %s, host: %s, reason: Timeout, text: 'no answer in time'}",
                                             all.each[i].url, all.each[i].host));
    loop_timer_destroy(timer);
    http_destroy(http);
    v->sources[SOURCE_FROM_HERE] = (struct doctor_answer){.state = SOURCE_READ, .object = all.seen};
}

/* ------------------------------------------------------------------------------------------------------------------ */

void check_from_here(struct doctor *d)
{
    struct json_object *seen = doctor_source(d, SOURCE_FROM_HERE);

    for (size_t i = 0; i < json_len(seen); i++) {
        struct json_object *one = json_at(seen, i);
        const char *host = json_str_or(one, "host", "");
        if (json_str(one, "reason"))
            doctor_find(d, host, json_str_or(one, "url", ""), NULL, "seen from here: %s: %s",
                        json_str_or(one, "reason", ""), json_str_or(one, "text", ""));
        else
            doctor_fact(d, host, "seen from here: it answers %lld", (long long)json_int_or(one, "status", 0));
    }
}

/* Two servers' clocks, of which each tells its own: this machine's has no part in it. */
void check_clocks(struct doctor *d)
{
    struct json_object *seen = doctor_source(d, SOURCE_FROM_HERE);

    for (size_t i = 0; i < json_len(seen); i++) {
        struct json_object *one = json_at(seen, i);
        int64_t date = json_int_or(one, "date", 0), apart = date - d->view->now;
        if (date && (apart > CLOCK_S || apart < -CLOCK_S))
            doctor_find(d, json_str_or(one, "host", ""), json_str_or(one, "url", ""), NULL,
                        "its clock is %lld seconds %s the API server's", (long long)(apart < 0 ? -apart : apart),
                        apart < 0 ? "behind" : "ahead of");
        else if (date)
            doctor_fact(d, json_str_or(one, "host", ""), "its clock goes with the API server's");
    }
}
