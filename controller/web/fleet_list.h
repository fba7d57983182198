/* A list of the API server's, read for people who look: page by page, of each object only what is needed. */
#ifndef WEB_FLEET_LIST_H
#define WEB_FLEET_LIST_H

#include "base/json_sieve.h"

struct json_object;
struct kube_client;

struct fleet_list_want {
    const char *path;              /* with its query, of which "limit" is the page's; copied */
    const char *accept;            /* NULL: whole objects */
    const struct json_keep *keeps; /* of each object */
    size_t keeps_len;
    unsigned pages_max;
    /* The object as it came through the sieve, lent during the call. */
    void (*each)(void *arg, struct json_object *object);
    /* The end. read: else it may not be, or something has failed. whole: that was all, and not only the first pages.
     * The list is not named again. */
    void (*done)(void *arg, bool read, bool whole);
    void *arg;
};

struct fleet_list;

/* Lends the client, and of *want the keeps. */
struct fleet_list *fleet_list_start(struct kube_client *client, const struct fleet_list_want *want);
/* Ends it without a word. NULL is fine. */
void fleet_list_cancel(struct fleet_list *list);

#endif
