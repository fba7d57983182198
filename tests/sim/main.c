/* simulate: tells stories, from a seed on, and shows in full the first that go wrong.
 *
 *     simulate --patterns
 *     simulate [--seed N] [--count N] [--jobs N] [--shown N] [--tell] [--all] [--with 'WORDS'] [--sabotage NAME|all]
 *     simulate --input FILE [--tell] [--all] [--with 'WORDS']
 *
 * --input is a story that a fuzzer has found (fuzz.c): without --tell it is made short if it goes wrong. --tell tells
 * one story as it happens (--all: with what only reads, too), --with takes the words that a shortened one was printed
 * with. --sabotage breaks the program on purpose, and succeeds if it is seen. */
#include <getopt.h>
#include <json-c/linkhash.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "tests/sim/api.h"
#include "tests/sim/deeds.h"
#include "tests/sim/driver.h"
#include "tests/sim/patterns.h"
#include "tests/sim/sabotage.h"

enum { JOBS_MAX = 16, FAILURES_MAX = 1000 };

struct options {
    uint64_t seed, count;
    unsigned jobs, shown;
    int telling;
    const char *with, *sabotage, *input;
    bool patterns, life;
    unsigned mode, pattern, place;
};

/* Shared by the jobs, each of which writes its own. */
struct job {
    uint64_t at; /* the seed that it is at; 0: it has ended */
    uint64_t histories;
    struct figures figures;
    int64_t lasted_ms;
    unsigned failures_len;
    struct failure {
        uint64_t seed;
        char property[64], text[256];
    } failures[FAILURES_MAX];
};

static double now_s(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * One */

/* by: the words for make sim. */
static void show(struct plan *plan, const char *property, const char *by)
{
    struct outcome outcome;
    unsigned tried;

    plan_shrink(plan, property, &tried);
    printf("\n%s, made short (%u tried):  make sim %s WITH='%s'\n", by, tried, by, plan_text(plan));
    outcome_apart(plan, 1, &outcome);
    printf("=> %s: %s\n", outcome.property, outcome.text);
}

static void show_seed(uint64_t seed, const char *property)
{
    struct plan plan;
    char by[40];

    plan_draw(&plan, seed);
    snprintf(by, sizeof(by), "SEED=%llu", (unsigned long long)seed);
    show(&plan, property, by);
}

static void draw_file(struct plan *plan, const char *path)
{
    static uint8_t input[1 << 16];
    FILE *file = fopen(path, "rb");

    if (!file) {
        perror(path);
        exit(2);
    }
    plan_draw_input(plan, input, fread(input, 1, sizeof(input), file));
    fclose(file);
}

static int tell(const struct options *o)
{
    struct plan plan;
    struct outcome outcome;

    if (o->input)
        draw_file(&plan, o->input);
    else
        plan_draw(&plan, o->seed);
    if (o->life)
        plan_life(&plan, o->mode);
    plan.pattern = o->pattern;
    plan.place = o->place;
    if (o->with && !plan_read(&plan, o->with)) {
        fprintf(stderr, "simulate: --with: these are no words of a plan\n");
        return 2;
    }
    outcome_here(&plan, o->telling, &outcome);
    printf("=> %s%s%s\n", *outcome.property ? outcome.property : "all holds", *outcome.property ? ": " : "",
           outcome.text);
    return *outcome.property != '\0';
}

static int play(const struct options *o)
{
    struct plan plan;
    struct outcome outcome;
    char by[300];

    draw_file(&plan, o->input);
    outcome_apart(&plan, 0, &outcome);
    if (!*outcome.property)
        return 0;
    snprintf(by, sizeof(by), "INPUT=%s", o->input);
    show(&plan, outcome.property, by);
    return 1;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Many */

static void note_failure(struct job *job, uint64_t seed, const struct outcome *outcome)
{
    printf("seed %llu: %s: %.255s\n", (unsigned long long)seed, outcome->property, outcome->text);
    fflush(stdout);
    if (job->failures_len == FAILURES_MAX)
        return;
    struct failure *f = &job->failures[job->failures_len++];
    f->seed = seed;
    snprintf(f->property, sizeof(f->property), "%s", outcome->property);
    snprintf(f->text, sizeof(f->text), "%.255s", outcome->text);
}

static void work(struct job *job, const struct options *o, unsigned number)
{
    for (uint64_t i = job->histories * o->jobs + number; i < o->count; i += o->jobs) {
        struct plan plan;
        struct outcome outcome;
        job->at = o->seed + i;
        plan_draw(&plan, job->at);
        outcome_here(&plan, 0, &outcome);
        job->histories++;
        job->lasted_ms += outcome.lasted_ms;
        figures_add(&job->figures, &outcome.figures);
        if (*outcome.property)
            note_failure(job, job->at, &outcome);
    }
    job->at = 0;
}

static pid_t start_job(struct job *job, const struct options *o, unsigned number)
{
    fflush(stdout);
    pid_t pid = fork();

    if (pid < 0)
        abort();
    if (pid == 0) {
        work(job, o, number);
        exit(0); /* leaks are looked for */
    }
    return pid;
}

/* A job whose process has died goes on behind the seed that it died of. */
static void wait_for_job(struct job *job, const struct options *o, unsigned number, pid_t pid)
{
    int status;

    while (waitpid(pid, &status, 0) == pid && status != 0) {
        struct outcome outcome = {.property = "crash"};
        snprintf(outcome.text, sizeof(outcome.text), "status %#x", (unsigned)status);
        note_failure(job, job->at, &outcome);
        if (!job->at)
            return;
        job->histories++;
        pid = start_job(job, o, number);
    }
}

static void print_figures(const struct job *sum, double seconds)
{
    const struct figures *f = &sum->figures;

    printf(
        "%llu histories, %llu steps, %llu events, %llu requests, %.2f years; %llu kills, %llu stops, %llu clocks set; "
        "requests: %llu refused, %llu lost before and %llu after the effect, %llu mute, %llu cuts; "
        "%llu times trouble at the API server, %llu at GitLab; %llu pages of lists before the last; %.0f histories a "
        "second\n",
        (unsigned long long)sum->histories, (unsigned long long)f->steps, (unsigned long long)f->events,
        (unsigned long long)f->requests, (double)sum->lasted_ms / 1000 / 86400 / 365.25, (unsigned long long)f->kills,
        (unsigned long long)f->stops, (unsigned long long)f->jumps, (unsigned long long)f->refused,
        (unsigned long long)f->lost_before, (unsigned long long)f->lost_after, (unsigned long long)f->muted,
        (unsigned long long)f->cut, (unsigned long long)f->api_faults, (unsigned long long)f->gitlab_faults,
        (unsigned long long)f->pages, (double)sum->histories / seconds);
}

/* One of each property in full. */
static void show_failures(const struct job *jobs, const struct options *o)
{
    char shown[8][64];
    unsigned len = 0;

    for (unsigned j = 0; j < o->jobs; j++)
        for (unsigned i = 0; i < jobs[j].failures_len; i++) {
            const struct failure *f = &jobs[j].failures[i];
            bool known = false;
            for (unsigned k = 0; k < len; k++)
                known |= strcmp(shown[k], f->property) == 0;
            if (known || len == o->shown || len == 8)
                continue;
            snprintf(shown[len++], sizeof(shown[0]), "%s", f->property);
            show_seed(f->seed, f->property);
        }
}

static int run(const struct options *o)
{
    size_t size = sizeof(struct job) * o->jobs;
    struct job *jobs = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0), sum = {0};
    pid_t pids[JOBS_MAX];
    double began = now_s();
    unsigned failures = 0;
    struct outcome ignored;

    outcome_here(&(struct plan){.seed = o->seed}, 0, &ignored); /* what all share is read once */

    if (jobs == MAP_FAILED)
        abort();
    for (unsigned i = 0; i < o->jobs; i++)
        pids[i] = start_job(&jobs[i], o, i);
    for (unsigned i = 0; i < o->jobs; i++) {
        wait_for_job(&jobs[i], o, i, pids[i]);
        figures_add(&sum.figures, &jobs[i].figures);
        sum.histories += jobs[i].histories;
        sum.lasted_ms += jobs[i].lasted_ms;
        failures += jobs[i].failures_len;
    }
    double seconds = now_s() - began;
    show_failures(jobs, o);
    print_figures(&sum, seconds);
    printf("seeds %llu to %llu: %u went wrong\n", (unsigned long long)o->seed,
           (unsigned long long)(o->seed + o->count - 1), failures);
    munmap(jobs, size);
    return failures != 0;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Sabotage */

/* What the sabotage is seen in is rare. */
static void draw_for(struct plan *plan, enum sabotage sabotage, uint64_t seed)
{
    plan_draw(plan, seed);
    if (sabotage == SABOTAGE_FENCE) {
        plan->setup[SETUP_REPLICAS] = plan->setup[SETUP_LEASE] = 1;
        plan->steps[0].deed = deed_named("freeze amid work");
    }
    if (sabotage == SABOTAGE_HASTE) {
        plan->steps[0].deed = deed_named("refuse");
        plan->steps[1].deed = deed_named("terminate");
    }
    if (sabotage == SABOTAGE_ROOM)
        plan->setup[SETUP_ROOM] = 1;
}

/* How many stories it took; 0: nobody has seen it. */
static unsigned is_seen(enum sabotage sabotage, const struct options *o)
{
    enum { STORIES_MAX = 400 };

    sabotage_begin(sabotage);
    for (unsigned i = 0; i < STORIES_MAX; i++) {
        struct plan plan;
        struct outcome outcome;
        draw_for(&plan, sabotage, o->seed + i);
        outcome_apart(&plan, 0, &outcome);
        if (strcmp(outcome.property, property_name(sabotage_row(sabotage)->property)) == 0)
            return i + 1;
    }
    return 0;
}

static void sabotage_by_name(const char *name)
{
    for (enum sabotage s = SABOTAGE_NONE; s < SABOTAGES; s++)
        if (strcmp(name, sabotage_row(s)->name) == 0)
            sabotage_begin(s);
}

static int sabotage(const struct options *o)
{
    bool all = strcmp(o->sabotage, "all") == 0, good = true, any = false, has[PROPERTIES] = {false};

    for (enum sabotage s = SABOTAGE_NONE + 1; s < SABOTAGES; s++) {
        const struct sabotage_row *row = sabotage_row(s);
        if (!all && strcmp(o->sabotage, row->name) != 0)
            continue;
        unsigned stories = is_seen(s, o);
        printf("  sabotage %-10s %s: %s (%u stories)\n", row->name, property_name(row->property),
               stories ? "seen" : "NOT SEEN", stories);
        good &= stories > 0;
        has[row->property] = any = true;
    }
    for (enum property p = 0; p < PROPERTIES && all; p++) {
        if (!has[p])
            printf("  NO SABOTAGE: %s\n", property_name(p));
        good &= has[p];
    }
    return good && any ? 0 : 1;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Patterns */

/* Told again: simulate --tell --life MODE --pattern P --place N. */
static bool try_place(unsigned mode, enum pattern pattern, unsigned place)
{
    struct plan plan;
    struct outcome outcome;

    plan_life(&plan, mode);
    plan.pattern = pattern;
    plan.place = place;
    outcome_apart(&plan, 0, &outcome);
    if (*outcome.property)
        printf("--life %u --pattern %u --place %u (%s): %s: %.300s\n", mode, (unsigned)pattern, place,
               pattern_name(pattern), outcome.property, outcome.text);
    return !*outcome.property;
}

/* Every so many-th place; how many went wrong. */
static int try_places(unsigned number, unsigned jobs)
{
    int bad = 0;

    for (unsigned mode = 0; mode < 3; mode++) {
        struct plan plan;
        struct outcome outcome;
        plan_life(&plan, mode);
        outcome_here(&plan, 0, &outcome);
        if (number == 0)
            bad += !try_place(mode, PATTERN_NONE, 0);
        for (unsigned place = 1 + number; place <= outcome.writes; place += jobs)
            for (enum pattern p = PATTERN_NONE + 1; p < PATTERNS; p++)
                bad += !try_place(mode, p, place);
        if (number == 0)
            printf("  patterns: a life of %u writes\n", outcome.writes);
    }
    fflush(stdout);
    return bad;
}

static int patterns(const struct options *o)
{
    int bad = 0, status;

    fflush(stdout);
    for (unsigned i = 0; i < o->jobs; i++)
        if (fork() == 0)
            _exit(try_places(i, o->jobs) != 0);
    while (wait(&status) > 0)
        bad |= status;
    return bad != 0;
}

static void read_options(struct options *o, int argc, char **argv)
{
    static const struct option options[] = {
        {"seed", 1, NULL, 's'},     {"count", 1, NULL, 'c'}, {"jobs", 1, NULL, 'j'},    {"shown", 1, NULL, 'n'},
        {"tell", 0, NULL, 't'},     {"all", 0, NULL, 'a'},   {"with", 1, NULL, 'w'},    {"sabotage", 1, NULL, 'b'},
        {"patterns", 0, NULL, 'p'}, {"life", 1, NULL, 'l'},  {"pattern", 1, NULL, 'k'}, {"place", 1, NULL, 'o'},
        {"input", 1, NULL, 'i'},    {NULL, 0, NULL, 0}};

    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        o->seed = c == 's' ? strtoull(optarg, NULL, 10) : o->seed;
        o->count = c == 'c' ? strtoull(optarg, NULL, 10) : o->count;
        o->jobs = c == 'j' ? (unsigned)strtoul(optarg, NULL, 10) : o->jobs;
        o->shown = c == 'n' ? (unsigned)strtoul(optarg, NULL, 10) : o->shown;
        o->with = c == 'w' ? optarg : o->with;
        o->sabotage = c == 'b' ? optarg : o->sabotage;
        o->input = c == 'i' ? optarg : o->input;
        o->patterns |= c == 'p';
        o->life |= c == 'l';
        o->mode = c == 'l' ? (unsigned)strtoul(optarg, NULL, 10) : o->mode;
        o->pattern = c == 'k' ? (unsigned)strtoul(optarg, NULL, 10) : o->pattern;
        o->place = c == 'o' ? (unsigned)strtoul(optarg, NULL, 10) : o->place;
        o->telling = c == 'a' ? 2 : c == 't' && !o->telling ? 1 : o->telling;
        if (c == '?')
            exit(2);
    }
    if (o->jobs < 1 || o->jobs > JOBS_MAX)
        o->jobs = 1;
}

int main(int argc, char **argv)
{
    struct options o = {.seed = 1, .count = 1, .jobs = 1, .shown = 3};

    json_global_set_string_hash(JSON_C_STR_HASH_PERLLIKE); /* the other one begins with a number of its own */
    read_options(&o, argc, argv);
    api_prepare();
    if (o.telling && o.sabotage)
        sabotage_by_name(o.sabotage);
    return o.patterns ? patterns(&o) : o.telling ? tell(&o) : o.input ? play(&o) : o.sabotage ? sabotage(&o) : run(&o);
}
