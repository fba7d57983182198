/* Sentences for people, wrapped to the width of the terminal (of a pipe: not at all). */
#ifndef PLUGIN_WRAP_H
#define PLUGIN_WRAP_H

#include <stdio.h>

#include "plugin/terminal.h"

struct arena;

struct wrap {
    FILE *out;
    const struct terminal *terminal;
    struct arena *a;
    size_t indent; /* columns before each line of a text */
};

/* A line that begins with a label, of wrap->indent columns at least, and goes on with anybody's text. label: a
 * constant, or harmless; "": none. */
void wrap_text(const struct wrap *w, const char *label, enum tone tone, const char *text);
/* The same without breaking it: a command, to be copied. */
void wrap_command(const struct wrap *w, const char *label, const char *command);

#endif
