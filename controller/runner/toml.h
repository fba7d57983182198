/* A TOML document from a JSON tree: config.toml, which gitlab-runner reads. Who comes from one has base/toml_read.h.
 *
 * Members keep their order, except that a table's plain values precede its tables, as TOML demands. null leaves a
 * member out. Whatever keys and strings contain, they stay keys and strings: nothing can break out of its quotes. */
#ifndef RUNNER_TOML_H
#define RUNNER_TOML_H

struct arena;
struct json_object;

/* The document; the tree is an object. */
const char *toml_text(struct json_object *tree, struct arena *a);

#endif
