#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static void *never_null(void *ptr)
{
    if (!ptr) {
        fputs("out of memory\n", stderr);
        abort();
    }
    return ptr;
}

void *mem_alloc(size_t size)
{
    return never_null(calloc(1, size ? size : 1));
}

void *mem_resize(void *ptr, size_t size)
{
    return never_null(realloc(ptr, size ? size : 1));
}

char *mem_strdup(const char *text)
{
    return never_null(strdup(text));
}

bool text_same(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

void mem_free_secret(char *text)
{
    if (text)
        explicit_bzero(text, strlen(text));
    free(text);
}
