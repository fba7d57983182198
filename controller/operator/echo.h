/* What the watch tells of an object while a write of ours to it is under way.
 *
 * As a rule it is the write itself: the watch is faster than the answer. So it is put by until the turn has learned
 * from the answer, and told then: what is no newer than the answer is no news any more, and wakes nobody; else it is
 * looked at as if it had come now. Its runner would not have been looked at before: the turn is on it.
 *
 * What cannot be the write alone is not put by: an object that goes, a spec of another generation; nor is what a list
 * has. */
#ifndef OPERATOR_ECHO_H
#define OPERATOR_ECHO_H

#include <stdbool.h>
#include <stdint.h>

#include "base/list.h"
#include "operator/kinds.h"

typedef void echo_tell_fn(void *arg, struct json_object *object);

/* An awaited answer, the turn's. All zero but `among`, which is in no list: none is awaited. */
struct echo {
    struct list among; /* those of all turns */
    enum kind kind;    /* of which object … */
    const char *ns, *name;
    int64_t generation;       /* … and which of its generations; 0: any */
    struct json_object *held; /* the newest of what has been told; NULL: nothing */
    echo_tell_fn *tell;
    void *arg;
};

/* A write to the object begins, of one request or two; its texts are lent until echo_end(). None is awaited. */
void echo_expect(struct echo *echo, struct list *all, enum kind kind, const char *ns, const char *name,
                 int64_t generation);
/* Its answer has been learned from, or will not come: tells what is held. Nothing when none is awaited. */
void echo_end(struct echo *echo);

/* True: the object, which was added or modified, is held, and told later. */
bool echo_hold(struct list *all, enum kind kind, struct json_object *object, echo_tell_fn *tell, void *arg);
/* Whether something is held of that object: the watch may be said to have reached it, but nobody has been told. */
bool echo_holds(const struct list *all, enum kind kind, const char *ns, const char *name);
/* It has been deleted: what is held is of before. */
void echo_drop(struct list *all, enum kind kind, const char *ns, const char *name);
/* A list of the kind begins, and what it does not have is dropped: tells all that is held of it. */
void echo_release(struct list *all, enum kind kind);

#endif
