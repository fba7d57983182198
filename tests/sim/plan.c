#include "tests/sim/plan.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tests/sim/choice.h"
#include "tests/sim/deeds.h"

static const struct {
    const char *name;
    uint32_t max, chance; /* in a thousand, that it is not 0 */
} setups[SETUPS] = {
    [SETUP_RUNNERS] = {"runners", 2, 300},   [SETUP_REPLICAS] = {"replicas", 2, 250},
    [SETUP_ELECTION] = {"election", 1, 200}, [SETUP_LEASE] = {"lease", 1, 30},
    [SETUP_SCOPE] = {"scope", 1, 30},        [SETUP_SECRETS] = {"secrets", 1, 80},
    [SETUP_HOSTS] = {"hosts", 1, 300},       [SETUP_CHECK] = {"check", 1, 980},
    [SETUP_WEATHER] = {"weather", 3, 300},   [SETUP_WRONG] = {"wrong", 1, 250},
    [SETUP_DELETED] = {"deleted", 1, 300},   [SETUP_EXPIRY] = {"expiry", 1, 100},
    [SETUP_TOKEN] = {"token", 1, 150},       [SETUP_FIRST] = {"first", 1 << 20, 600},
    [SETUP_PAGES] = {"pages", 3, 100},       [SETUP_ROOM] = {"room", 4, 3}, /* takes as long as ten others */
};

/* What came later is drawn apart, so that seeds tell what they told before. */
enum { SETUP_LATER = SETUP_PAGES };

const char *setup_name(enum setup setup)
{
    assert(setup < SETUPS);
    return setups[setup].name;
}

static uint32_t below(struct stream *from, uint32_t n)
{
    return (uint32_t)(stream_next(from) >> 20) % n;
}

/* Much happens at once, some a little later, and some when all has been quiet. */
static int64_t draw_pause(struct stream *from)
{
    static const uint32_t spans[] = {1, 60, 60, 2000, 2000, 8000, 40000, 40000, 400000};

    return below(from, spans[below(from, sizeof(spans) / sizeof(*spans))]);
}

static void draw_step(struct step *step, struct stream *from)
{
    *step = (struct step){.after_ms = draw_pause(from), .deed = deed_drawn(below(from, deeds_weight()))};
    step->a = (uint32_t)stream_next(from);
    step->b = (uint32_t)stream_next(from);
    step->c = (uint32_t)stream_next(from);
}

/* Most are short, as few steps are needed for most of what can go wrong; some are as long as can be. */
static size_t draw_len(struct stream *from)
{
    static const struct {
        uint32_t least, more;
    } lens[] = {{1, 4}, {1, 4}, {1, 4}, {1, 4}, {1, 4}, {1, 4}, {1, 4}, {3, 10}, {3, 10}, {8, STEPS_MAX - 7}};
    size_t i = below(from, sizeof(lens) / sizeof(*lens));

    return lens[i].least + below(from, lens[i].more);
}

static void draw_setups(struct plan *plan, struct stream *from, int first, int end)
{
    for (int i = first; i < end; i++) {
        bool given = below(from, 1000) < setups[i].chance;
        uint32_t value = 1 + below(from, setups[i].max);
        plan->setup[i] = given ? value : 0;
    }
}

static void draw_from(struct plan *plan, struct stream *from)
{
    draw_setups(plan, from, 0, SETUP_LATER);
    plan->len = draw_len(from);
    for (size_t i = 0; i < plan->len; i++)
        draw_step(&plan->steps[i], from);
}

void plan_draw(struct plan *ret, uint64_t seed)
{
    struct stream from = {.state = seed * 3 + 1}, later = {.state = seed * 3 + 2};

    *ret = (struct plan){.seed = seed, .noise_until = UINT64_MAX};
    draw_from(ret, &from);
    draw_setups(ret, &later, SETUP_LATER, SETUPS);
}

void plan_draw_input(struct plan *ret, const uint8_t *input, size_t len)
{
    struct stream from = {.bytes = input, .len = len};
    uint64_t seed = from.state = stream_next(&from);

    *ret = (struct plan){.seed = seed, .input = input, .input_len = len, .noise_until = UINT64_MAX};
    draw_from(ret, &from);
    draw_setups(ret, &from, SETUP_LATER, SETUPS);
    ret->rest = from;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * As text */

static size_t add_left_out(const struct plan *plan, char *text, size_t len, size_t size)
{
    const char *mark = " without=";

    for (size_t i = 0; i < plan->len; i++)
        if (plan->steps[i].left_out) {
            len += (size_t)snprintf(text + len, size - len, "%s%zu", mark, i);
            mark = ",";
        }
    return len;
}

static size_t add_simpler(const struct plan *plan, const struct plan *own, char *text, size_t len, size_t size)
{
    for (size_t i = 0; i < plan->len; i++) {
        const struct step *is = &plan->steps[i], *was = &own->steps[i];
        if (!is->left_out && (is->after_ms != was->after_ms || is->a != was->a || is->b != was->b || is->c != was->c))
            len += (size_t)snprintf(text + len, size - len, " %zu=%" PRId64 "/%" PRIu32 "/%" PRIu32 "/%" PRIu32, i,
                                    is->after_ms, is->a, is->b, is->c);
    }
    return len;
}

const char *plan_text(const struct plan *plan)
{
    static char text[4096];
    struct plan own;
    size_t len = 0;

    if (plan->input)
        plan_draw_input(&own, plan->input, plan->input_len);
    else
        plan_draw(&own, plan->seed);
    *text = '\0';
    for (int i = 0; i < SETUPS; i++)
        if (plan->setup[i] != own.setup[i])
            len += (size_t)snprintf(text + len, sizeof(text) - len, " %s=%" PRIu32, setups[i].name, plan->setup[i]);
    len = add_left_out(plan, text, len, sizeof(text));
    len = add_simpler(plan, &own, text, len, sizeof(text));
    if (plan->noise_from || plan->noise_until != UINT64_MAX)
        snprintf(text + len, sizeof(text) - len, " noise=%" PRIu64 "-%" PRIu64, plan->noise_from, plan->noise_until);
    return *text ? text + 1 : text;
}

static bool read_left_out(struct plan *plan, const char *list)
{
    for (char *end; *list; list = *end ? end + 1 : end) {
        unsigned long i = strtoul(list, &end, 10);
        if (end == list || i >= plan->len)
            return false;
        plan->steps[i].left_out = true;
    }
    return true;
}

static bool read_step(struct plan *plan, const char *word)
{
    struct step read;
    size_t i;

    if (sscanf(word, "%zu=%" SCNd64 "/%" SCNu32 "/%" SCNu32 "/%" SCNu32, &i, &read.after_ms, &read.a, &read.b,
               &read.c) != 5 ||
        i >= plan->len)
        return false;
    read.deed = plan->steps[i].deed;
    read.left_out = false;
    plan->steps[i] = read;
    return true;
}

static bool read_word(struct plan *plan, const char *word)
{
    for (int i = 0; i < SETUPS; i++) {
        size_t len = strlen(setups[i].name);
        if (strncmp(word, setups[i].name, len) == 0 && word[len] == '=')
            return sscanf(word + len + 1, "%" SCNu32, &plan->setup[i]) == 1;
    }
    if (strncmp(word, "without=", 8) == 0)
        return read_left_out(plan, word + 8);
    if (sscanf(word, "noise=%" SCNu64 "-%" SCNu64, &plan->noise_from, &plan->noise_until) == 2)
        return true;
    return read_step(plan, word);
}

bool plan_read(struct plan *plan, const char *words)
{
    char copy[4096];
    bool good = true;

    snprintf(copy, sizeof(copy), "%s", words);
    for (char *at = strtok(copy, " "); at && good; at = strtok(NULL, " "))
        good = read_word(plan, at);
    return good;
}
