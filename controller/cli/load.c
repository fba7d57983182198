#include "cli/load.h"

#include <assert.h>
#include <errno.h>
#include <json-c/json.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/charset.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/shorten.h"
#include "base/yaml.h"
#include "cli/cli.h"
#include "cli/foreign.h"
#include "cli/unknown.h"
#include "runner/complaints.h"
#include "runner/kube_names.h"
#include "runner/names.h"
#include "runner/shapes.h"
#include "runner/spec.h"

enum { FILE_MAX_BYTES = 4 << 20 };

static bool read_documents(FILE *in, const char *name, struct buf *text, struct err *err)
{
    bool ok = buf_add_file(text, in);

    if (text->full)
        return err_set(err, ERR_INVALID, "FileTooLarge", "%s: larger than %d MiB: split it", name,
                       FILE_MAX_BYTES >> 20);
    return ok || err_set(err, ERR_NOT_FOUND, "FileUnreadable", "%s: %s", name, strerror(errno));
}

bool load_text(const char *file, const char *name, struct buf *text, struct err *err)
{
    FILE *in = strcmp(file, "-") == 0 ? stdin : fopen(file, "r");

    if (!in)
        return err_set(err, ERR_NOT_FOUND, "FileUnreadable", "%s: %s", file, strerror(errno));
    bool ok = read_documents(in, name, text, err);
    if (in != stdin)
        fclose(in);
    return ok;
}

static void add_document(struct load *load, const char *file, struct json_object *object, struct arena *a)
{
    if (load->len == load->size) {
        load->size = load->size ? load->size * 2 : 16;
        load->items = mem_resize(load->items, load->size * sizeof(*load->items));
    }
    assert(load->len < load->size);
    load->items[load->len++] = (struct loaded){file, arena_json(a, json_ref(object))};
}

/* Also what is ours but for a typing error in kind or apiVersion, or was written for another tool of the same purpose,
 * so that it is reported and not skipped. */
static bool is_our_kind(struct json_object *object)
{
    return strncmp(json_str_or(object, "apiVersion", ""), GROUP "/", strlen(GROUP "/")) == 0 ||
           strcmp(json_str_or(object, "kind", ""), KIND) == 0 || foreign_owner(object);
}

static bool add_object(struct load *load, const char *file, struct json_object *object, struct arena *a,
                       struct err *err)
{
    const char *kind = json_str(object, "kind");
    struct json_object *items = json_get(object, "items");

    if (!kind || !json_str(object, "apiVersion"))
        return err_set(err, ERR_INVALID, "NoObject",
                       "%s: a document is no Kubernetes object: give it an apiVersion and a kind", file);
    if (strcmp(kind, "List") != 0 && strcmp(kind, KIND "List") != 0) {
        if (is_our_kind(object))
            add_document(load, file, object, a);
        else
            load->skipped++;
        return true;
    }
    for (size_t i = 0; i < json_len(items); i++)
        if (!add_object(load, file, json_at(items, i), a, err))
            return false;
    return true;
}

/* JSON is YAML but for a few characters and how they are escaped; kubectl, too, tries it first where it can be meant.
 * A NUL would cut text short without a word: the YAML reader says where it is. */
static struct json_object *parse_loaded(const char *name, const struct buf *text, struct err *err)
{
    bool maybe_json = text->data[strspn(text->data, " \t\r\n")] == '{' && !strstr(text->data, "\\u0000");
    struct err ignored;
    struct json_object *value = maybe_json ? json_parse_within(text->data, text->len, SIZE_MAX, &ignored) : NULL;

    return value ? json_build("[%o]", value) : yaml_read(name, text->data, text->len, YAML_TYPED, err);
}

/* Where it is known what the file is instead, that is what is said of it. Returns false. */
static bool is_foreign(const char *text, struct json_object *document, const char *name, struct err *err)
{
    const char *what = foreign_document(text, document);

    return what ? err_set(err, ERR_INVALID, "NoObject", "%s: %s", name, what) : false;
}

bool load_file(struct load *load, const char *file, struct arena *a, struct err *err)
{
    cleanup_buf struct buf text = {0};
    const char *name = strcmp(file, "-") == 0 ? "standard input" : file;

    buf_init(&text, FILE_MAX_BYTES);
    if (!load_text(file, name, &text, err))
        return false;
    struct json_object *documents = arena_json(a, parse_loaded(name, &text, err));
    if (!documents)
        return is_foreign(text.data, NULL, name, err);
    for (size_t i = 0; i < json_len(documents); i++)
        if (!add_object(load, name, json_at(documents, i), a, err))
            return is_foreign(text.data, json_at(documents, i), name, err);
    return true;
}

int load_files(struct load *load, const char *const *files, size_t len, struct arena *a)
{
    int code = EXIT_OK;

    for (size_t i = 0; i < len; i++) {
        struct err err = {0};
        if (load_file(load, files[i], a, &err))
            continue;
        fprintf(stderr, "%s\n", err.text);
        code = code == EXIT_INVALID || err.kind == ERR_INVALID ? EXIT_INVALID : EXIT_FAILED;
    }
    if (code == EXIT_OK && load->len == 0) {
        fprintf(stderr, "no " KIND " was found; objects of other kinds: %zu\n", load->skipped);
        code = EXIT_FAILED;
    }
    return code;
}

void load_finish(struct load *load)
{
    free(load->items);
    *load = (struct load){0};
}

const char *loaded_name(const struct loaded *item, struct arena *a)
{
    const struct owner owner = owner_of(item->object);

    return charset_to_prose(arena_printf(a, "%s: %s %s/%s", item->file, KIND, owner.ns, owner.name));
}

static void judge_loaded_name(struct json_object *object, const char *field, bool (*is_good)(const char *name),
                              const char *words, struct complaints *all)
{
    const char *name = json_str(object, field);

    if (json_get(object, field) && !name)
        complaints_add(all, arena_printf(all->a, "%s must be text: put it in quotes", field));
    else if (name && *name && !is_good(name))
        complaints_add(
            all, charset_to_prose(arena_printf(all->a, "%s: \"%s\" is a name that no API server takes: it must have %s",
                                               field, shown(name, 80).text, words)));
}

static void read_loaded(const struct loaded *item, shape_member_fn *member, struct spec *ret, struct complaints *all)
{
    judge_loaded_name(item->object, "metadata.name", is_dns_subdomain, SUBDOMAIN_WORDS, all);
    judge_loaded_name(item->object, "metadata.namespace", is_dns_label,
                      "lower-case letters, digits and dashes, at most 63", all);
    if (member)
        spec_read_with(item->object, member, ret, all, all->a);
    else
        spec_read_all(item->object, ret, all, all->a);
    bool good = spec_judge_all(item->object, ret, all, all->a);
    assert(good == (all->len == 0));
    complaints_settle(all, item->object);
}

bool loaded_parse(const struct loaded *item, struct spec *ret, struct complaints *all)
{
    read_loaded(item, NULL, ret, all);
    return all->len == 0;
}

bool loaded_validate(const struct loaded *item, struct spec *ret, struct complaints *all)
{
    const char *owner = foreign_owner(item->object);

    if (owner)
        complaints_add(all, arena_printf(all->a,
                                         "kind: this is an object of %s: write one of the kind " KIND " of " API_VERSION
                                         ", in which its fields are where the other lines say, or see `import --help`",
                                         owner));
    read_loaded(item, find_unknown, ret, all);
    return all->len == 0;
}

void loaded_complain(const struct loaded *item, const struct complaints *all, FILE *out)
{
    const char *name = loaded_name(item, all->a);

    for (size_t i = 0; i < all->len; i++)
        fprintf(out, "%s: %s\n", name, all->items[i].text);
    if (all->left_out)
        fprintf(out, "%s: and %zu more errors: correct these first\n", name, all->left_out);
}
