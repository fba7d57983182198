#include <assert.h>

#include "operator/records.h"

#include "base/arena.h"
#include "base/json.h"
#include "operator/ownership.h"
#include "operator/price.h"

struct record kind_record(enum kind kind, struct json_object *object, const struct store *store, struct arena *a)
{
    const struct ownership owner = ownership_of(kind, object, store, a);
    struct record record = {
        .ns = json_str_or(object, "metadata.namespace", ""),
        .name = json_str_or(object, "metadata.name", ""),
        .uid = json_str_or(object, "metadata.uid", ""),
        .version = json_str_or(object, "metadata.resourceVersion", ""),
        .owner = owner.key,
        .owner_uid = owner.uid,
        .kept = kept_of(kind, object, *owner.key, a),
    };

    assert(!*record.owner || record.kept);
    record.price = price_of(kind, &record, store, a);
    return record;
}
