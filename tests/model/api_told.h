/* What watches and lists have told, held against what the model's tell. */
#ifndef TESTS_MODEL_API_TOLD_H
#define TESTS_MODEL_API_TOLD_H

#include "base/map.h"
#include "tests/model/api_held.h"
#include "tests/model/compare.h"

struct sim;

struct told_check {
    struct differences *differences;
    struct sim *sim;
    const char *host;
    struct map known; /* "kind/namespace/name" of all that the record has seen made */
};

/* Those of its beginning; the model is now at that version. */
void told_check_initial(const struct told_check *check, const struct held *watch);
/* What a list has shown, unless it is a page of one. */
void told_check_list(const struct told_check *check, const struct held *list);
/* Those that came after; the model has seen all. */
void told_check_rest(const struct told_check *check, const struct held *watch);
/* The key of an object; a buffer of the caller's. */
const char *told_key(char ret[static 400], const struct api_kind *kind, const char *ns, const char *name);

#endif
