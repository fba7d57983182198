#include "kube/queue.h"

#include <stdlib.h>
#include <string.h>

#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

enum { NOT_DELAYED = -1 };

struct item {
    struct list node; /* in queue->ready while ready                              */
    const char *cause;
    int64_t due_ms;   /* of a delayed key                                         */
    int heap_index;   /* in queue->delayed, or NOT_DELAYED                        */
    bool busy, again; /* again: added while busy                                  */
    char key[];
};

struct queue {
    struct map items; /* every key that is ready, delayed or busy               */
    struct list ready;
    size_t ready_len;
    struct item **delayed; /* a binary heap by due_ms                                */
    size_t delayed_len, delayed_size;
    uint64_t adds;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * The heap */

static void heap_place(struct queue *q, size_t i, struct item *item)
{
    q->delayed[i] = item;
    item->heap_index = (int)i;
}

static void heap_up(struct queue *q, size_t i)
{
    struct item *item = q->delayed[i];

    for (; i > 0 && q->delayed[(i - 1) / 2]->due_ms > item->due_ms; i = (i - 1) / 2)
        heap_place(q, i, q->delayed[(i - 1) / 2]);
    heap_place(q, i, item);
}

static void heap_down(struct queue *q, size_t i)
{
    struct item *item = q->delayed[i];

    for (size_t child; (child = 2 * i + 1) < q->delayed_len; i = child) {
        if (child + 1 < q->delayed_len && q->delayed[child + 1]->due_ms < q->delayed[child]->due_ms)
            child++;
        if (q->delayed[child]->due_ms >= item->due_ms)
            break;
        heap_place(q, i, q->delayed[child]);
    }
    heap_place(q, i, item);
}

static void heap_add(struct queue *q, struct item *item)
{
    if (q->delayed_len == q->delayed_size) {
        q->delayed_size = q->delayed_size ? q->delayed_size * 2 : 16;
        q->delayed = mem_resize(q->delayed, q->delayed_size * sizeof(struct item *));
    }
    heap_place(q, q->delayed_len++, item);
    heap_up(q, q->delayed_len - 1);
}

static void heap_remove(struct queue *q, struct item *item)
{
    if (item->heap_index == NOT_DELAYED)
        return;
    size_t i = (size_t)item->heap_index;
    struct item *last = q->delayed[--q->delayed_len];
    item->heap_index = NOT_DELAYED;
    if (last == item)
        return;
    heap_place(q, i, last);
    heap_up(q, i);
    heap_down(q, (size_t)last->heap_index);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct queue *queue_create(void)
{
    struct queue *q = mem_alloc(sizeof(*q));

    list_init(&q->ready);
    return q;
}

void queue_destroy(struct queue *q)
{
    const char *key;
    void *value;

    if (!q)
        return;
    for (size_t i = 0; map_iter(&q->items, &i, &key, &value);)
        free(value);
    map_finish(&q->items);
    free(q->delayed);
    free(q);
}

static struct item *item_of(struct queue *q, const char *key)
{
    struct item *item = map_get(&q->items, key);

    if (item)
        return item;
    item = mem_alloc(sizeof(*item) + strlen(key) + 1);
    strcpy(item->key, key);
    list_init(&item->node);
    item->heap_index = NOT_DELAYED;
    map_set(&q->items, key, item);
    return item;
}

static void make_ready(struct queue *q, struct item *item)
{
    heap_remove(q, item);
    if (!list_empty(&item->node))
        return;
    list_append(&q->ready, &item->node);
    q->ready_len++;
}

void queue_add(struct queue *q, const char *key, const char *cause)
{
    struct item *item = item_of(q, key);

    q->adds++;
    if (!item->cause)
        item->cause = cause;
    if (item->busy)
        item->again = true;
    else
        make_ready(q, item);
}

void queue_add_at(struct queue *q, const char *key, int64_t at_ms, const char *cause)
{
    struct item *item = item_of(q, key);

    if (!list_empty(&item->node) || item->again || (item->heap_index != NOT_DELAYED && item->due_ms <= at_ms))
        return;
    heap_remove(q, item);
    if (!item->cause)
        item->cause = cause;
    item->due_ms = at_ms;
    heap_add(q, item);
}

const char *queue_take(struct queue *q, int64_t now_ms, const char **ret_cause)
{
    while (q->delayed_len && q->delayed[0]->due_ms <= now_ms) {
        struct item *due = q->delayed[0];
        heap_remove(q, due);
        if (due->busy)
            due->again = true;
        else
            make_ready(q, due);
    }

    struct list *node = list_pop(&q->ready);
    if (!node)
        return NULL;
    struct item *item = container_of(node, struct item, node);
    q->ready_len--;
    item->busy = true;
    *ret_cause = item->cause;
    item->cause = NULL;
    return item->key;
}

void queue_done(struct queue *q, const char *key)
{
    struct item *item = map_get(&q->items, key);

    if (!item || !item->busy)
        return;
    item->busy = false;
    if (item->again) {
        item->again = false;
        make_ready(q, item);
    } else if (item->heap_index == NOT_DELAYED) {
        map_remove(&q->items, item->key);
        free(item);
    }
}

int64_t queue_next_ms(const struct queue *q)
{
    if (q->ready_len)
        return 0;
    return q->delayed_len ? q->delayed[0]->due_ms : -1;
}

size_t queue_depth(const struct queue *q)
{
    return q->ready_len;
}

uint64_t queue_adds(const struct queue *q)
{
    return q->adds;
}
