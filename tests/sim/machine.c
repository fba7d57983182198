/* What the program asks the machine for: random numbers come from the story, and there are no programs and no ports. */
#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#include "net/process.h"
#include "net/serve.h"
#include "tests/sim/sim_parts.h"

int RAND_bytes(unsigned char *bytes, int len);
int malloc_trim(size_t pad);

static void fill(void *bytes, size_t len)
{
    struct sim *sim = sim_current();

    for (size_t at = 0; at < len; at += sizeof(uint64_t)) {
        uint64_t number = sim ? sim_random(sim) : 0;
        size_t left = len - at;
        memcpy((char *)bytes + at, &number, left < sizeof(number) ? left : sizeof(number));
    }
}

ssize_t getrandom(void *bytes, size_t len, unsigned flags)
{
    (void)flags;
    fill(bytes, len);
    return (ssize_t)len;
}

int RAND_bytes(unsigned char *bytes, int len)
{
    fill(bytes, (size_t)len);
    return 1;
}

/* The heap is the simulation's own affair. */
int malloc_trim(size_t pad)
{
    (void)pad;
    return 0;
}

struct process *process_start(struct loop *loop, const struct process_request *request)
{
    (void)loop, (void)request;
    abort();
}

void process_cancel(struct process *process)
{
    (void)process;
    abort();
}

bool serve_parameter(const struct serve_request *request, const char *name, char *ret, size_t size)
{
    (void)request, (void)name;
    assert(size > 0);
    *ret = '\0';
    return false;
}
