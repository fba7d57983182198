/* From what people have to GitLabRunners: `import`. */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "cli/import_report.h"

/* What is asked for, and what comes of it. */
struct import {
    struct arena *a;
    const char *ns, *name;       /* of the GitLabRunners; NULL: as the source has them */
    struct import_report report; /* with the same arena                                */
    struct json_object *runners; /* a list of GitLabRunners                            */
    struct json_object *secrets; /* … and of the Secrets that they need                */
};

/* Adds a GitLabRunner of this name (made a name of Kubernetes' where it is none, and another one's where it is taken);
 * returns its spec, lent. */
struct json_object *import_runner_add(struct import *im, const char *name);
/* The name of the one that was added last. */
const char *import_runner_name(const struct import *im);
/* Adds a Secret beside it, NAME-suffix with one key; returns its name. A further key of the same Secret joins it. */
const char *import_secret_add(struct import *im, const char *suffix, const char *key, const char *value);

/* cli/import_config.c: a GitLabRunner for each `[[runners]]` of the kubernetes executor in a config.toml. */
void import_config(struct import *im, struct import_source *source);
/* cli/import_prove.c: looks for each value of this runner that was moved in the config.toml that would be rendered of
 * the GitLabRunner that was added last, and says of those that would be others there that they cannot be moved. */
void import_prove(struct import *im, struct import_source *source, const char *prefix, struct json_object *runner);

#endif
