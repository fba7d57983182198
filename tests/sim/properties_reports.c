/* What is left behind is told: each runner by an Event, about its object or with its number. That an Event was refused,
 * or lost on its way, holds nothing up; so they count as they are sent. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/json.h"
#include "base/mem.h"
#include "runner/names.h"
#include "tests/sim/network.h"
#include "tests/sim/properties.h"
#include "tests/sim/story.h"

/* The reasons that tell of a runner by its number; PossibleOrphan does by the mark, as its number is not known. */
static bool names_a_runner(const char *reason)
{
    static const char *const reasons[] = {"OrphanedRunner", "RunnerKept", "OrphanDisplaced"};

    for (size_t i = 0; i < ARRAY_LEN(reasons); i++)
        if (strcmp(reasons[i], reason) == 0)
            return true;
    return false;
}

static bool has_token_of(struct story *story, const struct wish *wish, int gitlab, unsigned long long id)
{
    cleanup_arena struct arena a = {0};
    struct json_object *secret = wish_child(story, wish, "secrets", "-runner-token");
    const char *token = base64_decode(json_string(json_member(json_get(secret, "data"), KEY_RUNNER_TOKEN)), NULL, &a);

    return token && gitlab_runner_of(story->gitlabs[gitlab], token) == id;
}

/* Of a runner whose token GitLab takes no more (it was reset, or has expired) nothing else is known than that: whether
 * it is there is for a person to see. */
static bool is_known_by_nobody(struct story *story, int gitlab, unsigned long long id)
{
    for (int i = 0; i < story->wishes_len; i++)
        if (has_token_of(story, &story->wishes[i], gitlab, id))
            return false;
    return true;
}

static void note(struct story *story, struct json_object *event)
{
    struct seen *seen = &story->seen;
    const char *reason = json_str_or(event, "reason", ""), *text = json_str_or(event, "note", ""),
               *number = strstr(text, "runner "), *mark = strstr(text, MARK_PREFIX);
    struct report *report = &seen->reports[seen->reports_len];
    unsigned long long id = 0;

    if (seen->reports_len == REPORTS_MAX)
        return;
    *report = (struct report){.gitlab = strstr(text, gitlab_host(1)) != NULL};
    if (number)
        sscanf(number, "runner %llu", &id);
    if (id && (names_a_runner(reason) ||
               (strcmp(reason, "RunnerLost") == 0 && is_known_by_nobody(story, report->gitlab, id))))
        *report = (struct report){.gitlab = report->gitlab, .id = id, .kept = strcmp(reason, "RunnerKept") == 0};
    else if (strcmp(reason, "PossibleOrphan") == 0 && mark)
        snprintf(report->uid, sizeof(report->uid), "%.36s", mark + strlen(MARK_PREFIX));
    else
        return;
    seen->reports_len++;
}

void reports_note(struct story *story, const struct exchange_request *r)
{
    struct err ignored;

    if (strcmp(r->method, "POST") != 0 || !strstr(r->target, "/events") || !strstr(r->body, "unner"))
        return;
    struct json_object *event = json_parse(r->body, r->body_len, &ignored);
    note(story, event);
    json_put_ptr(&event);
}

static bool is_report_of(const struct report *report, int gitlab, const struct gitlab_runner *runner, bool by_number)
{
    const char *mark = strstr(runner->note, MARK_PREFIX);

    if (report->gitlab != gitlab || by_number != (report->id != 0))
        return false;
    return by_number ? report->id == runner->id
                     : mark && strncmp(mark + strlen(MARK_PREFIX), report->uid, strlen(report->uid)) == 0;
}

/* What was told of its number is about it; what tells of the mark alone may be about another that has it. */
bool reports_take(struct reports *left, int gitlab, const struct gitlab_runner *runner)
{
    for (unsigned n = 0; n < 2 * left->seen->reports_len; n++) {
        unsigned i = n % left->seen->reports_len;
        const struct report *report = &left->seen->reports[i];
        if (!is_report_of(report, gitlab, runner, n == i) || left->taken >> i & 1)
            continue;
        left->taken |= UINT64_C(1) << i;
        left->possible += !report->id;
        left->kept += report->kept;
        return true;
    }
    return false;
}
