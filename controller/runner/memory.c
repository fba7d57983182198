#include "runner/memory.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/backoff.h"
#include "base/mem.h"

static const struct backoff retries = {1000, 5 * 60 * 1000, 25};

bool memory_knows_alone(const struct memory *m)
{
    return (m->issued || m->doubt != DOUBT_NONE) && !m->deregistered;
}

void memory_doubt(struct memory *m, enum doubt doubt)
{
    m->doubt = doubt;
    if (doubt >= DOUBT_LOST || !m->lost)
        return;
    free(m->lost->url);
    free(m->lost->scope);
    free(take(m->lost));
}

void memory_lose(struct memory *m, const char *url, const char *scope)
{
    memory_doubt(m, DOUBT_NONE);
    m->lost = mem_alloc(sizeof(*m->lost));
    *m->lost = (struct lost){mem_strdup(url), mem_strdup(scope)};
    memory_doubt(m, DOUBT_LOST);
}

void memory_finish(struct memory *m)
{
    memory_doubt(m, DOUBT_NONE);
    memory_forget_issued(m);
    memory_forget_starting(m);
    free(m->troubles);
    *m = (struct memory){.troubles = NULL};
}

void memory_follow(struct memory *m, int64_t generation)
{
    if (m->generation != generation)
        memory_forgive(m);
    m->generation = generation;
}

void memory_forgive(struct memory *m)
{
    m->reported = NULL;
    free(take(m->troubles));
    m->reach = REACH_UNKNOWN;
    m->found_id = 0;
    m->takeover = TAKEOVER_UNTRIED;
    m->not_inherited = false;
    m->check.credential_status = 0;
    server_check_forget_credential(&m->check);
    if (m->doubt > DOUBT_LOST)
        memory_doubt(m, DOUBT_LOST);
}

void memory_forget_foreign(struct memory *m)
{
    memset(m->foreign, 0, sizeof(m->foreign));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Troubles */

const struct troubles *memory_troubles(const struct memory *m)
{
    static const struct troubles none;

    return m->troubles ? m->troubles : &none;
}

/* Room for so many failures; NULL when there is nothing left to tell. */
static struct troubles *resize(struct memory *m, size_t len)
{
    struct troubles *t = m->troubles;

    assert(len <= ATTEMPTS_MAX);
    if (t && !len && t->gitlab_err.kind == ERR_NONE) {
        free(take(m->troubles));
        return NULL;
    }
    m->troubles = mem_resize(t, sizeof(*t) + len * sizeof(*t->failures));
    if (!t)
        *m->troubles = (struct troubles){.len = 0};
    m->troubles->len = len;
    return m->troubles;
}

static struct troubles *troubles(struct memory *m)
{
    return m->troubles ? m->troubles : resize(m, 0);
}

void memory_note_gitlab(struct memory *m, const struct err *err)
{
    if (err->kind != ERR_NONE || m->troubles)
        troubles(m)->gitlab_err = *err;
}

static bool is_failure_of(const struct failure *failure, const char *rule)
{
    return failure->attempt.rule && strcmp(failure->attempt.rule, rule) == 0;
}

/* The rule's own place; else a new one, or that of the one that has been due for longest. */
static struct failure *place_for(struct memory *m, const char *rule)
{
    struct troubles *t = troubles(m);
    struct failure *place = t->failures;

    for (size_t i = 0; i < t->len; i++) {
        struct failure *failure = &t->failures[i];
        if (is_failure_of(failure, rule))
            return failure;
        if (failure->attempt.retry_at_ms < place->attempt.retry_at_ms)
            place = failure;
    }
    if (t->len < ATTEMPTS_MAX) {
        t = resize(m, t->len + 1);
        assert(t);
        place = &t->failures[t->len - 1];
    }
    *place = (struct failure){.count = 0};
    return place;
}

void memory_fail(struct memory *m, const char *rule, const struct err *err, int64_t now_ms, uint32_t chance)
{
    assert(rule && err->kind != ERR_NONE && !err->all); /* what that points at does not live so long */
    struct failure *failure = place_for(m, rule);
    int64_t pause = backoff_pause(&retries, ++failure->count, err->retry_after_ms, chance);

    assert(pause > 0);
    failure->attempt = (struct attempt){.rule = rule, .err = *err, .retry_at_ms = now_ms + pause};
}

/* NULL: it has not failed. */
static struct failure *known_failure(const struct memory *m, const char *rule)
{
    struct troubles *t = m->troubles;

    for (size_t i = 0; t && i < t->len; i++)
        if (is_failure_of(&t->failures[i], rule))
            return &t->failures[i];
    return NULL;
}

unsigned memory_failures(const struct memory *m, const char *rule)
{
    const struct failure *failure = known_failure(m, rule);

    return failure ? failure->count : 0;
}

int64_t memory_hurry_to_save(struct memory *m, int64_t latest_ms)
{
    struct failure *failure = m->issued ? known_failure(m, RULE_SAVE) : NULL;

    if (!failure)
        return -1;
    if (failure->attempt.retry_at_ms > latest_ms)
        failure->attempt.retry_at_ms = latest_ms;
    return failure->attempt.retry_at_ms;
}

void memory_rest(struct memory *m)
{
    if (m->troubles)
        resize(m, 0);
}

void memory_succeed(struct memory *m, const char *rule)
{
    assert(rule);
    struct failure *failure = known_failure(m, rule);
    if (!failure)
        return;
    *failure = m->troubles->failures[m->troubles->len - 1];
    resize(m, m->troubles->len - 1);
}

static const char *own_text(const char *text)
{
    return text ? mem_strdup(text) : NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Managers that start */

void memory_await(struct memory *m, int64_t now_ms)
{
    if (m->starting)
        return;
    m->starting = mem_alloc(sizeof(*m->starting));
    *m->starting = (struct starting){.since_ms = now_ms};
}

void memory_forget_starting(struct memory *m)
{
    struct starting *starting = take(m->starting);

    if (!starting)
        return;
    free((char *)starting->trouble.message);
    free(starting);
}

void memory_note_trouble(struct memory *m, const struct trouble *trouble)
{
    assert(m->starting);
    struct trouble *known = &m->starting->trouble;
    const char *former = known->message;

    *known = *trouble;
    known->message = own_text(trouble->message);
    free((char *)former);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * A token on its way */

#define TEXT_OF(member) offsetof(struct registration, member)
static const size_t registration_texts[] = {TEXT_OF(token),    TEXT_OF(url),       TEXT_OF(authentication),
                                            TEXT_OF(scope),    TEXT_OF(told_hash), TEXT_OF(expiration),
                                            TEXT_OF(obtained), TEXT_OF(rotation),  TEXT_OF(inputs)};

static const char **registration_text(struct registration *r, size_t i)
{
    static_assert(sizeof(*r) == sizeof(r->runner_id) + ARRAY_LEN(registration_texts) * sizeof(char *),
                  "all of its texts");
    return (const char **)((char *)r + registration_texts[i]);
}

struct registration registration_copy(const struct registration *r, struct arena *a)
{
    struct registration copied = *r;

    for (size_t i = 0; i < ARRAY_LEN(registration_texts); i++)
        *registration_text(&copied, i) = arena_strdup(a, *registration_text(&copied, i));
    return copied;
}

void memory_issue(struct memory *m, const struct registration *r)
{
    struct registration *copied = r->token ? mem_alloc(sizeof(*copied)) : NULL;

    assert(r != m->issued);
    if (copied)
        *copied = *r;
    for (size_t i = 0; copied && i < ARRAY_LEN(registration_texts); i++)
        *registration_text(copied, i) = own_text(*registration_text(copied, i));
    memory_forget_issued(m);
    m->issued = copied;
}

void memory_forget_issued(struct memory *m)
{
    struct registration *r = take(m->issued);

    if (!r)
        return;
    for (size_t i = 0; i < ARRAY_LEN(registration_texts); i++)
        mem_free_secret((char *)*registration_text(r, i));
    free(r);
}
