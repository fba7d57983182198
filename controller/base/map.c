#include "base/map.h"

#include <assert.h>
#include <json-c/linkhash.h>
#include <stdlib.h>
#include <string.h>

#include "base/keep.h"
#include "base/mem.h"

struct map_slot {
    char *key; /* NULL: free; &tombstone: removed; its hash is not kept, which would be a third of the table */
    void *value;
};

static char tombstone[1];

/* json-c's, which begins with a number that nobody knows: whoever may choose names could choose such as meet in one
 * slot, and each look at one would go over all. */
static size_t hash_of(const char *key)
{
    static lh_hash_fn *seeded;

    if (!seeded) {
        struct lh_table *table = lh_kchar_table_new(1, NULL);
        if (!table)
            abort();
        seeded = table->hash_fn;
        lh_table_free(table);
    }
    return seeded(key);
}

static bool is_live(const struct map_slot *slot)
{
    return slot->key && slot->key != tombstone;
}

/* The slot that holds key, or NULL. */
static struct map_slot *find_slot(const struct map *m, const char *key)
{
    if (m->size == 0)
        return NULL;
    for (size_t i = hash_of(key) & (m->size - 1);; i = (i + 1) & (m->size - 1)) {
        struct map_slot *slot = &m->slots[i];
        if (!slot->key)
            return NULL;
        if (slot->key != tombstone && strcmp(slot->key, key) == 0)
            return slot;
    }
}

static void insert(struct map *m, char *key, void *value)
{
    assert(m->used < m->size && value);
    size_t i = hash_of(key) & (m->size - 1);

    while (m->slots[i].key)
        i = (i + 1) & (m->size - 1);
    m->slots[i] = (struct map_slot){key, value};
    m->len++;
    m->used++;
}

/* Room for one more with at most 3/4 of the slots used; drops tombstones when it rebuilds. */
static void make_map_room(struct map *m)
{
    if (m->used + 1 <= m->size / 4 * 3)
        return;
    struct map bigger = {.size = m->size ? m->size : 8, .lent = m->lent};
    while (m->len + 1 > bigger.size / 2)
        bigger.size *= 2;
    bigger.slots = mem_alloc(bigger.size * sizeof(*bigger.slots));
    for (size_t i = 0; i < m->size; i++)
        if (is_live(&m->slots[i]))
            insert(&bigger, m->slots[i].key, m->slots[i].value);
    free(m->slots);
    *m = bigger;
}

static void key_free(const struct map *m, char *key)
{
    if (!m->lent)
        keep_free_text(key);
}

void map_finish(struct map *m)
{
    for (size_t i = 0; i < m->size; i++)
        if (is_live(&m->slots[i]))
            key_free(m, m->slots[i].key);
    free(m->slots);
    *m = (struct map){.lent = m->lent};
}

void *map_get(const struct map *m, const char *key)
{
    struct map_slot *slot = find_slot(m, key);

    return slot ? slot->value : NULL;
}

void *map_set(struct map *m, const char *key, void *value)
{
    assert(key && value);
    struct map_slot *slot = find_slot(m, key);

    if (slot) {
        void *former = slot->value;
        slot->value = value;
        if (m->lent)
            slot->key = (char *)key;
        return former;
    }
    make_map_room(m);
    insert(m, m->lent ? (char *)key : keep_strdup(key), value);
    return NULL;
}

void *map_remove(struct map *m, const char *key)
{
    struct map_slot *slot = find_slot(m, key);

    if (!slot)
        return NULL;
    assert(m->len > 0);
    void *value = slot->value;
    key_free(m, slot->key);
    slot->key = tombstone;
    slot->value = NULL;
    m->len--;
    return value;
}

bool map_iter(const struct map *m, size_t *i, const char **ret_key, void **ret_value)
{
    for (; *i < m->size; ++*i) {
        if (is_live(&m->slots[*i])) {
            *ret_key = m->slots[*i].key;
            *ret_value = m->slots[*i].value;
            ++*i;
            return true;
        }
    }
    return false;
}
