/* No token is anywhere but where it belongs, nor its base64. All tokens of the world begin as GitLab's do. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/mem.h"
#include "tests/sim/network.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

enum { TAIL_MIN = 14 };

/* Those of runners are the last. */
enum { ACCESS, REGISTRATION, RUNNER, RUNNER_REGISTERED, BEGINNINGS };
static const char *const beginnings[BEGINNINGS] = {"glpat-", "GR1348941", "glrt-", "glrtr-"};

static size_t token_len(const char *text, size_t len)
{
    for (size_t i = 0; i < ARRAY_LEN(beginnings); i++) {
        size_t n = strlen(beginnings[i]);
        if (len < n + TAIL_MIN || strncmp(text, beginnings[i], n) != 0)
            continue;
        size_t tail = strspn(text + n, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-");
        if (tail >= TAIL_MIN)
            return n + tail;
    }
    return 0;
}

const char *token_in(const char *text, size_t len)
{
    static char token[80];
    const char *end = text + len;

    for (const char *at = text; at < end; at++) {
        const char *small = memchr(at, 'g', (size_t)(end - at)), *large = memchr(at, 'G', (size_t)(end - at));
        at = !small || (large && large < small) ? large : small;
        if (!at)
            break;
        size_t n = token_len(at, (size_t)(end - at));
        if (n) {
            snprintf(token, sizeof(token), "%.*s", (int)n, at);
            return token;
        }
    }
    return "";
}

/* ---------------------------------------------------------------------------------------------------------------------
 * In base64 */

enum { PLACES = 3, ENCODED_MAX = 16 };

/* What each beginning always comes to, behind 0, 1 or 2 bytes of a group. */
static const char *encoded(unsigned beginning, unsigned place)
{
    static char all[BEGINNINGS][PLACES][ENCODED_MAX];
    char *text = all[beginning][place], bytes[ENCODED_MAX] = "";
    size_t len = place + strlen(beginnings[beginning]), first = (8 * place + 5) / 6;

    if (*text)
        return text;
    cleanup_arena struct arena a = {0};
    memcpy(bytes + place, beginnings[beginning], len - place);
    snprintf(text, ENCODED_MAX, "%.*s", (int)(8 * len / 6 - first), base64_encode(bytes, len, &a) + first);
    return text;
}

static bool is_letter(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '+' || c == '/';
}

static bool has_token(const char *run, size_t len, unsigned limit)
{
    for (unsigned i = 0; i < limit * PLACES; i++) {
        const char *needle = encoded(i / PLACES, i % PLACES);
        const char *at = memmem(run, len, needle, strlen(needle));
        if (at && run + len - at >= TAIL_MIN)
            return true;
    }
    return false;
}

/* Of the beginnings that are below the limit; "": none. Most of a text is passed over, since its runs of letters are
 * short. */
static const char *encoded_token_in(const char *text, size_t len, unsigned limit)
{
    enum { RUN_MIN = 24 };
    static char token[400];

    for (size_t start = 0; start + RUN_MIN <= len;) {
        size_t last = start + RUN_MIN;
        while (last > start && is_letter(text[last - 1]))
            last--;
        if (last > start) {
            start = last;
            continue;
        }
        for (last = start + RUN_MIN; last < len && is_letter(text[last]);)
            last++;
        if (has_token(text + start, last - start, limit)) {
            snprintf(token, sizeof(token), "%.*s", (int)(last - start), text + start);
            return token;
        }
        start = last;
    }
    return "";
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Where it is */

static void found(struct story *story, const struct exchange_request *r, const char *token, const char *where)
{
    if (*token)
        sim_broken(story->sim, PROPERTY_TOKENS, "replica %d sends %s in the %s of %s %s%s", r->replica, token, where,
                   r->method, r->host, r->target);
}

/* Whether it is that GitLab's; what is nobody's any more may go anywhere. */
static bool is_of(const struct story *story, int g, const char *token)
{
    return strcmp(token, story->access[g]) == 0 || strcmp(token, story->registration[g]) == 0 ||
           gitlab_runner_of(story->gitlabs[g], token);
}

static bool is_operators(const char *token)
{
    return strncmp(token, OPERATOR_TOKEN, strlen(OPERATOR_TOKEN)) == 0;
}

static void check_to_gitlab(struct story *story, const struct exchange_request *r, const char *text, const char *where)
{
    int g = strcmp(r->host, gitlab_host(1)) == 0;
    const char *token = token_in(text, strlen(text));

    if (*token && (is_of(story, 1 - g, token) || is_operators(token)))
        found(story, r, token, where);
    found(story, r, encoded_token_in(text, strlen(text), BEGINNINGS), where);
}

/* A runner's token is written into Secrets, where it is base64; all others are read alone. */
static void check_to_api(struct story *story, const struct exchange_request *r)
{
    bool to_secret = strstr(r->target, "/secrets");

    found(story, r, token_in(r->body, r->body_len), "body");
    found(story, r, encoded_token_in(r->body, r->body_len, to_secret ? RUNNER : BEGINNINGS), "body");
    for (const char *const *h = r->headers; *h; h++) {
        const char *token = token_in(*h, strlen(*h));
        if (!is_operators(token))
            found(story, r, token, "header");
    }
}

void tokens_check_request(struct story *story, const struct exchange_request *r)
{
    found(story, r, token_in(r->target, strlen(r->target)), "target");
    if (strncmp(r->host, "api-", 4) == 0) {
        check_to_api(story, r);
        return;
    }
    check_to_gitlab(story, r, r->body, "body");
    for (const char *const *h = r->headers; *h; h++)
        check_to_gitlab(story, r, *h, "header");
}

void tokens_check_log(void *arg, int replica, const char *line)
{
    struct story *story = arg;
    const char *token = token_in(line, strlen(line));

    if (!*token)
        token = encoded_token_in(line, strlen(line), BEGINNINGS);
    if (*token)
        sim_broken(story->sim, PROPERTY_TOKENS, "replica %d logs %s: %s", replica, token, line);
}
