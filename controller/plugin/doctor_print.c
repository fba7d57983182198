/* How `doctor` tells what it has found: lines in groups for people, trees for programs. */
#include <json-c/json.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/json.h"
#include "plugin/doctor_print.h"
#include "plugin/output.h"
#include "plugin/terminal.h"

enum { SHOWN_MAX = 10, PLACE_WIDTH = 14, MARK_WIDTH = 4, LEFT = PLACE_WIDTH + 1 + MARK_WIDTH + 1, NARROWEST = 40 };

static const struct {
    const char *mark, *word;
    enum tone tone;
} levels[LEVEL_COUNT] = {
    [LEVEL_NOTE] = {"note", "note", TONE_FAINT},
    [LEVEL_WARNING] = {"warn", "warning", TONE_WARN},
    [LEVEL_ERROR] = {"FAIL", "error", TONE_BAD},
    [LEVEL_SKIP] = {"skip", "skip", TONE_FAINT},
};

static const char *const group_names[GROUP_COUNT] = {
    [GROUP_INSTALLATION] = "installation",
    [GROUP_HOSTS] = "GitLab",
    [GROUP_NAMESPACES] = "namespaces",
    [GROUP_RUNNERS] = "runners",
};

struct doctor_tally doctor_count(const struct doctor *d)
{
    struct doctor_tally tally = {0};

    for (size_t i = 0; i < d->found_len; i++)
        tally.of[d->found[i].level]++;
    return tally;
}

static const char *place_name(enum doctor_group group, const char *place)
{
    return *place ? place : group_names[group];
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lines */

struct page {
    struct terminal terminal;
    struct arena *a;
    const char *place; /* that the lines are about; NULL: it is on a line already */
};

/* Words up to the width; on no terminal one line. */
static void print_text(const struct page *p, const char *text, size_t column)
{
    size_t width = p->terminal.width > LEFT + NARROWEST ? p->terminal.width - LEFT : 0, used = column;

    for (const char *at = text; *at;) {
        char *word = arena_strndup(p->a, at, strcspn(at, " "));
        size_t wide = display_width(word);
        if (width && used && used + 1 + wide > width) {
            printf("\n%*s", LEFT, "");
            used = 0;
        } else if (at != text) {
            putchar(' ');
            used++;
        }
        fputs(word, stdout);
        used += wide;
        at += strlen(word);
        at += *at == ' ';
    }
    putchar('\n');
}

static void begin_line(struct page *p, const char *mark, enum tone tone)
{
    const char *place = p->place ? harmless(p->place, p->a) : "";
    size_t width = display_width(place);

    printf("%s%s%s%*s ", tone_begin(&p->terminal, TONE_STRONG), place, tone_end(&p->terminal, TONE_STRONG),
           width < PLACE_WIDTH ? (int)(PLACE_WIDTH - width) : 0, "");
    if (width > PLACE_WIDTH)
        printf("\n%*s", PLACE_WIDTH + 1, "");
    printf("%s%-*s%s ", tone_begin(&p->terminal, tone), MARK_WIDTH, mark, tone_end(&p->terminal, tone));
    p->place = NULL;
}

static void print_found(struct page *p, const struct doctor_found *found, const char *codes)
{
    const char *object = strchr(codes, ',') ? "" : found->object; /* of several checks each has another */

    begin_line(p, levels[found->level].mark, levels[found->level].tone);
    print_text(p, harmless(arena_printf(p->a, "%s%s%s: %s", codes, *object ? " " : "", object, found->text), p->a), 0);
    if (found->level == LEVEL_SKIP)
        return;
    printf("%*s", LEFT, "");
    print_text(p, harmless(arena_printf(p->a, "-> %s", found->remedy), p->a), 0);
}

/* Checks that are skipped for the same reason are one line. */
static const char *codes_of_skipped(const struct doctor *d, size_t first, struct arena *a)
{
    const char *codes = "";

    for (size_t i = first; i < d->found_len; i++)
        if (d->found[i].level == LEVEL_SKIP && d->found[i].check->group == d->found[first].check->group &&
            strcmp(d->found[i].text, d->found[first].text) == 0)
            codes = arena_printf(a, "%s%s%s", codes, *codes ? "," : "", d->found[i].check->code);
    return codes;
}

static bool is_same_skip_before(const struct doctor *d, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (d->found[i].level == LEVEL_SKIP && d->found[i].check->group == d->found[n].check->group &&
            strcmp(d->found[i].text, d->found[n].text) == 0)
            return true;
    return false;
}

static void print_facts(struct page *p, const struct doctor *d, enum doctor_group group, const char *place)
{
    const char *text = "";

    for (size_t i = 0; i < d->facts_len; i++)
        if (d->facts[i].group == group && strcmp(d->facts[i].place, place) == 0)
            text = arena_printf(p->a, "%s%s%s", text, *text ? "; " : "", d->facts[i].text);
    if (!*text)
        return;
    begin_line(p, "ok", TONE_GOOD);
    print_text(p, harmless(text, p->a), 0);
}

/* Of a check's findings about one place the first ones; the others are counted. */
static void print_findings(struct page *p, const struct doctor *d, enum doctor_group group, const char *place)
{
    const struct doctor_check *check = NULL;
    size_t n = 0;

    for (size_t i = 0; i <= d->found_len; i++) {
        const struct doctor_found *found = i < d->found_len ? &d->found[i] : NULL;
        bool here = found && found->check->group == group && strcmp(found->place, place) == 0;
        if (found && !here)
            continue;
        if ((!found || found->check != check) && n > SHOWN_MAX) {
            begin_line(p, "", TONE_FAINT);
            printf("%s and %zu more; all of them: -o json\n", check->code, n - SHOWN_MAX);
        }
        if (!found)
            return;
        n = found->check == check ? n + 1 : 1;
        check = found->check;
        if (found->level == LEVEL_SKIP && !is_same_skip_before(d, i))
            print_found(p, found, codes_of_skipped(d, i, p->a));
        else if (found->level != LEVEL_SKIP && n <= SHOWN_MAX)
            print_found(p, found, check->code);
    }
}

static void print_place(struct page *p, const struct doctor *d, enum doctor_group group, const char *place)
{
    p->place = place_name(group, place);
    print_facts(p, d, group, place);
    print_findings(p, d, group, place);
}

/* Places of the group that have a name, each once. */
static void print_places(struct page *p, const struct doctor *d, enum doctor_group group)
{
    struct json_object *told = arena_json(p->a, json_build("{}"));

    for (size_t i = 0; i < d->facts_len + d->found_len; i++) {
        bool fact = i < d->facts_len;
        const struct doctor_found *found = fact ? NULL : &d->found[i - d->facts_len];
        const char *place = fact ? d->facts[i].place : found->place;
        if ((fact ? d->facts[i].group : found->check->group) != group || !*place || json_member(told, place))
            continue;
        json_put_member(told, place, "");
        print_place(p, d, group, place);
    }
}

static const char *counted(size_t n, const char *what, struct arena *a)
{
    return arena_printf(a, "%zu %s%s", n, what, n == 1 ? "" : "s");
}

static const char *verdict_of(const struct doctor *d, struct arena *a)
{
    struct doctor_tally tally = doctor_count(d);
    const char *more = d->more ? arena_printf(a, "; %zu more are not shown", d->more) : "";

    if (!tally.of[LEVEL_ERROR] && !tally.of[LEVEL_WARNING] && !tally.of[LEVEL_SKIP])
        return "all is well";
    return arena_printf(a, "%s, %s, %zu not checked%s", counted(tally.of[LEVEL_ERROR], "error", a),
                        counted(tally.of[LEVEL_WARNING], "warning", a), tally.of[LEVEL_SKIP], more);
}

void doctor_print_lines(const struct doctor *d)
{
    struct page p = {.terminal = terminal_of(stdout), .a = d->a};

    for (enum doctor_group group = 0; group < GROUP_COUNT; group++) {
        print_place(&p, d, group, "");
        print_places(&p, d, group);
    }
    printf("%s\n", verdict_of(d, d->a));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * For programs */

void doctor_print_names(const struct doctor *d)
{
    for (size_t i = 0; i < d->found_len; i++)
        printf("%s %s\n", d->found[i].check->code, harmless(d->found[i].object, d->a));
}

static struct json_object *found_tree(const struct doctor_found *f)
{
    return json_build("{code: %s, level: %s, check: %s, group: %s, place: %s, object: %s, message: %s, remedy: %s}",
                      f->check->code, levels[f->level].word, f->check->name, group_names[f->check->group],
                      *f->place ? f->place : NULL, *f->object ? f->object : NULL, f->text, f->remedy);
}

void doctor_print_tree(const struct doctor *d, unsigned output)
{
    struct doctor_tally tally = doctor_count(d);
    struct json_object *found = json_object_new_array(), *facts = json_object_new_array();

    for (size_t i = 0; i < d->found_len; i++)
        json_append(found, found_tree(&d->found[i]));
    for (size_t i = 0; i < d->facts_len; i++)
        json_append(facts, json_build("{group: %s, place: %s, message: %s}", group_names[d->facts[i].group],
                                      *d->facts[i].place ? d->facts[i].place : NULL, d->facts[i].text));
    cleanup_json struct json_object *tree = json_build(
        "{findings: %o, good: %o, verdict: {errors: %d, warnings: %d, notes: %d, notChecked: %d, notShown: %d, text: "
        "%s}, plugin: %s, calls: %d}",
        found, facts, (int64_t)tally.of[LEVEL_ERROR], (int64_t)tally.of[LEVEL_WARNING], (int64_t)tally.of[LEVEL_NOTE],
        (int64_t)tally.of[LEVEL_SKIP], (int64_t)d->more, verdict_of(d, d->a), d->view->program,
        (int64_t)d->view->calls);
    output_tree(tree, (enum plugin_output)output);
}
