#include "kube/references.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/keep.h"
#include "base/list.h"
#include "base/map.h"
#include "base/mem.h"

enum { KEY_MAX = 600 };

/* An object that somebody refers to; there is one while somebody does. */
struct target {
    struct list links;
    unsigned epoch; /* in which it was first referred to      */
    bool settled;   /* it is known whether the object is there */
    char key[];     /* "kind/namespace/name"                  */
};

struct link {
    struct list node; /* in its target's list */
    struct target *target;
    struct holder *holder;
};

struct holder {
    size_t len;
    char *key;
    struct link links[];
};

struct references {
    struct map targets; /* by key                          */
    struct map holders; /* key → struct holder            */
    void (*forgotten)(void *arg, unsigned kind, const char *path);
    void *arg;
};

static const char *referent_key(unsigned kind, const char *ns, const char *name, char key[static KEY_MAX])
{
    const char digit[] = {(char)('0' + kind), '\0'};

    assert(kind < 10);
    format_into(key, KEY_MAX, "%s/%s/%s", digit, ns, name);
    return key;
}

static struct target *find_referent(const struct references *r, unsigned kind, const char *ns, const char *name)
{
    char key[KEY_MAX];

    return map_get(&r->targets, referent_key(kind, ns, name, key));
}

static struct target *target_create(struct references *r, const char *key, unsigned epoch)
{
    struct target *target = keep_alloc(sizeof(*target) + strlen(key) + 1);

    strcpy(target->key, key);
    list_init(&target->links);
    target->epoch = epoch;
    map_set(&r->targets, target->key, target);
    return target;
}

static void forget_target(struct references *r, struct target *target)
{
    char *path;
    unsigned kind = (unsigned)strtoul(target->key, &path, 10);

    assert(*path == '/' && list_empty(&target->links));
    map_remove(&r->targets, target->key);
    if (r->forgotten)
        r->forgotten(r->arg, kind, path + 1);
    keep_free(target, sizeof(*target) + strlen(target->key) + 1);
}

static struct holder *holder_create(const char *key, size_t len)
{
    struct holder *holder = keep_alloc(sizeof(*holder) + len * sizeof(struct link));

    holder->len = len;
    holder->key = keep_strdup(key);
    return holder;
}

static void holder_free(struct holder *holder)
{
    keep_free_text(holder->key);
    keep_free(holder, sizeof(*holder) + holder->len * sizeof(struct link));
}

/* What nobody refers to any more is forgotten. */
static void let_go(struct references *r, struct holder *holder)
{
    for (size_t i = 0; i < holder->len; i++) {
        struct target *target = holder->links[i].target;
        assert(target && !list_empty(&target->links));
        list_remove(&holder->links[i].node);
        if (list_empty(&target->links))
            forget_target(r, target);
    }
    holder_free(holder);
}

struct references *references_create(void (*forgotten)(void *arg, unsigned kind, const char *path), void *arg)
{
    struct references *r = mem_alloc(sizeof(*r));

    r->targets.lent = r->holders.lent = true;
    r->forgotten = forgotten;
    r->arg = arg;
    return r;
}

void references_destroy(struct references *r)
{
    const char *key;
    void *holder;

    if (!r)
        return;
    r->forgotten = NULL;
    for (size_t i = 0; map_iter(&r->holders, &i, &key, &holder);) {
        map_remove(&r->holders, key);
        let_go(r, holder);
    }
    map_finish(&r->holders);
    map_finish(&r->targets);
    free(r);
}

static size_t count_reference(const struct reference *to, size_t len)
{
    size_t named = 0;

    for (size_t i = 0; i < len; i++)
        named += to[i].name != NULL;
    return named;
}

void references_set(struct references *r, const char *key, const struct reference *to, size_t len)
{
    assert(len <= REFERENCES_MAX);
    size_t named = count_reference(to, len);
    struct holder *former = map_get(&r->holders, key), *holder = named ? holder_create(key, named) : NULL;
    struct link *link = holder ? holder->links : NULL;
    char at[KEY_MAX];

    for (size_t i = 0; i < len; i++) {
        if (!to[i].name)
            continue;
        assert(link);
        referent_key(to[i].kind, to[i].ns, to[i].name, at);
        struct target *target = map_get(&r->targets, at);
        *link = (struct link){.target = target ? target : target_create(r, at, to[i].epoch), .holder = holder};
        list_init(&link->node);
        list_append(&link->target->links, &link->node);
        link++;
    }
    if (holder)
        map_set(&r->holders, holder->key, holder);
    else
        map_remove(&r->holders, key);
    if (former) /* last: what both refer to stays */
        let_go(r, former);
}

bool references_have(const struct references *r, unsigned kind, const char *ns, const char *name)
{
    return find_referent(r, kind, ns, name) != NULL;
}

void references_each(const struct references *r, unsigned kind, const char *ns, const char *name,
                     void (*each)(void *arg, const char *holder), void *arg)
{
    struct target *target = find_referent(r, kind, ns, name);

    if (!target)
        return;
    list_each (node, &target->links)
        each(arg, container_of(node, struct link, node)->holder->key);
}

static void mark(struct references *r, unsigned kind, const char *ns, const char *name, bool settled)
{
    struct target *target = find_referent(r, kind, ns, name);

    if (target)
        target->settled = settled;
}

void references_settle(struct references *r, unsigned kind, const char *ns, const char *name)
{
    mark(r, kind, ns, name, true);
}

void references_unsettle(struct references *r, unsigned kind, const char *ns, const char *name)
{
    mark(r, kind, ns, name, false);
}

bool references_settled(const struct references *r, unsigned kind, const char *ns, const char *name)
{
    const struct target *target = find_referent(r, kind, ns, name);

    return target && target->settled;
}

void references_list_end(struct references *r, unsigned kind, const char *ns, unsigned begun)
{
    char prefix[KEY_MAX];
    size_t len = (size_t)snprintf(prefix, sizeof(prefix), *ns ? "%u/%s/" : "%u/", kind, ns);
    const char *key;
    void *value;

    for (size_t i = 0; map_iter(&r->targets, &i, &key, &value);) {
        struct target *target = value;
        target->settled |= strncmp(key, prefix, len) == 0 && target->epoch < begun;
    }
}
