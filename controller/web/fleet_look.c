#include "web/fleet_look.h"

#include <assert.h>
#include <ctype.h>
#include <json-c/json.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/key.h"
#include "base/mem.h"
#include "net/loop.h"
#include "operator/gather.h"
#include "runner/explain.h"
#include "runner/names.h"
#include "runner/toml.h"

void fleet_look(const struct reconciler_view *view, const struct record *runner, struct observed *ret, struct arena *a)
{
    static const struct state nothing; /* is remembered of it */
    const struct gathering g = {.store = view->ctx->store,
                                .settings = &view->ctx->render,
                                .now_ms = loop_now(view->ctx->loop),
                                .now = loop_wall(view->ctx->loop)};
    const struct state *state = map_get(&view->states->by_key, key_text(KIND, runner->ns, runner->name).text);

    if (!state || !state->uid || strcmp(state->uid, runner->uid) != 0)
        state = &nothing;
    struct fingerprints wanted = {.known = false};
    gather_object(&g, runner, ret, a);
    ret->memory = &state->memory;
    observe_fingerprints(ret, &wanted, a);
    gather_again(&g, state, ret, a);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is said */

static struct json_object *shown_rules(const struct explanation *e)
{
    struct json_object *rules = json_build("[]");

    for (const struct explained_rule *rule = e->rules; rule < e->rules + e->rules_len; rule++)
        if (rule->mark != MARK_MOOT)
            json_append(rules, json_build("{mark: %s, name: %s, says: %s, why: %s}", mark_name(rule->mark), rule->name,
                                          rule->says, rule->why));
    return rules;
}

static struct json_object *shown_conditions(const struct explanation *e)
{
    struct json_object *conditions = json_build("[]");

    for (const struct explained_condition *c = e->conditions; c < e->conditions + e->conditions_len; c++) {
        struct json_object *one = json_build("{type: %s, status: %s, reason: %s, message: %s, remedy: %s}", c->type,
                                             c->status, c->reason, c->message, c->remedy);
        if (c->since)
            json_set_int(one, "since", c->since);
        json_append(conditions, one);
    }
    return conditions;
}

/* NULL: nothing is to be done. */
static struct json_object *shown_advice(const struct advice *advice, struct arena *a)
{
    const char *command = advice->edit;

    for (size_t i = 0; advice->commands[i]; i++)
        command = i ? arena_printf(a, "%s\n%s", command, advice->commands[i]) : advice->commands[i];
    return advice->text ? json_build("{text: %s, command: %s}", advice->text, command) : NULL;
}

struct json_object *fleet_look_json(const struct observed *o, struct arena *a)
{
    struct explanation *e = arena_alloc(a, sizeof(*e));

    explain(o, e, a);
    struct json_object *json = json_build("{headline: %s}", e->headline.text);
    json_set(json, "do", shown_advice(&e->advice, a));
    json_set(json, "rules", shown_rules(e));
    json_set(json, "conditions", shown_conditions(e));
    json_set(json, "next", json_build("{text: %s, ms: %d}", e->next, e->next_ms));
    return json;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * config.toml */

/* "CI_TOKEN", "AccessKey", "bearer_token", "password" name what may be secret. */
static bool names_secret(const char *name, size_t len)
{
    static const char *const ends[] = {
        "token", "tokens", "password", "passwd",     "secret",      "secretkey", "accesskey",   "apikey",
        "_key",  "-key",   "keyid",    "credential", "credentials", "auth",      "auth_config", "connectionstring"};

    for (size_t i = 0; i < ARRAY_LEN(ends); i++) {
        size_t end = strlen(ends[i]);
        if (len >= end && strncasecmp(name + len - end, ends[i], end) == 0)
            return true;
    }
    return false;
}

/* Who calls, in each URL: up to the last @ before its path. */
static const char *without_userinfo(const char *text, struct arena *a)
{
    cleanup_buf struct buf out;
    const char *from = text;

    buf_init(&out, 3 * strlen(text) + 1);
    for (const char *at = text; (at = strstr(at, "://"));) {
        const char *host = at += 3;
        for (const char *c = at; *c && !strchr("/?# \t\r\n", *c); c++)
            host = *c == '@' ? c : host;
        if (host == at)
            continue;
        buf_add(&out, from, (size_t)(at - from));
        buf_adds(&out, "<masked>");
        from = at = host;
    }
    buf_adds(&out, from);
    assert(!out.full);
    return from == text ? text : arena_strdup(a, out.data);
}

/* "NAME=value", as in `environment`; URLs with passwords in them. */
static const char *masked_text(const char *text, struct arena *a)
{
    size_t name = strcspn(text, "=");

    if (text[name] == '=' && name == strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_") &&
        (names_secret(text, name) || strcasestr(text, "_AUTH_CONFIG=")))
        return arena_printf(a, "%.*s=<masked>", (int)name, text);
    return without_userinfo(text, a);
}

static struct json_object *masked(const char *key, struct json_object *value, struct arena *a)
{
    struct json_object *copy;

    if (json_object_is_type(value, json_type_object)) {
        copy = json_object_new_object();
        json_each (it, value)
            json_object_object_add(copy, it.key, masked(it.key, it.value, a));
        return copy;
    }
    if (json_is_array(value)) {
        copy = json_object_new_array();
        for (size_t i = 0; i < json_len(value); i++)
            json_object_array_add(copy, masked(key, json_at(value, i), a));
        return copy;
    }
    if (!json_object_is_type(value, json_type_string) || !*json_string(value))
        return json_ref(value);
    return json_object_new_string(names_secret(key, strlen(key)) ? "<masked>" : masked_text(json_string(value), a));
}

const char *fleet_look_config(const struct observed *o, struct arena *a)
{
    static const struct config_inputs unread;

    if (!o->spec)
        return NULL;
    struct json_object *tree = render_config_tree(&o->owner, o->spec, &unread, a);
    return toml_text(arena_json(a, masked("", tree, a)), a);
}
