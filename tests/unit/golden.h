/* Cases as files under tests/data/, and golden files: what a test made, compared with what a person has read and kept.
 * UPDATE_GOLDEN=1, and no other value, writes them anew; read the difference before it is committed. Programs run from
 * the project's folder.
 */
#ifndef TESTS_GOLDEN_H
#define TESTS_GOLDEN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <json-c/json.h>

#include "base/arena.h"
#include "base/json.h"

#define DATA "tests/data/"

/* The file's text; NULL when there is none. */
static inline char *read_file(const char *path, struct arena *a)
{
    FILE *file = fopen(path, "r");
    if (!file)
        return NULL;

    enum { MAX = 1 << 20 };
    char *text = arena_alloc(a, MAX);
    size_t len = fread(text, 1, MAX - 1, file);
    fclose(file);
    assert_true(len < MAX - 1);
    return text;
}

static inline struct json_object *read_json(const char *path, struct arena *a)
{
    char *text = read_file(path, a);
    struct err err = {0};

    if (!text)
        fail_msg("%s cannot be read: run the test from the project's folder", path);
    struct json_object *json = json_parse_within(text, strlen(text), SIZE_MAX, &err);
    if (!json)
        fail_msg("%s: %s", path, err.text);
    return arena_json(a, json);
}

/* JSON written with single quotes. */
static inline struct json_object *quoted_json(const char *text, struct arena *a)
{
    char *copy = arena_strdup(a, text);
    struct err err = {0};

    for (char *quote = strchr(copy, '\''); quote; quote = strchr(quote, '\''))
        *quote = '"';
    struct json_object *json = json_parse(copy, strlen(copy), &err);
    if (!json)
        fail_msg("%s: %s", text, err.text);
    return arena_json(a, json);
}

static inline const char *pretty(struct json_object *json, struct arena *a)
{
    int flags = JSON_C_TO_STRING_PRETTY | JSON_C_TO_STRING_SPACED | JSON_C_TO_STRING_NOSLASHESCAPE;

    return arena_printf(a, "%s\n", json_object_to_json_string_ext(json, flags));
}

static inline bool golden_is_updated(const char *value)
{
    return value && strcmp(value, "1") == 0;
}

static inline void assert_golden(const char *path, const char *text)
{
    struct arena a cleanup_arena = {0};

    if (golden_is_updated(getenv("UPDATE_GOLDEN"))) {
        FILE *file = fopen(path, "w");
        if (!file)
            fail_msg("%s cannot be written", path);
        fputs(text, file);
        assert_int_equal(fclose(file), 0);
        return;
    }
    const char *kept = read_file(path, &a);
    if (!kept)
        fail_msg("%s is missing: UPDATE_GOLDEN=1 writes it", path);
    if (strcmp(kept, text) != 0)
        fail_msg("%s is not what is made now (UPDATE_GOLDEN=1 writes it anew):\n%s", path, text);
}

#endif
