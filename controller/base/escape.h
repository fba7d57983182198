/* Text as a value in a URL's query (RFC 3986, 2.1). */
#ifndef BASE_ESCAPE_H
#define BASE_ESCAPE_H

struct arena;

/* Every byte but letters, digits and -_.~ as %XX; the arena owns it. */
const char *percent_escaped(const char *text, struct arena *a);

#endif
