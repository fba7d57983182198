/* What is told over HTTP: /healthz, /readyz, /metrics, /debug/state. */
#ifndef CLI_PAGES_H
#define CLI_PAGES_H

#include "net/serve.h"
#include "reconcile.h"

/* For serve_create(), with a struct reconciler * as argument. */
extern const struct serve_page pages[];

#endif
