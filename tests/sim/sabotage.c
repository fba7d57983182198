#include "tests/sim/sabotage.h"

#include <assert.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "tests/sim/network_parts.h"

static enum sabotage current;

static const struct sabotage_row rows[SABOTAGES] = {
    [SABOTAGE_NONE] = {"none", PROPERTIES},
    [SABOTAGE_LEAK] = {"leak", PROPERTY_MEMORY},
    [SABOTAGE_BLIND] = {"blind", PROPERTY_HEALTH},
    [SABOTAGE_LEADERS] = {"leaders", PROPERTY_LEADER},
    [SABOTAGE_TOKEN] = {"token", PROPERTY_STATUS},
    [SABOTAGE_MANAGERS] = {"managers", PROPERTY_MANAGERS},
    [SABOTAGE_SPIN] = {"spin", PROPERTY_SPINNING},
    [SABOTAGE_HASTE] = {"haste", PROPERTY_SAVED},
    [SABOTAGE_FENCE] = {"fence", PROPERTY_LEASE},
    [SABOTAGE_MARK] = {"mark", PROPERTY_RUNNERS},
    [SABOTAGE_DELETION] = {"deletion", PROPERTY_RUNNERS},
    [SABOTAGE_STATUS] = {"status", PROPERTY_EDITS},
    [SABOTAGE_WATCH] = {"watch", PROPERTY_EDITS},
    [SABOTAGE_LOG] = {"log", PROPERTY_TOKENS},
    [SABOTAGE_EVENT] = {"event", PROPERTY_TOKENS},
    [SABOTAGE_ENCODED] = {"encoded", PROPERTY_TOKENS},
    [SABOTAGE_CONTENT] = {"content", PROPERTY_CHILDREN},
    [SABOTAGE_TEMPLATE] = {"template", PROPERTY_ROLLS},
    [SABOTAGE_FOREIGN] = {"foreign", PROPERTY_FOREIGN},
    [SABOTAGE_FINALIZER] = {"finalizer", PROPERTY_DELETIONS},
    [SABOTAGE_SLOW] = {"slow", PROPERTY_FAIRNESS},
    [SABOTAGE_UNTOLD] = {"untold", PROPERTY_RUNNERS},
    [SABOTAGE_PAGE] = {"page", PROPERTY_VIEW},
    [SABOTAGE_ROOM] = {"room", PROPERTY_ROOM},
    [SABOTAGE_CHATTER] = {"chatter", PROPERTY_REST},
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

/* The last page, of the version that the continue token begins with. */
static const char *empty_page(struct exchange *x)
{
    const char *version = strstr(x->request.target, "&continue=") + strlen("&continue=");

    return arena_printf(&x->mem, "{\"kind\":\"List\",\"metadata\":{\"resourceVersion\":\"%.*s\"},\"items\":[]}",
                        (int)strspn(version, "0123456789"), version);
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
    if (current == SABOTAGE_PAGE && is_asked(x, "GET", "&continue="))
        return swallow(x, 200, empty_page(x), ret_status, ret_body);
    if (current == SABOTAGE_ROOM && is_asked(x, "PATCH", "/status") && strstr(r->body, "NamespaceOverShare"))
        return swallow(x, 200, r->body, ret_status, ret_body);
    if (current == SABOTAGE_STATUS && is_asked(x, "PATCH", "/status"))
        return swallow(x, 200, r->body, ret_status, ret_body);
    if (current == SABOTAGE_BLIND && is_asked(x, "GET", "/deployments?"))
        return swallow(x, 500, "{}", ret_status, ret_body);
    if (current == SABOTAGE_LEADERS && is_asked(x, "PUT", "/leases/"))
        return swallow(x, 200, r->body, ret_status, ret_body);
    if (current == SABOTAGE_TOKEN && is_asked(x, "POST", "/reset_authentication_token"))
        return swallow(x, 201, "{\"token\":\"glrt-ThatNobodyHasEverHeardOf\",\"token_expires_at\":null}", ret_status,
                       ret_body);
    if (current == SABOTAGE_MANAGERS && is_asked(x, "PATCH", "-runner-config?"))
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
    if (current == SABOTAGE_LEAK)
        return memmem(data, len, "\"DELETED\"", 9) && !strstr(x->request.target, "gitlabrunners");
    return current == SABOTAGE_WATCH && memmem(data, len, "\"MODIFIED\"", 10) &&
           strstr(x->request.target, "gitlabrunners") && sim_random(x->sim) % 2;
}
