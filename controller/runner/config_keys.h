/* What gitlab-runner knows in config.toml: keys and the types of their values, taken from the structs that it reads the
 * file into. config_keys.c is generated. */
#ifndef RUNNER_CONFIG_KEYS_H
#define RUNNER_CONFIG_KEYS_H

#include <stddef.h>

enum config_many {
    CONFIG_ONE,
    CONFIG_LIST,        /* an array of it                          */
    CONFIG_MAP,         /* a table of it, with keys of any name    */
    CONFIG_ONE_OR_LIST, /* either                                  */
};

enum config_type {
    CONFIG_ANY,
    CONFIG_TEXT,
    CONFIG_FLAG,
    CONFIG_WHOLE,   /* of 64 bits */
    CONFIG_WHOLE32, /* of 32 bits */
    CONFIG_NUMBER,
    CONFIG_DURATION, /* text such as "1h30m" */
    CONFIG_TABLE,    /* of `table`'s keys */
};

struct config_key {
    const char *name; /* NULL: the table's end */
    enum config_many many;
    enum config_type type;
    const struct config_key *table; /* of a map of anything else: the names that are known in it */
};

/* The whole file; its `runners` is one table here, since spec.config is about one runner. */
extern const struct config_key config_keys[];
/* The version of gitlab-runner that the table is of. */
extern const char config_keys_version[];

#endif
