/* One story, in this process or in another one. */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/mem.h"
#include "tests/sim/driver.h"
#include "tests/sim/story.h"

void figures_add(struct figures *sum, const struct figures *more)
{
    uint64_t *to = (uint64_t *)sum;
    const uint64_t *from = (const uint64_t *)more;

    for (size_t i = 0; i < sizeof(*sum) / sizeof(*to); i++)
        to[i] += from[i];
}

void outcome_here(const struct plan *plan, int telling, struct outcome *ret)
{
    *ret = (struct outcome){0};
    story_tell(plan, telling, ret);
}

void outcome_apart(const struct plan *plan, int telling, struct outcome *ret)
{
    struct outcome *shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    int status = 0;

    fflush(stdout);
    pid_t pid = fork();
    if (pid < 0 || shared == MAP_FAILED)
        abort();
    if (pid == 0) {
        outcome_here(plan, telling, shared);
        fflush(stdout);
        _exit(0);
    }
    waitpid(pid, &status, 0);
    *ret = *shared;
    munmap(shared, sizeof(*shared));
    if (status != 0) {
        snprintf(ret->property, sizeof(ret->property), "crash");
        snprintf(ret->text, sizeof(ret->text), "the process has died (status %#x)", (unsigned)status);
    }
}
