/* Where the API server is and how to prove who we are: in-cluster files or a kubeconfig.
 *
 * Source: the kubeconfig file format (kubernetes.io/docs/reference/config-api/kubeconfig.v1) and the in-cluster convention
 * /var/run/secrets/kubernetes.io/serviceaccount/{token,ca.crt,namespace}, KUBERNETES_SERVICE_HOST/PORT. */
#ifndef KUBE_CONFIG_H
#define KUBE_CONFIG_H

#include <stdint.h>

#include "base/err.h"
#include "net/http.h"

struct kube_config {
    char *server;         /* "https://host:port", no slash at the end            */
    char *namespace;      /* of the context or the service account; never NULL   */
    char *ca_pem;         /* NULL: the system's trust                            */
    char *client_cert, *client_key; /* PEM, NULL: none                           */
    char *token;          /* bearer token, NULL: none                            */
    char *token_file;     /* where token came from; NULL: fixed                  */
    int64_t token_read_ms; /* when (monotonic)                                   */
    char *username, *password; /* basic authentication, NULL: none               */
    char *tls_server_name;
    char *proxy_url;
    bool insecure;
};

/* Loads, in kubectl's order: path when not NULL, the first existing file of $KUBECONFIG (a list separated by ':'), in-cluster
 * files when KUBERNETES_SERVICE_HOST is set, ~/.kube/config. context: NULL takes current-context.
 * False and *err (which file, which field, what to do) when there is none or it is wrong; unsupported ways to prove who we are
 * (exec, auth-provider) are refused by name. */
bool kube_config_load(struct kube_config *ret, const char *path, const char *context, struct err *err);
void kube_config_finish(struct kube_config *config);

/* Reads token_file again when the last reading is older than a minute, or at once with force (after a 401). An unreadable or
 * empty file keeps the old token. now_ms: monotonic. True when the token changed. */
bool kube_config_refresh(struct kube_config *config, int64_t now_ms, bool force);

/* The TLS part for a request; lends strings of *config. */
struct http_tls kube_config_tls(const struct kube_config *config);

#endif
