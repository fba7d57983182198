/* corpus_NAME plays the inputs of tests/fuzz/corpus/NAME once more, so that what a fuzzer has found stays mended. */
#include <dirent.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "fuzz.h"

enum { INPUT_MAX = 1 << 20 };

static bool play(const char *path)
{
    static char input[INPUT_MAX];
    struct arena a cleanup_arena = {0};
    FILE *file = fopen(path, "rb");

    if (!file)
        return false;
    size_t len = fread(input, 1, sizeof(input), file);
    bool whole = !ferror(file) && len < sizeof(input);
    fclose(file);
    printf("%s\n", path);
    fflush(stdout);
    if (whole)
        fuzz(arena_strndup(&a, input, len), len, &a);
    return whole;
}

int main(int argc, char **argv)
{
    const char *name = argc > 0 ? strstr(argv[0], "corpus_") : NULL;
    char folder[256], path[1024];
    struct dirent **entries;
    int count = 0, len;

    snprintf(folder, sizeof(folder), "tests/fuzz/corpus/%s", name ? name + strlen("corpus_") : "");
    len = scandir(folder, &entries, NULL, alphasort);
    for (int i = 0; i < len; i++) {
        snprintf(path, sizeof(path), "%s/%s", folder, entries[i]->d_name);
        if (entries[i]->d_name[0] != '.' && !play(path)) {
            fprintf(stderr, "%s cannot be read\n", path);
            return 1;
        }
        count += entries[i]->d_name[0] != '.';
        free(entries[i]);
    }
    if (len < 0 || count == 0) {
        fprintf(stderr, "there are no inputs in %s\n", folder);
        return 1;
    }
    free(entries);
    printf("[  PASSED  ] %d input(s).\n", count);
    return 0;
}
