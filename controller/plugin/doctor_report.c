/* Findings and facts as they are collected, and the walk along the table. */
#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "plugin/doctor.h"
#include "runner/status.h"

static const char *formatted(struct arena *a, const char *format, va_list args)
{
    char text[2048];

    vsnprintf(text, sizeof(text), format, args);
    return arena_strdup(a, text);
}

/* Room for one more in a list of the arena's. */
static void *with_room(struct arena *a, void *list, size_t len, size_t *size, size_t each)
{
    if (len < *size)
        return list;
    *size = *size ? *size * 2 : 16;
    void *more = arena_alloc(a, *size * each);
    if (len)
        memcpy(more, list, len * each);
    return more;
}

static void add_found(struct doctor *d, const struct doctor_found *found)
{
    assert(d->check && found->level < LEVEL_COUNT);
    if (d->found_len == DOCTOR_FOUND_MAX) {
        d->more++;
        return;
    }
    d->found = with_room(d->a, d->found, d->found_len, &d->found_size, sizeof(*d->found));
    d->found[d->found_len++] = *found;
}

static struct doctor_found found_of(struct doctor *d, enum doctor_level level, const char *place, const char *object,
                                    const char *remedy, const char *text)
{
    return (struct doctor_found){.check = d->check,
                                 .level = level,
                                 .place = place ? arena_strdup(d->a, place) : "",
                                 .object = object ? arena_strdup(d->a, object) : "",
                                 .remedy = remedy ? arena_strdup(d->a, remedy) : d->check->remedy,
                                 .text = text};
}

void doctor_find(struct doctor *d, const char *place, const char *object, const char *remedy, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const struct doctor_found found =
        found_of(d, d->check->level, place, object, remedy, formatted(d->a, format, args));
    va_end(args);
    add_found(d, &found);
}

void doctor_find_as(struct doctor *d, enum doctor_level level, const char *place, const char *object,
                    const char *remedy, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    const struct doctor_found found = found_of(d, level, place, object, remedy, formatted(d->a, format, args));
    va_end(args);
    add_found(d, &found);
}

void doctor_fact(struct doctor *d, const char *place, const char *format, ...)
{
    va_list args;

    d->facts = with_room(d->a, d->facts, d->facts_len, &d->facts_size, sizeof(*d->facts));
    va_start(args, format);
    d->facts[d->facts_len++] = (struct doctor_fact){.group = d->check->group,
                                                    .place = place ? arena_strdup(d->a, place) : "",
                                                    .text = formatted(d->a, format, args)};
    va_end(args);
}

struct json_object *doctor_source(const struct doctor *d, enum doctor_source source)
{
    return d->view->sources[source].object;
}

const char *doctor_condition(const struct doctor_runner *r, const char *type, const char *member)
{
    const char *text = condition_get(r->status, type, member);

    return text ? text : "";
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The walk */

static const struct doctor_answer *missing_source(const struct doctor *d)
{
    for (unsigned i = 0; i < SOURCE_COUNT; i++) {
        enum source_state state = d->view->sources[i].state;
        if ((d->check->needs & (1u << i)) && (state == SOURCE_DENIED || state == SOURCE_FAILED))
            return &d->view->sources[i];
    }
    return NULL;
}

static void skip_check(struct doctor *d, const struct doctor_answer *missing)
{
    if (missing->state == SOURCE_DENIED) {
        d->incomplete = true;
        doctor_find_as(d, LEVEL_SKIP, NULL, d->check->name, "ask for the right", "you may not %s", missing->needs);
    } else {
        d->late = true;
        doctor_find_as(d, LEVEL_SKIP, NULL, d->check->name, "try again", "no answer to %s: %s", missing->needs,
                       missing->err.text);
    }
}

/* Lists that were not read to their end are looked at as far as they go. */
static void tell_of_cut(struct doctor *d)
{
    for (unsigned i = 0; i < SOURCE_COUNT; i++)
        if ((d->check->needs & (1u << i)) && d->view->sources[i].cut) {
            d->late = true;
            doctor_find_as(d, LEVEL_SKIP, NULL, d->check->name, "look at one namespace after the other, with -n",
                           "not all was looked at: %s has more than is read", d->view->sources[i].needs);
            return;
        }
}

static bool is_ignored(const char *ignored, const char *code)
{
    size_t len = strlen(code);

    for (const char *at = ignored; at && (at = strstr(at, code)); at += len)
        if ((at == ignored || at[-1] == ',') && (!at[len] || at[len] == ','))
            return true;
    return false;
}

void doctor_examine(struct doctor *d, const char *ignored)
{
    for (d->check = doctor_checks; d->check->code; d->check++) {
        const struct doctor_answer *missing = missing_source(d);
        if (is_ignored(ignored, d->check->code))
            continue;
        if (missing) {
            skip_check(d, missing);
            continue;
        }
        d->check->run(d);
        tell_of_cut(d);
    }
    d->check = NULL;
}
