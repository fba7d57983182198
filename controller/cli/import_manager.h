/* What a source says of the manager's pod, in more than one field. */
#ifndef CLI_IMPORT_MANAGER_H
#define CLI_IMPORT_MANAGER_H

#include "cli/import_rows.h"

/* The chart's image, security contexts, mounts and variables. */
void import_manager(struct import_draft *d);
/* Sets a member of the manager's own container, in spec.manager.podSpec; takes the value over. */
void import_container_set(struct import_draft *d, const char *member, struct json_object *value);

#endif
