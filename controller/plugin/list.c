/* `list`: the runners of a namespace or of all. */
#include "plugin/list.h"

#include <json-c/json.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/json.h"
#include "base/mem.h"
#include "plugin/beside.h"
#include "plugin/find.h"
#include "plugin/output.h"
#include "plugin/session.h"

/* ---------------------------------------------------------------------------------------------------------------------
 * Which, and in which order */

static bool has_tag(const struct runner_row *row, const char *tag)
{
    for (size_t i = 0; i < json_len(row->tags); i++)
        if (strcmp(json_string(json_at(row->tags, i)), tag) == 0)
            return true;
    return false;
}

static bool is_named(const struct plugin_call *call, const struct runner_row *row)
{
    for (size_t i = 0; i < call->args_len; i++)
        if (strcmp(call->args[i], row->name) == 0)
            return true;
    return call->args_len == 0;
}

bool list_wants(const struct plugin_call *call, const struct runner_row *row)
{
    const struct list_options *o = call->own;
    bool ready = row->ready && strcmp(row->ready, "True") == 0;

    return is_named(call, row) && !(o->not_ready && ready) &&
           (!o->reason || strcasecmp(row->headline.reason, o->reason) == 0) &&
           (!o->host || (row->host && strcasecmp(row->host, o->host) == 0)) && (!o->tag || has_tag(row, o->tag));
}

static int compare_rows(const void *one, const void *other, void *column)
{
    return runner_row_compare(one, other, *(const int *)column);
}

void list_sort(const struct plugin_call *call, struct runner_row *rows, size_t len)
{
    const struct list_options *o = call->own;
    int column = o->sort_by ? runner_column(o->sort_by) : -1;

    qsort_r(rows, len, sizeof(*rows), compare_rows, &column);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Printing */

struct table *list_table(const struct plugin_call *call, const struct runner_row *rows, size_t len, int64_t now,
                         struct arena *a)
{
    bool with_namespace = !session_namespace(call->session), wide = call->options->output == OUTPUT_WIDE;
    struct table *t = table_create(runner_columns() + !with_namespace, (size_t)ROW_COLUMNS - !with_namespace, a);

    for (size_t i = 0; i < len; i++)
        runner_row_add(t, &rows[i], with_namespace, wide, now, a);
    return t;
}

/* Says on a terminal's stderr how many there are, and who needs somebody. */
static void list_footer(const struct plugin_call *call, const struct runner_row *rows, size_t len)
{
    const struct runner_row *first = NULL;
    size_t need = 0;

    for (size_t i = 0; i < len; i++)
        if (standing_needs_somebody(rows[i].headline.standing)) {
            first = first ? first : &rows[i];
            need++;
        }
    if (!terminal_of(stderr).tty || !len)
        return;
    fprintf(stderr, "%zu runner%s", len, len == 1 ? "" : "s");
    if (first)
        fprintf(stderr, ", %zu need%s somebody: %s explain -n %s %s", need, need == 1 ? "s" : "", call->program,
                harmless(first->ns, call->a), harmless(first->name, call->a));
    fputc('\n', stderr);
}

static void tell_nothing(const struct plugin_call *call)
{
    const char *ns = session_namespace(call->session);

    if (call->args_len)
        return; /* what is missing has been said */
    fprintf(stderr, "No GitLabRunners found%s%s%s.\n", ns ? " in namespace " : "", ns ? ns : "",
            ns ? "; -A shows those of all namespaces" : "");
}

static struct json_object *with_summary(const struct runner_row *row)
{
    json_remove(row->object, "metadata.managedFields");
    json_set(row->object, "summary", runner_row_json(row));
    return row->object;
}

void list_print_object(const struct runner_row *row, enum plugin_output output)
{
    cleanup_json struct json_object *items = json_object_new_array();

    json_append(items, json_ref(with_summary(row)));
    output_objects(items, true, output);
}

static void print_as_objects(const struct plugin_call *call, const struct runner_row *rows, size_t len)
{
    struct json_object *items = arena_json(call->a, json_object_new_array());

    for (size_t i = 0; i < len; i++)
        json_append(items, json_ref(with_summary(&rows[i])));
    output_objects(items, call->args_len == 1, (enum plugin_output)call->options->output);
}

static void print_rows(const struct plugin_call *call, const struct runner_row *rows, size_t len)
{
    const struct terminal terminal = terminal_of(stdout);
    unsigned flags =
        (call->options->output == OUTPUT_WIDE ? TABLE_WIDE : 0) | (call->options->no_headers ? TABLE_NO_HEADERS : 0);

    if (!len)
        tell_nothing(call);
    if (call->options->output > OUTPUT_WIDE) {
        print_as_objects(call, rows, len);
        return;
    }
    if (len)
        table_print(list_table(call, rows, len, session_now(call->session), call->a), stdout, &terminal, flags);
    list_footer(call, rows, len);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Reading */

static enum plugin_exit list_once(struct plugin_call *call)
{
    enum plugin_exit code = EXIT_GOOD;
    struct json_object *items = find_runners(call, &code);
    struct runner_row *rows = arena_alloc(call->a, (json_len(items) + 1) * sizeof(*rows));
    size_t len = 0;

    if (!items)
        return code;
    for (size_t i = 0; i < json_len(items); i++) {
        rows[len] = runner_row_of(json_at(items, i), session_now(call->session), call->a);
        len += list_wants(call, &rows[len]);
    }
    if (call->options->output != OUTPUT_NAME)
        beside_read(call, rows, len);
    list_sort(call, rows, len);
    print_rows(call, rows, len);
    return code;
}

static enum plugin_exit run_list(struct plugin_call *call)
{
    const struct list_options *o = call->own;

    if (o->sort_by && runner_column(o->sort_by) < 0) {
        fprintf(stderr, "list: --sort-by %s: must be the name of a column, such as status or age\n", o->sort_by);
        return EXIT_COULD_NOT;
    }
    return o->watch ? list_watch(call) : list_once(call);
}

#define AT(member) offsetof(struct list_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {'w', "watch", NULL, "show what changes, for ever", option_flag, AT(watch), NULL},
    {0, "sort-by", "COLUMN", "such as status (the worst first), jobs, age (default: namespace and name)",
     option_text, AT(sort_by), NULL},
    {0, "not-ready", NULL, "those alone that are not ready", option_flag, AT(not_ready), NULL},
    {0, "reason", "WORD", "those alone with this reason, such as RunnerNotFound", option_text, AT(reason), NULL},
    {0, "host", "HOST", "those alone of this GitLab, such as my.gitlab.com", option_text, AT(host), NULL},
    {0, "tag", "TAG", "those alone that have this tag", option_text, AT(tag), NULL},
};
/* clang-format on */

const struct plugin_command list_command = {
    .name = "list",
    .args = "[NAME...]",
    .summary = "runners: ready, status, managers, jobs, tags, GitLab, version, token",
    .about = "Lists GitLabRunners. JOBS: how many run, of how many that may at once. TOKEN: how long it is valid.\n"
             "With -o json or yaml each object has a member `summary`, which says what the columns say.",
    .example = "list -A --sort-by status\nlist -n ci --not-ready -o wide\nlist -A --tag gpu -w",
    .rights = "list gitlabrunners (with names: get); for JOBS list pods, for VERSION list deployments.apps;\n"
              "for --watch: watch gitlabrunners and pods",
    .rows = rows,
    .rows_len = ARRAY_LEN(rows),
    .own_size = sizeof(struct list_options),
    .takes = TAKES_ALL_NAMESPACES | TAKES_SELECTOR | TAKES_OUTPUT,
    .args_max = SIZE_MAX,
    .run = run_list,
};
