/* One operator at work: loop, HTTP, clients, Lease and reconciler, from the start until it has finished what was in
 * flight. What it shows (pages), how it was asked for (options) and which process it is are its owner's business. */
#ifndef OPERATOR_INSTANCE_H
#define OPERATOR_INSTANCE_H

#include <stdbool.h>
#include <stdint.h>

#include "gitlab/api.h"
#include "kube/config.h"
#include "kube/lease.h"
#include "runner/render.h"

struct api_servers;
struct http;
struct kube_client;
struct loop;
struct loop_timer;
struct reconciler;

/* Texts are lent for the instance's life; policy.api_servers is set by instance_create(). */
struct instance_settings {
    const char *identity;   /* the pod's name */
    const char *lease_name; /* NULL: there is no election, and it always leads */
    const char *ns;         /* where Lease and ledger are; NULL: the configuration's */
    struct lease_timing lease;
    struct gitlab_settings gitlab;
    struct render_settings render;
    bool secrets_by_name, metrics_per_runner; /* operator/turn.h */
    size_t kept_budget;
};

struct instance {
    struct loop *loop;
    struct http *http;
    struct kube_config config;
    struct kube_client *client;
    struct gitlab *gitlab;
    struct api_servers *api_servers;
    struct lease *lease; /* NULL: there is no election */
    struct reconciler *rec;
    struct loop_timer *deadline; /* of a drain */
    bool follows_api_servers;    /* there is a right to it */
    bool stopping, leaving;
    int64_t stopping_ms; /* since when */
    /* Whether there is somebody else to be waited for, before it leaves. NULL: nobody. */
    bool (*is_awaited)(void *arg);
    void *is_awaited_arg;
};

/* Makes all of it on the loop; nothing begins. Takes over *config. *ret must stay where it is. */
void instance_create(struct instance *ret, struct loop *loop, const struct kube_config *config,
                     const struct instance_settings *settings);
void instance_start(struct instance *instance);
/* Finishes what is in flight, gives the Lease back and stops the loop; after 25 s it stops in any case. Not twice. */
void instance_stop(struct instance *instance);
/* Ends all of it at once, but for the loop. All zeroes is fine, too. */
void instance_finish(struct instance *instance);

#endif
