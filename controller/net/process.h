/* A program, run on the loop: no shell, nothing to read from, its output bounded, ended when it takes too long.
 *
 * It leads a process group of its own, which is killed as a whole. Of our environment it gets what the caller hands
 * on. */
#ifndef NET_PROCESS_H
#define NET_PROCESS_H

#include <stddef.h>
#include <stdint.h>

#include "base/err.h"

struct loop;
struct process;

struct process_end {
    const char *out; /* what it printed: len bytes and a NUL */
    size_t len;
    /* ERR_NONE: it ended with exit code 0. Else ERR_RETRY with reason ProgramNotFound, ProgramFailed, ProgramTimeout or
     * OutputTooLarge; the text tells the exit code, and the last that it said on stderr. */
    struct err err;
};

struct process_request {
    const char *const *argv; /* argv[0]: a path, or a name that the PATH of env finds; ended by NULL */
    const char *const *env;  /* "NAME=value", ended by NULL                                          */
    int64_t timeout_ms;
    size_t out_max;
    /* Called once, never from within process_start(); not after process_cancel(). The end is valid during the call. */
    void (*done)(void *arg, const struct process_end *end);
    void *arg;
};

/* Everything in *request is copied. */
struct process *process_start(struct loop *loop, const struct process_request *request);
/* Kills it; done is not called. */
void process_cancel(struct process *process);

#endif
