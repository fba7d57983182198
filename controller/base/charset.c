#include "base/charset.h"

#include <stdint.h>
#include <string.h>

#include "base/mem.h"
#include "base/shorten.h"
#include "base/utf8.h"

/* What a place takes of ASCII: ranges, as in a shell's pattern, without the brackets. */
static const struct {
    const char *ascii;
    bool others; /* characters beyond ASCII that a prose may have, too */
    size_t max;
} places[] = {
    [CHARSET_TOKEN] = {"!-~", false, 4 << 10},
    [CHARSET_ISSUED] = {"0-9A-Za-z_-_.-.+-+=-=/-/@-@:-:---", false, 512},
    [CHARSET_METHOD] = {"A-Z", false, 16},
    [CHARSET_HEADER] = {" -~", false, 64 << 10},
    [CHARSET_URL] = {"!-~", true, 16 << 10},
    [CHARSET_ADDRESS] = {"0-9A-Za-z.-.:-:_-_[-[]-]", false, 255},
    [CHARSET_SEGMENT] = {"!-\"$-$&-.0->@-~", false, 253},
    [CHARSET_TIME] = {"0-9T-Tt-tZ-Zz-z:-:.-.+-+---", false, 64},
    [CHARSET_VERSION] = {"0-9A-Za-z.-.+-+_-_~-~---", false, 64},
    [CHARSET_PROSE] = {" -~", true, 2 << 10},
};
_Static_assert(ARRAY_LEN(places) == CHARSET_COUNT, "each place has its row");

/* Beyond ASCII: what no text for people needs, and what makes it look like another one. */
static const struct {
    uint32_t first, last;
} unseen[] = {
    {0x80, 0x9f},       /* control characters                                  */
    {0xad, 0xad},       /* soft hyphen                                         */
    {0x061c, 0x061c},   /* Arabic letter mark                                  */
    {0x180e, 0x180e},   /* Mongolian vowel separator                           */
    {0x200b, 0x200f},   /* of no width; left-to-right and right-to-left marks  */
    {0x2028, 0x202e},   /* line and paragraph separators; embeddings, overrides */
    {0x2060, 0x206f},   /* word joiner …; isolates                             */
    {0xfeff, 0xfeff},   /* byte order mark                                     */
    {0xfff9, 0xfffb},   /* interlinear annotations                             */
    {0xe0000, 0xe0fff}, /* tags                                                */
};

/* What is nothing in itself, at either end of a text: all that Unicode calls white space, and what looks like it. */
static const struct {
    uint32_t first, last;
} blanks[] = {
    {'\t', '\r'},     {' ', ' '},       {0xa0, 0xa0},     {0x115f, 0x1160}, {0x1680, 0x1680},
    {0x180b, 0x180f}, {0x2000, 0x200f}, {0x202f, 0x202f}, {0x205f, 0x206f}, {0x2800, 0x2800},
    {0x3000, 0x3000}, {0x3164, 0x3164}, {0xfe00, 0xfe0f}, {0xffa0, 0xffa0},
};

static bool is_ascii_of(const char *ranges, char c)
{
    for (; *ranges; ranges += 3)
        if (c >= ranges[0] && c <= ranges[2])
            return true;
    return false;
}

static uint32_t code_point(const char *text, size_t len)
{
    uint32_t code = (unsigned char)text[0] & (0xffu >> (len + 1));

    for (size_t i = 1; i < len; i++)
        code = code << 6 | ((unsigned char)text[i] & 0x3f);
    return code;
}

static bool is_unseen(uint32_t code)
{
    for (size_t i = 0; i < ARRAY_LEN(unseen); i++)
        if (code >= unseen[i].first && code <= unseen[i].last)
            return true;
    return false;
}

static bool is_blank(const char *text, size_t len)
{
    uint32_t code = len > 1 ? code_point(text, len) : (unsigned char)*text;

    for (size_t i = 0; i < ARRAY_LEN(blanks); i++)
        if (code >= blanks[i].first && code <= blanks[i].last)
            return true;
    return len > 1 && is_unseen(code);
}

/* The length of the character that ends before `end`; 0: what is there is none. */
static size_t last_len(const char *text, const char *end)
{
    size_t len = 1;

    while (end - len > text && ((unsigned char)*(end - len) & 0xc0) == 0x80)
        len++;
    return utf8_len(end - len) == len ? len : 0;
}

char *charset_trim(char *text)
{
    char *end = text + strlen(text);
    size_t len;

    while ((len = utf8_len(text)) && is_blank(text, len))
        text += len;
    while (end > text && (len = last_len(text, end)) && is_blank(end - len, len))
        end -= len;
    *end = '\0';
    return text;
}

static const char *const quotes[] = {"\"",
                                     "'",
                                     "`",
                                     "\xc2\xab",
                                     "\xc2\xbb",
                                     "\xc2\xb4",
                                     "\xe2\x80\x98",
                                     "\xe2\x80\x99",
                                     "\xe2\x80\x9a",
                                     "\xe2\x80\x9b",
                                     "\xe2\x80\x9c",
                                     "\xe2\x80\x9d",
                                     "\xe2\x80\x9e",
                                     "\xe2\x80\x9f",
                                     "\xe2\x80\xb9",
                                     "\xe2\x80\xba"};

bool charset_is_quoted(const char *text, size_t len)
{
    bool first = false, last = false;

    for (size_t i = 0; i < ARRAY_LEN(quotes); i++) {
        size_t n = strlen(quotes[i]);
        first = first || (len > n && memcmp(text, quotes[i], n) == 0);
        last = last || (len > n && memcmp(text + len - n, quotes[i], n) == 0);
    }
    return first && last;
}

/* The length of the character, 0 when it may not be in this place. */
static size_t char_len(enum charset place, const char *text)
{
    size_t len = utf8_len(text);

    if (len == 1)
        return is_ascii_of(places[place].ascii, *text);
    return places[place].others && len > 1 && !is_unseen(code_point(text, len)) ? len : 0;
}

static const char *text_complaint(enum charset place, const char *text)
{
    unsigned char c = (unsigned char)*text;

    if (c < 0x20 || c == 0x7f)
        return "holds a control character, such as a line break";
    if (c == ' ')
        return "holds a blank";
    if (c < 0x80)
        return "holds a character that has no place there";
    return places[place].others ? "holds what is no visible character of UTF-8" : "holds what is no ASCII character";
}

const char *charset_refuses(enum charset place, const char *text, size_t len)
{
    size_t at = 0;

    if (len > places[place].max)
        return "is too long";
    if (len == 0)
        return place == CHARSET_PROSE ? NULL : "is empty";
    if (place == CHARSET_TOKEN && charset_is_quoted(text, len))
        return "has quotation marks around its content";
    while (at < len) {
        size_t n = char_len(place, text + at);
        if (n == 0)
            return text_complaint(place, text + at);
        at += n;
    }
    if (place == CHARSET_SEGMENT && text[0] == '.' && (len == 1 || (len == 2 && text[1] == '.')))
        return "is a way through folders, not a name";
    return NULL;
}

bool charset_admits(enum charset place, const char *text)
{
    return text && !charset_refuses(place, text, strlen(text));
}

size_t charset_prose_len(const char *text)
{
    return char_len(CHARSET_PROSE, text);
}

static bool is_ascii_control(char c)
{
    return (unsigned char)c < 0x20 || c == 0x7f;
}

/* Most texts are prose from end to end, and stay where they are. */
static size_t plain_len(const char *text, size_t max)
{
    size_t len = 0;

    while (len < max && text[len] >= ' ' && text[len] <= '~')
        len++;
    return len;
}

char *charset_to_prose(char *text)
{
    const char *end = text + places[CHARSET_PROSE].max, *from = text + plain_len(text, places[CHARSET_PROSE].max);
    char *to = text + (from - text);

    while (*from) {
        size_t len = charset_prose_len(from), skip = len ? len : utf8_len(from) ? utf8_len(from) : 1;
        if (to + len > end)
            break;
        if (is_ascii_control(*from) && to < end)
            *to++ = ' ';
        memmove(to, from, len);
        to += len;
        from += skip;
    }
    *to = '\0';
    return *from ? end_with_ellipsis(text, places[CHARSET_PROSE].max) : text;
}
