/* `doctor`: the whole installation, looked at once, each finding with its remedy. */
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "plugin/command.h"
#include "plugin/doctor.h"
#include "plugin/doctor_print.h"
#include "plugin/output.h"
#include "plugin/session.h"

enum { LOOK_MS = 15 * 1000, FROM_HERE_MS = 5 * 1000, AGAIN_MS = 1000 };

enum fail_on { FAIL_ON_ERROR, FAIL_ON_WARNING };

struct doctor_options {
    int64_t wait_ms;
    const char *ignored;
    unsigned fail_on;
    bool from_here;
};

static bool option_codes(const char *value, void *field)
{
    for (const char *at = value; *at;) {
        char code[8] = "";
        size_t len = strcspn(at, ",");
        if (len >= sizeof(code))
            return false;
        memcpy(code, at, len);
        if (!doctor_check_named(code))
            return false;
        at += len + (at[len] == ',');
    }
    return option_text(value, field);
}

static const struct option_row rows[] = {
    {0, "wait", "TIME", "look again and again until all is well, for so long", option_duration,
     offsetof(struct doctor_options, wait_ms), "a time, such as 15s"},
    {0, "ignore", "CODE,...", "leave these checks out", option_codes, offsetof(struct doctor_options, ignored),
     "codes of docs/doctor.md, such as GLR030,GLR043"},
    {0, "fail-on", "error|warning", "what makes it end with 1 (default: error)", NULL,
     offsetof(struct doctor_options, fail_on), NULL},
    {0, "from-here", NULL, "also ask each GitLab host from this machine: a hint", option_flag,
     offsetof(struct doctor_options, from_here), NULL},
};

static bool fails(const struct doctor *d, unsigned fail_on)
{
    struct doctor_tally tally = doctor_count(d);

    return tally.of[LEVEL_ERROR] || (fail_on == FAIL_ON_WARNING && tally.of[LEVEL_WARNING]);
}

/* One look; everything lives in the arena. */
static struct doctor *doctor_once(struct plugin_call *call, struct doctor_view *v, struct arena *a)
{
    const struct doctor_options *own = call->own;
    struct doctor *d = arena_alloc(a, sizeof(*d));

    doctor_look(v, call->session, call->options->namespace, LOOK_MS - (own->from_here ? FROM_HERE_MS : 0), a);
    if (own->from_here)
        doctor_look_from_here(v, call->session, FROM_HERE_MS);
    *d = (struct doctor){.view = v, .a = a};
    if (v->answered)
        doctor_examine(d, own->ignored);
    return d;
}

static void print_doctor(const struct doctor *d, unsigned output)
{
    if (output == OUTPUT_JSON || output == OUTPUT_YAML)
        doctor_print_tree(d, output);
    else if (output == OUTPUT_NAME)
        doctor_print_names(d);
    else
        doctor_print_lines(d);
}

static enum plugin_exit exit_of(const struct doctor *d, unsigned fail_on)
{
    if (fails(d, fail_on))
        return EXIT_FINDING;
    if (d->late)
        return EXIT_DEADLINE;
    return d->incomplete ? EXIT_INCOMPLETE : EXIT_GOOD;
}

static enum plugin_exit run_doctor(struct plugin_call *call)
{
    const struct doctor_options *own = call->own;
    int64_t ends = session_now(call->session) * 1000 + own->wait_ms;

    for (;;) {
        cleanup_arena struct arena a = {0};
        struct doctor_view view;
        const struct doctor *d = doctor_once(call, &view, &a);
        bool over = session_now(call->session) * 1000 >= ends;
        if (!over && (!view.answered || fails(d, own->fail_on)) && session_sleep(call->session, AGAIN_MS))
            continue;
        if (!view.answered) {
            failed(call, "the API server", &view.first);
            return EXIT_COULD_NOT;
        }
        print_doctor(d, call->options->output);
        return exit_of(d, own->fail_on);
    }
}

const struct plugin_command doctor_command = {
    .name = "doctor",
    .summary = "look at the whole installation, and say what is wrong and what to do",
    .about = "Looks at the kind, the operator, its Lease and rights, each GitLab host as the operator sees it, the "
             "namespaces "
             "of\njobs, and all GitLabRunners; at once, in 15 seconds at most. Each finding has a level, a code "
             "(docs/doctor.md), the\nobject, and what to do. Without -n, all namespaces. Nothing is changed.",
    .example = "doctor\ndoctor -n ci --ignore GLR043 --fail-on warning\ndoctor --wait 2m -o json",
    .exits = "1 an error was found (--fail-on warning: or a warning); 3 not all was answered in time; 4 something was "
             "not\nchecked, for want of rights, and nothing worse was found",
    .rights = "each check says what it needs; for all: list gitlabrunners, namespaces, deployments, pods, rolebindings "
              "and\nleases in all namespaces; get customresourcedefinitions, clusterroles, and the Secret "
              "gitlab-runner-orphans; create\nsubjectaccessreviews",
    .rows = rows,
    .rows_len = ARRAY_LEN(rows),
    .own_size = sizeof(struct doctor_options),
    .takes = TAKES_OUTPUT | TAKES_ALL_NAMESPACES,
    .run = run_doctor,
};
