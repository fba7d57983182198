/* An intrusive doubly linked list. A node that is in no list points to itself. */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>

#include "base/mem.h"

struct list {
    struct list *prev, *next;
};

static inline void list_init(struct list *l)
{
    l->prev = l->next = l;
}

static inline bool list_empty(const struct list *l)
{
    return l->next == l;
}

/* Takes the node out of its list, if it is in one. */
static inline void list_remove(struct list *node)
{
    node->prev->next = node->next;
    node->next->prev = node->prev;
    list_init(node);
}

static inline void list_append(struct list *l, struct list *node)
{
    node->prev = l->prev;
    node->next = l;
    l->prev->next = node;
    l->prev = node;
}

/* The first node taken out, or NULL. */
static inline struct list *list_pop(struct list *l)
{
    struct list *node = l->next;

    if (node == l)
        return NULL;
    list_remove(node);
    return node;
}

#define list_each(node, l) for (struct list *node = (l)->next; node != (l); node = node->next)
/* As list_each, but the current node may be removed. */
#define list_each_safe(node, after, l)                                                                                 \
    for (struct list *node = (l)->next, *after = node->next; node != (l); node = after, after = node->next)

static inline size_t list_len(const struct list *l)
{
    size_t len = 0;

    list_each (node, l)
        len++;
    return len;
}

#endif
