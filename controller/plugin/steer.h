/* What the commands that steer have in common: which runners they are about, whose the fields are that they would
 * write, how a word gets onto the objects, and how its effect is waited for.
 *
 *   find ──► plan, each ──► write, each ──► look every second, until each is done, the deadline, or ctrl-c
 *
 * Only the right to get and patch gitlabrunners is needed; with names none to list them. */
#ifndef PLUGIN_STEER_H
#define PLUGIN_STEER_H

#include <stdint.h>

#include "plugin/command.h"

struct json_object;

enum { STEERED_MAX = 64 };

/* Options of all of them; each has rows for its own. Times in ms. */
struct steer_options {
    int64_t timeout, span; /* 0: not given */
    const char *reason;
    bool anyway, undo;
};

#define STEER_TIMEOUT(help)                                                                                            \
    {                                                                                                                  \
        0, "timeout", "TIME", help, option_duration, offsetof(struct steer_options, timeout), "a time, such as 10m"    \
    }
#define STEER_ANYWAY                                                                                                   \
    {                                                                                                                  \
        0, "anyway", NULL, "also what another tool owns, which may set it back", option_flag,                          \
            offsetof(struct steer_options, anyway), NULL                                                               \
    }

/* One runner of the call; texts are the call's. */
struct steered {
    const char *ns, *name, *who, *path, *uid; /* who: "ci/builds", harmless() */
    const char *value;                        /* what was written, for rotate and restart            */
    struct json_object *before;               /* the object as it was                                */
    int64_t written_ms, quiet_ms;             /* monotonic: since when; 0: not yet                   */
    char *said, *said_key;                    /* last, owned; NULL: nothing                          */
    int64_t said_ms;
    bool over;
    enum plugin_exit code; /* … and how */
};

struct steer {
    struct plugin_call *call;
    const struct steer_options *options;
    const struct steer_verb *verb;
    struct steered runners[STEERED_MAX];
    size_t len;
    const char *by;  /* who calls, as the API server knows them */
    const char *key; /* what of a look's text is worth a line of its own, where no terminal shows it; NULL: all of it */
    bool redraws;    /* progress is one line of a terminal … */
    size_t width;    /* … of so many columns                 */
};

struct steer_verb {
    /* What is to be written, a merge patch of the call's arena; NULL: nothing. It may end the runner's part. */
    struct json_object *(*plan)(struct steer *s, struct steered *r);
    /* What has come of it, by the object of now: what there is to say (the round's arena), NULL: nothing yet. It ends
     * the runner's part when it is done. */
    const char *(*look)(struct steer *s, struct steered *r, struct json_object *now, struct arena *round);
    const char *interrupted; /* what ctrl-c leaves behind                                   */
    const char *unheard;     /* what that may mean that the status never told of the word */
    int64_t timeout;         /* where none is given */
    bool stamped;            /* lines begin with the time of day */
};

/* Does it all. */
enum plugin_exit steer_run(struct plugin_call *call, const struct steer_verb *verb);

/* For plan: ends the runner's part, having said why on stderr. */
struct json_object *steer_refuse(struct steer *s, struct steered *r, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* For look, and plan: it is done. Returns the text. */
const char *steer_over(struct steered *r, enum plugin_exit code, const char *text);
/* An annotation of the object; NULL: it has none. */
const char *steer_annotation(struct json_object *object, const char *name);
/* Of its condition; NULL: it is not there. */
const char *steer_condition(struct json_object *object, const char *type, const char *member);
/* "09:14", or with its date when that is not today's. */
const char *clock_text(int64_t time, int64_t now, struct arena *a);

/* steer_pods.c: the runner's jobs that run, as "3 jobs: 8812 test 4m, …", and without their ages in s->key; *ret_count:
 * how many, -1: they may not be seen, which is told with not_seen(). */
const char *steer_jobs(struct steer *s, const struct steered *r, int64_t *ret_count, struct arena *a);
/* The pods of its managers, a list of the arena's; NULL: they may not be seen. */
struct json_object *steer_managers(struct steer *s, const struct steered *r, struct arena *a);

#endif
