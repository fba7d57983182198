/* Growable text with a stated maximum.
 *
 * Invariants: data is never NULL and always ends in a NUL byte at data[len]; len never exceeds max. Whatever a peer
 * can grow goes into a buf, so no peer can make us eat all memory: an append that would pass max changes nothing,
 * sets `full` and returns false; further appends fail too. */
#ifndef BASE_BUF_H
#define BASE_BUF_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

struct buf {
    char *data;
    size_t len;
    size_t size; /* bytes allocated; 0 while data is the shared empty text */
    size_t max;  /* the longest len allowed                                */
    bool full;   /* an append did not fit                                  */
};

void buf_init(struct buf *b, size_t max);
/* Cleanses and frees; the buf is empty, with the same max. Accepts an all-zero buf. */
void buf_finish(struct buf *b);
/* Forgets the content, keeps the memory. */
void buf_clear(struct buf *b);

bool buf_add(struct buf *b, const void *data, size_t len);
bool buf_adds(struct buf *b, const char *text);
bool buf_addf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Appends the rest of a file. False: it did not fit (full), or could not be read (errno). */
bool buf_add_file(struct buf *b, FILE *file);
/* The text as malloc'ed memory that the caller frees; the buf is empty afterwards. */
char *buf_detach(struct buf *b);

#define cleanup_buf __attribute__((cleanup(buf_finish)))

/* Takes the white space off the end, as text files and people leave it there. Returns the text. */
char *text_trim_end(char *text);

#endif
