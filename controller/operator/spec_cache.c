#include "operator/spec_cache.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/list.h"
#include "base/mem.h"

enum {
    CONFIG_COPIES = 3,     /* of `config`, at most: without what is empty, in the order of names, and what it says */
    AROUND_SPEC = 4 << 10, /* of the tree of an object: its name and the like */
};

struct spec_cache {
    struct list used, idle; /* the newest last */
    size_t idle_len, idle_bytes;
};

/* Texts that nobody changes; NULL: none. */
struct spec_key {
    const char *uid, *spec, *annotations, *ns, *name;
};

struct entry {
    struct list node; /* in `used` or `idle` */
    struct spec_cache *cache;
    unsigned users;
    size_t size; /* when it became idle last */
    size_t read; /* … of which so much without the status */
    struct spec_key key;
    const char *digest; /* of the spec's text; NULL: there is none */
    struct spec spec;
    bool valid;
    struct err err;   /* why it is not */
    size_t spec_cost; /* json_cost()   */
    struct arena mem; /* of all that the others point to */
    struct {
        const char *text; /* NULL: there is none */
        struct json_object *tree;
        size_t cost;
        struct arena mem;
    } status; /* the last that was read */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Keys */

static struct spec_key key_of(const struct record *runner)
{
    const struct kept_runner *kept = kept_runner(runner);

    assert(kept && runner->uid);
    return (struct spec_key){.uid = runner->uid,
                             .spec = kept->spec,
                             .annotations = kept->annotations,
                             .ns = runner->ns,
                             .name = runner->name};
}

static struct spec_key key_copy(const struct spec_key *key, struct arena *a)
{
    return (struct spec_key){.uid = arena_strdup(a, key->uid),
                             .spec = arena_strdup(a, key->spec),
                             .annotations = arena_strdup(a, key->annotations),
                             .ns = arena_strdup(a, key->ns),
                             .name = arena_strdup(a, key->name)};
}

static bool is_key(const struct spec_key *one, const struct spec_key *other)
{
    return text_same(one->uid, other->uid) && text_same(one->spec, other->spec) &&
           text_same(one->annotations, other->annotations) && text_same(one->ns, other->ns) &&
           text_same(one->name, other->name);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reading */

static size_t text_cost(const char *text)
{
    return text ? json_cost(text, strlen(text)) : 0;
}

static size_t config_cost(const char *spec)
{
    const char *config;
    size_t len;

    return spec && json_peek_value(spec, strlen(spec), "config", &config, &len) ? json_cost(config, len) : 0;
}

/* Of all that is kept of it. */
static size_t trees_cost(const struct entry *e)
{
    return AROUND_SPEC + e->spec_cost + text_cost(e->key.annotations) + CONFIG_COPIES * config_cost(e->key.spec);
}

/* By the key and nothing else. */
static void parse_spec(struct entry *e)
{
    const struct spec_key *key = &e->key;
    const struct kept_runner kept = {.spec = key->spec, .annotations = key->annotations};
    const struct record record = {.ns = key->ns, .name = key->name, .uid = key->uid, .kept = &kept};

    e->valid = spec_parse(runner_object(&record, &e->mem), &e->spec, &e->mem, &e->err);
    e->read = sizeof(*e) + arena_size(&e->mem) + trees_cost(e);
}

static struct entry *reading_of(struct spec_cache *cache, const struct spec_key *key)
{
    struct entry *e = mem_alloc(sizeof(*e));

    e->cache = cache;
    list_init(&e->node);
    e->key = key_copy(key, &e->mem);
    e->digest = key->spec ? digest_short(key->spec, strlen(key->spec), &e->mem) : NULL;
    e->spec_cost = text_cost(key->spec);
    parse_spec(e);
    return e;
}

/* Those to whom the former is lent have their references. */
static void renew_status(struct entry *e, const struct record *runner)
{
    const char *text = kept_runner(runner)->status;

    if (text_same(e->status.text, text))
        return;
    arena_finish(&e->status.mem);
    e->status.text = arena_strdup(&e->status.mem, text);
    e->status.tree = runner_status(runner, &e->status.mem);
    e->status.cost = text_cost(text);
}

static void free_entry(struct entry *e)
{
    assert(!e->users);
    list_remove(&e->node);
    arena_finish(&e->status.mem);
    arena_finish(&e->mem);
    free(e);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Use */

static struct entry *find(const struct list *list, const struct spec_key *key)
{
    list_each (node, list) {
        struct entry *e = container_of(node, struct entry, node);
        if (is_key(&e->key, key))
            return e;
    }
    return NULL;
}

static void leave_idle(struct entry *e)
{
    assert(e->cache->idle_len > 0 && e->cache->idle_bytes >= e->size);
    e->cache->idle_len--;
    e->cache->idle_bytes -= e->size;
    list_remove(&e->node);
}

static void free_oldest(struct spec_cache *cache)
{
    struct entry *e = container_of(cache->idle.next, struct entry, node);

    leave_idle(e);
    free_entry(e);
}

static void bound_idle(struct spec_cache *cache, size_t len, size_t bytes)
{
    while (cache->idle_len > len || cache->idle_bytes > bytes)
        free_oldest(cache);
}

static void become_idle(struct entry *e)
{
    struct spec_cache *cache = e->cache;

    list_remove(&e->node);
    list_append(&cache->idle, &e->node);
    cache->idle_len++;
    cache->idle_bytes += e->size;
    bound_idle(cache, SPEC_CACHE_LEN, SPEC_CACHE_BYTES);
}

static void let_go_of(void *arg)
{
    struct entry *e = arg;

    assert(e->users > 0);
    if (--e->users)
        return;
    e->size = e->read + arena_size(&e->status.mem) + e->status.cost;
    if (!e->cache || e->size > SPEC_CACHE_SHARE)
        free_entry(e);
    else
        become_idle(e);
}

static struct entry *entry_in_use(struct spec_cache *cache, const struct spec_key *key)
{
    struct entry *e = cache ? find(&cache->used, key) : NULL;

    if (!cache)
        return reading_of(NULL, key);
    if (e)
        return e;
    e = find(&cache->idle, key);
    if (e)
        leave_idle(e);
    else
        e = reading_of(cache, key);
    list_append(&cache->used, &e->node);
    return e;
}

void spec_cache_read(struct spec_cache *cache, const struct record *runner, struct runner_reading *ret, struct arena *a)
{
    const struct spec_key key = key_of(runner);
    struct entry *e = entry_in_use(cache, &key);

    e->users++;
    arena_defer(a, let_go_of, e);
    renew_status(e, runner);
    *ret = (struct runner_reading){.spec = e->valid ? &e->spec : NULL,
                                   .err = e->err,
                                   .digest = e->digest,
                                   .status = arena_json(a, json_ref(e->status.tree)),
                                   .cost = e->spec_cost + e->status.cost};
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

struct spec_cache *spec_cache_create(void)
{
    struct spec_cache *cache = mem_alloc(sizeof(*cache));

    list_init(&cache->used);
    list_init(&cache->idle);
    return cache;
}

void spec_cache_rest(struct spec_cache *cache)
{
    bound_idle(cache, SPEC_CACHE_LEN / SPEC_CACHE_REST, SPEC_CACHE_BYTES / SPEC_CACHE_REST);
}

void spec_cache_forget(struct spec_cache *cache, const char *ns, const char *name)
{
    list_each_safe (node, after, &cache->idle) {
        struct entry *e = container_of(node, struct entry, node);
        if (strcmp(e->key.name, name) != 0 || strcmp(e->key.ns, ns) != 0)
            continue;
        leave_idle(e);
        free_entry(e);
    }
}

void spec_cache_clear(struct spec_cache *cache)
{
    bound_idle(cache, 0, 0);
    assert(!cache->idle_bytes && list_empty(&cache->idle));
}

void spec_cache_destroy(struct spec_cache *cache)
{
    if (!cache)
        return;
    assert(list_empty(&cache->used));
    spec_cache_clear(cache);
    free(cache);
}

size_t spec_cache_bytes(const struct spec_cache *cache)
{
    return cache->idle_bytes;
}
