/* What is said of a runner, as data. */
#include <json-c/json.h>

#include "base/json.h"
#include "runner/explain_parts.h"

static struct json_object *rules_json(const struct explanation *e)
{
    struct json_object *ret = json_build("[]");

    for (size_t i = 0; i < e->rules_len; i++) {
        const struct explained_rule *r = &e->rules[i];
        const char *mark = r->mark == MARK_NOT_REACHED ? "not reached" : r->mark == MARK_MOOT ? "moot" : NULL;
        json_append(ret, json_build("{table: %s, name: %s, says: %s, mark: %s, reason: %s, why: %s}", r->table, r->name,
                                    r->says, mark ? mark : mark_name(r->mark), r->reason, r->why));
    }
    return ret;
}

static struct json_object *conditions_json(const struct explanation *e)
{
    struct json_object *ret = json_build("[]");

    for (size_t i = 0; i < e->conditions_len; i++) {
        const struct explained_condition *c = &e->conditions[i];
        json_append(ret, json_build("{type: %s, status: %s, reason: %s, message: %s, since: %d, remedy: %s}", c->type,
                                    c->status, c->reason, c->message, c->since, c->remedy));
    }
    return ret;
}

static struct json_object *advice_json(const struct advice *advice)
{
    struct json_object *commands = json_build("[]");

    for (size_t i = 0; advice->commands[i]; i++)
        json_append(commands, json_object_new_string(advice->commands[i]));
    return json_build("{text: %s, commands: %o, field: %s, value: %s, edit: %s}", advice->text, commands, advice->field,
                      advice->value, advice->edit);
}

struct json_object *explanation_json(const struct explanation *e)
{
    const struct headline *h = &e->headline;

    return json_build("{headline: %s, standing: %s, reason: %s, message: %s, since: %d, seen: {reason: %s, message: "
                      "%s, same: %b}, rules: %o, conditions: %o, next: {text: %s, ms: %d}, doThis: %o}",
                      h->text, standing_name(h->standing), h->reason, h->message, h->since, e->reason, e->message,
                      e->same, rules_json(e), conditions_json(e), e->next, e->next_ms, advice_json(&e->advice));
}
