/* The fleet page's stream: all GitLabRunners, and then each change of them, as they are in the store.
 *
 * GET /fleet/stream?since=REVISION answers text/event-stream, each event with one line of data, a JSON object:
 *
 *   hello     {"operator":"0.1.0","now":SECONDS,"leader":BOOL,"holder":NAME|null,"user":NAME|null,
 *              "namespaces":"*"|[NAME,…],"revision":R,"full":BOOL}
 *             first; and again, without full, when one of the others than now and revision has changed. full: all rows
 *             follow, and the reader forgets those that it has; else (since was given and is known) only what has
 *             changed. namespaces: of very many the first, 12 KiB of them. user null: nobody was asked who it is.
 *             holder: the pod that leads, null: not known.
 *   rows      {"strings":[…],"rows":[ROW,…]}
 *   synced    {"revision":R,"count":N}        the reader has all N rows now
 *   change    {"revision":R,"strings":[…],"rows":[ROW,…]}       such rows are new, or take the place of the former
 *   gone      {"revision":R,"keys":[[NAMESPACE,NAME],…]}
 *   plots     fleet_plots.h                   once after hello, and each 10 s
 *   anew      {}                              the reader has fallen too far behind: it connects again, without since
 *   bye       {"reason":TEXT}                 the end, which connecting again at once does not mend
 *   : heartbeat                               when nothing else was written for 15 s
 *
 * ROW is [NAMESPACE, name, ready, REASON, HEADLINE, managersReady, managers, jobs, limit, runnerId, TAGS, HOST,
 * VERSION, tokenExpires, created, paused, severity, since]. What is in capitals here is a number, an index into the
 * strings of the same event (each event has its own, so that one can be read without those before it), or null. TAGS is
 * the index of an array of texts. ready: true, false, or null: not known. severity: 0 fine; 1 quiet, such as paused; 2
 * a warning; 3 waits, and will go on by itself; 4 needs somebody. paused: {"until":SECONDS|null,"by":NAME|null}, or
 * null. since: when Ready last changed. Times are seconds since 1970. Unknown or none: null. jobs is null while nobody
 * has counted them.
 *
 * A revision is a number below 2^53, and means something only to the process that has said it, for half a minute after
 * the last reader has left: until then rows are kept for whoever comes again. Events are at most 16 KiB. All of it is
 * cut to what the reader may see: rows, counts, jobs, and hosts of plots. Who was let in by a token has to show it
 * again every ten minutes (anew). */
#ifndef WEB_FLEET_STREAM_H
#define WEB_FLEET_STREAM_H

#include "net/serve.h"
#include "operator/reconcile.h"
#include "web/auth.h"

struct fleet_stream;

/* Lends the reconciler. */
struct fleet_stream *fleet_stream_create(const struct reconciler *rec);
/* Somebody looks. */
bool fleet_stream_is_watched(const struct fleet_stream *fleet);
/* Says goodbye to all readers. */
void fleet_stream_say_bye(struct fleet_stream *fleet, const char *reason);
/* All streams must have ended. NULL is fine. */
void fleet_stream_destroy(struct fleet_stream *fleet);

/* As struct serve_streaming has them; begin with the fleet. auth: who has let the request in; NULL: whoever asks may
 * see all. */
int fleet_stream_begin(struct fleet_stream *fleet, struct auth *auth, const struct serve_request *request,
                       struct serve_stream *stream, void **ret_reader, struct buf *words);
/* The user may see other runners than before, or none: as struct auth_question has it. */
void fleet_stream_review(struct fleet_stream *fleet, const struct auth_user *user);
/* Each namespace that has runners. */
void fleet_stream_each_namespace(const struct fleet_stream *fleet, void (*each)(void *arg, const char *ns), void *arg);
bool fleet_stream_next(void *reader, struct buf *piece);
void fleet_stream_end(void *reader);

#endif
