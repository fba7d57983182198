/* Many requests to the API server at once, lists page by page, until all have ended or a time is over: for who looks at
 * a whole installation. plugin/session.h waits for one after the other. */
#ifndef PLUGIN_FETCH_H
#define PLUGIN_FETCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena;
struct json_object;
struct kube_client;
struct loop;

enum {
    FETCH_PAGE = 250,           /* objects                                                    */
    FETCH_PAGES_MAX = 48,       /* of one list: what comes behind them is left out (cut)      */
    FETCH_PAGE_BYTES = 64 << 20 /* of one answer                                              */
};

struct fetch {
    const char *method;       /* NULL: GET                                                                     */
    const char *path;         /* lent; of a list with or without a query                                       */
    const char *accept;       /* NULL: JSON                                                                    */
    struct json_object *body; /* lent; NULL: none                                                              */
    bool list;                /* all pages: object becomes the array of the items                              */
    /* What is kept of an item of a list; it may be changed. NULL: all of it. */
    void (*slim)(struct json_object *item);

    struct json_object *object; /* out: the arena's; NULL: see err                                           */
    bool cut;                   /* out: there is more                                                        */
    bool ended;                 /* out: false when the time was over first; err says so then, reason Timeout */
    struct err err;             /* out                                                                       */
    int64_t date_s;             /* out: the API server's clock; 0: not known                                 */
    unsigned calls;             /* out: requests                                                             */
};

/* Returns when all have ended, or so many milliseconds have passed. */
void fetch_all(struct loop *loop, struct kube_client *client, struct fetch *fetches, size_t len, int64_t timeout_ms,
               struct arena *a);

#endif
