#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/digest.h"
#include "base/mem.h"
#include "kube/config.h"
#include "kube/exec.h"
#include "tls_fixture.h"

#define EXEC_V1   "client.authentication.k8s.io/v1"
#define PEM(what) "-----BEGIN " what "-----\nabc\n-----END " what "-----"

/* A folder of its own as $HOME, and no other way to a cluster. */
struct world {
    char folder[64];
    struct arena mem;
    struct kube_config config;
    struct err err;
};

static int set_up(void **state)
{
    struct world *w = mem_alloc(sizeof(*w));

    strcpy(w->folder, "/tmp/test-kube-config-XXXXXX");
    assert_non_null(mkdtemp(w->folder));
    setenv("HOME", w->folder, 1);
    unsetenv("KUBECONFIG");
    unsetenv("KUBERNETES_SERVICE_HOST");
    unsetenv("KUBERNETES_SERVICE_PORT");
    *state = w;
    return 0;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
    (void)st, (void)type, (void)ftw;
    return remove(path);
}

static int tear_down(void **state)
{
    struct world *w = *state;

    kube_config_finish(&w->config);
    arena_finish(&w->mem);
    nftw(w->folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
    free(w);
    return 0;
}

static const char *path_of(struct world *w, const char *name)
{
    return arena_printf(&w->mem, "%s/%s", w->folder, name);
}

static const char *put(struct world *w, const char *name, const char *text)
{
    const char *path = path_of(w, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    fputs(text, file);
    fclose(file);
    return path;
}

static bool load(struct world *w, const char *path, const char *context)
{
    kube_config_finish(&w->config);
    w->err = (struct err){0};
    return kube_config_load(&w->config, path, context, &w->err);
}

static void assert_loaded(struct world *w, const char *path, const char *context)
{
    bool ok = load(w, path, context);

    assert_string_equal(w->err.text, "");
    assert_true(ok);
}

static void assert_refused(struct world *w, const char *path, const char *context, const char *saying)
{
    assert_false(load(w, path, context));
    assert_int_equal(w->err.kind, ERR_INVALID);
    if (!strstr(w->err.text, saying))
        fail_msg("\"%s\" does not say \"%s\"", w->err.text, saying);
}

static const char *in_base64(struct world *w, const char *text)
{
    return base64_encode(text, strlen(text), &w->mem);
}

/* A kubeconfig with these lines for its cluster and its user. */
static const char *simple(struct world *w, const char *cluster, const char *user)
{
    return put(w, "config",
               arena_printf(&w->mem,
                            "apiVersion: v1\n"
                            "kind: Config\n"
                            "current-context: c\n"
                            "clusters:\n"
                            "- name: k\n"
                            "  cluster: {%s}\n"
                            "users:\n"
                            "- name: u\n"
                            "  user: {%s}\n"
                            "contexts:\n"
                            "- name: c\n"
                            "  context: {cluster: k, user: u}\n",
                            cluster, user));
}

/* Whatever else it would be in YAML. */
static void texts_are_as_they_are_written(void **state)
{
    struct world *w = *state;

    assert_loaded(w, simple(w, "server: 'https://k8s.test'", "username: 0123, password: yes, token: 1e3"), NULL);
    assert_string_equal(w->config.username, "0123");
    assert_string_equal(w->config.password, "yes");
    assert_string_equal(w->config.token, "1e3");
}

static void everything_inline(void **state)
{
    struct world *w = *state;
    const char *cluster = arena_printf(&w->mem,
                                       "server: 'https://k8s.test:6443/', certificate-authority-data: %s, "
                                       "tls-server-name: other.test, proxy-url: 'http://proxy.test:3128'",
                                       in_base64(w, PEM("CERTIFICATE")));
    const char *user = arena_printf(&w->mem,
                                    "client-certificate-data: %s, client-key-data: %s, token: abc.def, "
                                    "username: me, password: 'pass word'",
                                    in_base64(w, PEM("CERTIFICATE")), in_base64(w, PEM("EC PRIVATE KEY")));

    assert_loaded(w, simple(w, cluster, user), NULL);
    assert_string_equal(w->config.server, "https://k8s.test:6443");
    assert_string_equal(w->config.namespace, "default");
    assert_string_equal(w->config.ca_pem, PEM("CERTIFICATE"));
    assert_string_equal(w->config.client_cert, PEM("CERTIFICATE"));
    assert_string_equal(w->config.client_key, PEM("EC PRIVATE KEY"));
    assert_string_equal(w->config.token, "abc.def");
    assert_string_equal(w->config.username, "me");
    assert_string_equal(w->config.password, "pass word");
    assert_string_equal(w->config.tls_server_name, "other.test");
    assert_string_equal(w->config.proxy_url, "http://proxy.test:3128");
    assert_false(w->config.insecure);
}

static void what_requests_need(void **state)
{
    struct world *w = *state;
    const char *ca = arena_printf(&w->mem,
                                  "server: 'https://x.test', tls-server-name: y.test, "
                                  "certificate-authority-data: %s",
                                  in_base64(w, PEM("CERTIFICATE")));

    assert_loaded(w, simple(w, ca, ""), NULL);
    struct http_tls tls = kube_config_tls(&w->config);
    assert_string_equal(tls.ca_pem, PEM("CERTIFICATE"));
    assert_string_equal(tls.server_name, "y.test");
    assert_true(tls.ca_only);
    assert_false(tls.insecure);
    assert_null(tls.client_cert);

    assert_loaded(w, simple(w, "server: 'https://x.test', insecure-skip-tls-verify: true", ""), NULL);
    tls = kube_config_tls(&w->config);
    assert_null(tls.ca_pem);
    assert_false(tls.ca_only); /* a public certificate: the system's trust */
    assert_true(tls.insecure);
}

static void files_are_beside_the_config(void **state)
{
    struct world *w = *state;

    mkdir(path_of(w, "pki"), 0700);
    put(w, "pki/ca.pem", PEM("CERTIFICATE") "\n");
    put(w, "cert.pem", PEM("CERTIFICATE"));
    put(w, "token", "tok-1\n");
    const char *key = put(w, "key.pem", PEM("PRIVATE KEY"));
    const char *user = arena_printf(&w->mem, "client-certificate: cert.pem, client-key: %s, tokenFile: token", key);
    assert_loaded(w, simple(w, "server: 'https://x.test', certificate-authority: pki/ca.pem", user), NULL);
    assert_string_equal(w->config.ca_pem, PEM("CERTIFICATE"));
    assert_string_equal(w->config.client_cert, PEM("CERTIFICATE"));
    assert_string_equal(w->config.client_key, PEM("PRIVATE KEY"));
    assert_string_equal(w->config.token, "tok-1");

    assert_int_equal(chdir(w->folder), 0); /* and a config that is named without a folder */
    assert_loaded(w, "config", NULL);
    assert_string_equal(w->config.token, "tok-1");
    assert_int_equal(chdir("/"), 0);
}

static void data_counts_more_than_files(void **state)
{
    struct world *w = *state;
    const char *cluster = arena_printf(&w->mem,
                                       "server: 'https://x.test', certificate-authority: nowhere.pem, "
                                       "certificate-authority-data: %s",
                                       in_base64(w, PEM("CERTIFICATE")));

    assert_loaded(w, simple(w, cluster, "token: abc, tokenFile: nowhere"), NULL);
    assert_string_equal(w->config.ca_pem, PEM("CERTIFICATE"));
    assert_null(w->config.ca_file);
    assert_string_equal(w->config.token, "abc"); /* until there is a file */
    assert_non_null(w->config.token_file);
}

static void base64_may_have_lines(void **state)
{
    struct world *w = *state;
    const char *data = in_base64(w, PEM("CERTIFICATE"));
    const char *text = arena_printf(&w->mem,
                                    "current-context: c\n"
                                    "contexts: [{name: c, context: {cluster: k}}]\n"
                                    "clusters:\n"
                                    "- name: k\n"
                                    "  cluster:\n"
                                    "    server: https://x.test\n"
                                    "    certificate-authority-data: |\n"
                                    "      %.20s\n"
                                    "      %s\n",
                                    data, data + 20);

    assert_loaded(w, put(w, "config", text), NULL);
    assert_string_equal(w->config.ca_pem, PEM("CERTIFICATE"));
}

static void json_is_yaml(void **state)
{
    struct world *w = *state;
    static const char text[] =
        "{\"current-context\": \"c\", \"users\": [{\"name\": \"u\", \"user\": {\"token\": \"t\", \"exec\": null}}],"
        " \"clusters\": [{\"name\": \"k\", \"cluster\": {\"server\": \"https:\\/\\/x.test\"}}], \"contexts\":"
        " [{\"name\": \"c\", \"context\": {\"cluster\": \"k\", \"user\": \"u\", \"namespace\": \"ns\"}}]}";

    assert_loaded(w, put(w, "config", text), NULL);
    assert_string_equal(w->config.server, "https://x.test");
    assert_string_equal(w->config.namespace, "ns");
    assert_string_equal(w->config.token, "t");
}

static const char two_contexts[] = "clusters:\n"
                                   "- {name: a, cluster: &both {server: 'https://a.test'}}\n"
                                   "- {name: b, cluster: {server: 'https://b.test'}}\n"
                                   "- {name: same, cluster: *both}\n"
                                   "users: [{name: '1', user: {token: one}}]\n"
                                   "contexts:\n"
                                   "- {name: ca, context: {cluster: a, user: 1}}\n"
                                   "- {name: cb, context: {cluster: b, user: 1, namespace: team}}\n"
                                   "- {name: alias, context: {cluster: same}}\n"
                                   "- {name: no-cluster, context: {cluster: c, user: 1}}\n"
                                   "- {name: no-user, context: {cluster: a, user: 2}}\n"
                                   "- {name: empty, context: {}}\n"
                                   "current-context: ca\n";

static void contexts_are_chosen(void **state)
{
    struct world *w = *state;
    const char *path = put(w, "config", two_contexts);

    assert_loaded(w, path, NULL);
    assert_string_equal(w->config.server, "https://a.test");
    assert_string_equal(w->config.token, "one");
    assert_loaded(w, path, "cb");
    assert_string_equal(w->config.server, "https://b.test");
    assert_string_equal(w->config.namespace, "team");
    assert_loaded(w, path, "alias");
    assert_string_equal(w->config.server, "https://a.test");
    assert_null(w->config.token);
    assert_refused(w, path, "nobody", "there is no context nobody");
    assert_refused(w, path, "no-cluster", "context no-cluster: cluster is c, which is not there");
    assert_refused(w, path, "no-user", "user is 2, which is not there");
    assert_refused(w, path, "empty", "context empty: cluster is missing");
    assert_refused(w, put(w, "config", "contexts: []"), NULL, "there is no current-context");
}

/* kubectl: entries count as the first file has them; so does current-context. */
static void several_files_are_merged(void **state)
{
    struct world *w = *state;
    const char *first = put(w, "first",
                            "users: [{name: u, user: {tokenFile: t}}]\n"
                            "clusters: [{name: shared, cluster: {server: 'https://first.test'}}]\n"
                            "contexts:\n");
    mkdir(path_of(w, "sub"), 0700);
    const char *second = put(w, "sub/second",
                             "current-context: c\n"
                             "users: [{name: u, user: {token: second}}, {name: v, user: {tokenFile: t}}]\n"
                             "clusters: [{name: shared, cluster: {server: 'https://second.test'}}]\n"
                             "contexts: [{name: c, context: {cluster: shared, user: u}},\n"
                             "           {name: d, context: {cluster: shared, user: v}}]\n");

    put(w, "t", "beside-the-first");
    put(w, "sub/t", "beside-the-second");
    setenv("KUBECONFIG", arena_printf(&w->mem, "%s/nowhere:%s::%s:", w->folder, first, second), 1);
    assert_loaded(w, NULL, NULL);
    assert_string_equal(w->config.server, "https://first.test");
    assert_string_equal(w->config.token, "beside-the-first");
    assert_loaded(w, NULL, "d");
    assert_string_equal(w->config.server, "https://first.test");
    assert_string_equal(w->config.token, "beside-the-second");

    setenv("KUBECONFIG", arena_printf(&w->mem, "%s:%s", second, first), 1);
    assert_loaded(w, NULL, NULL);
    assert_string_equal(w->config.server, "https://second.test");
    assert_string_equal(w->config.token, "second");
    setenv("KUBECONFIG", "/nowhere:/nowhere/else", 1);
    assert_refused(w, NULL, NULL, "KUBECONFIG=/nowhere:/nowhere/else: there is no such file");
}

static void put_service_account(struct world *w)
{
    mkdir(path_of(w, "sa"), 0700);
    put(w, "sa/token", "sa-token\n");
    put(w, "sa/ca.crt", PEM("CERTIFICATE") "\n");
    put(w, "sa/namespace", "operators");
    setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
}

static bool load_in_cluster(struct world *w)
{
    kube_config_finish(&w->config);
    w->err = (struct err){0};
    return kube_config_load_in_cluster(&w->config, path_of(w, "sa"), &w->err);
}

static void in_a_cluster(void **state)
{
    struct world *w = *state;

    put_service_account(w);
    assert_true(load_in_cluster(w));
    assert_string_equal(w->config.server, "https://10.0.0.1:443");
    assert_string_equal(w->config.token, "sa-token");
    assert_string_equal(w->config.ca_pem, PEM("CERTIFICATE"));
    assert_string_equal(w->config.namespace, "operators");
    setenv("KUBERNETES_SERVICE_HOST", "fd00::1", 1);
    unlink(path_of(w, "sa/namespace"));
    assert_true(load_in_cluster(w));
    assert_string_equal(w->config.server, "https://[fd00::1]:443");
    assert_string_equal(w->config.namespace, "default");
    unlink(path_of(w, "sa/ca.crt"));
    assert_false(load_in_cluster(w));
    assert_non_null(strstr(w->err.text, "sa/ca.crt: No such file"));
    unlink(path_of(w, "sa/token"));
    assert_false(load_in_cluster(w));
    assert_non_null(strstr(w->err.text, "automountServiceAccountToken"));
    unsetenv("KUBERNETES_SERVICE_PORT");
    assert_false(load_in_cluster(w));
}

static void the_order_of_places(void **state)
{
    struct world *w = *state;
    const char *other = put(w, "other",
                            "current-context: c\n"
                            "clusters: [{name: k, cluster: {server: 'https://other.test'}}]\n"
                            "contexts: [{name: c, context: {cluster: k}}]\n");

    assert_refused(w, NULL, NULL, "--kubeconfig");
    mkdir(path_of(w, ".kube"), 0700);
    rename(simple(w, "server: 'https://home.test'", ""), path_of(w, ".kube/config"));
    assert_loaded(w, NULL, NULL);
    assert_string_equal(w->config.server, "https://home.test");
    setenv("KUBERNETES_SERVICE_HOST", "10.0.0.1", 1); /* a cluster, but a strange one */
    assert_refused(w, NULL, NULL, "KUBERNETES_SERVICE_PORT must both be set");
    setenv("KUBECONFIG", other, 1);
    assert_loaded(w, NULL, NULL);
    assert_string_equal(w->config.server, "https://other.test");
    assert_loaded(w, path_of(w, ".kube/config"), NULL);
    assert_string_equal(w->config.server, "https://home.test");
    assert_refused(w, "/nowhere/config", NULL, "/nowhere/config: No such file");
}

static void what_is_refused_and_how(void **state)
{
    static const struct {
        const char *cluster, *user, *saying;
    } cases[] = {
        {"", "", "cluster k: server is missing"},
        {"server: null", "", "cluster k: server is missing"},
        {"server: 'x.test:6443'", "", "cluster k: server: a URL begins with http"},
        {"server: 'https://me:secret@x.test'", "", "must not hold a user"},
        {"server: 'https://x.test', insecure-skip-tls-verify: maybe", "", "must be true or false"},
        {"server: 'https://x.test', certificate-authority-data: '%%%'", "", "certificate-authority-data is not PEM"},
        {"server: 'https://x.test', certificate-authority-data: YWJj", "", "certificate-authority-data is not PEM"},
        {"server: 'https://x.test', certificate-authority: nowhere", "", "certificate-authority: "},
        {"server: 'https://x.test', certificate-authority: config", "", "names a file that is not PEM"},
        {"server: 'https://x.test', insecure-skip-tls-verify: true, certificate-authority: pem", "", "contradicts"},
        {"server: 'https://x.test', proxy-url: 'ftp://p.test'", "", "proxy-url must begin with http://"},
        {"server: 'https://x.test', proxy-url: 'p.test:3128'", "", "proxy-url must begin with http://"},
        {"server: 'https://x.test'", "exec: {apiVersion: " EXEC_V1 ", interactiveMode: Never}",
         "user u: exec.command is missing"},
        {"server: 'https://x.test'", "exec: {command: aws, interactiveMode: Never}", "exec.apiVersion must be"},
        {"server: 'https://x.test'", "exec: {command: aws, apiVersion: client.authentication.k8s.io/v1alpha1}",
         "exec.apiVersion must be client.authentication.k8s.io/v1"},
        {"server: 'https://x.test'", "exec: {command: aws, apiVersion: " EXEC_V1 "}",
         "exec.interactiveMode is missing"},
        {"server: 'https://x.test'", "exec: {command: aws, apiVersion: " EXEC_V1 ", interactiveMode: Always}",
         "exec.interactiveMode is Always, but there is nobody to be asked"},
        {"server: 'https://x.test'", "exec: {command: aws, apiVersion: " EXEC_V1 ", interactiveMode: Often}",
         "exec.interactiveMode must be Never, IfAvailable or Always"},
        {"server: 'https://x.test'", "auth-provider: {name: gcp}", "auth-provider is not supported"},
        {"server: 'https://x.test'", "as-groups: [a]", "user u: as is missing"},
        {"server: 'https://x.test'", "as: \"a\\nb\"", "user u: as or what belongs to it holds characters"},
        {"server: 'https://x.test'", "client-certificate: pem", "client-key is missing"},
        {"server: 'https://x.test'", "client-key: pem", "client-certificate is missing"},
        {"server: 'https://x.test'", "tokenFile: nowhere", "/nowhere: No such file"},
        {"server: 'https://x.test'", "token: 'two secret words'", "user u: token holds spaces"},
    };
    struct world *w = *state;

    put(w, "pem", PEM("CERTIFICATE"));
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        assert_refused(w, simple(w, cases[i].cluster, cases[i].user), NULL, cases[i].saying);
        assert_null(strstr(w->err.text, "secret"));
    }
}

static void files_that_are_no_kubeconfig(void **state)
{
    static const struct {
        const char *text, *saying;
    } cases[] = {
        {"", "there is no current-context"},
        {"# nothing\n", "there is no current-context"},
        {"just words", "there is no current-context"},
        {"- a\n- b\n", "there is no current-context"},
        {"current-context: c\nclusters: {a: b}\ncontexts: 7\n", "there is no context c"},
        {"current-context: [c]\n", "there is no current-context"},
        {"a: b\n  c: d\n", "/config:2:4: not YAML"},
        {"a: 'never ends", "/config:1:"},
        {"a: \"\xff\xfe\"", "/config:1:5: not YAML"},
        {"a: *nobody\n", "/config:1:4: *nobody stands for nothing"},
        {"current-context: c\ncurrent-context: d\n", "/config:2:1: the key current-context is there twice"},
        {"a: &a [x, x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a, *a]\n"
         "c: &c [*b, *b, *b, *b, *b, *b, *b, *b, *b, *b]\nd: &d [*c, *c, *c, *c, *c, *c, *c, *c, *c, *c]\n"
         "e: [*d, *d, *d, *d, *d, *d, *d, *d, *d, *d]\n",
         "more than 100000 values, aliases followed"},
    };
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++)
        assert_refused(w, put(w, "config", cases[i].text), NULL, cases[i].saying);
    assert_refused(w, w->folder, NULL, "Is a directory");

    char *large = mem_alloc((1 << 20) + 2);
    memset(large, '#', (1 << 20) + 1);
    assert_refused(w, put(w, "config", large), NULL, "longer than 1048576 bytes");
    free(large);
}

static void files_are_read_again(void **state)
{
    struct world *w = *state;

    put_service_account(w);
    assert_true(load_in_cluster(w));
    assert_false(kube_config_refresh(&w->config, 1000000, false)); /* nothing new */
    put(w, "sa/token", "second\n");
    assert_false(kube_config_refresh(&w->config, 1059999, false)); /* not yet */
    assert_string_equal(w->config.token, "sa-token");
    assert_true(kube_config_refresh(&w->config, 1060000, false));
    assert_string_equal(w->config.token, "second");

    put(w, "sa/token", "third");
    assert_true(kube_config_refresh(&w->config, 1060001, true)); /* after a 401: at once */
    assert_string_equal(w->config.token, "third");
    put(w, "sa/token", "\n");
    assert_false(kube_config_refresh(&w->config, 1060002, true));
    put(w, "sa/token", "not a token");
    assert_false(kube_config_refresh(&w->config, 1060003, true));
    unlink(path_of(w, "sa/token"));
    assert_false(kube_config_refresh(&w->config, 1060004, true));
    assert_string_equal(w->config.token, "third");
}

/* The kubelet swaps a link: what it points to has all files of a moment. */
static void a_swapped_folder_is_seen(void **state)
{
    struct world *w = *state;

    put_service_account(w);
    mkdir(path_of(w, "later"), 0700);
    put(w, "later/token", "second");
    rename(path_of(w, "sa"), path_of(w, "first"));
    assert_int_equal(symlink(path_of(w, "first"), path_of(w, "sa")), 0);
    assert_true(load_in_cluster(w));
    assert_int_equal(symlink(path_of(w, "later"), path_of(w, "swap")), 0);
    rename(path_of(w, "swap"), path_of(w, "sa"));
    assert_int_equal(kube_config_refresh(&w->config, 60000, false), CONFIG_TOKEN);
    assert_string_equal(w->config.token, "second");
    assert_int_equal(w->config.generation, 1);
    assert_non_null(w->config.ca_pem); /* whose file is gone */
}

static void authorities_rotate_when_they_are_good(void **state)
{
    struct world *w = *state;
    struct identity ca = identity_make("next", NULL, NULL, -DAY, DAY);

    put_service_account(w);
    assert_true(load_in_cluster(w));
    put(w, "sa/ca.crt", ca.cert_pem);
    assert_int_equal(kube_config_refresh(&w->config, 299999, false), 0); /* not yet */
    assert_int_equal(kube_config_refresh(&w->config, 300000, false), CONFIG_CA);
    const char *taken = arena_strdup(&w->mem, w->config.ca_pem);
    assert_ptr_equal(strstr(ca.cert_pem, taken), ca.cert_pem);

    const char *broken[] = {PEM("CERTIFICATE"), "no PEM", "", ca.key_pem,
                            arena_printf(&w->mem, "%s%s", ca.cert_pem, PEM("CERTIFICATE"))};
    for (size_t i = 0; i < ARRAY_LEN(broken); i++) {
        put(w, "sa/ca.crt", broken[i]);
        assert_int_equal(kube_config_refresh(&w->config, 300001, true), 0);
        assert_string_equal(w->config.ca_pem, taken);
    }
    assert_int_equal(w->config.ca_reloads, 1);
    assert_int_equal(w->config.generation, 0);
    identity_free(&ca);
}

/* One file after the other: the pair in between, which does not fit, is not used. */
static void client_certificates_rotate_as_pairs(void **state)
{
    struct world *w = *state;
    struct identity first = identity_make("me", NULL, NULL, -DAY, DAY),
                    next = identity_make("me", NULL, NULL, -DAY, DAY);
    const char *user = "client-certificate: cert, client-key: key, token: fixed";

    put(w, "cert", first.cert_pem);
    put(w, "key", first.key_pem);
    assert_loaded(w, simple(w, "server: 'https://x.test'", user), NULL);
    put(w, "cert", next.cert_pem);
    assert_int_equal(kube_config_refresh(&w->config, 300000, false), 0);
    assert_ptr_equal(strstr(first.cert_pem, w->config.client_cert), first.cert_pem);
    put(w, "key", next.key_pem);
    assert_int_equal(kube_config_refresh(&w->config, 600000, false), CONFIG_CLIENT);
    assert_ptr_equal(strstr(next.cert_pem, w->config.client_cert), next.cert_pem);
    assert_ptr_equal(strstr(next.key_pem, w->config.client_key), next.key_pem);
    assert_int_equal(w->config.generation, 1);
    put(w, "key", PEM("PRIVATE KEY"));
    assert_int_equal(kube_config_refresh(&w->config, 900000, false), 0);
    unlink(path_of(w, "cert"));
    assert_int_equal(kube_config_refresh(&w->config, 1200000, false), 0);
    assert_string_equal(w->config.token, "fixed");
    identity_free(&first);
    identity_free(&next);
}

static void a_plugin_is_described(void **state)
{
    struct world *w = *state;
    static const char user[] = "exec: {apiVersion: " EXEC_V1 ", command: bin/get-token, interactiveMode: IfAvailable, "
                               "args: [--cluster, 'a b', 7], installHint: 'get it there', provideClusterInfo: true, "
                               "env: [{name: A, value: '1'}, {name: B, value: ''}]}";

    assert_loaded(w, simple(w, "server: 'https://x.test', tls-server-name: y.test", user), NULL);
    const struct exec_spec *spec = w->config.exec;
    assert_string_equal(spec->api_version, EXEC_V1);
    assert_string_equal(spec->argv[0], path_of(w, "bin/get-token")); /* beside the kubeconfig */
    assert_string_equal(spec->argv[1], "--cluster");
    assert_string_equal(spec->argv[2], "a b");
    assert_string_equal(spec->argv[3], "7");
    assert_null(spec->argv[4]);
    assert_string_equal(spec->env[0], "A=1");
    assert_string_equal(spec->env[1], "B=");
    assert_null(spec->env[2]);
    assert_string_equal(spec->install_hint, "get it there");
    char *info = exec_info(&w->config);
    assert_string_equal(info, "{\"kind\":\"ExecCredential\",\"apiVersion\":\"" EXEC_V1
                              "\",\"spec\":{\"cluster\":{\"server\":\"https://x.test\",\"tls-server-name\":"
                              "\"y.test\"},\"interactive\":false}}");
    free(info);

    assert_loaded(w, simple(w, "server: 'https://x.test'", "exec: {apiVersion: " EXEC_V1 "beta1, command: aws}"), NULL);
    assert_string_equal(w->config.exec->argv[0], "aws"); /* PATH knows it */
    info = exec_info(&w->config);
    assert_null(strstr(info, "cluster"));
    free(info);
    assert_loaded(w, simple(w, "server: 'https://x.test'", "token: t, exec: {command: aws}"), NULL);
    assert_null(w->config.exec); /* a token counts more */
}

static void somebody_is_impersonated(void **state)
{
    struct world *w = *state;
    static const char user[] = "token: t, as: jane, as-uid: '7', as-groups: [a, b], "
                               "as-user-extra: {Some/Thing: [x, y]}";
    static const char *const headers[] = {"Impersonate-User: jane",
                                          "Impersonate-Uid: 7",
                                          "Impersonate-Group: a",
                                          "Impersonate-Group: b",
                                          "Impersonate-Extra-some%2Fthing: x",
                                          "Impersonate-Extra-some%2Fthing: y"};

    assert_loaded(w, simple(w, "server: 'https://x.test'", user), NULL);
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        assert_string_equal(w->config.impersonate[i], headers[i]);
    assert_null(w->config.impersonate[ARRAY_LEN(headers)]);
}

/* As kubectl's --cluster, --user, --as and --as-group: in the place of what context and entries say. */
static void a_command_line_chooses(void **state)
{
    struct world *w = *state;
    static const char *const groups[] = {"ops", "night"};
    static const char *const headers[] = {"Impersonate-User: anna", "Impersonate-Group: ops",
                                          "Impersonate-Group: night"};
    const char *path = put(w, "many",
                           "current-context: c\n"
                           "clusters: [{name: k, cluster: {server: 'https://x.test'}}, {name: l, cluster: {server: "
                           "'https://y.test'}}]\n"
                           "users: [{name: u, user: {token: t, as: jane}}, {name: v, user: {token: s}}]\n"
                           "contexts: [{name: c, context: {cluster: k, user: u, namespace: ns}}]\n");
    struct kube_choice choice = {
        .path = path, .cluster = "l", .user = "v", .as = "anna", .groups = groups, .groups_len = 2};

    assert_true(kube_config_choose(&w->config, &choice, &w->err));
    assert_string_equal(w->config.server, "https://y.test");
    assert_string_equal(w->config.token, "s");
    assert_string_equal(w->config.namespace, "ns");
    for (size_t i = 0; i < ARRAY_LEN(headers); i++)
        assert_string_equal(w->config.impersonate[i], headers[i]);
    assert_null(w->config.impersonate[ARRAY_LEN(headers)]);
    kube_config_finish(&w->config);
    choice = (struct kube_choice){.path = path, .as = "anna"}; /* and no longer jane */
    assert_true(kube_config_choose(&w->config, &choice, &w->err));
    assert_string_equal(w->config.impersonate[0], "Impersonate-User: anna");
    assert_null(w->config.impersonate[1]);
    kube_config_finish(&w->config);
    choice = (struct kube_choice){.path = path, .user = "v", .groups = groups, .groups_len = 1};
    assert_false(kube_config_choose(&w->config, &choice, &w->err));
    assert_non_null(strstr(w->err.text, "--as NAME"));
    kube_config_finish(&w->config);
    choice = (struct kube_choice){.path = path, .cluster = "none"};
    assert_false(kube_config_choose(&w->config, &choice, &w->err));
    assert_non_null(strstr(w->err.text, "none, which is not there"));
}

static void proxies_are_named_as_kubectl_names_them(void **state)
{
    static const char *const cases[][2] = {{"http://p.test:1", "http://p.test:1"},
                                           {"https://me:x@p.test", "https://me:x@p.test"},
                                           {"socks5://p.test:1080", "socks5h://p.test:1080"}};
    struct world *w = *state;

    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        const char *cluster = arena_printf(&w->mem, "server: 'https://x.test', proxy-url: '%s'", cases[i][0]);
        assert_loaded(w, simple(w, cluster, ""), NULL);
        assert_string_equal(w->config.proxy_url, cases[i][1]);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(texts_are_as_they_are_written),
        TEST(everything_inline),
        TEST(what_requests_need),
        TEST(files_are_beside_the_config),
        TEST(data_counts_more_than_files),
        TEST(base64_may_have_lines),
        TEST(json_is_yaml),
        TEST(contexts_are_chosen),
        TEST(several_files_are_merged),
        TEST(in_a_cluster),
        TEST(the_order_of_places),
        TEST(what_is_refused_and_how),
        TEST(files_that_are_no_kubeconfig),
        TEST(files_are_read_again),
        TEST(a_swapped_folder_is_seen),
        TEST(authorities_rotate_when_they_are_good),
        TEST(client_certificates_rotate_as_pairs),
        TEST(a_plugin_is_described),
        TEST(somebody_is_impersonated),
        TEST(a_command_line_chooses),
        TEST(proxies_are_named_as_kubectl_names_them),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
