/* An answer of our pages, as it was made; several connections may write the same one. */
#ifndef NET_SERVE_SHEET_H
#define NET_SERVE_SHEET_H

#include <stdint.h>

#include "base/buf.h"

struct sheet {
    unsigned refs;
    int status;
    const char *content_type; /* lent */
    struct buf body;          /* up to 4 MiB */
    int64_t made_us, cost_us; /* when it was begun, and how long it took */
};

/* Begins one: the caller has its only reference, and writes the body. */
struct sheet *sheet_create(int status);
/* Its body is whole. One that did not fit becomes status 500; an empty body of a failure says its status. content_type:
 * of a page that succeeded; NULL: plain text. */
void sheet_complete(struct sheet *sheet, const char *content_type);
/* NULL is fine. */
void sheet_release(struct sheet *sheet);
/* Writes the head of the answer; what was in *ret is cleansed. */
void sheet_head(const struct sheet *sheet, struct buf *ret);

#endif
