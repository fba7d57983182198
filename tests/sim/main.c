#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "tests/sim/story.h"
#include <json-c/linkhash.h>
int main(int argc, char **argv)
{
    uint64_t from = argc > 1 ? strtoull(argv[1], NULL, 10) : 1, n = argc > 2 ? strtoull(argv[2], NULL, 10) : 1;
    bool tell = argc > 3;
    json_global_set_string_hash(JSON_C_STR_HASH_PERLLIKE);
    for (uint64_t s = from; s < from + n; s++) {
        struct plan plan;
        struct figures f;
        static char prop[1000], text[20000];
        plan_draw(&plan, s);
        if (argc > 4)
            plan_read(&plan, argv[4]);
        setvbuf(stdout, NULL, _IOLBF, 0);
        if (!story_tell(&plan, tell, &f, prop, text, sizeof(prop)))
            printf("%lu: %s: %.300s\n", s, prop, text);
    }
}
