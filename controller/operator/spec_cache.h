/* GitLabRunners' specs as they were read and judged, each with the last status, for those that have one turn after
 * another: most of what a turn costs that has nothing to do.
 *
 * Two specs are the same when all that is read of them is: whose they are, the annotations that steer it, and the spec,
 * each byte of them. Neither a generation tells that, which comes again when an etcd is restored from a backup, nor a
 * digest. What is in use takes no place; of the rest there is a bound, and the newest stay. */
#ifndef OPERATOR_SPEC_CACHE_H
#define OPERATOR_SPEC_CACHE_H

#include <stddef.h>

#include "operator/kept.h"
#include "runner/spec.h"

struct spec_cache;

enum {
    SPEC_CACHE_LEN = 64,        /* specs that are kept, when nobody uses them, …        */
    SPEC_CACHE_BYTES = 1 << 20, /* … and what they may take, by json_cost(), …          */
    SPEC_CACHE_SHARE = 1 << 17, /* … and each of them                                   */
    SPEC_CACHE_REST = 16,       /* at rest it is one part of so many, of both           */
};

struct spec_cache *spec_cache_create(void);
/* No arena may use it any more. NULL is fine. */
void spec_cache_destroy(struct spec_cache *cache);

struct runner_reading {
    const struct spec *spec;    /* as spec_parse() reads it of runner_object(); NULL: it is not valid … */
    struct err err;             /* … and why                                                            */
    const char *digest;         /* of the text of the spec; NULL: there is none                         */
    struct json_object *status; /* runner_status(), which others read as well                           */
    size_t cost;                /* what the trees of spec and status take: json_cost()                  */
};

/* What a GitLabRunner's record says, valid until the arena ends. Nothing of the record is lent. The cache NULL: it is
 * read anew. */
void spec_cache_read(struct spec_cache *cache, const struct record *runner, struct runner_reading *ret,
                     struct arena *a);
/* Nothing is worked on: of what nobody uses, the newest alone stay. */
void spec_cache_rest(struct spec_cache *cache);
/* A runner of that name is no more. */
void spec_cache_forget(struct spec_cache *cache, const char *ns, const char *name);
/* Frees what nobody uses. */
void spec_cache_clear(struct spec_cache *cache);
/* Bytes that are kept though nobody uses them. */
size_t spec_cache_bytes(const struct spec_cache *cache);

#endif
