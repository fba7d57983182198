/* A hash table from text to pointer (open addressing). Keys are copied, unless `lent` is set from the start;
 * values belong to the caller. */
#ifndef BASE_MAP_H
#define BASE_MAP_H

#include <stdbool.h>
#include <stddef.h>

struct map {
    struct map_slot *slots;
    size_t len;  /* entries                             */
    size_t used; /* entries and tombstones              */
    size_t size; /* slots, a power of two, or 0         */
    bool lent;   /* keys are not copied: each lives in its value, as long as that is in the map */
};

void map_finish(struct map *m); /* all zeroes is an empty map */
void *map_get(const struct map *m, const char *key);
/* Sets the value (not NULL) of key, returns the former one or NULL. */
void *map_set(struct map *m, const char *key, void *value);
/* Removes the key and returns its value, or NULL. */
void *map_remove(struct map *m, const char *key);

/* for (size_t i = 0; map_iter(&m, &i, &key, &value);) { … } in no order; the current entry may be removed. */
bool map_iter(const struct map *m, size_t *i, const char **ret_key, void **ret_value);

#endif
