/* What the operator would see of one runner, looked at with the rights of whoever calls: the object, its children and
 * what it names go into a store of the operator's kind, and gather.h makes of it what the rules go by. Nothing is
 * written, and no value of a Secret leaves it. */
#ifndef PLUGIN_SURVEY_H
#define PLUGIN_SURVEY_H

#include "base/err.h"
#include "operator/gather.h"
#include "plugin/installation.h"

struct json_object;
struct plugin_call;

enum { SURVEY_PODS_MAX = 100, SURVEY_EVENTS_MAX = 10 };

struct surveyed_pod {
    const char *name, *node, *phase;
    bool ready;
    int64_t created;        /* seconds since 1970 */
    struct trouble trouble; /* reason NULL: none */
};

struct survey {
    struct json_object *object; /* the GitLabRunner */
    struct observed observed;   /* with bystander set; explain() takes it as it is */
    bool unseen[CHILD_COUNT];   /* a child that may not be looked at: taken to be as it should be          */
    struct json_object *children[CHILD_COUNT]; /* as the API server has them; NULL: not there, or not seen */
    struct surveyed_pod pods[SURVEY_PODS_MAX];
    size_t pods_len;
    struct json_object *events; /* the newest last, at most SURVEY_EVENTS_MAX; NULL: not seen */
    struct installations installations;

    struct store *store;
    struct states states;
    struct state *state; /* of the runner, in states */
    struct render_settings settings;
};

/* Asks for all of it; what the caller may not see is told with not_seen(), and the rest is looked at all the same. The
 * call's arena has what is found. False and *err: the object itself could not be read. survey_finish() in any case. */
bool survey(struct plugin_call *call, const char *ns, const char *name, struct survey *ret, struct err *err);
/* The same for an object that is at hand, such as that of a file: its children and what it names are looked at. */
void survey_object(struct plugin_call *call, struct json_object *object, struct survey *ret);
void survey_finish(struct survey *s);

#endif
