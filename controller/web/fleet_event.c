#include "web/fleet_event.h"

#include <assert.h>
#include <inttypes.h>

#include "base/json.h"
#include "base/mem.h"
#include "net/serve.h"

enum { ROW_MAX = 5 << 10 /* bytes of one row and its texts, at most */, HEAD_MAX = 128 };

void fleet_event_begin(struct fleet_event *event)
{
    if (!event->strings.data) {
        buf_init(&event->strings, SERVE_PIECE_MAX);
        buf_init(&event->rows, SERVE_PIECE_MAX);
    }
    buf_clear(&event->strings);
    buf_clear(&event->rows);
    event->strings_len = 0;
    event->number++;
}

bool fleet_event_has_room(const struct fleet_event *event)
{
    return event->strings.len + event->rows.len + ROW_MAX + HEAD_MAX <= SERVE_PIECE_MAX;
}

/* Its place in the event's dictionary, where it is put when it is not there yet. */
static void add_indexed(struct fleet_event *event, struct fleet_text *text)
{
    if (!text) {
        buf_adds(&event->rows, ",null");
        return;
    }
    if (text->event != event->number) {
        text->event = event->number;
        text->index = event->strings_len++;
        buf_addf(&event->strings, "%s%s", text->index ? "," : "", text->json);
    }
    buf_addf(&event->rows, ",%u", text->index);
}

/* absent: the number that means that there is none. */
static void add_number(struct fleet_event *event, int64_t number, int64_t absent)
{
    if (number == absent)
        buf_adds(&event->rows, ",null");
    else
        buf_addf(&event->rows, ",%" PRId64, number);
}

static void add_name(struct fleet_event *event, const char *name)
{
    cleanup_json struct json_object *text = json_build("%s", name);

    buf_addf(&event->rows, ",%s", json_text(text));
}

static void add_pause(struct fleet_event *event, const struct fleet_facts *facts)
{
    if (!facts->paused) {
        buf_adds(&event->rows, ",null");
        return;
    }
    buf_adds(&event->rows, ",{\"until\":");
    if (facts->paused_until)
        buf_addf(&event->rows, "%u", facts->paused_until);
    buf_addf(&event->rows, "%s,\"by\":%s}", facts->paused_until ? "" : "null",
             facts->paused_by ? facts->paused_by->json : "null");
}

void fleet_event_add_row(struct fleet_event *event, const struct fleet_row *row)
{
    static const char *const ready[] = {
        [FLEET_NOT_READY] = ",false", [FLEET_READY] = ",true", [FLEET_READY_UNKNOWN] = ",null"};
    const struct fleet_facts *f = &row->facts;

    assert(!row->gone && f->ready < ARRAY_LEN(ready));
    buf_adds(&event->rows, event->rows.len ? ",[" : "[");
    size_t begin = event->rows.len;
    add_indexed(event, f->ns);
    event->rows.data[begin] = ' '; /* the first comma */
    add_name(event, row->key + row->name_at);
    buf_adds(&event->rows, ready[f->ready]);
    add_indexed(event, f->reason);
    add_indexed(event, f->headline);
    add_number(event, f->managers_ready, -1);
    add_number(event, f->managers, -1);
    add_number(event, f->jobs, -1);
    add_number(event, f->limit, -1);
    add_number(event, f->runner_id, 0);
    add_indexed(event, f->tags);
    add_indexed(event, f->host);
    add_indexed(event, f->version);
    add_number(event, f->token_expires, 0);
    add_number(event, f->created, 0);
    add_pause(event, f);
    buf_addf(&event->rows, ",%u", f->severity);
    add_number(event, f->since, 0);
    buf_adds(&event->rows, "]");
}

void fleet_event_add_gone(struct fleet_event *event, const struct fleet_row *row)
{
    cleanup_json struct json_object *key = json_build("[]");
    char ns[64];

    snprintf(ns, sizeof(ns), "%.*s", row->name_at - 1, row->key);
    json_append(key, json_build("%s", ns));
    json_append(key, json_build("%s", row->key + row->name_at));
    buf_addf(&event->rows, "%s%s", event->rows.len ? "," : "", json_text(key));
}

static void write_revision(uint64_t revision, struct buf *piece)
{
    if (revision)
        buf_addf(piece, "\"revision\":%" PRIu64 ",", revision);
}

void fleet_event_write_rows(struct fleet_event *event, const char *name, uint64_t revision, struct buf *piece)
{
    assert(!event->strings.full && !event->rows.full);
    buf_addf(piece, "event: %s\ndata: {", name);
    write_revision(revision, piece);
    buf_adds(piece, "\"strings\":[");
    buf_add(piece, event->strings.data, event->strings.len);
    buf_adds(piece, "],\"rows\":[");
    buf_add(piece, event->rows.data, event->rows.len);
    buf_adds(piece, "]}\n\n");
    assert(!piece->full);
}

void fleet_event_write_gone(struct fleet_event *event, uint64_t revision, struct buf *piece)
{
    buf_adds(piece, "event: gone\ndata: {");
    write_revision(revision, piece);
    buf_adds(piece, "\"keys\":[");
    buf_add(piece, event->rows.data, event->rows.len);
    buf_adds(piece, "]}\n\n");
    assert(!piece->full);
}

void fleet_event_finish(struct fleet_event *event)
{
    buf_finish(&event->strings);
    buf_finish(&event->rows);
}
