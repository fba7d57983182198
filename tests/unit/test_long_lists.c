/* Ten times as many entries take about ten times as long: each list and map of a GitLabRunner and of spec.config, and
 * members that nobody knows, wherever any may be. */
#include "golden.h"

#include <stdio.h>
#include <time.h>

#include "base/mem.h"
#include "runner/complaints.h"
#include "runner/config_keys.h"
#include "runner/shape.h"
#include "runner/spec.h"

enum {
    FEW = 300,
    MANY = 10 * FEW,
    RATIO_MAX = 40,  /* 10: linear, 100: each against each  */
    SHORT_US = 1000, /* no less is believed of so short a time */
    TRIES = 3,       /* somebody else may have needed the caches */
    DEPTH = 14,
    NAME_SIZE = 400,
};

/* Where it is: the names on the way, "" for an entry of a list. */
struct way {
    const char *names[DEPTH];
    size_t len;
};

static const char *word_of(const char *words, int i, struct arena *a)
{
    size_t len = words ? strcspn(words, ",") : 0;

    return len ? arena_printf(a, "%.*s", (int)len, words) : arena_printf(a, "n%d", i);
}

/* The i-th of many values, each another one where the type lets it be. */
static struct json_object *value_of(const struct shape *shape, int i, int depth, struct arena *a)
{
    switch (shape->type) {
    case SHAPE_FLAG:
        return json_object_new_boolean(true);
    case SHAPE_WHOLE:
    case SHAPE_WHOLE32:
    case SHAPE_NUMBER:
        return json_object_new_int64(i);
    case SHAPE_DURATION:
        return json_object_new_string("1h");
    case SHAPE_LIST:
        return json_build("[%o]", value_of(shape->each, i, depth + 1, a));
    case SHAPE_ONE_OR_LIST:
        return value_of(shape->each, i, depth + 1, a);
    case SHAPE_OBJECT:
    case SHAPE_TABLE:
    case SHAPE_MAP: {
        struct json_object *object = json_build("{}");
        for (const struct shape_member *m = shape->members; m && m->name && depth < 4; m++)
            if (m->needed || m->shape->type == SHAPE_TEXT)
                json_object_object_add(object, m->name, value_of(m->shape, i, depth + 1, a));
        return object;
    }
    case SHAPE_ANY:
    case SHAPE_TEXT:
    case SHAPE_WHOLE_OR_TEXT:
        break;
    }
    return json_object_new_string(word_of(shape->words, i, a));
}

static struct json_object *long_value(const struct shape *shape, int len, struct arena *a)
{
    bool is_list = shape->type == SHAPE_LIST || shape->type == SHAPE_ONE_OR_LIST;
    struct json_object *value = is_list ? json_build("[]") : json_build("{}");

    for (int i = 0; i < len; i++) {
        struct json_object *entry = shape->each ? value_of(shape->each, i, 0, a) : json_object_new_int64(i);
        if (is_list)
            json_append(value, entry);
        else
            json_object_object_add(value, arena_printf(a, "k%d", i), entry);
    }
    return value;
}

static struct json_object *object_with(const struct way *way, struct json_object *value, struct arena *a)
{
    struct json_object *object = read_json(DATA "render/minimal.json", a), *at = object;

    for (size_t i = 0; i + 1 < way->len; i++) {
        bool in_list = !*way->names[i], is_list = !*way->names[i + 1];
        struct json_object *next = in_list ? json_at(at, 0) : json_member(at, way->names[i]);
        if (!next) {
            next = is_list ? json_build("[]") : json_build("{}");
            if (in_list)
                json_append(at, next);
            else
                json_object_object_add(at, way->names[i], next);
        }
        at = next;
    }
    if (*way->names[way->len - 1])
        json_object_object_add(at, way->names[way->len - 1], value);
    else
        json_append(at, value);
    return object;
}

static int64_t spent_us(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return t.tv_sec * 1000000 + t.tv_nsec / 1000;
}

static int64_t time_of(const struct way *way, const struct shape *shape, int len)
{
    cleanup_arena struct arena a = {0};
    struct json_object *object = object_with(way, long_value(shape, len, &a), &a);
    struct complaints all = {.a = &a};
    struct spec spec;
    int64_t since = spent_us();

    spec_read_all(object, &spec, &all, &a);
    spec_judge_all(object, &spec, &all, &a);
    complaints_settle(&all, object);
    return spent_us() - since;
}

static void try(const struct way *way, const struct shape *shape)
{
    int64_t few = 0, many = 0;
    char name[NAME_SIZE] = "";

    for (int i = 0; i < TRIES; i++) {
        few = time_of(way, shape, FEW);
        many = time_of(way, shape, MANY);
        if (many <= RATIO_MAX * (few > SHORT_US ? few : SHORT_US))
            return;
    }
    for (size_t i = 0; i < way->len; i++)
        snprintf(name + strlen(name), sizeof(name) - strlen(name), ".%s", *way->names[i] ? way->names[i] : "[]");
    fail_msg("%s: %d entries take %lld us, %d take %lld", name, FEW, (long long)few, MANY, (long long)many);
}

static void go_through(struct way way, const struct shape *shape)
{
    assert_true(way.len < DEPTH);
    bool is_long = shape->each || shape->open || shape->type == SHAPE_ANY || shape->type == SHAPE_TABLE;

    if (way.len > 1 && is_long)
        try(&way, shape);
    way.len++;
    for (const struct shape_member *m = shape->members; m && m->name && way.len < DEPTH; m++) {
        bool config = strcmp(m->name, "config") == 0 && way.len == 2;
        if (way.len == 1 && strcmp(m->name, "spec") != 0)
            continue;
        way.names[way.len - 1] = m->name;
        go_through(way, config ? &config_shape : m->shape);
    }
    if (!shape->each || shape->each->type < SHAPE_OBJECT)
        return;
    way.names[way.len - 1] = shape->type == SHAPE_MAP ? "k" : "";
    go_through(way, shape->each);
}

static void no_entry_is_held_against_all_others(void **state)
{
    (void)state;
    go_through((struct way){.len = 0}, &crd_shape);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_entry_is_held_against_all_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
