/* Parts of runner/explain*.c. */
#ifndef RUNNER_EXPLAIN_PARTS_H
#define RUNNER_EXPLAIN_PARTS_H

#include "runner/explain.h"
#include "runner/trace.h"

/* What an action does, for people: "register the runner at https://…". Without any token. */
const char *action_text(const struct action *act, struct arena *a);

/* The one thing to do, once all else of *e is known. */
struct advice advise(const struct observed *o, const struct explanation *e, struct arena *a);

#endif
