/* What the API server's model does with JSON beside base/json.h: trees are never changed once they are stored, so they
 * share their branches, and equal pointers are equal values. */
#ifndef TESTS_SIM_API_JSON_H
#define TESTS_SIM_API_JSON_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>

#define API_JSON_PLAIN (JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE)

/* The first document of a file; aborts when there is none. */
struct json_object *api_json_of_yaml(const char *path);

/* Equal content, whatever the order of keys; null is as if it were not there. */
bool api_json_same(struct json_object *a, struct json_object *b);
/* An object with the same members, which may then be changed. NULL: an empty one. */
struct json_object *api_json_shallow(struct json_object *object);
/* Adds a member that is not there yet; takes the value over, NULL adds none. The key is a constant. */
void api_json_add(struct json_object *object, const char *key, struct json_object *value);
/* The same with a reference of its own. */
void api_json_share(struct json_object *object, const char *key, struct json_object *value);
/* Neither members nor elements, or NULL. */
bool api_json_is_empty(struct json_object *value);
/* The string at the key; "" when there is none. */
const char *api_json_text(struct json_object *object, const char *key);

#endif
