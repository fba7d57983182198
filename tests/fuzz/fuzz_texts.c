/* Small texts that come as parts of larger ones: in fields, headers, query strings, annotations and Secrets. The first
 * character chooses who reads it (see readers[]), the lines that follow are what there is to read. What a reader takes
 * keeps what its header promises. */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/digest.h"
#include "base/key.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/time.h"
#include "base/utf8.h"
#include "fuzz.h"
#include "gitlab/egress.h"
#include "gitlab/op.h"
#include "gitlab/policy.h"
#include "kube/version.h"
#include "net/http_tls.h"
#include "net/http_url.h"
#include "net/serve_request.h"
#include "runner/glob.h"
#include "runner/go_syntax.h"
#include "runner/kube_names.h"
#include "runner/namespaces.h"
#include "runner/orphan.h"
#include "runner/token_kind.h"

enum { LINES = 4 };

struct input {
    const char *line[LINES]; /* the last has all that is left; those that are not there are "" */
    struct arena *a;
};

static void expect(bool holds)
{
    if (!holds)
        abort();
}

static const char *or_null(const char *text)
{
    return *text ? text : NULL;
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Text and time */

static void read_prose(const struct input *in)
{
    char *text = arena_strdup(in->a, in->line[0]);

    for (int place = 0; place < CHARSET_COUNT; place++)
        charset_admits((enum charset)place, text);
    charset_is_quoted(text, strlen(text));
    utf8_count(text);
    shown(text, strlen(in->line[1]) % (SHORT_MAX - 3) + 3);
    expect(charset_admits(CHARSET_PROSE, charset_to_prose(arena_strdup(in->a, text))));
    const char *trimmed = charset_trim(arena_strdup(in->a, text));
    expect(strcmp(charset_trim(arena_strdup(in->a, trimmed)), trimmed) == 0);
    const char *kept = utf8_keep(arena_strdup(in->a, text));
    for (size_t len; *kept; kept += len)
        expect((len = utf8_len(kept)) > 0);
}

static void read_time(const struct input *in)
{
    int64_t at = time_parse(in->line[0]), day = day_parse(in->line[0]), ns;

    expect(at < 0 || time_parse(time_format(at, in->a)) == at);
    expect(day % 86400 == 0 || day == -1);
    duration_parse(in->line[0], &ns);
    age_text(at, in->a);
}

static void read_base64(const struct input *in)
{
    size_t len, len_again;
    const char *bytes = base64_decode(in->line[0], &len, in->a);

    if (!bytes)
        return;
    const char *encoded = base64_encode(bytes, len, in->a), *again = base64_decode(encoded, &len_again, in->a);
    expect(strlen(encoded) == strlen(in->line[0]) && len_again == len && memcmp(again, bytes, len) == 0);
}

static void read_key(const struct input *in)
{
    struct key key;

    if (key_parse(in->line[0], &key) && *key.kind)
        expect(strcmp(key_text(key.kind, key.ns, key.name).text, in->line[0]) == 0);
    key_path(in->line[0]);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What Go's libraries read as well */

static void read_glob(const struct input *in)
{
    if (glob_is_valid(in->line[0]))
        glob_matches(in->line[0], in->line[1]);
}

static void read_regexp(const struct input *in)
{
    go_regexp_compiles(in->line[0]);
}

static void read_cron(const struct input *in)
{
    go_cron_parses(in->line[0]);
}

static void read_zone(const struct input *in)
{
    const char *near = go_time_zone_near(in->line[0]);

    go_time_zone_exists(in->line[0]);
    expect(!near || go_time_zone_exists(near));
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Kubernetes */

static void read_name(const struct input *in)
{
    const char *name = in->line[0];
    double value;

    is_dns_subdomain(name);
    expect(!is_label_key(name) || is_annotation_key(name));
    is_label_value(name);
    quantity_parse(name, &value);
}

static void read_version(const struct input *in)
{
    const char *a = in->line[0], *b = in->line[1];

    expect(!kube_version_newer(a, b) || (!kube_version_newer(b, a) && kube_version_valid(a) && kube_version_valid(b)));
}

static void read_namespaces(const struct input *in)
{
    char ns[NAMESPACE_SIZE];

    namespace_lets_in(in->line[0], in->line[1]);
    if (!namespaces_are_valid(in->line[0]))
        return;
    for (const char *at = in->line[0]; namespaces_next(&at, ns);)
        expect(namespaces_have(in->line[0], ns));
}

static void read_orphan(const struct input *in)
{
    struct orphan orphan;
    const struct owner owner = orphan_owner(in->line[0], in->a);

    if (!orphan_parse(in->line[0], &orphan, in->a))
        return;
    orphan_name(&owner, &orphan, in->a);
    orphan_key(&owner, &orphan, in->a);
    const char *text = orphan_text(&owner, &orphan, orphan.since_s, in->a);
    struct orphan again;
    expect(!text || (orphan_parse(text, &again, in->a) && again.runner_id == orphan.runner_id));
}

static void read_token(const struct input *in)
{
    const struct key_ref ref = {.name = "my-gitlab", .key = "token"};

    for (enum authentication mode = AUTH_REGISTRATION_TOKEN; mode <= AUTH_RUNNER_TOKEN; mode++)
        token_complaint(mode, &ref, in->line[0], in->a);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * The network */

static void read_url(const struct input *in)
{
    struct http_url url;
    char host[64];
    struct err err = {0};

    if (http_url_is_valid(in->line[0], host, sizeof(host), &err))
        expect(http_url_parse(in->line[0], NULL, in->a, &url));
    else
        expect(*err.text != '\0');
    http_url_parse(in->line[0], or_null(in->line[1]), in->a, &url);
    page_after(in->line[0], 1);
}

/* A list, a URL, an address, and an API server's URL. */
static void read_policy(const struct input *in)
{
    const char *const servers[] = {in->line[3], NULL};
    const char *address = or_null(in->line[2]);
    struct gitlab_policy policy = {.allowed_hosts = in->line[0], .api_servers = servers};
    struct err err;

    policy_allows_url(&policy, in->line[1], address, &err);
    policy.require_https = policy.allow_loopback = true;
    policy_allows_url(&policy, in->line[1], address, &err);
    policy_allows_through_proxy(&policy, in->line[1], address, &err);
    policy.allow_loopback = false;
    policy_allows_through_proxy(&policy, in->line[1], address, &err);
    const struct sockaddr local = {.sa_family = AF_UNIX};
    expect(policy_refuses_address(&policy, &local) != NULL);
}

/* A list, a URL, an address, and a proxy. */
static void read_egress(const struct input *in)
{
    const struct gitlab_egress egress = {.proxy = or_null(in->line[3]), .no_proxy = or_null(in->line[0])};

    egress_list_is_good(in->line[0]);
    egress_proxy_is_good(in->line[3]);
    egress_is_proxied(&egress, in->line[1], or_null(in->line[2]));
}

/* A query, the field Host, the field Origin, and a path. */
static void read_request(const struct input *in)
{
    static const struct serve_page pages[] = {{.path = "/"}, {.path = "/debug/"}, {.path = "/debug"}, {.path = NULL}};
    const struct serve_request request = {
        .query = in->line[0], .host = or_null(in->line[1]), .origin = or_null(in->line[2]), .fetch_site = NULL};
    const struct serve_request from_site = {.query = "", .host = request.host, .fetch_site = or_null(in->line[2])};
    char value[16];
    const char *below;

    if (serve_parameter(&request, "since", value, sizeof(value)))
        expect(strlen(value) < sizeof(value));
    serve_request_is_local(&request);
    serve_peer_is_local(in->line[1]);
    serve_request_is_same_origin(&request, false);
    serve_request_is_same_origin(&request, true);
    serve_request_is_same_origin(&from_site, true);
    serve_request_page(pages, in->line[3], &below);
}

/* Certificates, a key, or both: all is one text. */
static void read_pem(const struct input *in)
{
    const char *text = in->line[0];

    http_ca_refuses(text);
    http_client_cert_refuses(text, 1800000000, in->a);
    http_client_key_refuses(text, NULL);
    http_client_key_refuses(text, text);
    http_certificates_of(text, NULL, in->a);
    http_certificates_of(text, text, in->a);
    http_tls_is_valid(&(struct http_tls){.ca_pem = text, .client_cert = text, .client_key = text});
}

static const struct {
    char letter;
    int lines;
    void (*read)(const struct input *in);
} readers[] = {
    {'b', 1, read_base64}, {'c', 1, read_cron},    {'e', 4, read_egress},  {'g', 2, read_glob},
    {'i', 1, read_prose},  {'k', 1, read_key},     {'n', 1, read_name},    {'o', 1, read_orphan},
    {'p', 4, read_policy}, {'q', 4, read_request}, {'r', 1, read_regexp},  {'s', 2, read_namespaces},
    {'t', 1, read_time},   {'u', 2, read_url},     {'v', 2, read_version}, {'w', 1, read_token},
    {'x', 1, read_pem},    {'z', 1, read_zone},
};

/* The text in so many lines, the last of which may have more. */
static struct input lines_of(const char *text, int lines, struct arena *a)
{
    struct input in = {.line = {"", "", "", ""}, .a = a};

    for (int i = 0; i < lines; i++) {
        size_t len = i + 1 < lines ? strcspn(text, "\n") : strlen(text);
        in.line[i] = arena_strndup(a, text, len);
        text += len + (text[len] == '\n');
    }
    return in;
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    for (size_t i = 0; len > 0 && i < ARRAY_LEN(readers); i++)
        if (readers[i].letter == text[0]) {
            const struct input in = lines_of(text + 1, readers[i].lines, a);
            readers[i].read(&in);
        }
}
