/* What is told over HTTP: to everyone /healthz, /readyz and /metrics; to this machine /debug/state and the fleet page.
 */
#ifndef WEB_PAGES_H
#define WEB_PAGES_H

#include "net/serve.h"
#include "operator/reconcile.h"

struct auth;
struct fleet_runners;
struct fleet_stream;

/* What they tell of. All is lent. */
struct pages {
    const struct reconciler *rec;
    struct fleet_stream *fleet;
    struct fleet_runners *runners;
    struct auth *auth; /* that lets in who asks for guarded pages; NULL: all may see all */
};

/* For serve_create(), with a struct pages * as argument: to everyone; to this machine; and the fleet page alone. */
extern const struct serve_page public_pages[];
const struct serve_page *debug_pages(void);
const struct serve_page *fleet_pages(void);

#endif
