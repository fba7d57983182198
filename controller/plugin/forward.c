#include "plugin/forward.h"

#include <arpa/inet.h>
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "plugin/command.h"
#include "plugin/terminal.h"

enum { ANSWER_S = 5, PAGE_MAX = 1 << 20 };

/* ---------------------------------------------------------------------------------------------------------------------
 * Ports */

/* IPv4 or IPv6; false: it is no address, which kubectl will say. */
static bool address_of(const char *text, int port, struct sockaddr_storage *ret, socklen_t *ret_len)
{
    struct sockaddr_in *four = (struct sockaddr_in *)ret;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)ret;

    memset(ret, 0, sizeof(*ret));
    if (strcmp(text, "localhost") == 0)
        text = "127.0.0.1";
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1) {
        four->sin_family = AF_INET;
        four->sin_port = htons((uint16_t)port);
        *ret_len = sizeof(*four);
        return true;
    }
    six->sin6_family = AF_INET6;
    six->sin6_port = htons((uint16_t)port);
    *ret_len = sizeof(*six);
    return inet_pton(AF_INET6, text, &six->sin6_addr) == 1;
}

/* Binds for a moment. port 0: any. Returns the port, 0: it cannot be had. */
static int try_port(const char *address, int port)
{
    struct sockaddr_storage place;
    socklen_t len;
    int on = 1, fd = -1, got = 0;

    if (!address_of(address, port, &place, &len))
        return port;
    fd = socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
    if (bind(fd, (struct sockaddr *)&place, len) == 0 && getsockname(fd, (struct sockaddr *)&place, &len) == 0)
        got = ntohs(((struct sockaddr_in *)&place)->sin_port); /* at the same place in both kinds */
    close(fd);
    return got;
}

bool forward_is_free(const char *address, int port)
{
    return try_port(address, port) == port;
}

int forward_free_port(const char *address)
{
    return try_port(address, 0);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The child */

enum { ARGS_MAX = 96 };

struct words {
    const char *items[ARGS_MAX + 1];
    size_t len;
};

static void give(struct words *w, const char *word)
{
    assert(w->len < ARGS_MAX);
    w->items[w->len++] = word;
}

static void give_option(struct words *w, const char *name, const char *value)
{
    if (!value)
        return;
    give(w, name);
    give(w, value);
}

static void give_all(struct words *w, const struct forward *f, const struct plugin_call *call, struct arena *a)
{
    const struct plugin_options *o = call->options;

    give(w, "kubectl");
    give_option(w, "--kubeconfig", o->kubeconfig);
    give_option(w, "--context", o->context);
    give_option(w, "--cluster", o->cluster);
    give_option(w, "--user", o->user);
    give_option(w, "--as", o->as);
    for (size_t i = 0; i < o->groups.len && i < ARGS_MAX / 4; i++)
        give_option(w, "--as-group", o->groups.items[i]);
    give(w, "port-forward");
    give_option(w, "--namespace", f->ns);
    give_option(w, "--address", f->address);
    give(w, f->target);
    give(w, arena_printf(a, "%d:%d", f->port, f->remote_port));
}

/* Only what may be called between fork() and exec. Its output is of each connection, and so is much of its errors. */
static void become_kubectl(char *const *argv, pid_t parent, int errors)
{
    int nowhere = open("/dev/null", O_RDWR);

    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent)
        _exit(1);
    signal(SIGPIPE, SIG_DFL);
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    dup2(errors, STDERR_FILENO);
    execvp(argv[0], argv);
    static const char sorry[] = "error: kubectl cannot be run: it has to be in PATH\n";
    _exit(write(STDERR_FILENO, sorry, sizeof(sorry) - 1) > 0 ? 127 : 126);
}

bool forward_start(struct forward *f, const struct plugin_call *call)
{
    cleanup_arena struct arena a = {0};
    struct words words = {.len = 0};
    pid_t parent = getpid();
    int ends[2];

    assert(f->child == 0);
    give_all(&words, f, call, &a);
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) == 0) {
        f->child = fork();
        if (f->child == 0)
            become_kubectl((char *const *)words.items, parent, ends[1]);
        close(ends[1]);
        f->errors = ends[0];
        if (f->child > 0)
            return true;
        close(f->errors);
    }
    fprintf(stderr, "ui: %s\n", strerror(errno));
    f->child = 0;
    return false;
}

/* What it says that ends it, such as a missing right; not what it says of each connection that a browser drops. */
static void pass_errors_on(const struct forward *f)
{
    char text[4096];

    for (ssize_t len; (len = read(f->errors, text, sizeof(text) - 1)) > 0;) {
        cleanup_arena struct arena a = {0};
        text[len] = '\0';
        for (char *rest = text, *line; (line = strsep(&rest, "\n"));)
            if (strncasecmp(line, "error", 5) == 0)
                fprintf(stderr, "ui: kubectl: %s\n", harmless(line, &a));
    }
}

static void forget_child(struct forward *f)
{
    pass_errors_on(f);
    close(f->errors);
    f->child = 0;
}

bool forward_ended(struct forward *f)
{
    if (!f->child)
        return true;
    bool ended = waitpid(f->child, NULL, WNOHANG) == f->child;
    if (ended)
        forget_child(f);
    else
        pass_errors_on(f);
    return ended;
}

void forward_stop(struct forward *f)
{
    if (forward_ended(f))
        return;
    kill(f->child, SIGTERM);
    waitpid(f->child, NULL, 0);
    forget_child(f);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is there */

static int read_status(int fd, int port)
{
    char text[128], answer[64] = "";
    int len = snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nHost: localhost:%d\r\nConnection: close\r\n\r\n", port);
    int status = 0;

    if (send(fd, text, (size_t)len, MSG_NOSIGNAL) != len || recv(fd, answer, sizeof(answer) - 1, MSG_WAITALL) < 12)
        return 0;
    if (sscanf(answer, "HTTP/1.%*d %d", &status) != 1)
        return 0;
    for (size_t total = 0; total < PAGE_MAX && (len = (int)recv(fd, text, sizeof(text), 0)) > 0; total += (size_t)len)
        ; /* to its end: who hangs up before it makes errors at the other end */
    return status;
}

int forward_status(const struct forward *f)
{
    const struct timeval patience = {.tv_sec = ANSWER_S};
    struct sockaddr_storage place;
    socklen_t len;
    int status = 0;

    if (!address_of(f->address, f->port, &place, &len))
        return 0;
    int fd = socket(place.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return 0;
    setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
    if (connect(fd, (struct sockaddr *)&place, len) == 0)
        status = read_status(fd, f->port);
    close(fd);
    return status;
}
