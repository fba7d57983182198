#include "runner/glob.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

enum { STEPS_MAX = 100000 };

/* Behind the bracket that ends the class that begins at `at`; NULL: it does not end. */
static const char *class_end(const char *at)
{
    at += at[1] == '^' || at[1] == '!' ? 2 : 1;
    for (bool first = true; *at && (*at != ']' || first); first = false)
        at += *at == '\\' && at[1] ? 2 : 1;
    return *at ? at + 1 : NULL;
}

/* Behind one part of a pattern outside of braces; NULL: it does not end. */
static const char *part_end(const char *at)
{
    if (*at == '[')
        return class_end(at);
    if (*at == '\\')
        return at[1] ? at + 2 : NULL;
    return at + 1;
}

/* The brace that ends the one at `at`; NULL: there is none. */
static const char *brace_end(const char *at)
{
    int depth = 0;

    while (at && *at) {
        depth += (*at == '{') - (*at == '}');
        if (depth == 0)
            return at;
        at = part_end(at);
    }
    return NULL;
}

bool glob_is_valid(const char *pattern)
{
    const char *at = pattern;

    while (at && *at) {
        if (*at == '{' && !brace_end(at))
            return false;
        at = part_end(at);
    }
    return at != NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The match. What follows braces is the `rest` of each of their alternatives.
 */
struct rest {
    const char *pattern, *end;
    const struct rest *next;
};

struct match {
    int steps;
};

static bool matches_from(struct match *m, const char *pattern, const char *end, const struct rest *rest,
                         const char *text, bool begins);

static bool class_has(const char *at, const char *end, char c)
{
    assert(*at == '[' && end[-1] == ']');
    bool negated = at[1] == '^' || at[1] == '!', found = false;

    for (at += negated ? 2 : 1; at < end - 1;) {
        at += *at == '\\';
        char low = *at++, high = low;
        if (*at == '-' && at + 1 < end - 1) {
            at += at[1] == '\\' ? 2 : 1;
            high = *at++;
        }
        found = found || (c >= low && c <= high);
    }
    return found != negated;
}

static bool matches_star(struct match *m, const char *pattern, const char *end, const struct rest *rest,
                         const char *text, bool begins)
{
    bool twice = pattern + 1 < end && pattern[1] == '*';
    bool folders = twice && begins && (pattern + 2 == end || pattern[2] == '/');

    if (folders && pattern + 2 < end && matches_from(m, pattern + 3, end, rest, text, true))
        return true;
    while (pattern < end && *pattern == '*')
        pattern++;
    for (; m->steps < STEPS_MAX; text++) {
        if (matches_from(m, pattern, end, rest, text, false))
            return true;
        if (!*text || (*text == '/' && !folders))
            return false;
    }
    return true;
}

static bool matches_braces(struct match *m, const char *pattern, const char *end, const struct rest *rest,
                           const char *text, bool begins)
{
    const char *close = brace_end(pattern);
    assert(close && close < end);
    const struct rest behind = {.pattern = close + 1, .end = end, .next = rest};

    for (const char *start = pattern + 1, *stop; start <= close; start = stop + 1) {
        int depth = 0;
        for (stop = start; stop < close && (depth > 0 || *stop != ','); stop = part_end(stop))
            depth += (*stop == '{') - (*stop == '}');
        if (matches_from(m, start, stop, &behind, text, begins))
            return true;
    }
    return false;
}

static bool matches_rest(struct match *m, const struct rest *rest, const char *text, bool begins)
{
    return rest ? matches_from(m, rest->pattern, rest->end, rest->next, text, begins) : !*text;
}

static bool matches_from(struct match *m, const char *pattern, const char *end, const struct rest *rest,
                         const char *text, bool begins)
{
    if (++m->steps > STEPS_MAX)
        return true;
    if (pattern == end)
        return matches_rest(m, rest, text, begins);
    if (*pattern == '*')
        return matches_star(m, pattern, end, rest, text, begins);
    if (*pattern == '{')
        return matches_braces(m, pattern, end, rest, text, begins);

    const char *next = part_end(pattern);
    bool fits = *pattern == '?'    ? *text && *text != '/'
                : *pattern == '['  ? *text && *text != '/' && class_has(pattern, next, *text)
                : *pattern == '\\' ? *text == pattern[1]
                                   : *text == *pattern;
    return fits && *text && matches_from(m, next, end, rest, text + 1, *pattern == '/');
}

bool glob_matches(const char *pattern, const char *text)
{
    struct match m = {0};

    assert(glob_is_valid(pattern));
    return matches_from(&m, pattern, pattern + strlen(pattern), NULL, text, true);
}
