#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "net/loop.h"

struct world {
    struct loop *loop;
    struct loop_timer *timer;
    char trace[64]; /* what happened, a letter each: t timer, h hook, 2 another timer */
    int hooks_wanted;
    int signal;
    int64_t at;
};

static void note(struct world *w, char what)
{
    size_t len = strlen(w->trace);

    assert_true(len + 1 < sizeof(w->trace));
    w->trace[len] = what;
}

static int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));

    w->loop = loop_create();
    *state = w;
    return 0;
}

/* loop_destroy() asserts that nothing is left open. */
static int tear_down(void **state)
{
    struct world *w = *state;

    loop_timer_destroy(w->timer);
    loop_destroy(w->loop);
    free(w);
    return 0;
}

static void on_timer(void *arg)
{
    struct world *w = arg;

    note(w, 't');
    w->at = loop_now(w->loop);
}

static void stop_from_hook(void *arg)
{
    struct world *w = arg;

    note(w, 'h');
    if (strchr(w->trace, 't'))
        loop_stop(w->loop);
}

static void the_hook_sees_what_a_timer_recorded(void **state)
{
    struct world *w = *state;
    int64_t begin = loop_now(w->loop);

    w->timer = loop_timer_create(w->loop, on_timer, w);
    loop_timer_set(w->timer, 20);
    loop_after(w->loop, stop_from_hook, w);
    loop_run(w->loop); /* nothing else is due: without a wake-up the hook would wait for ever */
    assert_string_equal(strstr(w->trace, "t"), "th");
    assert_in_range(w->at - begin, 20, 5000);
}

static void wake_again(void *arg)
{
    struct world *w = arg;

    note(w, 'h');
    if (--w->hooks_wanted == 0)
        loop_stop(w->loop);
    else
        loop_wake(w->loop);
}

static void a_wake_up_runs_the_hook_once(void **state)
{
    struct world *w = *state;

    w->hooks_wanted = 5;
    loop_after(w->loop, wake_again, w);
    loop_wake(w->loop);
    loop_wake(w->loop);
    loop_run(w->loop);
    assert_string_equal(w->trace, "hhhhh");
}

static void stop_now(void *arg)
{
    struct world *w = arg;

    note(w, '2');
    loop_stop(w->loop);
}

static void timers_are_set_anew_and_disarmed(void **state)
{
    struct world *w = *state;
    struct loop_timer *second = loop_timer_create(w->loop, stop_now, w);

    w->timer = loop_timer_create(w->loop, on_timer, w);
    loop_timer_set(w->timer, 1);
    loop_timer_set(w->timer, -1);
    loop_timer_set(second, 60000);
    loop_timer_set(second, 5);
    loop_run(w->loop);
    assert_string_equal(w->trace, "2");
    loop_timer_set(w->timer, 0);
    loop_timer_set(second, 2);
    loop_run(w->loop); /* a loop that was stopped runs again */
    assert_string_equal(w->trace, "2t2");
    loop_timer_destroy(second);
}

static void repeat(void *arg)
{
    struct world *w = arg;

    note(w, 't');
    if (strlen(w->trace) < 3) {
        loop_timer_set(w->timer, 1);
        return;
    }
    loop_timer_destroy(take(w->timer));
    loop_stop(w->loop);
}

static void a_callback_may_rearm_and_destroy_its_timer(void **state)
{
    struct world *w = *state;

    w->timer = loop_timer_create(w->loop, repeat, w);
    loop_timer_set(w->timer, 0);
    loop_run(w->loop);
    assert_string_equal(w->trace, "ttt");
    assert_null(w->timer);
}

static void on_signal(void *arg, int number)
{
    struct world *w = arg;

    w->signal = number;
    loop_stop(w->loop);
}

static void stop_signals_are_caught(void **state)
{
    struct world *w = *state;

    loop_on_stop_signal(w->loop, on_signal, w);
    raise(SIGTERM);
    loop_run(w->loop);
    assert_int_equal(w->signal, SIGTERM);
    raise(SIGINT);
    loop_run(w->loop);
    assert_int_equal(w->signal, SIGINT);
}

static void a_write_to_nobody_is_an_error_and_no_death(void **state)
{
    int pair[2];

    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
    close(pair[1]);
    assert_int_equal(write(pair[0], "x", 1), -1);
    close(pair[0]);
}

static void the_wall_clock_is_about_right(void **state)
{
    struct world *w = *state;

    assert_in_range(loop_wall(w->loop), time(NULL) - 5, time(NULL));
}

/* The others are sampled once per turn. */
static void boottime_goes_on_within_a_turn(void **state)
{
    struct world *w = *state;
    struct timespec boottime;
    int64_t began = loop_boottime(w->loop);

    clock_gettime(CLOCK_BOOTTIME, &boottime);
    assert_in_range(began, boottime.tv_sec * 1000 - 5000, boottime.tv_sec * 1000 + 999);
    while (loop_boottime(w->loop) == began)
        ;
    assert_in_range(loop_boottime(w->loop) - began, 1, 5000);
}

static void nothing_at_all_is_destroyed_quietly(void **state)
{
    (void)state;
    loop_destroy(NULL);
    loop_timer_destroy(NULL);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_hook_sees_what_a_timer_recorded),
        TEST(a_wake_up_runs_the_hook_once),
        TEST(timers_are_set_anew_and_disarmed),
        TEST(a_callback_may_rearm_and_destroy_its_timer),
        TEST(stop_signals_are_caught),
        TEST(a_write_to_nobody_is_an_error_and_no_death),
        TEST(the_wall_clock_is_about_right),
        TEST(boottime_goes_on_within_a_turn),
        TEST(nothing_at_all_is_destroyed_quietly),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
