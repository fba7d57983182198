/* What a command asks of the API server, as calls that wait: a loop, a client and the kubeconfig's identity behind it.
 *
 * Each request has the deadline of --request-timeout and a budget of bytes. A refusal is a value: a missing right
 * (is_forbidden()) is told with not_seen(), and the command goes on. From session_catch_interrupt() on, ctrl-c ends
 * what is waited for (reason Interrupted) in the place of the process. */
#ifndef PLUGIN_SESSION_H
#define PLUGIN_SESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"
#include "kube/client.h"

struct arena;
struct json_object;
struct loop;
struct plugin_options;
struct session;

#define PLUGIN_FIELD_MANAGER "kubectl-glr"

/* NULL and *err: there is no way to the API server, as far as the kubeconfig tells. Nothing is asked yet. */
struct session *session_open(const struct plugin_options *options, struct err *err);
/* Cancels what is in flight. NULL is fine. */
void session_close(struct session *s);

/* The namespace that was asked for; NULL: all (-A). */
const char *session_namespace(const struct session *s);
/* Seconds since 1970. */
int64_t session_now(const struct session *s);

/* One of several requests that are asked at once. */
struct session_request {
    const char *method;         /* NULL: GET                                                      */
    const char *path;           /* from kube_path(), with a query                                 */
    const char *content_type;   /* of the body; NULL: JSON                                        */
    const char *accept;         /* NULL: JSON                                                     */
    struct json_object *body;   /* lent; NULL: none                                               */
    bool text;                  /* the answer is no JSON: it becomes a JSON string, of 1 MiB at most */
    struct json_object *object; /* out: the arena's; NULL: see err */
    struct err err;             /* out */
};

/* Asks all of them, and returns when each has ended. */
void session_ask(struct session *s, struct session_request *requests, size_t len, struct arena *a);
/* The object at the path, the arena's; NULL and *err. */
struct json_object *session_get(struct session *s, const char *path, struct arena *a, struct err *err);
/* One of several lists that are read at once, page by page. */
struct session_list {
    const char *path;            /* may have a query: "?labelSelector=…"                                       */
    const char *accept;          /* NULL: JSON; KUBE_AS_METADATA("List"), or SESSION_AS_TABLE                  */
    bool lean;                   /* without metadata.managedFields, which are most of an object: a list stays small */
    struct json_object *items;   /* out: an array, the arena's; NULL: see err                                  */
    struct json_object *columns; /* out, of a table: its columnDefinitions                                   */
    struct err err;              /* out; also when there are more than 100,000, or a page of 500 has over 64 MiB */
};

/* The API server's own columns; items are its rows: {cells: […], object: {metadata: …}}. */
#define SESSION_AS_TABLE "application/json;as=Table;g=meta.k8s.io;v=v1"

enum { SESSION_LISTS_MAX = 32 };

void session_read_lists(struct session *s, struct session_list *lists, size_t len, struct arena *a);
/* The items of one. NULL and *err. */
struct json_object *session_list(struct session *s, const char *path, struct arena *a, struct err *err);
/* PATCH, POST, PUT or DELETE; content_type of the body, such as "application/merge-patch+json"; NULL: JSON. For PATCH
 * the path needs "?fieldManager=" PLUGIN_FIELD_MANAGER. */
struct json_object *session_write(struct session *s, const char *method, const char *path, const char *content_type,
                                  struct json_object *body, struct arena *a, struct err *err);

/* Follows what the API server says at the path, such as a log, until it ends, data() returns false, or nothing came for
 * idle_ms (0: however long). False and *err when it did not end well. */
bool session_stream(struct session *s, const char *path, int64_t idle_ms,
                    bool (*data)(void *arg, const char *bytes, size_t len), void *arg, struct err *err);

void session_catch_interrupt(struct session *s);
bool session_interrupted(const struct session *s);
/* Waits so long, or until session_wake(), which callbacks of the loop may call. False: interrupted. */
bool session_sleep(struct session *s, int64_t ms);
void session_wake(struct session *s);

/* For what these do not do: watches (kube/watch.h), programs (net/process.h). */
struct loop *session_loop(struct session *s);
struct kube_client *session_client(struct session *s);

#endif
