/* Bytes as hexadecimal digits: text as a value in a URL's query (RFC 3986, 2.1); and what a digit counts for. */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

#include <stdint.h>

struct arena;

/* Of either case; -1 for any other character, or none. */
int hex_digit(int32_t c);

/* Every byte but letters, digits and -_.~ as %XX; the arena owns it. */
const char *percent_escaped(const char *text, struct arena *a);

#endif
