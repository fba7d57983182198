/* Private to kube/watch*.c: watch.c says what comes next, watch_list.c lists page by page, watch_stream.c reads
 * streams; both bring events to watch_event.c, one by one, so neither page nor stream has a bound. All three stand on
 * watch_state.c: what the watch is at, and what it tells. */
#ifndef KUBE_WATCH_PARTS_H
#define KUBE_WATCH_PARTS_H

#include "kube/object_text.h"
#include "kube/watch.h"

struct arena;

enum watch_state { WATCH_IDLE, WATCH_SYNC, WATCH_LIST, WATCH_STREAM, WATCH_PAUSE };

/* How to list the next time. */
enum list_way {
    LIST_STREAMED, /* SYNC                                                         */
    LIST_PAGED,    /* LIST, page by page                                           */
    LIST_WHOLE,    /* LIST, without a limit: no continue token is needed for that  */
};

enum { WATCH_SYNC_QUIET_MS = 60 * 1000 }; /* bookmarks do not count before the list is complete */

struct watch {
    struct loop *loop;
    struct kube_client *client;
    const struct kube_resource *resource;
    char *ns, *selector;
    struct watch_handler handler;
    /* The request in flight has come to this, ERR_NONE or why it ended: goes on to the next state. */
    void (*ended)(struct watch *w, const struct err *err);
    struct loop_timer *timer; /* PAUSE: its end; SYNC: until when the next initial event must have come */

    enum watch_state state;
    uint64_t request; /* in flight in SYNC, LIST and STREAM; else 0                    */
    char *version;    /* reached; NULL: nothing yet                                    */
    bool listed;      /* … and a stream can begin at it                                */
    bool synced;
    bool no_streamed_lists; /* the server has refused one                              */
    enum list_way way;
    char *page;                    /* continue token of the next page, or NULL        */
    struct json_sieve page_text;   /* LIST: the page without its items                */
    bool list_told;                /* … and that the list has begun                   */
    bool list_broken;              /* an item is no JSON: see problem                 */
    struct object_text line;       /* the event that is not complete yet              */
    unsigned failures;             /* in a row                                        */
    int64_t began_ms, relisted_ms; /* when the stream, and the last list at once, began */
    bool moved, odd; /* the request in flight has moved version, or told of something that made no sense    */
    struct err problem;
    struct watch_counts counts;
};

/* How a list is usually made: what a server refuses is not asked of it again. */
static inline enum list_way watch_usual_way(const struct watch *w)
{
    return w->no_streamed_lists ? LIST_PAGED : LIST_STREAMED;
}

/* watch_state.c: the next state, which the drawing in watch.h leads to. */
void watch_enter(struct watch *w, enum watch_state to);
/* A complete list of this version (valid) was told. */
void watch_list_done(struct watch *w, const char *version);
/* Everything up to this version was told; what is older or no version is passed over. */
void watch_reach(struct watch *w, const char *version);
/* ERR_NONE, or why a list of this version must not be believed. */
struct err watch_judge_list(const struct watch *w, const char *version);
/* Tells of an object; what is none of the kind is logged and passed over. */
void watch_tell(struct watch *w, enum watch_type type, struct json_object *object);
/* Logs the first thing of a request that makes no sense but does no harm. */
void watch_pass_over(struct watch *w, const char *what);
/* A copy in the place of the former text; NULL for none. */
void watch_set(char **text, const char *value);

/* Parts of requests: the path with a query ("": none) and the selector; the Accept header, suffix "" or "List". */
const char *watch_path(const struct watch *w, const char *query, struct arena *a);
const char *watch_accept(const struct watch *w, const char *suffix, struct arena *a);

/* watch_event.c: w->line is a whole event, which is told; the line is empty then. False ends the request: see
 * w->problem.
 */
bool watch_event(struct watch *w);

/* watch_list.c: asks for a page. watch_stream.c: begins a stream, after the version or with a list of its own. */
void watch_list(struct watch *w);
void watch_stream(struct watch *w);
/* Ends a list by stream that does not come to its end. */
void watch_stream_give_up(struct watch *w);

#endif
