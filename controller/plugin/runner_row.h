/* A GitLabRunner as a line of `list`: what its object tells, and what of its pods and Deployment was seen beside it. */
#ifndef PLUGIN_RUNNER_ROW_H
#define PLUGIN_RUNNER_ROW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "plugin/table.h"
#include "runner/explain.h"

struct arena;
struct json_object;

enum { UNKNOWN = -1 };

/* Texts are lent by the object or the arena. */
struct runner_row {
    struct json_object *object;
    const char *ns, *name;
    const char *jobs_ns; /* where its jobs run                                     */
    const char *ready;   /* "True", "False", "Unknown"; NULL: no status            */
    struct headline headline;
    const char *status; /* the reason, or "Paused 2h anna"                        */
    bool paused;
    const char *managers; /* "1/1"; NULL: not told                                  */
    int64_t jobs;         /* that run or wait for their pod; UNKNOWN: not seen      */
    int64_t capacity;     /* job_capacity()                                         */
    int64_t runner_id;    /* 0: none                                                */
    struct json_object *tags;
    const char *host;    /* of GitLab, with the port                               */
    const char *version; /* of gitlab-runner, as an image's tag has it; NULL: not known */
    int64_t expires;     /* its token, seconds since 1970; 0: never                */
    int64_t created;
};

/* What the object tells; jobs is UNKNOWN, version that of spec.manager.image. now: seconds since 1970. */
struct runner_row runner_row_of(struct json_object *object, int64_t now, struct arena *a);
/* The same as data: {ready, status, standing, needsSomebody, managers, jobs, jobsLimit, runnerId, host, version, …}.
 * The caller owns it. */
struct json_object *runner_row_json(const struct runner_row *row);

/* The columns of `list`; the first is the namespace. */
enum { ROW_COLUMNS = 13 };
const struct column *runner_columns(void);
/* Adds a row to a table of these columns, or of those from the second on. */
void runner_row_add(struct table *t, const struct runner_row *row, bool with_namespace, bool wide, int64_t now,
                    struct arena *a);
/* The place of the column of this name, in any case of letters; -1: there is none. */
int runner_column(const char *name);
/* As strcmp: by this column, numbers as numbers, unknown ones last; then by namespace and name. */
int runner_row_compare(const struct runner_row *one, const struct runner_row *other, int column);

#endif
