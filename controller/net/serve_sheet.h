/* An answer of our pages, as it was made; several connections may write the same one. */
#ifndef NET_SERVE_SHEET_H
#define NET_SERVE_SHEET_H

#include <stdint.h>

#include "base/buf.h"
#include "net/serve.h"

struct sheet {
    unsigned refs;
    int status;
    const char *content_type;    /* lent */
    struct buf body;             /* up to 4 MiB */
    const char *etag, *encoding; /* lent; NULL: none */
    int64_t made_us, cost_us;    /* when it was begun, and how long it took */
};

/* Makes the page. A body that does not fit becomes status 500; an empty one of a failure says its status. The caller
 * has the only reference. */
struct sheet *sheet_render(const struct serve_page *page, void *arg, const struct serve_request *request);
/* Of a shared page: the one in *kept (NULL: none) while it is young, as serve.h says, else a new one, kept there. The
 * caller has a reference of its own. */
struct sheet *sheet_share(struct sheet **kept, const struct serve_page *page, void *arg,
                          const struct serve_request *request);
/* The page's file: compressed where that is understood, or 304 where it is known already. */
struct sheet *sheet_of_file(const struct serve_page *page, const struct serve_request *request);
/* A refusal in the words, JSON, which it takes over; without any it says its status. */
struct sheet *sheet_of_words(int status, struct buf *words);
/* Says its status alone. */
struct sheet *sheet_of_status(int status);
/* NULL is fine. */
void sheet_release(struct sheet *sheet);

#endif
