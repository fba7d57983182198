#include "drift.h"

#include <string.h>

#include "base/arena.h"
#include "kinds.h"
#include "kube/managed_fields.h"

static bool matters(enum child child, const struct observed *o)
{
    const char *applied = o->children[child].hash, *wanted = o->wanted[child].hash;

    return o->spec && applied && wanted && strcmp(applied, wanted) == 0;
}

bool has_drifted(struct store *store, const struct record *record, enum child child, const struct observed *o)
{
    cleanup_arena struct arena a = {0};

    if (!record->fields || !matters(child, o))
        return false;
    if (!fields_own(record_fields(record, &a), render_draft(child, &o->owner, o->spec, &o->settings, &a)))
        return true;
    store_forget_fields(store, kind_of_child(child), record->ns, record->name);
    return false;
}
