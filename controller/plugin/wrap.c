#include "plugin/wrap.h"

#include <string.h>

#include "base/arena.h"

enum { WIDTH_MIN = 30 };

/* Bytes of the text that fit into so many columns, up to a blank if there is one. */
static size_t line_len(const char *text, size_t width, struct arena *a)
{
    size_t fits = 0, len = strlen(text);

    if (display_width(text) <= width)
        return len;
    for (size_t at = 0; at < len;) {
        size_t word = strcspn(text + at, " ");
        if (fits && display_width(arena_strndup(a, text, at + word)) > width)
            break;
        fits = at + word;
        at = fits + (text[fits] == ' ');
    }
    return fits;
}

static void begin_wrapped(const struct wrap *w, const char *label, enum tone tone)
{
    size_t width = display_width(label);

    fprintf(w->out, "%s%s%s%*s", *label ? tone_begin(w->terminal, tone) : "", label,
            *label ? tone_end(w->terminal, tone) : "", (int)(width < w->indent ? w->indent - width : 1), "");
}

void wrap_text(const struct wrap *w, const char *label, enum tone tone, const char *text)
{
    size_t room = w->terminal->width > w->indent + WIDTH_MIN ? w->terminal->width - w->indent : WIDTH_MIN;
    const char *rest = harmless(text, w->a);

    begin_wrapped(w, label, tone);
    do {
        size_t len = w->terminal->width ? line_len(rest, room, w->a) : strlen(rest);
        fprintf(w->out, "%.*s\n", (int)len, rest);
        rest += len + (rest[len] == ' ');
        if (*rest)
            begin_wrapped(w, "", TONE_PLAIN);
    } while (*rest);
}

void wrap_command(const struct wrap *w, const char *label, const char *command)
{
    begin_wrapped(w, label, TONE_STRONG);
    fprintf(w->out, "%s\n", harmless(command, w->a));
}
