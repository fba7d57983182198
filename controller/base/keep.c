#include "base/keep.h"

#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "base/list.h"
#include "base/mem.h"

enum {
    SPAN = 1 << 20, /* what is asked of the system at a time */
    GRAIN = 16,
    BLOCK_MAX = 12 * 1024, /* larger ones are for the usual heap */
    CLASSES = BLOCK_MAX / GRAIN + 1,
};

/* Sizes of chunks, which are their alignments too: so a block leads to its chunk. Of each class one is half empty; a
 * chunk has seven blocks at the least, but of the largest five, so that little is left over behind the last one. */
static const struct chunk_kind {
    size_t size, block_max;
} chunk_kinds[] = {{1 << 14, 2048}, {1 << 16, BLOCK_MAX}};

#if defined(__SANITIZE_ADDRESS__)
static const bool to_the_heap = true;
#elif defined(__has_feature)
static const bool to_the_heap = __has_feature(address_sanitizer);
#else
static const bool to_the_heap = false;
#endif

struct block {
    struct block *next;
};

struct chunk {
    struct list node;    /* among those of its class that have room; else alone */
    struct block *freed; /* blocks that may be used again                       */
    uint32_t room;       /* of the chunk, in bytes                              */
    uint32_t size;       /* of a block                                          */
    uint32_t end;        /* behind the last block that was ever used            */
    uint32_t live;
};

/* By class: chunks with room. All zeroes: none yet. */
static struct list roomy[CLASSES];

/* Steps of 16 bytes for small blocks, of up to an eighth for larger ones: so few chunks begin. */
static size_t rounded(size_t size)
{
    size_t step = GRAIN;

    while (size > step * 16)
        step *= 2;
    return size ? (size + step - 1) / step * step : GRAIN;
}

static struct list *class_of(size_t size)
{
    struct list *class = &roomy[size / GRAIN];

    if (!class->next)
        list_init(class);
    return class;
}

static bool is_full(const struct chunk *c)
{
    return !c->freed && c->end + c->size > c->room;
}

static size_t kind_of_chunk(size_t block)
{
    return block > chunk_kinds[0].block_max;
}

/* Pages that were never touched cost nothing, so neither does what is left over at a span's ends. */
static char *next_chunk(size_t kind)
{
    static struct {
        char *at, *end;
    } spans[ARRAY_LEN(chunk_kinds)];
    char **at = &spans[kind].at;
    size_t size = chunk_kinds[kind].size;

    if ((size_t)(spans[kind].end - *at) < size) {
        char *span = mmap(NULL, SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (span == MAP_FAILED)
            abort();
        *at = span + (size - (uintptr_t)span % size) % size;
        spans[kind].end = span + SPAN;
    }
    *at += size;
    return *at - size;
}

static struct chunk *chunk_create(size_t size)
{
    size_t kind = kind_of_chunk(size);
    struct chunk *c = (struct chunk *)(void *)next_chunk(kind);

    c->room = (uint32_t)chunk_kinds[kind].size;
    c->size = (uint32_t)size;
    c->end = (sizeof(*c) + GRAIN - 1) / GRAIN * GRAIN;
    list_append(class_of(size), &c->node);
    return c;
}

static void *take_block(struct chunk *c)
{
    struct block *block = c->freed;

    if (block) {
        c->freed = block->next;
    } else {
        block = (struct block *)(void *)((char *)c + c->end);
        c->end += c->size;
        assert(c->end <= c->room);
    }
    c->live++;
    if (is_full(c))
        list_remove(&c->node);
    return memset(block, 0, c->size);
}

void *keep_alloc(size_t size)
{
    if (to_the_heap || size > BLOCK_MAX)
        return mem_alloc(size);
    size_t block = rounded(size);
    struct list *class = class_of(block);
    return take_block(list_empty(class) ? chunk_create(block) : container_of(class->next, struct chunk, node));
}

void keep_free(void *block, size_t size)
{
    if (!block || to_the_heap || size > BLOCK_MAX) {
        free(block);
        return;
    }
    size_t room = chunk_kinds[kind_of_chunk(rounded(size))].size;
    struct chunk *c = (struct chunk *)((uintptr_t)block / room * room);
    assert(c->live > 0 && c->size == rounded(size));
    if (is_full(c))
        list_append(class_of(c->size), &c->node);
    ((struct block *)block)->next = c->freed;
    c->freed = block;
    if (--c->live == 0 && c->node.next != c->node.prev) { /* the last one with room stays */
        list_remove(&c->node);
        munmap(c, room);
    }
}

char *keep_strdup(const char *text)
{
    size_t size = strlen(text) + 1;

    return memcpy(keep_alloc(size), text, size);
}

void keep_free_text(const char *text)
{
    if (text)
        keep_free((void *)(uintptr_t)text, strlen(text) + 1);
}
