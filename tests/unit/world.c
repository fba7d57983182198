/* A world's beginning and end, and what all of its parts need. */
#include "world.h"

#include <json-c/json.h>
#include <stdarg.h>
#include <string.h>

#include "base/json.h"

enum { SEVERAL_TOKENS_MS = 5 * 3600 * 1000 };
enum { HEALS_SOON_MS = 90 * 1000, HEALS_LATE_MS = 30 * 60 * 1000 };

int option(const struct world *w, enum option option)
{
    return w->calm && option > OPT_START ? 0 : w->scenario->options[option];
}

int trouble(const struct world *w, enum option which)
{
    int v = option(w, which);
    bool lasts = v % 2 == 0, over = !lasts && w->now_ms >= w->heals_at;

    return over ? 0 : (v + 1) / 2;
}

void world_trace(struct world *w, const char *format, ...)
{
    va_list args;

    if (!w->trace)
        return;
    fprintf(w->trace, "%9.3f  ", (double)w->now_ms / 1000);
    va_start(args, format);
    vfprintf(w->trace, format, args);
    va_end(args);
    fputc('\n', w->trace);
}

void world_violate(struct world *w, const char *format, ...)
{
    va_list args;

    if (w->journal.violation[0])
        return;
    va_start(args, format);
    vsnprintf(w->journal.violation, sizeof(w->journal.violation), format, args);
    va_end(args);
    world_trace(w, "VIOLATION %s", w->journal.violation);
}

const struct wish *world_wish(const struct world *w)
{
    return &w->scenario->wishes[w->api.wish];
}

/* ------------------------------------------------------------------------------------------------------------------
 * The beginning.
 */
static void leave_remains(struct world *w)
{
    for (enum child child = 0; child < CHILD_COUNT; child++)
        object_create(&w->api, &w->api.children[child][world_place(w, child)], FORMER_UID);
}

/* The object and its token Secret are all that comes into the new cluster. */
static void restore(struct world *w)
{
    struct object *secret = &w->api.children[CHILD_TOKEN_SECRET][PLACE_OWN];
    struct object kept = *secret;

    memset(w->api.children, 0, sizeof(w->api.children));
    if (kept.exists) {
        *secret = kept;
        secret->owner = FORMER_UID;
        secret->held = secret->terminating = false;
        secret->uid = secret->version = ++w->api.last;
    }
    gitlab_mark(w, FORMER_UID);
    json_object_put(w->api.status);
    w->api.status = json_build("{observedGeneration: %d}", (int64_t)-1);
    w->api.finalizer = false;
    w->process.seen.exists = false;
    world_crash(w);
}

static void begin(struct world *w)
{
    w->calm = false;
    w->began_ms = w->now_ms;
    w->looks = 0;
    w->heals_at = w->now_ms + (option(w, OPT_HEAL_LATE) ? HEALS_LATE_MS : HEALS_SOON_MS);
    w->journal = (struct journal){0};
    world_set_troubles(w);
    w->watched_until = option(w, OPT_EXPIRES) ? w->now_ms + SEVERAL_TOKENS_MS : 0;
    if (option(w, OPT_START) == START_RESTARTED)
        world_crash(w);
    if (option(w, OPT_START) == START_RESTORED)
        restore(w);
    if (option(w, OPT_START) == START_REMAINS)
        leave_remains(w);
}

void world_init(struct world *w, const struct scenario *s, struct crash crash, FILE *trace)
{
    *w = (struct world){.scenario = s, .random = s->seed, .calm = true, .crash.at = -1, .now_ms = 1000 * 1000};
    w->api = (struct api){.exists = true, .generation = 1, .version = 10, .last = 10};
    w->api.status = json_build("{observedGeneration: %d}", (int64_t)-1);
    for (int i = 0; i < 3; i++)
        w->api.credentials[i].version = ++w->api.last;
    for (int i = 0; i < 2; i++)
        w->api.ca[i].version = ++w->api.last;
    w->api.cache.version = ++w->api.last;
    gitlab_init(w);
    world_crash(w);
    enum start start = (enum start)option(w, OPT_START);
    if (start == START_CONVERGED || start == START_RESTARTED || start == START_RESTORED)
        world_run(w);
    w->trace = trace;
    w->crash = crash;
    begin(w);
}

void world_finish(struct world *w)
{
    api_finish(&w->api);
    api_finish(&w->process.seen);
    api_finish(&w->frozen);
    memory_finish(&w->process.memory);
    arena_finish(&w->mem);
}
