/* One GitLabRunner in full, for its open row on the fleet page.
 *
 * GET /fleet/runner?namespace=NS&name=NAME answers {"headline":TEXT, "do":{"text":TEXT,"command":TEXT|null}|null,
 * "rules":[{"mark":"ok"|"waits"|"STOP"|"would"|"-","name":TEXT,"says":TEXT,"why":TEXT}],
 * "conditions":[{"type","status", "reason","message","remedy","since":SECONDS}], "next":{"text":TEXT,"ms":N},
 * "managers":[{"pod","node","state","reason"}]|null, "jobs":[{"id","project","stage","name","state","pod","node",
 * "since":SECONDS}]|null, "events":[{"type","reason","message","count","last":SECONDS}]|null, "config":TEXT|null}. All
 * that is said of it comes from runner/explain.h. What is null could not be read; what is not known is not there.
 *
 * Pods and Events are read from the API server then, 200 at most of each, the events of the last hour that it keeps. Of
 * config.toml, as the spec of now leads to it, what may be secret is masked. An answer is kept for two seconds, and
 * whoever asks meanwhile gets the same; eight runners are looked at at a time (503). */
#ifndef WEB_FLEET_RUNNER_H
#define WEB_FLEET_RUNNER_H

#include "net/serve.h"
#include "operator/reconcile.h"
#include "web/auth.h"

struct fleet_runners;

/* Lends the reconciler. */
struct fleet_runners *fleet_runners_create(const struct reconciler *rec);
/* All readers must have ended. NULL is fine. */
void fleet_runners_destroy(struct fleet_runners *runners);

/* As struct serve_streaming has them; auth as fleet_stream.h has it. */
int fleet_runner_begin(struct fleet_runners *runners, struct auth *auth, const struct serve_request *request,
                       struct serve_stream *stream, void **ret_reader, struct buf *words);
bool fleet_runner_next(void *reader, struct buf *piece);
void fleet_runner_end(void *reader);

#endif
