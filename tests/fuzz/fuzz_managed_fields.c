/* An object of the API server against a manifest: {"managedFields": […], "manifest": {…}}. */
#include "base/arena.h"
#include "base/json.h"
#include "fuzz.h"
#include "kube/managed_fields.h"

void fuzz(const char *text, size_t len, struct arena *a)
{
    struct err err;
    struct json_object *input = arena_json(a, json_parse(text, len, &err));

    cleanup_json struct json_object *handed_over =
        managed_fields_handed_over(json_get(input, "managedFields"), "manager");
    (void)handed_over;
    managed_fields_have(json_get(input, "managedFields"), "manager", json_get(input, "manifest"));
}
