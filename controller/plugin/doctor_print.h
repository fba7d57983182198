/* How `doctor` tells what it has found. */
#ifndef PLUGIN_DOCTOR_PRINT_H
#define PLUGIN_DOCTOR_PRINT_H

#include "plugin/doctor.h"

struct doctor_tally {
    size_t of[LEVEL_COUNT];
};

struct doctor_tally doctor_count(const struct doctor *d);

/* Lines for people on stdout, the verdict last; texts of others are made harmless. */
void doctor_print_lines(const struct doctor *d);
/* "GLR012 Secret ci/my-gitlab", a line each. */
void doctor_print_names(const struct doctor *d);
/* output: OUTPUT_JSON or OUTPUT_YAML. */
void doctor_print_tree(const struct doctor *d, unsigned output);

#endif
