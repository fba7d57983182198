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
    CHUNK = 1 << 14, /* and its alignment: so a block leads to its chunk; of each class one is half empty */
    SPAN = 1 << 20,  /* what is asked of the system at a time                                             */
    GRAIN = 16,
    BLOCK_MAX = 2048, /* larger ones are for the usual heap */
    CLASSES = BLOCK_MAX / GRAIN + 1,
};

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
    return !c->freed && c->end + c->size > CHUNK;
}

/* Pages that were never touched cost nothing, so neither does what is left over at a span's ends. */
static char *next_chunk(void)
{
    static char *at, *end;

    if (end - at < CHUNK) {
        char *span = mmap(NULL, SPAN, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (span == MAP_FAILED)
            abort();
        at = span + (CHUNK - (uintptr_t)span % CHUNK) % CHUNK;
        end = span + SPAN;
    }
    at += CHUNK;
    return at - CHUNK;
}

static struct chunk *chunk_create(size_t size)
{
    struct chunk *c = (struct chunk *)(void *)next_chunk();

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
        assert(c->end <= CHUNK);
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
    struct chunk *c = (struct chunk *)((uintptr_t)block / CHUNK * CHUNK);
    assert(c->live > 0 && c->size == rounded(size));
    if (is_full(c))
        list_append(class_of(c->size), &c->node);
    ((struct block *)block)->next = c->freed;
    c->freed = block;
    if (--c->live == 0 && c->node.next != c->node.prev) { /* the last one with room stays */
        list_remove(&c->node);
        munmap(c, CHUNK);
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
