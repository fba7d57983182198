/* What may follow does; anything else ends the program, and says which machine took which step. */
#include "golden.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/machine.h"

enum door { OPEN, SHUT, LOCKED };

static const char *const doors[] = {[OPEN] = "open", [SHUT] = "shut", [LOCKED] = "locked"};
static const unsigned next[] = {
    [OPEN] = MACHINE_TO(SHUT),
    [SHUT] = MACHINE_TO(OPEN) | MACHINE_TO(LOCKED),
    [LOCKED] = MACHINE_TO(SHUT),
};
static const struct machine door = MACHINE("door", doors, next);

static void goes_where_it_may(void **state)
{
    (void)state;
    machine_step(&door, OPEN, SHUT);
    machine_step(&door, SHUT, LOCKED);
    machine_step(&door, LOCKED, SHUT);
    machine_step(&door, SHUT, OPEN);
}

static void dies_of(unsigned from, unsigned to, const char *said)
{
    char text[1000] = "";
    int pipes[2], status;

    assert_int_equal(pipe(pipes), 0);
    pid_t child = fork();
    if (child == 0) {
        signal(SIGABRT, SIG_DFL);
        dup2(pipes[1], STDERR_FILENO);
        machine_step(&door, from, to);
        _exit(0);
    }
    close(pipes[1]);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(read(pipes[0], text, sizeof(text) - 1) > 0);
    close(pipes[0]);
    assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT);
    assert_non_null(strstr(text, said));
}

static void dies_of_any_other_step(void **state)
{
    (void)state;
    dies_of(OPEN, LOCKED, "\"machine\":\"door\",\"from\":\"open\",\"to\":\"locked\"");
    dies_of(OPEN, OPEN, "\"from\":\"open\",\"to\":\"open\"");
    dies_of(LOCKED, OPEN, "\"from\":\"locked\",\"to\":\"open\"");
    dies_of(SHUT, 7, "\"to\":\"none of its states\"");
    dies_of(31, SHUT, "\"from\":\"none of its states\"");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(goes_where_it_may),
        cmocka_unit_test(dies_of_any_other_step),
    };

    return cmocka_run_group_tests_name("machine", tests, NULL, NULL);
}
