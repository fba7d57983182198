#include "operator/specs.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "operator/kept.h"

/* All that spec_parse() has looked at is in the record. */
struct read_spec {
    unsigned refs;
    struct arena mem;
    struct record record;
    bool valid;
    struct spec spec;
    struct err err;
    char *status_text;
    struct json_object *status;
};

static void drop_read_spec(void *arg)
{
    struct read_spec *read = arg;

    assert(read->refs > 0);
    if (--read->refs > 0)
        return;
    arena_finish(&read->mem);
    json_put_ptr(&read->status);
    free(read->status_text);
    free(read);
}

static bool is_same_part(const char *one, const char *other)
{
    return one && other ? strcmp(one, other) == 0 : one == other;
}

static bool is_of_record(const struct read_spec *read, const struct record *runner)
{
    const struct kept_runner *then = kept_runner(&read->record), *now = kept_runner(runner);

    return strcmp(read->record.uid, runner->uid) == 0 && strcmp(read->record.ns, runner->ns) == 0 &&
           strcmp(read->record.name, runner->name) == 0 && is_same_part(then->spec, now->spec) &&
           is_same_part(then->annotations, now->annotations);
}

static struct read_spec *read_spec_of(const struct record *runner)
{
    struct read_spec *read = mem_alloc(sizeof(*read));

    read->refs = 1;
    read->record = record_copy(&kept_layouts[KIND_RUNNER], runner, &read->mem);
    read->valid = spec_parse(runner_object(runner, &read->mem), &read->spec, &read->mem, &read->err);
    return read;
}

/* It takes the place of the one that has been there for longest. */
static struct read_spec *read_anew(struct specs *specs, const struct record *runner)
{
    struct read_spec **place = &specs->read[specs->next++ % SPECS_MAX];

    if (*place)
        drop_read_spec(*place);
    return *place = read_spec_of(runner);
}

static struct read_spec *find_read(const struct specs *specs, const struct record *runner)
{
    for (unsigned i = 0; i < SPECS_MAX; i++)
        if (specs->read[i] && is_of_record(specs->read[i], runner))
            return specs->read[i];
    return NULL;
}

void specs_finish(struct specs *specs)
{
    for (unsigned i = 0; i < SPECS_MAX; i++)
        if (specs->read[i])
            drop_read_spec(specs->read[i]);
    *specs = (struct specs){0};
}

const struct spec *specs_read(struct specs *specs, const struct record *runner, struct arena *a, struct err *err)
{
    struct read_spec *read = specs ? find_read(specs, runner) : read_spec_of(runner);

    if (!read)
        read = read_anew(specs, runner);
    read->refs += specs != NULL;
    arena_defer(a, drop_read_spec, read);
    if (!read->valid)
        *err = read->err;
    return read->valid ? &read->spec : NULL;
}

struct json_object *specs_read_status(struct specs *specs, const struct record *runner, struct arena *a)
{
    struct read_spec *read = specs ? find_read(specs, runner) : NULL;
    const char *text = kept_runner(runner)->status;

    if (!read || !text)
        return runner_status(runner, a);
    if (!is_same_part(read->status_text, text)) {
        json_put_ptr(&read->status);
        free(read->status_text);
        read->status = json_ref(runner_status(runner, a));
        read->status_text = mem_strdup(text);
    }
    return arena_json(a, json_ref(read->status));
}
