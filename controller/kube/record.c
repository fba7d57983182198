#include "kube/record.h"

#include <string.h>

#include "base/arena.h"

static const char **kept_text(const struct record_layout *layout, const void *kept, size_t i)
{
    return (const char **)(void *)((char *)kept + layout->texts[i]);
}

size_t kept_size(const struct record_layout *layout, const void *kept)
{
    size_t size = kept ? layout->size : 0;

    for (size_t i = 0; kept && i < layout->texts_len; i++) {
        const char *text = *kept_text(layout, kept, i);
        size += text ? strlen(text) + 1 : 0;
    }
    return size;
}

const void *kept_place(const struct record_layout *layout, const void *kept, void *at)
{
    char *end = (char *)at + layout->size;

    if (!kept)
        return NULL;
    memcpy(at, kept, layout->size);
    for (size_t i = 0; i < layout->texts_len; i++) {
        const char **text = kept_text(layout, at, i);
        size_t size = *text ? strlen(*text) + 1 : 0;
        *text = size ? memcpy(end, *text, size) : NULL;
        end += size;
    }
    return at;
}

struct record record_copy(const struct record_layout *layout, const struct record *record, struct arena *a)
{
    return (struct record){
        .ns = arena_strdup(a, record->ns),
        .name = arena_strdup(a, record->name),
        .uid = arena_strdup(a, record->uid),
        .version = arena_strdup(a, record->version),
        .owner = arena_strdup(a, record->owner),
        .owner_uid = arena_strdup(a, record->owner_uid),
        .kept = record->kept ? kept_place(layout, record->kept, arena_alloc(a, kept_size(layout, record->kept))) : NULL,
    };
}
