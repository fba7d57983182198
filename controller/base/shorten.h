/* A text that is too long for its place, for people: it ends at a word, and with an ellipsis. */
#ifndef BASE_SHORTEN_H
#define BASE_SHORTEN_H

#include <stddef.h>

enum { SHORT_MAX = 240 };

/* Shortens in place to at most max bytes, of which at least 3; what is no longer stays as it is. Cut is before a blank
 * where one is in the second half, else between two characters of UTF-8. Returns text. */
char *shorten(char *text, size_t max);
/* The same of a text whose end is lost already: with an ellipsis in any case. There is room for max bytes. */
char *end_with_ellipsis(char *text, size_t max);

/* A value that a message quotes: err_set(err, …, "… not \"%s\"", shown(value, 60).text). max: at most SHORT_MAX. */
struct short_text {
    char text[SHORT_MAX + 1];
};
struct short_text shown(const char *text, size_t max);

#endif
