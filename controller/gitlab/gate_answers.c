/* What a server answers to whom: a breaker for each caller, as many of a namespace as are worth remembering. */
#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "gitlab/gate_parts.h"

struct gate_answers *gate_answers_known(const struct gate_server *server, uint64_t caller)
{
    list_each (node, &server->answers) {
        struct gate_answers *answers = container_of(node, struct gate_answers, node);
        if (answers->caller == caller)
            return answers;
    }
    return NULL;
}

static void forget_answers(struct gate_answers *answers)
{
    assert(!answers->breaker.in_flight && answers->server->lane->tenant->answers > 0);
    answers->server->lane->tenant->answers--;
    list_remove(&answers->node);
    free(answers);
}

/* NULL: all of them are calling. */
static struct gate_answers *oldest_answers(const struct tenant *tenant)
{
    struct gate_answers *oldest = NULL;

    list_each (at, &tenant->servers) {
        list_each (node, &container_of(at, struct gate_server, node)->answers) {
            struct gate_answers *answers = container_of(node, struct gate_answers, node);
            if (!answers->breaker.in_flight && (!oldest || answers->used_ms < oldest->used_ms))
                oldest = answers;
        }
    }
    return oldest;
}

static void forget_past_answers(struct gate_server *server, int64_t now_ms)
{
    list_each_safe (node, after, &server->answers) {
        struct gate_answers *answers = container_of(node, struct gate_answers, node);
        if (!answers->breaker.in_flight && now_ms > answers->used_ms + GATE_FORGET_MS)
            forget_answers(answers);
    }
}

struct gate_answers *gate_answers_of(struct gate_server *server, uint64_t caller, int64_t now_ms)
{
    struct tenant *tenant = server->lane->tenant;
    struct gate_answers *answers = gate_answers_known(server, caller);

    if (answers)
        return answers;
    forget_past_answers(server, now_ms);
    struct gate_answers *oldest = tenant->answers < GATE_ANSWERS ? NULL : oldest_answers(tenant);
    if (oldest)
        forget_answers(oldest);
    answers = mem_alloc(sizeof(*answers));
    answers->server = server;
    answers->caller = caller;
    list_init(&answers->node);
    list_append(&server->answers, &answers->node);
    tenant->answers++;
    return answers;
}

void gate_answers_unused(struct gate_answers *answers, int64_t now_ms)
{
    answers->used_ms = now_ms;
    if (host_is_unremarkable(&answers->breaker))
        forget_answers(answers);
}

void gate_answers_forget(struct gate_server *server)
{
    list_each_safe (node, after, &server->answers)
        forget_answers(container_of(node, struct gate_answers, node));
}
