#include "web/fleet_stream.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "kube/lease.h"
#include "kube/store.h"
#include "net/loop.h"
#include "operator/kinds.h"
#include "version.h"
#include "web/fleet_event.h"
#include "web/fleet_plots.h"

enum {
    SETTLE_MS = 40,              /* from a change until it is told: what comes meanwhile is told with it */
    SETTLE_AGAIN_MS = 5,         /* when there was too much for one step …                              */
    STEP_US = 4 * 1000,          /* … of so long                                                        */
    BEAT_MS = 1000,              /* between looks at who leads, and at who has heard nothing for long   */
    PLOTS_BEATS = 10,            /* between plots                                                         */
    SESSION_MS = 10 * 60 * 1000, /* then a token has to be shown again */
    SILENCE_MS = 14 * 1000,
    LINGER_MS = 30 * 1000, /* rows are kept for who comes again */
};

enum { USER_MAX = 200, NAMES_MAX = 12 << 10 /* bytes in one event */ };

enum due { DUE_HELLO = 1, DUE_HEARTBEAT = 2, DUE_SYNCED = 4, DUE_PLOTS = 8 };

/* Somebody who looks. */
struct viewer {
    struct list node;
    struct fleet_stream *fleet;
    struct serve_stream *stream;
    struct auth_user *who; /* held; NULL: may see all */
    int64_t since_ms;      /* when it began */
    struct fleet_cursor cursor;
    unsigned due;
    bool full; /* all rows are told, not only what has changed */
    bool greeted;
    const char *bye; /* why it ends; NULL: it does not               */
    int64_t told_ms; /* when something was last written              */
};

struct fleet_stream {
    const struct reconciler *rec;
    struct loop *loop;
    struct store *store;
    struct fleet_table *table; /* NULL: nobody looks */
    struct fleet_event event;
    struct fleet_jobs *jobs; /* NULL: the same */
    struct fleet_plots *plots;
    unsigned beats; /* until the plots are told again */
    struct list viewers;
    struct loop_timer *settle, *beat, *linger;
    bool settling, leading;
    char holder[256];
};

/* ---------------------------------------------------------------------------------------------------------------------
 * What there is */

static void wake_viewers(struct fleet_stream *fleet, unsigned due)
{
    list_each (node, &fleet->viewers) {
        struct viewer *v = container_of(node, struct viewer, node);
        v->due |= due;
        serve_stream_wake(v->stream);
    }
}

static void settle_later(struct fleet_stream *fleet, int64_t delay_ms)
{
    if (!fleet->settling)
        loop_timer_set(fleet->settle, delay_ms);
    fleet->settling = true;
}

static void on_settle(void *arg)
{
    struct fleet_stream *fleet = arg;

    fleet->settling = false;
    if (!fleet_table_settle(fleet->table, STEP_US))
        settle_later(fleet, SETTLE_AGAIN_MS);
    wake_viewers(fleet, 0);
}

static void on_stored(void *arg, unsigned kind, const struct record *record)
{
    struct fleet_stream *fleet = arg;

    if (kind != KIND_RUNNER)
        return;
    fleet_table_touch(fleet->table, record->ns, record->name);
    settle_later(fleet, SETTLE_MS);
}

static void on_counted(void *arg, struct fleet_counts *counts)
{
    struct fleet_stream *fleet = arg;

    fleet_plots_note_jobs(fleet->plots, counts->known ? counts->all : -1);
    fleet_table_count(fleet->table, counts);
    wake_viewers(fleet, 0);
}

static void begin_table(struct fleet_stream *fleet)
{
    const struct reconciler_view view = reconciler_view(fleet->rec);

    fleet->table = fleet_table_create(fleet->store, view.ctx->render.manager_image);
    fleet->jobs = fleet_jobs_create(view.ctx, on_counted, fleet);
    store_follow(fleet->store, on_stored, fleet);
    settle_later(fleet, 0);
}

static void end_table(void *arg)
{
    struct fleet_stream *fleet = arg;

    store_follow(fleet->store, NULL, NULL);
    loop_timer_set(fleet->settle, -1);
    fleet->settling = false;
    fleet_jobs_destroy(take(fleet->jobs));
    fleet_table_destroy(take(fleet->table));
    fleet_event_finish(&fleet->event);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * As time goes by */

/* The pod's name: the rest of an identity tells its processes apart. True: it is another one. */
static bool see_leader(struct fleet_stream *fleet)
{
    const struct lease *lease = reconciler_view(fleet->rec).ctx->lease;
    bool leading = lease_is_leading(lease);
    const char *holder = lease ? lease_holder(lease) : reconciler_view(fleet->rec).ctx->instance;
    char name[sizeof(fleet->holder)];

    snprintf(name, sizeof(name), "%.*s", (int)strcspn(holder, "_"), holder);
    if (leading == fleet->leading && strcmp(name, fleet->holder) == 0)
        return false;
    fleet->leading = leading;
    memcpy(fleet->holder, name, sizeof(name));
    return true;
}

static void on_beat(void *arg)
{
    struct fleet_stream *fleet = arg;
    int64_t now = loop_now(fleet->loop);

    loop_timer_set(fleet->beat, BEAT_MS);
    fleet->beats = (fleet->beats + 1) % PLOTS_BEATS;
    if (fleet->beats == 0)
        wake_viewers(fleet, DUE_PLOTS);
    if (see_leader(fleet))
        wake_viewers(fleet, DUE_HELLO);
    list_each (node, &fleet->viewers) {
        struct viewer *v = container_of(node, struct viewer, node);
        v->cursor.lost |= v->who && now - v->since_ms >= SESSION_MS;
        v->due |= now - v->told_ms >= SILENCE_MS ? DUE_HEARTBEAT : 0;
        if (v->cursor.lost || (v->due & DUE_HEARTBEAT))
            serve_stream_wake(v->stream);
    }
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What a viewer is told, one event at a time */

static void write_event(const char *name, struct json_object *data, struct buf *piece)
{
    cleanup_json struct json_object *owned = data;

    buf_addf(piece, "event: %s\ndata: %s\n\n", name, json_text(owned));
}

static bool may_see_row(const struct viewer *v, const struct fleet_row *row)
{
    char ns[KUBE_NAMESPACE_MAX + 1];

    if (auth_may_see_all(v->who))
        return true;
    snprintf(ns, sizeof(ns), "%.*s", row->name_at - 1, row->key);
    return auth_may_see(v->who, ns);
}

/* "*": all. Of very many the first: an event has an end. */
static struct json_object *namespaces_seen_by(const struct viewer *v)
{
    const char *const *names;

    if (auth_may_see_all(v->who))
        return json_build("%s", "*");
    struct json_object *list = json_build("[]");
    size_t len = auth_namespaces(v->who, &names);
    for (size_t i = 0, taken = 0; i < len; i++) {
        cleanup_json struct json_object *name = json_build("%s", names[i]);
        taken += strlen(json_text(name)) + 1;
        if (taken > NAMES_MAX)
            break;
        json_append(list, json_ref(name));
    }
    return list;
}

static const char *user_name(const struct viewer *v, struct arena *a)
{
    const char *name = auth_user_name(v->who);

    return name ? shorten(arena_strdup(a, name), USER_MAX) : NULL;
}

static void write_hello(struct viewer *v, struct buf *piece)
{
    cleanup_arena struct arena a = {0};
    const struct fleet_stream *fleet = v->fleet;
    const char *user = user_name(v, &a);
    struct json_object *hello =
        json_build("{operator: %s, now: %d, leader: %b}", version_number(), loop_wall(fleet->loop), fleet->leading);

    json_set(hello, "holder", *fleet->holder ? json_build("%s", fleet->holder) : NULL);
    json_set(hello, "user", user ? json_build("%s", user) : NULL);
    json_set(hello, "namespaces", namespaces_seen_by(v));
    json_set_int(hello, "revision", (int64_t)fleet->table->revision);
    if (!v->greeted)
        json_set_bool(hello, "full", v->full);
    v->greeted = true;
    write_event("hello", hello, piece);
}

/* The next row that the viewer has not been told of, and may see. */
static struct fleet_row *next_row(struct viewer *v)
{
    struct fleet_row *row = fleet_cursor_peek(v->fleet->table, &v->cursor);

    for (; row && !may_see_row(v, row); row = fleet_cursor_peek(v->fleet->table, &v->cursor))
        fleet_cursor_pass(&v->cursor, row);
    return row;
}

/* Rows as long as there is room for them, of one sort: such as are there, or such as are gone. False: none is left. */
static bool write_rows(struct viewer *v, struct buf *piece)
{
    struct fleet_event *event = &v->fleet->event;
    struct fleet_row *row = next_row(v);
    bool gone = row && row->gone, syncing = (v->due & DUE_SYNCED) && v->full;

    if (!row)
        return false;
    for (fleet_event_begin(event); row && row->gone == gone && fleet_event_has_room(event); row = next_row(v)) {
        if (gone)
            fleet_event_add_gone(event, row);
        else
            fleet_event_add_row(event, row);
        fleet_cursor_pass(&v->cursor, row);
    }
    if (gone)
        fleet_event_write_gone(event, v->cursor.revision, piece);
    else
        fleet_event_write_rows(event, syncing ? "rows" : "change", syncing ? 0 : v->cursor.revision, piece);
    return true;
}

static size_t rows_seen_by(const struct viewer *v)
{
    size_t len = 0;

    if (auth_may_see_all(v->who))
        return v->fleet->table->len;
    list_each (node, &v->fleet->table->rows) {
        const struct fleet_row *row = container_of(node, struct fleet_row, node);
        len += !row->gone && may_see_row(v, row);
    }
    return len;
}

static void write_synced(struct viewer *v, struct buf *piece)
{
    const struct fleet_table *table = v->fleet->table;

    v->due &= ~(unsigned)DUE_SYNCED;
    write_event("synced", json_build("{revision: %d, count: %d}", (int64_t)table->revision, (int64_t)rows_seen_by(v)),
                piece);
}

/* One of the runners that the viewer may see is there. */
static bool shows_host(void *arg, const char *host)
{
    const struct viewer *v = arg;
    size_t len = strlen(host);

    list_each (node, &v->fleet->table->rows) {
        const struct fleet_row *row = container_of(node, struct fleet_row, node);
        const char *json = row->facts.host ? row->facts.host->json + 1 : ""; /* behind the quote */
        if (!row->gone && strncmp(json, host, len) == 0 && json[len] == '"' && may_see_row(v, row))
            return true;
    }
    return false;
}

/* -1: not known. */
static int64_t jobs_seen_by(const struct viewer *v)
{
    int64_t jobs = v->fleet->table->counts.known ? 0 : -1;

    list_each (node, &v->fleet->table->rows) {
        const struct fleet_row *row = container_of(node, struct fleet_row, node);
        if (jobs >= 0 && !row->gone && row->facts.jobs > 0 && may_see_row(v, row))
            jobs += row->facts.jobs;
    }
    return jobs;
}

static void write_plots(struct viewer *v, struct buf *piece)
{
    const struct fleet_plots *plots = v->fleet->plots;

    v->due &= ~(unsigned)DUE_PLOTS;
    write_event("plots",
                auth_may_see_all(v->who) ? fleet_plots_json(plots)
                                         : fleet_plots_of_some(plots, jobs_seen_by(v), shows_host, v),
                piece);
}

static void write_next(struct viewer *v, struct buf *piece)
{
    if (v->due & DUE_HELLO) {
        write_hello(v, piece);
        v->due &= ~(unsigned)DUE_HELLO;
    } else if (v->due & DUE_PLOTS) {
        write_plots(v, piece);
    } else if (write_rows(v, piece)) {
    } else if ((v->due & DUE_SYNCED) && v->fleet->table->whole) {
        write_synced(v, piece);
    } else if (v->due & DUE_HEARTBEAT) {
        buf_adds(piece, ": heartbeat\n\n");
    }
}

bool fleet_stream_next(void *reader, struct buf *piece)
{
    struct viewer *v = reader;

    if (v->bye)
        write_event("bye", json_build("{reason: %s}", v->bye), piece);
    else if (v->cursor.lost)
        write_event("anew", json_build("{}"), piece);
    else
        write_next(v, piece);
    if (piece->len) {
        v->told_ms = loop_now(v->fleet->loop);
        v->due &= ~(unsigned)DUE_HEARTBEAT;
    }
    return !v->bye && !v->cursor.lost;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Viewers */

static uint64_t since_of(const struct serve_request *request)
{
    char text[32];
    char *end = NULL;
    uint64_t since = serve_parameter(request, "since", text, sizeof(text)) ? strtoull(text, &end, 10) : 0;

    return end && !*end ? since : 0;
}

int fleet_stream_begin(struct fleet_stream *fleet, struct auth *auth, const struct serve_request *request,
                       struct serve_stream *stream, void **ret_reader, struct buf *words)
{
    struct auth_user *who = auth ? auth_hold(auth, request) : NULL;

    if (auth && !who) {
        buf_adds(words, "{\"message\":\"too many others look: try again\"}\n");
        return 503;
    }
    if (reconciler_view(fleet->rec).draining) {
        auth_release(who);
        buf_adds(words, "{\"message\":\"the operator stops\"}\n");
        return 503;
    }
    if (!fleet->table)
        begin_table(fleet);
    if (list_empty(&fleet->viewers)) {
        see_leader(fleet);
        loop_timer_set(fleet->beat, BEAT_MS);
    }
    loop_timer_set(fleet->linger, -1);
    struct viewer *v = mem_alloc(sizeof(*v));
    *v = (struct viewer){.fleet = fleet,
                         .stream = stream,
                         .who = who,
                         .since_ms = loop_now(fleet->loop),
                         .due = DUE_HELLO | DUE_PLOTS | DUE_SYNCED,
                         .told_ms = loop_now(fleet->loop)};
    v->full = !fleet_cursor_begin(fleet->table, &v->cursor, since_of(request));
    list_init(&v->node);
    list_append(&fleet->viewers, &v->node);
    *ret_reader = v;
    return 200;
}

void fleet_stream_end(void *reader)
{
    struct viewer *v = reader;
    struct fleet_stream *fleet = v->fleet;

    fleet_cursor_end(&v->cursor);
    list_remove(&v->node);
    auth_release(v->who);
    free(v);
    if (!list_empty(&fleet->viewers))
        return;
    loop_timer_set(fleet->beat, -1);
    loop_timer_set(fleet->linger, LINGER_MS);
}

/* What it has seen of others stays with it until it begins anew. */
void fleet_stream_review(struct fleet_stream *fleet, const struct auth_user *user)
{
    list_each (node, &fleet->viewers) {
        struct viewer *v = container_of(node, struct viewer, node);
        if (v->who != user)
            continue;
        v->bye = auth_may(user) ? v->bye : "your right to list gitlabrunners was withdrawn, or cannot be found out";
        v->cursor.lost = true;
        serve_stream_wake(v->stream);
    }
}

struct each_namespace {
    struct map seen;
    void (*each)(void *arg, const char *ns);
    void *arg;
};

static void see_namespace(void *arg, const struct record *record)
{
    struct each_namespace *all = arg;

    if (map_get(&all->seen, record->ns))
        return;
    map_set(&all->seen, record->ns, all);
    all->each(all->arg, record->ns);
}

void fleet_stream_each_namespace(const struct fleet_stream *fleet, void (*each)(void *arg, const char *ns), void *arg)
{
    struct each_namespace all = {.each = each, .arg = arg};

    store_each(fleet->store, KIND_RUNNER, see_namespace, &all);
    map_finish(&all.seen);
}

bool fleet_stream_is_watched(const struct fleet_stream *fleet)
{
    return !list_empty(&fleet->viewers);
}

void fleet_stream_say_bye(struct fleet_stream *fleet, const char *reason)
{
    list_each (node, &fleet->viewers) {
        struct viewer *v = container_of(node, struct viewer, node);
        v->bye = v->bye ? v->bye : reason;
    }
    wake_viewers(fleet, 0);
}

/* ------------------------------------------------------------------------------------------------------------------ */

struct fleet_stream *fleet_stream_create(const struct reconciler *rec)
{
    const struct context *ctx = reconciler_view(rec).ctx;
    struct fleet_stream *fleet = mem_alloc(sizeof(*fleet));

    *fleet = (struct fleet_stream){.rec = rec, .loop = ctx->loop, .store = ctx->store};
    list_init(&fleet->viewers);
    fleet->plots = fleet_plots_create(ctx);
    fleet->settle = loop_timer_create(ctx->loop, on_settle, fleet);
    fleet->beat = loop_timer_create(ctx->loop, on_beat, fleet);
    fleet->linger = loop_timer_create(ctx->loop, end_table, fleet);
    return fleet;
}

void fleet_stream_destroy(struct fleet_stream *fleet)
{
    if (!fleet)
        return;
    assert(list_empty(&fleet->viewers));
    if (fleet->table)
        end_table(fleet);
    loop_timer_destroy(fleet->settle);
    loop_timer_destroy(fleet->beat);
    loop_timer_destroy(fleet->linger);
    fleet_plots_destroy(fleet->plots);
    free(fleet);
}
