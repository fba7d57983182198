#include "operator/orphan_index.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

/* for (struct orphan_entry *entry; entry_next(index, &i, &entry);) over all of them */
static bool entry_next(const struct orphan_index *index, size_t *i, struct orphan_entry **ret)
{
    const char *key;
    void *value;

    if (!map_iter(&index->by_key, i, &key, &value))
        return false;
    *ret = value;
    return true;
}

#define entries_each(entry, index)                                                                                     \
    for (size_t entry##_i = 0, entry##_once = 1; entry##_once; entry##_once = 0)                                       \
        for (struct orphan_entry * entry; entry_next(index, &entry##_i, &entry);)

struct orphan_entry *orphan_index_add(struct orphan_index *index, const char *key, const char *ns, const char *what,
                                      size_t size)
{
    assert(!orphan_index_find(index, key));
    struct orphan_entry *entry = mem_alloc(sizeof(*entry));

    *entry = (struct orphan_entry){
        .key = mem_strdup(key), .ns = mem_strdup(ns), .what = mem_strdup(what), .size = size + ENTRY_OVERHEAD};
    map_set(&index->by_key, key, entry);
    index->bytes += entry->size;
    return entry;
}

struct orphan_entry *orphan_index_find(const struct orphan_index *index, const char *key)
{
    return map_get(&index->by_key, key);
}

static void orphan_entry_free(struct orphan_entry *entry)
{
    free(entry->key);
    free(entry->ns);
    free(entry->what);
    free(entry->leaving_for);
    free(entry);
}

void orphan_index_drop(struct orphan_index *index, struct orphan_entry *entry)
{
    void *removed = map_remove(&index->by_key, entry->key);

    assert(removed == entry && (entry->leaving_for || index->bytes >= entry->size));
    if (!entry->leaving_for)
        index->bytes -= entry->size;
    orphan_entry_free(entry);
}

void orphan_index_finish(struct orphan_index *index)
{
    entries_each(entry, index) orphan_entry_free(entry);
    map_finish(&index->by_key);
    index->bytes = 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Who makes room */

bool orphan_may_begin(const struct orphan_entry *entry)
{
    return !entry->busy && !entry->recording && !entry->leaving_for;
}

/* The namespace that takes most; between equals the newcomer's. */
static const char *heaviest_tenant(const struct orphan_index *index, const char *newcomers)
{
    struct map bytes_of = {.lent = true}; /* by namespace: a number, and no pointer */
    const char *heaviest = newcomers, *ns;
    void *bytes;

    entries_each(entry, index) if (!entry->leaving_for)
        map_set(&bytes_of, entry->ns, (void *)((uintptr_t)map_get(&bytes_of, entry->ns) + entry->size));
    uintptr_t most = (uintptr_t)map_get(&bytes_of, newcomers);
    for (size_t i = 0; map_iter(&bytes_of, &i, &ns, &bytes);)
        if ((uintptr_t)bytes > most) {
            most = (uintptr_t)bytes;
            heaviest = ns;
        }
    map_finish(&bytes_of);
    return heaviest;
}

static struct orphan_entry *oldest_of(const struct orphan_index *index, const char *ns)
{
    struct orphan_entry *oldest = NULL;

    entries_each(entry, index) if (orphan_may_begin(entry) && strcmp(entry->ns, ns) == 0 &&
                                   (!oldest || entry->since_s < oldest->since_s)) oldest = entry;
    return oldest;
}

void orphan_index_stay(struct orphan_index *index, const char *newcomer)
{
    entries_each(entry, index)
    {
        if (!entry->leaving_for || strcmp(entry->leaving_for, newcomer) != 0)
            continue;
        free(entry->leaving_for);
        entry->leaving_for = NULL;
        index->bytes += entry->size;
    }
}

bool orphan_index_make_room(struct orphan_index *index, const struct orphan_entry *newcomer)
{
    while (index->bytes > LEDGER_BYTES) {
        struct orphan_entry *leaving = oldest_of(index, heaviest_tenant(index, newcomer->ns));
        if (!leaving) {
            orphan_index_stay(index, newcomer->key);
            return false;
        }
        assert(leaving != newcomer && index->bytes >= leaving->size);
        leaving->leaving_for = mem_strdup(newcomer->key);
        index->bytes -= leaving->size;
    }
    return true;
}
