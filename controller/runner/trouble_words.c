#include "runner/trouble_words.h"

#include <assert.h>
#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/arena.h"
#include "base/shorten.h"

enum { WORDS_MAX = 400, ID_MIN = 12 };

/* What comes after the mark, or all of it. */
static const char *after_mark(const char *text, const char *mark)
{
    const char *at = strstr(text, mark);

    return at ? at + strlen(mark) : text;
}

/* Takes out, in place, what lies between two marks, with the first one. */
static void drop_between(char *text, const char *from, const char *to)
{
    char *begin = strstr(text, from), *end = begin ? strstr(begin + strlen(from), to) : NULL;

    if (end)
        memmove(begin, end, strlen(end) + 1);
}

/* Ends the text, in place, where the mark is. */
static void end_at(char *text, const char *mark)
{
    char *at = strstr(text, mark);

    if (at)
        *at = '\0';
}

const char *words_of_refusal(const char *message, struct arena *a)
{
    char *words = arena_strdup(a, after_mark(message, " is forbidden: "));

    if (strncmp(words, "Pod \"", 5) == 0)
        words = arena_strdup(a, after_mark(words, "\" "));
    drop_between(words, ", used: ", ", limited: ");
    return shorten(words, WORDS_MAX);
}

/* How many nodes a reason is told of: "2 " before it. */
static const char *past_count(const char *text)
{
    size_t digits = strspn(text, "0123456789");

    return digits && text[digits] == ' ' ? text + digits + 1 : text;
}

/* Takes out, in place, each number that a part of a list begins with. */
static void drop_counts(char *text)
{
    for (char *at = text; at; at = strstr(at, ", ")) {
        at += strncmp(at, ", ", 2) == 0 ? 2 : 0;
        const char *rest = past_count(at);
        memmove(at, rest, strlen(rest) + 1);
    }
}

const char *words_of_scheduler(const char *message, struct arena *a)
{
    char *words = arena_strdup(a, after_mark(message, " nodes are available: "));
    size_t len;

    end_at(words, " preemption: ");
    end_at(words, " no new claims to deallocate");
    drop_counts(words);
    for (len = strlen(words); len && strchr(". ", words[len - 1]);)
        words[--len] = '\0';
    return *words ? shorten(words, WORDS_MAX) : "no node is free";
}

/* The length of what is an id: digits of hexadecimal numbers and dashes, with a digit, and long. */
static size_t id_len(const char *text)
{
    size_t len = strspn(text, "0123456789abcdef-");

    return len >= ID_MIN && strcspn(text, "0123456789") < len ? len : 0;
}

static bool begins_word(const char *text, const char *at)
{
    return at == text || !isalnum((unsigned char)at[-1]);
}

const char *words_of_kubelet(const char *message, struct arena *a)
{
    char *words = arena_alloc(a, 3 * strlen(message) + 1), *to = words;
    const char *at = message;

    while (*at) {
        size_t id = begins_word(message, at) ? id_len(at) : 0;
        if (id && !isalnum((unsigned char)at[id])) {
            to = stpcpy(to, "…");
            at += id;
            at += *at == '_' ? 1 + strspn(at + 1, "0123456789") : 0; /* which attempt it is */
        } else {
            *to++ = *at++;
        }
    }
    assert(to <= words + 3 * strlen(message));
    *to = '\0';
    end_at(words, " (pod: ");
    return shorten(words, WORDS_MAX);
}
