/* The record of what was said with an API server, in the order in which it has happened. */
#ifndef TESTS_MODEL_API_HELD_H
#define TESTS_MODEL_API_HELD_H

#include "tests/sim/api_parts.h"

/* An exchange. Texts are in its line. */
struct held {
    struct json_object *line; /* owned */
    const struct api_kind *kind;
    const char *verb, *subresource, *ns, *name;
    uint64_t version; /* that came of it; 0: none did */
    uint64_t order;   /* … or of what was before it   */
    int64_t from_us, until_us;
    int status;
};

struct record {
    struct held *held;
    size_t len, size;
};

/* Takes the line over. */
void record_add(struct record *record, struct json_object *line);
void record_finish(struct record *record);
/* When all is there. A watch comes when the first of its events were told: those of before, or of its beginning. */
void record_put_in_order(struct record *record);

bool held_is_watch(const struct held *h);
bool held_is_list(const struct held *h);
bool held_is_end(const struct held *h); /* a watch has told that it is gone, and nothing else has */
bool held_is_write(const struct held *h);
bool held_is_of(const struct held *h, const struct api_kind *kind, const char *ns, const char *name);
struct json_object *held_answer(const struct held *h);
/* It has come to its end with this answer: nothing holds it any more. */
bool held_ends(const struct held *h);
/* Of a watch: the version of what it told first, 0: unknown; and how many of its events are that. */
uint64_t held_begins(const struct held *h, size_t *ret_initial);
uint64_t version_of_object(struct json_object *object);

/* An event of a watch, as the record has it: [type, namespace, name, version]. */
struct told {
    const char *type, *ns, *name;
    uint64_t version;
};
struct told told_at(struct json_object *events, size_t i);

#endif
