/* What each rule said while decide() went through the tables, for whoever has set observed.trace; it costs nothing when
 * nobody has. So what is told of the rules cannot differ from what they do. */
#ifndef RUNNER_TRACE_H
#define RUNNER_TRACE_H

#include "runner/rules.h"

enum { TRACE_MAX = 64 }; /* rules that one decision can ask, of all tables together */

/* Of one decision: all zeroes is an empty one, which it has to be before the next. */
struct trace {
    struct traced {
        const struct rule *rule;
        struct action action; /* what it asked for, or why it waits, also for a failure; ACT_PASS: what it says is so */
    } rules[TRACE_MAX];
    size_t len;
};

/* A trace that is NULL takes no note. */
void trace_note(struct trace *t, const struct rule *rule, const struct action *act);
/* What the rule said; NULL: it was not asked. */
const struct action *trace_of(const struct trace *t, const struct rule *rule);

#endif
