#include "tests/sim/sabotage.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "tests/sim/network_parts.h"

static enum sabotage current;

static const struct sabotage_row rows[SABOTAGES] = {
    [SABOTAGE_NONE] = {"none", ""},
    [SABOTAGE_FENCE] = {"fence", "no write without the Lease"},
    [SABOTAGE_MARK] = {"mark", "no runner left behind"},
    [SABOTAGE_DELETION] = {"deletion", "no runner left behind"},
    [SABOTAGE_STATUS] = {"status", "no edit lost"},
    [SABOTAGE_WATCH] = {"watch", "no edit lost"},
    [SABOTAGE_LOG] = {"log", "no token elsewhere"},
    [SABOTAGE_EVENT] = {"event", "no token elsewhere"},
    [SABOTAGE_ENCODED] = {"encoded", "no token elsewhere"},
    [SABOTAGE_CONTENT] = {"content", "children are as the spec says"},
    [SABOTAGE_TEMPLATE] = {"template", "pods roll for documented causes"},
    [SABOTAGE_FOREIGN] = {"foreign", "nobody's object touched"},
    [SABOTAGE_FINALIZER] = {"finalizer", "deletions end"},
    [SABOTAGE_SLOW] = {"slow", "nobody waits for others"},
    [SABOTAGE_UNTOLD] = {"untold", "no runner left behind"},
    [SABOTAGE_CHATTER] = {"chatter", "no write at rest"},
};

const struct sabotage_row *sabotage_row(enum sabotage sabotage)
{
    assert(sabotage < SABOTAGES);
    return &rows[sabotage];
}

void sabotage_begin(enum sabotage sabotage)
{
    current = sabotage;
}

bool sabotage_is(enum sabotage sabotage)
{
    return current == sabotage;
}

static bool is_asked(const struct exchange *x, const char *method, const char *part)
{
    return strcmp(x->request.method, method) == 0 && strstr(x->request.target, part);
}

/* The first of it in the body becomes something else. */
static void replace(struct exchange *x, const char *what, const char *with)
{
    const char *at = strstr(x->request.body, what);

    if (!at)
        return;
    x->request.body =
        arena_printf(&x->mem, "%.*s%s%s", (int)(at - x->request.body), x->request.body, with, at + strlen(what));
    x->request.body_len = strlen(x->request.body);
}

void sabotage_sending(struct exchange *x)
{
    static const char *const reasons[] = {"\"PossibleOrphan\"", "\"OrphanedRunner\"", "\"RunnerKept\""};

    for (size_t i = 0; i < ARRAY_LEN(reasons) && current == SABOTAGE_UNTOLD; i++)
        if (is_asked(x, "POST", "/events"))
            replace(x, reasons[i], "\"Registered\"");
}

static bool swallow(const struct exchange *x, long status, const char *body, long *ret_status, const char **ret_body)
{
    (void)x;
    *ret_status = status;
    *ret_body = body;
    return true;
}

bool sabotage_request(struct exchange *x, long *ret_status, const char **ret_body)
{
    struct exchange_request *r = &x->request;

    if (current == SABOTAGE_MARK && is_asked(x, "POST", "runners"))
        replace(x, "gitlab-runners.dev/uid=", "nobody's ");
    if (current == SABOTAGE_TEMPLATE && is_asked(x, "PATCH", "/deployments/"))
        replace(x, "\"image\":\"", "\"image\":\"another/");
    if (current == SABOTAGE_EVENT && is_asked(x, "POST", "/events"))
        replace(x, "\"note\":\"", "\"note\":\"glrt-AnywhereButInItsSecret ");
    if (current == SABOTAGE_ENCODED && is_asked(x, "PATCH", "/status")) /* x=glrt-AnywhereButInItsSecret */
        replace(x, "\"message\":\"", "\"message\":\"eD1nbHJ0LUFueXdoZXJlQnV0SW5JdHNTZWNyZXQ= ");
    if (current == SABOTAGE_CONTENT && strstr(r->target, "/secrets"))
        replace(x, "\"Y29uY3VycmVudCA9", "\"Y29uY3VycmVudHM9"); /* concurrents= */
    if (current == SABOTAGE_FOREIGN && is_asked(x, "PATCH", "/secrets/builds-runner-config")) {
        replace(x, "\"name\":\"builds-runner-config\"", "\"name\":\"keys\"");
        replace(x, "\"uid\":", "\"uidOfBefore\":");
        replace(x, "\"resourceVersion\":", "\"versionOfBefore\":");
        r->target = "/api/v1/namespaces/ci/secrets/keys?fieldManager=x&force=true";
    }
    if (current == SABOTAGE_DELETION && is_asked(x, "DELETE", "/api/v4/runners"))
        return swallow(x, 204, "", ret_status, ret_body);
    if (current == SABOTAGE_STATUS && is_asked(x, "PATCH", "/status"))
        return swallow(x, 200, r->body, ret_status, ret_body);
    if (current == SABOTAGE_FINALIZER && is_asked(x, "PATCH", "/gitlabrunners/") &&
        !strstr(r->body, "\"finalizers\":[\"") && !strstr(r->target, "/status"))
        return swallow(x, 503, "{}", ret_status, ret_body);
    if (current == SABOTAGE_CHATTER && is_asked(x, "GET", "/api/v4/runners/")) {
        r->method = "PUT";
        r->target = arena_printf(&x->mem, "%s?description=x", r->target);
    }
    return false;
}

int64_t sabotage_delay_ms(const struct exchange *x)
{
    return current == SABOTAGE_SLOW && strstr(x->request.target, "/gitlabrunners?") ? 30000 : 0;
}

bool sabotage_swallows(struct exchange *x, const char *data, size_t len)
{
    return current == SABOTAGE_WATCH && memmem(data, len, "\"MODIFIED\"", 10) &&
           strstr(x->request.target, "gitlabrunners") && sim_random(x->sim) % 2;
}
