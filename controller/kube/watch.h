/* Keeping up with one kind of object: list, then watch, for ever.
 *
 *              ┌────────────── 410, or the server forgot our version ──────────────┐
 *              ▼                                                                   │
 *   start ──► LIST ──last page──► STREAM ──closed or broken──► PAUSE ──timer──► STREAM
 *              │ ▲ next page                                     ▲
 *              └─┘                                               │
 *              └───────────────── failed ────────────────► PAUSE ─┴─timer──► LIST
 *
 *   1. Exactly one request is in flight in LIST and STREAM, none in PAUSE.
 *   2. version is the resource version up to which everything was delivered: the list's, then each event's and
 *      bookmark's. A stream always begins at it, so nothing is missed and nothing is listed again without need.
 *   3. Lists ask for the newest state (no resourceVersion), never for "any" (0): the store cannot go back in time.
 *   4. PAUSE lasts 0.8 s, doubling to 30 s, with jitter; a stream that lived for two minutes resets it.
 *
 * Source of the protocol: kubernetes.io/docs/reference/using-api/api-concepts (efficient detection of changes). */
#ifndef KUBE_WATCH_H
#define KUBE_WATCH_H

#include <stdbool.h>

#include "kube/client.h"

struct loop;
struct watch;

enum watch_type { WATCH_ADDED, WATCH_MODIFIED, WATCH_DELETED };

struct watch_handler {
    /* A list begins (mark what is known), an object came (by list: WATCH_ADDED; lent), the list is complete (drop what
     * was not seen). Called from within the loop; they only record. */
    void (*list_begin)(void *arg);
    void (*object)(void *arg, enum watch_type type, struct json_object *object);
    void (*list_end)(void *arg);
    void *arg;
};

/* Prepares; selector (a label selector, unencoded) may be NULL. *resource and *handler->arg outlive the watch. */
struct watch *watch_create(struct loop *loop, struct kube_client *client, const struct kube_resource *resource,
                           const char *ns, const char *selector, const struct watch_handler *handler);
void watch_start(struct watch *watch);
void watch_destroy(struct watch *watch);

/* True from the first complete list on. */
bool watch_synced(const struct watch *watch);
const struct kube_resource *watch_resource(const struct watch *watch);
/* "list", "stream", "pause"; and why the last pause began ("" when all is well). */
const char *watch_state_name(const struct watch *watch);
const char *watch_problem(const struct watch *watch);

#endif
