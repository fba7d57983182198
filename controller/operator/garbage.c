#include "operator/garbage.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/key.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/claim.h"
#include "kube/event.h"
#include "kube/queue.h"
#include "net/loop.h"
#include "runner/names.h"

enum {
    TASKS_MAX = 8,
    SUCCESSOR_MS = 10 * 1000, /* for so long a token Secret waits for a successor of its owner   */
    COLLECTOR_MS = 30 * 1000, /* … and whatever Kubernetes' garbage collector knows, for that    */
};
static const struct backoff retries = {1000, 5 * 60 * 1000, 25};

struct garbage {
    const struct workshop *shop;
    bool leading;
    struct map owners;     /* whose children are to be looked at: a set of keys                      */
    struct map namespaces; /* … and in which RoleBindings are                                        */
    struct queue *queue;   /* of children that may have to go                                        */
    struct map failures;   /* of these, unsigned: how often in a row                                 */
    struct list tasks;
    size_t tasks_len;
    struct loop_timer *timer;
};

/* One child that is being removed. */
struct task {
    struct list node;
    struct garbage *garbage;
    char *key;
    enum kind kind;
    char *ns, *name;
    char *uid, *owner, *owner_uid; /* as it was read; NULL: not yet */
    enum claim claim;
    uint64_t request;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What was noted */

static void add_to(struct map *set, const char *key)
{
    static char there;

    map_set(set, key, &there);
}

void garbage_note(struct garbage *garbage, enum kind kind, const char *ns, const char *name)
{
    if (!garbage || !garbage->leading)
        return;
    const struct record *record = store_get(garbage->shop->store, kind, ns, name);
    if (kind == KIND_RUNNER)
        add_to(&garbage->owners, key_text(KIND, ns, name).text);
    else if (kind == KIND_NAMESPACE)
        add_to(&garbage->namespaces, name);
    else if (record && *record->owner)
        add_to(&garbage->owners, record->owner);
    loop_wake(garbage->shop->loop);
}

/* A right goes at once; what others look after may be gone by itself. */
static int64_t patience(const struct record *child, enum kind kind, enum claim claim)
{
    struct key owner;
    bool elsewhere = !key_parse(child->owner, &owner) || strcmp(owner.ns, child->ns) != 0;

    if (claim != CLAIM_ORPHANED || elsewhere)
        return 0;
    return kind == KIND_SECRET ? SUCCESSOR_MS : COLLECTOR_MS;
}

static void suspect(struct garbage *garbage, enum kind kind, const struct record *child)
{
    enum claim claim = claim_of(garbage->shop->store, kind, child);

    if (claim == CLAIM_GOOD)
        return;
    const struct key_text key = key_text(kind_resource(kind)->kind, child->ns, child->name);
    if (map_get(&garbage->failures, key.text))
        return; /* it has a time of its own */
    int64_t wait = patience(child, kind, claim);
    if (wait)
        queue_add_at(garbage->queue, key.text, loop_now(garbage->shop->loop) + wait, claim_name(claim));
    else
        queue_add(garbage->queue, key.text, claim == CLAIM_NOT_ALLOWED ? QUEUE_URGENT : QUEUE_ROUTINE,
                  claim_name(claim));
}

static void suspect_owned(void *arg, unsigned kind, const struct record *child)
{
    suspect(arg, kind, child);
}

static void suspect_in_noted_namespace(void *arg, const struct record *child)
{
    struct garbage *garbage = arg;

    if (*child->owner && map_get(&garbage->namespaces, child->ns))
        suspect(garbage, KIND_ROLE_BINDING, child);
}

static void look_at_what_was_noted(struct garbage *garbage)
{
    const char *owner;
    void *value;

    for (size_t i = 0; map_iter(&garbage->owners, &i, &owner, &value);)
        store_each_owned(garbage->shop->store, owner, suspect_owned, garbage);
    if (garbage->namespaces.len)
        store_each(garbage->shop->store, KIND_ROLE_BINDING, suspect_in_noted_namespace, garbage);
    map_finish(&garbage->owners);
    map_finish(&garbage->namespaces);
}

struct scan {
    struct garbage *garbage;
    enum kind kind;
};

static void suspect_any(void *arg, const struct record *child)
{
    const struct scan *scan = arg;

    suspect(scan->garbage, scan->kind, child);
}

static void look_at_everything(struct garbage *garbage)
{
    for (enum kind kind = 0; kind < KIND_COUNT; kind++) {
        struct scan scan = {garbage, kind};
        store_each(garbage->shop->store, kind, suspect_any, &scan);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One task, from start to end */

static struct task *task_create(struct garbage *garbage, const char *text)
{
    struct task *task = mem_alloc(sizeof(*task));
    struct key key;

    key_parse(text, &key);
    *task = (struct task){.garbage = garbage,
                          .key = mem_strdup(text),
                          .kind = kind_by_name(key.kind),
                          .ns = mem_strdup(key.ns),
                          .name = mem_strdup(key.name)};
    list_append(&garbage->tasks, &task->node);
    garbage->tasks_len++;
    return task;
}

static void task_destroy(struct task *task)
{
    if (task->request)
        kube_cancel(task->garbage->shop->client, task->request);
    task->garbage->tasks_len--;
    list_remove(&task->node);
    free(task->key);
    free(task->ns);
    free(task->name);
    free(task->uid);
    free(task->owner);
    free(task->owner_uid);
    free(task);
}

/* It is gone, or may stay. */
static void task_done(struct task *task)
{
    struct garbage *garbage = task->garbage;

    free(map_remove(&garbage->failures, task->key));
    queue_done(garbage->queue, task->key);
    task_destroy(task);
    loop_wake(garbage->shop->loop);
}

static unsigned count_failure(struct garbage *garbage, const char *key)
{
    unsigned *failures = map_get(&garbage->failures, key);

    if (!failures) {
        failures = mem_alloc(sizeof(*failures));
        *failures = 0;
        map_set(&garbage->failures, key, failures);
    }
    return ++*failures;
}

static void task_failed(struct task *task, const struct err *err)
{
    struct garbage *garbage = task->garbage;
    unsigned failures = count_failure(garbage, task->key);
    int64_t pause = backoff_pause(&retries, failures, err->retry_after_ms, jitter_random());

    log_event(failures > 1 ? LOG_DEBUG : LOG_WARN, "reconcile", "a child without a claim could not be removed", "child",
              task->key, "reason", err->reason, "error", err->text, NULL);
    queue_done(garbage->queue, task->key);
    queue_add_at(garbage->queue, task->key, loop_now(garbage->shop->loop) + pause, "a retry is due");
    task_destroy(task);
    loop_wake(garbage->shop->loop);
}

static void send_event(const struct task *task, const char *reason, const char *note)
{
    const struct workshop *shop = task->garbage->shop;
    const struct kube_resource *resource = kind_resource(task->kind);
    const struct event event = {.regarding = {.api_version = resource->api_version,
                                              .kind = resource->kind,
                                              .ns = task->ns,
                                              .name = task->name,
                                              .uid = task->uid},
                                .warning = true,
                                .reason = reason,
                                .note = note};

    event_send(shop->client, &event, GROUP "/controller", shop->instance, event_sent, &shop->stats->events);
    log_event(LOG_WARN, "reconcile", reason, "namespace", task->ns, "name", task->name, "message", note, NULL);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The last step: it goes */

static void tell_of_removal(const struct task *task)
{
    cleanup_arena struct arena a = {0};

    tally_add(&task->garbage->shop->stats->removed, kind_resource(task->kind)->kind, claim_name(task->claim), 1);
    if (task->claim == CLAIM_NOT_ALLOWED)
        send_event(task, "RightsWithdrawn",
                   arena_printf(&a,
                                "deleted: namespace %s is not open to GitLabRunner %s; its owner opens it by the "
                                "annotation %s",
                                task->ns, task->owner, ANNOTATION_ALLOWED_FROM));
    else
        log_event(LOG_INFO, "reconcile", "removed", "child", task->key, "owner", task->owner, "reason",
                  claim_name(task->claim), NULL);
}

static void on_child_deleted(void *arg, const struct kube_reply *reply)
{
    struct task *task = arg;

    task->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        task_failed(task, &reply->err);
        return;
    }
    if (reply->err.kind == ERR_NONE)
        tell_of_removal(task);
    task_done(task); /* the watch tells of its end, and wakes its owner */
}

static void on_token_released(void *arg, const struct kube_reply *reply)
{
    struct task *task = arg;

    task->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        task_failed(task, &reply->err);
        return;
    }
    workshop_learn_written(task->garbage->shop, task->kind, reply->object);
    log_event(LOG_INFO, "reconcile", "released a token Secret without an owner", "namespace", task->ns, "name",
              task->name, NULL);
    task_done(task);
}

/* Nobody can say whether it was to stay at GitLab: that was said by the object that is gone. */
static void tell_of_a_lost_runner(const struct task *task, const struct kept_secret *kept)
{
    cleanup_arena struct arena a = {0};
    bool users_own =
        kept && kept->authentication && strcmp(kept->authentication, authentication_name(AUTH_RUNNER_TOKEN)) == 0;

    if (users_own || map_get(&task->garbage->failures, task->key)) /* or it was told already */
        return;
    task->garbage->shop->stats->orphans.unrecorded++;
    send_event(task, "OrphanedRunner",
               arena_printf(&a,
                            "its GitLabRunner went without the operator (somebody took the finalizer %s off): runner "
                            "%s may have been left behind at %s; delete it there",
                            FINALIZER, kept && kept->runner_id ? kept->runner_id : "?",
                            kept && kept->url ? kept->url : "GitLab"));
}

static void release_orphaned_token(struct task *task)
{
    cleanup_arena struct arena a = {0};
    const struct workshop *shop = task->garbage->shop;
    const struct record *record = store_get(shop->store, task->kind, task->ns, task->name);
    struct json_object *patch =
        arena_json(&a, json_build("{apiVersion: v1, kind: Secret, metadata: {namespace: %s, name: %s, uid: %s}}",
                                  task->ns, task->name, task->uid));

    tell_of_a_lost_runner(task, kept_secret(record));
    task->request = kube_apply(shop->client, kind_resource(KIND_SECRET), NULL, patch, FIELD_MANAGER, false,
                               on_token_released, task);
}

static bool is_token(const struct task *task)
{
    cleanup_arena struct arena a = {0};
    struct key key;
    const struct owner owner = {.name = key_parse(task->owner, &key) ? key.name : ""};

    return task->kind == KIND_SECRET && strcmp(task->name, child_name(CHILD_TOKEN_SECRET, &owner, &a)) == 0;
}

static void remove_child(struct task *task)
{
    if (is_token(task))
        release_orphaned_token(task);
    else
        task->request = kube_delete(task->garbage->shop->client, kind_resource(task->kind), task->ns, task->name,
                                    task->uid, false, on_child_deleted, task);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Before that: is it as the store shows it? */

static void on_owner(void *arg, const struct kube_reply *reply)
{
    struct task *task = arg;
    bool there = reply->err.kind == ERR_NONE &&
                 (is_token(task) || strcmp(json_str_or(reply->object, "metadata.uid", ""), task->owner_uid) == 0);

    task->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND)
        task_failed(task, &reply->err);
    else if (there)
        task_done(task); /* the watch will show it */
    else
        remove_child(task);
}

/* The metadata is enough; a Secret's content is nobody's business here. */
static uint64_t get_metadata(struct task *task, enum kind kind, const char *ns, const char *name, kube_done_fn *done)
{
    cleanup_arena struct arena a = {0};
    const struct kube_request request = {
        .method = "GET",
        .path = kube_path(kind_resource(kind), ns, name, NULL, &a),
        .accept = KUBE_AS_METADATA(""),
        .resource = kind_resource(kind),
        .done = done,
        .arg = task,
    };

    return kube_start(task->garbage->shop->client, &request);
}

static void confirm_that_its_owner_is_gone(struct task *task)
{
    struct key owner;

    key_parse(task->owner, &owner);
    task->request = get_metadata(task, KIND_RUNNER, owner.ns, owner.name, on_owner);
}

/* Kubernetes' garbage collector knows whose it is, unless somebody took that out. */
static bool is_left_to_kubernetes(const struct task *task, struct json_object *object, const struct record *child)
{
    struct json_object *references = json_get(object, "metadata.ownerReferences");
    bool known = false;

    for (size_t i = 0; i < json_len(references) && !known; i++)
        known = strcmp(json_str_or(json_at(references, i), "uid", ""), child->owner_uid) == 0;
    return known && task->claim == CLAIM_ORPHANED && !json_get(object, "metadata.deletionTimestamp");
}

static void on_child(void *arg, const struct kube_reply *reply)
{
    struct task *task = arg;
    const struct workshop *shop = task->garbage->shop;
    cleanup_arena struct arena a = {0};

    task->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        task_failed(task, &reply->err);
        return;
    }
    if (reply->err.kind == ERR_NOT_FOUND || !kind_is_made_by_us(reply->object)) {
        task_done(task); /* the watch tells of its end */
        return;
    }
    const struct record child = kind_record(task->kind, reply->object, shop->store, &a);
    task->claim = claim_of(shop->store, task->kind, &child);
    if (task->claim == CLAIM_GOOD || is_left_to_kubernetes(task, reply->object, &child)) {
        task_done(task);
        return;
    }
    task->uid = mem_strdup(child.uid);
    task->owner = mem_strdup(child.owner);
    task->owner_uid = mem_strdup(child.owner_uid);
    if (task->claim == CLAIM_ORPHANED)
        confirm_that_its_owner_is_gone(task);
    else
        remove_child(task);
}

static void task_start(struct garbage *garbage, const char *key)
{
    struct task *task = task_create(garbage, key);
    const struct record *child = store_get(garbage->shop->store, task->kind, task->ns, task->name);

    if (!child || claim_of(garbage->shop->store, task->kind, child) == CLAIM_GOOD)
        task_done(task);
    else
        task->request = get_metadata(task, task->kind, task->ns, task->name, on_child);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void on_garbage_timer(void *arg)
{
    (void)arg; /* waking up is enough */
}

static void arm_garbage(struct garbage *garbage)
{
    int64_t next = queue_next_ms(garbage->queue, QUEUE_ROUTINE), now = loop_now(garbage->shop->loop);

    if (next < 0 || garbage->tasks_len >= TASKS_MAX)
        loop_timer_set(garbage->timer, -1);
    else
        loop_timer_set(garbage->timer, next > now ? next - now : 0);
}

void garbage_act(struct garbage *garbage)
{
    const char *key, *cause;

    if (!garbage->leading)
        return;
    look_at_what_was_noted(garbage);
    while (garbage->tasks_len < TASKS_MAX &&
           (key = queue_take(garbage->queue, loop_now(garbage->shop->loop), QUEUE_ROUTINE, &cause)))
        task_start(garbage, key);
    arm_garbage(garbage);
}

static void forget_everything(struct garbage *garbage)
{
    const char *key;
    void *failures;

    list_each_safe (node, after, &garbage->tasks)
        task_destroy(container_of(node, struct task, node));
    for (size_t i = 0; map_iter(&garbage->failures, &i, &key, &failures);)
        free(failures);
    map_finish(&garbage->failures);
    map_finish(&garbage->owners);
    map_finish(&garbage->namespaces);
    queue_destroy(garbage->queue);
    garbage->queue = queue_create();
    loop_timer_set(garbage->timer, -1);
}

void garbage_lead(struct garbage *garbage, bool leading)
{
    if (leading == garbage->leading)
        return;
    garbage->leading = leading;
    forget_everything(garbage);
    if (leading)
        look_at_everything(garbage);
}

struct garbage *garbage_create(const struct workshop *shop)
{
    struct garbage *garbage = mem_alloc(sizeof(*garbage));

    *garbage = (struct garbage){.shop = shop, .queue = queue_create()};
    list_init(&garbage->tasks);
    garbage->timer = loop_timer_create(shop->loop, on_garbage_timer, garbage);
    /* There before the first of them is counted. */
    for (enum claim claim = CLAIM_GOOD + 1; claim <= CLAIM_ORPHANED; claim++)
        tally_add(&shop->stats->removed, kind_resource(KIND_ROLE_BINDING)->kind, claim_name(claim), 0);
    return garbage;
}

void garbage_destroy(struct garbage *garbage)
{
    if (!garbage)
        return;
    forget_everything(garbage);
    queue_destroy(garbage->queue);
    loop_timer_destroy(garbage->timer);
    free(garbage);
}
