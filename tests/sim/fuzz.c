/* The other driver of the simulation: libFuzzer chooses what happens, and learns from how far the operator's code came
 * by it. One input is one story (plan.h): what is done, and by what is left of it all that is drawn while the story
 * goes on. A property that does not hold ends the process; `simulate --input FILE` makes such a story short. */
#include <json-c/linkhash.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>

#include "tests/sim/api.h"
#include "tests/sim/driver.h"

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* As main.c begins. */
int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    struct outcome ignored;

    (void)argc, (void)argv;
    json_global_set_string_hash(JSON_C_STR_HASH_PERLLIKE);
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
    mallopt(M_MMAP_THRESHOLD, 64 << 20);
    api_prepare();
    outcome_here(&(struct plan){.seed = 1}, 0, &ignored);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct plan plan;
    struct outcome outcome;

    plan_draw_input(&plan, data, size);
    outcome_here(&plan, 0, &outcome);
    if (!*outcome.property)
        return 0;
    fprintf(stderr, "%s: %s\n", outcome.property, outcome.text);
    abort();
}
