/* How much two names are alike: for suggesting the one that was meant. */
#ifndef BASE_WORDS_H
#define BASE_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* The search for the known name that is most like a given one. Begin with near_begin(), offer each known name, then
 * `found` is the nearest one, or NULL when none is like it at all. */
struct near {
    const char *name;
    size_t best; /* what the next one has to be nearer than */
    const char *found;
};
struct near near_begin(const char *name);
void near_offer(struct near *near, const char *known);

/* Equal but for upper and lower case, as those who match names without regard to it see it: of letters beyond ASCII,
 * the two that they take for k and s (the Kelvin sign, the long s) count too. */
bool same_but_for_case(const char *one, const char *other);

/* Equal as words, whatever joins them: poll_timeout, pollTimeout and poll-timeout are. */
bool same_words(const char *one, const char *other);

#endif
