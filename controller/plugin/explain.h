/* `explain`: one runner, rule by rule. */
#ifndef PLUGIN_EXPLAIN_H
#define PLUGIN_EXPLAIN_H

#include "plugin/survey.h"
#include "runner/explain.h"

struct explained {
    const struct survey *survey;
    struct explanation says;
    const char *tool;    /* that keeps the field that is to be changed in git; NULL: none is known of      */
    const char *version; /* of the operator, as its image has it; NULL: not seen                           */
};

/* For people; all_rules: a line each also for those that are as they should be. */
void explain_print(const struct plugin_call *call, const struct explained *e, bool all_rules);
/* As data; the caller owns it. */
struct json_object *explained_json(const struct plugin_call *call, const struct explained *e);

#endif
