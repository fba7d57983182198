#include <stdint.h>

#include "base/arena.h"
#include "fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    cleanup_arena struct arena a = {0};

    fuzz(arena_strndup(&a, (const char *)data, size), size, &a);
    return 0;
}
