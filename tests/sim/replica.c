#include "tests/sim/replica.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/key.h"
#include "base/mem.h"
#include "cli/run_options.h"
#include "kube/controller.h"
#include "kube/queue.h"
#include "kube/store.h"
#include "net/loop.h"
#include "operator/instance.h"
#include "operator/claim.h"
#include "operator/kinds.h"
#include "operator/reconcile.h"
#include "runner/names.h"
#include "runner/render.h"
#include "tests/sim/loop.h"
#include "tests/sim/network_parts.h"
#include "tests/sim/sabotage.h"
#include "tests/sim/sim_parts.h"
#include "web/health.h"

enum {
    GRACE_MS = 30 * 1000,
    SAVING_MS = 24 * 1000, /* so long it tries to save what GitLab has issued; it is to end in time */
};

struct replica {
    struct sim *sim;
    int number;
    struct replica_settings settings;
    struct loop *loop; /* NULL: it does not run */
    struct instance instance;
    char name[64];
    char token_path[40];
    int token_file; /* descriptor; -1: none */
    int64_t wall_offset_s, again_ms, asked_ms;
    unsigned starts;
    bool frozen;
    uint64_t thaw, start, grace; /* events */
};

static void enter(const struct replica *r)
{
    sim_enter(r->sim, r->number);
}

static void leave(const struct replica *r)
{
    sim_enter(r->sim, -1);
}

static void start_again(void *arg)
{
    struct replica *r = arg;

    r->start = 0;
    replica_start(r);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The end of a process */

static void forget_events(struct replica *r)
{
    uint64_t *const events[] = {&r->thaw, &r->grace, &r->start};

    for (size_t i = 0; i < ARRAY_LEN(events); i++) {
        sim_forget(r->sim, *events[i]);
        *events[i] = 0;
    }
    r->frozen = false;
}

static void finish(struct replica *r)
{
    enter(r);
    loop_kill(r->loop);
    instance_finish(&r->instance);
    loop_destroy(r->loop);
    r->loop = NULL;
    r->instance = (struct instance){0};
    leave(r);
    forget_events(r);
}

static void plan_start(struct replica *r, int64_t again_ms)
{
    if (again_ms >= 0)
        r->start = sim_later(r->sim, again_ms, start_again, r);
}

void replica_kill(struct replica *r, int64_t again_ms)
{
    if (r->loop) {
        sim_tell(r->sim, "replica %d is killed", r->number);
        r->sim->figures.kills++;
        network_sever(r->sim, r->number);
        finish(r);
    }
    forget_events(r);
    plan_start(r, again_ms);
}

/* A runner's token that nobody else has. It has no place where another's Secret is, and needs none of a runner that is
 * to be deregistered. */
static bool has_unsaved_token(const struct replica *r, const struct state *state)
{
    cleanup_arena struct arena a = {0};
    struct key key;

    if (!state->memory.issued || state->memory.foreign[CHILD_TOKEN_SECRET] || !key_parse(state->key, &key))
        return false;
    const struct owner owner = {.ns = key.ns, .name = key.name};
    const struct record *runner = store_get(replica_store(r), KIND_RUNNER, key.ns, key.name);
    const struct record *secret =
        store_get(replica_store(r), KIND_SECRET, key.ns, child_name(CHILD_TOKEN_SECRET, &owner, &a));
    return runner && !kept_runner(runner)->deleting && (!secret || text_same(secret->owner, state->key));
}

/* It ends with time left, so all that GitLab has issued is in its Secret. */
static void check_saved(const struct replica *r)
{
    const struct reconciler_view view = reconciler_view(r->instance.rec);
    const char *key;
    void *state;

    for (size_t i = 0; map_iter(&view.states->by_key, &i, &key, &state);)
        if (r->sim->now < r->asked_ms + SAVING_MS && has_unsaved_token(r, state))
            sim_broken(r->sim, PROPERTY_SAVED, "replica %d ends with the token of %s", r->number, key);
}

static void on_own_end(void *arg)
{
    struct replica *r = arg;

    if (!r->loop)
        return;
    sim_tell(r->sim, "replica %d has ended", r->number);
    check_saved(r);
    finish(r);
    plan_start(r, r->again_ms);
}

static void on_grace_end(void *arg)
{
    struct replica *r = arg;

    r->grace = 0;
    replica_kill(r, r->again_ms);
}

static void on_stop(void *arg, int number)
{
    struct replica *r = arg;

    (void)number;
    if (sabotage_is(SABOTAGE_HASTE))
        loop_stop(r->loop);
    else
        instance_stop(&r->instance);
}

void replica_terminate(struct replica *r, int64_t again_ms)
{
    if (!r->loop || r->grace)
        return;
    sim_tell(r->sim, "replica %d is asked to stop", r->number);
    r->again_ms = again_ms;
    r->asked_ms = r->sim->now;
    r->grace = sim_later(r->sim, GRACE_MS, on_grace_end, r);
    loop_signal(r->loop, SIGTERM);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Its beginning */

void replica_give_token(struct replica *r, const char *token)
{
    size_t len = strlen(token);

    if (r->token_file < 0)
        return;
    bool written = ftruncate(r->token_file, 0) == 0 && pwrite(r->token_file, token, len, 0) == (ssize_t)len;
    assert(written);
    (void)written;
}

static void create_token_file(struct replica *r)
{
    r->token_file = memfd_create("token", MFD_CLOEXEC);
    assert(r->token_file >= 0);
    snprintf(r->token_path, sizeof(r->token_path), "/proc/self/fd/%d", r->token_file);
    replica_give_token(r, r->settings.token);
}

static struct kube_config config_of(const struct replica *r)
{
    char server[128];

    snprintf(server, sizeof(server), "https://%s", r->settings.host);
    return (struct kube_config){.server = mem_strdup(server),
                                .namespace = mem_strdup(OPERATOR_NAMESPACE),
                                .token = r->token_file < 0 ? mem_strdup(r->settings.token) : NULL,
                                .token_file = r->token_file < 0 ? NULL : mem_strdup(r->token_path)};
}

void replica_start(struct replica *r)
{
    const struct instance_settings settings = {
        .identity = r->name,
        .lease_name = r->settings.election ? LEASE_NAME : NULL,
        .lease = r->settings.lease,
        .render = {.manager_image = DEFAULT_MANAGER_IMAGE, .namespaces = r->settings.namespaces},
        .secrets_by_name = r->settings.secrets_by_name,
        .kept_budget = r->settings.kept_budget,
    };

    assert(!r->loop);
    sim_tell(r->sim, "replica %d starts", r->number);
    r->starts++;
    enter(r);
    const struct kube_config config = config_of(r);
    r->loop = loop_create();
    loop_on_stop_signal(r->loop, on_stop, r);
    loop_on_end(r->loop, on_own_end, r);
    loop_set_wall(r->loop, r->wall_offset_s);
    instance_create(&r->instance, r->loop, &config, &settings);
    instance_start(&r->instance);
    leave(r);
}

static void thaw(void *arg)
{
    struct replica *r = arg;

    r->thaw = 0;
    r->frozen = false;
    sim_tell(r->sim, "replica %d goes on", r->number);
    if (r->loop)
        loop_thaw(r->loop);
}

void replica_freeze(struct replica *r, int64_t for_ms, bool asleep)
{
    if (!r->loop || r->frozen)
        return;
    sim_tell(r->sim, "replica %d stands still for %lld ms%s", r->number, (long long)for_ms, asleep ? ", asleep" : "");
    r->sim->figures.stops++;
    r->frozen = true;
    loop_freeze(r->loop, asleep);
    r->thaw = sim_later(r->sim, for_ms, thaw, r);
}

void replica_set_wall(struct replica *r, int64_t offset_s)
{
    r->sim->figures.jumps++;
    r->wall_offset_s = offset_s;
    if (r->loop)
        loop_set_wall(r->loop, offset_s);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What can be seen of it */

bool replica_runs(const struct replica *r)
{
    return r->loop != NULL;
}

bool replica_stands_still(const struct replica *r)
{
    return r->frozen;
}

bool replica_leads(const struct replica *r)
{
    return r->loop && (!r->instance.lease || lease_is_leading(r->instance.lease));
}

uint64_t replica_term(const struct replica *r)
{
    if (!replica_leads(r))
        return 0;
    return (uint64_t)r->starts << 32 | (r->instance.lease ? lease_term(r->instance.lease) : 1);
}

unsigned replica_starts(const struct replica *r)
{
    return r->starts;
}

/* Something has failed, or was said once, or a name is somebody else's. */
static bool is_unsure(const struct memory *m)
{
    bool unsure = memory_troubles(m)->len || memory_troubles(m)->gitlab_err.kind != ERR_NONE || m->check.absences ||
                  m->check.refusals || m->heard.at_ms;

    for (enum child child = 0; child < CHILD_COUNT; child++)
        unsure |= m->foreign[child];
    return unsure;
}

/* NULL: of that object it knows nothing. */
static const struct state *state_of(const struct replica *r, const char *ns, const char *name)
{
    const struct reconciler_view view = reconciler_view(r->instance.rec);

    return map_get(&view.states->by_key, key_text("GitLabRunner", ns, name).text);
}

int64_t replica_asks_at(const struct replica *r, const char *ns, const char *name)
{
    const struct state *state = state_of(r, ns, name);

    return state && !is_unsure(&state->memory) ? state->memory.check.due_ms : 0;
}

bool replica_heard_version(const struct replica *r, const char *ns, const char *name, int *major, int *minor)
{
    const struct state *state = state_of(r, ns, name);

    if (!state || !state->memory.check.version_due_ms)
        return false;
    *major = state->memory.check.major;
    *minor = state->memory.check.minor;
    return true;
}

bool replica_removes(const struct replica *r)
{
    const struct reconciler_view view = reconciler_view(r->instance.rec);
    const struct queue *queue = controller_view(view.ctx->controller, "Secret").queue;

    return queue_depth(queue) || queue_delayed(queue);
}

const struct store *replica_store(const struct replica *r)
{
    assert(r->loop);
    return reconciler_view(r->instance.rec).ctx->store;
}

const char *replica_name(const struct replica *r)
{
    return r->name;
}

int replica_health(const struct replica *r, bool ready, char *why, size_t size)
{
    const struct reconciler_view view = reconciler_view(r->instance.rec);
    const struct serve_request request = {.below = "", .query = ""};
    struct buf body cleanup_buf;

    buf_init(&body, 4096);
    enter(r);
    int status = health_render(ready ? &readyz : &healthz, &view, &request, &body);
    leave(r);
    snprintf(why, size, "%s", body.data);
    return status;
}

struct kept_count {
    const struct replica *replica;
    const struct store *store;
    enum kind kind;
    size_t n;
};

/* Who leads may have begun when the object was gone, and cannot list Secrets: the token Secret stays
 * (docs/security.md). One that stands by and knew it lets it go when it leads. */
static bool is_for_who_leads(const struct kept_count *count, const struct record *record)
{
    const struct replica *r = count->replica;

    return r->settings.secrets_by_name && !replica_leads(r) && count->kind == KIND_SECRET &&
           claim_of(count->store, count->kind, record) == CLAIM_ORPHANED;
}

/* Namespaces outlive whoever runs in them, and the ledger is the operator's own. */
static void count_kept(void *arg, const struct record *record)
{
    struct kept_count *count = arg;

    count->n +=
        *record->ns && strncmp(record->name, LEDGER_NAME, strlen(LEDGER_NAME)) != 0 && !is_for_who_leads(count, record);
}

size_t replica_keeps(const struct replica *r, char *ret_what, size_t size)
{
    const struct reconciler_view view = reconciler_view(r->instance.rec);
    size_t specs = spec_cache_bytes(view.ctx->specs), sum = view.states->by_key.len + specs;
    size_t len = (size_t)snprintf(ret_what, size, "%zu states, specs of %zu bytes", view.states->by_key.len, specs);

    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct kept_count count = {.replica = r, .store = view.ctx->store, .kind = kind};
        store_each(view.ctx->store, kind, count_kept, &count);
        sum += count.n;
        if (count.n && len < size)
            len += (size_t)snprintf(ret_what + len, size - len, ", %zu %s", count.n, kind_resource(kind)->plural);
    }
    return sum;
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct replica *replica_create(struct sim *sim, int number, const struct replica_settings *settings)
{
    struct replica *r = mem_alloc(sizeof(*r));

    assert(number >= 0 && number < REPLICAS_MAX);
    *r = (struct replica){.sim = sim, .number = number, .settings = *settings, .token_file = -1};
    if (settings->token_file)
        create_token_file(r);
    snprintf(r->name, sizeof(r->name), "gitlab-runner-controller-%d", number);
    sim->replicas[number] = r;
    return r;
}

void replica_destroy(struct replica *r)
{
    if (!r)
        return;
    if (r->loop)
        finish(r);
    forget_events(r);
    if (r->token_file >= 0)
        close(r->token_file);
    r->sim->replicas[r->number] = NULL;
    free(r);
}
