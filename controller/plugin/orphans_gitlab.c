/* What an access token sees at GitLab: pages of runners, then each that no object uses, for its mark; then whether jobs
 * run on those that have one. Some calls at a time, and all of it within a time. */
#include <assert.h>
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/time.h"
#include "net/http.h"
#include "net/loop.h"
#include "plugin/command.h"
#include "plugin/orphans.h"
#include "plugin/session.h"
#include "plugin/terminal.h"
#include "runner/names.h"

enum {
    PAGES_MAX = 100, /* of 50 runners each              */
    AT_ONCE = 8,     /* half of the places at one host  */
};

struct audit {
    struct plugin_call *call;
    struct arena *a;
    struct loop *loop;
    struct http *http;
    struct gitlab *gitlab;
    struct loop_timer *timer;
    int64_t ends_ms;
    bool over; /* the time is */
};

/* A call that is waited for. */
struct asked {
    struct audit *audit;
    struct gitlab_op *op; /* NULL: it has ended */
    struct gitlab_answer answer;
    size_t *open;
};

static void on_audit_over(void *arg)
{
    struct audit *audit = arg;

    audit->over = true;
    loop_stop(audit->loop);
}

struct audit *audit_create(struct plugin_call *call, int64_t timeout_ms)
{
    struct audit *audit = mem_alloc(sizeof(*audit));

    *audit = (struct audit){.call = call, .a = call->a, .loop = session_loop(call->session)};
    audit->http = http_create(audit->loop, PLUGIN_FIELD_MANAGER);
    audit->gitlab = gitlab_create(audit->loop, audit->http, NULL);
    audit->timer = loop_timer_create(audit->loop, on_audit_over, audit);
    audit->ends_ms = loop_boottime(audit->loop) + timeout_ms;
    return audit;
}

void audit_destroy(struct audit *audit)
{
    gitlab_destroy(audit->gitlab);
    http_destroy(audit->http);
    loop_timer_destroy(audit->timer);
    free(audit);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Calls that are waited for */

static void on_audit_answer(void *arg, const struct gitlab_answer *answer)
{
    struct asked *asked = arg;

    asked->op = NULL;
    asked->answer = *answer;
    asked->answer.token = asked->answer.expiration = NULL;
    asked->answer.body = answer->body ? arena_json(asked->audit->a, json_ref(answer->body)) : NULL;
    if (--*asked->open == 0)
        loop_stop(asked->audit->loop);
}

static struct gitlab_request request_to(const struct orphan_credential *c, enum gitlab_op_kind op, int64_t id)
{
    return (struct gitlab_request){.op = op,
                                   .url = c->url,
                                   .address = c->address,
                                   .ca_pem = c->ca_pem,
                                   .client_cert = c->client_cert,
                                   .client_key = c->client_key,
                                   .token = c->token,
                                   .runner_id = id,
                                   .ns = c->ns};
}

/* At most AT_ONCE of them. What has not been answered in time has an error. */
static void audit_ask(struct audit *audit, const struct gitlab_request *requests, struct asked *asked, size_t len)
{
    int64_t left = audit->ends_ms - loop_boottime(audit->loop);
    size_t open = len;

    assert(len <= AT_ONCE && audit->gitlab);
    audit->over |= left <= 0;
    for (size_t i = 0; i < len; i++) {
        asked[i] = (struct asked){.audit = audit, .open = &open};
        if (!audit->over)
            asked[i].op = gitlab_start(audit->gitlab, &requests[i], on_audit_answer, &asked[i]);
    }
    if (!audit->over && len) {
        loop_timer_set(audit->timer, left);
        loop_run(audit->loop);
        loop_timer_set(audit->timer, -1);
    }
    assert(audit->over || open == 0);
    for (size_t i = 0; i < len; i++)
        if (asked[i].op || audit->over) {
            if (asked[i].op)
                gitlab_cancel(asked[i].op);
            err_set(&asked[i].answer.err, ERR_RETRY, "Timeout", "%s: no answer in time", requests[i].url);
        }
}

static struct gitlab_answer audit_ask_one(struct audit *audit, const struct gitlab_request *request)
{
    struct asked asked;

    audit_ask(audit, request, &asked, 1);
    return asked.answer;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Single runners */

/* The uid in our mark, which is the last line of the note that is one; NULL: there is none. */
static const char *uid_of_note(const char *note, struct arena *a)
{
    const char *uid = NULL;

    for (const char *line = note; *line; line += strcspn(line, "\n"), line += *line == '\n')
        if (strncmp(line, MARK_PREFIX, strlen(MARK_PREFIX)) == 0)
            uid = arena_strndup(a, line + strlen(MARK_PREFIX), strcspn(line + strlen(MARK_PREFIX), " \t\r\n"));
    return uid && *uid ? uid : NULL;
}

static int64_t shown_time(struct json_object *body, const char *member)
{
    int64_t time = time_parse(json_str(body, member));

    return time > 0 ? time : 0;
}

/* What GitLab shows of it now. */
static void take_shown(struct orphan_runner *r, const struct gitlab_answer *shown, struct audit *audit)
{
    r->description = json_str_or(shown->body, "description", "");
    r->facts.contacted = shown_time(shown->body, "contacted_at");
    r->facts.created = shown_time(shown->body, "created_at");
    r->facts.now = shown->date_s ? shown->date_s : session_now(audit->call->session);
}

static void take_jobs(struct orphan_runner *r, const struct gitlab_answer *answer)
{
    r->facts.jobs = answer->err.kind != ERR_NONE ? -1 : json_len(answer->body) ? 1 : 0;
}

static bool uid_is_in(const char *list, const char *uid)
{
    size_t len = strlen(uid);

    for (const char *at = list; at && (at = strstr(at, uid)); at += len)
        if ((at == list || at[-1] == ',') && (!at[len] || at[len] == ','))
            return true;
    return false;
}

static bool is_in_ledger(const struct cluster_uids *uids, const char *uid, int64_t id)
{
    for (size_t i = 0; i < json_len(uids->ledger); i++) {
        struct json_object *entry = json_at(uids->ledger, i);
        if (strcmp(json_str_or(entry, "uid", ""), uid) == 0 && json_int_or(entry, "runnerId", 0) == id)
            return true;
    }
    return false;
}

static bool is_known_already(const struct orphan_audit *audit, const char *host, int64_t id)
{
    for (size_t i = 0; i < audit->len; i++)
        if (audit->runners[i].id == id && strcmp(audit->runners[i].host, host) == 0)
            return true;
    return false;
}

static struct orphan_runner *room_for_orphan(struct orphan_audit *ret, struct arena *a)
{
    if (ret->len == ret->size) {
        size_t size = ret->size ? ret->size * 2 : 16;
        struct orphan_runner *more = arena_alloc(a, size * sizeof(*more));
        if (ret->len)
            memcpy(more, ret->runners, ret->len * sizeof(*more));
        ret->runners = more;
        ret->size = size;
    }
    return &ret->runners[ret->len++];
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What one token sees */

struct search {
    struct audit *audit;
    const struct cluster_uids *uids;
    const struct orphan_credential *c;
    const char *vouched;
    struct orphan_audit *ret;
};

static void note_marked(struct search *s, const struct gitlab_answer *shown)
{
    struct arena *a = s->audit->a;
    const char *uid = uid_of_note(json_str_or(shown->body, "maintenance_note", ""), a);

    if (!uid || is_known_already(s->ret, s->c->host, shown->id))
        return;
    struct orphan_runner *r = room_for_orphan(s->ret, a);
    *r = (struct orphan_runner){.credential = s->c, .host = s->c->host, .url = s->c->url, .id = shown->id, .uid = uid};
    take_shown(r, shown, s->audit);
    r->facts.object = map_get(&s->uids->objects, uid);
    r->facts.trace = map_get(&s->uids->traces, uid);
    r->facts.all_seen = s->uids->all_seen;
    r->facts.vouched = uid_is_in(s->vouched, uid);
    r->facts.in_ledger = is_in_ledger(s->uids, uid, r->id);
    const struct gitlab_request running = request_to(s->c, GITLAB_OP_RUNNING, r->id);
    const struct gitlab_answer jobs = audit_ask_one(s->audit, &running);
    take_jobs(r, &jobs);
    r->kept = orphan_is_kept(&r->facts, a);
}

/* Of these the notes are read, AT_ONCE at most. */
static void look_at_runners(struct search *s, const int64_t *ids, size_t len)
{
    struct gitlab_request requests[AT_ONCE] = {0};
    struct asked asked[AT_ONCE];

    for (size_t i = 0; i < len; i++)
        requests[i] = request_to(s->c, GITLAB_OP_SHOW, ids[i]);
    audit_ask(s->audit, requests, asked, len);
    s->ret->cut |= s->audit->over;
    for (size_t i = 0; i < len; i++)
        if (asked[i].answer.err.kind == ERR_NONE)
            note_marked(s, &asked[i].answer);
}

static void look_at_page(struct search *s, struct json_object *page)
{
    int64_t ids[AT_ONCE];
    size_t len = 0;

    for (size_t i = 0; i < json_len(page) && !s->audit->over; i++) {
        int64_t id = json_int_or(json_at(page, i), "id", 0);
        s->ret->looked_at++;
        if (map_get(&s->uids->in_use, runner_at_host(s->c->url, id, s->audit->a)))
            continue;
        ids[len++] = id;
        if (len == AT_ONCE) {
            look_at_runners(s, ids, len);
            len = 0;
        }
    }
    look_at_runners(s, ids, len);
}

/* An administrator sees all runners; others those that they administer. */
static void look_by_token(struct search *s)
{
    struct gitlab_request list = request_to(s->c, GITLAB_OP_LIST_ALL, 0);

    for (list.page = 1; list.page;) {
        const struct gitlab_answer page = audit_ask_one(s->audit, &list);
        if (list.op == GITLAB_OP_LIST_ALL && strcmp(page.err.reason, "InsufficientPermissions") == 0) {
            list.op = GITLAB_OP_LIST;
            continue;
        }
        if (page.err.kind != ERR_NONE) {
            s->ret->cut = true;
            fprintf(stderr, "NOT SEEN runners by the token of Secret %s/%s: %s\n", harmless(s->c->ns, s->audit->a),
                    harmless(s->c->secret, s->audit->a), harmless(page.err.text, s->audit->a));
            return;
        }
        look_at_page(s, page.body);
        s->ret->cut |= s->audit->over || (page.next_page > PAGES_MAX);
        list.page = s->audit->over || page.next_page > PAGES_MAX ? 0 : page.next_page;
    }
}

static void note_ledger_alone(const struct cluster_uids *uids, struct orphan_audit *ret, struct arena *a)
{
    for (size_t i = 0; i < json_len(uids->ledger); i++) {
        struct json_object *entry = json_at(uids->ledger, i);
        const char *url = json_str_or(entry, "url", "");
        int64_t id = json_int_or(entry, "runnerId", 0);
        char host[256] = "?";
        struct err ignored;
        http_url_is_valid(url, host, sizeof(host), &ignored);
        if (is_known_already(ret, host, id))
            continue;
        struct orphan_runner *r = room_for_orphan(ret, a);
        *r = (struct orphan_runner){.host = arena_strdup(a, host),
                                    .url = url,
                                    .id = id,
                                    .uid = json_str_or(entry, "uid", ""),
                                    .description = "",
                                    .facts = {.jobs = -1, .in_ledger = true, .trace = "the ledger"},
                                    .kept = arena_printf(a, "in the ledger since %s, the operator goes on trying: %s",
                                                         json_str_or(entry, "time", "?"),
                                                         shown(json_str_or(entry, "reason", "?"), 200).text)};
    }
}

void audit_look(struct audit *audit, const struct cluster_uids *uids, const struct orphan_credentials *credentials,
                const char *vouched, struct orphan_audit *ret)
{
    *ret = (struct orphan_audit){0};
    for (size_t i = 0; i < credentials->len; i++) {
        struct search s = {.audit = audit, .uids = uids, .c = &credentials->items[i], .vouched = vouched, .ret = ret};
        look_by_token(&s);
    }
    note_ledger_alone(uids, ret, audit->a);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Removal */

const char *audit_remove(struct audit *audit, struct orphan_runner *r)
{
    struct arena *a = audit->a;
    const struct gitlab_request show = request_to(r->credential, GITLAB_OP_SHOW, r->id),
                                running = request_to(r->credential, GITLAB_OP_RUNNING, r->id),
                                removal = request_to(r->credential, GITLAB_OP_REMOVE, r->id);
    const struct gitlab_answer seen = audit_ask_one(audit, &show);

    assert(r->credential && !r->kept); /* who calls has judged it by what was seen before */
    if (seen.err.kind != ERR_NONE)
        return arena_strdup(a, seen.err.text);
    const char *uid = uid_of_note(json_str_or(seen.body, "maintenance_note", ""), a);
    if (!uid || strcmp(uid, r->uid) != 0)
        return "its mark is another one by now";
    const struct gitlab_answer jobs = audit_ask_one(audit, &running);
    take_shown(r, &seen, audit);
    take_jobs(r, &jobs);
    r->kept = orphan_is_kept(&r->facts, a);
    if (r->kept)
        return r->kept;
    const struct gitlab_answer gone = audit_ask_one(audit, &removal);
    return gone.err.kind == ERR_NONE ? NULL : arena_strdup(a, gone.err.text);
}
