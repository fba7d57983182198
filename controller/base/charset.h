/* What a text may hold in the place that it goes to, and how long it may be: one table. Objects, Secrets and
 * servers' answers are written by people who may be no friends of each other; nobody's text shall end a header, a path,
 * a line or what a terminal shows. */
#ifndef BASE_CHARSET_H
#define BASE_CHARSET_H

#include <stdbool.h>
#include <stddef.h>

enum charset {
    CHARSET_TOKEN,   /* a credential, from whomever: visible ASCII in one piece, at most 4 KiB; not in quotation
                        marks                                                                                      */
    CHARSET_ISSUED,  /* a token of letters, digits and a few signs, at most 512: also within quotes it stays one    */
    CHARSET_METHOD,  /* of HTTP: capital letters                                                                   */
    CHARSET_HEADER,  /* "Name: value", at most 64 KiB: visible ASCII, and blanks                                   */
    CHARSET_URL,     /* of a whole request, at most 16 KiB: visible characters, and none of what CHARSET_PROSE lacks */
    CHARSET_ADDRESS, /* a host's name or IP address, at most 255                                                   */
    CHARSET_SEGMENT, /* a name as one part of a path: visible ASCII without / % ? #, not "." or "..", at most 253  */
    CHARSET_TIME,    /* RFC 3339, at most 64                                                                       */
    CHARSET_VERSION, /* "19.3.1-ee", at most 64                                                                    */
    CHARSET_PROSE,   /* what people read, in conditions, Events and logs: UTF-8 without control characters, and without
                        those that turn the direction of what follows or cannot be seen; at most 2 KiB             */
    CHARSET_COUNT
};

/* NULL when the text of len bytes may go there; else what is wrong with it, for "… holds a control character, such as
 * a line break"; a constant, without a part of the text. An empty text is refused, except as prose. */
const char *charset_refuses(enum charset place, const char *text, size_t len);
/* The same of a text that ends with a NUL; NULL may go nowhere. */
bool charset_admits(enum charset place, const char *text);

/* Takes off, in place, what is nothing in itself at both ends: white space of any kind, a byte order mark, characters
 * of no width. Returns where the rest begins, which may be empty. What is no UTF-8 stays. */
char *charset_trim(char *text);
/* It begins and ends with quotation marks, of whatever kind. */
bool charset_is_quoted(const char *text, size_t len);

/* The length of the character of a prose that text begins with; 0: what is there may not be in one. */
size_t charset_prose_len(const char *text);
/* Makes prose of any text, in place: control characters become blanks, what else may not be there is dropped, and a
 * text that is too long is shortened (base/shorten.h). Returns text. */
char *charset_to_prose(char *text);

#endif
