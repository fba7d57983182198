#include "operator/removal.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "base/key.h"
#include "base/log.h"
#include "base/mem.h"
#include "kube/event.h"
#include "operator/claim.h"
#include "operator/finalizer.h"
#include "runner/names.h"

struct removal {
    struct work work;
    const struct context *ctx;
    struct map *told;
    enum kind kind;
    char *ns, *name;
    struct prior prior;            /* what was known of it when it was read */
    struct arena mem;              /* … for that                            */
    char *uid, *owner, *owner_uid; /* as it was read; NULL: not yet */
    struct json_object *release;   /* a patch: what a token Secret is let go by; NULL: it is not one */
    enum claim claim;
    uint64_t request;
};

static void removal_failed(struct removal *removal, const struct err *err)
{
    unsigned failures = work_retry(&removal->work, err);

    log_event(failures > 1 ? LOG_DEBUG : LOG_WARN, "reconcile", "a child without a claim could not be removed", "child",
              removal->work.key, "reason", err->reason, "error", err->text, NULL);
}

/* Returns the request. */
static uint64_t send_event(const struct removal *removal, const char *reason, const char *note, kube_done_fn *done,
                           void *arg)
{
    const struct context *ctx = removal->ctx;
    const struct kube_resource *resource = kind_resource(removal->kind);
    const struct event event = {.regarding = {.api_version = resource->api_version,
                                              .kind = resource->kind,
                                              .ns = removal->ns,
                                              .name = removal->name,
                                              .uid = removal->uid},
                                .warning = true,
                                .reason = reason,
                                .note = note};

    log_event(LOG_WARN, "reconcile", reason, "namespace", removal->ns, "name", removal->name, "message", note, NULL);
    return event_send(ctx->client, &event, GROUP "/controller", ctx->instance, done, arg);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The last step: it goes */

static void tell_of_removal(const struct removal *removal)
{
    cleanup_arena struct arena a = {0};

    tally_add(&removal->ctx->stats->removed, kind_resource(removal->kind)->kind, claim_name(removal->claim), 1);
    if (removal->claim == CLAIM_NOT_ALLOWED)
        send_event(removal, "RightsWithdrawn",
                   arena_printf(&a,
                                "deleted: namespace %s is not open to GitLabRunner %s; its owner opens it by the "
                                "annotation %s",
                                removal->ns, key_path(removal->owner), ANNOTATION_ALLOWED_FROM),
                   event_sent, &removal->ctx->stats->events);
    else
        log_event(LOG_INFO, "reconcile", "removed", "child", removal->work.key, "owner", removal->owner, "reason",
                  claim_name(removal->claim), NULL);
}

static void on_child_deleted(void *arg, const struct kube_reply *reply)
{
    struct removal *removal = arg;

    removal->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        removal_failed(removal, &reply->err);
        return;
    }
    if (reply->err.kind == ERR_NONE)
        tell_of_removal(removal);
    work_done(&removal->work); /* the watch tells of its end, and wakes its owner */
}

static void on_token_released(void *arg, const struct kube_reply *reply)
{
    struct removal *removal = arg;

    removal->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        removal_failed(removal, &reply->err);
        return;
    }
    map_remove(removal->told, removal->uid);
    context_learn_written(removal->ctx, removal->kind, reply->object);
    log_event(LOG_INFO, "reconcile", "released a token Secret without an owner", "namespace", removal->ns, "name",
              removal->name, NULL);
    work_done(&removal->work);
}

static void release_token(struct removal *removal)
{
    removal->request = kube_patch(removal->ctx->client, kind_resource(KIND_SECRET), removal->release, FIELD_MANAGER,
                                  on_token_released, removal);
}

/* Without an answer nobody was told, and what follows would come about neither. A refusal is in the log. */
static void on_loss_told(void *arg, const struct kube_reply *reply)
{
    struct removal *removal = arg;

    removal->request = 0;
    event_sent(&removal->ctx->stats->events, reply);
    if (event_sends_again(reply, controller_failures(removal->ctx->controller, removal->work.key))) {
        removal_failed(removal, &reply->err);
        return;
    }
    removal->ctx->stats->orphans.unrecorded++;
    map_set(removal->told, removal->uid, removal->told);
    release_token(removal);
}

/* Nobody can say whether it was to stay at GitLab: that was said by the object that is gone. */
static void tell_of_a_lost_runner(struct removal *removal, const struct kept_secret *kept)
{
    cleanup_arena struct arena a = {0};
    const char *note = arena_printf(
        &a,
        "its GitLabRunner went without the operator (somebody took the finalizer %s off): runner "
        "%s may have been left behind at %s; delete it there",
        FINALIZER, kept && kept->runner_id ? kept->runner_id : "?", kept && kept->url ? kept->url : "GitLab");

    removal->request = send_event(removal, "OrphanedRunner", note, on_loss_told, removal);
}

/* Told once. */
static void release_orphaned_token(struct removal *removal)
{
    const struct kept_secret *kept =
        kept_secret(store_get(removal->ctx->store, removal->kind, removal->ns, removal->name));
    bool users_own =
        kept && kept->authentication && strcmp(kept->authentication, authentication_name(AUTH_RUNNER_TOKEN)) == 0;

    if (users_own || map_get(removal->told, removal->uid))
        release_token(removal);
    else
        tell_of_a_lost_runner(removal, kept);
}

static bool is_token(enum kind kind, const struct record *child)
{
    cleanup_arena struct arena a = {0};
    struct key key;
    const struct owner owner = {.name = key_parse(child->owner, &key) ? key.name : ""};

    return kind == KIND_SECRET && strcmp(child->name, child_name(CHILD_TOKEN_SECRET, &owner, &a)) == 0;
}

static void remove_child(struct removal *removal)
{
    assert(removal->claim != CLAIM_GOOD && removal->uid && !removal->request);
    if (removal->release)
        release_orphaned_token(removal);
    else
        removal->request = kube_delete(removal->ctx->client, kind_resource(removal->kind), removal->ns, removal->name,
                                       removal->uid, false, on_child_deleted, removal);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Before that: is it as the store shows it? */

static void on_owner(void *arg, const struct kube_reply *reply)
{
    struct removal *removal = arg;
    bool there = reply->err.kind == ERR_NONE &&
                 (removal->release || strcmp(json_str_or(reply->object, "metadata.uid", ""), removal->owner_uid) == 0);

    removal->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND)
        removal_failed(removal, &reply->err);
    else if (there)
        work_done(&removal->work); /* the watch will show it */
    else
        remove_child(removal);
}

/* The metadata is enough; a Secret's content is nobody's business here. */
static uint64_t get_metadata(struct removal *removal, enum kind kind, const char *ns, const char *name,
                             kube_done_fn *done)
{
    return kube_get_metadata(removal->ctx->client, kind_resource(kind), ns, name, done, removal);
}

static void confirm_that_its_owner_is_gone(struct removal *removal)
{
    struct key owner;

    bool is_key = key_parse(removal->owner, &owner);
    assert(is_key && !removal->request);
    removal->request = get_metadata(removal, KIND_RUNNER, owner.ns, owner.name, on_owner);
}

/* Kubernetes' garbage collector knows whose it is, unless somebody took that out. */
static bool is_left_to_kubernetes(const struct removal *removal, struct json_object *object, const struct record *child)
{
    struct json_object *references = json_get(object, "metadata.ownerReferences");
    bool known = false;

    for (size_t i = 0; i < json_len(references) && !known; i++)
        known = strcmp(json_str_or(json_at(references, i), "uid", ""), child->owner_uid) == 0;
    return known && removal->claim == CLAIM_ORPHANED && !json_get(object, "metadata.deletionTimestamp");
}

/* A token Secret that was put back from a backup is by its fields whoever's has put it back; but it does not go: it is
 * let go, and the finalizer on it is ours. */
static bool is_ours_to_remove(enum kind kind, struct json_object *object, const struct record *child)
{
    return kind_is_made_by_us(object) || (is_token(kind, child) && finalizer_is_on(object));
}

/* There is nothing to do about it. What is not there, or what the watch does not show, is not kept: nobody would tell
 * of its end. */
static void end_without_removal(struct removal *removal, struct json_object *object)
{
    if (!object || (removal->claim != CLAIM_GOOD && !kind_shows(removal->kind, object)))
        context_learn_absence(removal->ctx, &removal->prior, removal->kind, removal->ns, removal->name);
    work_done(&removal->work);
}

static void on_child(void *arg, const struct kube_reply *reply)
{
    struct removal *removal = arg;
    const struct context *ctx = removal->ctx;
    cleanup_arena struct arena a = {0};

    removal->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        removal_failed(removal, &reply->err);
        return;
    }
    if (reply->err.kind == ERR_NOT_FOUND) {
        end_without_removal(removal, NULL);
        return;
    }
    const struct record child = kind_record(removal->kind, reply->object, ctx->store, &a);
    removal->claim = claim_of(ctx->store, removal->kind, &child);
    if (removal->claim == CLAIM_GOOD || !is_ours_to_remove(removal->kind, reply->object, &child) ||
        is_left_to_kubernetes(removal, reply->object, &child)) {
        end_without_removal(removal, reply->object);
        return;
    }
    assert(!removal->uid);
    removal->uid = mem_strdup(child.uid);
    removal->owner = mem_strdup(child.owner);
    removal->owner_uid = mem_strdup(child.owner_uid);
    removal->release = is_token(removal->kind, &child) ? finalizer_off(reply->object) : NULL;
    assert(removal->release || !is_token(removal->kind, &child)); /* else it has a claim */
    if (removal->claim == CLAIM_ORPHANED)
        confirm_that_its_owner_is_gone(removal);
    else
        remove_child(removal);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct work *removal_start(const struct context *ctx, struct map *told, const char *text)
{
    struct key key;

    bool is_key = key_parse(text, &key);
    enum kind kind = kind_by_name(key.kind);
    assert(is_key && kind < KIND_COUNT);
    const struct record *child = store_get(ctx->store, kind, key.ns, key.name);
    if (!child || claim_of(ctx->store, kind, child) == CLAIM_GOOD)
        return NULL;
    struct removal *removal = mem_alloc(sizeof(*removal));
    *removal = (struct removal){.work.state = WORK_WAITING,
                                .ctx = ctx,
                                .told = told,
                                .kind = kind,
                                .ns = mem_strdup(key.ns),
                                .name = mem_strdup(key.name)};
    removal->prior = context_prior(ctx, kind, key.ns, key.name, &removal->mem);
    removal->request = get_metadata(removal, kind, key.ns, key.name, on_child);
    return &removal->work;
}

void removal_stop(struct work *work)
{
    struct removal *removal = container_of(work, struct removal, work);

    if (removal->request)
        kube_cancel(removal->ctx->client, removal->request);
    free(removal->ns);
    free(removal->name);
    free(removal->uid);
    free(removal->owner);
    free(removal->owner_uid);
    json_put_ptr(&removal->release);
    arena_finish(&removal->mem);
    free(removal);
}
