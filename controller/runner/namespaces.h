/* The namespaces that the operator serves, as people write them: "ci,team-a"; NULL stands for all. */
#ifndef RUNNER_NAMESPACES_H
#define RUNNER_NAMESPACES_H

#include <stdbool.h>

enum { NAMESPACE_SIZE = 64 }; /* of a name and its NUL: a DNS label */

/* At least one, each a name that a namespace can have, none twice. */
bool namespaces_are_valid(const char *list);
bool namespaces_have(const char *list, const char *ns);
/* for (const char *at = list; namespaces_next(&at, ns);) { … } over the names of a valid list. */
bool namespaces_next(const char **at, char ns[static NAMESPACE_SIZE]);

/* Whether ANNOTATION_ALLOWED_FROM, as the owner of a Namespace wrote it ("ci, team-*": names and shell patterns), lets
 * the runners of namespace ns run their jobs there. A pattern longer than 255 bytes fits nothing. */
bool namespace_lets_in(const char *allowed_from, const char *ns);

#endif
