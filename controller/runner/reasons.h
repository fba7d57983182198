/* The closed list of reasons that conditions may have, and what to do about each. docs/conditions.md has the same
 * remedies, and tests/data/reasons.txt the same groups: a test holds them against each other. */
#ifndef RUNNER_REASONS_H
#define RUNNER_REASONS_H

#include <stddef.h>

enum reason_group {
    REASON_PERSON,     /* a person has to act                                                 */
    REASON_AGAIN,      /* it is tried again                                                   */
    REASON_WORK,       /* the operator, or Kubernetes, is at it                               */
    REASON_GOOD,       /* all is well                                                         */
    REASON_KUBERNETES, /* the API server's own word                                           */
};

/* Who finds it out. */
enum reason_origin {
    REASON_OF_RULE,  /* a rule, by looking                            */
    REASON_OF_VALUE, /* … at the content of a Secret or ConfigMap     */
    REASON_OF_CALL,  /* an answer of GitLab, or the lack of one */
    REASON_OF_PODS,  /* the managers' pods                     */
};

struct reason {
    const char *name;
    enum reason_group group;
    enum reason_origin origin;
    const char *remedy; /* NULL: there is none */
    const char *field;  /* of the spec, where it names one field alone that is to be changed; NULL */
};

/* NULL: it is not in the list. */
const struct reason *reason_of(const char *name);
/* The i-th, NULL behind the last one. */
const struct reason *reason_at(size_t i);

#endif
