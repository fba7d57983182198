/* No token is anywhere but where it belongs. All tokens of the world begin as GitLab's do. */
#include <stdio.h>
#include <string.h>

#include "base/mem.h"
#include "tests/sim/network.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

enum { TAIL_MIN = 14 };

static size_t token_len(const char *text, size_t len)
{
    static const char *const beginnings[] = {"glpat-", "glrt-", "glrtr-", "GR1348941"};

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

static void found(struct story *story, const struct exchange_request *r, const char *token, const char *where)
{
    if (*token)
        sim_broken(story->sim, "no token elsewhere", "replica %d sends %s in the %s of %s %s%s", r->replica, token,
                   where, r->method, r->host, r->target);
}

/* Whether it is that GitLab's; what is nobody's any more may go anywhere. */
static bool is_of(const struct story *story, int g, const char *token)
{
    return strcmp(token, story->access[g]) == 0 || strcmp(token, story->registration[g]) == 0 ||
           gitlab_runner_of(story->gitlabs[g], token);
}

static void check_gitlab(struct story *story, const struct exchange_request *r, int g)
{
    const char *header = exchange_header(r, "PRIVATE-TOKEN");
    const char *texts[] = {r->body, header ? header : ""};

    for (size_t i = 0; i < ARRAY_LEN(texts); i++) {
        const char *token = token_in(texts[i], strlen(texts[i]));
        if (*token && is_of(story, 1 - g, token))
            found(story, r, token, i ? "header" : "body");
    }
}

void tokens_check_request(struct story *story, const struct exchange_request *r)
{
    bool to_api = strncmp(r->host, "api-", 4) == 0;

    found(story, r, token_in(r->target, strlen(r->target)), "target");
    if (!to_api)
        check_gitlab(story, r, strcmp(r->host, gitlab_host(1)) == 0);
    else if (r->body_len && !strstr(r->target, "/secrets"))
        found(story, r, token_in(r->body, r->body_len), "body");
}

void tokens_check_log(void *arg, int replica, const char *line)
{
    struct story *story = arg;
    const char *token = token_in(line, strlen(line));

    if (*token)
        sim_broken(story->sim, "no token elsewhere", "replica %d logs %s: %s", replica, token, line);
}
