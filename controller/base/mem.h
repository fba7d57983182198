/* Memory that is never NULL, and small macros that make ownership visible.
 *
 * Out of memory aborts: a controller is level-triggered, a restart repairs it. */
#ifndef BASE_MEM_H
#define BASE_MEM_H

#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>

#define ARRAY_LEN(a) (sizeof(a) / sizeof((a)[0]))

/* The struct of which *ptr is the named member. */
#define container_of(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* As calloc, realloc, strdup; the result is never NULL and the caller frees it. */
void *mem_alloc(size_t size);
void *mem_resize(void *ptr, size_t size);
char *mem_strdup(const char *text);

/* NULL is the same as NULL alone. */
bool text_same(const char *a, const char *b);

/* Overwrites the text before it is freed. NULL is fine. */
void mem_free_secret(char *text);

/* Frees *ptr of a variable declared with `cleanup_free` when it goes out of scope. */
static inline void mem_free_ptr(void *ptr)
{
    free(*(void **)ptr);
}
#define cleanup_free __attribute__((cleanup(mem_free_ptr)))

/* Hands out ownership: the value of a variable, which is NULL afterwards. */
#define take(ptr)                                                                                                      \
    ({                                                                                                                 \
        __typeof__(ptr) taken = ptr;                                                                                   \
        (ptr) = NULL;                                                                                                  \
        taken;                                                                                                         \
    })

#endif
