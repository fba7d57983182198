/* /debug/state: what the process is at, as JSON, for people who look into a problem. No secret is in it: the store
 * keeps none, and of what is in flight, of GitLab's hosts and of failures only names, times and reasons are shown.
 *
 * ?key=NAMESPACE/NAME shows instead what is kept about one GitLabRunner and its children. */
#ifndef WEB_DEBUG_STATE_H
#define WEB_DEBUG_STATE_H

#include "net/serve.h"
#include "operator/reconcile.h"

int debug_state_page(const struct reconciler *rec, const struct serve_request *request, struct buf *body);

#endif
