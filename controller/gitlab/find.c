/* GITLAB_OP_FIND: the runner whose maintenance note has our mark. Lists do not show notes, so the runners that never
 * asked for a job (ours cannot have, if nobody ever had its token) are read one by one; before them, the one that may
 * have, if its id is known.
 *
 * However long a list a server makes up, the search holds no more than one page of ids and one answer, calls at most
 * once in PACE_MS, and ends after SEARCH_MS. Pages only go forward, and none is empty but the last. */
#include <assert.h>
#include <string.h>

#include "base/json.h"
#include "base/mark.h"
#include "base/mem.h"
#include "gitlab/op.h"
#include "net/loop.h"

enum {
    PAGE = 20, /* runners on a page: with the longest descriptions that GitLab takes they fit into ANSWER_MAX */
    ANSWER_MAX = 128 << 10,
    PACE_MS = 50,
    SEARCH_MS = 10 * 60 * 1000,
};

struct search {
    int64_t ends_ms;
    int64_t ids[PAGE]; /* of the page that was read last */
    size_t len, next;  /* … and the one to be looked at  */
    int64_t page;      /* the next to be read; 0: there is none */
    bool refused;      /* one was not for us to see, or gone    */
};

static void look_on(struct gitlab_op *op);

/* ---------------------------------------------------------------------------------------------------------------------
 * One runner */

static void on_runner(struct gitlab_op *op, const struct http_reply *reply)
{
    struct search *s = op->search;
    bool own = refusal_is_in_gitlabs_words(GITLAB_OP_SHOW, reply),
         scope = strcmp(op->failure.reason, "InsufficientScope") == 0;

    if (own && !scope) {
        s->refused = true;
        look_on(op);
        return;
    }
    if (!op_expect(op, reply, 200))
        return;
    struct json_object *runner = op_read(op, reply);
    if (!runner)
        return;
    if (has_mark(json_str_or(runner, "maintenance_note", ""), op->call.mark))
        op_answer(op, &(struct gitlab_answer){.id = json_int_or(runner, "id", 0)});
    else
        look_on(op);
}

static void ask_for_a_runner(struct gitlab_op *op, int64_t id)
{
    cleanup_arena struct arena a = {0};
    const struct op_message message = {.method = "GET",
                                       .path = arena_printf(&a, "/runners/%lld", (long long)id),
                                       .with_token = true,
                                       .max_answer = ANSWER_MAX};

    op->call.runner_id = id;
    op_send(op, &message, on_runner);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A page of the list */

static bool take_ids(struct search *s, struct json_object *runners)
{
    if (!json_is_array(runners) || json_len(runners) > PAGE)
        return false;
    s->next = 0;
    for (s->len = 0; s->len < json_len(runners); s->len++) {
        s->ids[s->len] = json_int_or(json_at(runners, s->len), "id", 0);
        if (s->ids[s->len] <= 0)
            return false;
    }
    return true;
}

static void on_found_page(struct gitlab_op *op, const struct http_reply *reply)
{
    struct search *s = op->search;
    struct err err;

    if (refusal_is_in_gitlabs_words(GITLAB_OP_FIND, reply)) {
        op_prove(op, &(struct gitlab_answer){.err = op->failure});
        return;
    }
    if (!op_expect(op, reply, 200))
        return;
    struct json_object *runners = arena_json(&op->step, json_parse(reply->body, reply->len, &err));
    int64_t next = page_after(reply->next_page, s->page);
    if (!take_ids(s, runners) || next < 0 || (next && !s->len)) {
        err_set(&err, ERR_RETRY, "UnexpectedAnswer", "%s answered with a list of runners that is none of GitLab's",
                op->call.url);
        op_answer_error(op, &err, false);
        return;
    }
    s->page = next;
    look_on(op);
}

static void ask_for_a_page(struct gitlab_op *op)
{
    cleanup_arena struct arena a = {0};
    const char *type = op->call.runner_type;
    const char *where =
        strcmp(type, "group_type") == 0     ? arena_printf(&a, "/groups/%lld/runners", (long long)op->call.scope_id)
        : strcmp(type, "project_type") == 0 ? arena_printf(&a, "/projects/%lld/runners", (long long)op->call.scope_id)
                                            : "/runners/all";
    const struct op_message message = {.method = "GET",
                                       .path =
                                           arena_printf(&a, "%s?type=%s&status=never_contacted&per_page=%d&page=%lld",
                                                        where, type, PAGE, (long long)op->search->page),
                                       .with_token = true,
                                       .max_answer = ANSWER_MAX};

    op_send(op, &message, on_found_page);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The whole */

static void give_up(struct gitlab_op *op)
{
    struct err err;

    err_set(&err, ERR_RETRY, "SearchTooLong",
            "%s has so many runners that never asked for a job that ours was not among those looked at in %d minutes; "
            "delete those that nobody needs. It is searched again",
            op->call.url, SEARCH_MS / 60 / 1000);
    op_answer_error(op, &err, false);
}

/* Nothing was found; where something was not shown, that may be a refusal that was not GitLab's. */
static void find_none(struct gitlab_op *op)
{
    const struct gitlab_answer none = {.id = 0};

    if (op->search->refused)
        op_prove(op, &none);
    else
        op_answer(op, &none);
}

static void on_find_timer(void *arg)
{
    struct gitlab_op *op = arg;
    struct search *s = op->search;

    if (loop_now(op->gitlab->loop) >= s->ends_ms)
        give_up(op);
    else if (s->next < s->len)
        ask_for_a_runner(op, s->ids[s->next++]);
    else if (s->page)
        ask_for_a_page(op);
    else
        find_none(op);
}

static void look_on(struct gitlab_op *op)
{
    assert(op->search && op->state == OP_RESTING);
    loop_timer_set(op->pace, PACE_MS);
}

void search_begin(struct gitlab_op *op)
{
    struct search *s = op->search = arena_alloc(&op->mem, sizeof(*s));

    *s = (struct search){.ends_ms = loop_now(op->gitlab->loop) + SEARCH_MS,
                         .ids = {op->call.runner_id},
                         .len = op->call.runner_id > 0,
                         .page = 1};
    op->pace = loop_timer_create(op->gitlab->loop, on_find_timer, op);
    loop_timer_set(op->pace, 0);
}
