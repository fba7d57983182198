#include "plugin/installation.h"

#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/time.h"
#include "plugin/command.h"
#include "plugin/session.h"

/* What stands behind the last colon, unless it is a port; before a digest. */
static const char *tag_of(const char *image, struct arena *a)
{
    char *name = arena_strndup(a, image, strcspn(image, "@"));
    const char *slash = strrchr(name, '/'), *colon = strrchr(slash ? slash : name, ':');

    return colon ? colon + 1 : "";
}

/* As the operator's own option says, else its default. */
static int debug_port_of(struct json_object *container)
{
    static const char option[] = "--debug-port=";
    struct json_object *args = json_member(container, "args");
    int port = 6060;

    for (size_t i = 0; i < json_len(args); i++) {
        const char *arg = json_string(json_at(args, i));
        if (strncmp(arg, option, sizeof(option) - 1) == 0 && !option_port(arg + sizeof(option) - 1, &port))
            port = 0;
    }
    return port;
}

static void note_deployment(struct installations *ret, struct json_object *deployment, struct arena *a)
{
    struct json_object *containers = json_get(deployment, "spec.template.spec.containers");

    if (ret->len == INSTALLATIONS_MAX)
        return;
    struct installation *i = &ret->items[ret->len++];
    *i = (struct installation){
        .ns = json_str_or(deployment, "metadata.namespace", ""),
        .name = json_str_or(deployment, "metadata.name", ""),
        .image = json_str_or(json_at(containers, 0), "image", ""),
        .wanted = json_int_or(deployment, "spec.replicas", 1),
        .ready = json_int_or(deployment, "status.readyReplicas", 0),
        .debug_port = debug_port_of(json_at(containers, 0)),
        .holder = "",
    };
    i->version = tag_of(i->image, a);
}

/* The identity of a holder is its pod's name, "_" and what tells its processes apart. */
static void note_lease(struct installations *ret, struct json_object *lease, struct arena *a)
{
    const char *ns = json_str_or(lease, "metadata.namespace", ""),
               *holder = json_str_or(lease, "spec.holderIdentity", "");
    const char *end = strrchr(holder, '_');

    for (size_t i = 0; i < ret->len; i++) {
        if (strcmp(ret->items[i].ns, ns) != 0)
            continue;
        ret->items[i].holder = end ? arena_strndup(a, holder, (size_t)(end - holder)) : holder;
        ret->items[i].renewed = time_parse(json_str(lease, "spec.renewTime"));
        ret->items[i].duration = json_int_or(lease, "spec.leaseDurationSeconds", 0);
    }
}

void installations_find(struct plugin_call *call, struct installations *ret)
{
    struct session_request asks[] = {
        {.path = "/apis/apps/v1/deployments?labelSelector=" OPERATOR_SELECTOR "&limit=16"},
        {.path = "/apis/coordination.k8s.io/v1/leases?fieldSelector=metadata.name%3D" OPERATOR_NAME "&limit=16"},
    };
    static const char *const needs[][2] = {{"the operator", "list deployments"}, {"who leads", "list leases"}};

    *ret = (struct installations){0};
    session_ask(call->session, asks, ARRAY_LEN(asks), call->a);
    for (size_t i = 0; i < ARRAY_LEN(asks); i++) {
        struct json_object *items = json_member(asks[i].object, "items");
        if (asks[i].err.kind != ERR_NONE)
            not_seen(call, needs[i][0], is_forbidden(&asks[i].err) ? needs[i][1] : asks[i].err.text);
        for (size_t n = 0; n < json_len(items); n++)
            (i == 0 ? note_deployment : note_lease)(ret, json_at(items, n), call->a);
    }
}
