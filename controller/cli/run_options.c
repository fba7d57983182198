#include "cli/run_options.h"

#include <ctype.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/followed.h"
#include "base/mem.h"
#include "base/options.h"
#include "base/time.h"
#include "cli/cli.h"
#include "net/http.h"
#include "runner/names.h"
#include "runner/namespaces.h"
#include "runner/render.h"

/* ADDRESS:PORT, an IPv6 address in brackets; without an address, all of them. */
static bool read_listen(const char *value, char *address, size_t size, int *ret_port)
{
    const char *colon = strrchr(value, ':');
    long port;

    if (!colon || !option_whole(colon + 1, 1, UINT16_MAX, &port) || (size_t)(colon - value) >= size)
        return false;
    bool bracketed = value[0] == '[' && colon > value + 1 && colon[-1] == ']';
    snprintf(address, size, "%.*s", (int)(colon - value) - 2 * bracketed, value + bracketed);
    *ret_port = (int)port;
    return true;
}

static bool parse_listen(const char *value, void *field)
{
    struct run_options *o = field;

    return read_listen(value, o->address, sizeof(o->address), &o->port);
}

static bool parse_page_address(const char *value, void *field)
{
    struct run_options *o = field;

    return read_listen(value, o->page_address, sizeof(o->page_address), &o->page_port);
}

/* It is read again when it changes, so all that counts is that it is there. */
static bool parse_readable(const char *value, void *field)
{
    return access(value, R_OK) == 0 && option_text(value, field);
}

static bool parse_bool(const char *value, void *field)
{
    *(bool *)field = strcmp(value, "true") == 0;
    return *(bool *)field || strcmp(value, "false") == 0;
}

/* A duration, such as "2s" or "1m30s", or seconds without a unit, as milliseconds; up to an hour. */
static bool parse_duration(const char *value, void *field)
{
    char seconds[32];
    int64_t ns, *ms = field;

    snprintf(seconds, sizeof(seconds), "%ss", value);
    if (!duration_parse(value, &ns) && !duration_parse(seconds, &ns))
        return false;
    *ms = ns / 1000000;
    return *ms > 0 && *ms <= 3600 * 1000;
}

static bool parse_namespaces(const char *value, void *field)
{
    return namespaces_are_valid(value) && option_text(value, field);
}

static bool parse_secrets(const char *value, void *field)
{
    *(bool *)field = strcmp(value, "referenced") == 0;
    return *(bool *)field || strcmp(value, "all") == 0;
}

static bool parse_levels(const char *value, void *field)
{
    return log_levels_parse(value, field);
}

static bool parse_format(const char *value, void *field)
{
    *(bool *)field = strcmp(value, "json") == 0;
    return *(bool *)field || strcmp(value, "text") == 0;
}

static bool parse_proxy(const char *value, void *field)
{
    return egress_proxy_is_good(value) && option_text(value, field);
}

static bool parse_no_proxy(const char *value, void *field)
{
    return egress_list_is_good(value) && option_text(value, field);
}

/* What it holds is never repeated. */
static bool parse_proxy_auth(const char *value, void *field)
{
    struct followed *file = followed_create(value);
    struct err ignored;
    const char *text = followed_text(file, &ignored);
    bool good = text && strchr(text, ':') && !strpbrk(text, "\r\n") && option_text(value, field);

    followed_destroy(file);
    return good;
}

static bool parse_proxy_ca(const char *value, void *field)
{
    struct followed *file = followed_create(value);
    struct err ignored;
    const char *pem = followed_text(file, &ignored);
    bool good = pem && http_tls_is_valid(&(struct http_tls){.ca_pem = pem}) && option_text(value, field);

    followed_destroy(file);
    return good;
}

static bool parse_number(const char *value, long least, long most, unsigned *ret)
{
    long number;
    bool good = option_whole(value, least, most, &number);

    *ret = good ? (unsigned)number : *ret;
    return good;
}

static bool parse_concurrency(const char *value, void *field)
{
    return parse_number(value, 1, 1000, field);
}

static bool parse_kept_mib(const char *value, void *field)
{
    return parse_number(value, 8, 2000, field);
}

#define AT(member) offsetof(struct run_options, member)

/* clang-format off */
static const struct option_row rows[] = {
    {0, "kubeconfig", "FILE", "how to reach the cluster (default: $KUBECONFIG, in-cluster, ~/.kube/config)",
     option_text, AT(kubeconfig), NULL},
    {0, "context", "NAME", "a context of the kubeconfig", option_text, AT(context), NULL},
    {0, "listen", "ADDRESS:PORT", "/healthz, /readyz, /metrics (default: :8080)",
     parse_listen, 0, "ADDRESS:PORT or :PORT"},
    {0, "debug-port", "PORT", "fleet page and /debug/state, on 127.0.0.1 (::1) alone; 0: none (default: 6060)",
     option_port, AT(debug_port), "a port from 1 to 65535, or 0"},
    {0, "metrics-auth", NULL, "show /metrics to those alone whom the API server lets read it, by bearer token",
     option_flag, AT(metrics_auth), NULL},
    {0, "page-auth", NULL, "the fleet page also at --page-address, for who may list gitlabrunners, by bearer token",
     option_flag, AT(page_auth), NULL},
    {0, "page-address", "ADDRESS:PORT", "where (default: 127.0.0.1:8081); by http a token is seen by who is between",
     parse_page_address, 0, "ADDRESS:PORT or :PORT"},
    {0, "page-tls-cert", "FILE", "PEM, its certificate: without, the address must be 127.0.0.1 or ::1",
     parse_readable, AT(page_tls_cert), "a file that can be read"},
    {0, "page-tls-key", "FILE", "PEM, the key; both are read again when they change",
     parse_readable, AT(page_tls_key), "a file that can be read"},
    {0, "metrics-per-runner", NULL, "in /metrics also series of each runner, of up to 1000 (docs/metrics.md)",
     option_flag, AT(metrics_per_runner), NULL},
    {0, "manager-image", "IMAGE", "where spec.manager.image is not given (default: " DEFAULT_MANAGER_IMAGE ")",
     option_text, AT(manager_image), NULL},
    {0, "namespace", "NAME,...", "serve these namespaces alone, with no rights elsewhere (default: all)",
     parse_namespaces, AT(namespaces), "different names of namespaces, separated by commas"},
    {0, "secrets", "all|referenced", "referenced: read those that specs name, list none (default: all)",
     parse_secrets, AT(secrets_by_name), "all or referenced"},
    {0, "memory-for-objects", "MIB", "beyond it runners are left out (default: 44, some 10,000 usual ones)",
     parse_kept_mib, AT(kept_mib), "a number from 8 to 2000"},
    {0, "leader-elect", "true|false", "act only while holding the Lease " LEASE_NAME " (default: true)",
     parse_bool, AT(leader_elect), "true or false"},
    {0, "leader-election-namespace", "NAME", "of Lease and orphans (default: the kubeconfig's or the pod's)",
     option_text, AT(lease_namespace), NULL},
    {0, "leader-election-lease-duration", "TIME", "others wait so long for a silent leader (default: 15s)",
     parse_duration, AT(lease.duration_ms), "seconds, such as 15s"},
    {0, "leader-election-renew-deadline", "TIME", "a leader that cannot renew stops after it (default: 10s)",
     parse_duration, AT(lease.renew_ms), "seconds, such as 10s"},
    {0, "leader-election-retry-period", "TIME", "between renewals; each is one write (default: 2s)",
     parse_duration, AT(lease.retry_ms), "seconds, such as 2s"},
    {0, "log-level", "LEVEL,...", "error, warn, info, debug, of one part COMPONENT=LEVEL (default: info)",
     parse_levels, AT(levels), "error, warn, info or debug, for one part COMPONENT=LEVEL; components: " LOG_COMPONENTS},
    {0, "gitlab-concurrency", "N", "calls in flight to one GitLab host, of which a namespace alone gets half (default: 16)",
     parse_concurrency, AT(gitlab.concurrency), "a number from 1 to 1000"},
    {0, "allowed-gitlab-hosts", "LIST", "names or patterns, such as 'gitlab.example.com,*.example.org:8443' (default: any)",
     option_text, AT(gitlab.policy.allowed_hosts), NULL},
    {0, "gitlab-proxy", "URL", "call GitLab, and nothing else, through this proxy (default: directly)",
     parse_proxy, AT(gitlab.egress.proxy), "http://HOST:PORT or https://HOST:PORT; user and password go into a file"},
    {0, "gitlab-proxy-auth-file", "FILE", "holds user:password for the proxy; may be replaced as we run",
     parse_proxy_auth, AT(gitlab.egress.auth_file), "a file that can be read and holds user:password"},
    {0, "gitlab-proxy-ca-file", "FILE", "PEM, whom to trust for the certificate of an https proxy (default: the system's)",
     parse_proxy_ca, AT(gitlab.egress.ca_file), "a file that can be read and holds certificates in PEM"},
    {0, "gitlab-no-proxy", "LIST", "call these directly: names, .domains, addresses, ranges (10.0.0.0/8), with :PORT, or *",
     parse_no_proxy, AT(gitlab.egress.no_proxy), "names, addresses and ranges, separated by commas"},
    {0, "require-https", NULL, "call no http:// URL", option_flag, AT(gitlab.policy.require_https), NULL},
    {0, "allow-loopback", NULL, "for development: GitLab may be at 127.0.0.1 or ::1",
     option_flag, AT(gitlab.policy.allow_loopback), NULL},
    {0, "log-format", "FORMAT", "json, text (default: json)", parse_format, AT(json), "json or text"},
};
/* clang-format on */

static void run_usage(FILE *out)
{
    const struct option_table table = {rows, ARRAY_LEN(rows), NULL};

    fputs("Usage: gitlab-runner-controller run [OPTION...]\n\n"
          "Watches GitLabRunner objects, registers runners and reconciles their managers.\n\n",
          out);
    options_help(&table, 1, out);
    fputs("\nSIGTERM finishes what is in flight and exits with 0; a second one exits at once.\n", out);
}

/* A token is for whoever sends it, and for us. */
static bool check_page(const struct run_options *o)
{
    bool tls = o->page_tls_cert && o->page_tls_key,
         loopback = strcmp(o->page_address, "127.0.0.1") == 0 || strcmp(o->page_address, "::1") == 0;

    if (!o->page_tls_cert != !o->page_tls_key)
        fputs("run: --page-tls-cert and --page-tls-key go together\n", stderr);
    else if (o->page_auth && !tls && !loopback)
        fputs("run: --page-address: without --page-tls-cert it must be on 127.0.0.1 or ::1, or tokens are seen on the "
              "way\n",
              stderr);
    else
        return true;
    return false;
}

static bool check_timing(const struct run_options *o)
{
    struct err err;

    if (!o->leader_elect || lease_timing_is_valid(&o->lease, &err))
        return true;
    fprintf(stderr, "run: leader election: %s\n", err.text);
    return false;
}

static void set_defaults(struct run_options *ret)
{
    *ret = (struct run_options){.port = 8080,
                                .debug_port = 6060,
                                .page_address = "127.0.0.1",
                                .page_port = 8081,
                                .manager_image = DEFAULT_MANAGER_IMAGE,
                                .leader_elect = true,
                                .lease = {.duration_ms = 15 * 1000, .renew_ms = 10 * 1000, .retry_ms = 2 * 1000},
                                .levels = {.others = LOG_INFO},
                                .json = true,
                                .identity = "unknown"};
    gethostname(ret->identity, sizeof(ret->identity) - 1);
}

int run_options_parse(struct run_options *ret, int argc, char **argv)
{
    const struct option_table table = {rows, ARRAY_LEN(rows), ret};
    int first = argc;

    set_defaults(ret);
    enum options_outcome outcome = options_read(&table, 1, argc, argv, &first);
    if (outcome != OPTIONS_GOOD)
        return run_usage(outcome == OPTIONS_HELP ? stdout : stderr), outcome == OPTIONS_HELP ? EXIT_OK : EXIT_USAGE;
    if (first == argc)
        return check_timing(ret) && check_page(ret) ? -1 : EXIT_USAGE;
    fprintf(stderr, "run: %s is not an option\n", argv[first]);
    return run_usage(stderr), EXIT_USAGE;
}
