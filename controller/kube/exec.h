/* Credentials that a program hands out: the "exec" of a kubeconfig's user.
 *
 *   NONE ──exec_need──► RUNNING ──it ended well──► HAVE ──expired, or exec_forget()──► RUNNING …
 *                          └──────it failed──────► FAILED ──after a while──► RUNNING …
 *
 * Source: client.authentication.k8s.io/v1 (kubernetes.io/docs/reference/access-authn-authz/authentication, client-go
 * credential plugins). */
#ifndef KUBE_EXEC_H
#define KUBE_EXEC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct exec;
struct kube_config;
struct loop;

/* What the kubeconfig says; every text is owned. */
struct exec_spec {
    char *api_version;
    char **argv; /* the command and its arguments, ended by NULL */
    char **env;  /* "NAME=value", in addition to ours; ended by NULL */
    char *install_hint;
    bool provide_cluster_info;
};

/* NULL is fine. */
void exec_spec_free(struct exec_spec *spec);

enum exec_state { EXEC_NONE, EXEC_RUNNING, EXEC_HAVE, EXEC_FAILED };

struct exec_credential {
    char *token;
    char *cert, *key; /* PEM */
    int64_t expires;  /* seconds since 1970; INT64_MAX: never */
};

/* Reads what a plugin has printed. False and *err (ERR_INVALID) when it is no credential of this version. Either way
 * the caller has to call exec_credential_finish(). */
bool exec_credential_read(struct exec_credential *ret, const char *api_version, const char *text, size_t len,
                          struct err *err);
void exec_credential_finish(struct exec_credential *credential);

/* KUBERNETES_EXEC_INFO: what the plugin is told, as JSON. The caller frees it. */
char *exec_info(const struct kube_config *config);

/* *config is lent, with config->exec. changed is called from the loop when a run has ended, well or not. */
struct exec *exec_create(struct loop *loop, const struct kube_config *config, void (*changed)(void *arg), void *arg);
void exec_destroy(struct exec *exec);

/* Starts the plugin unless there is a credential that is valid, or it is running, or it has failed just now. */
enum exec_state exec_need(struct exec *exec);
/* The API server did not accept the credential: the next exec_need() gets another one. */
void exec_forget(struct exec *exec);
/* The latest, which is good in HAVE; all zeroes before there was one. Lent until the next run has ended. */
const struct exec_credential *exec_credential(const struct exec *exec);
/* In FAILED: which plugin, why, and how to install it. */
const struct err *exec_error(const struct exec *exec);
/* Counts the credentials got so far. */
unsigned exec_generation(const struct exec *exec);

#endif
