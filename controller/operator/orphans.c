#include "operator/orphans.h"

#include <stdlib.h>
#include <string.h>

#include "base/backoff.h"
#include "base/digest.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "operator/ledger.h"
#include "net/loop.h"
#include "operator/orphan_index.h"
#include "runner/names.h"

enum {
    FIRST_MS = 5 * 1000,
    READ_MS = 1000, /* between two looks at the ledger, which is large */
};
static const struct backoff pauses = {10 * 1000, 10 * 60 * 1000, 25};

struct orphans {
    const struct workshop *shop;
    struct loop_timer *timer;
    struct orphan_index index;
    bool leading;
    bool known;        /* the ledger was read, or is known not to be there                    */
    int64_t look_ms;   /* when it is to be read though nothing is due; INT64_MAX: not         */
    int64_t read_ms;   /* when it may be read again                                           */
    unsigned failures; /* to read it, in a row                                                */
    struct err err;    /* … the last of them                                                  */
    uint64_t request;  /* that reads it, in flight; 0: none                                   */
    struct list tries;
    char *uid; /* of the Secret, for Events                                           */
};

/* One runner that is being deregistered, or whose entry is being taken out. */
struct
try {
    struct list node;
    struct orphans *orphans;
    struct orphan_entry *entry;
    struct gitlab_op *call;
    uint64_t request; /* to Kubernetes */
};

static int64_t orphan_pause_after(unsigned attempts)
{
    return backoff_pause(&pauses, attempts, 0, jitter_random());
}

static void arm_orphans(struct orphans *orphans)
{
    int64_t due = orphan_index_next_ms(&orphans->index), now = loop_now(orphans->shop->loop);

    if (due < orphans->read_ms)
        due = orphans->read_ms;
    if (orphans->look_ms < due)
        due = orphans->look_ms;
    loop_timer_set(orphans->timer, !orphans->leading || orphans->request || due == INT64_MAX ? -1
                                   : due > now                                               ? due - now
                                                                                             : 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Entries */

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
    const char *what = good ? orphan_name(&owner, &orphan, &a) : key;
    struct orphan_entry *entry =
        orphan_index_add(&orphans->index, key, owner.ns, what, strlen(key) + (text ? strlen(text) : 0));
    entry->since_s = good ? orphan.since_s : 0;
    entry->due_ms = loop_now(orphans->shop->loop) + jitter(0, FIRST_MS);
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

static void tell_of_orphan(const struct orphans *orphans, bool warning, const char *reason, const char *note)
{
    const struct workshop *shop = orphans->shop;
    const struct event event = {.regarding = {.api_version = "v1",
                                              .kind = "Secret",
                                              .ns = shop->ns,
                                              .name = LEDGER_NAME,
                                              .uid = orphans->uid ? orphans->uid : ""},
                                .warning = warning,
                                .reason = reason,
                                .note = note};

    event_send(shop->client, &event, GROUP "/controller", shop->instance, event_sent, &shop->stats->events);
    log_event(warning ? LOG_WARN : LOG_INFO, "orphans", reason, "message", note, NULL);
}

static struct try *try_create(struct orphans *orphans, struct orphan_entry *entry)
{
    struct try *try = mem_alloc(sizeof(*try));

    *try = (struct try){.orphans = orphans, .entry = entry};
    list_append(&orphans->tries, &try->node);
    orphan_index_begin(&orphans->index, entry);
    return try;
}

/* Ends what is in flight; the entry stays. */
static void try_destroy(struct try *try)
{
    if (try->request)
        kube_cancel(try->orphans->shop->client, try->request);
    if (try->call)
        gitlab_cancel(try->call);
    orphan_index_end(&try->orphans->index, try->entry);
    list_remove(&try->node);
    free(try);
}

static void try_later(struct try *try, const struct err *err)
{
    struct orphans *orphans = try->orphans;
    struct orphan_entry *entry = try->entry;
    int64_t now = loop_now(orphans->shop->loop);

    log_event(entry->attempts++ ? LOG_DEBUG : LOG_WARN, "orphans", "failed", "entry", entry->key, "reason", err->reason,
              "error", err->text, NULL);
    entry->due_ms = now + orphan_pause_after(entry->attempts);
    if (err->retry_after_ms > 0 && entry->due_ms < now + err->retry_after_ms)
        entry->due_ms = now + err->retry_after_ms;
    try_destroy(try);
    arm_orphans(orphans);
}

static void on_removed(void *arg, const struct kube_reply *reply)
{
    struct try *try = arg;
    struct orphans *orphans = try->orphans;
    struct orphan_entry *entry = try->entry;

    try->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        try_later(try, &reply->err);
        return;
    }
    orphans->shop->stats->orphans.deregistered++;
    try_destroy(try);
    orphan_index_drop(&orphans->index, entry);
    arm_orphans(orphans);
}

static void take_out(struct try *try)
{
    try->request = ledger_remove(try->orphans->shop, try->entry->key, on_removed, try);
}

static void on_called(void *arg, const struct gitlab_answer *answer)
{
    struct try *try = arg;
    cleanup_arena struct arena a = {0};
    struct err err;

    try->call = NULL;
    tally_add(&try->orphans->shop->stats->gitlab_calls, gitlab_call_name(GITLAB_DEREGISTER),
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
    tell_of_orphan(
        try->orphans, answer->unknown, "OrphanDeregistered",
        answer->unknown
            ? arena_printf(&a,
                           "GitLab does not know the token of %s (any more), so it is forgotten; if the runner "
                           "is still there, delete it",
                           try->entry->key)
            : arena_printf(&a, "GitLab has removed the runner that had been left behind: %s", try->entry->key));
    take_out(try);
}

/* secret: the ledger as it was just read. */
static void deregister_orphan(struct orphans *orphans, struct orphan_entry *entry, struct json_object *secret)
{
    cleanup_arena struct arena a = {0};
    const char *data = json_string(json_member(json_get(secret, "data"), entry->key));
    const char *text = base64_decode(data, NULL, &a);
    struct try *try = try_create(orphans, entry);
    struct orphan orphan;
    struct err err;

    if (entry->gone) {
        take_out(try);
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
                                        .ns = entry->ns};
    try->call = gitlab_start(orphans->shop->gitlab, &call, on_called, try);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reading the ledger */

static void on_ledger_read(void *arg, const struct kube_reply *reply)
{
    struct orphans *orphans = arg;
    int64_t now = loop_now(orphans->shop->loop);
    struct orphan_entry *entry;
    bool known = reply->err.kind == ERR_NONE || reply->err.kind == ERR_NOT_FOUND;

    orphans->request = 0;
    orphans->failures = known ? 0 : orphans->failures + 1;
    orphans->look_ms = known ? INT64_MAX : now + orphan_pause_after(orphans->failures);
    orphans->read_ms = now + READ_MS;
    orphans->err = reply->err;
    if (!known) {
        orphans->read_ms = orphans->look_ms;
        log_event(orphans->failures > 1 ? LOG_DEBUG : LOG_WARN, "orphans", "cannot be read", "reason",
                  reply->err.reason, "error", reply->err.text, NULL);
        arm_orphans(orphans);
        return;
    }
    orphans->known = true;
    free(orphans->uid);
    orphans->uid = mem_strdup(json_str_or(reply->object, "metadata.uid", ""));
    follow_ledger(orphans, json_get(reply->object, "data"));
    while ((entry = orphan_index_due(&orphans->index, now)))
        deregister_orphan(orphans, entry, reply->object);
    arm_orphans(orphans);
}

static void on_orphans_timer(void *arg)
{
    struct orphans *orphans = arg;

    if (orphans->leading && !orphans->request)
        orphans->request = ledger_read(orphans->shop, on_ledger_read, orphans);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A new entry */

bool orphans_admit(struct orphans *orphans, const char *key, const char *ns, const char *what, size_t size,
                   struct err *err)
{
    if (!orphans->known) {
        arm_orphans(orphans);
        return orphans->failures
                   ? (*err = orphans->err, false)
                   : err_set(err, ERR_RETRY, "LedgerUnread", "the ledger of orphans has not been read yet");
    }
    struct orphan_entry *entry = orphan_index_find(&orphans->index, key);
    if (entry)
        return true; /* it is written again */
    entry = orphan_index_add(&orphans->index, key, ns, what, size);
    entry->recording = true;
    entry->since_s = loop_wall(orphans->shop->loop);
    if (orphan_index_make_room(&orphans->index, entry))
        return true;
    orphan_index_drop(&orphans->index, entry);
    return err_set(err, ERR_RETRY, "LedgerFull",
                   "the ledger of orphans is full, and all that could leave it is in use");
}

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

/* Nobody tries them any more. */
static void let_leave(struct orphans *orphans, const char *newcomer)
{
    const char *key;

    for (size_t i = 0; orphans_next_leaving(orphans, newcomer, &i, &key);) {
        struct orphan_entry *entry = orphan_index_find(&orphans->index, key);
        cleanup_arena struct arena a = {0};
        orphans->shop->stats->orphans.displaced++;
        tell_of_orphan(
            orphans, true, "OrphanDisplaced",
            arena_printf(&a,
                         "the ledger is full, and namespace %s takes most of it: %s is forgotten, and not tried any "
                         "more; delete it there",
                         entry->ns, entry->what));
        orphan_index_drop(&orphans->index, entry);
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
    entry->due_ms = loop_now(orphans->shop->loop) + orphan_pause_after(1);
    if (!success)
        orphan_index_drop(&orphans->index, entry);
    arm_orphans(orphans);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct orphans *orphans_create(const struct workshop *shop)
{
    struct orphans *orphans = mem_alloc(sizeof(*orphans));

    *orphans = (struct orphans){.shop = shop, .look_ms = INT64_MAX};
    list_init(&orphans->tries);
    orphans->timer = loop_timer_create(shop->loop, on_orphans_timer, orphans);
    return orphans;
}

static void begin_with_the_ledger(struct orphans *orphans)
{
    if (orphans->request)
        kube_cancel(orphans->shop->client, orphans->request);
    orphans->request = 0;
    list_each_safe (node, after, &orphans->tries)
        try_destroy(container_of(node, struct try, node));
    orphan_index_finish(&orphans->index);
}

void orphans_destroy(struct orphans *orphans)
{
    if (!orphans)
        return;
    begin_with_the_ledger(orphans);
    loop_timer_destroy(orphans->timer);
    free(orphans->uid);
    free(orphans);
}

void orphans_lead(struct orphans *orphans, bool leading)
{
    if (leading == orphans->leading)
        return;
    begin_with_the_ledger(orphans);
    orphans->leading = leading;
    orphans->known = !ledger_may_exist(orphans->shop);
    orphans->failures = 0;
    orphans->read_ms = 0;
    orphans->look_ms = orphans->known ? INT64_MAX : loop_now(orphans->shop->loop);
    arm_orphans(orphans);
}

size_t orphans_count(const struct orphans *orphans)
{
    return orphans ? orphans->index.by_key.len : 0;
}
