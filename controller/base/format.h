/* vsnprintf() for texts that are put together all the time: a format of nothing but %s and what stands between takes a
 * fraction of what libc's takes. */
#ifndef BASE_FORMAT_H
#define BASE_FORMAT_H

#include <stdarg.h>
#include <stddef.h>

/* As vsnprintf(), with "(null)" for NULL: cut to the size, of which one is the end's; what it returns is the length of
 * the whole. */
int format_text(char *to, size_t size, const char *format, va_list args) __attribute__((format(printf, 3, 0)));
/* As snprintf(). */
int format_into(char *to, size_t size, const char *format, ...) __attribute__((format(printf, 3, 4)));

#endif
