/* Three handles of libuv, for the process and its two pipes, close in any order; the last one tells the end.
 *
 *   process_start ─► RUNNING ──exit code──► EXITED ──all closed──► ENDED: done, freed
 *         │             └──process_cancel──► CANCELLED ──all closed──► ENDED: freed
 *         └──cannot──► EXITED ──process_cancel──┘ */
#include "net/process.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <uv.h>

#include "base/buf.h"
#include "base/machine.h"
#include "base/mem.h"
#include "net/loop.h"

enum { TAIL_MAX = 200, CHUNK = 4096 };

enum process_state { PROCESS_RUNNING, PROCESS_EXITED, PROCESS_CANCELLED, PROCESS_ENDED };

struct process {
    enum process_state state;
    struct loop *loop;
    uv_process_t uv;
    uv_pipe_t out, err;
    int open;                    /* handles that are not closed yet                     */
    struct loop_timer *deadline; /* NULL when it could not be started                   */
    int64_t timeout_ms;
    void (*done)(void *arg, const struct process_end *end);
    void *arg;
    struct buf text;         /* of stdout                                           */
    char tail[TAIL_MAX + 1]; /* the last of stderr                                  */
    size_t tail_len;
    struct err failure; /* what is known before the exit code                  */
    int64_t code;
    int signal;
    char chunk[CHUNK];
};

static void process_enter(struct process *p, enum process_state to)
{
    static const char *const names[] = {[PROCESS_RUNNING] = "running",
                                        [PROCESS_EXITED] = "exited",
                                        [PROCESS_CANCELLED] = "cancelled",
                                        [PROCESS_ENDED] = "ended"};
    static const unsigned next[] = {
        [PROCESS_RUNNING] = MACHINE_TO(PROCESS_EXITED) | MACHINE_TO(PROCESS_CANCELLED),
        [PROCESS_EXITED] = MACHINE_TO(PROCESS_CANCELLED) | MACHINE_TO(PROCESS_ENDED),
        [PROCESS_CANCELLED] = MACHINE_TO(PROCESS_ENDED),
        [PROCESS_ENDED] = 0,
    };
    static const struct machine machine = MACHINE("process", names, next);

    machine_step(&machine, p->state, to);
    p->state = to;
}

static void kill_group(struct process *p)
{
    if (p->state == PROCESS_RUNNING)
        kill(-uv_process_get_pid(&p->uv), SIGKILL);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The end */

/* One line of what it said last. */
static const char *complaint(struct process *p)
{
    for (char *c = p->tail; *c; c++) {
        if ((unsigned char)*c < ' ')
            *c = ' ';
    }
    const char *start = p->tail + strspn(p->tail, " ");
    for (size_t len = strlen(start); len && start[len - 1] == ' '; len--)
        p->tail[start - p->tail + (ptrdiff_t)len - 1] = '\0';
    return start;
}

static struct err error_of_process(struct process *p)
{
    struct err err = p->failure;
    const char *said = complaint(p);

    if (err.kind == ERR_NONE && p->signal)
        err_set(&err, ERR_RETRY, "ProgramFailed", "killed by signal %d", p->signal);
    else if (err.kind == ERR_NONE && p->code)
        err_set(&err, ERR_RETRY, "ProgramFailed", "exit code %lld", (long long)p->code);
    if (err.kind != ERR_NONE && *said) {
        size_t len = strlen(err.text);
        snprintf(err.text + len, sizeof(err.text) - len, ": %s", said);
    }
    return err;
}

static void finish_process(struct process *p)
{
    bool cancelled = p->state == PROCESS_CANCELLED;

    process_enter(p, PROCESS_ENDED);
    if (!cancelled) {
        const struct process_end end = {.out = p->text.data, .len = p->text.len, .err = error_of_process(p)};
        p->done(p->arg, &end);
        loop_wake(p->loop);
    }
    loop_timer_destroy(p->deadline);
    buf_finish(&p->text);
    free(p);
}

static void on_closed(uv_handle_t *handle)
{
    struct process *p = handle->data;

    assert(p->open > 0);
    if (--p->open == 0)
        finish_process(p);
}

static void close_process_handle(uv_handle_t *handle)
{
    if (!uv_is_closing(handle))
        uv_close(handle, on_closed);
}

static void close_all(struct process *p)
{
    close_process_handle((uv_handle_t *)&p->uv);
    close_process_handle((uv_handle_t *)&p->out);
    close_process_handle((uv_handle_t *)&p->err);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What it does */

static void on_exit_code(uv_process_t *uv, int64_t code, int signal)
{
    struct process *p = uv->data;

    if (p->state == PROCESS_RUNNING)
        process_enter(p, PROCESS_EXITED);
    p->code = code;
    p->signal = signal;
    close_process_handle((uv_handle_t *)uv);
}

static void lend_chunk(uv_handle_t *handle, size_t suggested, uv_buf_t *ret)
{
    struct process *p = handle->data;

    (void)suggested;
    *ret = uv_buf_init(p->chunk, sizeof(p->chunk));
}

static void on_out(uv_stream_t *pipe, ssize_t len, const uv_buf_t *chunk)
{
    struct process *p = pipe->data;

    if (len > 0 && !buf_add(&p->text, chunk->base, (size_t)len)) {
        err_set(&p->failure, ERR_RETRY, "OutputTooLarge", "it printed more than %zu bytes", p->text.max);
        kill_group(p);
    }
    if (len < 0 || p->failure.kind != ERR_NONE)
        close_process_handle((uv_handle_t *)pipe);
}

static void keep_tail(struct process *p, const char *text, size_t len)
{
    if (len > TAIL_MAX) {
        text += len - TAIL_MAX;
        len = TAIL_MAX;
    }
    size_t drop = p->tail_len + len > TAIL_MAX ? p->tail_len + len - TAIL_MAX : 0;
    memmove(p->tail, p->tail + drop, p->tail_len - drop);
    p->tail_len -= drop;
    memcpy(p->tail + p->tail_len, text, len);
    p->tail_len += len;
    p->tail[p->tail_len] = '\0';
}

static void on_err(uv_stream_t *pipe, ssize_t len, const uv_buf_t *chunk)
{
    if (len > 0)
        keep_tail(pipe->data, chunk->base, (size_t)len);
    else if (len < 0)
        close_process_handle((uv_handle_t *)pipe);
}

/* A child of its own that left the group may hold the pipes: they are not waited for. */
static void on_deadline(void *arg)
{
    struct process *p = arg;

    err_set(&p->failure, ERR_RETRY, "ProgramTimeout", "it had not ended after %lld ms", (long long)p->timeout_ms);
    kill_group(p);
    close_process_handle((uv_handle_t *)&p->out);
    close_process_handle((uv_handle_t *)&p->err);
}

/* ---------------------------------------------------------------------------------------------------------------------
 */

static int spawn(struct process *p, const struct process_request *request)
{
    const int to_us = UV_CREATE_PIPE | UV_WRITABLE_PIPE;
    uv_stdio_container_t stdio[] = {
        {.flags = UV_IGNORE},
        {.flags = to_us, .data.stream = (uv_stream_t *)&p->out},
        {.flags = to_us, .data.stream = (uv_stream_t *)&p->err},
    };
    const uv_process_options_t options = {
        .exit_cb = on_exit_code,
        .file = request->argv[0],
        .args = (char **)request->argv,
        .env = (char **)request->env,
        .flags = UV_PROCESS_DETACHED,
        .stdio_count = ARRAY_LEN(stdio),
        .stdio = stdio,
    };

    return uv_spawn(loop_uv(p->loop), &p->uv, &options);
}

struct process *process_start(struct loop *loop, const struct process_request *request)
{
    assert(request->argv[0] && request->timeout_ms > 0 && request->done);
    struct process *p = mem_alloc(sizeof(*p));

    *p = (struct process){
        .loop = loop, .open = 3, .timeout_ms = request->timeout_ms, .done = request->done, .arg = request->arg};
    p->uv.data = p->out.data = p->err.data = p;
    buf_init(&p->text, request->out_max);
    uv_pipe_init(loop_uv(loop), &p->out, 0);
    uv_pipe_init(loop_uv(loop), &p->err, 0);
    int result = spawn(p, request);
    if (result != 0) {
        process_enter(p, PROCESS_EXITED);
        err_set(&p->failure, ERR_RETRY, "ProgramNotFound", "%s", uv_strerror(result));
        close_all(p);
        return p;
    }
    p->deadline = loop_timer_create(loop, on_deadline, p);
    loop_timer_set(p->deadline, request->timeout_ms);
    uv_read_start((uv_stream_t *)&p->out, lend_chunk, on_out);
    uv_read_start((uv_stream_t *)&p->err, lend_chunk, on_err);
    return p;
}

/* The exit is waited for here, because the loop may end before it could be told of it: after SIGKILL that is soon. */
void process_cancel(struct process *p)
{
    if (!p)
        return;
    if (p->state == PROCESS_RUNNING) {
        kill_group(p);
        waitpid(uv_process_get_pid(&p->uv), NULL, 0);
    }
    process_enter(p, PROCESS_CANCELLED);
    loop_timer_destroy(take(p->deadline));
    close_all(p);
}
