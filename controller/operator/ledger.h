/* The ledger of runners that were left behind at GitLab: one Secret in the operator's own namespace, an entry
 * (runner/orphan.h) under a key for each.
 *
 * It is one object and not a ConfigMap beside a Secret, so that an entry and its token come and go in one write. */
#ifndef OPERATOR_LEDGER_H
#define OPERATOR_LEDGER_H

#include "runner/names.h"
#include "operator/turn.h"

/* False: the watch of Secrets shows that there is none. */
bool ledger_may_exist(const struct context *ctx);
/* All others start a request and return its id, as kube/client.h has it; ctx->ns is the operator's namespace. */
uint64_t ledger_read(const struct context *ctx, kube_done_fn *done, void *arg);
/* Writes one entry, takes out what leaves for it (orphans.h), and leaves all others alone. ERR_NOT_FOUND: there is no
 * Secret yet, see ledger_create(). */
uint64_t ledger_write(const struct context *ctx, const char *key, const char *text, kube_done_fn *done, void *arg);
/* ERR_CONFLICT: somebody else has just made it. */
uint64_t ledger_create(const struct context *ctx, const char *key, const char *text, kube_done_fn *done, void *arg);
/* Takes one entry out. */
uint64_t ledger_remove(const struct context *ctx, const char *key, kube_done_fn *done, void *arg);

#endif
