/* Requests: what they ask for, who asks, and whether that may be. */
#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "base/escape.h"
#include "base/format.h"
#include "base/json.h"
#include "base/mem.h"
#include "tests/sim/api_json.h"
#include "tests/sim/api_parts.h"

enum { TARGET_MAX = 4096, SEGMENTS_MAX = 10 };

/* A request as it was understood; texts are in `text`. */
struct demand {
    char text[TARGET_MAX];
    const struct api_kind *kind; /* NULL: nothing that is served */
    const char *ns, *name;       /* NULL: none                   */
    struct api_query query;
    struct api_call call;
    const char *method, *content_type;
    struct json_object *body; /* lent */
};

/* ---------------------------------------------------------------------------------------------------------------------
 * The target */

static void percent_decode(char *text)
{
    char *to = text = text + strcspn(text, "%+");

    for (; *text; text++, to++) {
        int high = *text == '%' ? hex_digit(text[1]) : -1, low = high < 0 ? -1 : hex_digit(text[2]);
        *to = *text == '+' ? ' ' : *text;
        if (low < 0)
            continue;
        *to = (char)(high * 16 + low);
        text += 2;
    }
    *to = '\0';
}

static bool is_true(const char *value)
{
    return strcmp(value, "true") == 0 || strcmp(value, "1") == 0;
}

static void take_parameter(struct demand *d, const char *key, const char *value)
{
    struct api_query *q = &d->query;
    const struct {
        const char *key, **text;
        bool *flag;
        int64_t *number;
    } all[] = {
        {"labelSelector", &q->label_selector, NULL, NULL},
        {"fieldSelector", &q->field_selector, NULL, NULL},
        {"resourceVersion", &q->version, NULL, NULL},
        {"resourceVersionMatch", &q->match, NULL, NULL},
        {"continue", &q->cont, NULL, NULL},
        {"limit", NULL, NULL, &q->limit},
        {"timeoutSeconds", NULL, NULL, &q->timeout_s},
        {"watch", NULL, &q->watch, NULL},
        {"allowWatchBookmarks", NULL, &q->bookmarks, NULL},
        {"sendInitialEvents", NULL, &q->initial_events, NULL},
        {"fieldManager", &d->call.manager, NULL, NULL},
        {"force", NULL, &d->call.force, NULL},
    };

    for (size_t i = 0; i < ARRAY_LEN(all); i++) {
        if (strcmp(all[i].key, key) != 0)
            continue;
        if (all[i].text)
            *all[i].text = value;
        else if (all[i].flag)
            *all[i].flag = is_true(value);
        else
            *all[i].number = strtoll(value, NULL, 10);
    }
}

static void take_query(struct demand *d, char *query)
{
    char *rest = query, *pair;

    while ((pair = strsep(&rest, "&"))) {
        char *value = strchr(pair, '=');
        if (value)
            *value++ = '\0';
        else
            value = pair + strlen(pair);
        percent_decode(value);
        take_parameter(d, pair, value);
    }
}

/* Behind the group and version: [namespaces, NS,] PLURAL [, NAME [, SUBRESOURCE]] */
static void take_place(struct demand *d, const char *group, char **at, size_t len)
{
    bool in_namespace =
        len >= 3 && strcmp(at[0], "namespaces") == 0 && strcmp(at[2], "status") != 0 && strcmp(at[2], "finalize") != 0;

    if (in_namespace) {
        d->ns = at[1];
        at += 2;
        len -= 2;
    }
    d->kind = len ? api_kind_of(group, at[0]) : NULL;
    d->name = len > 1 ? at[1] : NULL;
    d->call.subresource = len > 2 ? at[2] : "";
}

static void take_target(struct demand *d, const char *target)
{
    char *segments[SEGMENTS_MAX], *rest, *query;
    size_t len = 0;

    format_into(d->text, sizeof(d->text), "%s", target);
    query = strchr(d->text, '?');
    if (query) {
        *query = '\0';
        take_query(d, query + 1);
    }
    rest = d->text + 1;
    for (char *part; len < SEGMENTS_MAX && (part = strsep(&rest, "/"));) {
        percent_decode(part);
        segments[len++] = part;
    }
    if (len >= 3 && strcmp(segments[0], "api") == 0)
        take_place(d, "", segments + 2, len - 2);
    else if (len >= 4 && strcmp(segments[0], "apis") == 0)
        take_place(d, segments[1], segments + 3, len - 3);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Who may */

static const char *verb_of(const struct demand *d)
{
    if (strcmp(d->method, "GET") == 0)
        return d->query.watch ? "watch" : d->name ? "get" : "list";
    return strcmp(d->method, "POST") == 0    ? "create"
           : strcmp(d->method, "PUT") == 0   ? "update"
           : strcmp(d->method, "PATCH") == 0 ? "patch"
                                             : "delete";
}

static bool is_denied(const struct api *api, const struct demand *d)
{
    for (size_t i = 0; i < api->rules_len; i++) {
        const struct api_rule *r = &api->rules[i];
        if (strcmp(r->user, d->call.user) == 0 && (!*r->verb || strcmp(r->verb, d->call.verb) == 0) &&
            (!*r->resource || strcmp(r->resource, d->kind->plural) == 0))
            return true;
    }
    return false;
}

static struct api_reply forbidden(const struct demand *d)
{
    const char *name = d->name ? d->name : "";
    char subject[400], where[100] = "at the cluster scope";

    snprintf(subject, sizeof(subject), *name ? "%s \"%s\"" : "%s%s", api_qualified(d->kind), name);
    if (d->ns)
        snprintf(where, sizeof(where), "in the namespace \"%.63s\"", d->ns);
    return api_refuse_with(403, "Forbidden", d->kind, name, NULL,
                           "%s is forbidden: User \"%s\" cannot %s resource \"%s\" in API group \"%s\" %s", subject,
                           d->call.user, d->call.verb, d->kind->plural, d->kind->group, where);
}

static void grant(struct api *api, const struct api_rule *what)
{
    size_t kept = 0;

    for (size_t i = 0; i < api->rules_len; i++) {
        const struct api_rule *r = &api->rules[i];
        bool meant = strcmp(r->user, what->user) == 0 && (!*what->verb || strcmp(r->verb, what->verb) == 0) &&
                     (!*what->resource || strcmp(r->resource, what->resource) == 0);
        if (!meant)
            api->rules[kept++] = *r;
    }
    api->rules_len = kept;
}

void api_deny(struct api *api, const char *user, const char *verb, const char *resource, bool denied)
{
    struct api_rule rule = {.verb = ""};

    snprintf(rule.user, sizeof(rule.user), "%s", user);
    snprintf(rule.verb, sizeof(rule.verb), "%s", verb ? verb : "");
    snprintf(rule.resource, sizeof(rule.resource), "%s", resource ? resource : "");
    if (!denied) {
        grant(api, &rule);
        return;
    }
    assert(api->rules_len < API_RULES_MAX);
    api->rules[api->rules_len++] = rule;
}

void api_accept_token(struct api *api, const char *token, const char *user)
{
    api->asks_for_tokens = true;
    if (token) {
        assert(api->tokens_len < API_RULES_MAX);
        api->tokens[api->tokens_len++] = (struct api_token){mem_strdup(token), mem_strdup(user)};
        return;
    }
    while (api->tokens_len) {
        struct api_token *last = &api->tokens[--api->tokens_len];
        free(last->token);
        free(last->user);
    }
}

/* NULL: nobody who is known. */
static const char *user_of(const struct api *api, const struct exchange_request *request)
{
    const char *header = exchange_header(request, "Authorization");
    const char *token = header && strncmp(header, "Bearer ", 7) == 0 ? header + 7 : "";

    if (!api->asks_for_tokens)
        return "";
    for (size_t i = 0; i < api->tokens_len; i++)
        if (strcmp(api->tokens[i].token, token) == 0)
            return api->tokens[i].user;
    return NULL;
}

void api_refuse(struct api *api, const char *resource, int status, const char *message)
{
    api->refusal_status = status;
    snprintf(api->refused, sizeof(api->refused), "%s", resource ? resource : "");
    snprintf(api->refusal, sizeof(api->refusal), "%s", message ? message : "");
}

void api_trouble(struct api *api, const struct api_trouble *trouble)
{
    api->trouble = *trouble;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is asked for */

static struct api_reply not_served(void)
{
    return (struct api_reply){.status = 404,
                              .tree = api_status(404, "NotFound", NULL, NULL, json_object_new_array(),
                                                 "the server could not find the requested resource")};
}

static struct api_reply bad_request(const char *why)
{
    return api_refuse_with(400, "BadRequest", NULL, NULL, NULL, "%s", why);
}

static struct api_reply patch(struct api *api, const struct demand *d)
{
    if (!d->body)
        return bad_request("the body is no JSON");
    if (strstr(d->content_type, "apply-patch"))
        return api_apply_object(api, &d->call, d->kind, d->ns, d->name, d->body);
    return api_patch_object(api, &d->call, d->kind, d->ns, d->name, d->content_type, d->body);
}

static struct api_reply get(struct api *api, const struct api_host *host, const struct demand *d)
{
    if (!d->name)
        return api_list(api, host, d->kind, d->ns, &d->query);
    const struct api_object *object = api_find(api, d->kind, d->ns ? d->ns : "", d->name);

    return object ? api_reply_state(200, object->state) : api_not_found(d->kind, d->name);
}

static struct api_reply serve(struct api *api, const struct api_host *host, const struct demand *d)
{
    char method = *d->method;

    if (!d->kind)
        return not_served();
    if (is_denied(api, d))
        return forbidden(d);
    if (method == 'G')
        return get(api, host, d);
    if (d->kind->namespaced && !d->ns)
        return not_served();
    if (strcmp(d->method, "POST") == 0)
        return d->body ? api_create_object(api, &d->call, d->kind, d->ns, d->body) : bad_request("no body");
    if (!d->name)
        return api_refuse_with(405, "MethodNotAllowed", d->kind, NULL, NULL,
                               "the server does not allow this method on the requested resource");
    if (method == 'D')
        return api_delete_object(api, &d->call, d->kind, d->ns, d->name, d->body);
    if (strcmp(d->method, "PATCH") == 0)
        return patch(api, d);
    return d->body ? api_replace_object(api, &d->call, d->kind, d->ns, d->name, d->body) : bad_request("no body");
}

static void demand_take(struct demand *d, const char *user, int replica, const char *method, const char *target,
                        const char *content_type)
{
    d->kind = NULL;
    d->ns = d->name = NULL;
    d->query = (struct api_query){.limit = 0};
    d->call = (struct api_call){.user = user, .manager = user, .subresource = "", .replica = replica};
    d->method = method;
    d->content_type = content_type ? content_type : "application/json";
    take_target(d, target);
    d->call.verb = verb_of(d);
}

struct api_answer api_request(struct api *api, const char *user, const char *method, const char *target,
                              const char *content_type, struct json_object *body)
{
    struct demand d;
    struct err ignored;

    demand_take(&d, user, -1, method, target, content_type);
    d.body = body;
    struct api_reply reply = serve(api, NULL, &d);
    struct api_answer answer = {.status = reply.status};
    if (reply.state)
        answer.object = json_object_get(reply.state->root);
    else if (reply.tree)
        answer.object = json_object_get(reply.tree);
    else
        answer.object = json_parse_within(reply.text.data, reply.text.len, SIZE_MAX, &ignored);
    api_reply_finish(&reply);
    return answer;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Through the network */

static void answer_text(struct exchange *exchange, int status, int64_t retry_after_ms, const char *text, size_t len)
{
    const struct exchange_head head = {
        .status = status, .content_type = "application/json", .retry_after_ms = retry_after_ms};

    exchange_answer(exchange, &head, text, len);
}

static void answer_reply(struct exchange *exchange, const struct demand *d, struct api_reply *reply)
{
    size_t len = reply->text.len;
    const char *text = reply->text.data;

    if (reply->state)
        text = d->query.meta ? api_state_meta(reply->state, &len) : api_state_text(d->kind, reply->state, &len);
    else if (reply->tree)
        text = json_text(reply->tree), len = strlen(text);
    answer_text(exchange, reply->status, 0, text, len);
}

static bool answer_trouble(const struct api *api, struct exchange *exchange)
{
    const struct api_trouble *t = &api->trouble;
    const char *reason = t->status == 429   ? "TooManyRequests"
                         : t->status == 503 ? "ServiceUnavailable"
                         : t->status == 504 ? "Timeout"
                                            : "InternalError";

    if (!t->status)
        return false;
    cleanup_json struct json_object *status = api_status(t->status, reason, NULL, NULL, NULL, "trouble, please wait");
    const char *text = json_text(status);
    answer_text(exchange, t->status, t->retry_after_ms, text, strlen(text));
    return true;
}

static bool answer_plain(struct exchange *exchange, const struct exchange_request *request)
{
    static const char version[] = "{\"major\":\"1\",\"minor\":\"36\",\"gitVersion\":\"v1.36.3\"}";

    if (strcmp(request->target, "/version") != 0)
        return false;
    answer_text(exchange, 200, 0, version, strlen(version));
    return true;
}

static struct json_object *body_of(const struct exchange_request *request)
{
    struct err ignored;

    return request->body_len ? json_parse_within(request->body, request->body_len, SIZE_MAX, &ignored) : NULL;
}

static struct api_reply initial_events_without_match(void)
{
    return api_refuse_with(422, "Invalid", NULL, NULL, json_object_new_array(),
                           "ListOptions.meta.k8s.io \"\" is invalid: resourceVersionMatch: Forbidden: "
                           "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan");
}

static struct api_reply no_streamed_lists(void)
{
    return api_refuse_with(
        422, "Invalid", NULL, NULL, json_object_new_array(),
        "ListOptions.meta.k8s.io \"\" is invalid: sendInitialEvents: Forbidden: sendInitialEvents is "
        "forbidden for watch unless the WatchList feature gate is enabled");
}

static void serve_demand(struct api_host *host, struct exchange *exchange, struct demand *d)
{
    struct api *api = host->api;
    bool streams = d->kind && d->query.watch && *d->method == 'G' && !is_denied(api, d);
    struct api_reply reply;

    if (streams && d->query.initial_events && (!d->query.match || strcmp(d->query.match, "NotOlderThan") != 0)) {
        reply = initial_events_without_match();
    } else if (streams && d->query.initial_events && api->page_items) {
        reply = no_streamed_lists();
    } else if (streams) {
        api_watch_begin(host, d->kind, d->ns, &d->query, exchange);
        return;
    } else {
        reply = serve(api, host, d);
    }
    if (!api->trouble.after || !answer_trouble(api, exchange))
        answer_reply(exchange, d, &reply);
    api_reply_finish(&reply);
}

static void on_api_request(void *arg, struct exchange *exchange, const struct exchange_request *request)
{
    struct api_host *host = arg;
    const char *user = user_of(host->api, request), *accept = exchange_header(request, "Accept");
    struct demand d;

    if (!host->api->trouble.after && answer_trouble(host->api, exchange))
        return;
    if (answer_plain(exchange, request))
        return;
    demand_take(&d, user ? user : "", request->replica, request->method, request->target,
                exchange_header(request, "Content-Type"));
    d.query.meta = accept && strstr(accept, "as=PartialObjectMetadata");
    if (!user) {
        struct api_reply reply = api_refuse_with(401, "Unauthorized", NULL, NULL, NULL, "Unauthorized");
        answer_reply(exchange, &d, &reply);
        api_reply_finish(&reply);
        return;
    }
    if (!*d.call.manager)
        d.call.manager = "gitlab-runner-controller"; /* the User-Agent */
    d.body = body_of(request);
    serve_demand(host, exchange, &d);
    json_object_put(d.body);
}

static void on_api_gone(void *arg, struct exchange *exchange)
{
    api_watch_gone(((struct api_host *)arg)->api, exchange);
}

void api_serve(struct api *api, const char *name)
{
    assert(api->hosts_len < API_HOSTS_MAX);
    struct api_host *host = &api->hosts[api->hosts_len++];
    const struct server server = {.host = name, .request = on_api_request, .ended = on_api_gone, .arg = host};

    host->api = api;
    host->name = name;
    network_serve(api->sim, &server);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is out of the ordinary */

void api_lag(struct api *api, const char *name, const char *resource, uint64_t versions)
{
    api->lags = false;
    for (size_t h = 0; h < api->hosts_len; h++) {
        for (size_t k = 0; k < API_KINDS; k++) {
            bool meant = strcmp(api->hosts[h].name, name) == 0 && (!resource || !strcmp(api_kinds[k].plural, resource));
            if (meant)
                api->hosts[h].lag[k] = versions;
            api->lags |= api->hosts[h].lag[k] > 0;
        }
    }
    api_watches_advance(api, NULL);
}

void api_compact(struct api *api)
{
    api->oldest = api->version;
}
