#include "base/followed.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/charset.h"
#include "base/mem.h"

struct followed {
    const char *path;
    struct stat known; /* of what was read last; all zeroes: nothing yet */
    char *text;        /* NULL: nothing yet                              */
};

struct followed *followed_create(const char *path)
{
    struct followed *f = path ? mem_alloc(sizeof(*f)) : NULL;

    if (f)
        f->path = path;
    return f;
}

void followed_destroy(struct followed *f)
{
    if (!f)
        return;
    mem_free_secret(f->text);
    free(f);
}

static bool is_unchanged(const struct followed *f, const struct stat *now)
{
    return f->text && now->st_ino == f->known.st_ino && now->st_dev == f->known.st_dev &&
           now->st_size == f->known.st_size && now->st_mtim.tv_sec == f->known.st_mtim.tv_sec &&
           now->st_mtim.tv_nsec == f->known.st_mtim.tv_nsec;
}

/* The whole file, or NULL. A NUL ends it. */
static char *read_all(int fd)
{
    char *text = mem_alloc(FOLLOWED_MAX + 2);
    size_t len = 0;
    ssize_t n = 1;

    while (len <= FOLLOWED_MAX && (n = read(fd, text + len, FOLLOWED_MAX + 1 - len)) > 0)
        len += (size_t)n;
    text[len] = '\0';
    if (n == 0 && len <= FOLLOWED_MAX && *charset_trim(text))
        return text;
    explicit_bzero(text, len);
    free(text);
    return NULL;
}

/* Keeps no more than the text needs. */
static void take_text(struct followed *f, char *text, const struct stat *now)
{
    mem_free_secret(f->text);
    f->text = mem_strdup(charset_trim(text));
    f->known = *now;
    mem_free_secret(text);
}

const char *followed_text(struct followed *f, struct err *err)
{
    int fd = f ? open(f->path, O_RDONLY | O_CLOEXEC) : -1;
    struct stat now = {0};

    if (fd >= 0 && fstat(fd, &now) == 0 && !is_unchanged(f, &now)) {
        char *text = read_all(fd);
        if (text)
            take_text(f, text, &now);
    }
    if (fd >= 0)
        close(fd);
    if (f && !f->text)
        err_set(err, ERR_INVALID, "Unreadable", "%s cannot be read, is empty, or is longer than 256 KiB", f->path);
    return f ? f->text : NULL;
}
