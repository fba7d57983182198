/* The patterns of images in allowed_images and allowed_services, as github.com/bmatcuk/doublestar matches them: `*` and
 * `?` stand for anything but a slash, `**` between slashes for any folders, `[a-z]` for one character, `{a,b}` for one
 * of several; a backslash makes the next character plain. */
#ifndef RUNNER_GLOB_H
#define RUNNER_GLOB_H

#include <stdbool.h>

/* Whether each bracket and brace ends, and each backslash has something behind it. */
bool glob_is_valid(const char *pattern);

/* Whether the text is one that the pattern stands for, which has to be valid. A pattern that would take too many steps
 * fits. */
bool glob_matches(const char *pattern, const char *text);

#endif
