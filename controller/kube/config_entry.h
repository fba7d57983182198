/* The entries of kubeconfigs, and where they are. Private to kube/config. */
#ifndef KUBE_CONFIG_ENTRY_H
#define KUBE_CONFIG_ENTRY_H

#include "kube/config_file.h"

struct arena;
struct json_object;

struct file {
    const char *path;
    struct json_object *root; /* the arena's; what is not null is text (base/yaml.h) */
};

/* What is being read. */
struct reader {
    struct kube_config *ret;
    struct file *files;
    size_t len;
    struct arena *a;
    struct err *err;
};

/* A named entry, or a part of it: what: "cluster", "user" or "context". */
struct entry {
    const struct file *file;
    struct json_object *node; /* NULL: none */
    const char *what, *name;
};

/* Reads and parses file->path. */
bool config_load_file(struct file *file, struct arena *a, struct err *err);
/* The entry of this name as the first file that has it says; node NULL: none does. */
struct entry config_find(const struct reader *r, const char *what, const char *name);
/* NULL when no file names one. */
const char *config_current_context(const struct reader *r);

/* The text at a key of an entry, lent or as a copy; NULL when absent or empty, which mean the same in a kubeconfig. */
const char *config_field(const struct entry *entry, const char *key);
char *config_copy(const struct entry *entry, const char *key);
/* False, and *r->err says which file, entry and key it is. */
bool config_refuse(const struct reader *r, const struct entry *entry, const char *key, const char *why);
/* Paths in a kubeconfig are relative to it. */
const char *config_beside(const struct entry *entry, const char *path, struct arena *a);

#endif
