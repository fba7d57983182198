#include "operator/drift.h"

#include "base/arena.h"
#include "operator/kinds.h"
#include "kube/managed_fields.h"

bool has_drifted(struct store *store, const struct record *record, enum child child, const struct observed *o)
{
    cleanup_arena struct arena a = {0};

    if (!record->fields || !child_is_applied(o, child))
        return false;
    struct json_object *draft = render_draft(child, &o->owner, o->spec, &o->settings, &a);
    if (child == CHILD_DEPLOYMENT && o->children[child].inputs)
        render_account_uid(draft, "", "");
    if (!fields_own(record_fields(record, &a), draft))
        return true;
    store_forget_fields(store, kind_of_child(child), record->ns, record->name);
    return false;
}
