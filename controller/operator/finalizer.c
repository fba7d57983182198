#include "operator/finalizer.h"

#include <string.h>

#include "base/json.h"
#include "runner/names.h"

static bool is_our_finalizer(void *arg, struct json_object *finalizer)
{
    (void)arg;
    return strcmp(json_string(finalizer), FINALIZER) == 0;
}

bool finalizer_is_on(struct json_object *object)
{
    struct json_object *all = json_get(object, "metadata.finalizers");

    for (size_t i = 0; i < json_len(all); i++)
        if (is_our_finalizer(NULL, json_at(all, i)))
            return true;
    return false;
}

struct json_object *finalizer_off(struct json_object *object)
{
    struct json_object *others = json_without(json_get(object, "metadata.finalizers"), is_our_finalizer, NULL);

    return others ? json_build("{metadata: {namespace: %s, name: %s, uid: %s, resourceVersion: %s, finalizers: %o}}",
                               json_str(object, "metadata.namespace"), json_str(object, "metadata.name"),
                               json_str(object, "metadata.uid"), json_str(object, "metadata.resourceVersion"), others)
                  : NULL;
}
