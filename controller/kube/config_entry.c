#include "kube/config_entry.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/yaml.h"

enum { FILE_MAX = 1 << 20 };

/* ------------------------------------------------------------------------------------------------------------------
 * Files. */

static bool read_whole(const char *path, struct buf *text, struct err *err)
{
    FILE *file = fopen(path, "re");

    if (!file)
        return err_set(err, ERR_INVALID, "UnreadableFile", "%s: %s", path, strerror(errno));
    bool ok = buf_add_file(text, file);
    int error = errno;
    fclose(file);
    if (text->full)
        return err_set(err, ERR_INVALID, "UnreadableFile", "%s is longer than %d bytes", path, FILE_MAX);
    return ok || err_set(err, ERR_INVALID, "UnreadableFile", "%s: %s", path, strerror(error));
}

char *config_read_value(const char *path, struct err *err)
{
    cleanup_buf struct buf text;

    buf_init(&text, FILE_MAX);
    if (!read_whole(path, &text, err))
        return NULL;
    if (!*text_trim_end(text.data)) {
        err_set(err, ERR_INVALID, "UnreadableFile", "%s is empty", path);
        return NULL;
    }
    return buf_detach(&text);
}

bool config_load_file(struct file *file, struct arena *a, struct err *err)
{
    cleanup_buf struct buf text;

    buf_init(&text, FILE_MAX);
    if (!read_whole(file->path, &text, err))
        return false;
    struct json_object *documents = arena_json(a, yaml_read(file->path, text.data, text.len, YAML_TEXTS, err));
    file->root = json_at(documents, 0);
    return documents != NULL;
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
 * Looking for things in all files. */

const char *config_field(const struct entry *entry, const char *key)
{
    const char *text = json_string(json_member(entry->node, key));

    return *text ? text : NULL;
}

/* The element of a file's list "clusters" (say) that has this name, and of that its member "cluster". */
static struct json_object *find_in(const struct file *file, const char *what, const char *name, struct arena *a)
{
    struct json_object *list = json_member(file->root, arena_printf(a, "%ss", what));

    for (size_t i = 0; i < json_len(list); i++)
        if (strcmp(json_string(json_member(json_at(list, i), "name")), name) == 0)
            return json_member(json_at(list, i), what);
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
        const struct entry root = {.file = &r->files[i], .node = r->files[i].root};
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
