/* Files of a test's own, and what it prints. */
#ifndef TESTS_FILES_H
#define TESTS_FILES_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/buf.h"
#include "golden.h"

static inline void remove_file(void *path)
{
    unlink(path);
}

/* The path of a file with this content; both go with the arena. */
static inline const char *make_file(const char *text, size_t len, struct arena *a)
{
    char *path = arena_strdup(a, "/tmp/unit-test-XXXXXX");
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, len), (ssize_t)len);
    close(fd);
    arena_defer(a, remove_file, path);
    return path;
}

/* What is printed to stdout or stderr from now on goes into a file. */
struct capture {
    FILE *stream;
    int real;
};

static inline struct capture capture_begin(FILE *stream)
{
    FILE *file = tmpfile();

    assert_non_null(file);
    fflush(stream);
    struct capture c = {stream, dup(fileno(stream))};
    dup2(fileno(file), fileno(stream));
    fclose(file);
    return c;
}

/* What it was; the stream is itself again. */
static inline char *capture_end(struct capture *c, struct arena *a)
{
    enum { MAX = 1 << 20 };
    char *text = arena_alloc(a, MAX);

    fflush(c->stream);
    ssize_t len = pread(fileno(c->stream), text, MAX - 1, 0);
    dup2(c->real, fileno(c->stream));
    close(c->real);
    assert_true(len >= 0);
    return text;
}

/* unit repeated n times, between before and after */
static inline const char *repeated(const char *before, const char *unit, int n, const char *after, struct arena *a)
{
    struct buf text;

    buf_init(&text, 32 << 20);
    buf_adds(&text, before);
    for (int i = 0; i < n; i++)
        buf_adds(&text, unit);
    buf_adds(&text, after);
    char *copy = arena_strndup(a, text.data, text.len);
    buf_finish(&text);
    return copy;
}

#endif
