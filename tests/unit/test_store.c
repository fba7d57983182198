/* Records of what the watches have seen: alone, then against a model. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/arena.h"
#include "base/mem.h"
#include "kube/store.h"

enum { KIND_A, KIND_B, KINDS };

static const char *const kind_names[KINDS] = {"A", "B"};

struct things {
    const char *one;
    int number;
    const char *none, *other;
};

static const size_t texts_of_things[] = {offsetof(struct things, one), offsetof(struct things, none),
                                         offsetof(struct things, other)};
static const struct record_layout layouts[KINDS] = {{sizeof(struct things), texts_of_things, 3},
                                                    {sizeof(struct things), texts_of_things, 3}};
static const struct things something = {.one = "one", .number = 5, .other = "another"};

static struct record record_of(const char *ns, const char *name, const char *version, const char *owner)
{
    return (struct record){ns, name, "uid", version, owner, *owner ? "owner-uid" : "", &something, 0};
}

static void put(struct store *store, unsigned kind, const char *name, const char *version, const char *owner)
{
    const struct record r = record_of("ns", name, version, owner);

    store_put(store, kind, &r);
}

/* Of a list. */
static void put_listed(struct store *store, unsigned kind, const char *name, const char *version, const char *owner)
{
    const struct record r = record_of("ns", name, version, owner);

    store_put_listed(store, kind, &r);
}

static void assert_version(const struct store *store, unsigned kind, const char *name, const char *version)
{
    const struct record *r = store_get(store, kind, "ns", name);

    if (version)
        assert_string_equal(r->version, version);
    else
        assert_null(r);
}

static void copies_every_field(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    char ns[] = "ns", name[] = "name", uid[] = "uid", version[] = "7", owner[] = "ns/owner", owner_uid[] = "uid-o",
         one[] = "one", other[] = "other";
    char *const fields[] = {ns, name, uid, version, owner, owner_uid, one, other};
    const struct things things = {.one = one, .number = 7, .other = other};
    const struct record given = {ns, name, uid, version, owner, owner_uid, &things, 0};

    (void)state;
    store_put(store, KIND_B, &given);
    for (size_t i = 0; i < ARRAY_LEN(fields); i++)
        fields[i][0] = '?';
    const struct record *r = store_get(store, KIND_B, "ns", "name");
    assert_string_equal(r->ns, "ns");
    assert_string_equal(r->name, "name");
    assert_string_equal(r->uid, "uid");
    assert_string_equal(r->version, "7");
    assert_string_equal(r->owner, "ns/owner");
    assert_string_equal(r->owner_uid, "uid-o");
    const struct things *kept = r->kept;
    assert_string_equal(kept->one, "one");
    assert_string_equal(kept->other, "other");
    assert_null(kept->none);
    assert_int_equal(kept->number, 7);
    assert_null(store_get(store, KIND_A, "ns", "name"));
    assert_null(store_get(store, KIND_B, "", "name"));
    store_destroy(store);
    store_destroy(NULL);
}

static void nothing_may_be_kept_of_it(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    const struct record given = {"ns", "name", "uid", "1", "", "", NULL, 0};

    (void)state;
    store_put(store, KIND_A, &given);
    assert_null(store_get(store, KIND_A, "ns", "name")->kept);
    put(store, KIND_A, "name", "2", "");
    assert_non_null(store_get(store, KIND_A, "ns", "name")->kept);
    store_destroy(store);
}

static bool concerns_nobody(unsigned kind, const char *ns, const char *name, const struct store *store)
{
    (void)kind, (void)ns, (void)name, (void)store;
    return false;
}

static void all_concerns_us_unless_something_else_was_said(void **state)
{
    const struct reference to = {.kind = KIND_A, .ns = "ns", .name = "name"};
    struct store *store = store_create(kind_names, layouts, KINDS);

    (void)state;
    put(store, KIND_A, "name", "1", "");
    for (int lets_go = 0; lets_go < 2; lets_go++) {
        store_refer(store, "holder", &to, 1);
        store_refer(store, "holder", NULL, 0);
        assert_version(store, KIND_A, "name", lets_go ? NULL : "1");
        store_let_go(store, concerns_nobody);
    }
    store_destroy(store);
}

/* Also when an owner of the same name came after him. */
static void who_owned_it_is_told_by_uid(void **state)
{
    static const char *const uids[] = {"uid-2", "uid-3", "uid-1", "uid-2", "uid-20"};
    struct store *store = store_create(kind_names, layouts, KINDS);
    char name[8];

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(uids); i++) {
        snprintf(name, sizeof(name), "%zu", i);
        store_put(store, KIND_A, &(struct record){"ns", name, "uid", "1", "ns/owner", uids[i], &something, 0});
    }
    for (size_t i = 0; i < ARRAY_LEN(uids); i++) {
        snprintf(name, sizeof(name), "%zu", i);
        assert_string_equal(store_get(store, KIND_A, "ns", name)->owner_uid, uids[i]);
    }
    store_destroy(store);
}

static void a_copy_is_its_own(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    cleanup_arena struct arena a = {0};

    (void)state;
    put(store, KIND_A, "name", "1", "ns/owner");
    const struct record copy = record_copy(&layouts[KIND_A], store_get(store, KIND_A, "ns", "name"), &a);
    store_destroy(store);
    assert_string_equal(copy.owner_uid, "owner-uid");
    assert_string_equal(((const struct things *)copy.kept)->other, "another");
}

static void replaces_a_record_as_a_whole(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);

    (void)state;
    put(store, KIND_A, "x", "1", "ns/o");
    put(store, KIND_A, "x", "2", "");
    assert_int_equal(store_count(store, KIND_A), 1);
    assert_version(store, KIND_A, "x", "2");
    store_put(store, KIND_A, store_get(store, KIND_A, "ns", "x")); /* what it lent may be given back */
    assert_version(store, KIND_A, "x", "2");
    store_remove(store, KIND_A, "ns", "x");
    store_remove(store, KIND_A, "ns", "x");
    assert_version(store, KIND_A, "x", NULL);
    assert_int_equal(store_count(store, KIND_A), 0);
    store_destroy(store);
}

static void put_of(struct store *store, const char *name, const char *owner_uid)
{
    struct record r = record_of("ns", name, "1", "ns/o");

    r.owner_uid = owner_uid;
    store_put(store, KIND_A, &r);
}

/* An owner that was made anew has another uid, and its children follow one by one. */
static void each_record_keeps_the_uid_that_it_has_of_its_owner(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);

    (void)state;
    put_of(store, "x", "old");
    put_of(store, "y", "old");
    put_of(store, "x", "new");
    assert_string_equal(store_get(store, KIND_A, "ns", "x")->owner_uid, "new");
    assert_string_equal(store_get(store, KIND_A, "ns", "y")->owner_uid, "old");
    store_remove(store, KIND_A, "ns", "y");
    assert_string_equal(store_get(store, KIND_A, "ns", "x")->owner_uid, "new");
    store_remove(store, KIND_A, "ns", "x");
    put_of(store, "z", "newest");
    assert_string_equal(store_get(store, KIND_A, "ns", "z")->owner_uid, "newest");
    store_destroy(store);
}

static void keeps_records_without_a_namespace(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    const struct record r = record_of("", "cluster-wide", "1", "");

    (void)state;
    store_put(store, KIND_A, &r);
    assert_string_equal(store_get(store, KIND_A, "", "cluster-wide")->name, "cluster-wide");
    store_destroy(store);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Lists */

struct names {
    char text[200]; /* "x y ", in the order of the calls */
};

static void note_gone(void *arg, unsigned kind, const struct record *record)
{
    struct names *names = arg;

    assert_int_equal(kind, KIND_A);
    strcat(strcat(names->text, record->name), " ");
}

static void a_complete_list_takes_away_what_it_does_not_have(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    struct names gone = {""};

    (void)state;
    put(store, KIND_A, "stays", "1", "");
    put(store, KIND_A, "goes", "1", "");
    put(store, KIND_A, "touched", "1", "");
    put(store, KIND_B, "other kind", "1", "");
    unsigned begun = store_list_begin(store, KIND_A);
    put_listed(store, KIND_A, "stays", "2", "");
    put_listed(store, KIND_A, "new", "2", "");
    store_touch(store, KIND_A, "ns", "touched");
    store_touch(store, KIND_A, "ns", "nowhere");
    store_list_end(store, KIND_A, "", begun, "100", note_gone, &gone);
    assert_string_equal(gone.text, "goes ");
    assert_int_equal(store_count(store, KIND_A), 3);
    assert_version(store, KIND_A, "stays", "2");
    assert_version(store, KIND_A, "touched", "1");
    assert_version(store, KIND_B, "other kind", "1");
    store_destroy(store);
}

/* The second try decides: what only the first one had is gone. */
static void a_list_may_begin_anew(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    struct names gone = {""};

    (void)state;
    put(store, KIND_A, "x", "1", "");
    store_list_begin(store, KIND_A);
    put_listed(store, KIND_A, "x", "2", "");
    unsigned begun = store_list_begin(store, KIND_A);
    put_listed(store, KIND_A, "y", "3", "");
    store_list_end(store, KIND_A, "", begun, "100", note_gone, &gone);
    assert_string_equal(gone.text, "x ");
    store_destroy(store);
}

/* An answer that comes while the list does may be of before it, or of after it; the list may have had the object first.
 */
static void an_answer_does_not_outlive_a_list_that_is_newer(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    struct names gone = {""};

    (void)state;
    put(store, KIND_A, "old", "1", "");
    put(store, KIND_A, "edited", "1", "");
    unsigned begun = store_list_begin(store, KIND_A);
    put_listed(store, KIND_A, "listed", "50", "");
    put(store, KIND_A, "old", "99", "");
    put(store, KIND_A, "made and gone", "100", "");
    put(store, KIND_A, "made", "101", "");
    put(store, KIND_A, "edited", "60", "");
    put_listed(store, KIND_A, "edited", "60", "");
    put(store, KIND_A, "listed", "50", "");
    put(store, KIND_A, "listed", "50", "");
    store_list_end(store, KIND_A, "", begun, "100", note_gone, &gone);
    assert_non_null(strstr(gone.text, "old "));
    assert_non_null(strstr(gone.text, "made and gone "));
    assert_int_equal(strlen(gone.text), strlen("old made and gone "));
    assert_int_equal(store_count(store, KIND_A), 3);
    store_destroy(store);
}

/* Each of them takes away what it does not have, and only in its own namespace. */
static void lists_of_two_namespaces_may_overlap(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    const struct record here = {"here", "old", "uid", "1", "", "", NULL, 0},
                        there = {"there", "old", "uid", "1", "", "", NULL, 0};
    const struct record new = {"here", "new", "uid", "2", "", "", NULL, 0};
    struct names gone = {""};

    (void)state;
    store_put(store, KIND_A, &here);
    store_put(store, KIND_A, &there);
    unsigned begun_here = store_list_begin(store, KIND_A);
    store_put_listed(store, KIND_A, &new);
    unsigned begun_there = store_list_begin(store, KIND_A);
    store_list_end(store, KIND_A, "here", begun_here, "100", note_gone, &gone);
    assert_string_equal(gone.text, "old ");
    assert_null(store_get(store, KIND_A, "here", "old"));
    assert_non_null(store_get(store, KIND_A, "here", "new"));
    store_touch(store, KIND_A, "there", "old");
    store_list_end(store, KIND_A, "there", begun_there, "100", note_gone, &gone);
    assert_non_null(store_get(store, KIND_A, "here", "new"));
    assert_non_null(store_get(store, KIND_A, "there", "old"));
    store_destroy(store);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * What is reached; what is not shown
 */
static void knows_what_the_watch_of_a_namespace_has_reached(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);

    (void)state;
    assert_null(store_reached(store, KIND_A, "ns"));
    store_reach(store, KIND_A, "", "5");
    assert_string_equal(store_reached(store, KIND_A, "ns"), "5");
    store_reach(store, KIND_A, "", "10");
    store_reach(store, KIND_A, "ns", "7");
    assert_string_equal(store_reached(store, KIND_A, "ns"), "7");
    assert_string_equal(store_reached(store, KIND_A, "other"), "10");
    assert_null(store_reached(store, KIND_B, "ns"));
    store_destroy(store);
}

static bool is_news_of(const struct store *store, const char *uid, const char *version, bool gone)
{
    const struct record seen = {.ns = "ns", .name = "x", .uid = uid, .version = version};

    return store_is_news(store, KIND_A, &seen, gone);
}

static void tells_news_from_what_is_known(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);

    (void)state;
    assert_true(is_news_of(store, "uid", "1", false));
    put(store, KIND_A, "x", "10", "");
    assert_false(is_news_of(store, "uid", "9", false));
    assert_false(is_news_of(store, "uid", "10", false));
    assert_true(is_news_of(store, "uid", "11", false));
    assert_false(is_news_of(store, "former", "9", false)); /* the end of its predecessor is an old story */
    assert_false(is_news_of(store, "former", "9", true));
    assert_true(is_news_of(store, "uid", "10", true)); /* the answer to the deletion had that version, too */
    assert_true(is_news_of(store, "successor", "11", false));
    assert_false(is_news_of(store, "uid", "eleven", false));
    store_destroy(store);
}

static void count_record(void *arg, const struct record *record)
{
    (void)record;
    ++*(int *)arg;
}

static void count_owned(void *arg, unsigned kind, const struct record *record)
{
    (void)kind;
    count_record(arg, record);
}

/* Whoever asks, in whatever way, is shown so many records. */
static void assert_shown(const struct store *store, int expected)
{
    int all = 0, owned = 0;

    store_each(store, KIND_A, count_record, &all);
    store_each_owned(store, "ns/o", count_owned, &owned);
    assert_int_equal(all, expected);
    assert_int_equal(owned, expected);
    assert_int_equal(store_count(store, KIND_A), expected);
    assert_int_equal(store_get(store, KIND_A, "ns", "x") != NULL, expected);
}

/* The answer to a deletion comes first, the watch is half a minute behind. */
static void what_is_buried_does_not_come_back(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);

    (void)state;
    put(store, KIND_A, "x", "10", "ns/o");
    store_bury(store, KIND_A, "ns", "x", "uid");
    assert_shown(store, 0);
    assert_false(is_news_of(store, "uid", "9", false));
    assert_false(is_news_of(store, "uid", "11", false)); /* somebody had changed it shortly before */
    assert_true(is_news_of(store, "uid", "12", true));
    store_remove(store, KIND_A, "ns", "x");
    assert_true(is_news_of(store, "successor", "13", false));
    store_destroy(store);
}

static void a_successor_takes_the_place_of_the_buried(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);

    (void)state;
    put(store, KIND_A, "x", "10", "ns/o");
    store_bury(store, KIND_A, "ns", "x", "uid");
    assert_true(is_news_of(store, "successor", "11", false));
    put(store, KIND_A, "x", "12", "ns/o");
    assert_shown(store, 1);
    assert_false(is_news_of(store, "uid", "11", true)); /* the end of the buried is not that of its successor */
    store_bury(store, KIND_A, "ns", "x", "another");    /* nor does the answer about another one */
    store_bury(store, KIND_A, "ns", "nowhere", "uid");
    assert_shown(store, 1);
    store_destroy(store);
}

static void a_list_without_the_buried_forgets_it(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    struct names changed = {""};

    (void)state;
    put(store, KIND_A, "x", "10", "ns/o");
    store_bury(store, KIND_A, "ns", "x", "uid");
    unsigned begun = store_list_begin(store, KIND_A);
    store_touch(store, KIND_A, "ns", "x"); /* this list was made before the deletion */
    store_list_end(store, KIND_A, "", begun, "100", note_gone, &changed);
    assert_shown(store, 0);
    assert_false(is_news_of(store, "uid", "10", false));
    begun = store_list_begin(store, KIND_A);
    store_list_end(store, KIND_A, "", begun, "100", note_gone, &changed);
    assert_shown(store, 0);
    assert_true(is_news_of(store, "successor", "9", false));
    assert_string_equal(changed.text, ""); /* nothing that was to be seen has changed */
    store_destroy(store);
}

static unsigned list_of_x(struct store *store, const char *version)
{
    const struct record r = record_of("ns", "x", version, "ns/o");
    unsigned begun = store_list_begin(store, KIND_A);

    store_put_listed(store, KIND_A, &r);
    return begun;
}

/* Version 20 was reached, and there was no x then. So it is gone, if the list is of before; else its event was lost. */
static void what_may_be_of_the_past_is_shown_at_the_end_of_the_list(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    struct names changed = {""};

    (void)state;
    store_reach(store, KIND_A, "", "20");
    list_of_x(store, "10");
    assert_shown(store, 0);
    unsigned begun = list_of_x(store, "11"); /* the first one was refused */
    assert_shown(store, 0);
    store_list_end(store, KIND_A, "other", begun, "100", note_gone, &changed); /* that proves nothing */
    assert_shown(store, 0);
    store_list_end(store, KIND_A, "ns", begun, "100", note_gone, &changed);
    assert_string_equal(changed.text, "x ");
    assert_shown(store, 1);
    store_destroy(store);
}

static void what_only_a_refused_list_had_is_never_shown(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    struct names changed = {""};

    (void)state;
    store_reach(store, KIND_A, "", "20");
    list_of_x(store, "10");
    unsigned begun = store_list_begin(store, KIND_A);
    store_list_end(store, KIND_A, "", begun, "100", note_gone, &changed);
    assert_string_equal(changed.text, "");
    assert_shown(store, 0);
    assert_true(is_news_of(store, "uid", "1", false));
    store_destroy(store);
}

static void what_is_new_in_a_list_is_shown_at_once(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);

    (void)state;
    list_of_x(store, "10"); /* the first list */
    assert_shown(store, 1);
    store_reach(store, KIND_A, "", "20");
    list_of_x(store, "21");
    assert_shown(store, 1);
    assert_version(store, KIND_A, "x", "21");
    store_destroy(store);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Against a model: an array of all records that there can be */

enum { NAMES = 30, OWNERS = 4, STEPS = 100000 };

struct model {
    struct cell {
        bool exists, listed, put; /* by the list that began last; since then */
        int version, owner;       /* owner 0: none */
    } cells[KINDS][NAMES];
    bool listing[KINDS];
    unsigned begun[KINDS];
    int now, of; /* the newest version; that of the list which ends */
};

struct world {
    struct store *store;
    struct model model;
    bool seen[KINDS][NAMES];
    int owner; /* whose records are walked over, 0: of any */
};

static void owner_text(int owner, char text[static 16])
{
    snprintf(text, 16, owner ? "ns/%d" : "", owner);
}

static void assert_same(struct world *w, unsigned kind, const struct record *r)
{
    const struct cell *cell = &w->model.cells[kind][atoi(r->name)];
    char owner[16];

    owner_text(cell->owner, owner);
    assert_true(cell->exists);
    assert_int_equal(atoi(r->version), cell->version);
    assert_string_equal(r->owner, owner);
}

static void see_owned(void *arg, unsigned kind, const struct record *r)
{
    struct world *w = arg;

    assert_same(w, kind, r);
    assert_int_equal(w->model.cells[kind][atoi(r->name)].owner, w->owner);
    assert_false(w->seen[kind][atoi(r->name)]);
    w->seen[kind][atoi(r->name)] = true;
}

static void see_of_kind_a(void *arg, const struct record *r)
{
    struct world *w = arg;

    assert_same(w, KIND_A, r);
    assert_false(w->seen[KIND_A][atoi(r->name)]);
    w->seen[KIND_A][atoi(r->name)] = true;
}

/* Exactly those that should have been seen were seen. */
static void assert_seen(struct world *w, unsigned kinds)
{
    for (unsigned kind = 0; kind < kinds; kind++)
        for (int name = 0; name < NAMES; name++) {
            const struct cell *cell = &w->model.cells[kind][name];
            assert_int_equal(w->seen[kind][name], cell->exists && (w->owner == 0 || cell->owner == w->owner));
        }
    memset(w->seen, 0, sizeof(w->seen));
}

static void assert_world(struct world *w)
{
    char owner[16];

    w->owner = 0;
    store_each(w->store, KIND_A, see_of_kind_a, w);
    assert_seen(w, 1);
    for (w->owner = 1; w->owner <= OWNERS; w->owner++) {
        owner_text(w->owner, owner);
        store_each_owned(w->store, owner, see_owned, w);
        assert_seen(w, KINDS);
    }
}

static bool may_stay(const struct world *w, const struct cell *cell)
{
    return cell->listed || (cell->put && cell->version > w->model.of);
}

static void expect_gone(void *arg, unsigned kind, const struct record *r)
{
    struct world *w = arg;
    struct cell *cell = &w->model.cells[kind][atoi(r->name)];

    assert_false(may_stay(w, cell));
    assert_same(w, kind, r); /* it is still whole */
    cell->exists = false;
}

static void list_step(struct world *w, unsigned kind)
{
    if (rand() % 2) {
        w->model.begun[kind] = store_list_begin(w->store, kind);
        w->model.listing[kind] = true;
        for (int name = 0; name < NAMES; name++)
            w->model.cells[kind][name].listed = w->model.cells[kind][name].put = false;
    } else if (w->model.listing[kind]) {
        char version[16];
        w->model.of = w->model.now - rand() % 50;
        snprintf(version, sizeof(version), "%d", w->model.of > 0 ? w->model.of : 0);
        store_list_end(w->store, kind, "", w->model.begun[kind], version, expect_gone, w);
        w->model.listing[kind] = false;
        for (int name = 0; name < NAMES; name++)
            assert_true(!w->model.cells[kind][name].exists || may_stay(w, &w->model.cells[kind][name]));
    }
}

static void step(struct world *w, int version)
{
    unsigned kind = (unsigned)rand() % KINDS;
    int n = rand() % NAMES, what = rand() % 100;
    struct cell *cell = &w->model.cells[kind][n];
    char name[16], text[16], owner[16];

    snprintf(name, sizeof(name), "%d", n);
    if (what < 60) {
        bool of_list = what < 30;
        *cell = (struct cell){true, of_list || (cell->exists && cell->listed), true, version, rand() % (OWNERS + 1)};
        snprintf(text, sizeof(text), "%d", version);
        owner_text(cell->owner, owner);
        (of_list ? put_listed : put)(w->store, kind, name, text, owner);
    } else if (what < 75) {
        store_remove(w->store, kind, "ns", name);
        cell->exists = false;
    } else if (what < 95) {
        store_touch(w->store, kind, "ns", name);
        cell->listed = cell->exists;
    } else {
        list_step(w, kind);
    }
    const struct record *r = store_get(w->store, kind, "ns", name);
    assert_int_equal(r != NULL, cell->exists);
    if (r)
        assert_same(w, kind, r);
}

static void does_as_the_model_does(void **state)
{
    struct world w = {.store = store_create(kind_names, layouts, KINDS)};

    (void)state;
    srand(1);
    for (int i = 0; i < STEPS; i++) {
        w.model.now = i;
        step(&w, i);
        if (i % 100 == 0)
            assert_world(&w);
    }
    store_destroy(w.store);
}

/* ---------------------------------------------------------------------------------------------------------------------
 * Shares */

static void note_evicted(void *arg, const struct record *owner)
{
    (void)owner;
    ++*(size_t *)arg;
}

static bool put_priced(struct store *store, unsigned kind, const char *ns, int number, const char *owner,
                       unsigned price, size_t *evicted)
{
    char name[20];

    snprintf(name, sizeof(name), "o-%d", number);
    struct record r = record_of(ns, name, "1", owner);
    r.price = price;
    if (!store_make_room(store, kind, &r, note_evicted, evicted))
        return false;
    store_put(store, kind, &r);
    return true;
}

static size_t held(struct store *store, const char *ns)
{
    return shares_held(store_shares(store), ns);
}

static void a_namespace_may_fill_what_nobody_else_needs(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    size_t evicted = 0;

    (void)state;
    shares_set_budget(store_shares(store), 100);
    for (int i = 0; i < 10; i++)
        assert_true(put_priced(store, KIND_A, "many", i, "", 10, &evicted));
    assert_false(put_priced(store, KIND_A, "many", 10, "", 10, &evicted));
    assert_true(put_priced(store, KIND_A, "many", 9, "", 10, &evicted)); /* as large as before */
    assert_false(put_priced(store, KIND_A, "many", 9, "", 11, &evicted));
    assert_true(put_priced(store, KIND_B, "many", 1, "", 0, &evicted)); /* costs nothing */
    assert_int_equal(evicted, 0);
    store_remove(store, KIND_A, "many", "o-3");
    assert_int_equal(held(store, "many"), 90);
    assert_true(put_priced(store, KIND_A, "many", 10, "", 10, &evicted));
    store_destroy(store);
}

/* A sixteenth of what the namespace holds at least, so that not each newcomer goes through all of it. */
static void a_part_gives_way_at_a_time(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    size_t evicted = 0;

    (void)state;
    shares_set_budget(store_shares(store), 160);
    for (int i = 0; i < 160; i++)
        assert_true(put_priced(store, KIND_A, "many", i, "", 1, &evicted));
    assert_true(put_priced(store, KIND_A, "few", 1, "", 2, &evicted));
    assert_int_equal(evicted, 10);
    assert_true(put_priced(store, KIND_A, "few", 2, "", 8, &evicted)); /* there is room now */
    assert_int_equal(evicted, 10);
    assert_true(put_priced(store, KIND_A, "few", 3, "", 20, &evicted));
    assert_int_equal(evicted, 30);
    store_destroy(store);
}

/* With what they own, which may be free. */
static void owners_give_way_to_a_namespace_with_less(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    size_t evicted = 0;
    char owner[40];

    (void)state;
    shares_set_budget(store_shares(store), 100);
    for (int i = 0; i < 10; i++) {
        snprintf(owner, sizeof(owner), "A/many/o-%d", i);
        assert_true(put_priced(store, KIND_A, "many", i, "", 10, &evicted));
        assert_true(put_priced(store, KIND_B, "many", i, owner, 0, &evicted));
    }
    assert_true(put_priced(store, KIND_A, "few", 1, "", 25, &evicted));
    assert_int_equal(evicted, 3);
    assert_int_equal(held(store, "many"), 70);
    assert_int_equal(store_count(store, KIND_A), 8);
    assert_int_equal(store_count(store, KIND_B), 7);
    assert_true(put_priced(store, KIND_A, "few", 2, "", 20, &evicted));
    assert_false(put_priced(store, KIND_A, "few", 3, "", 20, &evicted));
    store_destroy(store);
}

/* An object in another namespace than its owner's burdens the owner's. */
static void the_owners_namespace_pays(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);
    size_t evicted = 0;

    (void)state;
    shares_set_budget(store_shares(store), 100);
    assert_true(put_priced(store, KIND_B, "jobs", 1, "A/many/o", 60, &evicted));
    assert_int_equal(held(store, "jobs"), 0);
    assert_int_equal(held(store, "many"), 60);
    assert_true(put_priced(store, KIND_B, "jobs", 2, "", 45, &evicted)); /* what is nobody's gives way, too */
    assert_null(store_get(store, KIND_B, "jobs", "o-1"));
    assert_int_equal(held(store, "many"), 0);
    assert_int_equal(evicted, 0);
    store_destroy(store);
}

/* However it goes. */
static void references_end_with_the_record(void **state)
{
    const struct reference to[] = {{.kind = KIND_B, .ns = "ns", .name = "secret"}};
    const struct references *references;
    struct names gone = {""};
    size_t evicted = 0;

    (void)state;
    for (int how = 0; how < 4; how++) {
        struct store *store = store_create(kind_names, layouts, KINDS);
        references = store_references(store);
        put(store, KIND_A, "x", "1", "");
        store_refer(store, "A/ns/x", to, 1);
        put(store, KIND_A, "x", "2", "");
        put(store, KIND_B, "x", "2", "");
        store_remove(store, KIND_B, "ns", "x"); /* another kind's of that name */
        assert_true(references_have(references, KIND_B, "ns", "secret"));
        if (how == 0)
            store_remove(store, KIND_A, "ns", "x");
        if (how == 1) {
            unsigned begun = store_list_begin(store, KIND_A);
            store_list_end(store, KIND_A, "", begun, "100", note_gone, &gone);
        }
        if (how == 2) {
            shares_set_budget(store_shares(store), 100);
            assert_true(put_priced(store, KIND_A, "ns", 1, "", 90, &evicted));
            store_refer(store, "A/ns/x", NULL, 0);
            store_refer(store, "A/ns/o-1", to, 1);
            assert_true(put_priced(store, KIND_A, "few", 1, "", 50, &evicted));
        }
        if (how == 3)
            store_refer(store, "A/ns/x", NULL, 0);
        assert_false(references_have(references, KIND_B, "ns", "secret"));
        store_destroy(store);
    }
}

/* As long as something is left out, that an object is not shown is no proof. */
static void what_is_left_out_is_not_known(void **state)
{
    struct store *store = store_create(kind_names, layouts, KINDS);

    (void)state;
    store_reach(store, KIND_A, "", "9");
    assert_true(store_knows(store, KIND_A, "many", "x"));
    shares_leave_out(store_shares(store), "many");
    assert_false(store_knows(store, KIND_A, "many", "x"));
    assert_true(store_knows(store, KIND_A, "few", "x"));
    put(store, KIND_A, "x", "1", "");
    assert_true(store_knows(store, KIND_A, "ns", "x"));
    store_destroy(store);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(copies_every_field),
        cmocka_unit_test(nothing_may_be_kept_of_it),
        cmocka_unit_test(a_copy_is_its_own),
        cmocka_unit_test(who_owned_it_is_told_by_uid),
        cmocka_unit_test(all_concerns_us_unless_something_else_was_said),
        cmocka_unit_test(replaces_a_record_as_a_whole),
        cmocka_unit_test(each_record_keeps_the_uid_that_it_has_of_its_owner),
        cmocka_unit_test(keeps_records_without_a_namespace),
        cmocka_unit_test(a_complete_list_takes_away_what_it_does_not_have),
        cmocka_unit_test(a_list_may_begin_anew),
        cmocka_unit_test(knows_what_the_watch_of_a_namespace_has_reached),
        cmocka_unit_test(tells_news_from_what_is_known),
        cmocka_unit_test(what_is_buried_does_not_come_back),
        cmocka_unit_test(a_successor_takes_the_place_of_the_buried),
        cmocka_unit_test(a_list_without_the_buried_forgets_it),
        cmocka_unit_test(what_may_be_of_the_past_is_shown_at_the_end_of_the_list),
        cmocka_unit_test(what_only_a_refused_list_had_is_never_shown),
        cmocka_unit_test(what_is_new_in_a_list_is_shown_at_once),
        cmocka_unit_test(an_answer_does_not_outlive_a_list_that_is_newer),
        cmocka_unit_test(lists_of_two_namespaces_may_overlap),
        cmocka_unit_test(a_namespace_may_fill_what_nobody_else_needs),
        cmocka_unit_test(a_part_gives_way_at_a_time),
        cmocka_unit_test(owners_give_way_to_a_namespace_with_less),
        cmocka_unit_test(the_owners_namespace_pays),
        cmocka_unit_test(references_end_with_the_record),
        cmocka_unit_test(what_is_left_out_is_not_known),
        cmocka_unit_test(does_as_the_model_does),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
