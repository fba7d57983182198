/* A fuzz target is one function of a text (len bytes and a NUL) and an arena that ends after it. */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>

struct arena;

void fuzz(const char *text, size_t len, struct arena *a);

#endif
