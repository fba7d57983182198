/* What is told over HTTP: to everyone /healthz, /readyz and /metrics, to this machine /debug/state. */
#ifndef WEB_PAGES_H
#define WEB_PAGES_H

#include "net/serve.h"
#include "operator/reconcile.h"

/* For serve_create(), with a struct reconciler * as argument. */
extern const struct serve_page public_pages[], debug_pages[];

#endif
