#include "gitlab/gate.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/jitter.h"
#include "base/machine.h"
#include "base/mem.h"
#include "gitlab/gate_parts.h"
#include "net/http.h"
#include "net/loop.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Places */

/* Whoever holds more than is left takes no more. */
static bool has_share(size_t held, size_t taken, size_t places)
{
    return taken < places && held < places - taken;
}

static bool has_place(const struct gate *gate, const struct gate_lane *lane)
{
    return has_share(lane->inside, lane->host->inside, gate->concurrency) &&
           has_share(lane->tenant->inside, gate->inside, GATE_PLACES);
}

static void count_places(struct gate *gate, struct gate_lane *lane, int places)
{
    assert(places > 0 || (lane->inside && lane->host->inside && lane->tenant->inside && gate->inside));
    lane->inside += (size_t)places;
    lane->host->inside += (size_t)places;
    lane->tenant->inside += (size_t)places;
    gate->inside += (size_t)places;
}

static void pass_enter(struct gate_pass *pass, enum gate_pass_state to)
{
    static const char *const names[] = {
        [PASS_OUTSIDE] = "outside", [PASS_IN_LINE] = "in line", [PASS_INSIDE] = "inside", [PASS_CALLING] = "calling"};
    static const unsigned next[] = {
        [PASS_OUTSIDE] = MACHINE_TO(PASS_IN_LINE) | MACHINE_TO(PASS_INSIDE),
        [PASS_IN_LINE] = MACHINE_TO(PASS_INSIDE) | MACHINE_TO(PASS_OUTSIDE),
        [PASS_INSIDE] = MACHINE_TO(PASS_CALLING) | MACHINE_TO(PASS_OUTSIDE),
        [PASS_CALLING] = MACHINE_TO(PASS_INSIDE),
    };
    static const struct machine machine = MACHINE("pass", names, next);

    machine_step(&machine, pass->state, to);
    assert((to == PASS_OUTSIDE) == (pass->server == NULL) && (to == PASS_CALLING) == (pass->answers != NULL));
    pass->state = to;
}

static void let_in(struct gate *gate, struct gate_pass *pass)
{
    assert(has_place(gate, pass->server->lane));
    pass_enter(pass, PASS_INSIDE);
    count_places(gate, pass->server->lane, 1);
}

/* Out of the line, or off its place. */
static void step_out(struct gate *gate, struct gate_pass *pass)
{
    struct gate_server *server = take(pass->server);

    assert(server->passes > 0 && !pass->refusal);
    if (pass->state == PASS_INSIDE)
        count_places(gate, server->lane, -1);
    else
        gate->waiting--;
    list_remove(&pass->node);
    pass_enter(pass, PASS_OUTSIDE);
    server->passes--;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Refusals */

/* The breaker that keeps the caller from going there now; NULL: it may. */
static const struct host *refusing(const struct gate_server *server, uint64_t caller, int64_t now_ms)
{
    const struct gate_host *host = server->lane->host;
    const struct gate_answers *answers = gate_answers_known(server, caller);

    if (host->proxy && host_refuses(host->proxy, now_ms))
        return host->proxy;
    if (host_refuses(&host->transport, now_ms))
        return &host->transport;
    return answers && host_refuses(&answers->breaker, now_ms) ? &answers->breaker : NULL;
}

static bool refuses(const struct gate_server *server, uint64_t caller, int64_t now_ms, struct err *ret_err)
{
    const struct host *breaker = refusing(server, caller, now_ms);

    if (breaker)
        *ret_err = host_refusal(breaker, now_ms, jitter_random());
    return breaker != NULL;
}

void gate_refuse(struct gate *gate, struct gate_pass *pass, const struct err *err)
{
    assert(!pass->refusal && (pass->state == PASS_OUTSIDE || pass->state == PASS_INSIDE));
    pass->refusal = mem_alloc(sizeof(*pass->refusal));
    *pass->refusal = *err;
    list_append(&gate->refused, &pass->node);
    loop_timer_set(gate->timer, 0);
}

static void on_gate_timer(void *arg)
{
    struct gate *gate = arg;
    struct list *node;

    while ((node = list_pop(&gate->refused))) {
        struct gate_pass *pass = container_of(node, struct gate_pass, node);
        const struct err refusal = *pass->refusal;
        free(take(pass->refusal));
        pass->go(pass, &refusal);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lines */

static struct gate_pass *first_in(const struct gate_lane *lane)
{
    const struct list *line = list_empty(&lane->urgent) ? &lane->routine : &lane->urgent;

    return list_empty(line) ? NULL : container_of(line->next, struct gate_pass, node);
}

/* A breaker is open: nobody waits for it in line. */
static void send_away(struct gate *gate, struct list *line)
{
    int64_t now = loop_now(gate->loop);
    struct err err;

    list_each_safe (node, after, line) {
        struct gate_pass *pass = container_of(node, struct gate_pass, node);
        if (!refuses(pass->server, pass->caller, now, &err))
            continue;
        step_out(gate, pass);
        gate_refuse(gate, pass, &err);
    }
}

static void clear_host(struct gate *gate, struct gate_host *host)
{
    list_each (node, &host->lanes) {
        struct gate_lane *lane = container_of(node, struct gate_lane, node);
        send_away(gate, &lane->urgent);
        send_away(gate, &lane->routine);
    }
}

/* Of this host; when the proxy is to blame, of all that are behind it. */
static void clear_lines(struct gate *gate, struct gate_host *host)
{
    clear_host(gate, host);
    if (host->proxy && host->proxy->state == HOST_OPEN)
        list_each (node, &gate->hosts)
            clear_host(gate, container_of(node, struct gate_host, node));
}

/* The next namespace of the host that waits and may take a place; then it is the others' turn. */
static struct gate_pass *next_in(const struct gate *gate, struct gate_host *host)
{
    list_each (node, &host->lanes) {
        struct gate_lane *lane = container_of(node, struct gate_lane, node);
        struct gate_pass *pass = first_in(lane);
        if (!pass || !has_place(gate, lane))
            continue;
        list_remove(&lane->node);
        list_append(&host->lanes, &lane->node);
        return pass;
    }
    return NULL;
}

/* go() may enter and cancel passes, and with them hosts come and go: after each one it is looked anew. */
static bool advance_one(struct gate *gate)
{
    list_each (node, &gate->hosts) {
        struct gate_host *host = container_of(node, struct gate_host, node);
        struct gate_pass *pass = next_in(gate, host);
        if (!pass)
            continue;
        list_remove(&host->node);
        list_append(&gate->hosts, &host->node);
        list_remove(&pass->node);
        assert(gate->waiting > 0);
        gate->waiting--;
        let_in(gate, pass);
        pass->go(pass, NULL);
        return true;
    }
    return false;
}

static void advance_lines(struct gate *gate)
{
    while (gate->waiting && advance_one(gate))
        ;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Passes */

static bool refuse_too_many(const struct gate_door *door, struct err *ret_err)
{
    return err_set(ret_err, ERR_RETRY, "TooManyServers",
                   "namespace %s calls %d GitLab servers already: it is tried again when one of them has answered",
                   door->ns, GATE_SERVERS);
}

enum gate_verdict gate_enter(struct gate *gate, struct gate_pass *pass, const struct gate_door *door,
                             struct err *ret_err)
{
    assert(pass->state == PASS_OUTSIDE && !pass->refusal && pass->go);
    struct gate_server *server = gate_server_of(gate, door);

    if (!server && !refuse_too_many(door, ret_err))
        return GATE_REFUSE;
    if (refuses(server, door->caller, loop_now(gate->loop), ret_err))
        return GATE_REFUSE;
    pass->server = server;
    pass->caller = door->caller;
    pass->urgent = door->urgent;
    server->passes++;
    list_init(&pass->node);
    if (!first_in(server->lane) && has_place(gate, server->lane)) {
        let_in(gate, pass);
        return GATE_GO;
    }
    pass_enter(pass, PASS_IN_LINE);
    gate->waiting++;
    list_append(door->urgent ? &server->lane->urgent : &server->lane->routine, &pass->node);
    return GATE_WAIT;
}

bool gate_is_for(const struct gate_pass *pass, const struct gate_door *door)
{
    cleanup_arena struct arena a = {0};
    const struct gate_server *server = pass->server;

    return server && pass->caller == door->caller && strcmp(server->url, door->url) == 0 &&
           strcmp(server->lane->tenant->ns, door->ns) == 0 &&
           strcmp(server->lane->host->name, gate_host_name(door->url, door->address, &a)) == 0;
}

void gate_hand_over(struct gate_pass *from, struct gate_pass *to)
{
    assert(from->state == PASS_INSIDE && !from->refusal && !to->refusal);
    to->server = take(from->server);
    to->caller = from->caller;
    to->urgent = from->urgent;
    pass_enter(to, PASS_INSIDE);
    pass_enter(from, PASS_OUTSIDE);
    list_init(&to->node);
}

void gate_follow(struct gate *gate, void (*called)(void *arg, const char *host), void *arg)
{
    gate->called = called;
    gate->called_arg = arg;
}

bool gate_begin(struct gate *gate, struct gate_pass *pass, struct err *ret_err)
{
    struct gate_server *server = pass->server;
    int64_t now = loop_now(gate->loop);

    assert(pass->state == PASS_INSIDE && !pass->refusal);
    if (refuses(server, pass->caller, now, ret_err))
        return false;
    pass->answers = gate_answers_of(server, pass->caller, now);
    pass_enter(pass, PASS_CALLING);
    if (server->lane->host->proxy)
        host_enter(server->lane->host->proxy, now, &pass->proxy_epoch);
    host_enter(&server->lane->host->transport, now, &pass->host_epoch);
    host_enter(&pass->answers->breaker, now, &pass->answers_epoch);
    if (gate->called)
        gate->called(gate->called_arg, server->lane->host->name);
    return true;
}

/* Who has got anything from a host behind it, a failed connection too, has found the proxy. */
static enum host_outcome proxy_outcome(enum host_outcome transport)
{
    return transport == HOST_BLOCKED ? HOST_FAILED : transport == HOST_DROPPED ? HOST_DROPPED : HOST_ANSWERED;
}

void gate_end(struct gate *gate, struct gate_pass *pass, enum host_outcome transport, enum host_outcome answer,
              const struct err *err)
{
    struct gate_answers *answers = take(pass->answers);
    struct gate_host *host = pass->server->lane->host;
    int64_t now = loop_now(gate->loop);

    pass_enter(pass, PASS_INSIDE);
    if (host->proxy)
        host_leave(host->proxy, &gate->limits, pass->proxy_epoch, proxy_outcome(transport), err, now, jitter_random());
    host_leave(&host->transport, &gate->limits, pass->host_epoch, transport, err, now, jitter_random());
    host_leave(&answers->breaker, &gate->limits, pass->answers_epoch, answer, err, now, jitter_random());
    if (host->transport.state == HOST_OPEN || answers->breaker.state == HOST_OPEN ||
        (host->proxy && host->proxy->state == HOST_OPEN))
        clear_lines(gate, host);
    gate_answers_unused(answers, now);
}

void gate_cancel(struct gate *gate, struct gate_pass *pass)
{
    static const struct err none;
    struct gate_server *server = pass->server;

    if (pass->answers)
        gate_end(gate, pass, HOST_DROPPED, HOST_DROPPED, &none);
    if (pass->refusal) {
        list_remove(&pass->node);
        free(take(pass->refusal));
    }
    if (!server)
        return;
    step_out(gate, pass);
    if (!server->passes)
        gate_server_unused(gate, server);
    advance_lines(gate);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct gate *gate_create(struct loop *loop, unsigned concurrency)
{
    struct gate *gate = mem_alloc(sizeof(*gate));

    *gate = (struct gate){.loop = loop, .limits = host_default_limits, .concurrency = concurrency};
    list_init(&gate->hosts);
    list_init(&gate->tenants);
    list_init(&gate->refused);
    gate->timer = loop_timer_create(loop, on_gate_timer, gate);
    return gate;
}

void gate_destroy(struct gate *gate)
{
    if (!gate)
        return;
    assert(!gate->inside && !gate->waiting && list_empty(&gate->refused));
    gate_servers_finish(gate);
    loop_timer_destroy(gate->timer);
    free(gate);
}

const struct host *gate_proxy(const struct gate *gate)
{
    return &gate->proxy;
}

size_t gate_inside(const struct gate *gate)
{
    return gate->inside;
}

size_t gate_waiting(const struct gate *gate)
{
    return gate->waiting;
}
