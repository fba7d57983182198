/* JSON of any size and depth, and what is read of it without a tree: whichever way it comes, and however little of it
 * is looked at, the same is seen. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/json.h"
#include "base/json_sieve.h"
#include "base/mem.h"
#include "fuzz.h"

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The sieve, in pieces */

struct sieved {
    const char *small, *elements; /* NULL: it is no whole object */
};

static void on_element(void *arg, const char *bytes, size_t len, bool end)
{
    buf_add(arg, bytes, len);
    buf_adds(arg, end ? "\n" : "");
}

static struct sieved sieve(const char *text, size_t len, size_t piece, struct arena *a)
{
    static const struct json_keep keeps[] = {{{"kind"}, 20, false},
                                             {{"metadata", "annotations", "x*"}, 30, false},
                                             {{"status"}, 100, false},
                                             {{"items"}, 0, true}};
    struct json_sieve s;
    struct buf elements;
    struct sieved ret = {NULL, NULL};

    buf_init(&elements, 1 << 20);
    json_sieve_init(&s, keeps, ARRAY_LEN(keeps), 200);
    s.element = on_element;
    s.arg = &elements;
    for (size_t at = 0; at < len; at += piece)
        json_sieve_feed(&s, text + at, piece < len - at ? piece : len - at);
    if (json_sieve_is_complete(&s))
        ret = (struct sieved){arena_strdup(a, s.out.data), arena_strdup(a, elements.len ? elements.data : "")};
    json_sieve_finish(&s);
    buf_finish(&elements);
    return ret;
}

static void sieve_in_pieces(const char *text, size_t len, struct json_object *tree, struct arena *a)
{
    const struct sieved whole = sieve(text, len, len, a), pieces = sieve(text, len, 1, a);
    struct err err;

    expect(!whole.small == !pieces.small);
    if (!whole.small)
        return;
    expect(strcmp(whole.small, pieces.small) == 0 && strcmp(whole.elements, pieces.elements) == 0);
    if (tree)
        expect(arena_json(a, json_parse(whole.small, strlen(whole.small), &err)) != NULL);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

/* The elements of the list that stands there, if it is one. */
static void peek_at_elements(const char *at, const char *end, struct json_object *tree, struct arena *a)
{
    const char *element;
    size_t len;
    struct err err;

    while (json_peek_element(&at, end, &element, &len)) {
        expect(element + len == at && at <= end);
        struct json_object *part = arena_json(a, json_parse(element, len, &err));
        expect(!tree || part || len == 0 || strncmp(element, "null", 4) == 0);
    }
}

static void peek(const char *text, size_t len, struct json_object *tree, struct arena *a)
{
    static const char *const paths[] = {"", "kind", "metadata.name", "object.metadata.resourceVersion"};
    struct err err;
    char value[40];
    const char *at;
    size_t value_len;

    for (size_t i = 0; i < ARRAY_LEN(paths); i++) {
        if (json_peek(text, len, paths[i], value, sizeof(value)))
            expect(strlen(value) < sizeof(value));
        if (json_peek_value(text, len, paths[i], &at, &value_len)) {
            expect(at >= text && value_len <= len - (size_t)(at - text));
            struct json_object *part = arena_json(a, json_parse(at, value_len, &err));
            expect(!tree || part || strncmp(at, "null", 4) == 0);
            if (value_len && value_len < 10 && strspn(at, "0123456789") == value_len)
                expect(json_peek_int(text, len, paths[i], -1) == atoll(at));
            peek_at_elements(at, text + len, tree, a);
        }
    }
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    struct err err = {0};
    struct json_object *tree = arena_json(a, json_parse(text, len, &err));
    struct json_object *cut = arena_json(a, json_parse_cut(text, len, JSON_COST_MAX, &err));

    expect(!tree || cut);
    arena_json(a, json_parse_within(text, len, 2000, &err));
    size_t cost = json_cost(text, len);
    expect(!tree || cost <= len * JSON_COST_PER_BYTE);
    if (len > 0)
        sieve_in_pieces(text, len, tree, a);
    peek(text, len, tree, a);
    if (tree) { /* what is taken is JSON when it is written, and stays as it is */
        const char *written = arena_strdup(a, json_text(tree));
        struct json_object *again = arena_json(a, json_parse(written, strlen(written), &err));
        expect(again && strcmp(json_text(again), written) == 0);
    }
    json_cleanse(cut);
}
