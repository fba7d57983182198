#include "base/words.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

enum { NAME_MAX_LEN = 64 };

static size_t smallest(size_t x, size_t y, size_t z)
{
    size_t least = x < y ? x : y;

    return least < z ? least : z;
}

/* How many letters must be added, dropped or changed to come from one name to the other (Levenshtein). */
static size_t distance(const char *one, const char *other)
{
    size_t row[NAME_MAX_LEN + 1], len = strlen(other);

    if (len > NAME_MAX_LEN)
        return NAME_MAX_LEN;
    assert(strlen(one) <= NAME_MAX_LEN);
    for (size_t i = 0; i <= len; i++)
        row[i] = i;
    for (size_t n = 1; *one; one++, n++) {
        size_t diagonal = row[0];
        row[0] = n;
        for (size_t i = 1; i <= len; i++) {
            size_t change = diagonal + (tolower((unsigned char)*one) != tolower((unsigned char)other[i - 1]));
            diagonal = row[i];
            row[i] = smallest(row[i] + 1, row[i - 1] + 1, change);
        }
    }
    return row[len];
}

/* A longer name may have more letters wrong; a name that is longer than any is like none. */
struct near near_begin(const char *name)
{
    size_t len = strlen(name);

    return (struct near){.name = name, .best = len <= NAME_MAX_LEN ? len / 4 + 2 : 0};
}

void near_offer(struct near *near, const char *known)
{
    size_t far = near->best ? distance(near->name, known) : 0;

    if (far < near->best) {
        near->best = far;
        near->found = known;
    }
}

/* The lower-case letter that text begins with, and the length of what stands for it. */
static int folded(const char *text, size_t *len)
{
    static const char kelvin[] = "\xe2\x84\xaa", long_s[] = "\xc5\xbf";

    *len = 1;
    if ((unsigned char)*text < 0x80)
        return tolower((unsigned char)*text);
    if (strncmp(text, kelvin, sizeof(kelvin) - 1) == 0)
        return *len = sizeof(kelvin) - 1, 'k';
    if (strncmp(text, long_s, sizeof(long_s) - 1) == 0)
        return *len = sizeof(long_s) - 1, 's';
    return (unsigned char)*text;
}

bool same_but_for_case(const char *one, const char *other)
{
    while (*one && *other) {
        size_t one_len, other_len;
        if (*one == *other) {
            one++, other++;
            continue;
        }
        if (folded(one, &one_len) != folded(other, &other_len))
            return false;
        one += one_len;
        other += other_len;
    }
    return *one == *other;
}

static const char *skip_joints(const char *text)
{
    return text + strspn(text, "_-");
}

bool same_words(const char *one, const char *other)
{
    one = skip_joints(one);
    other = skip_joints(other);
    while (*one && tolower((unsigned char)*one) == tolower((unsigned char)*other)) {
        one = skip_joints(one + 1);
        other = skip_joints(other + 1);
    }
    return *one == *other;
}
