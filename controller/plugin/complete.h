/* What a shell may complete, by the protocol of cobra, which kubectl speaks with its plugins: a candidate a line, with
 * a tab and what it is, then ":" and what the shell does beside: 0 files too, 4 nothing. */
#ifndef PLUGIN_COMPLETE_H
#define PLUGIN_COMPLETE_H

#include "plugin/command.h"

enum { COMPLETE_FILES = 0, COMPLETE_NO_FILES = 4 };

/* Completes the last word of argv, whose first is `__complete`; words: the names of all commands, ended by NULL, with
 * what they are behind a tab. Always returns 0; what cannot be known is not offered. */
int complete_words(const struct plugin_command *const *commands, size_t len, const char *const *words, int argc,
                   char **argv);

#endif
