/* json_cost(): what the tree of a JSON text would take, by one pass over the text and without building anything.
 *
 * The weights are those of json-c 0.16 and glibc's heap, measured, and rounded up: an object begins with a table of 16
 * entries, which doubles when two thirds are taken; arrays double, too; a number keeps its text when it is none of
 * whole numbers. tests/unit/test_json_cost.c holds them against the heap. */
#include "base/json.h"

enum {
    OBJECT = 832,
    ARRAY = 192,
    STRING = 112, /* and its bytes; keys are not told apart */
    NUMBER = 128, /* and its digits                         */
    TRUTH = 96,
    COMMA = 24, /* the place of an element                                       */
    FREE_MEMBERS = 10,
    MEMBER = 160, /* beyond those: its share of a table that has just been doubled */
};

struct tally {
    size_t cost;
    size_t depth;
    unsigned members[JSON_DEPTH_MAX + 1];
};

/* What a byte is where a token may begin. */
enum class { WORD, SPACE, QUOTE, SIGN };
static const unsigned char classes[256] = {
    [' '] = SPACE, ['\t'] = SPACE, ['\r'] = SPACE, ['\n'] = SPACE, ['"'] = QUOTE, ['{'] = SIGN,
    ['}'] = SIGN,  ['['] = SIGN,   [']'] = SIGN,   [':'] = SIGN,   [','] = SIGN,
};

static enum class class_of_byte(char c) { return classes[(unsigned char)c]; }

/* Behind the string whose opening quote was read; an escape of six bytes stands for three at most. */
static const char *weigh_string(struct tally *t, const char *at, const char *end)
{
    const char *start = at;
    size_t saved = 0;

    while (at < end && *at != '"') {
        size_t escape = *at != '\\' ? 1 : at + 1 < end && at[1] == 'u' ? 6 : 2;
        escape = escape < (size_t)(end - at) ? escape : (size_t)(end - at);
        saved += escape / 2;
        at += escape;
    }
    t->cost += STRING + (size_t)(at - start) - saved;
    return at < end ? at + 1 : at;
}

/* Behind a number, or one of the three words. */
static const char *weigh_word(struct tally *t, const char *at, const char *end)
{
    const char *start = at;

    while (at < end && class_of_byte(*at) == WORD)
        at++;
    if (*start == 't' || *start == 'f')
        t->cost += TRUTH;
    else if (*start != 'n')
        t->cost += NUMBER + (size_t)(at - start);
    return at;
}

static void weigh_sign(struct tally *t, char sign)
{
    bool counts = t->depth < JSON_DEPTH_MAX;

    switch (sign) {
    case '{':
    case '[':
        t->cost += counts ? (sign == '{' ? OBJECT : ARRAY) : 0;
        t->depth++;
        if (counts)
            t->members[t->depth] = 0;
        break;
    case '}':
    case ']':
        t->depth -= t->depth > 0;
        break;
    case ':':
        if (t->depth <= JSON_DEPTH_MAX && ++t->members[t->depth] > FREE_MEMBERS)
            t->cost += MEMBER;
        break;
    default:
        t->cost += COMMA;
    }
}

size_t json_cost(const char *text, size_t len)
{
    struct tally t = {0};
    const char *at = text, *end = text + len;

    while (at < end) {
        size_t before = t.cost;
        switch (class_of_byte(*at)) {
        case SPACE:
            at++;
            break;
        case QUOTE:
            at = weigh_string(&t, at + 1, end);
            break;
        case SIGN:
            weigh_sign(&t, *at++);
            break;
        case WORD:
            at = weigh_word(&t, at, end);
        }
        if (t.depth > JSON_DEPTH_MAX) /* refused, or cut off */
            t.cost = before;
    }
    return t.cost;
}
