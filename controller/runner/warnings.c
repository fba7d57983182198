#include "runner/warnings.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"

enum { SENTENCE_MAX = 1536 };

static void keep_warning(struct warnings *w, struct arena *a, const char *reason, const char *sentence)
{
    assert(w->len <= WARNINGS_MAX);
    if (!w->reason || strcmp(reason, w->reason) != 0)
        w->reason = w->reason ? WARNS_OF_ANYTHING : reason;
    if (w->len < WARNINGS_MAX)
        w->texts[w->len++] = charset_to_prose(arena_strdup(a, sentence));
    else
        w->more++;
}

void warn(struct warnings *w, struct arena *a, const char *format, ...)
{
    char sentence[SENTENCE_MAX];
    va_list args;

    va_start(args, format);
    vsnprintf(sentence, sizeof(sentence), format, args);
    va_end(args);
    keep_warning(w, a, WARNS_OF_ANYTHING, sentence);
}

void warn_of_unknown_keys(struct warnings *w, struct arena *a, const char *sentence)
{
    keep_warning(w, a, WARNS_OF_UNKNOWN_KEYS, sentence);
}

const char *warnings_text(const struct warnings *w, size_t max, struct arena *a)
{
    const char *text = w->len ? w->texts[0] : NULL;
    size_t told = 1;

    assert(w->len == WARNINGS_MAX || !w->more);
    while (told < w->len && strlen(text) + strlen(w->texts[told]) < max)
        text = arena_printf(a, "%s; %s", text, w->texts[told++]);
    size_t left = w->len + w->more - (w->len ? told : 0);
    return left ? arena_printf(a, "%s; and %zu more, which `validate` shows", text, left) : text;
}
