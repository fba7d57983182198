#include "base/line_mark.h"

#include <assert.h>
#include <json-c/json.h>

#include "base/json.h"

enum { KIND_BITS = 3 };

struct json_object *line_mark(unsigned line, unsigned kind)
{
    assert(kind <= LINE_MARK_KIND_MAX);
    return json_object_new_int64((int64_t)line << KIND_BITS | kind);
}

static struct json_object *first_mark(struct json_object *mark)
{
    while (mark && !json_object_is_type(mark, json_type_int))
        mark = json_is_array(mark) ? json_at(mark, 0) : json_first(mark).value;
    return mark;
}

unsigned line_mark_line(struct json_object *mark)
{
    return (unsigned)(json_object_get_int64(first_mark(mark)) >> KIND_BITS);
}

unsigned line_mark_kind(struct json_object *mark)
{
    return (unsigned)json_object_get_int64(first_mark(mark)) & LINE_MARK_KIND_MAX;
}
