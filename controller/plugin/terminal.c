#include "plugin/terminal.h"

#include <assert.h>
#include <locale.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include <wchar.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/utf8.h"

struct terminal terminal_of(FILE *file)
{
    const char *no_colour = getenv("NO_COLOR"), *term = getenv("TERM");
    struct winsize size;
    struct terminal terminal = {.tty = isatty(fileno(file)) == 1};

    if (!terminal.tty)
        return terminal;
    terminal.colour = !(no_colour && *no_colour) && term && *term && strcmp(term, "dumb") != 0;
    terminal.width = ioctl(fileno(file), TIOCGWINSZ, &size) == 0 && size.ws_col ? size.ws_col : 80;
    return terminal;
}

const char *tone_begin(const struct terminal *terminal, enum tone tone)
{
    static const char *const codes[] = {[TONE_PLAIN] = "",       [TONE_GOOD] = "\033[32m", [TONE_WARN] = "\033[33m",
                                        [TONE_BAD] = "\033[31m", [TONE_FAINT] = "\033[2m", [TONE_STRONG] = "\033[1m"};

    return terminal->colour ? codes[tone] : "";
}

const char *tone_end(const struct terminal *terminal, enum tone tone)
{
    return terminal->colour && tone != TONE_PLAIN ? "\033[0m" : "";
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Text */

/* Takes out, in place, what begins with ESC [ and ends with a letter: it was never meant to be read. */
static char *without_codes(char *text)
{
    char *to = text;

    for (const char *from = text; *from;) {
        if (from[0] != '\033' || from[1] != '[') {
            *to++ = *from++;
            continue;
        }
        from += 2;
        from += strspn(from, "0123456789;:<=>? !\"#$%&'()*+,-./");
        from += *from >= '@' && *from <= '~';
    }
    *to = '\0';
    return text;
}

const char *harmless(const char *text, struct arena *a)
{
    return text ? charset_to_prose(without_codes(arena_strdup(a, text))) : "";
}

/* libc has a table of how wide characters are, in any locale with UTF-8; C.UTF-8 is built into it. */
static size_t glyph_width(const char *text, size_t len)
{
    static locale_t utf8;
    wchar_t wide = 0;
    mbstate_t state = {0};

    if (!utf8)
        utf8 = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    if (!utf8 || (unsigned char)*text < 0x80)
        return 1;
    locale_t before = uselocale(utf8);
    bool known = mbrtowc(&wide, text, len, &state) == len;
    int width = known ? wcwidth(wide) : 1;
    uselocale(before);
    return width < 0 ? 1 : (size_t)width;
}

static size_t glyph_len(const char *text)
{
    size_t len = utf8_len(text);

    return len ? len : 1;
}

size_t display_width(const char *text)
{
    size_t width = 0;

    for (size_t len; *text; text += len) {
        len = glyph_len(text);
        width += glyph_width(text, len);
    }
    return width;
}

const char *display_cut(const char *text, size_t width, struct arena *a)
{
    const char *at = text;

    assert(width > 0);
    if (display_width(text) <= width)
        return text;
    for (size_t taken = 0, len; *at; at += len) {
        len = glyph_len(at);
        taken += glyph_width(at, len);
        if (taken >= width) /* the ellipsis takes one */
            break;
    }
    return arena_printf(a, "%.*s…", (int)(at - text), text);
}
