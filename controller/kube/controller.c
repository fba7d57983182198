#include "kube/controller.h"

#include <assert.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/jitter.h"
#include "base/key.h"
#include "base/machine.h"
#include "base/mem.h"
#include "kube/lease.h"
#include "net/loop.h"

enum {
    KINDS_MAX = 8,
    WAKE_US = 5 * 1000, /* then back to the sockets: an answer may have come for somebody whose turn it is */
    TRIM_MS = 500,      /* after a work has ended, when none is under way                                  */
};

/* A kind: its keys and its works. */
struct work_queue {
    struct controller *controller;
    const struct work_kind *kind;
    void *arg;
    struct queue *queue;
    struct list works;
    struct places places;
    bool blocked;        /* keys are ready, but none that may be taken before a work ends     */
    int64_t progress_us; /* when one last went on                                             */
};

struct controller {
    struct loop *loop;
    const struct lease *lease;
    bool (*synced)(void *arg);
    void *synced_arg;
    struct work_queue kinds[KINDS_MAX];
    size_t len;
    uint64_t term;            /* in which we lead; 0: we do not         */
    bool begun;               /* … and the kinds have begun             */
    struct loop_timer *timer; /* for the next delayed key               */
    struct loop_timer *trimmer;
    bool trim_due; /* works have ended, or keys had none, since the heap was trimmed */
    void (*drained)(void *arg);
    void *drained_arg;
};

#define kinds_each(wq, c)                                                                                              \
    for (struct work_queue *wq = (struct work_queue *)(c)->kinds; wq < (c)->kinds + (c)->len; wq++)

/* ---------------------------------------------------------------------------------------------------------------------
 * Who may begin */

static bool admits(void *arg, const char *ns, enum queue_priority priority)
{
    const struct work_queue *wq = arg;

    return places_admit(&wq->places, ns, priority);
}

static bool has_room(const struct work_queue *wq)
{
    return places_have_room(&wq->places, QUEUE_URGENT);
}

/* What may be taken now. */
static enum queue_priority least_priority(const struct work_queue *wq)
{
    if (wq->controller->drained)
        return QUEUE_BEGUN;
    return places_have_room(&wq->places, QUEUE_ROUTINE) ? QUEUE_ROUTINE : QUEUE_URGENT;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One work, from start to end */

/* See on_trimmer(). */
static void trim_later(struct controller *c)
{
    if (!c->trim_due)
        loop_timer_set(c->trimmer, TRIM_MS);
    c->trim_due = true;
}

static void work_begin(struct work_queue *wq, const char *key, const char *cause)
{
    enum queue_priority priority = queue_taken_priority(wq->queue, key);
    struct work *work = wq->kind->start(wq->arg, key, priority, cause);
    struct key parts;

    if (!work) {
        queue_done(wq->queue, key);
        trim_later(wq->controller);
        return;
    }
    assert(work->state == WORK_READY || work->state == WORK_WAITING);
    work->of = wq;
    work->key = key;
    list_append(&wq->works, &work->node);
    key_parse(key, &parts);
    places_take(&wq->places, &work->place, parts.ns, work->cost, priority);
}

/* Its key is free, and so is its memory. */
static void work_leave(struct work *work)
{
    struct work_queue *wq = work->of;
    const char *key = work->key;

    places_leave(&wq->places, &work->place);
    wq->blocked = false;
    list_remove(&work->node);
    wq->kind->stop(work);
    queue_done(wq->queue, key);
    trim_later(wq->controller);
}

static void works_end(struct work_queue *wq)
{
    list_each_safe (node, after, &wq->works)
        work_leave(container_of(node, struct work, node));
}

static void work_enter(struct work *work, enum work_state to)
{
    static const char *const names[] = {
        [WORK_READY] = "ready", [WORK_WAITING] = "waiting", [WORK_PARKED] = "parked", [WORK_ENDED] = "ended"};
    static const unsigned next[] = {
        [WORK_READY] = MACHINE_TO(WORK_WAITING),
        [WORK_WAITING] = MACHINE_TO(WORK_READY) | MACHINE_TO(WORK_PARKED) | MACHINE_TO(WORK_ENDED),
        [WORK_PARKED] = 0,
        [WORK_ENDED] = 0,
    };
    static const struct machine machine = MACHINE("work", names, next);

    machine_step(&machine, work->state, to);
    work->state = to;
}

static void move(struct work *work, enum work_state to)
{
    work_enter(work, to);
    if (work->of)
        loop_wake(work->of->controller->loop);
}

void work_ready(struct work *work)
{
    move(work, WORK_READY);
}

void work_park(struct work *work)
{
    move(work, WORK_PARKED);
}

void work_done(struct work *work)
{
    move(work, WORK_ENDED);
}

unsigned work_retry(struct work *work, const struct err *err)
{
    struct work_queue *wq = work->of;
    unsigned failures = queue_fail(wq->queue, work->key);
    int64_t pause = backoff_pause(wq->kind->retry, failures, err->retry_after_ms, jitter_random());

    queue_add_at(wq->queue, work->key, loop_now(wq->controller->loop) + pause, "a retry is due");
    move(work, WORK_ENDED);
    return failures;
}

static void work_step(struct work *work)
{
    struct work_queue *wq = work->of;

    work_enter(work, WORK_WAITING);
    places_step(&wq->places, &work->place);
    wq->progress_us = clock_us();
    wq->kind->step(work);
}

static void leave_ended(struct work_queue *wq)
{
    list_each_safe (node, after, &wq->works) {
        struct work *work = container_of(node, struct work, node);
        if (work->state == WORK_PARKED || work->state == WORK_ENDED)
            work_leave(work);
    }
}

/* Of those that may go on; NULL: none may. */
static struct work *next_ready(const struct work_queue *wq)
{
    struct work *next = NULL;

    list_each (node, &wq->works) {
        struct work *work = container_of(node, struct work, node);
        if (work->state == WORK_READY && (!next || place_is_before(&work->place, &next->place)))
            next = work;
    }
    return next;
}

static void step_works(struct work_queue *wq)
{
    int64_t end = clock_us() + WAKE_US;
    struct work *work;

    while ((work = next_ready(wq)) && clock_us() < end)
        work_step(work);
    if (work)
        loop_wake(wq->controller->loop);
    leave_ended(wq);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The loop */

static void take_keys(struct work_queue *wq)
{
    const char *key = "", *cause;
    int64_t now = loop_now(wq->controller->loop), end = clock_us() + WAKE_US;

    while (has_room(wq) && clock_us() < end && (key = queue_take(wq->queue, now, least_priority(wq), &cause)))
        work_begin(wq, key, cause);
    wq->blocked = !key && queue_next_ms(wq->queue, least_priority(wq)) == 0;
}

/* -1: none, as long as no work ends. */
static int64_t next_key_ms(const struct work_queue *wq)
{
    if (!has_room(wq))
        return -1;
    return wq->blocked ? queue_next_due_ms(wq->queue) : queue_next_ms(wq->queue, least_priority(wq));
}

static void arm_timer(struct controller *c)
{
    int64_t now = loop_now(c->loop), next = -1;

    kinds_each (wq, c) {
        int64_t of_kind = next_key_ms(wq);
        if (of_kind >= 0 && (next < 0 || of_kind < next))
            next = of_kind;
    }
    loop_timer_set(c->timer, next > now ? next - now : next < 0 ? -1 : 0);
}

static void work_on(struct controller *c)
{
    kinds_each (wq, c) {
        take_keys(wq);
        step_works(wq);
    }
    arm_timer(c);
}

static void forget_kind(struct work_queue *wq)
{
    works_end(wq);
    if (wq->kind->forget)
        wq->kind->forget(wq->arg);
}

/* Before anything else, whatever kept us. The watches go on in any case, so a new term begins with what is. */
static void follow_lease(struct controller *c)
{
    uint64_t term = lease_term(c->lease);

    if (term == c->term)
        return;
    kinds_each (wq, c)
        forget_kind(wq);
    c->term = term;
    c->begun = false;
}

static void prepare_kinds(struct controller *c)
{
    kinds_each (wq, c) {
        if (!c->begun && wq->kind->begin)
            wq->kind->begin(wq->arg);
        if (wq->kind->prepare)
            wq->kind->prepare(wq->arg);
    }
    c->begun = true;
}

/* Whether nothing is left that was begun. */
static bool drain_kinds(struct controller *c)
{
    bool all = true;

    kinds_each (wq, c)
        all = (!wq->kind->drain || wq->kind->drain(wq->arg)) && wq->places.len == 0 && all;
    return all;
}

/* What was begun outside is seen to its end. */
static void drain_works(struct controller *c)
{
    drain_kinds(c);
    work_on(c);
    if (drain_kinds(c))
        c->drained(c->drained_arg);
}

/* After the sockets were polled; the only place where anything happens. */
static void on_controller_turn(void *arg)
{
    struct controller *c = arg;

    follow_lease(c);
    kinds_each (wq, c)
        step_works(wq);
    if (c->drained) {
        drain_works(c);
    } else if (c->term && c->synced(c->synced_arg)) {
        prepare_kinds(c);
        work_on(c);
    }
}

static void rest_kinds(struct controller *c)
{
    kinds_each (wq, c)
        if (wq->kind->rest)
            wq->kind->rest(wq->arg);
}

/* A burst of work leaves the heap full of holes: their pages go back when it is over, and not within it, for it would
 * ask for them again. */
static void on_trimmer(void *arg)
{
    struct controller *c = arg;
    size_t len = 0;

    c->trim_due = false;
    kinds_each (wq, c)
        len += wq->places.len;
    if (len) {
        trim_later(c);
        return;
    }
    rest_kinds(c);
    malloc_trim(0);
}

static void on_controller_timer(void *arg)
{
    (void)arg; /* waking up is enough: the loop's hook does the rest */
}

/* ---------------------------------------------------------------------------------------------------------------------
 * From outside */

struct controller *controller_create(struct loop *loop, const struct lease *lease, bool (*synced)(void *arg), void *arg)
{
    struct controller *c = mem_alloc(sizeof(*c));

    *c = (struct controller){.loop = loop, .lease = lease, .synced = synced, .synced_arg = arg};
    c->timer = loop_timer_create(loop, on_controller_timer, c);
    c->trimmer = loop_timer_create(loop, on_trimmer, c);
    loop_after(loop, on_controller_turn, c);
    return c;
}

void controller_destroy(struct controller *c)
{
    if (!c)
        return;
    kinds_each (wq, c) {
        forget_kind(wq);
        places_finish(&wq->places);
        queue_destroy(wq->queue);
    }
    loop_timer_destroy(c->timer);
    loop_timer_destroy(c->trimmer);
    free(c);
}

void controller_add_kind(struct controller *c, const struct work_kind *kind, void *arg)
{
    struct work_queue *wq = &c->kinds[c->len++];

    assert(c->len <= KINDS_MAX);
    *wq = (struct work_queue){
        .controller = c, .kind = kind, .arg = arg, .queue = queue_create(), .progress_us = clock_us()};
    wq->places = (struct places){.max = kind->places,
                                 .routine_max = kind->routine_places ? kind->routine_places : kind->places,
                                 .tenant_max = kind->namespace_places ? kind->namespace_places : kind->places,
                                 .memory_max = kind->memory ? kind->memory : SIZE_MAX};
    list_init(&wq->works);
    queue_ask(wq->queue, admits, wq);
}

/* NULL: nobody works on such keys. */
static struct work_queue *queue_of(const struct controller *c, const char *kind, size_t len)
{
    kinds_each (wq, c)
        for (const char *const *name = wq->kind->names; *name; name++)
            if (strncmp(*name, kind, len) == 0 && (*name)[len] == '\0')
                return wq;
    return NULL;
}

void controller_add(struct controller *c, const char *key, enum queue_priority priority, const char *cause)
{
    struct work_queue *wq = queue_of(c, key, strcspn(key, "/"));

    if (wq)
        queue_add(wq->queue, key, priority, cause);
}

void controller_add_at(struct controller *c, const char *key, int64_t at_ms, const char *cause)
{
    struct work_queue *wq = queue_of(c, key, strcspn(key, "/"));

    if (wq)
        queue_add_at(wq->queue, key, at_ms, cause);
}

unsigned controller_failures(const struct controller *c, const char *key)
{
    const struct work_queue *wq = queue_of(c, key, strcspn(key, "/"));

    return wq ? queue_failures(wq->queue, key) : 0;
}

void controller_drain(struct controller *c, void (*done)(void *arg), void *arg)
{
    c->drained = done;
    c->drained_arg = arg;
    kinds_each (wq, c)
        if (!wq->kind->drain)
            forget_kind(wq);
    loop_wake(c->loop);
}

struct work_view controller_view(const struct controller *c, const char *kind)
{
    const struct work_queue *wq = queue_of(c, kind, strlen(kind));

    assert(wq);
    return (struct work_view){.queue = wq->queue,
                              .works = &wq->works,
                              .len = wq->places.len,
                              .places = wq->kind->places,
                              .idle_seconds = seconds_since(wq->progress_us)};
}

bool controller_is_leading(const struct controller *c)
{
    return c->term != 0;
}

bool controller_is_draining(const struct controller *c)
{
    return c->drained != NULL;
}
