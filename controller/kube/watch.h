/* Keeping up with one kind of object: list, then watch, for ever.
 *
 *              ┌─────────────── the server has forgotten our version, or has not reached it ───────────────┐
 *              ▼ (to LIST, where the server knows no streamed lists)                                       │
 *   start ──► SYNC ──end of the initial events: the same request goes on──► STREAM ──closed in order──► STREAM
 *              │                                                             ▲  │
 *              │ the server knows no streamed lists, or never ends one       │  └──broken──► PAUSE ──timer──► STREAM
 *              ▼                                                             │
 *             LIST ──last page───────────────────────────────────────────────┘
 *              │ ▲ next page; the whole list at once, when its continue token has expired
 *              └─┘
 *             SYNC, LIST ──failed──► PAUSE ──timer──► SYNC, or LIST where the server knows nothing else
 *             SYNC, LIST ──the server has forgotten what it told of──► the same as from STREAM
 *
 *   1. Exactly one request is in flight in SYNC, LIST and STREAM, none in PAUSE.
 *   2. version is what was reached: everything up to it was delivered. It never goes back. SYNC and LIST move it at
 *      their end only, STREAM with each event and bookmark. A stream always begins at it, so nothing is missed and
 *      nothing is listed again without need.
 *   3. Lists ask for the newest state (no resourceVersion), never for "any" (0). One that is older than what was
 *      reached, by a server that lags, is refused, so the store does not go back in time.
 *   4. PAUSE lasts 1.6 s, doubling to a minute, with jitter; a stream that lived for two minutes resets it. A list that
 *      an expired version makes necessary begins at once, if the last such one is not just over.
 *   5. SYNC has a deadline that each initial event puts off; other requests have theirs from kube/client.h.
 *
 * Source of the protocol: kubernetes.io/docs/reference/using-api/api-concepts (efficient detection of changes,
 * streaming lists); of the figures: client-go's reflector. */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H

#include <stdbool.h>
#include <stdint.h>

#include "kube/client.h"

struct loop;
struct watch;

enum watch_type {
    WATCH_LISTED, /* a list that is not complete yet has it */
    WATCH_ADDED,
    WATCH_MODIFIED,
    WATCH_DELETED,
};

/* Of which object an event tells, and which version of it. */
struct watch_identity {
    char ns[64], name[256], uid[64], version[32];
};

/* Called from within the loop; they only record. */
struct watch_handler {
    /* A list begins: mark what is known. It may begin anew without having ended. */
    void (*list_begin)(void *arg);
    /* An object came (lent): of the kind, with a name and a valid resource version; perhaps too large to be told of in
     * full (kube/object_text.h). */
    void (*object)(void *arg, enum watch_type type, struct json_object *object);
    /* Whether this version of the object, added or modified, is known: then the event is not looked at. NULL: never. */
    bool (*known)(void *arg, const struct watch_identity *identity);
    /* The list, of this version, is complete, and not older than anything that was told before: drop what was not
     * seen. */
    void (*list_end)(void *arg, const char *version);
    /* Everything up to this version was delivered: after list_end() and after each event and bookmark. */
    void (*reached)(void *arg, const char *version);
    void *arg;
};

/* Prepares; selector (a label selector, unencoded) may be NULL. *resource and *handler->arg outlive the watch. */
struct watch *watch_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                           const char *ns, const char *selector, const struct watch_handler *handler);
void watch_start(struct watch *watch);
/* Lists once more, as after an expired version; nothing while a list is under way or waited for. Not from within a
 * handler. */
void watch_list_again(struct watch *watch);
/* Cancels what is in flight. NULL is fine. */
void watch_destroy(struct watch *watch);

/* True from the first complete list on. */
bool watch_synced(const struct watch *watch);
/* "idle", "sync", "list", "stream", "pause"; and why the last pause began ("" when all is well). */
const char *watch_state_name(const struct watch *watch);
const char *watch_problem(const struct watch *watch);
/* What was reached; "": nothing yet. */
const char *watch_version(const struct watch *watch);

/* How often, since the start. */
struct watch_counts {
    uint64_t lists;         /* completed, streamed or not                                  */
    uint64_t watches;       /* streams begun                                               */
    uint64_t short_watches; /* … that ended within a second, without having told anything  */
    uint64_t pauses;        /* something went wrong                                        */
    uint64_t too_large;     /* objects that came and were too large                        */
};
struct watch_counts watch_counts(const struct watch *watch);

#endif
