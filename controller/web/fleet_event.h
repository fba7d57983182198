/* Events of the fleet page's stream that tell of rows, written as the protocol in fleet_stream.h has them. */
#ifndef WEB_FLEET_EVENT_H
#define WEB_FLEET_EVENT_H

#include "base/buf.h"
#include "web/fleet_table.h"

/* One event as it grows; what is in it begins anew with each. All zeroes: none was begun yet. */
struct fleet_event {
    struct buf strings, rows;
    unsigned number; /* of the event: tells whether a text is in its dictionary */
    unsigned strings_len;
};

void fleet_event_begin(struct fleet_event *event);
/* Whether there is room for one more row: no event is longer than SERVE_PIECE_MAX. */
bool fleet_event_has_room(const struct fleet_event *event);
void fleet_event_add_row(struct fleet_event *event, const struct fleet_row *row);
void fleet_event_add_gone(struct fleet_event *event, const struct fleet_row *row);
/* revision 0: it is not said. */
void fleet_event_write_rows(struct fleet_event *event, const char *name, uint64_t revision, struct buf *piece);
void fleet_event_write_gone(struct fleet_event *event, uint64_t revision, struct buf *piece);
void fleet_event_finish(struct fleet_event *event);

#endif
