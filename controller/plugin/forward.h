/* A way to a port of a pod: a child `kubectl port-forward`, which speaks what the API server wants of it. */
#ifndef PLUGIN_FORWARD_H
#define PLUGIN_FORWARD_H

#include <stdbool.h>
#include <sys/types.h>

struct plugin_call;

struct forward {
    const char *ns, *target; /* "pod/NAME" or "deployment/NAME"        */
    const char *address;     /* to listen on here                      */
    int port, remote_port;   /* here; there                            */
    pid_t child;             /* 0: none                                */
    int errors;              /* a pipe from it                         */
};

/* Whether nobody listens on this port here. */
bool forward_is_free(const char *address, int port);
/* Any port that nobody listens on; 0: there is none. */
int forward_free_port(const char *address);
/* Starts the child, with the call's kubeconfig, context and so on. It ends when we do. False: there is no kubectl,
 * which has been said. */
bool forward_start(struct forward *f, const struct plugin_call *call);
/* The child has ended. */
bool forward_ended(struct forward *f);
void forward_stop(struct forward *f);

/* Asks for / by HTTP: the status of the answer; 0: there is none (yet). */
int forward_status(const struct forward *f);

#endif
