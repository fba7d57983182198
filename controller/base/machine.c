#include "base/machine.h"

#include <stdlib.h>

#include "base/log.h"

static const char *name_of_state(const struct machine *m, unsigned state)
{
    return state < m->len ? m->states[state] : "none of its states";
}

void machine_step(const struct machine *m, unsigned from, unsigned to)
{
    if (from < m->len && to < m->len && m->next[from] & MACHINE_TO(to))
        return;
    log_event(LOG_ERROR, "run", "impossible", "machine", m->name, "from", name_of_state(m, from), "to",
              name_of_state(m, to), NULL);
    abort();
}
