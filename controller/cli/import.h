/* From what people have to GitLabRunners: `import`. */
#ifndef CLI_IMPORT_H
#define CLI_IMPORT_H

#include "base/err.h"
#include "cli/import_report.h"

struct buf;

/* What is asked for, and what comes of it. */
struct import {
    struct arena *a;
    const char *ns, *name;       /* of the GitLabRunners; NULL: as the source has them */
    bool adopt;                  /* a runner that exists at GitLab stays               */
    struct import_report report; /* with the same arena                                */
    struct json_object *runners; /* a list of GitLabRunners                            */
    struct json_object *secrets; /* … and of the Secrets that they need                */
    struct import_proof *proofs; /* what is still to be proved of them                 */
};

/* Adds a GitLabRunner of this name (made a name of Kubernetes' where it is none, and another one's where it is taken);
 * returns its spec, lent. */
struct json_object *import_runner_add(struct import *im, const char *name);
/* The name of the one that was added last. */
const char *import_runner_name(const struct import *im);
/* Adds a Secret beside it, NAME-suffix with one key; returns its name. A further key of the same Secret joins it. */
const char *import_secret_add(struct import *im, const char *suffix, const char *key, const char *value);

/* The sources. Each reads a text, called `name` in the report, and adds GitLabRunners. False and *err (ERR_INVALID)
 * when the text is not of its language, or has none of what the source is about. */
typedef bool import_read_fn(struct import *im, const char *name, const struct buf *text, struct err *err);
import_read_fn import_read_config;   /* config.toml: a runner for each `[[runners]]` of the kubernetes executor */
import_read_fn import_read_helm;     /* values of GitLab's chart                                                */
import_read_fn import_read_operator; /* objects of GitLab's own operator                                        */
import_read_fn import_read_alekc;    /* … and of alekc/gitlab-runner-operator                                   */

/* Adds a GitLabRunner for the i-th of the runners in a config.toml; the view says where its keys were written, and is
 * lent, as the tree is, until import_prove(). Returns the spec, lent: the rest of it may be added. */
struct json_object *import_config_runner(struct import *im, const struct import_view *view, struct json_object *tree,
                                         size_t i, const char *name);

/* cli/import_prove.c. Has the GitLabRunner that was added last proved later. */
void import_proof_add(struct import *im, const struct import_view *view, struct json_object *tree, size_t i);
/* Looks for each value that was moved in the config.toml that would be rendered of the GitLabRunner, and says of those
 * that would be others there that they cannot be moved. */
void import_prove(struct import *im);

#endif
