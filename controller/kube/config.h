/* Where the API server is and how to prove who we are: in-cluster files or a kubeconfig.
 *
 * Source: the kubeconfig file format (kubernetes.io/docs/reference/config-api/kubeconfig.v1) and the in-cluster
 * convention: /var/run/secrets/kubernetes.io/serviceaccount/{token,ca.crt,namespace}, KUBERNETES_SERVICE_HOST and
 * KUBERNETES_SERVICE_PORT. */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/err.h"
#include "net/http.h"

struct exec_spec;

/* What somebody has said on a command line; all NULL: what the files say counts. */
struct kube_choice {
    const char *path; /* of a kubeconfig; see kube_config_load() */
    const char *context;
    const char *cluster, *user; /* in the place of those that the context names */
    const char *as;             /* whom to act for … */
    const char *const *groups;  /* … and in which groups, groups_len of them */
    size_t groups_len;
};

struct kube_config {
    char *server;                   /* "https://host:port", no slash at the end          */
    char *namespace;                /* of the context or the service account; never NULL */
    char *ca_pem;                   /* NULL: the system's trust                          */
    char *client_cert, *client_key; /* PEM, NULL: none                    */
    char *token;                    /* bearer token, NULL: none           */
    char *username, *password;      /* basic authentication, NULL: none   */
    char *tls_server_name;
    char *proxy_url;
    bool insecure;
    struct exec_spec *exec; /* who hands out credentials, NULL: nobody           */
    char **impersonate;     /* whom to act for: headers ended by NULL; or NULL   */
    /* Where the values came from; NULL: they are fixed. */
    char *ca_file, *client_cert_file, *client_key_file, *token_file;
    int64_t token_ms, pem_ms; /* when these were read (monotonic); 0: by loading         */
    unsigned generation;      /* counts the changes of what proves who we are            */
    uint64_t ca_reloads;
};

/* Loads, in this order: path when not NULL; the files that exist of $KUBECONFIG (a list separated by ':', merged as
 * kubectl does: what the first file says counts); kube_config_load_in_cluster() when KUBERNETES_SERVICE_HOST is set;
 * ~/.kube/config. context: NULL takes current-context.
 * False and *err (ERR_INVALID: which file, which field, what to do) when there is none or it is wrong. Ways to prove
 * who we are that we cannot follow (auth-provider) are refused by name. */
bool kube_config_load(struct kube_config *ret, const char *path, const char *context, struct err *err);
/* The same with all that may be chosen; choice->path and choice->context are path and context. In a cluster without a
 * kubeconfig there are no clusters and users to choose from, which is ERR_INVALID. */
bool kube_config_choose(struct kube_config *ret, const struct kube_choice *choice, struct err *err);
/* folder: where token, ca.crt and namespace are; NULL: the one of the convention. */
bool kube_config_load_in_cluster(struct kube_config *ret, const char *folder, struct err *err);
/* All zeroes, and what a failed load left, are fine too. */
void kube_config_finish(struct kube_config *config);

enum { CONFIG_TOKEN = 1, CONFIG_CA = 2, CONFIG_CLIENT = 4 };

/* Reads the files again: the token each minute, certificates each five minutes, all of them at once with force (after
 * a 401). What cannot be read or used (no token, no PEM, a key that does not fit) keeps the old value. now_ms:
 * monotonic. Returns what has changed; with another CA or client certificate, connections should be new ones. */
unsigned kube_config_refresh(struct kube_config *config, int64_t now_ms, bool force);

/* The TLS part for a request; lends strings of *config. */
struct http_tls kube_config_tls(const struct kube_config *config);

#endif
