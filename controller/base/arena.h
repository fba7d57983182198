/* Memory of one lifetime: allocate freely, free once.
 *
 * A turn (everything computed while working on one key) owns an arena. What must be released otherwise than by
 * free(), a JSON tree for example, is handed to arena_defer(). All memory is cleansed before it is given back,
 * because tokens pass through it. */
#ifndef BASE_ARENA_H
#define BASE_ARENA_H

#include <stddef.h>

struct json_object;

struct arena {
    struct arena_block *blocks;   /* newest first                    */
    struct arena_defer *deferred; /* run newest first, before blocks */
};

/* An arena in the caller's memory; all zeroes is an empty arena too. */
void arena_init(struct arena *a);
/* Runs what was deferred, frees everything; the arena is empty and can be used again. */
void arena_finish(struct arena *a);

/* Zeroed memory, aligned for any type, valid until arena_finish(). Never NULL. */
void *arena_alloc(struct arena *a, size_t size);
/* Copies; arena_strdup(a, NULL) is NULL. */
char *arena_strdup(struct arena *a, const char *text);
char *arena_strndup(struct arena *a, const char *text, size_t len);
char *arena_printf(struct arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Calls release(arg) when the arena ends. */
void arena_defer(struct arena *a, void (*release)(void *arg), void *arg);
/* Gives a JSON tree (one reference) to the arena; returns it. NULL is accepted. */
struct json_object *arena_json(struct arena *a, struct json_object *object);

/* What it has taken of the heap; not what was deferred. */
size_t arena_size(const struct arena *a);

#define cleanup_arena __attribute__((cleanup(arena_finish)))

#endif
