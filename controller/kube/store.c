#include "kube/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

enum { KEY_MAX = 600 }; /* namespace (63) and name (253), with room */

struct entry {
    struct record record;
    struct list sibling; /* in the owner's list */
    unsigned kind;
    unsigned epoch; /* of the last list that had it */
    char strings[];
};

struct store {
    struct map *kinds; /* "ns/name" → struct entry; one map a kind   */
    unsigned *epochs;  /* one a kind; counts lists                   */
    unsigned len;
    struct map owners; /* "ns/name" → struct list of entries         */
};

static void key_of(const char *ns, const char *name, char key[static KEY_MAX])
{
    snprintf(key, KEY_MAX, "%s/%s", ns, name);
}

struct store *store_create(unsigned kinds)
{
    struct store *store = mem_alloc(sizeof(*store));

    store->kinds = mem_alloc(kinds * sizeof(*store->kinds));
    store->epochs = mem_alloc(kinds * sizeof(*store->epochs));
    store->len = kinds;
    return store;
}

void store_destroy(struct store *store)
{
    const char *key;
    void *value;

    if (!store)
        return;
    for (unsigned kind = 0; kind < store->len; kind++) {
        for (size_t i = 0; map_iter(&store->kinds[kind], &i, &key, &value);)
            free(value);
        map_finish(&store->kinds[kind]);
    }
    for (size_t i = 0; map_iter(&store->owners, &i, &key, &value);)
        free(value);
    map_finish(&store->owners);
    free(store->kinds);
    free(store->epochs);
    free(store);
}

/* Copies text to *at, moves *at behind it. */
static const char *place(char **at, const char *text)
{
    char *start = *at;
    size_t len = strlen(text) + 1;

    memcpy(start, text, len);
    *at += len;
    return start;
}

static struct entry *entry_create(const struct record *r)
{
    size_t size =
        strlen(r->ns) + strlen(r->name) + strlen(r->uid) + strlen(r->version) + strlen(r->owner) + strlen(r->text) + 6;
    struct entry *e = mem_alloc(sizeof(*e) + size);
    char *at = e->strings;

    e->record = (struct record){.ns = place(&at, r->ns),
                                .name = place(&at, r->name),
                                .uid = place(&at, r->uid),
                                .version = place(&at, r->version),
                                .owner = place(&at, r->owner),
                                .text = place(&at, r->text)};
    list_init(&e->sibling);
    return e;
}

static void link_to_owner(struct store *store, struct entry *e)
{
    if (!e->record.owner[0])
        return;
    struct list *children = map_get(&store->owners, e->record.owner);
    if (!children) {
        children = mem_alloc(sizeof(*children));
        list_init(children);
        map_set(&store->owners, e->record.owner, children);
    }
    list_append(children, &e->sibling);
}

static void entry_destroy(struct store *store, struct entry *e)
{
    if (e->record.owner[0]) {
        list_remove(&e->sibling);
        struct list *children = map_get(&store->owners, e->record.owner);
        if (children && list_empty(children))
            free(map_remove(&store->owners, e->record.owner));
    }
    free(e);
}

void store_put(struct store *store, unsigned kind, const struct record *record)
{
    char key[KEY_MAX];
    struct entry *e = entry_create(record);

    e->kind = kind;
    e->epoch = store->epochs[kind];
    key_of(record->ns, record->name, key);
    link_to_owner(store, e);
    struct entry *former = map_set(&store->kinds[kind], key, e);
    if (former)
        entry_destroy(store, former);
}

void store_touch(struct store *store, unsigned kind, const char *ns, const char *name)
{
    char key[KEY_MAX];

    key_of(ns, name, key);
    struct entry *e = map_get(&store->kinds[kind], key);
    if (e)
        e->epoch = store->epochs[kind];
}

void store_remove(struct store *store, unsigned kind, const char *ns, const char *name)
{
    char key[KEY_MAX];

    key_of(ns, name, key);
    struct entry *e = map_remove(&store->kinds[kind], key);
    if (e)
        entry_destroy(store, e);
}

const struct record *store_get(const struct store *store, unsigned kind, const char *ns, const char *name)
{
    char key[KEY_MAX];

    key_of(ns, name, key);
    struct entry *e = map_get(&store->kinds[kind], key);
    return e ? &e->record : NULL;
}

size_t store_count(const struct store *store, unsigned kind)
{
    return store->kinds[kind].len;
}

unsigned store_list_begin(struct store *store, unsigned kind)
{
    return ++store->epochs[kind];
}

void store_list_end(struct store *store, unsigned kind, const char *ns, unsigned begun,
                    void (*gone)(void *arg, unsigned kind, const struct record *record), void *arg)
{
    const char *key;
    void *value;

    for (size_t i = 0; map_iter(&store->kinds[kind], &i, &key, &value);) {
        struct entry *e = value;
        if (e->epoch >= begun || (*ns && strcmp(e->record.ns, ns) != 0))
            continue;
        gone(arg, kind, &e->record);
        map_remove(&store->kinds[kind], key);
        entry_destroy(store, e);
    }
}

void store_each(const struct store *store, unsigned kind, void (*each)(void *arg, const struct record *record),
                void *arg)
{
    const char *key;
    void *value;

    for (size_t i = 0; map_iter(&store->kinds[kind], &i, &key, &value);)
        each(arg, &((struct entry *)value)->record);
}

void store_each_owned(const struct store *store, const char *owner,
                      void (*each)(void *arg, unsigned kind, const struct record *record), void *arg)
{
    struct list *children = map_get(&store->owners, owner);

    if (!children)
        return;
    list_each (node, children) {
        struct entry *e = container_of(node, struct entry, sibling);
        each(arg, e->kind, &e->record);
    }
}
