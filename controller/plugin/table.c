#include "plugin/table.h"

#include <assert.h>
#include <stdint.h>

#include "base/arena.h"

enum { GAP = 2, NARROWEST = 6 };

struct cell {
    const char *text; /* NULL: "-" */
    enum tone tone;
};

struct table_line {
    struct table_line *next;
    struct cell cells[TABLE_COLUMNS_MAX];
};

struct table {
    const struct column *columns;
    size_t len, at; /* columns; the next cell's */
    struct table_line *first, *last;
    size_t widths[TABLE_COLUMNS_MAX];
    bool hidden[TABLE_COLUMNS_MAX];
    size_t *kept; /* see table_keep_widths(); NULL: no */
    struct arena *a;
};

struct table *table_create(const struct column *columns, size_t len, struct arena *a)
{
    assert(len > 0 && len <= TABLE_COLUMNS_MAX);
    struct table *t = arena_alloc(a, sizeof(*t));

    *t = (struct table){.columns = columns, .len = len, .a = a};
    return t;
}

void table_row(struct table *t)
{
    struct table_line *line = arena_alloc(t->a, sizeof(*line));

    *(t->last ? &t->last->next : &t->first) = line;
    t->last = line;
    t->at = 0;
}

void table_cell(struct table *t, const char *text, enum tone tone)
{
    assert(t->last && t->at < t->len);
    t->last->cells[t->at++] = (struct cell){text && *text ? harmless(text, t->a) : NULL, tone};
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Widths */

static const char *cell_text(const struct table_line *line, size_t i)
{
    return line->cells[i].text ? line->cells[i].text : "-";
}

void table_keep_widths(struct table *t, size_t *widths)
{
    t->kept = widths;
}

static void measure_columns(struct table *t, unsigned flags)
{
    for (size_t i = 0; i < t->len; i++) {
        t->hidden[i] = t->columns[i].wide && !(flags & TABLE_WIDE);
        t->widths[i] = flags & TABLE_NO_HEADERS ? 0 : display_width(t->columns[i].name);
        for (const struct table_line *line = t->first; line; line = line->next) {
            size_t width = display_width(cell_text(line, i));
            t->widths[i] = width > t->widths[i] ? width : t->widths[i];
        }
        if (t->kept)
            t->kept[i] = t->widths[i] = t->kept[i] > t->widths[i] ? t->kept[i] : t->widths[i];
    }
}

static size_t line_width(const struct table *t)
{
    size_t width = 0;

    for (size_t i = 0; i < t->len; i++)
        width += t->hidden[i] ? 0 : t->widths[i] + (width ? GAP : 0);
    return width;
}

/* How narrow a column may be: at first, and when nothing else helps. */
static size_t narrowest(const struct table *t, size_t i, bool at_last)
{
    size_t least = !at_last && t->columns[i].least ? t->columns[i].least : NARROWEST,
           name = display_width(t->columns[i].name);

    least = name > least ? name : least;
    return t->columns[i].flexible && least < t->widths[i] ? least : t->widths[i];
}

static size_t narrowest_line(const struct table *t)
{
    size_t width = 0;

    for (size_t i = 0; i < t->len; i++)
        width += t->hidden[i] ? 0 : narrowest(t, i, false) + (width ? GAP : 0);
    return width;
}

/* The widest of those that may give way; t->len: none. */
static size_t widest_flexible(const struct table *t, bool at_last)
{
    size_t found = t->len;

    for (size_t i = 0; i < t->len; i++)
        if (!t->hidden[i] && t->widths[i] > narrowest(t, i, at_last) &&
            (found == t->len || t->widths[i] > t->widths[found]))
            found = i;
    return found;
}

/* The one that is left out next; t->len: none. */
static size_t least_wanted(const struct table *t)
{
    size_t found = t->len;

    for (size_t i = 0; i < t->len; i++)
        if (!t->hidden[i] && t->columns[i].rank && (found == t->len || t->columns[i].rank > t->columns[found].rank))
            found = i;
    return found;
}

static void narrow(struct table *t, size_t width, bool at_last)
{
    for (size_t i; line_width(t) > width && (i = widest_flexible(t, at_last)) < t->len;)
        t->widths[i]--;
}

static void fit(struct table *t, size_t width)
{
    for (size_t i; narrowest_line(t) > width && (i = least_wanted(t)) < t->len;)
        t->hidden[i] = true;
    narrow(t, width, false);
    narrow(t, width, true);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Printing */

/* What is too wide even so is cut where the terminal ends; nothing is padded behind the last column. */
static void print_line(const struct table *t, const struct table_line *line, FILE *out, const struct terminal *terminal)
{
    size_t at = 0, room = terminal->width ? terminal->width : SIZE_MAX, pad = 0;

    for (size_t i = 0; i < t->len && at + pad < room; i++) {
        if (t->hidden[i])
            continue;
        at += pad;
        size_t width = t->widths[i] < room - at ? t->widths[i] : room - at;
        const char *text = width ? display_cut(cell_text(line, i), width, t->a) : "";
        fprintf(out, "%*s%s%s%s", (int)pad, "", tone_begin(terminal, line->cells[i].tone), text,
                tone_end(terminal, line->cells[i].tone));
        at += display_width(text);
        pad = t->widths[i] - display_width(text) + GAP;
    }
    fputc('\n', out);
}

void table_print(struct table *t, FILE *out, const struct terminal *terminal, unsigned flags)
{
    struct table_line header = {0};

    measure_columns(t, flags);
    if (terminal->width)
        fit(t, terminal->width);
    for (size_t i = 0; i < t->len; i++)
        header.cells[i].text = t->columns[i].name;
    if (!(flags & TABLE_NO_HEADERS))
        print_line(t, &header, out, terminal);
    for (const struct table_line *line = t->first; line; line = line->next)
        print_line(t, line, out, terminal);
}
