/* Objects and other trees as -o says. */
#ifndef PLUGIN_OUTPUT_H
#define PLUGIN_OUTPUT_H

#include "plugin/options.h"

struct arena;
struct json_object;

/* Prints a tree to stdout: indented JSON, or a document of YAML. */
void output_tree(struct json_object *tree, enum plugin_output output);
/* Prints what was found, as kubectl does: json and yaml a List, of what is named alone the object itself (single); name
 * a line "gitlabrunner.gitlab-runners.dev/NAME" each. items: an array. */
void output_objects(struct json_object *items, bool single, enum plugin_output output);

#endif
