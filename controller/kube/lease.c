#include "kube/lease.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/log.h"
#include "base/machine.h"
#include "base/mem.h"
#include "base/time.h"
#include "kube/client.h"
#include "net/loop.h"

static const struct kube_resource leases = {
    .kind = "Lease", .api_version = "coordination.k8s.io/v1", .plural = "leases", .namespaced = true};

enum lease_state { LEASE_STANDBY, LEASE_LEADING, LEASE_RELEASED };

struct lease {
    struct loop *loop;
    struct kube_client *client;
    char *ns, *name, *identity;
    struct lease_timing timing;
    struct loop_timer *timer;
    enum lease_state state;
    uint64_t term;              /* how many times we have begun to lead              */
    int64_t renewed_ms;         /* when the last write that succeeded was started    */
    uint64_t request;           /* in flight; 0: none                                */
    int64_t started_ms;         /* … since                                           */
    int64_t next_ms;            /* of the next one; INT64_MAX while one is in flight */
    struct json_object *object; /* as it was last seen; NULL: never                  */
    int64_t seen_ms;            /* since when its spec is as it is                   */
    bool known;                 /* it is as we wrote it: it may be written unread    */
    bool absent;                /* it is not there (any more)                        */
    uint64_t slow_paths;
    char *said;                  /* the last news of attempts                         */
    void (*released)(void *arg); /* not NULL: give it back                            */
    void *released_arg;
};

static void attempt(struct lease *lease);

static void lease_enter(struct lease *lease, enum lease_state to)
{
    static const char *const names[] = {
        [LEASE_STANDBY] = "standby", [LEASE_LEADING] = "leading", [LEASE_RELEASED] = "released"};
    static const unsigned next[] = {
        [LEASE_STANDBY] = MACHINE_TO(LEASE_LEADING) | MACHINE_TO(LEASE_RELEASED),
        [LEASE_LEADING] = MACHINE_TO(LEASE_LEADING) | MACHINE_TO(LEASE_STANDBY) | MACHINE_TO(LEASE_RELEASED),
        [LEASE_RELEASED] = 0,
    };
    static const struct machine machine = MACHINE("lease", names, next);

    machine_step(&machine, lease->state, to);
    lease->state = to;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What the clock says */

bool lease_timing_is_valid(const struct lease_timing *t, struct err *err)
{
    if (t->retry_ms <= 0)
        return err_set(err, ERR_INVALID, "LeaseTiming", "the retry period must be longer than nothing");
    if (t->renew_ms * 10 <= t->retry_ms * 12)
        return err_set(err, ERR_INVALID, "LeaseTiming", "the renew deadline must be longer than 1.2 retry periods");
    if (t->duration_ms <= t->renew_ms)
        return err_set(err, ERR_INVALID, "LeaseTiming", "the lease duration must be longer than the renew deadline");
    return true;
}

uint64_t lease_term(const struct lease *lease)
{
    if (!lease)
        return 1;
    bool leading =
        lease->state == LEASE_LEADING && loop_boottime(lease->loop) < lease->renewed_ms + lease->timing.renew_ms;
    return leading ? lease->term : 0;
}

bool lease_is_leading(const struct lease *lease)
{
    return lease_term(lease) != 0;
}

bool lease_renewal_overdue(const struct lease *lease)
{
    return lease && lease->state == LEASE_LEADING &&
           loop_boottime(lease->loop) >= lease->renewed_ms + lease->timing.duration_ms;
}

uint64_t lease_slow_paths(const struct lease *lease)
{
    return lease->slow_paths;
}

const char *lease_name(const struct lease *lease)
{
    return lease->name;
}

static void step_down(struct lease *lease, const char *why)
{
    lease_enter(lease, LEASE_STANDBY);
    log_event(LOG_WARN, "lease", "lost", "why", why, NULL);
}

/* The renew deadline must be noticed, too. */
static void arm(struct lease *lease)
{
    int64_t due = lease->next_ms, now = loop_boottime(lease->loop);

    if (lease->state == LEASE_LEADING && lease->renewed_ms + lease->timing.renew_ms < due)
        due = lease->renewed_ms + lease->timing.renew_ms;
    loop_timer_set(lease->timer, due == INT64_MAX ? -1 : due > now ? due - now : 0);
}

static void on_lease_timer(void *arg)
{
    struct lease *lease = arg;

    if (lease->state == LEASE_LEADING && !lease_is_leading(lease))
        step_down(lease, "not renewed in time");
    if (loop_boottime(lease->loop) >= lease->next_ms)
        attempt(lease);
    arm(lease);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What the record says */

const char *lease_holder(const struct lease *lease)
{
    return json_str_or(lease->object, "spec.holderIdentity", "");
}

static bool is_our_lease(const struct lease *lease)
{
    return strcmp(lease_holder(lease), lease->identity) == 0;
}

/* Until when it is somebody else's. */
static int64_t foreign_until(const struct lease *lease)
{
    if (!*lease_holder(lease) || is_our_lease(lease))
        return 0;
    int64_t seconds = json_int_or(lease->object, "spec.leaseDurationSeconds", 0);
    return lease->seen_ms + (seconds > 0 && seconds < INT32_MAX ? seconds * 1000 : lease->timing.duration_ms);
}

static void observe(struct lease *lease, struct json_object *object)
{
    if (!lease->object || !json_same(json_get(object, "spec"), json_get(lease->object, "spec")))
        lease->seen_ms = loop_boottime(lease->loop);
    json_put_ptr(&lease->object);
    lease->object = json_ref(object);
    lease->absent = false;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What an attempt comes to */

static void pause_then_attempt(struct lease *lease, int64_t pause_ms)
{
    lease->next_ms = loop_boottime(lease->loop) + pause_ms;
    arm(lease);
}

/* So many percent of the retry period, and up to a fifth of it more, so that replicas do not go in step. */
static int64_t share(const struct lease *lease, int percent)
{
    return lease->timing.retry_ms * jitter(percent, 20) / 100;
}

/* The same again and again is said once. */
static void say(struct lease *lease, enum log_level level, const char *event, const char *what, const char *details)
{
    if (!lease->said || strcmp(lease->said, what) != 0)
        log_event(level, "lease", event, "lease", lease->name, "about", what, "details", details, NULL);
    free(lease->said);
    lease->said = mem_strdup(what);
}

/* A holder tries again soon, as it has only until the renew deadline; but not before the server wants to hear of us. */
static void failed(struct lease *lease, const struct err *err)
{
    int64_t asked = err->retry_after_ms < lease->timing.retry_ms ? err->retry_after_ms : lease->timing.retry_ms;
    int64_t pause = share(lease, lease->state == LEASE_LEADING ? 20 : 80);

    lease->known = false;
    say(lease, LOG_WARN, "failed", err->reason, err->text);
    pause_then_attempt(lease, pause > asked ? pause : asked);
}

static void succeeded(struct lease *lease)
{
    assert(lease->started_ms >= lease->renewed_ms);
    lease->known = true;
    if (!lease_is_leading(lease))
        lease->term++;
    lease_enter(lease, LEASE_LEADING);
    lease->renewed_ms = lease->started_ms;
    say(lease, LOG_INFO, "leading", lease->identity, NULL);
    pause_then_attempt(lease, share(lease, 100));
}

/* Not a moment longer than it is good: others rely on us to take over. */
static void wait_for_holder(struct lease *lease, int64_t until)
{
    say(lease, LOG_INFO, "held by another", lease_holder(lease), NULL);
    if (lease->state == LEASE_LEADING)
        step_down(lease, "held by another");
    int64_t pause = share(lease, 80), left = until - loop_boottime(lease->loop);
    pause_then_attempt(lease, pause < left ? pause : left);
}

static void end_term(struct lease *lease)
{
    void (*done)(void *arg) = take(lease->released);

    assert(lease->state == LEASE_RELEASED && !lease->request);
    lease->next_ms = INT64_MAX;
    arm(lease);
    done(lease->released_arg);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Requests */

static void request(struct lease *lease, const char *method, bool collection, struct json_object *body,
                    kube_done_fn *done)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request r = {
        .method = method,
        .path = kube_path(&leases, lease->ns, collection ? NULL : lease->name, NULL, &a),
        .body = body ? json_text(body) : NULL,
        .timeout_ms = lease->timing.renew_ms / 2,
        .urgent = true,
        .done = done,
        .arg = lease,
    };

    assert(!lease->request);
    lease->next_ms = INT64_MAX;
    lease->started_ms = loop_boottime(lease->loop);
    lease->request = kube_start(lease->client, &r);
}

/* The object as it is to be: what others have put into it stays. */
static struct json_object *held_by(const struct lease *lease, const char *identity, struct arena *a)
{
    bool claim = *identity && !is_our_lease(lease);
    const char *now = time_format_us(clock_wall_us(), 6, a);
    struct json_object *object =
        arena_json(a, lease->absent ? json_build("{apiVersion: %s, kind: %s, metadata: {namespace: %s, name: %s}}",
                                                 leases.api_version, leases.kind, lease->ns, lease->name)
                                    : json_copy(lease->object));

    json_set_str(object, "spec.holderIdentity", identity);
    json_set_int(object, "spec.leaseDurationSeconds", *identity ? (lease->timing.duration_ms + 999) / 1000 : 1);
    json_set_str(object, "spec.acquireTime", claim ? now : json_str_or(lease->object, "spec.acquireTime", now));
    json_set_str(object, "spec.renewTime", now);
    json_set_int(object, "spec.leaseTransitions",
                 lease->object ? json_int_or(lease->object, "spec.leaseTransitions", 0) + claim : 0);
    return object;
}

static void put_lease(struct lease *lease, const char *identity, kube_done_fn *done)
{
    cleanup_arena struct arena a = {0};

    request(lease, lease->absent ? "POST" : "PUT", lease->absent, held_by(lease, identity, &a), done);
}

static void on_given_back(void *arg, const struct kube_reply *reply)
{
    struct lease *lease = arg;

    lease->request = 0;
    log_event(reply->err.kind ? LOG_WARN : LOG_INFO, "lease", "given back", "result",
              reply->err.kind ? reply->err.text : "ok", NULL);
    end_term(lease);
}

/* From here on we do not lead, whatever comes of the request. */
static void leave(struct lease *lease)
{
    bool held = lease_is_leading(lease);

    lease_enter(lease, LEASE_RELEASED);
    if (held)
        put_lease(lease, "", on_given_back);
    else
        end_term(lease);
}

/* A 2xx that shows no object of the API server's is some proxy's, and proves nothing. */
static struct err error_of_lease(const struct kube_reply *reply)
{
    struct err err = reply->err;

    if (err.kind == ERR_NONE && !*json_str_or(reply->object, "metadata.resourceVersion", ""))
        err_set(&err, ERR_RETRY, "NotALease", "what came is not a Lease: check the server's address and proxies");
    return err;
}

static void on_put(void *arg, const struct kube_reply *reply)
{
    struct lease *lease = arg;
    const struct err err = error_of_lease(reply);

    lease->request = 0;
    if (err.kind == ERR_NONE) {
        observe(lease, reply->object);
        succeeded(lease);
    } else {
        failed(lease, &err);
    }
    if (lease->released)
        leave(lease);
}

static void on_lease_looked(void *arg, const struct kube_reply *reply)
{
    struct lease *lease = arg;
    const struct err err = error_of_lease(reply);

    lease->request = 0;
    if (err.kind == ERR_NONE)
        observe(lease, reply->object);
    lease->absent = err.kind == ERR_NOT_FOUND;
    int64_t until = foreign_until(lease);

    if (lease->released)
        leave(lease);
    else if (err.kind != ERR_NONE && !lease->absent)
        failed(lease, &err);
    else if (until > loop_boottime(lease->loop))
        wait_for_holder(lease, until);
    else
        put_lease(lease, lease->identity, on_put);
}

static void attempt(struct lease *lease)
{
    assert(lease->state != LEASE_RELEASED);
    if (lease->known && is_our_lease(lease)) {
        put_lease(lease, lease->identity, on_put);
        return;
    }
    lease->slow_paths += lease->state == LEASE_LEADING;
    request(lease, "GET", false, NULL, on_lease_looked);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct lease *lease_create(struct loop *loop, struct kube_client *client, const struct lease_config *config)
{
    struct lease *lease = mem_alloc(sizeof(*lease));

    *lease = (struct lease){.loop = loop,
                            .client = client,
                            .ns = mem_strdup(config->ns),
                            .name = mem_strdup(config->name),
                            .identity = mem_strdup(config->identity),
                            .timing = config->timing,
                            .next_ms = INT64_MAX};
    lease->timer = loop_timer_create(loop, on_lease_timer, lease);
    return lease;
}

void lease_destroy(struct lease *lease)
{
    if (!lease)
        return;
    if (lease->request)
        kube_cancel(lease->client, lease->request);
    loop_timer_destroy(lease->timer);
    json_put_ptr(&lease->object);
    free(lease->ns);
    free(lease->name);
    free(lease->identity);
    free(lease->said);
    free(lease);
}

void lease_start(struct lease *lease)
{
    assert(lease->state == LEASE_STANDBY && !lease->request && !lease->released);
    lease->next_ms = loop_boottime(lease->loop);
    arm(lease);
}

void lease_release(struct lease *lease, void (*done)(void *arg), void *arg)
{
    if (!lease) {
        done(arg);
        return;
    }
    lease->released = done;
    lease->released_arg = arg;
    if (!lease->request)
        leave(lease);
}
