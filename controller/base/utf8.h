/* Text as UTF-8. */
#ifndef BASE_UTF8_H
#define BASE_UTF8_H

#include <stddef.h>

/* The length of the character that text begins with; 0 when it is none, such as a surrogate, an overlong form, or the
 * part of one that is left when a text was cut. */
size_t utf8_len(const char *text);
/* How many characters the text has; a byte that is part of none counts as one. */
size_t utf8_count(const char *text);
/* Drops, in place, what is no UTF-8: what a peer made up, and the part of a character that is left when a long text is
 * cut. The API server would replace it, and what we wrote would never be as we wrote it. Returns text. */
char *utf8_keep(char *text);

#endif
