/* A small file whose content may be replaced while we run, as that of a Secret in a volume is. */
#ifndef BASE_FOLLOWED_H
#define BASE_FOLLOWED_H

#include "base/err.h"

struct followed;

enum { FOLLOWED_MAX = 256 << 10 };

/* NULL for the path NULL. The path is lent. */
struct followed *followed_create(const char *path);
/* Cleanses what was read. NULL is fine. */
void followed_destroy(struct followed *f);

/* What is in the file, without white space around it; lent until the next call. Read when the file is another one than
 * before; while that cannot be read, is empty or longer than FOLLOWED_MAX, what it was before. NULL and *err
 * (ERR_INVALID) when there has been nothing yet; NULL for f NULL, too, without an error. */
const char *followed_text(struct followed *f, struct err *err);

#endif
