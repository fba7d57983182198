#include "tests/sim/deeds.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

#include "base/mem.h"

static const struct deed *const all[] = {deeds_users, deeds_objects, deeds_gitlab, deeds_faults, deeds_operator};

const struct deed *deed_of(unsigned deed)
{
    for (size_t i = 0; i < ARRAY_LEN(all); i++)
        for (const struct deed *d = all[i]; d->name; d++)
            if (deed-- == 0)
                return d;
    return NULL;
}

unsigned deeds_weight(void)
{
    unsigned sum = 0;

    for (unsigned i = 0; deed_of(i); i++)
        sum += deed_of(i)->weight;
    return sum;
}

unsigned deed_drawn(uint32_t place)
{
    unsigned i = 0;

    for (; deed_of(i) && place >= deed_of(i)->weight; i++)
        place -= deed_of(i)->weight;
    assert(deed_of(i));
    return i;
}

unsigned deed_named(const char *name)
{
    unsigned i = 0;

    while (strcmp(deed_of(i)->name, name) != 0)
        i++;
    return i;
}
