#include "operator/orphans.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/digest.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/key.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/ledger.h"
#include "net/loop.h"
#include "operator/orphan_index.h"
#include "runner/names.h"

#define ENTRY "LedgerEntry" /* kind of the keys of entries …  */
#define ALL   "Ledger"      /* … and of the ledger as a whole */

enum {
    FIRST_MS = 5 * 1000,
    READ_MS = 1000, /* between two looks at the ledger, which is large */
};

static const struct backoff pauses = {10 * 1000, 10 * 60 * 1000, 25};

struct orphans {
    const struct context *ctx;
    struct loop_timer *timer; /* of the next look */
    struct orphan_index index;
    bool known;       /* the ledger was read, or is known not to be there */
    struct err err;   /* … or could not be read                           */
    int64_t read_ms;  /* when it may be read again                        */
    uint64_t request; /* that reads it, in flight; 0: none                */
    char *uid;        /* of the Secret, for Events                        */
};

/* The work of a key: waits for a look at the ledger; then a runner is deregistered, and its entry taken out. */
struct
try {
    struct work work;
    struct orphans *orphans;
    struct orphan_entry *entry; /* NULL: a look is all that is wanted, or it is gone */
    bool looks;
    struct gitlab_op *call;
    uint64_t request; /* to Kubernetes */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Entries */

static void try_at(const struct orphans *orphans, const struct orphan_entry *entry, int64_t at_ms)
{
    controller_add_at(orphans->ctx->controller, key_text(ENTRY, entry->ns, entry->key).text, at_ms,
                      "the runner is to be deregistered");
}

/* An entry that is not known yet, as it is in the ledger. */
static struct orphan_entry *add_read(struct orphans *orphans, const char *key, const char *data)
{
    cleanup_arena struct arena a = {0};
    const char *text = base64_decode(data, NULL, &a);
    struct orphan orphan;
    struct owner owner = {.ns = ""};
    bool good = text && orphan_parse(text, &orphan, &a);

    if (good)
        owner = orphan_owner(text, &a);
    if (strlen(owner.ns) >= KEY_PART_SIZE || strchr(owner.ns, '/'))
        owner.ns = "";
    const char *what = good ? orphan_name(&owner, &orphan, &a) : key;
    struct orphan_entry *entry =
        orphan_index_add(&orphans->index, key, owner.ns, what, strlen(key) + (text ? strlen(text) : 0));
    entry->since_s = good ? orphan.since_s : 0;
    try_at(orphans, entry, loop_now(orphans->ctx->loop) + jitter(0, FIRST_MS));
    return entry;
}

/* The ledger is the truth: somebody may have taken an entry out by hand. */
static void follow_ledger(struct orphans *orphans, struct json_object *data)
{
    const char *key;
    void *value;

    for (size_t i = 0; map_iter(&orphans->index.by_key, &i, &key, &value);)
        ((struct orphan_entry *)value)->seen = false;
    json_each (it, data) {
        struct orphan_entry *entry = orphan_index_find(&orphans->index, it.key);
        if (!entry)
            entry = add_read(orphans, it.key, json_string(it.value));
        entry->seen = true;
    }
    for (size_t i = 0; map_iter(&orphans->index.by_key, &i, &key, &value);) {
        struct orphan_entry *entry = value;
        if (!entry->seen && !entry->busy && !entry->recording && !entry->leaving_for)
            orphan_index_drop(&orphans->index, entry);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Deregistering one */

/* Returns the request. */
static uint64_t send_orphan_event(const struct orphans *orphans, bool warning, const char *reason, const char *note,
                                  kube_done_fn *done, void *arg)
{
    const struct context *ctx = orphans->ctx;
    const struct event event = {.regarding = {.api_version = "v1",
                                              .kind = "Secret",
                                              .ns = ctx->ns,
                                              .name = LEDGER_NAME,
                                              .uid = orphans->uid ? orphans->uid : ""},
                                .warning = warning,
                                .reason = reason,
                                .note = note};

    log_event(warning ? LOG_WARN : LOG_INFO, "orphans", reason, "message", note, NULL);
    return event_send(ctx->client, &event, GROUP "/controller", ctx->instance, done, arg);
}

static void try_later(struct try *try, const struct err *err)
{
    unsigned failures = work_retry(&try->work, err);

    log_event(failures > 1 ? LOG_DEBUG : LOG_WARN, "orphans", try->entry ? "failed" : "cannot be read", "entry",
              try->entry ? try->entry->key : NULL, "reason", err->reason, "error", err->text, NULL);
}

/* Nothing is left of the entry. */
static void try_drop(struct try *try)
{
    assert(try->entry->busy);
    orphan_index_drop(&try->orphans->index, take(try->entry));
    work_done(&try->work);
}

static void on_removed(void *arg, const struct kube_reply *reply)
{
    struct try *try = arg;

    try->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        try_later(try, &reply->err);
        return;
    }
    try->orphans->ctx->stats->orphans.deregistered++;
    try_drop(try);
}

static void take_out(struct try *try)
{
    assert(try->entry->gone && try->entry->heard && !try->request && !try->call);
    try->request = ledger_remove(try->orphans->ctx, try->entry->key, on_removed, try);
}

/* Without an answer nobody was told, and once the entry is out nobody knows. A refusal is in the log. */
static void on_orphan_told(void *arg, const struct kube_reply *reply)
{
    struct try *try = arg;

    try->request = 0;
    event_sent(&try->orphans->ctx->stats->events, reply);
    if (event_sends_again(reply, try->entry->unheard++)) {
        try_later(try, &reply->err);
        return;
    }
    try->entry->heard = true;
    take_out(try);
}

static void tell_that_it_is_gone(struct try *try)
{
    cleanup_arena struct arena a = {0};
    const struct orphan_entry *entry = try->entry;
    const char *note =
        entry->unknown ? arena_printf(&a,
                                      "GitLab does not know the token of %s (any more), so it is forgotten; if the "
                                      "runner is still there, delete it",
                                      entry->key)
                       : arena_printf(&a, "GitLab has removed the runner that had been left behind: %s", entry->key);

    assert(entry->gone && !try->request && !try->call);
    try->request = send_orphan_event(try->orphans, entry->unknown, "OrphanDeregistered", note, on_orphan_told, try);
}

static void on_called(void *arg, const struct gitlab_answer *answer)
{
    struct try *try = arg;
    struct err err;

    try->call = NULL;
    tally_add(&try->orphans->ctx->stats->gitlab_calls, gitlab_call_name(GITLAB_DEREGISTER),
              answer->err.kind ? answer->err.reason : "ok", 1);
    if (answer->err.kind != ERR_NONE) {
        try_later(try, &answer->err);
        return;
    }
    if (answer->unknown && !try->entry->unknown) {
        try->entry->unknown = true;
        err_set(&err, ERR_RETRY, "Unconfirmed", "GitLab does not know the token; it is asked once more");
        try_later(try, &err);
        return;
    }
    try->entry->gone = true;
    try->entry->unknown = answer->unknown;
    tell_that_it_is_gone(try);
}

/* secret: the ledger as it was just read; somebody may have taken the entry out. */
static void deregister_orphan(struct try *try, struct json_object *secret)
{
    cleanup_arena struct arena a = {0};
    struct json_object *data = json_member(json_get(secret, "data"), try->entry->key);
    const char *text = data ? base64_decode(json_string(data), NULL, &a) : NULL;
    struct orphan orphan;
    struct err err;

    if (!data) {
        try_drop(try);
        return;
    }
    if (!text || !orphan_parse(text, &orphan, &a)) {
        err_set(&err, ERR_INVALID, "Invalid", "this is no entry of the ledger; take it out of Secret %s", LEDGER_NAME);
        try_later(try, &err);
        return;
    }
    const struct gitlab_request call = {.op = GITLAB_OP_DEREGISTER,
                                        .url = orphan.url,
                                        .address = orphan.address,
                                        .ca_pem = orphan.ca_pem,
                                        .token = orphan.token,
                                        .runner_id = orphan.runner_id,
                                        .ns = try->entry->ns};
    try->call = gitlab_start(try->orphans->ctx->gitlab, &call, on_called, try);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reading the ledger */

static void go_on_after_look(struct try *try, const struct kube_reply *reply)
{
    assert(try->looks && !try->call && !try->request);
    try->looks = false;
    if (!try->orphans->known)
        try_later(try, &reply->err);
    else if (try->entry)
        deregister_orphan(try, reply->object);
    else
        work_done(&try->work);
}

static void on_ledger_read(void *arg, const struct kube_reply *reply)
{
    struct orphans *orphans = arg;
    bool known = reply->err.kind == ERR_NONE || reply->err.kind == ERR_NOT_FOUND;

    orphans->request = 0;
    orphans->read_ms = loop_now(orphans->ctx->loop) + READ_MS;
    orphans->err = reply->err;
    orphans->known |= known;
    if (known) {
        free(orphans->uid);
        orphans->uid = mem_strdup(json_str_or(reply->object, "metadata.uid", ""));
        follow_ledger(orphans, json_get(reply->object, "data"));
    }
    list_each_safe (node, after, controller_view(orphans->ctx->controller, ALL).works) {
        struct try *try = container_of(container_of(node, struct work, node), struct try, work);
        if (try->looks)
            go_on_after_look(try, reply);
    }
}

static void look_at_ledger(void *arg)
{
    struct orphans *orphans = arg;

    if (!orphans->request)
        orphans->request = ledger_read(orphans->ctx, on_ledger_read, orphans);
}

/* Those that begin at about the same time share a look. */
static void look_soon(struct try *try)
{
    struct orphans *orphans = try->orphans;
    int64_t now = loop_now(orphans->ctx->loop);

    try->looks = true;
    if (now >= orphans->read_ms)
        look_at_ledger(orphans);
    else
        loop_timer_set(orphans->timer, orphans->read_ms - now);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The work of a key */

static struct try *try_create(struct orphans *orphans, struct orphan_entry *entry)
{
    assert(!entry || orphan_may_begin(entry));
    struct try *try = mem_alloc(sizeof(*try));

    *try = (struct try){.work.state = WORK_WAITING, .orphans = orphans, .entry = entry};
    if (entry)
        entry->busy = true;
    return try;
}

static struct work *try_start(void *arg, const char *text, enum queue_priority priority, const char *cause)
{
    struct orphans *orphans = arg;
    struct orphan_entry *entry = NULL;
    struct key key;

    (void)priority, (void)cause;
    if (key_parse(text, &key) && strcmp(key.kind, ENTRY) == 0)
        entry = orphan_index_find(&orphans->index, key.name);
    if (entry ? !orphan_may_begin(entry) : strcmp(key.kind, ALL) != 0)
        return NULL;
    struct try *try = try_create(orphans, entry);
    if (entry && entry->gone && entry->heard)
        take_out(try);
    else if (entry && entry->gone)
        tell_that_it_is_gone(try);
    else
        look_soon(try);
    return &try->work;
}

/* The entry stays. */
static void try_stop(struct work *work)
{
    struct try *try = container_of(work, struct try, work);

    if (try->request)
        kube_cancel(try->orphans->ctx->client, try->request);
    if (try->call)
        gitlab_cancel(try->call);
    if (try->entry)
        try->entry->busy = false;
    free(try);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A new entry */

bool orphans_next_leaving(const struct orphans *orphans, const char *newcomer, size_t *i, const char **ret_key)
{
    void *value;

    while (map_iter(&orphans->index.by_key, i, ret_key, &value)) {
        const char *leaving_for = ((struct orphan_entry *)value)->leaving_for;
        if (leaving_for && strcmp(leaving_for, newcomer) == 0)
            return true;
    }
    return false;
}

/* Before it is written: whoever dies then has told of what nobody else knows any more. */
static void announce_displaced(struct orphans *orphans, const char *newcomer)
{
    const char *key;

    for (size_t i = 0; orphans_next_leaving(orphans, newcomer, &i, &key);) {
        cleanup_arena struct arena a = {0};
        struct orphan_entry *entry = orphan_index_find(&orphans->index, key);
        if (!entry->told)
            send_orphan_event(
                orphans, true, "OrphanDisplaced",
                arena_printf(&a,
                             "the ledger is full, and namespace %s takes most of it: %s is forgotten, and "
                             "not tried any more; delete it there",
                             entry->ns, entry->what),
                event_sent, &orphans->ctx->stats->events);
        entry->told = true;
    }
}

bool orphans_admit(struct orphans *orphans, const char *key, const char *ns, const char *what, size_t size,
                   struct err *err)
{
    if (!orphans->known)
        return orphans->err.kind
                   ? (*err = orphans->err, false)
                   : err_set(err, ERR_RETRY, "LedgerUnread", "the ledger of orphans has not been read yet");
    struct orphan_entry *entry = orphan_index_find(&orphans->index, key);
    if (entry)
        return true; /* it is written again */
    assert(size < LEDGER_BYTES);
    entry = orphan_index_add(&orphans->index, key, ns, what, size);
    entry->recording = true;
    entry->since_s = loop_wall(orphans->ctx->loop);
    if (!orphan_index_make_room(&orphans->index, entry)) {
        orphan_index_drop(&orphans->index, entry);
        return err_set(err, ERR_RETRY, "LedgerFull",
                       "the ledger of orphans is full, and all that could leave it is in use");
    }
    announce_displaced(orphans, key);
    return true;
}

/* Nobody tries them any more. */
static void let_leave(struct orphans *orphans, const char *newcomer)
{
    const char *key;

    for (size_t i = 0; orphans_next_leaving(orphans, newcomer, &i, &key);) {
        orphans->ctx->stats->orphans.displaced++;
        orphan_index_drop(&orphans->index, orphan_index_find(&orphans->index, key));
    }
}

void orphans_written(struct orphans *orphans, const char *key, bool success)
{
    struct orphan_entry *entry = orphan_index_find(&orphans->index, key);

    if (success)
        let_leave(orphans, key);
    else
        orphan_index_stay(&orphans->index, key);
    if (!entry || !entry->recording)
        return;
    entry->recording = false;
    if (success)
        try_at(orphans, entry, loop_now(orphans->ctx->loop) + backoff_pause(&pauses, 1, 0, jitter_random()));
    else
        orphan_index_drop(&orphans->index, entry);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static void forget_ledger(void *arg)
{
    struct orphans *orphans = arg;

    if (orphans->request)
        kube_cancel(orphans->ctx->client, orphans->request);
    orphans->request = 0;
    loop_timer_set(orphans->timer, -1);
    orphan_index_finish(&orphans->index);
    orphans->known = !ledger_may_exist(orphans->ctx);
    orphans->err = (struct err){.kind = ERR_NONE};
    orphans->read_ms = 0;
}

static void begin_with_the_ledger(void *arg)
{
    struct orphans *orphans = arg;

    orphans->known = !ledger_may_exist(orphans->ctx);
    if (!orphans->known)
        controller_add(orphans->ctx->controller, key_text(ALL, orphans->ctx->ns, LEDGER_NAME).text, QUEUE_ROUTINE,
                       "leading");
}

static const struct work_kind tries = {
    .names = (const char *const[]){ENTRY, ALL, NULL},
    .places = AT_A_TIME,
    .routine_places = AT_A_TIME,
    .namespace_places = AT_A_TIME_OF_ONE,
    .retry = &pauses,
    .start = try_start,
    .stop = try_stop,
    .begin = begin_with_the_ledger,
    .forget = forget_ledger,
};

struct orphans *orphans_create(const struct context *ctx)
{
    struct orphans *orphans = mem_alloc(sizeof(*orphans));

    *orphans = (struct orphans){.ctx = ctx};
    orphans->timer = loop_timer_create(ctx->loop, look_at_ledger, orphans);
    controller_add_kind(ctx->controller, &tries, orphans);
    return orphans;
}

void orphans_destroy(struct orphans *orphans)
{
    if (!orphans)
        return;
    assert(!orphans->request && !orphans->index.by_key.len);
    loop_timer_destroy(orphans->timer);
    free(orphans->uid);
    free(orphans);
}

size_t orphans_count(const struct orphans *orphans)
{
    return orphans ? orphans->index.by_key.len : 0;
}
