/* What a client of the API server is given: kubeconfigs, what a pod's service account has, and the credential that a
 * plugin prints. The text is several files, each ended by a form feed: two kubeconfigs that are merged, one that they
 * may refer to as "beside", an ExecCredential, and a service account's three. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/mem.h"
#include "fuzz.h"
#include "kube/config.h"
#include "kube/credentials.h"
#include "kube/exec.h"

enum { CREDENTIAL = 3, FILES = 7 };

static const char *const names[FILES] = {"first", "second", "beside", "credential", "token", "ca.crt", "namespace"};
static char folder[64];

static const char *path_of(const char *name, struct arena *a)
{
    return arena_printf(a, "%s/%s", folder, name);
}

static void remove_files(void)
{
    cleanup_arena struct arena a = {0};

    for (int i = 0; i < FILES; i++)
        unlink(path_of(names[i], &a));
    rmdir(folder);
}

/* In memory, if it can be: a file system writes at once what takes the place of something. */
static void begin(void)
{
    static const char *const roots[] = {"/dev/shm", "/tmp"};
    bool begun = *folder;

    for (size_t i = 0; i < ARRAY_LEN(roots) && !begun; i++) {
        snprintf(folder, sizeof(folder), "%s/fuzz-kubeconfig-XXXXXX", roots[i]);
        begun = mkdtemp(folder);
        if (begun)
            atexit(remove_files);
    }
    if (!begun)
        abort();
}

static void write_file(const char *path, const char *text, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    if (fd < 0 || write(fd, text, len) != (ssize_t)len)
        abort();
    close(fd);
}

static void expect_reason(const struct err *err)
{
    if (!*err->text || !*err->reason)
        abort();
}

/* Who we are by it, where no program has to be asked. */
static void use(struct kube_config *config)
{
    cleanup_arena struct arena a = {0};
    struct credentials *c = config->exec ? NULL : credentials_create(NULL, NULL, config, NULL, NULL);

    if (!c)
        return;
    for (const char *const *header = credentials_headers(c, NULL, &a); *header; header++)
        if (!strstr(*header, ": "))
            abort();
    credentials_tls(c);
    credentials_destroy(c);
}

static void finish(struct kube_config *config, bool loaded, const struct err *err)
{
    if (!loaded)
        expect_reason(err);
    if (loaded && config->exec)
        free(exec_info(config));
    if (loaded) {
        kube_config_refresh(config, 1, true);
        use(config);
    }
    kube_config_finish(config);
}

static void load(const struct kube_choice *choice)
{
    struct kube_config config;
    struct err err = {0};

    bool loaded = kube_config_choose(&config, choice, &err);

    finish(&config, loaded, &err);
}

/* What is in the pod's files now is what they are replaced by later, and the other way round. */
static void rotate(struct kube_config *config, struct arena *a)
{
    const char *token = arena_strdup(a, config->token);

    write_file(config->token_file, "another", strlen("another"));
    kube_config_refresh(config, 1 << 20, false);
    write_file(config->token_file, token, strlen(token));
    kube_config_refresh(config, 2 << 20, false);
    if (strcmp(config->token, token) != 0)
        abort();
}

static void load_in_cluster(const char *host, struct arena *a)
{
    struct kube_config config;
    struct err err = {0};

    setenv("KUBERNETES_SERVICE_HOST", host, 1);
    setenv("KUBERNETES_SERVICE_PORT", "443", 1);
    bool loaded = kube_config_load_in_cluster(&config, folder, &err);
    if (loaded)
        rotate(&config, a);
    finish(&config, loaded, &err);
    unsetenv("KUBERNETES_SERVICE_HOST");
}

static void read_credential(const char *text)
{
    struct exec_credential credential;
    struct err err = {0};

    if (!exec_credential_read(&credential, "client.authentication.k8s.io/v1", text, strlen(text), &err))
        expect_reason(&err);
    exec_credential_finish(&credential);
}

void fuzz(const char *text, size_t len, struct arena *a)
{
    static const char *const groups[] = {"system:masters", "a b"};
    const char *at = text, *credential = "";

    begin();
    if (strlen(text) != len)
        return;
    for (int i = 0; i < FILES; i++) {
        size_t part = strcspn(at, "\f");
        write_file(path_of(names[i], a), at, part);
        credential = i == CREDENTIAL ? arena_strndup(a, at, part) : credential;
        at += part + (at[part] == '\f');
    }
    const char *first = path_of("first", a);
    setenv("KUBECONFIG", arena_printf(a, "%s:%s:%s/none", first, path_of("second", a), folder), 1);
    load(&(struct kube_choice){0});
    load(&(struct kube_choice){.path = first, .context = "c", .as = "anna", .groups = groups, .groups_len = 1});
    load(&(struct kube_choice){.path = first, .cluster = "c", .user = "u", .groups = groups, .groups_len = 2});
    read_credential(credential);
    load_in_cluster("10.0.0.1", a);
    load_in_cluster("fd00::1", a);
    load_in_cluster("no host", a);
}
