/* The credential of a runner that is imported: which Secret has it, and which of the runner's attributes go with it. */
#ifndef CLI_IMPORT_TOKEN_H
#define CLI_IMPORT_TOKEN_H

#include <stdbool.h>

#include "cli/import_rows.h"

enum import_token { IMPORT_RUNNER_TOKEN, IMPORT_REGISTRATION_TOKEN, IMPORT_ACCESS_TOKEN };

/* Of what GitLab keeps of a runner. */
#define TOKEN_KEEPS_ATTRIBUTES "stays as it is at GitLab: a runner's own token changes nothing there"

/* Whether it is surely a runner's own token, whatever the field is called. */
bool is_runner_token(const char *token);
/* The token itself is in a field of the draft's: it goes to a Secret. */
void import_token(struct import_draft *d, const char *field, enum import_token kind, const char *token);
/* A field of the draft's names a Secret that has it. */
void import_token_reference(struct import_draft *d, const char *field, enum import_token kind, const char *name,
                            const char *key);

#endif
