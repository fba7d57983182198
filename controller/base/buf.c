#include "base/buf.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/format.h"
#include "base/mem.h"

static char nothing[1]; /* what data points to while nothing is allocated; never written */

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.data = nothing, .max = max};
}

void buf_finish(struct buf *b)
{
    if (b->size) {
        explicit_bzero(b->data, b->size);
        free(b->data);
    }
    buf_init(b, b->max);
}

void buf_clear(struct buf *b)
{
    b->len = 0;
    b->full = false;
    if (b->size)
        b->data[0] = '\0';
}

/* Makes room for len more bytes and the NUL. The old memory is cleansed when it moves. */
static bool make_room(struct buf *b, size_t len)
{
    assert(b->data && b->len <= b->max && (!b->size || b->len < b->size));
    if (b->full || len > b->max - b->len) {
        b->full = true;
        return false;
    }
    size_t need = b->len + len + 1;
    if (need <= b->size)
        return true;

    size_t size = b->size ? b->size : 64;
    while (size < need)
        size *= 2;
    char *data = mem_resize(NULL, size);
    memcpy(data, b->data, b->len + 1);
    if (b->size) {
        explicit_bzero(b->data, b->len);
        free(b->data);
    }
    b->data = data;
    b->size = size;
    return true;
}

bool buf_add(struct buf *b, const void *data, size_t len)
{
    if (!make_room(b, len))
        return false;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = '\0';
    return true;
}

bool buf_adds(struct buf *b, const char *text)
{
    return buf_add(b, text, strlen(text));
}

bool buf_addf(struct buf *b, const char *format, ...)
{
    va_list args, again;

    va_start(args, format);
    va_copy(again, args);
    int len = format_text(NULL, 0, format, args);
    va_end(args);

    bool ok = len >= 0 && make_room(b, (size_t)len);
    if (ok) {
        format_text(b->data + b->len, (size_t)len + 1, format, again);
        b->len += (size_t)len;
    }
    va_end(again);
    return ok;
}

bool buf_add_file(struct buf *b, FILE *file)
{
    char piece[8192];
    size_t len;
    bool fits = true;

    while (fits && (len = fread(piece, 1, sizeof(piece), file)) > 0)
        fits = buf_add(b, piece, len);
    explicit_bzero(piece, sizeof(piece));
    return fits && !ferror(file);
}

char *buf_detach(struct buf *b)
{
    char *text = b->size ? b->data : mem_strdup("");

    buf_init(b, b->max);
    return text;
}

char *text_trim_end(char *text)
{
    size_t len = strlen(text);

    while (len && strchr(" \t\r\n", text[len - 1]))
        text[--len] = '\0';
    return text;
}
