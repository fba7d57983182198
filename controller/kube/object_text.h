/* The text of one object as it comes, of any size: one that is too large is known by what identifies it.
 *
 * The API server takes objects of 1.5 MB, whose JSON may be six times as long, and whose tree three hundred times. Who
 * may write one object must not stop a stream, nor decide how much memory we take. So a text is held up to a maximum,
 * and its tree has another; of what is larger a sieve lets through identity, versions, finalizers, owners, status, and
 * the labels and annotations that are ours. */
#ifndef KUBE_OBJECT_TEXT_H
#define KUBE_OBJECT_TEXT_H

#include "base/err.h"
#include "base/json_sieve.h"
#include "kube/client.h"

enum {
    OBJECT_TEXT_MAX = 512 << 10, /* annotations may be 256 KiB; what else is there is as large at most              */
    OBJECT_COST_RATIO = 4,       /* the tree's cost (base/json.h) to that; every field that we know takes a twentieth */
    OBJECT_KEEPS_MAX = 20,
};

struct object_text {
    struct buf text; /* while it is not too large */
    struct json_sieve sieve;
    struct json_keep keeps[OBJECT_KEEPS_MAX];
    size_t keeps_len;
    size_t size;               /* bytes that have come */
    char unread[64];           /* a path; "": none */
    char list[64], member[64]; /* of what is text: the path to a list, "": none, and of each element, or of the whole */
    bool is_event, sieving;
};

/* resource: of the object, lent; NULL: any. is_event: what comes is {"type":…, "object":…}. max: of the text that is
 * held, 0: OBJECT_TEXT_MAX. */
void object_text_init(struct object_text *t, const struct kube_resource *resource, bool is_event, size_t max);
/* Lets a member of the object through as well; the path is lent, value_max of its bytes at most. */
void object_text_keep(struct object_text *t, const char *member, const char *key, size_t value_max);
void object_text_add(struct object_text *t, const char *bytes, size_t len);
/* What is held so far, to be peeked at. */
const struct buf *object_text_held(const struct object_text *t);
/* The tree of what has come; of what is too large only that which the sieve lets through, see object_too_large(). The
 * caller owns it. NULL and *err (ERR_INVALID): it is no JSON, or null. */
struct json_object *object_text_parse(struct object_text *t, struct err *err);
/* Ready for the next one. */
void object_text_clear(struct object_text *t);
/* Frees; accepts an all-zero one. */
void object_text_finish(struct object_text *t);

/* The JSON of a member that may have come as text (struct kube_resource), whether it has or not; lent. NULL: there is
 * no value. */
const char *object_member_text(struct json_object *value);
/* Why no more than this is known of an object, with both figures: "300 KiB of JSON that …"; NULL: all of it is. */
const char *object_too_large(struct json_object *object);

#endif
