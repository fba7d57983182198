/* A config.toml that a source has as a text: of it, what one runner is told. */
#ifndef CLI_IMPORT_WITHIN_H
#define CLI_IMPORT_WITHIN_H

#include "cli/import_rows.h"

/* Makes the first runner of the text the draft's config.toml, under what the rows will have for it: a registration
 * takes from such a text what nobody has said otherwise. `name` is how the report calls the text. Where the draft has
 * templates, the text is one, too. False and *err: it is no TOML. */
bool import_within(struct import_draft *d, const char *name, const char *text, struct err *err);

#endif
