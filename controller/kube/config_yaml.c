#include "kube/config_yaml.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/mem.h"

enum { FILE_MAX = 1 << 20 };

/* ------------------------------------------------------------------------------------------------------------------
 * Files and values. */

static bool read_yaml_file(const char *path, struct buf *text, struct err *err)
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
    if (!read_yaml_file(path, &text, err))
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

static bool parse_yaml_file(struct file *file, const struct buf *text, struct arena *a, struct err *err)
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

bool config_load_file(struct file *file, struct arena *a, struct err *err)
{
    cleanup_buf struct buf text;

    buf_init(&text, FILE_MAX);
    return read_yaml_file(file->path, &text, err) && parse_yaml_file(file, &text, a, err);
}

/* The text of a scalar; NULL for what YAML calls null, and for anything else. */
const char *config_scalar(const yaml_node_t *node)
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

yaml_node_t *config_member(struct file *file, const yaml_node_t *node, const char *key)
{
    if (!node || node->type != YAML_MAPPING_NODE)
        return NULL;
    for (yaml_node_pair_t *pair = node->data.mapping.pairs.start; pair < node->data.mapping.pairs.top; pair++) {
        const char *name = config_scalar(yaml_document_get_node(&file->document, pair->key));
        if (name && strcmp(name, key) == 0)
            return yaml_document_get_node(&file->document, pair->value);
    }
    return NULL;
}

/* The text at a key of an entry; NULL when absent or empty, which mean the same in a kubeconfig. */
const char *config_field(const struct entry *entry, const char *key)
{
    const char *text = config_scalar(config_member(entry->file, entry->node, key));

    return text && *text ? text : NULL;
}

/* ------------------------------------------------------------------------------------------------------------------
 * Looking for things in all files. */

/* The element of a file's list "clusters" (say) that has this name, and of that its member "cluster". */
static yaml_node_t *find_in(struct file *file, const char *what, const char *name, struct arena *a)
{
    yaml_node_t *root = yaml_document_get_root_node(&file->document);
    yaml_node_t *list = config_member(file, root, arena_printf(a, "%ss", what));

    if (!list || list->type != YAML_SEQUENCE_NODE)
        return NULL;
    for (yaml_node_item_t *item = list->data.sequence.items.start; item < list->data.sequence.items.top; item++) {
        yaml_node_t *element = yaml_document_get_node(&file->document, *item);
        const char *its_name = config_scalar(config_member(file, element, "name"));
        if (its_name && strcmp(its_name, name) == 0)
            return config_member(file, element, what);
    }
    return NULL;
}

struct entry config_find(const struct reader *r, const char *what, const char *name)
{
    struct entry entry = {.file = r->files, .what = what, .name = name};

    for (size_t i = 0; i < r->len && !entry.node; i++) {
        entry.file = &r->files[i];
        entry.node = find_in(entry.file, what, name, r->a);
    }
    return entry;
}

const char *config_current_context(const struct reader *r)
{
    for (size_t i = 0; i < r->len; i++) {
        struct entry root = {.file = &r->files[i], .node = yaml_document_get_root_node(&r->files[i].document)};
        const char *name = config_field(&root, "current-context");
        if (name)
            return name;
    }
    return NULL;
}
bool config_refuse(const struct reader *r, const struct entry *entry, const char *key, const char *why)
{
    return err_set(r->err, ERR_INVALID, "InvalidKubeconfig", "%s, %s %s: %s %s", entry->file->path, entry->what,
                   entry->name, key, why);
}

/* Paths in a kubeconfig are relative to it. */
const char *config_beside(const struct entry *entry, const char *path, struct arena *a)
{
    const char *slash = strrchr(entry->file->path, '/');

    if (path[0] == '/' || !slash)
        return path;
    return arena_printf(a, "%.*s/%s", (int)(slash - entry->file->path), entry->file->path, path);
}

char *config_copy(const struct entry *entry, const char *key)
{
    const char *text = config_field(entry, key);

    return text ? mem_strdup(text) : NULL;
}
