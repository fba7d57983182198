/* `import --takeover`: the old manager ends, and the imported runners begin, so that no job is lost and never two of
 * them ask GitLab for jobs. */
#ifndef CLI_IMPORT_TAKEOVER_H
#define CLI_IMPORT_TAKEOVER_H

#include "cli/import.h"
#include "plugin/options.h"

struct takeover_options {
    const char *deployment; /* the old manager's, in the namespace of the runners */
    int64_t timeout_ms;     /* for the jobs of the old manager to end, and as much for the new ones to be ready */
    const struct plugin_options *plugin;
};

/* Step by step, each told on stderr: tries whether the API server would take the objects, scales the old Deployment to
 * zero, waits until its pods have ended, applies the objects, waits until all are ready. What fails after the second
 * step is told with how to go back. Returns the exit code. */
int import_takeover(struct import *im, const struct takeover_options *o);

#endif
