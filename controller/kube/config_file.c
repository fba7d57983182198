/* Kubeconfigs: a few files, each with lists of named clusters, users and contexts. As kubectl merges them, an entry
 * counts as the first file has it, as a whole, and the first file that names a current-context decides. So nothing
 * needs to be merged: whatever is wanted is looked for in the files, in order. */
#include "kube/config_file.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <yaml.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/digest.h"
#include "base/mem.h"

enum { FILE_MAX = 1 << 20 };

struct file {
    const char *path;
    yaml_document_t document;
};

/* What is being read, for the helpers below. */
struct reader {
    struct kube_config *ret;
    struct file *files;
    size_t len;
    struct arena *a;
    struct err *err;
};

/* A named entry: what: "cluster", "user" or "context". */
struct entry {
    struct file *file;
    yaml_node_t *node; /* NULL: none */
    const char *what, *name;
};

/* ------------------------------------------------------------------------------------------------------------------
 * Files and values. */

static bool read_file(const char *path, struct buf *text, struct err *err)
{
    char chunk[8192];
    size_t len;
    FILE *file = fopen(path, "re");

    if (!file)
        return err_set(err, ERR_INVALID, "UnreadableFile", "%s: %s", path, strerror(errno));
    while ((len = fread(chunk, 1, sizeof(chunk), file)) > 0 && buf_add(text, chunk, len))
        ;
    int error = ferror(file) ? errno : 0;
    OPENSSL_cleanse(chunk, sizeof(chunk));
    fclose(file);
    if (error)
        return err_set(err, ERR_INVALID, "UnreadableFile", "%s: %s", path, strerror(error));
    if (text->full)
        return err_set(err, ERR_INVALID, "UnreadableFile", "%s is longer than %d bytes", path, FILE_MAX);
    return true;
}

char *config_read_value(const char *path, struct err *err)
{
    cleanup_buf struct buf text;

    buf_init(&text, FILE_MAX);
    if (!read_file(path, &text, err))
        return NULL;
    while (text.len && strchr(" \t\r\n", text.data[text.len - 1]))
        text.data[--text.len] = '\0';
    if (text.len == 0) {
        err_set(err, ERR_INVALID, "UnreadableFile", "%s is empty", path);
        return NULL;
    }
    return buf_detach(&text);
}

bool config_is_token(const char *text)
{
    for (const char *c = text; *c; c++) {
        if (*c <= ' ' || *c > '~')
            return false;
    }
    return *text != '\0';
}

/* ------------------------------------------------------------------------------------------------------------------
 * YAML. JSON is YAML too. */

static void release_document(void *document)
{
    yaml_document_delete(document);
}

static bool parse(struct file *file, const struct buf *text, struct arena *a, struct err *err)
{
    yaml_parser_t parser;

    yaml_parser_initialize(&parser);
    yaml_parser_set_input_string(&parser, (const unsigned char *)text->data, text->len);
    bool ok = yaml_parser_load(&parser, &file->document) != 0;
    if (ok)
        arena_defer(a, release_document, &file->document);
    else
        err_set(err, ERR_INVALID, "InvalidKubeconfig", "%s, line %zu: %s", file->path, parser.problem_mark.line + 1,
                parser.problem ? parser.problem : "this is not YAML");
    yaml_parser_delete(&parser);
    return ok;
}

static bool load_file(struct file *file, struct arena *a, struct err *err)
{
    cleanup_buf struct buf text;

    buf_init(&text, FILE_MAX);
    return read_file(file->path, &text, err) && parse(file, &text, a, err);
}

/* The text of a scalar; NULL for what YAML calls null, and for anything else. */
static const char *scalar(const yaml_node_t *node)
{
    static const char *const nulls[] = {"", "~", "null", "Null", "NULL"};

    if (!node || node->type != YAML_SCALAR_NODE)
        return NULL;
    const char *text = (const char *)node->data.scalar.value;
    for (size_t i = 0; i < ARRAY_LEN(nulls) && node->data.scalar.style == YAML_PLAIN_SCALAR_STYLE; i++) {
        if (strcmp(text, nulls[i]) == 0)
            return NULL;
    }
    return text;
}

static yaml_node_t *member(struct file *file, const yaml_node_t *node, const char *key)
{
    if (!node || node->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const char *name = scalar(yaml_document_get_node(&file->document, pair->key));
        if (name && strcmp(name, key) == 0)
            return yaml_document_get_node(&file->document, pair->value);
    }
    return NULL;
}

/* The text at a key of an entry; NULL when absent or empty, which mean the same in a kubeconfig. */
static const char *field(const struct entry *entry, const char *key)
{
    const char *text = scalar(member(entry->file, entry->node, key));

    return text && *text ? text : NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Looking for things in all files. */

/* The element of a file's list "clusters" (say) that has this name, and of that its member "cluster". */
static yaml_node_t *find_in(struct file *file, const char *what, const char *name, struct arena *a)
{
    yaml_node_t *root = yaml_document_get_root_node(&file->document);
    yaml_node_t *list = member(file, root, arena_printf(a, "%ss", what));

    if (!list || list->type != YAML_SEQUENCE_NODE)
        return NULL;
    for (yaml_node_item_t *item = list->data.sequence.items.start; item < list->data.sequence.items.top; item++) {
        yaml_node_t *element = yaml_document_get_node(&file->document, *item);
        const char *its_name = scalar(member(file, element, "name"));
        if (its_name && strcmp(its_name, name) == 0)
            return member(file, element, what);
    }
    return NULL;
}

static struct entry find(const struct reader *r, const char *what, const char *name)
{
    struct entry entry = {.file = r->files, .what = what, .name = name};

    for (size_t i = 0; i < r->len && !entry.node; i++) {
        entry.file = &r->files[i];
        entry.node = find_in(entry.file, what, name, r->a);
    }
    return entry;
}

static const char *current_context(const struct reader *r)
{
    for (size_t i = 0; i < r->len; i++) {
        struct entry root = {.file = &r->files[i], .node = yaml_document_get_root_node(&r->files[i].document)};
        const char *name = field(&root, "current-context");
        if (name)
            return name;
    }
    return NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Entries become the configuration. */

static bool refuse(const struct reader *r, const struct entry *entry, const char *key, const char *why)
{
    return err_set(r->err, ERR_INVALID, "InvalidKubeconfig", "%s, %s %s: %s %s", entry->file->path, entry->what,
                   entry->name, key, why);
}

/* Paths in a kubeconfig are relative to it. */
static const char *beside(const struct entry *entry, const char *path, struct arena *a)
{
    const char *slash = strrchr(entry->file->path, '/');

    if (path[0] == '/' || !slash)
        return path;
    return arena_printf(a, "%.*s/%s", (int)(slash - entry->file->path), entry->file->path, path);
}

static char *copy_field(const struct entry *entry, const char *key)
{
    const char *text = field(entry, key);

    return text ? mem_strdup(text) : NULL;
}

/* Base64, which may stand in several lines. */
static char *decode(const char *text, struct arena *a)
{
    char *packed = arena_strdup(a, text), *to = packed;

    for (const char *c = text; *c; c++) {
        if (!strchr(" \t\r\n", *c))
            *to++ = *c;
    }
    *to = '\0';
    char *decoded = base64_decode(packed, NULL, a);
    return decoded ? mem_strdup(decoded) : NULL;
}

/* PEM, in "KEY-data" or in the file that KEY names; the former counts more. */
static bool take_pem(const struct reader *r, const struct entry *entry, const char *key, char **ret, char **ret_file)
{
    const char *data_key = arena_printf(r->a, "%s-data", key);
    const char *data = field(entry, data_key), *path = field(entry, key);

    if (data) {
        *ret = decode(data, r->a);
    } else if (path) {
        *ret_file = mem_strdup(beside(entry, path, r->a));
        *ret = config_read_value(*ret_file, r->err);
        if (!*ret)
            return err_wrap(r->err, "%s, %s %s: %s", entry->file->path, entry->what, entry->name, key);
    } else {
        return true;
    }
    if (!*ret || !strstr(*ret, "-----BEGIN "))
        return refuse(r, entry, data ? data_key : key, data ? "is not PEM in base64" : "names a file that is not PEM");
    return true;
}

static bool take_bool(const struct reader *r, const struct entry *entry, const char *key, bool *ret)
{
    const char *text = field(entry, key);

    *ret = text && strcasecmp(text, "true") == 0;
    if (text && !*ret && strcasecmp(text, "false") != 0)
        return refuse(r, entry, key, "must be true or false");
    return true;
}

static bool take_server(const struct reader *r, const struct entry *cluster)
{
    char *server = r->ret->server = copy_field(cluster, "server");

    if (!server)
        return refuse(r, cluster, "server", "is missing");
    if (!http_url_check(server, NULL, 0, r->err))
        return err_wrap(r->err, "%s, cluster %s: server", cluster->file->path, cluster->name);
    for (size_t len = strlen(server); server[len - 1] == '/'; len--)
        server[len - 1] = '\0';
    return true;
}

static bool take_cluster(const struct reader *r, const struct entry *cluster)
{
    struct kube_config *ret = r->ret;

    ret->tls_server_name = copy_field(cluster, "tls-server-name");
    ret->proxy_url = copy_field(cluster, "proxy-url");
    if (!take_server(r, cluster) || !take_bool(r, cluster, "insecure-skip-tls-verify", &ret->insecure) ||
        !take_pem(r, cluster, "certificate-authority", &ret->ca_pem, &ret->ca_file))
        return false;
    if (ret->insecure && ret->ca_pem)
        return refuse(r, cluster, "insecure-skip-tls-verify", "contradicts certificate-authority: remove one of them");
    return true;
}

static bool is_empty(const yaml_node_t *node)
{
    const char *text = scalar(node);

    return !node || (node->type == YAML_SCALAR_NODE && (!text || !*text));
}

static bool refuse_unsupported(const struct reader *r, const struct entry *user)
{
    static const char *const keys[] = {"exec", "auth-provider", "as", "as-uid", "as-groups", "as-user-extra"};

    for (size_t i = 0; i < ARRAY_LEN(keys); i++) {
        if (!is_empty(member(user->file, user->node, keys[i])))
            return refuse(r, user, keys[i],
                          "is not supported: use a client certificate or a token (kubectl create token NAME)");
    }
    return true;
}

/* tokenFile counts more than token, which then is what to start with should the file not be there yet. */
static bool take_token(const struct reader *r, const struct entry *user)
{
    struct kube_config *ret = r->ret;
    const char *path = field(user, "tokenFile");
    struct err unreadable = {0};

    if (path) {
        ret->token_file = mem_strdup(beside(user, path, r->a));
        ret->token = config_read_value(ret->token_file, &unreadable);
    }
    if (!ret->token)
        ret->token = copy_field(user, "token");
    if (path && !ret->token)
        return refuse(r, user, "tokenFile", unreadable.text);
    if (ret->token && !config_is_token(ret->token))
        return refuse(r, user, "token", "holds spaces or other characters that no token has");
    return true;
}

static bool take_user(const struct reader *r, const struct entry *user)
{
    struct kube_config *ret = r->ret;

    ret->username = copy_field(user, "username");
    ret->password = copy_field(user, "password");
    if (!refuse_unsupported(r, user) || !take_token(r, user) ||
        !take_pem(r, user, "client-certificate", &ret->client_cert, &ret->client_cert_file) ||
        !take_pem(r, user, "client-key", &ret->client_key, &ret->client_key_file))
        return false;
    if (!ret->client_cert != !ret->client_key)
        return refuse(r, user, ret->client_cert ? "client-key" : "client-certificate", "is missing");
    return true;
}

/* What a context refers to; without a name, nothing (a user may be left out). */
static bool follow(const struct reader *r, const struct entry *context, const char *what, struct entry *ret)
{
    const char *name = field(context, what);

    *ret = name ? find(r, what, name) : (struct entry){.file = context->file, .what = what, .name = ""};
    if (name && !ret->node)
        return refuse(r, context, what, arena_printf(r->a, "is %s, which is not there", name));
    return true;
}

static bool take_context(const struct reader *r, const struct entry *context)
{
    struct entry cluster, user;

    if (!follow(r, context, "cluster", &cluster) || !follow(r, context, "user", &user))
        return false;
    if (!cluster.node)
        return refuse(r, context, "cluster", "is missing");
    r->ret->namespace = copy_field(context, "namespace");
    if (!r->ret->namespace)
        r->ret->namespace = mem_strdup("default");
    return take_cluster(r, &cluster) && take_user(r, &user);
}

static bool read_context(const struct reader *r, const char *name)
{
    const char *wanted = name ? name : current_context(r);

    if (!wanted)
        return err_set(r->err, ERR_INVALID, "InvalidKubeconfig",
                       "%s: there is no current-context: give --context NAME or run kubectl config use-context NAME",
                       r->files[0].path);
    struct entry context = find(r, "context", wanted);
    if (!context.node)
        return err_set(r->err, ERR_INVALID, "InvalidKubeconfig",
                       "%s: there is no context %s (kubectl config get-contexts lists them)", r->files[0].path, wanted);
    return take_context(r, &context);
}

bool config_from_files(struct kube_config *ret, const char *const *paths, size_t len, const char *context,
                       struct err *err)
{
    cleanup_arena struct arena a = {0};
    struct reader r = {.ret = ret, .len = len, .a = &a, .err = err};

    r.files = arena_alloc(&a, len * sizeof(*r.files));
    for (size_t i = 0; i < len; i++) {
        r.files[i].path = paths[i];
        if (!load_file(&r.files[i], &a, err))
            return false;
    }
    return read_context(&r, context);
}
