/* Where a value was written: the leaf of a tree of the same shape that a reader builds beside its values. */
#ifndef BASE_LINE_MARK_H
#define BASE_LINE_MARK_H

struct json_object;

enum { LINE_MARK_KIND_MAX = 7 };

/* The caller owns it. line: from 1; kind: what else the reader knows of the value, at most LINE_MARK_KIND_MAX. */
struct json_object *line_mark(unsigned line, unsigned kind);
/* Of a list or table, those of its first value; 0 where there is none. */
unsigned line_mark_line(struct json_object *mark);
unsigned line_mark_kind(struct json_object *mark);

#endif
