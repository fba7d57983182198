/* The options that commands of the plugin share, named as kubectl names them. */
#ifndef PLUGIN_OPTIONS_H
#define PLUGIN_OPTIONS_H

#include <stdint.h>

#include "base/options.h"

enum plugin_output { OUTPUT_TABLE, OUTPUT_WIDE, OUTPUT_JSON, OUTPUT_YAML, OUTPUT_NAME };

/* Which of them a command takes, beside those about the connection and -n, which each does that is not offline. */
enum {
    TAKES_ALL_NAMESPACES = 1 << 0, /* -A           */
    TAKES_OUTPUT = 1 << 1,         /* -o of all five words, --no-headers */
    TAKES_SELECTOR = 1 << 2,       /* -l           */
    TAKES_NO_CLUSTER = 1 << 3,     /* not even -n  */
};

/* All texts are lent by argv; NULL: not given. */
struct plugin_options {
    const char *kubeconfig, *context, *cluster, *user, *as;
    struct option_list groups;
    const char *namespace, *selector;
    bool all_namespaces, no_headers;
    unsigned output;    /* enum plugin_output */
    int64_t timeout_ms; /* of one request     */
};

/* Writes the tables of what is taken, OPTION_TABLES_MAX at most, to fill *o, which gets its defaults. Returns how many.
 */
size_t plugin_option_tables(struct option_table *ret, unsigned takes, struct plugin_options *o);

#endif
