/* An API server as far as an operator can tell: resources, versions, lists, watches, server-side apply, deletion.
 *
 * It is reached in two ways: by requests through the network (api_serve), and by the functions here, for users,
 * controllers and whoever looks on, which are not delayed and cannot fail but by the server's own rules. Both go
 * through the same code: admission, versions, managed fields, watches. Several replicas of the server may show views of
 * different age (api_lag). */
#ifndef TESTS_SIM_API_H
#define TESTS_SIM_API_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "tests/sim/sim.h"

struct api;
struct json_object;

/* Reads the kinds, which all servers of a process share, so that no child of the process has to. */
void api_prepare(void);
struct api *api_create(struct sim *sim);
void api_destroy(struct api *api);
/* Answers requests to this host from now on, as one of its replicas. */
void api_serve(struct api *api, const char *host);

/* The answer to a direct request: status 200, 201, 404, 409, 422 …, and the object or the Status. */
struct api_answer {
    int status;
    struct json_object *object; /* a reference of the caller's: json_object_put() */
};

/* Any request, as the network would bring it; `user` is the field manager and who is asked for rights ("" has all). */
struct api_answer api_request(struct api *api, const char *user, const char *method, const char *target,
                              const char *content_type, struct json_object *body);

/* The object as it is stored, lent until the next request; NULL: there is none. Resource: "secrets", "gitlabrunners".
 */
struct json_object *api_object(const struct api *api, const char *resource, const char *ns, const char *name);
/* Calls each(arg, object) for every object of the resource, in the order of their keys. */
void api_each(const struct api *api, const char *resource, void (*each)(void *arg, struct json_object *object),
              void *arg);
/* The last version that was given. */
uint64_t api_version(const struct api *api);

/* What has happened to an object, told when it is done, before anybody else can see it. before and after are lent;
 * NULL: it was not there, it is gone. */
struct api_write {
    const char *user, *verb, *resource, *subresource; /* subresource: "" or "status" */
    struct json_object *before, *after;
    int replica; /* whose request it was; -1: no operator's */
};
void api_on_write(struct api *api, void (*told)(void *arg, const struct api_write *write), void *arg);

/* ------------------------------------------------------------------------------------------------------------------
 * What is out of the ordinary. */

/* Watches (and lists that do not ask for the newest) of this host show what was so many versions ago, until 0 is set. A
 * watch of one resource only when resource is not NULL. */
void api_lag(struct api *api, const char *host, const char *resource, uint64_t versions);
/* Forgets the history: watches from before get 410 Gone, as after a compaction. */
void api_compact(struct api *api);
/* Ends all watches of a host, each in good order (as after the timeout that they asked for), or amid a line. */
void api_end_watches(struct api *api, const char *host, bool amid);
/* Requests of this user to the resource (and verb; NULL: all) are answered with 403 until it is granted again: what is
 * granted to NULL, is so to each. */
void api_deny(struct api *api, const char *user, const char *verb, const char *resource, bool denied);
/* Bearer tokens that are accepted; others get 401. NULL takes back all. */
void api_accept_token(struct api *api, const char *token, const char *user);
/* Writes of the resource (NULL: all) are refused by an admission webhook with this status until 0 is set. */
void api_refuse(struct api *api, const char *resource, int status, const char *message);
/* Lists come in pages of so many items at most, whatever `limit` allows, and never as streams; told(arg) is called with
 * each page that others follow. */
void api_page(struct api *api, int64_t items, void (*told)(void *arg), void *arg);
/* Every request through the network but watches is answered with this status, before or after what it asks for is done,
 * until 0 is set. A connection that breaks, or an answer that never comes, is the network's to choose. */
struct api_trouble {
    int status; /* 429, 500, 503, 504; 0: none */
    bool after;
    int64_t retry_after_ms;
};
void api_trouble(struct api *api, const struct api_trouble *trouble);

/* ------------------------------------------------------------------------------------------------------------------
 * The cluster's controllers: garbage collector, namespaces, Deployments and their pods (controllers.c). Each sees a
 * write after a delay, acts as the real one, and can be held. A Deployment has pods, which start, become ready, and
 * when they are deleted end after a while, if they have jobs. */

void controllers_start(struct api *api);
void controllers_hold(struct api *api, bool held);
void controllers_destroy(struct api *api); /* by api_destroy() */

#endif
