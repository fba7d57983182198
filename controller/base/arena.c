#include "base/arena.h"

#include <assert.h>
#include <json-c/json.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/mem.h"

enum { FIRST_SIZE = 1024, BLOCK_SIZE = 4096 }; /* many arenas never need a second one */

struct arena_block {
    struct arena_block *next;
    size_t used, size; /* bytes of data[] */
    max_align_t data[];
};

struct arena_defer {
    struct arena_defer *next;
    void (*release)(void *arg);
    void *arg;
};

void arena_init(struct arena *a)
{
    *a = (struct arena){0};
}

void arena_finish(struct arena *a)
{
    for (struct arena_defer *d = a->deferred; d; d = d->next)
        d->release(d->arg);
    for (struct arena_block *b = a->blocks, *next; b; b = next) {
        next = b->next;
        explicit_bzero(b->data, b->used);
        free(b);
    }
    arena_init(a);
}

static struct arena_block *block_with_room(struct arena *a, size_t size)
{
    if (a->blocks && a->blocks->size - a->blocks->used >= size)
        return a->blocks;

    size_t usual = a->blocks ? BLOCK_SIZE : FIRST_SIZE;
    size_t room = size > usual ? size : usual;
    struct arena_block *b = mem_resize(NULL, sizeof(*b) + room);
    *b = (struct arena_block){.next = a->blocks, .size = room};
    a->blocks = b;
    return b;
}

/* Not zeroed. */
static void *take_of_block(struct arena *a, size_t size)
{
    size_t rounded = (size + sizeof(max_align_t) - 1) / sizeof(max_align_t) * sizeof(max_align_t);
    struct arena_block *b = block_with_room(a, rounded);
    void *at = (char *)b->data + b->used;

    assert(b->used + rounded <= b->size);
    b->used += rounded;
    return at;
}

void *arena_alloc(struct arena *a, size_t size)
{
    return memset(take_of_block(a, size), 0, size);
}

char *arena_strdup(struct arena *a, const char *text)
{
    return text ? arena_strndup(a, text, strlen(text)) : NULL;
}

char *arena_strndup(struct arena *a, const char *text, size_t len)
{
    char *copy = take_of_block(a, len + 1);

    memcpy(copy, text, len);
    copy[len] = '\0';
    return copy;
}

/* It is printed where the next text would be, and again if it does not fit there. */
char *arena_printf(struct arena *a, const char *format, ...)
{
    struct arena_block *b = a->blocks;
    size_t room = b ? b->size - b->used : 0;
    char *text = b ? (char *)b->data + b->used : NULL;
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = format_text(text, room, format, args);
    va_end(args);
    assert(len >= 0);
    char *at = take_of_block(a, (size_t)len + 1);
    if (at != text) {
        if (room)
            explicit_bzero(text, room);
        format_text(at, (size_t)len + 1, format, again);
    }
    va_end(again);
    return at;
}

void arena_defer(struct arena *a, void (*release)(void *arg), void *arg)
{
    assert(release);
    struct arena_defer *d = arena_alloc(a, sizeof(*d));

    *d = (struct arena_defer){.next = a->deferred, .release = release, .arg = arg};
    a->deferred = d;
}

static void put_json(void *object)
{
    json_object_put(object);
}

size_t arena_size(const struct arena *a)
{
    size_t size = 0;

    for (const struct arena_block *b = a->blocks; b; b = b->next)
        size += sizeof(*b) + b->size;
    return size;
}

struct json_object *arena_json(struct arena *a, struct json_object *object)
{
    if (object)
        arena_defer(a, put_json, object);
    return object;
}
