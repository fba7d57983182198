/* Requests to the API server: paths, server-side apply, and the server's Status turned into struct err.
 *
 * Requests wait while the server is busy (kube/limit.h) or a credential is being fetched (kube/exec.h). Repeated here
 * is what a better credential (401) or patience (429, and but for POST 5xx, with Retry-After) can help, and once what
 * lost its connection, but for POST; whatever else fails is the caller's to judge. Of a POST that is marked as
 * repeatable all of that is done.
 *
 * Sources: kubernetes.io/docs/reference/using-api/api-concepts and …/server-side-apply. */
#ifndef KUBE_CLIENT_H
#define KUBE_CLIENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena;
struct http;
struct json_object;
struct kube_client;
struct kube_config;
struct kube_stats;
struct loop;

/* The Accept header for nothing but metadata; of a list with "List". */
#define KUBE_AS_METADATA(suffix) "application/json;as=PartialObjectMetadata" suffix ";g=meta.k8s.io;v=v1"

/* A kind of object as the API server serves it. */
struct kube_resource {
    const char *kind;        /* "Deployment"                                */
    const char *api_version; /* "apps/v1"                                   */
    const char *plural;      /* "deployments"                               */
    bool namespaced;
    bool metadata_only; /* nothing else is looked at, but where it is read with kube_get() */
    /* A member of the objects that nobody looks at, as a dotted path: what comes of it is passed over, which saves much
     * of the work where it is large. NULL: none. */
    const char *unread;
    const char *annotations; /* those that count where an object is too large: a key, or how keys begin with a star;
                                NULL: none */
    /* A member of the objects that is large and seldom looked at: it comes as a string, of its JSON. A dotted path,
     * "[]." stands between a list and a member of its elements. NULL: none. */
    const char *as_text;
};

struct kube_reply {
    struct json_object
        *object;    /* the parsed body of a 2xx answer; lent during the callback; NULL: there was none, or
                       it was passed on. One that is too large is only partly there, see kube/object_text.h */
    size_t size;    /* bytes of that body, all of them */
    struct err err; /* ERR_NONE on success */
    int64_t date_s; /* the server's clock when it answered, in seconds since 1970; 0: not known */
};

typedef void kube_done_fn(void *arg, const struct kube_reply *reply);

struct kube_request {
    const char *method;       /* a constant                       */
    const char *path;         /* from kube_path(), with its query */
    const char *content_type; /* of the body; NULL: JSON          */
    const char *accept;       /* NULL: JSON                       */
    const char *body;         /* NULL: none                       */
    int64_t timeout_ms;       /* for one answer, from its sending; 0: 60 s                                      */
    /* Whose object the answer is, lent until then: one that is too large succeeds, and is partly there. NULL: it fails
     * (ERR_RETRY, TooLarge), though what was asked for may be done. */
    const struct kube_resource *resource;
    const char *data_key; /* a member of the answer's data that is let through in any case; "*": all of them */
    size_t answer_max;    /* bytes of an answer that is not too large; 0: OBJECT_TEXT_MAX                     */
    /* Called for each piece of a 2xx body, which is nowhere else then; false ends the request. NULL: see reply.object.
     * Nothing is repeated that was told of. */
    bool (*data)(void *arg, const char *bytes, size_t len);
    bool repeatable;    /* of a POST: the second of two is refused, so it is repeated as all else */
    bool urgent;        /* a Lease's own: neither limit nor fence holds it back, and it is repeated after a 401 alone */
    kube_done_fn *done; /* called once, never from within kube_start(); not after kube_cancel() */
    void *arg;
};

/* What kube_stream() follows: bytes of a 2xx body as they come, then the end. */
struct kube_stream {
    const char *path;
    const char *accept;
    int64_t idle_timeout_ms;
    bool (*data)(void *arg, const char *bytes, size_t len); /* false ends the stream */
    void (*end)(void *arg, const struct err *err);          /* ERR_NONE: the server closed it in good order */
    void *arg;
};

/* The client lends all three; config's token is read again as time goes by. */
struct kube_client *kube_client_create(struct loop *loop, struct http *http, struct kube_config *config);
void kube_client_destroy(struct kube_client *client);

/* All start a request and return its id, which kube_cancel() takes. What writes stands
 * behind the fence of net/http.h, unless it is urgent. */
uint64_t kube_start(struct kube_client *client, const struct kube_request *request);
uint64_t kube_stream(struct kube_client *client, const struct kube_stream *stream);
void kube_cancel(struct kube_client *client, uint64_t id);

uint64_t kube_get(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                  kube_done_fn *done, void *arg);
/* The metadata alone, of any kind. */
uint64_t kube_get_metadata(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                           kube_done_fn *done, void *arg);
/* The same, of a Secret or ConfigMap for this key of its data ("*": for all keys), which is there even when the object
 * is too large. */
uint64_t kube_get_data(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                       const char *key, kube_done_fn *done, void *arg);
/* Server-side apply, forced, as field manager `manager`. A manifest with metadata.uid is only ever applied to that very
 * object (else ERR_CONFLICT), so a deleted object is not made again; one with a resourceVersion to that version alone.
 */
uint64_t kube_apply(struct kube_client *client, const struct kube_resource *r, const char *subresource,
                    struct json_object *manifest, const char *manager, kube_done_fn *done, void *arg);
/* A merge patch of the object that its metadata names, as field manager `manager`. */
uint64_t kube_patch(struct kube_client *client, const struct kube_resource *r, struct json_object *patch,
                    const char *manager, kube_done_fn *done, void *arg);
/* Deletes the object only if it still has this uid. With foreground it stays, terminating, until the garbage collector
 * has seen the end of all that it owns; else that goes after it. */
uint64_t kube_delete(struct kube_client *client, const struct kube_resource *r, const char *ns, const char *name,
                     const char *uid, bool foreground, kube_done_fn *done, void *arg);
/* A POST is never sent twice unless the server refused it without effect (401, 429): without an answer (ERR_RETRY, code
 * 0) the object may be there. */
uint64_t kube_create(struct kube_client *client, const struct kube_resource *r, const char *ns,
                     struct json_object *object, kube_done_fn *done, void *arg);
/* Makes an object of the manifest's name by POST, as field manager `manager`; fails with ERR_CONFLICT when there is
 * one, which may be this very one: it is sent again when the answer was lost. As with an apply, fields that the API
 * server does not know are refused. */
uint64_t kube_create_as(struct kube_client *client, const struct kube_resource *r, struct json_object *manifest,
                        const char *manager, kube_done_fn *done, void *arg);

/* "/apis/apps/v1/namespaces/NS/deployments/NAME/SUB"; ns, name, subresource may be NULL. A name
 * that would lead elsewhere (base/charset.h, CHARSET_SEGMENT) becomes "-", which no object is called. */
const char *kube_path(const struct kube_resource *r, const char *ns, const char *name, const char *subresource,
                      struct arena *a);

/* An answer's status and body (a Status object, or anything) as struct err; ERR_NONE for 2xx. */
struct err kube_classify(long status, const char *body, size_t len, int64_t retry_after_ms);

/* What was asked and answered so far (kube/client_stats.h). */
const struct kube_stats *kube_stats(const struct kube_client *client);

struct kube_traffic {
    unsigned limit, in_flight, held; /* requests: how many may be on their way, are, and wait; streams not counted */
    int64_t throttled_ms;            /* how long requests have waited before they were sent, all together         */
    uint64_t ca_reloads;             /* of the file with the server's authorities                                 */
};

struct kube_traffic kube_traffic(const struct kube_client *client);

#endif
