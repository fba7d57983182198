/* `ui`: the operator's page, brought to this machine. */
#include <assert.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/mem.h"
#include "plugin/command.h"
#include "plugin/forward.h"
#include "plugin/installation.h"
#include "plugin/session.h"
#include "plugin/terminal.h"

enum { PORT = 8642, DEBUG_PORT = 6060, TRIES = 50, TRY_MS = 200, LOOK_MS = 500, CALL_MS = 5000 };

/* Where install.yaml puts it. */
#define NAMESPACE "gitlab-runner-system"

struct ui_options {
    int port;
    const char *address;
    bool no_browser;
};

/* The pod that leads; where that is not seen, any of the Deployment's; where that is not seen, where it usually is. */
static bool find_page(struct plugin_call *call, struct forward *f)
{
    const char *wanted = call->options->namespace;
    const struct installation *found = NULL;
    struct installations all;

    installations_find(call, &all);
    for (size_t i = 0; i < all.len && !found; i++)
        if (!wanted || strcmp(all.items[i].ns, wanted) == 0)
            found = &all.items[i];
    if (!found && !call->not_seen_len) {
        fprintf(stderr, "ui: there is no operator%s%s\n", wanted ? " in " : " in this cluster", wanted ? wanted : "");
        return false;
    }
    f->ns = found ? found->ns : wanted ? wanted : NAMESPACE;
    f->remote_port = found ? found->debug_port : DEBUG_PORT;
    f->target = found && *found->holder ? arena_printf(call->a, "pod/%s", found->holder)
                                        : arena_printf(call->a, "deployment/%s", found ? found->name : OPERATOR_NAME);
    if (found && !found->debug_port)
        fprintf(stderr, "ui: %s/%s runs with --debug-port=0, so it has no page\n", harmless(f->ns, call->a),
                harmless(found->name, call->a));
    return f->remote_port != 0;
}

/* The usual port, so that a page that is open comes back; another one where somebody else has it. */
static bool choose_port(const struct ui_options *o, struct forward *f)
{
    f->address = o->address ? o->address : "127.0.0.1";
    f->port = o->port ? o->port : PORT;
    if (forward_is_free(f->address, f->port))
        return true;
    if (o->port) {
        fprintf(stderr, "ui: somebody listens on port %d already: give another --port\n", o->port);
        return false;
    }
    f->port = forward_free_port(f->address);
    return f->port != 0;
}

/* The status of the page's answer; 0: nobody answers. */
static int await_page(struct plugin_call *call, struct forward *f)
{
    int status = 0;

    assert(f->child && f->port && f->remote_port);
    for (int i = 0; i < TRIES && !status && !forward_ended(f) && !session_interrupted(call->session); i++) {
        session_sleep(call->session, TRY_MS);
        status = forward_status(f);
    }
    return status;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The browser */

static void open_browser(const char *url)
{
    static const char *const programs[] = {"xdg-open", "open"};

    if (fork() != 0)
        return;
    int nowhere = open("/dev/null", O_RDWR);
    setsid();
    dup2(nowhere, STDIN_FILENO);
    dup2(nowhere, STDOUT_FILENO);
    dup2(nowhere, STDERR_FILENO);
    for (size_t i = 0; i < ARRAY_LEN(programs); i++)
        execlp(programs[i], programs[i], url, (char *)NULL);
    _exit(127);
}

/* Somebody sits before it. */
static bool has_screen(void)
{
    return terminal_of(stderr).tty && (getenv("DISPLAY") || getenv("WAYLAND_DISPLAY"));
}

static void tell_url(const struct plugin_call *call, const struct ui_options *o, const struct forward *f)
{
    bool six = strchr(f->address, ':') != NULL;
    const char *url = arena_printf(call->a, "http://%s%s%s:%d/", six ? "[" : "", f->address, six ? "]" : "", f->port);

    printf("%s\n", url);
    fflush(stdout);
    fputs("ctrl-c ends\n", stderr);
    if (!o->no_browser && has_screen())
        open_browser(url);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The command */

/* False: it cannot go on, which has been said. */
static bool open_way(struct plugin_call *call, struct forward *f, enum plugin_exit *code)
{
    int status = forward_start(f, call) ? await_page(call, f) : 0;

    *code = status == 404 ? EXIT_FINDING : EXIT_COULD_NOT;
    if (status == 404)
        fputs("ui: this operator is of a version that has no page yet: upgrade it\n", stderr);
    else if (!status && !session_interrupted(call->session))
        fprintf(stderr, "ui: %s in %s does not answer\n", harmless(f->target, call->a), harmless(f->ns, call->a));
    if (status && status != 404)
        return true;
    forward_stop(f);
    return false;
}

/* kubectl ends when it sees that the pod has gone, which it does when somebody calls; and it may hang for good. */
static bool is_lost(struct forward *f, int64_t *looks)
{
    if (forward_ended(f))
        return true;
    return ++*looks % (CALL_MS / LOOK_MS) == 0 && !forward_status(f) && !forward_status(f);
}

/* Until somebody ends us: when the pod goes, the next one that leads takes its place. */
static void keep_way(struct plugin_call *call, struct forward *f)
{
    enum plugin_exit ignored;
    int64_t looks = 0;

    while (session_sleep(call->session, LOOK_MS)) {
        if (!is_lost(f, &looks))
            continue;
        fputs("ui: the way to the operator is lost, it is looked for again\n", stderr);
        forward_stop(f);
        call->not_seen_len = 0;
        if (session_sleep(call->session, LOOK_MS) && find_page(call, f))
            open_way(call, f, &ignored);
    }
    forward_stop(f);
}

static enum plugin_exit run_ui(struct plugin_call *call)
{
    const struct ui_options *o = call->own;
    struct forward f = {.child = 0};
    enum plugin_exit code;

    session_catch_interrupt(call->session);
    if (!find_page(call, &f))
        return EXIT_FINDING;
    call->not_seen_told = true; /* it was guessed; if that is wrong, it is said */
    call->not_seen_len = 0;
    if (!choose_port(o, &f))
        return EXIT_COULD_NOT;
    if (!open_way(call, &f, &code))
        return code;
    tell_url(call, o, &f);
    keep_way(call, &f);
    return EXIT_GOOD;
}

#define AT(member) offsetof(struct ui_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {0, "port", "PORT", "here (default: 8642, or any where that is taken)", option_port, AT(port), "a port"},
    {0, "address", "ADDRESS", "to listen on here (default: 127.0.0.1); whoever reaches it sees the page",
     option_text, AT(address), NULL},
    {0, "no-browser", NULL, "open none", option_flag, AT(no_browser), NULL},
};
/* clang-format on */

const struct plugin_command ui_command = {
    .name = "ui",
    .summary = "the fleet page, in the browser",
    .about = "Brings the operator's page to this machine, by kubectl port-forward, and opens it in the browser.\n"
             "With -n that of the operator in this namespace. Prints the address, and goes on until ctrl-c; when the "
             "operator's pod goes, the next one takes its place.",
    .example = "ui\nui --port 9000 --no-browser",
    .rights = "create pods/portforward and get pods in the operator's namespace;\n"
              "to find it: list deployments.apps, list leases.coordination.k8s.io",
    .rows = rows,
    .rows_len = ARRAY_LEN(rows),
    .own_size = sizeof(struct ui_options),
    .run = run_ui,
};
