/* json-c with paths.
 *
 * Getters take a tree that may be NULL and a dotted path ("metadata.uid"); they never fail: what is absent, null or
 * of another type gives the default. Absent, zero and false stay three things: json_get() tells whether a value is
 * there. A key that itself contains dots (annotations) is reached with json_member(), and so is one of 128 bytes or
 * more: a path that has such a part leads to nothing.
 *
 * Ownership: getters lend (valid as long as the tree); setters take the reference that they are given. */
#ifndef BASE_JSON_H
#define BASE_JSON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct arena;
struct json_object;

enum {
    JSON_DEPTH_MAX = 32,      /* deeper input is refused                                         */
    JSON_COST_MAX = 4 << 20,  /* so is what would take more as a tree, unless the caller says so */
    JSON_COST_PER_BYTE = 420, /* of a text, at most: `{}` is one of two bytes                    */
};

/* What the tree of a text would take of the heap, in bytes: at least what it really takes, at most four times as
 * much. Nothing is built, and nothing is known of whether it is JSON; what is nested too deep does not count. */
size_t json_cost(const char *text, size_t len);

/* Where in a text a word begins, outside of strings, that is neither a number nor true, false or null; len: nowhere. */
size_t json_odd_word(const char *text, size_t len);

/* Parses text of len bytes as exactly one value; NULL and *err (ERR_INVALID) when it is not JSON, with reason TooLarge
 * when its tree would take more than JSON_COST_MAX. The caller owns it. Beside the tree it takes at most twice its
 * longest string for a moment. */
struct json_object *json_parse(const char *text, size_t len, struct err *err);
/* The same of a whole text, where it does not matter why it is none; NULL gives NULL. */
struct json_object *json_parse_text(const char *text);
/* As json_parse(), with another maximum; SIZE_MAX: whatever it takes. */
struct json_object *json_parse_within(const char *text, size_t len, size_t max_cost, struct err *err);
/* Whether they do so with that maximum; *err as above. */
bool json_affordable(const char *text, size_t len, size_t max_cost, struct err *err);
/* The same, but what is nested too deep becomes null. The API server takes objects of some 10,000 levels where a schema
 * preserves unknown fields: one of those must not hide all others of its list. */
struct json_object *json_parse_cut(const char *text, size_t len, size_t max_cost, struct err *err);

/* The string at the dotted path of a JSON text, copied to ret, without taking the text to pieces: what lies behind the
 * string is not looked at. False: there is none, it has escapes, or no room in ret; json_parse() will tell. */
bool json_peek(const char *text, size_t len, const char *path, char *ret, size_t size);
/* The same with an integer; otherwise, where there is none, or it has more than 18 digits. */
int64_t json_peek_int(const char *text, size_t len, const char *path, int64_t otherwise);
/* The text of any value, lent: json_parse() takes it. False: there is none. ret_len NULL: where it begins is enough. */
bool json_peek_value(const char *text, size_t len, const char *path, const char **ret, size_t *ret_len);
/* The text of an array's next element, lent, and *at moves behind it; before the first *at is the array's text. False:
 * there is none. */
bool json_peek_element(const char **at, const char *end, const char **ret, size_t *ret_len);

struct json_object *json_get(struct json_object *o, const char *path);
struct json_object *json_member(struct json_object *o, const char *key);
const char *json_str(struct json_object *o, const char *path); /* NULL when absent or not a string */
const char *json_string(struct json_object *value);            /* the value itself; "" when it is not a string */
const char *json_str_or(struct json_object *o, const char *path, const char *otherwise);
int64_t json_int_or(struct json_object *o, const char *path, int64_t otherwise);
bool json_bool_or(struct json_object *o, const char *path, bool otherwise);
bool json_is_array(struct json_object *o);
/* The number of elements of an array, 0 for anything else; and an element. */
size_t json_len(struct json_object *o);
struct json_object *json_at(struct json_object *o, size_t i);

/* Sets the value at a dotted path, making objects on the way; takes it over. Where something else than an object is in
 * the way nothing is set: people write any value anywhere. json_set_str() ignores a NULL value. */
void json_set(struct json_object *o, const char *path, struct json_object *value);
void json_set_str(struct json_object *o, const char *path, const char *value);
void json_set_int(struct json_object *o, const char *path, int64_t value);
void json_set_bool(struct json_object *o, const char *path, bool value);
void json_put_member(struct json_object *o, const char *key, const char *value);
/* Takes out the value at a dotted path. False: there is none. */
bool json_remove(struct json_object *o, const char *path);
/* Adds an element to an array. */
void json_append(struct json_object *array, struct json_object *value);
/* The array without the elements that drop() is true of: a new one, of the same elements. NULL: there are none. */
struct json_object *json_without(struct json_object *array, bool (*drop)(void *arg, struct json_object *element),
                                 void *arg);
/* The number under which the key was first noted in the object `seen`; when that is only now, number itself. */
size_t json_first_seen(struct json_object *seen, const char *key, size_t number);
/* A new reference to the same value, NULL for NULL: to place a borrowed value into another tree. */
struct json_object *json_ref(struct json_object *o);
/* An independent copy. */
struct json_object *json_copy(struct json_object *o);

/* Builds a tree from a format, in the shape of the JSON itself: keys and strings are written bare or quoted, `%s` takes
 * a string (NULL leaves the member out), `%o` takes a struct json_object * (ownership moves; NULL leaves it out),
 * `%d` an int64_t, `%b` an int as boolean. A malformed format aborts: it is a constant of the program.
 *
 *     json_build("{kind: 'Secret', metadata: {name: %s}, data: %o}", name, data) */
struct json_object *json_build(const char *format, ...);

/* Overwrites all strings of the tree, which held secrets and is about to be dropped. NULL is fine. */
void json_cleanse(struct json_object *o);

/* The compact text, lent until the tree changes. Keys keep their order of insertion. */
const char *json_text(struct json_object *o);
/* The same with all keys sorted: equal content gives equal text. */
const char *json_text_sorted(struct json_object *o);
/* The same tree with all keys sorted. The caller owns it. */
struct json_object *json_sorted(struct json_object *o);
/* Equal content, whatever the order of keys. NULL equals NULL only. */
bool json_same(struct json_object *a, struct json_object *b);

/* Drops the reference held by a variable declared with `cleanup_json` when it goes out of scope. */
void json_put_ptr(struct json_object **o);
#define cleanup_json __attribute__((cleanup(json_put_ptr)))

/* for (each key, value of an object) { … }: iterate in order; the object must not change meanwhile. */
struct json_iter {
    struct json_object *object;
    void *entry;
    const char *key;
    struct json_object *value;
};
struct json_iter json_first(struct json_object *o);
void json_next(struct json_iter *it);
#define json_each(it, o) for (struct json_iter it = json_first(o); (it).key; json_next(&(it)))

#endif
