/* Clocks and an API server for the tests of the lease: they take the place of net/loop.c, kube/client.c and
 * base/clock.c. One test program includes this once. */
#ifndef TESTS_LEASE_FAKES_H
#define TESTS_LEASE_FAKES_H

#include "base/clock.h"
#include "fake_loop.h"
#include "golden.h"

#include "base/log.h"
#include "base/mem.h"
#include "kube/client.h"
#include "kube/lease.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Clocks. monotonic stands still while the machine sleeps, boottime does not, and the wall clock is anything. */

static int64_t wall_us;

int64_t clock_wall_us(void)
{
    return ++wall_us;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The API server: one Lease, and the version that a write must be about */

struct server {
    struct json_object *object; /* NULL: not there */
    int version, writes;
};

static inline struct json_object *stored(struct server *s, struct json_object *object)
{
    struct json_object *copy = json_copy(object);
    char version[16];

    snprintf(version, sizeof(version), "%d", ++s->version);
    json_put_ptr(&s->object);
    s->object = copy;
    json_set_str(copy, "metadata.resourceVersion", version);
    s->writes++;
    return json_copy(s->object);
}

/* The object of the answer, or NULL and why. */
static inline struct json_object *serve(struct server *s, const char *method, const char *body, struct err *err)
{
    struct err ignored;
    cleanup_json struct json_object *object = body ? json_parse(body, strlen(body), &ignored) : NULL;
    const char *version = json_str(object, "metadata.resourceVersion");

    if (strcmp(method, "POST") == 0) {
        assert_null(version);
        if (!s->object)
            return stored(s, object);
        err_set(err, ERR_CONFLICT, "AlreadyExists", "it is there");
    } else if (!s->object) {
        err_set(err, ERR_NOT_FOUND, "NotFound", "it is not there");
    } else if (strcmp(method, "GET") == 0) {
        return json_copy(s->object);
    } else if (version && strcmp(version, json_str(s->object, "metadata.resourceVersion")) == 0) {
        return stored(s, object);
    } else {
        err_set(err, ERR_CONFLICT, "Conflict", "the object has been modified");
    }
    return NULL;
}

/* A client remembers the one request in flight; who answers it depends on the test. */
struct kube_client {
    struct loop *loop;
    char *method, *body;
    kube_done_fn *done; /* NULL: nothing is in flight */
    void *arg;
    int64_t timeout_at; /* monotonic */
    uint64_t requests;
};

uint64_t kube_start(struct kube_client *c, const struct kube_request *r)
{
    bool create = strcmp(r->method, "POST") == 0;

    assert_null(c->done); /* one at a time */
    assert_true(r->urgent);
    assert_in_range(r->timeout_ms, 1, 5000);
    assert_string_equal(r->path, create ? "leases/system" : "leases/system/election");
    c->method = mem_strdup(r->method);
    c->body = r->body ? mem_strdup(r->body) : NULL;
    c->done = r->done;
    c->arg = r->arg;
    c->timeout_at = c->loop->now + r->timeout_ms;
    return ++c->requests;
}

static kube_done_fn *forget(struct kube_client *c)
{
    kube_done_fn *done = c->done;

    free(c->method);
    free(c->body);
    c->method = c->body = NULL;
    c->done = NULL;
    return done;
}

void kube_cancel(struct kube_client *c, uint64_t id)
{
    assert_int_equal(id, c->requests);
    forget(c);
}

const char *kube_path(const struct kube_resource *r, const char *ns, const char *name, const char *subresource,
                      struct arena *a)
{
    assert_string_equal(r->api_version, "coordination.k8s.io/v1");
    assert_null(subresource);
    return arena_printf(a, "%s/%s%s%s", r->plural, ns, name ? "/" : "", name ? name : "");
}

static inline void tell(struct kube_client *c, struct json_object *object, const struct err *err)
{
    struct kube_reply reply = {.object = object, .err = *err};

    forget(c)(c->arg, &reply);
    json_object_put(object);
}

static inline void tell_failure(struct kube_client *c, const char *reason)
{
    struct err err = {0};

    err_set(&err, ERR_RETRY, reason, "no answer");
    tell(c, NULL, &err);
}

#endif
