/* An API server, and a GitLab, that say anything (peer.h) to a command of the kubectl plugin, or to those of the
 * operator's own name that look at a cluster. The first character chooses the command line (see lines[]); the second is
 * a terminal's width, '-': it is none.
 *
 * However the command ends, it ends, with an exit code that it has. What it prints for people is prose in lines, with
 * no escape codes but our own; JSON is JSON. A runner is removed at GitLab only when GitLab has just said that no job
 * runs on it. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/charset.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/log.h"
#include "base/mem.h"
#include "cli/cli.h"
#include "fuzz.h"
#include "kube/config.h"
#include "peer.h"
#include "plugin/command.h"
#include "plugin/plugin.h"
#include "plugin/session.h"
#include "plugin/terminal.h"
#include "version.h"

/* The one at whose step INTERRUPT somebody presses ctrl-c. */
enum { INTERRUPTED = 'i', INTERRUPT = 14 };
enum { STEPS_MAX = 500, HANGS = 20000, WORDS_MAX = 16, OUTPUT_MAX = 16 << 20, HEAD = 2 };

#define WALL_S INT64_C(1800000000) /* peer.c's */

static const struct line {
    char letter;
    const char *words;
} lines[] = {
    {'A', "list -n ci"},
    {'B', "list -A -o wide --sort-by status"},
    {'C', "list -A -o json"},
    {'D', "list -A -o yaml --not-ready"},
    {'E', "list -A -o name --sort-by jobs"},
    {'F', "list -A --watch"},
    {'G', "list -n ci --watch -o wide"},
    {'H', "explain -n ci builds"},
    {'I', "explain -n ci builds -o json"},
    {'J', "explain -n ci builds -o wide --until ready --timeout 10s"},
    {'K', "jobs -A -o wide"},
    {'L', "jobs -n ci builds"},
    {'f', "jobs -A other -o name"},
    {'M', "jobs -n ci builds other -o json"},
    {'N', "logs -n ci builds"},
    {'O', "logs -n ci builds -f --job 8812 --timestamps"},
    {'P', "doctor"},
    {'Q', "doctor -n ci -o json --from-here"},
    {'R', "doctor -o wide --from-here --wait 5s"},
    {'S', "orphans -o wide"},
    {'T', "orphans -o json"},
    {'U', "orphans --remove --all --yes"},
    {'V', "orphans --credential ci/my-gitlab/token --url https://gitlab.test --uid u-8,u-9 --remove 38 39"},
    {'W', "pause -n ci builds --for 2h --timeout 5s"},
    {'X', "resume -n ci -l team=a --timeout 5s"},
    {'Y', "drain -n ci builds other --timeout 20s -o name"},
    {'Z', "rotate -n ci builds --timeout 5s"},
    {'a', "restart -n ci builds --timeout 20s --anyway"},
    {'b', "version"},
    {'c', "version -o json"},
    {'d', "__complete list -n "},
    {'e', "__complete explain -n ci "},
    {'g', "__complete list --sort-by="},
    {'h', "drain -n ci builds --timeout 20s"},
    {INTERRUPTED, "drain -n ci builds"},
    {'l', "list -n ci --tag a --host gitlab.test -o yaml builds"},
    {'m', "list -A --watch -o json"},
    {'n', "restart -n ci builds --timeout 5s -o json"},
    {'o', "pause -n ci -l team=a --reason for-now --timeout 5s"},
    {'p', "orphans --remove --all --yes -o name"},
    {'q', "orphans -o name"},
    {'r', "orphans --remove 38 gitlab.test/39 --uid u-9"},
    {'s', "doctor -o name --ignore GLR001,GLR002"},
    {'t', "__complete list --"},
    {'u', "__complete dr"},
    {'v', "explain -n ci builds -o name"},
    {'w', "rotate -n ci builds other --timeout 5s -o yaml"},
    {'x', "__complete explain -n ci builds "},
    {'y', "__complete list -o "},
    {'z', "__complete completion "},
    {'0', "__complete none "},
    {'1', "import alekc -f tests/data/import/alekc.yaml --partial --takeover old --timeout 5s"},
    {'2', "import helm -f tests/data/import/values-small.yaml --name builds --takeover old --timeout 5s"},
    {'3', "diff -n ci builds"},
    {'4', "diff -f tests/data/render/full.json -o json"},
    {'5', "diff -f tests/data/render/full.json"},
    {'6', "render -n ci builds"},
    {'7', "diff -n ci builds -o name"},
};

static struct {
    struct loop *loop;
    char letter;
    bool stopped, over; /* over: it has had its steps, and nobody reads what it prints any more */
    unsigned steps;
    void (*interrupt)(void *arg, int signal);
    void *interrupt_arg;
    struct terminal terminal;
    struct buf output, talk;
    char idle[512]; /* the URL of the runner on which GitLab said last that no job runs; "": it said something else */
} run;

static void expect(bool holds)
{
    if (!holds)
        abort();
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What takes the place of the loop, the version, the kubeconfig and the terminal */

struct loop *loop_create(void)
{
    return run.loop;
}

void loop_destroy(struct loop *loop)
{
    (void)loop;
}

void loop_stop(struct loop *loop)
{
    (void)loop;
    run.stopped = true;
}

void loop_on_stop_signal(struct loop *loop, void (*callback)(void *arg, int signal), void *arg)
{
    (void)loop;
    run.interrupt = callback;
    run.interrupt_arg = arg;
}

/* Its reader goes away, and somebody presses ctrl-c. */
static void end_it(void)
{
    run.over = true;
    fputc(' ', stdout);
    fflush(stdout);
    if (run.interrupt)
        run.interrupt(run.interrupt_arg, SIGINT);
}

void loop_run(struct loop *loop)
{
    (void)loop;
    run.stopped = false;
    while (!run.stopped) {
        expect(run.steps < HANGS);
        if (run.steps++ >= STEPS_MAX)
            end_it();
        else if (run.letter == INTERRUPTED && run.steps == INTERRUPT && run.interrupt)
            run.interrupt(run.interrupt_arg, SIGINT);
        expect(run.stopped || peer_run(1)); /* else nothing will ever happen again */
    }
}

int64_t clock_wall_us(void)
{
    return WALL_S * 1000000;
}

const char *version_number(void)
{
    return "0.1.0";
}

bool kube_config_choose(struct kube_config *ret, const struct kube_choice *choice, struct err *err)
{
    (void)choice, (void)err;
    *ret = (struct kube_config){
        .server = mem_strdup("https://api"), .token = mem_strdup("t"), .namespace = mem_strdup("ci")};
    return true;
}

struct terminal terminal_of(FILE *file)
{
    (void)file;
    return run.terminal;
}

static ssize_t take_output(void *cookie, const char *bytes, size_t len)
{
    struct buf *to = cookie;

    if (run.over && to == &run.output)
        return 0;
    buf_add(to, bytes, len);
    return (ssize_t)len;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What was asked for */

static bool says_nothing_runs(const struct http_reply *reply)
{
    struct err err;
    cleanup_json struct json_object *jobs = reply->status == 200 ? json_parse(reply->body, reply->len, &err) : NULL;

    return json_is_array(jobs) && json_len(jobs) == 0;
}

static void see_answer(const char *method, const char *url, const struct http_reply *reply)
{
    const char *jobs = strstr(url, "/jobs?status=running");

    expect(strcmp(method, "DELETE") != 0 || strcmp(url, run.idle) == 0);
    *run.idle = '\0';
    if (jobs && says_nothing_runs(reply))
        snprintf(run.idle, sizeof(run.idle), "%.*s", (int)(jobs - url), url);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What was printed */

/* The length of one of our own codes that the text begins with; 0: there is none. */
static size_t code_len(const char *text)
{
    static const char *const codes[] = {"\033[0m",  "\033[1m",  "\033[2m",  "\033[31m",
                                        "\033[32m", "\033[33m", "\r\033[K", "\033[H\033[J"};

    for (size_t i = 0; i < ARRAY_LEN(codes); i++)
        if (strncmp(text, codes[i], strlen(codes[i])) == 0)
            return strlen(codes[i]);
    return 0;
}

static void expect_prose(const struct buf *text)
{
    for (size_t at = 0, len; at < text->len; at += len) {
        size_t code = run.terminal.colour ? code_len(text->data + at) : 0;
        len = code ? code : charset_prose_len(text->data + at);
        len = !len && strchr("\n\t", text->data[at]) ? 1 : len;
        if (!len) {
            fwrite(text->data, 1, text->len, stderr);
            fprintf(stderr, "\nnot prose at byte %zu\n", at);
            abort();
        }
    }
}

static void expect_json(const struct buf *text, struct arena *a)
{
    struct err err = {0};

    if (text->len && !run.over)
        expect(arena_json(a, json_parse(text->data, text->len, &err)) != NULL);
}

static void judge_output(const char *words, struct arena *a)
{
    expect_prose(&run.talk);
    if (strstr(words, "-o json"))
        expect_json(&run.output, a);
    else if (!strstr(words, "-o yaml"))
        expect_prose(&run.output);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static int run_words(char **words, int len)
{
    static const char *const none[] = {NULL};

    if (strcmp(words[0], "__complete") == 0)
        return plugin_complete(none, len, words);
    if (strcmp(words[0], "import") == 0)
        return cli_import(len, words);
    if (strcmp(words[0], "render") == 0)
        return cli_render(len, words);
    return plugin_run("kubectl glr", len, words);
}

/* With other files in the place of stdout and stderr. */
static void run_line(const char *text, struct arena *a)
{
    static const cookie_io_functions_t io = {.write = take_output};
    char *words[WORDS_MAX], *rest = arena_strdup(a, text);
    FILE *out = stdout, *errors = stderr;
    int len = 0;

    while (rest)
        words[len++] = strsep(&rest, " ");
    buf_init(&run.output, OUTPUT_MAX);
    buf_init(&run.talk, OUTPUT_MAX);
    stdout = fopencookie(&run.output, "w", io);
    stderr = fopencookie(&run.talk, "w", io);
    int code = run_words(words, len);
    fclose(stdout);
    fclose(stderr);
    stdout = out;
    stderr = errors;
    judge_output(text, a);
    buf_finish(&run.output);
    buf_finish(&run.talk);
    expect(code >= EXIT_GOOD && code <= EXIT_INCOMPLETE);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    for (size_t i = 0; len >= HEAD && i < ARRAY_LEN(lines); i++)
        if (lines[i].letter == text[0]) {
            bool tty = text[1] != '-';
            memset(&run, 0, sizeof(run));
            run.terminal = (struct terminal){.tty = tty, .colour = tty, .width = tty ? (unsigned char)text[1] : 0};
            run.letter = text[0];
            run.loop = peer_begin(text + HEAD);
            peer_show(see_answer);
            run_line(lines[i].words, a);
            peer_end();
        }
}
