#include "runner/trace.h"

#include <assert.h>

void trace_note(struct trace *t, const struct rule *rule, const struct action *act)
{
    if (!t)
        return;
    assert(t->len < TRACE_MAX && !trace_of(t, rule));
    t->rules[t->len++] = (struct traced){rule, *act};
}

const struct action *trace_of(const struct trace *t, const struct rule *rule)
{
    for (size_t i = 0; i < t->len; i++)
        if (t->rules[i].rule == rule)
            return &t->rules[i].action;
    return NULL;
}
