/* What stdout or stderr is, and what may be written to it. */
#ifndef PLUGIN_TERMINAL_H
#define PLUGIN_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct arena;

struct terminal {
    bool tty;
    bool colour;  /* a tty, neither NO_COLOR nor TERM=dumb */
    size_t width; /* in columns; 0: no tty, nothing is cut */
};

struct terminal terminal_of(FILE *file);

enum tone { TONE_PLAIN, TONE_GOOD, TONE_WARN, TONE_BAD, TONE_FAINT, TONE_STRONG };

/* The codes before and after a text of this tone; "" without colour. */
const char *tone_begin(const struct terminal *terminal, enum tone tone);
const char *tone_end(const struct terminal *terminal, enum tone tone);

/* Somebody's text as one line that a terminal shows as it is: without control characters, and what else may not be in
 * prose (base/charset.h). The arena owns it; NULL gives "". */
const char *harmless(const char *text, struct arena *a);
/* How many columns of a terminal a harmless text takes. */
size_t display_width(const char *text);
/* The text if it fits in so many columns (at least 1), else as much of it as does with an ellipsis. */
const char *display_cut(const char *text, size_t width, struct arena *a);

#endif
