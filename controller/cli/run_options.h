/* The options of `run`: one table makes the parser, the checks and the help. */
#ifndef CLI_RUN_OPTIONS_H
#define CLI_RUN_OPTIONS_H

#include <stdbool.h>

#include "base/log.h"
#include "gitlab/api.h"
#include "kube/lease.h"

#define LEASE_NAME "gitlab-runner-controller"

/* All texts are lent by argv or constant. */
struct run_options {
    const char *kubeconfig, *context; /* NULL: not given */
    char address[128];                /* to listen on; "": all */
    int port;
    int debug_port; /* on localhost alone; 0: none */
    bool metrics_auth;
    bool page_auth;                           /* the fleet page is also served …               */
    char page_address[128];                   /* … there; "": everywhere                       */
    int page_port;                            /* 0: not given                                  */
    const char *page_tls_cert, *page_tls_key; /* NULL: none, so it is served on loopback alone */
    bool metrics_per_runner;                  /* fleet.h */
    const char *manager_image;
    const char *namespaces; /* "a,b" (runner/namespaces.h); NULL: all */
    bool secrets_by_name;   /* turn.h */
    unsigned kept_mib;      /* 0: not given; turn.h */
    bool leader_elect;
    const char *lease_namespace; /* NULL: the one of the kubeconfig or the pod */
    struct lease_timing lease;
    struct gitlab_settings gitlab;
    struct log_levels levels;
    bool json;
    char identity[256]; /* this process among its replicas: the host's name, which is the pod's */
};

/* Fills *ret with the defaults and what argv says. Returns -1 to go on; else the exit code to end with: EXIT_OK after
 * --help, EXIT_USAGE when an option is wrong, which has been said on stderr: its name, its value and what it must be.
 */
int run_options_parse(struct run_options *ret, int argc, char **argv);

#endif
