/* `list --watch`: on a terminal the table is drawn anew; elsewhere a line is added for each runner that has changed. */
#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "plugin/list.h"
#include "plugin/output.h"
#include "plugin/runner_watch.h"
#include "plugin/session.h"
#include "base/time.h"

enum { AGES_MS = 10 * 1000, VERSIONS_S = 30 };

struct list_watching {
    struct plugin_call *call;
    struct runner_watch *watch;
    struct terminal terminal;
    bool redraws;    /* the terminal can */
    bool has_header; /* it was printed   */
    size_t widths[TABLE_COLUMNS_MAX];
    int64_t versions_read; /* when */
    char *problem;         /* what was told last */
};

/* What is shown this time; all of it ends with the arena. */
struct view {
    struct runner_row *rows;
    struct watched_runner **of; /* the watched one of each row, before they are sorted */
    size_t len;
    int64_t now;
    struct arena *a;
};

/* ---------------------------------------------------------------------------------------------------------------------
 * Rows */

static void read_versions(struct list_watching *l, struct view *v)
{
    struct plugin_call once = *l->call;

    l->versions_read = v->now;
    once.a = v->a;
    beside_versions(&once, v->rows, v->len);
    for (size_t i = 0; i < v->len; i++) {
        free(v->of[i]->version);
        v->of[i]->version = v->rows[i].version ? mem_strdup(v->rows[i].version) : NULL;
    }
}

/* Rows lend of objects, which may be replaced, or gone, as soon as something is waited for. */
static struct runner_row hold_row(const struct watched_runner *runner, const struct view *v)
{
    return runner_row_of(arena_json(v->a, json_ref(runner->object)), v->now, v->a);
}

static void fill_view(struct list_watching *l, struct view *v)
{
    struct job_counts counts = {0};
    struct watched_runner *runner;
    size_t len = 0;

    for (size_t i = 0; (runner = runner_watch_next(l->watch, &i));)
        len++;
    v->rows = arena_alloc(v->a, (len + 1) * sizeof(*v->rows));
    v->of = arena_alloc(v->a, (len + 1) * sizeof(struct watched_runner *));
    for (size_t i = 0; (runner = runner_watch_next(l->watch, &i));) {
        struct runner_row row = hold_row(runner, v);
        if (!list_wants(l->call, &row) || (runner->gone && !runner->shown))
            continue;
        row.version = runner->version ? arena_strdup(v->a, runner->version) : row.version;
        runner_watch_jobs(l->watch, row.jobs_ns);
        v->of[v->len] = runner;
        v->rows[v->len++] = row;
    }
    if (runner_watch_count(l->watch, &counts))
        beside_count(&counts, v->rows, v->len);
    job_counts_finish(&counts);
    if (v->now - l->versions_read >= VERSIONS_S)
        read_versions(l, v);
}

/* All of a line that does not change by itself. */
static const char *essence(const struct runner_row *row, struct arena *a)
{
    return arena_printf(a, "%s %s %d %s %lld %lld %lld %s %s %s", row->ready, row->headline.reason, row->paused,
                        row->managers, (long long)row->jobs, (long long)row->capacity, (long long)row->runner_id,
                        row->host, row->version, row->tags ? json_text(row->tags) : "");
}

/* Keeps the rows whose line says something else than when it was shown last. */
static void keep_changed(struct view *v)
{
    size_t len = 0;

    for (size_t i = 0; i < v->len; i++) {
        struct watched_runner *runner = v->of[i];
        const char *now = runner->gone ? "gone" : essence(&v->rows[i], v->a);
        if (runner->shown && strcmp(runner->shown, now) == 0)
            continue;
        free(runner->shown);
        runner->shown = mem_strdup(now);
        v->rows[i].status = runner->gone ? "Deleted" : v->rows[i].status;
        v->rows[len++] = v->rows[i];
    }
    v->len = len;
}

static void drop_gone(struct view *v)
{
    size_t len = 0;

    for (size_t i = 0; i < v->len; i++)
        if (!v->of[i]->gone)
            v->rows[len++] = v->rows[i];
    v->len = len;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Showing */

static unsigned list_flags(const struct list_watching *l, bool header)
{
    const struct plugin_options *o = l->call->options;

    return (o->output == OUTPUT_WIDE ? TABLE_WIDE : 0) | (o->no_headers || !header ? TABLE_NO_HEADERS : 0);
}

static void append_rows(struct list_watching *l, struct view *v)
{
    enum plugin_output output = (enum plugin_output)l->call->options->output;

    if (!v->len)
        return;
    if (output > OUTPUT_WIDE) {
        for (size_t i = 0; i < v->len; i++)
            list_print_object(&v->rows[i], output);
        return;
    }
    struct table *t = list_table(l->call, v->rows, v->len, v->now, v->a);
    table_keep_widths(t, l->widths);
    table_print(t, stdout, &l->terminal, list_flags(l, !l->has_header));
    l->has_header = true;
}

static size_t screen_height(void)
{
    struct winsize size;

    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_row > 4 ? size.ws_row : 24;
}

/* From the top, over what was there; what does not fit on the screen is told of. */
static void draw_anew(struct list_watching *l, struct view *v)
{
    size_t room = screen_height() - 3, len = v->len < room ? v->len : room;

    l->terminal = terminal_of(stdout);
    fputs("\033[H\033[J", stdout);
    table_print(list_table(l->call, v->rows, len, v->now, v->a), stdout, &l->terminal, list_flags(l, true));
    if (len < v->len)
        printf("%sand %zu more%s\n", tone_begin(&l->terminal, TONE_FAINT), v->len - len,
               tone_end(&l->terminal, TONE_FAINT));
    printf("%s%s%s%s, ctrl-c ends%s", tone_begin(&l->terminal, TONE_FAINT), time_format(v->now, v->a),
           l->problem ? ": " : "", harmless(l->problem, v->a), tone_end(&l->terminal, TONE_FAINT));
}

/* What keeps the API server from telling is said once, and that it does again. */
static void tell_problem(struct list_watching *l)
{
    const char *problem = runner_watch_problem(l->watch);

    if (strcmp(problem, l->problem ? l->problem : "") == 0)
        return;
    free(take(l->problem));
    if (*problem)
        l->problem = mem_strdup(problem);
    if (!l->redraws)
        fprintf(stderr, "list: %s\n", *problem ? harmless(problem, l->call->a) : "the API server answers again");
}

static void show(struct list_watching *l)
{
    cleanup_arena struct arena a = {0};
    struct view v = {.now = session_now(l->call->session), .a = &a};

    tell_problem(l);
    if (!runner_watch_synced(l->watch))
        return;
    fill_view(l, &v);
    if (l->redraws)
        drop_gone(&v);
    else
        keep_changed(&v);
    list_sort(l->call, v.rows, v.len);
    if (l->redraws)
        draw_anew(l, &v);
    else
        append_rows(l, &v);
    runner_watch_forget_gone(l->watch);
}

enum plugin_exit list_watch(struct plugin_call *call)
{
    struct list_watching l = {.call = call, .terminal = terminal_of(stdout)};

    l.redraws = l.terminal.colour && call->options->output <= OUTPUT_WIDE;
    l.watch = runner_watch_create(call);
    do {
        if (runner_watch_wait(l.watch, AGES_MS) || l.redraws || *runner_watch_problem(l.watch))
            show(&l);
    } while (fflush(stdout) == 0 && !ferror(stdout)); /* until nobody reads it any more */
    runner_watch_destroy(l.watch);
    free(l.problem);
    return EXIT_GOOD;
}
