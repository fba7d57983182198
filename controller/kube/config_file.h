/* Reading for kube/config: whole files, and kubeconfigs. Private to kube/config. */
#ifndef KUBE_CONFIG_FILE_H
#define KUBE_CONFIG_FILE_H

#include <stddef.h>

#include "kube/config.h"

struct arena;

/* A value that is kept in a file, without white space at its end. NULL and *err when the file cannot be read, is empty
 * or longer than 1 MiB. */
char *config_read_value(const char *path, struct err *err);
/* True when text can be a header's value: printable, without spaces. */
bool config_is_token(const char *text);

/* Fills *ret from the kubeconfigs at paths, of which the first counts most, as the choice says, whose own path does not
 * count. */
bool config_from_files(struct kube_config *ret, const char *const *paths, size_t len, const struct kube_choice *choice,
                       struct err *err);

#endif
