/* What a kubeconfig's user may have beside a token and a certificate. Private to kube/config. */
#ifndef KUBE_CONFIG_USER_H
#define KUBE_CONFIG_USER_H

#include "kube/config_entry.h"

/* "exec": who hands out credentials. False and *r->err when it cannot be followed. Without one, nothing is set. */
bool config_take_exec(const struct reader *r, const struct entry *user);
/* "as" and its kin: whom to impersonate, as headers. */
bool config_take_impersonation(const struct reader *r, const struct entry *user);

/* Whom the choice says to act for, in the place of whomever the user's entry does. */
bool config_impersonate(struct kube_config *ret, const struct kube_choice *choice, struct err *err);

#endif
