#include "orphans.h"

#include <stdlib.h>
#include <string.h>

#include "base/digest.h"
#include "base/jitter.h"
#include "base/json.h"
#include "base/log.h"
#include "ledger.h"
#include "net/loop.h"
#include "runner/names.h"

enum { PAUSE_MIN_MS = 10 * 1000, PAUSE_MAX_MS = 10 * 60 * 1000, FIRST_MS = 5 * 1000 };

struct entry {
    struct list node;
    char *key;
    unsigned attempts; /* that have failed                                   */
    bool gone;         /* from GitLab: only its entry is left                */
    int64_t due_ms;    /* monotonic                                          */
    bool seen;         /* in the ledger, when it was last read               */
};

struct orphans {
    const struct workshop *shop;
    struct loop_timer *timer;
    struct list entries;
    bool leading;
    int64_t look_ms;   /* when the ledger is to be read though nothing is due; INT64_MAX: not */
    unsigned failures; /* to read it, in a row                                                */
    uint64_t request;  /* to Kubernetes, in flight; 0: none                                   */
    struct gitlab_op *call;
    struct entry *tried; /* whose turn it is                                                  */
    char *uid;           /* of the Secret, for Events                                         */
};

/* Three quarters to five quarters of it. */
static int64_t pause_after(unsigned attempts)
{
    int64_t pause = PAUSE_MIN_MS;

    for (unsigned i = 1; i < attempts && pause < PAUSE_MAX_MS; i++)
        pause *= 2;
    if (pause > PAUSE_MAX_MS)
        pause = PAUSE_MAX_MS;
    return jitter(pause * 3 / 4, pause / 2);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Entries */

static struct entry *entry_of(struct list *node)
{
    return container_of(node, struct entry, node);
}

static struct entry *find(const struct orphans *orphans, const char *key)
{
    list_each (node, &orphans->entries)
        if (strcmp(entry_of(node)->key, key) == 0)
            return entry_of(node);
    return NULL;
}

static struct entry *add(struct orphans *orphans, const char *key, int64_t pause_ms)
{
    struct entry *entry = mem_alloc(sizeof(*entry));

    *entry = (struct entry){.key = mem_strdup(key), .due_ms = loop_now(orphans->shop->loop) + pause_ms};
    list_append(&orphans->entries, &entry->node);
    return entry;
}

static void drop(struct entry *entry)
{
    list_remove(&entry->node);
    free(entry->key);
    free(entry);
}

static void drop_all(struct orphans *orphans)
{
    list_each_safe (node, after, &orphans->entries)
        drop(entry_of(node));
}

static struct entry *first_due(const struct orphans *orphans)
{
    struct entry *first = NULL;

    list_each (node, &orphans->entries)
        if (!first || entry_of(node)->due_ms < first->due_ms)
            first = entry_of(node);
    return first;
}

static void arm(struct orphans *orphans)
{
    const struct entry *first = first_due(orphans);
    int64_t due = first && first->due_ms < orphans->look_ms ? first->due_ms : orphans->look_ms,
            now = loop_now(orphans->shop->loop);
    bool busy = orphans->request || orphans->call;

    loop_timer_set(orphans->timer, !orphans->leading || busy || due == INT64_MAX ? -1 : due > now ? due - now : 0);
}

/* The ledger is the truth: somebody may have taken an entry out by hand. */
static void follow(struct orphans *orphans, struct json_object *data)
{
    list_each (node, &orphans->entries)
        entry_of(node)->seen = false;
    json_each (it, data) {
        struct entry *entry = find(orphans, it.key);
        if (!entry)
            entry = add(orphans, it.key, jitter(0, FIRST_MS));
        entry->seen = true;
    }
    list_each_safe (node, after, &orphans->entries)
        if (!entry_of(node)->seen)
            drop(entry_of(node));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Deregistering one */

static void tell(const struct orphans *orphans, bool warning, const char *note)
{
    const struct workshop *shop = orphans->shop;
    const struct event event = {
        .regarding = {.api_version = "v1", .kind = "Secret", .ns = shop->ns, .name = LEDGER_NAME, .uid = orphans->uid},
        .warning = warning,
        .reason = "OrphanDeregistered",
        .note = note};

    event_send(shop->client, &event, GROUP "/controller", shop->instance, event_sent, &shop->stats->events);
    log_event(warning ? LOG_WARN : LOG_INFO, "orphans", "OrphanDeregistered", "message", note, NULL);
}

static void try_later(struct orphans *orphans, const struct err *err)
{
    struct entry *entry = take(orphans->tried);

    log_event(entry->attempts++ ? LOG_DEBUG : LOG_WARN, "orphans", "failed", "entry", entry->key, "reason", err->reason,
              "error", err->text, NULL);
    entry->due_ms = loop_now(orphans->shop->loop) + pause_after(entry->attempts);
    if (err->retry_after_ms > 0 && entry->due_ms < loop_now(orphans->shop->loop) + err->retry_after_ms)
        entry->due_ms = loop_now(orphans->shop->loop) + err->retry_after_ms;
    arm(orphans);
}

static void on_removed(void *arg, const struct kube_reply *reply)
{
    struct orphans *orphans = arg;

    orphans->request = 0;
    if (reply->err.kind != ERR_NONE && reply->err.kind != ERR_NOT_FOUND) {
        try_later(orphans, &reply->err);
        return;
    }
    orphans->shop->stats->orphans.deregistered++;
    drop(take(orphans->tried));
    arm(orphans);
}

static void on_called(void *arg, const struct gitlab_answer *answer)
{
    struct orphans *orphans = arg;
    struct stats *stats = orphans->shop->stats;

    orphans->call = NULL;
    tally_add(&stats->gitlab_calls, gitlab_call_name(GITLAB_DEREGISTER), answer->err.kind ? answer->err.reason : "ok",
              1);
    if (answer->err.kind != ERR_NONE) {
        try_later(orphans, &answer->err);
        return;
    }
    cleanup_arena struct arena a = {0};
    const char *key = orphans->tried->key;
    orphans->tried->gone = true;
    tell(orphans, answer->unknown,
         answer->unknown
             ? arena_printf(&a,
                            "GitLab does not know the token of %s (any more), so it is forgotten; if the runner "
                            "is still there, delete it",
                            key)
             : arena_printf(&a, "GitLab has removed the runner that had been left behind: %s", key));
    orphans->request = ledger_remove(orphans->shop, key, on_removed, orphans);
}

/* secret: the ledger as it was just read. */
static void deregister(struct orphans *orphans, struct entry *entry, struct json_object *secret)
{
    cleanup_arena struct arena a = {0};
    const char *data = json_string(json_member(json_get(secret, "data"), entry->key));
    const char *text = base64_decode(data, NULL, &a);
    struct orphan orphan;
    struct err err;

    orphans->tried = entry;
    if (entry->gone) {
        orphans->request = ledger_remove(orphans->shop, entry->key, on_removed, orphans);
        return;
    }
    if (!text || !orphan_parse(text, &orphan, &a)) {
        err_set(&err, ERR_INVALID, "Invalid", "this is no entry of the ledger; take it out of Secret %s", LEDGER_NAME);
        try_later(orphans, &err);
        return;
    }
    const struct gitlab_request call = {.op = GITLAB_OP_DEREGISTER,
                                        .url = orphan.url,
                                        .address = orphan.address,
                                        .ca_pem = orphan.ca_pem,
                                        .token = orphan.token,
                                        .runner_id = orphan.runner_id};
    orphans->call = gitlab_start(orphans->shop->gitlab, &call, on_called, orphans);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reading the ledger */

static void on_read(void *arg, const struct kube_reply *reply)
{
    struct orphans *orphans = arg;
    bool known = reply->err.kind == ERR_NONE || reply->err.kind == ERR_NOT_FOUND;

    orphans->request = 0;
    orphans->failures = known ? 0 : orphans->failures + 1;
    orphans->look_ms = known ? INT64_MAX : loop_now(orphans->shop->loop) + pause_after(orphans->failures);
    if (!known) {
        log_event(orphans->failures > 1 ? LOG_DEBUG : LOG_WARN, "orphans", "cannot be read", "reason",
                  reply->err.reason, "error", reply->err.text, NULL);
        arm(orphans);
        return;
    }
    free(orphans->uid);
    orphans->uid = mem_strdup(json_str_or(reply->object, "metadata.uid", ""));
    follow(orphans, json_get(reply->object, "data"));
    struct entry *first = first_due(orphans);
    if (first && first->due_ms <= loop_now(orphans->shop->loop))
        deregister(orphans, first, reply->object);
    arm(orphans);
}

static void on_timer(void *arg)
{
    struct orphans *orphans = arg;

    if (orphans->leading && !orphans->request && !orphans->call)
        orphans->request = ledger_read(orphans->shop, on_read, orphans);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct orphans *orphans_create(const struct workshop *shop)
{
    struct orphans *orphans = mem_alloc(sizeof(*orphans));

    *orphans = (struct orphans){.shop = shop, .look_ms = INT64_MAX};
    list_init(&orphans->entries);
    orphans->timer = loop_timer_create(shop->loop, on_timer, orphans);
    return orphans;
}

static void begin_anew(struct orphans *orphans)
{
    if (orphans->request)
        kube_cancel(orphans->shop->client, orphans->request);
    if (orphans->call)
        gitlab_cancel(orphans->call);
    orphans->request = 0;
    orphans->call = NULL;
    orphans->tried = NULL;
    drop_all(orphans);
}

void orphans_destroy(struct orphans *orphans)
{
    if (!orphans)
        return;
    begin_anew(orphans);
    loop_timer_destroy(orphans->timer);
    free(orphans->uid);
    free(orphans);
}

void orphans_lead(struct orphans *orphans, bool leading)
{
    if (leading == orphans->leading)
        return;
    begin_anew(orphans);
    orphans->leading = leading;
    orphans->look_ms = ledger_may_exist(orphans->shop) ? loop_now(orphans->shop->loop) : INT64_MAX;
    arm(orphans);
}

void orphans_expect(struct orphans *orphans, const char *key)
{
    if (!orphans)
        return;
    if (!find(orphans, key))
        add(orphans, key, pause_after(1));
    arm(orphans);
}

size_t orphans_count(const struct orphans *orphans)
{
    size_t count = 0;

    if (orphans)
        list_each (node, &orphans->entries)
            count++;
    return count;
}
