#include "kube/queue.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/keep.h"
#include "base/key.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"
#include "base/metrics.h"

enum { NOT_DELAYED = -1 };

struct item {
    struct list node; /* in its lane while ready                                  */
    const char *cause;
    int64_t due_ms;   /* of a delayed key                                         */
    int heap_index;   /* in queue->delayed, or NOT_DELAYED                        */
    int64_t ready_us; /* since when it is ready; 0: it is not                      */
    bool busy, again; /* again: added while busy                                  */
    bool failed;      /* … the work that goes on                                  */
    uint8_t failures; /* in a row, or more than these                             */
    enum queue_priority priority, taken;
    char key[];
};

/* The ready keys of one namespace and priority; there is one while there are any. */
struct lane {
    struct list node; /* in its level                                             */
    struct list items;
    char ns[];
};

/* The ready keys of one priority: the namespaces' lanes in the order of their turns. */
struct level {
    struct map lanes; /* by namespace                                             */
    struct list turns;
    size_t len; /* keys                                                     */
};

struct queue {
    struct map items; /* every key that is ready, delayed or busy                 */
    struct level ready[QUEUE_PRIORITIES];
    unsigned urgent_row;   /* urgent keys taken in a row while others waited           */
    struct item **delayed; /* a binary heap by due_ms                                  */
    size_t delayed_len, delayed_size;
    uint64_t adds;
    struct histogram waits;
    bool (*admits)(void *arg, const char *ns, enum queue_priority priority);
    void *admits_arg;
};

/* Those of client-go (util/workqueue/metrics.go). */
static const struct buckets wait_buckets = {12, {1e-8, 1e-7, 1e-6, 1e-5, 1e-4, 1e-3, 1e-2, 0.1, 1, 10, 100, 1000}};

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
 * The levels */

static struct lane *lane_of(struct level *level, const char *text)
{
    struct key key;

    key_parse(text, &key);
    struct lane *lane = map_get(&level->lanes, key.ns);
    if (lane)
        return lane;
    lane = mem_alloc(sizeof(*lane) + strlen(key.ns) + 1);
    strcpy(lane->ns, key.ns);
    list_init(&lane->items);
    list_append(&level->turns, &lane->node);
    map_set(&level->lanes, key.ns, lane);
    return lane;
}

static void lane_remove(struct level *level, struct lane *lane)
{
    list_remove(&lane->node);
    map_remove(&level->lanes, lane->ns);
    free(lane);
}

static void level_add(struct level *level, struct item *item)
{
    list_append(&lane_of(level, item->key)->items, &item->node);
    level->len++;
}

static void level_remove(struct level *level, struct item *item)
{
    struct lane *lane = lane_of(level, item->key);

    list_remove(&item->node);
    level->len--;
    if (list_empty(&lane->items))
        lane_remove(level, lane);
}

/* The namespace whose turn it is; NULL: nobody may be taken. */
static struct lane *next_lane(const struct queue *q, const struct level *level)
{
    list_each (node, &level->turns) {
        struct lane *lane = container_of(node, struct lane, node);
        if (!q->admits || q->admits(q->admits_arg, lane->ns, (enum queue_priority)(level - q->ready)))
            return lane;
    }
    return NULL;
}

/* Its first key; then it is the next one's turn. */
static struct item *level_take(const struct queue *q, struct level *level)
{
    struct lane *lane = next_lane(q, level);
    if (!lane)
        return NULL;
    struct item *item = container_of(lane->items.next, struct item, node);

    list_remove(&lane->node);
    list_append(&level->turns, &lane->node);
    level_remove(level, item);
    return item;
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct queue *queue_create(void)
{
    struct queue *q = mem_alloc(sizeof(*q));

    q->items.lent = true;
    for (size_t i = 0; i < QUEUE_PRIORITIES; i++)
        list_init(&q->ready[i].turns);
    q->waits.buckets = &wait_buckets;
    return q;
}

static void level_finish(struct level *level)
{
    list_each_safe (node, after, &level->turns)
        lane_remove(level, container_of(node, struct lane, node));
    map_finish(&level->lanes);
}

static void item_free(struct item *item)
{
    keep_free(item, sizeof(*item) + strlen(item->key) + 1);
}

void queue_destroy(struct queue *q)
{
    const char *key;
    void *value;

    if (!q)
        return;
    for (size_t i = 0; i < QUEUE_PRIORITIES; i++)
        level_finish(&q->ready[i]);
    for (size_t i = 0; map_iter(&q->items, &i, &key, &value);)
        item_free(value);
    map_finish(&q->items);
    free(q->delayed);
    free(q);
}

static struct item *item_of(struct queue *q, const char *key)
{
    struct item *item = map_get(&q->items, key);

    if (item)
        return item;
    item = keep_alloc(sizeof(*item) + strlen(key) + 1);
    strcpy(item->key, key);
    list_init(&item->node);
    item->heap_index = NOT_DELAYED;
    map_set(&q->items, item->key, item);
    return item;
}

static bool is_ready(const struct item *item)
{
    return !list_empty(&item->node);
}

static void make_ready(struct queue *q, struct item *item)
{
    heap_remove(q, item);
    if (is_ready(item))
        return;
    if (!item->ready_us)
        item->ready_us = clock_us();
    level_add(&q->ready[item->priority], item);
}

/* The cause of the highest priority is the one worth telling. */
static void raise_priority(struct queue *q, struct item *item, enum queue_priority priority, const char *cause)
{
    if (!item->cause || priority > item->priority)
        item->cause = cause;
    if (priority <= item->priority)
        return;
    if (is_ready(item))
        level_remove(&q->ready[item->priority], item);
    item->priority = priority;
}

void queue_add(struct queue *q, const char *key, enum queue_priority priority, const char *cause)
{
    struct item *item = item_of(q, key);

    q->adds++;
    raise_priority(q, item, priority, cause);
    if (item->busy)
        item->again = true;
    else
        make_ready(q, item);
}

void queue_add_at(struct queue *q, const char *key, int64_t at_ms, const char *cause)
{
    struct item *item = item_of(q, key);

    if (is_ready(item) || item->again || (item->heap_index != NOT_DELAYED && item->due_ms <= at_ms))
        return;
    heap_remove(q, item);
    if (!item->cause)
        item->cause = cause;
    item->due_ms = at_ms;
    heap_add(q, item);
}

static void promote(struct queue *q, int64_t now_ms)
{
    while (q->delayed_len && q->delayed[0]->due_ms <= now_ms) {
        struct item *due = q->delayed[0];
        heap_remove(q, due);
        if (due->busy)
            due->again = true;
        else
            make_ready(q, due);
    }
}

/* The urgent first, but for the share of the others. */
static struct item *next_urgent_or_not(struct queue *q)
{
    struct level *urgent = &q->ready[QUEUE_URGENT], *routine = &q->ready[QUEUE_ROUTINE];
    bool is_urgent = !routine->len || (urgent->len && ++q->urgent_row < QUEUE_FAIR_SHARE);
    struct item *item = level_take(q, is_urgent ? urgent : routine);

    if (!is_urgent)
        q->urgent_row = 0;
    return item ? item : level_take(q, is_urgent ? routine : urgent);
}

static struct item *next_item(struct queue *q, enum queue_priority least)
{
    struct item *item = level_take(q, &q->ready[QUEUE_BEGUN]);

    if (item || least == QUEUE_BEGUN)
        return item;
    return least == QUEUE_URGENT ? level_take(q, &q->ready[QUEUE_URGENT]) : next_urgent_or_not(q);
}

void queue_ask(struct queue *q, bool (*admits)(void *arg, const char *ns, enum queue_priority priority), void *arg)
{
    q->admits = admits;
    q->admits_arg = arg;
}

const char *queue_take(struct queue *q, int64_t now_ms, enum queue_priority least, const char **ret_cause)
{
    promote(q, now_ms);
    struct item *item = next_item(q, least);
    if (!item)
        return NULL;
    histogram_observe(&q->waits, seconds_since(item->ready_us));
    item->ready_us = 0;
    *ret_cause = item->cause;
    item->cause = NULL;
    item->taken = item->priority;
    item->priority = QUEUE_ROUTINE;
    item->busy = true;
    return item->key;
}

enum queue_priority queue_taken_priority(const struct queue *q, const char *key)
{
    const struct item *item = map_get(&q->items, key);

    return item ? item->taken : QUEUE_ROUTINE;
}

unsigned queue_fail(struct queue *q, const char *key)
{
    struct item *item = map_get(&q->items, key);

    assert(item && item->busy);
    item->failed = true;
    if (item->failures < UINT8_MAX)
        item->failures++;
    return item->failures;
}

unsigned queue_failures(const struct queue *q, const char *key)
{
    const struct item *item = map_get(&q->items, key);

    return item ? item->failures : 0;
}

void queue_done(struct queue *q, const char *key)
{
    struct item *item = map_get(&q->items, key);

    if (!item || !item->busy)
        return;
    if (!item->failed)
        item->failures = 0;
    item->busy = item->failed = false;
    if (item->again) {
        item->again = false;
        make_ready(q, item);
    } else if (item->heap_index == NOT_DELAYED) {
        map_remove(&q->items, item->key);
        item_free(item);
    }
}

int64_t queue_next_ms(const struct queue *q, enum queue_priority least)
{
    for (size_t i = least; i < QUEUE_PRIORITIES; i++)
        if (q->ready[i].len)
            return 0;
    return queue_next_due_ms(q);
}

int64_t queue_next_due_ms(const struct queue *q)
{
    return q->delayed_len ? q->delayed[0]->due_ms : -1;
}

size_t queue_depth(const struct queue *q)
{
    size_t depth = 0;

    for (size_t i = 0; i < QUEUE_PRIORITIES; i++)
        depth += q->ready[i].len;
    return depth;
}

uint64_t queue_adds(const struct queue *q)
{
    return q->adds;
}

size_t queue_delayed(const struct queue *q)
{
    return q->delayed_len;
}

const struct histogram *queue_waits(const struct queue *q)
{
    return &q->waits;
}

/* The first of a namespace and priority is its oldest, or nearly so: another may have been raised to that priority. */
double queue_oldest_seconds(const struct queue *q)
{
    double oldest = 0;

    for (size_t i = 0; i < QUEUE_PRIORITIES; i++) {
        list_each (node, &q->ready[i].turns) {
            const struct lane *lane = container_of(node, struct lane, node);
            double waited = seconds_since(container_of(lane->items.next, struct item, node)->ready_us);
            oldest = waited > oldest ? waited : oldest;
        }
    }
    return oldest;
}
