#include "operator/echo.h"

#include <assert.h>
#include <json-c/json.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"

void echo_expect(struct echo *echo, struct list *all, enum kind kind, const char *ns, const char *name,
                 int64_t generation)
{
    assert(kind < KIND_COUNT && ns && name && list_empty(&echo->among) && !echo->held);
    echo->kind = kind;
    echo->ns = ns;
    echo->name = name;
    echo->generation = generation;
    list_append(all, &echo->among);
}

static void drop_held(struct echo *echo)
{
    json_object_put(echo->held);
    echo->held = NULL;
}

static void tell_held(struct echo *echo)
{
    cleanup_json struct json_object *object = echo->held;

    echo->held = NULL;
    if (object)
        echo->tell(echo->arg, object);
}

void echo_end(struct echo *echo)
{
    list_remove(&echo->among);
    tell_held(echo);
    assert(!echo->held);
}

static struct echo *echo_of(const struct list *all, enum kind kind, const char *ns, const char *name)
{
    list_each (node, all) {
        struct echo *echo = container_of(node, struct echo, among);
        if (echo->kind == kind && strcmp(echo->name, name) == 0 && strcmp(echo->ns, ns) == 0)
            return echo;
    }
    return NULL;
}

static struct echo *echo_of_object(const struct list *all, enum kind kind, struct json_object *object)
{
    return echo_of(all, kind, json_str_or(object, "metadata.namespace", ""), json_str_or(object, "metadata.name", ""));
}

static bool may_be_the_write(const struct echo *echo, struct json_object *object)
{
    return !json_get(object, "metadata.deletionTimestamp") &&
           (!echo->generation || json_int_or(object, "metadata.generation", 0) == echo->generation);
}

bool echo_hold(struct list *all, enum kind kind, struct json_object *object, echo_tell_fn *tell, void *arg)
{
    struct echo *echo = echo_of_object(all, kind, object);

    if (!echo)
        return false;
    drop_held(echo);
    if (!may_be_the_write(echo, object))
        return false;
    echo->held = json_ref(object);
    echo->tell = tell;
    echo->arg = arg;
    return true;
}

bool echo_holds(const struct list *all, enum kind kind, const char *ns, const char *name)
{
    const struct echo *echo = echo_of(all, kind, ns, name);

    return echo && echo->held;
}

void echo_drop(struct list *all, enum kind kind, const char *ns, const char *name)
{
    struct echo *echo = echo_of(all, kind, ns, name);

    if (echo)
        drop_held(echo);
}

void echo_release(struct list *all, enum kind kind)
{
    list_each (node, all) {
        struct echo *echo = container_of(node, struct echo, among);
        if (echo->kind == kind)
            tell_held(echo);
    }
}
