/* Several replicas and one Lease in worlds of chance: requests are slow, lost before or after their effect, or take
 * effect long after their sender has given them up; processes are stopped, killed and told to end, machines sleep,
 * networks are cut. Whatever happens, never two may act, not even with clocks that differ by all of the margin; and in
 * the end, when all is well, one does. */
#include "lease_fakes.h"

#include "base/clock.h"
#include "base/log.h"

enum {
    WORLDS = 2000 / SLOWNESS / SLOWNESS,
    REPLICAS = 3,
    PACKETS = 24,
    TROUBLE_MS = 120 * 1000, /* of trouble, then … */
    PEACE_MS = 60 * 1000,    /* … of peace         */
    EPOCH_MS = 1000 * 1000,  /* when it begins     */
};

static const struct lease_timing timing = {.duration_ms = 15000, .renew_ms = 10000, .retry_ms = 2000};

struct replica {
    struct loop loop;
    struct kube_client client;
    struct lease *lease;
    uint64_t sent;         /* its requests that are packets already  */
    int64_t stopped_until; /* it does nothing, whatever is due        */
    int64_t cut_until;     /* what it sends is lost                   */
    bool ended;            /* it has given the Lease back, or had none */
};

/* A request on its way. Its sender may be gone long before it arrives. */
struct packet {
    struct replica *from; /* NULL: this place is free */
    uint64_t id;
    char *method, *body;
    int64_t at; /* when it comes to the server, then: when the answer comes back; INT64_MAX: never */
    bool answered;
    struct json_object *object;
    struct err err;
};

struct world {
    unsigned seed;
    int64_t now, next_trouble;
    struct server server;
    struct replica replicas[REPLICAS];
    struct packet packets[PACKETS];
    unsigned identities, handovers;
};

/* Up to that many milliseconds, and mostly much less. */
static int64_t some(int64_t most)
{
    int64_t share = rand() % 1000;

    return most * share * share * share / 1000000000;
}

static bool chance(int percent)
{
    return rand() % 100 < percent;
}

static bool is_peace(const struct world *w)
{
    return w->now >= EPOCH_MS + TROUBLE_MS;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Replicas */

static void replica_start(struct world *w, struct replica *r)
{
    char identity[16];

    snprintf(identity, sizeof(identity), "process-%u", ++w->identities);
    const struct lease_config config = {.ns = "system", .name = "election", .identity = identity, .timing = timing};
    r->client.loop = &r->loop;
    r->ended = false;
    r->lease = lease_create(&r->loop, &r->client, &config);
    lease_start(r->lease);
}

/* As by kill -9. */
static void replica_end(struct replica *r)
{
    lease_destroy(r->lease);
    r->lease = NULL;
}

static void on_released(void *arg)
{
    ((struct replica *)arg)->ended = true;
}

static void set_clocks(struct world *w, int64_t now)
{
    for (size_t i = 0; i < REPLICAS; i++) {
        w->replicas[i].loop.boottime += now - w->now;
        w->replicas[i].loop.now += now - w->now;
    }
    w->now = now;
}

/* When the replica will do what is due at this time of its own clock. */
static int64_t when(const struct world *w, const struct replica *r, int64_t due)
{
    int64_t at = due - r->loop.now + w->now;

    return at > r->stopped_until ? at : r->stopped_until;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The network */

static int64_t delay(const struct world *w)
{
    return 1 + (is_peace(w) ? rand() % 5 : some(20000));
}

static void send_packet(struct world *w, struct replica *r)
{
    size_t i = 0;

    while (i < PACKETS && w->packets[i].from)
        i++;
    assert_true(i < PACKETS);
    bool lost = !is_peace(w) && (w->now < r->cut_until || chance(3));
    w->packets[i] = (struct packet){.from = r,
                                    .id = r->client.requests,
                                    .method = mem_strdup(r->client.method),
                                    .body = r->client.body ? mem_strdup(r->client.body) : NULL,
                                    .at = lost ? INT64_MAX : w->now + delay(w)};
    r->sent = r->client.requests;
}

static void packet_free(struct packet *p)
{
    json_put_ptr(&p->object);
    free(p->method);
    free(p->body);
    *p = (struct packet){0};
}

static void packet_arrives(struct world *w, struct packet *p)
{
    struct replica *r = p->from;

    if (!p->answered) {
        p->object = serve(&w->server, p->method, p->body, &p->err);
        p->answered = true;
        bool lost = !is_peace(w) && (w->now < r->cut_until || chance(3));
        p->at = lost ? INT64_MAX : w->now + delay(w);
        return;
    }
    if (r->client.done && r->client.requests == p->id) {
        struct json_object *object = p->object;
        p->object = NULL;
        tell(&r->client, object, &p->err);
    }
    packet_free(p);
}

/* Nobody waits for it, and it will not arrive. */
static void free_lost_packets(struct world *w)
{
    for (size_t i = 0; i < PACKETS; i++)
        if (w->packets[i].from && w->packets[i].at == INT64_MAX)
            packet_free(&w->packets[i]);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Trouble */

static void stop_process(struct world *w, struct replica *r)
{
    r->stopped_until = w->now + some(60000);
}

/* Only one of its clocks goes on meanwhile. */
static void suspend_machine(struct world *w, struct replica *r)
{
    int64_t length = some(60000);

    r->stopped_until = w->now + length;
    r->loop.now -= length;
}

static void kill_process(struct world *w, struct replica *r)
{
    replica_end(r);
    r->stopped_until = w->now + some(20000);
    replica_start(w, r);
}

static void tell_to_end(struct world *w, struct replica *r)
{
    (void)w;
    if (!r->ended)
        lease_release(r->lease, on_released, r);
}

static void cut_network(struct world *w, struct replica *r)
{
    r->cut_until = w->now + some(60000);
}

/* Rather the one that leads. */
static struct replica *somebody(struct world *w)
{
    struct replica *r = &w->replicas[rand() % REPLICAS];

    for (size_t i = 0; i < REPLICAS; i++)
        if (chance(50) && lease_is_leading(w->replicas[i].lease))
            r = &w->replicas[i];
    return r;
}

static void make_trouble(struct world *w)
{
    static void (*const troubles[])(struct world * w, struct replica * r) = {stop_process, suspend_machine,
                                                                             kill_process, tell_to_end, cut_network};
    struct replica *r = somebody(w);

    w->next_trouble = is_peace(w) ? INT64_MAX : w->now + 1 + some(30000);
    if (!is_peace(w) && r->stopped_until <= w->now)
        troubles[rand() % ARRAY_LEN(troubles)](w, r);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Time */

/* What comes next: the earliest thing that is due; among equals, whichever. */
struct event {
    int64_t at;
    struct packet *packet;
    struct replica *timer, *timeout;
};

static void consider(struct event *next, struct event other)
{
    if (other.at < next->at || (other.at == next->at && chance(50)))
        *next = other;
}

static struct event next_event(struct world *w)
{
    struct event next = {.at = w->next_trouble};

    for (size_t i = 0; i < REPLICAS; i++) {
        struct replica *r = &w->replicas[i];
        if (r->loop.timers[0].callback && r->loop.timers[0].due >= 0)
            consider(&next, (struct event){.at = when(w, r, r->loop.timers[0].due), .timer = r});
        if (r->client.done)
            consider(&next, (struct event){.at = when(w, r, r->client.timeout_at), .timeout = r});
    }
    for (size_t i = 0; i < PACKETS; i++) {
        struct packet *p = &w->packets[i];
        if (p->from && p->answered)
            consider(&next, (struct event){.at = p->at > p->from->stopped_until ? p->at : p->from->stopped_until,
                                           .packet = p});
        else if (p->from)
            consider(&next, (struct event){.at = p->at, .packet = p});
    }
    return next;
}

static void happen(struct world *w, const struct event *event)
{
    set_clocks(w, event->at > w->now ? event->at : w->now);
    if (event->packet) {
        packet_arrives(w, event->packet);
    } else if (event->timeout) {
        tell_failure(&event->timeout->client, "Timeout");
    } else if (event->timer) {
        event->timer->loop.timers[0].due = -1;
        event->timer->loop.timers[0].callback(event->timer->loop.timers[0].arg);
    } else {
        make_trouble(w);
    }
}

/* The processes that have ended begin anew, and what was asked for goes onto the network. */
static void follow_up(struct world *w)
{
    for (size_t i = 0; i < REPLICAS; i++) {
        struct replica *r = &w->replicas[i];
        if (r->ended) {
            replica_end(r);
            replica_start(w, r);
        }
        if (r->client.done && r->client.requests != r->sent)
            send_packet(w, r);
    }
    free_lost_packets(w);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What must be so */

static size_t leaders(const struct world *w)
{
    size_t count = 0;

    for (size_t i = 0; i < REPLICAS; i++)
        count += lease_is_leading(w->replicas[i].lease);
    return count;
}

/* Who leads leads alone, even if the others' clocks were behind by what lies between deadline and duration. */
static void check(struct world *w)
{
    const int64_t margin = timing.duration_ms - timing.renew_ms - 1;

    for (size_t i = 0; i < REPLICAS; i++) {
        if (!lease_is_leading(w->replicas[i].lease))
            continue;
        for (size_t other = 0; other < REPLICAS; other++)
            w->replicas[other].loop.boottime -= other == i ? 0 : margin;
        if (leaders(w) != 1)
            fail_msg("seed %u: two may act, %lld ms after the beginning", w->seed, (long long)(w->now - EPOCH_MS));
        for (size_t other = 0; other < REPLICAS; other++)
            w->replicas[other].loop.boottime += other == i ? 0 : margin;
    }
}

static void live_through(unsigned seed, unsigned *handovers)
{
    struct world w = {.seed = seed, .now = EPOCH_MS, .next_trouble = EPOCH_MS};

    srand(seed);
    for (size_t i = 0; i < REPLICAS; i++) {
        w.replicas[i].loop = (struct loop){.now = EPOCH_MS, .boottime = EPOCH_MS * 2};
        replica_start(&w, &w.replicas[i]);
    }
    while (w.now < EPOCH_MS + TROUBLE_MS + PEACE_MS) {
        const struct event event = next_event(&w);
        happen(&w, &event);
        follow_up(&w);
        check(&w);
    }
    if (leaders(&w) != 1)
        fail_msg("seed %u: all is well, and %zu lead", seed, leaders(&w));
    *handovers += (unsigned)json_int_or(w.server.object, "spec.leaseTransitions", 0);
    for (size_t i = 0; i < REPLICAS; i++)
        replica_end(&w.replicas[i]);
    for (size_t i = 0; i < PACKETS; i++)
        packet_free(&w.packets[i]);
    json_put_ptr(&w.server.object);
}

static void never_two_may_act(void **state)
{
    unsigned handovers = 0;

    (void)state;
    log_setup(LOG_ERROR, true);
    for (unsigned seed = 1; seed <= WORLDS; seed++)
        live_through(seed, &handovers);
    assert_in_range(handovers, WORLDS, 100 * WORLDS); /* or nothing was put to the test */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(never_two_may_act)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
