#include "base/shorten.h"

#include <assert.h>
#include <string.h>

#include "base/utf8.h"

static const char ellipsis[] = "…";

/* How many bytes of the text are whole characters, of at most max. */
static size_t whole_len(const char *text, size_t max)
{
    size_t len = 0;

    while (text[len]) {
        size_t n = utf8_len(text + len) ? utf8_len(text + len) : 1;
        if (len + n > max)
            break;
        len += n;
    }
    return len;
}

/* Back to the end of a word, if one is not far. */
static size_t word_end(const char *text, size_t len)
{
    size_t end = len;

    if (strchr(" ,;:", text[len]))
        return len;
    while (end > len / 2 && text[end] != ' ')
        end--;
    while (end > len / 2 && strchr(" ,;:", text[end - 1]))
        end--;
    return end > len / 2 ? end : len;
}

char *end_with_ellipsis(char *text, size_t max)
{
    assert(max >= 3);
    size_t room = max > strlen(ellipsis) ? max - strlen(ellipsis) : 0;

    strcpy(text + word_end(text, whole_len(text, room)), ellipsis);
    return text;
}

char *shorten(char *text, size_t max)
{
    return strnlen(text, max + 1) > max ? end_with_ellipsis(text, max) : text;
}

struct short_text shown(const char *text, size_t max)
{
    struct short_text ret;
    size_t most = max < SHORT_MAX ? max : SHORT_MAX, len = strnlen(text, SHORT_MAX);

    memcpy(ret.text, text, len);
    ret.text[len] = '\0';
    if (text[len])
        most = most < SHORT_MAX ? most : SHORT_MAX - 1;
    shorten(ret.text, most);
    return ret;
}
