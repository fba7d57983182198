/* The operators that are installed in the cluster, as their Deployments and Leases show them. */
#ifndef PLUGIN_INSTALLATION_H
#define PLUGIN_INSTALLATION_H

#include <stddef.h>
#include <stdint.h>

struct arena;
struct plugin_call;

#define OPERATOR_NAME     "gitlab-runner-controller"
#define OPERATOR_SELECTOR "app.kubernetes.io/name%3D" OPERATOR_NAME /* as labelSelector= takes it */

/* All texts are the arena's, "" where nothing is known. */
struct installation {
    const char *ns, *name;     /* of the Deployment                                         */
    const char *image;         /* of its container                                          */
    const char *version;       /* the image's tag                                           */
    int debug_port;            /* of its page, on its own machine alone; 0: none */
    int64_t wanted, ready;     /* replicas                                                  */
    const char *holder;        /* the pod that holds the Lease                              */
    int64_t renewed, duration; /* when it last did so, seconds since 1970, and for how long */
};

enum { INSTALLATIONS_MAX = 16 };

struct installations {
    struct installation items[INSTALLATIONS_MAX];
    size_t len;
};

/* Asks for Deployments and Leases of all namespaces at once. What the caller may not list is told with not_seen(). */
void installations_find(struct plugin_call *call, struct installations *ret);

#endif
