/* What a good answer of GitLab's is like, member by member: kind, range and length. */
#include "golden.h"

#include "base/mem.h"
#include "gitlab/op.h"

/* The answer has a place, '#', that is filled `times` over: by letters, or by elements of a list. */
static const struct {
    enum gitlab_op_kind op;
    const char *answer;
    size_t times;
    const char *complaint; /* NULL: it is good */
} cases[] = {
    {GITLAB_OP_CREATE, "{'id': 1, 'token': 't'}", 0, NULL},
    {GITLAB_OP_CREATE, "{'id': 9007199254740992, 'token': 't'}", 0, NULL},
    {GITLAB_OP_CREATE, "{'id': 9007199254740993, 'token': 't'}", 0, "id"},
    {GITLAB_OP_CREATE, "{'id': 0, 'token': 't'}", 0, "id"},
    {GITLAB_OP_CREATE, "{'token': 't'}", 0, "id"},
    {GITLAB_OP_CREATE, "{'id': 1}", 0, "token"},
    {GITLAB_OP_CREATE, "{'id': 1, 'token': ''}", 0, "token"},
    {GITLAB_OP_CREATE, "{'id': 1, 'token': '#'}", 512, NULL},
    {GITLAB_OP_CREATE, "{'id': 1, 'token': '#'}", 513, "token"},
    {GITLAB_OP_CREATE, "{'id': 1, 'token': 't', 'token_expires_at': 'x'}", 0, "token_expires_at"},
    {GITLAB_OP_CREATE, "{'id': 1, 'token': 't', 'token_expires_at': '1960-01-02T03:04:05Z'}", 0, "token_expires_at"},
    {GITLAB_OP_CREATE, "{'id': 1, 'token': 't', 'token_expires_at': '1970-01-01T00:00:00Z'}", 0, NULL},
    {GITLAB_OP_CREATE, "{'id': 1, 'token': 't', 'description': 7}", 0, NULL}, /* nobody reads it there */
    {GITLAB_OP_RESET, "{'token': 't'}", 0, NULL},
    {GITLAB_OP_ROTATE, "{'id': 'x', 'token': 't'}", 0, NULL},
    {GITLAB_OP_ROTATE, "{}", 0, "token"},
    {GITLAB_OP_VERIFY, "{'id': 1}", 0, "token"},
    {GITLAB_OP_REGISTER, "{'token': 't'}", 0, "id"},
    {GITLAB_OP_VERSION, "{'version': '19.3.1-ee'}", 0, NULL},
    {GITLAB_OP_VERSION, "{}", 0, "version"},
    {GITLAB_OP_SELF, "{'expires_at': '2027-01-02'}", 0, NULL},
    {GITLAB_OP_SELF, "{'expires_at': null}", 0, NULL},
    {GITLAB_OP_SELF, "{}", 0, NULL},
    {GITLAB_OP_SELF, "{'expires_at': '1970-01-01'}", 0, NULL},
    {GITLAB_OP_SELF, "{'expires_at': '1969-12-31'}", 0, "expires_at"},
    {GITLAB_OP_SELF, "{'expires_at': '2027-13-02'}", 0, "expires_at"},
    {GITLAB_OP_SELF, "{'expires_at': '2027-01-02T'}", 0, "expires_at"},
    {GITLAB_OP_SELF, "{'expires_at': 7}", 0, "expires_at"},
    {GITLAB_OP_SHOW, "{'description': 'x'}", 0, "id"},
    {GITLAB_OP_UPDATE, "{'description': 'x'}", 0, "id"},
    {GITLAB_OP_FIND, "{'description': 7}", 0, "id"},
    {GITLAB_OP_FIND, "{'id': 1, 'description': 7}", 0, NULL},
    {GITLAB_OP_FIND, "{'id': 1, 'maintenance_note': 7}", 0, "maintenance_note"},
    {GITLAB_OP_SHOW, "{'id': 1, 'description': '#'}", 4096, NULL},
    {GITLAB_OP_SHOW, "{'id': 1, 'description': '#'}", 4097, "description"},
    {GITLAB_OP_SHOW, "{'id': 1, 'maintenance_note': '#'}", 4097, "maintenance_note"},
    {GITLAB_OP_SHOW, "{'id': 1, 'maintenance_note': 'a\\u0000b'}", 0, "maintenance_note"},
    {GITLAB_OP_SHOW, "{'id': 1, 'tag_list': ['#']}", 1020, NULL},
    {GITLAB_OP_SHOW, "{'id': 1, 'tag_list': ['#']}", 1021, "tag_list"},
    {GITLAB_OP_SHOW, "{'id': 1, 'tag_list': [#'z']}", 499, NULL},
    {GITLAB_OP_SHOW, "{'id': 1, 'tag_list': [#'z']}", 500, "tag_list"},
    {GITLAB_OP_SHOW, "{'id': 1, 'tag_list': ['a', 7]}", 0, "tag_list"},
    {GITLAB_OP_SHOW, "{'id': 1, 'tag_list': {}}", 0, "tag_list"},
    {GITLAB_OP_SHOW, "{'id': 1, 'run_untagged': 1}", 0, "run_untagged"},
    {GITLAB_OP_SHOW, "{'id': 1, 'locked': 'x'}", 0, "locked"},
    {GITLAB_OP_SHOW, "{'id': 1, 'paused': 0}", 0, "paused"},
    {GITLAB_OP_SHOW, "{'id': 1, 'paused': false, 'locked': true, 'run_untagged': false}", 0, NULL},
    {GITLAB_OP_SHOW, "{'id': 1, 'access_level': '#'}", 1020, NULL},
    {GITLAB_OP_SHOW, "{'id': 1, 'access_level': '#'}", 1021, "access_level"},
    {GITLAB_OP_SHOW, "{'id': 1, 'maximum_timeout': 0}", 0, NULL},
    {GITLAB_OP_SHOW, "{'id': 1, 'maximum_timeout': -1}", 0, "maximum_timeout"},
    {GITLAB_OP_SHOW, "{'id': 1, 'maximum_timeout': 1.5}", 0, "maximum_timeout"},
    {GITLAB_OP_SHOW, "{'id': 1, 'contacted_at': 'x'}", 0, "contacted_at"},
    {GITLAB_OP_SHOW, "{'id': 1, 'runner_type': []}", 0, "runner_type"},
    {GITLAB_OP_SHOW, "{'id': 1, 'groups': [{'id': 1}]}", 0, NULL},
    {GITLAB_OP_SHOW, "{'id': 1, 'groups': [{'id': 1}, {'id': 0}]}", 0, "groups"},
    {GITLAB_OP_SHOW, "{'id': 1, 'groups': [1]}", 0, "groups"},
    {GITLAB_OP_SHOW, "{'id': 1, 'projects': [{}]}", 0, "projects"},
    {GITLAB_OP_SHOW, "{'id': 1, 'projects': [#{'id': 7}]}", 1999, NULL},
    {GITLAB_OP_SHOW, "{'id': 1, 'projects': [#{'id': 7}]}", 2000, "projects"},
    {GITLAB_OP_LIST, "[]", 0, NULL},
    {GITLAB_OP_LIST, "[#{'id': 7}]", 49, NULL},
    {GITLAB_OP_LIST, "[#{'id': 7}]", 50, "list"},
    {GITLAB_OP_LIST_ALL, "[{'id': 'x'}]", 0, "list"},
    {GITLAB_OP_RUNNING, "{}", 0, "list"},
    {GITLAB_OP_DEREGISTER, "{'id': 'x', 'token': 7}", 0, NULL},
};

static const char *filled(size_t i, struct arena *a)
{
    const char *place = strchr(cases[i].answer, '#');

    if (!place)
        return cases[i].answer;
    bool letters = place[-1] == '\'';
    const char *element = letters ? "x" : strncmp(place, "#{", 2) == 0 ? "{'id': 7}, " : "'z', ";
    size_t len = strlen(element);
    char *filling = arena_alloc(a, cases[i].times * len + 1);
    for (size_t n = 0; n < cases[i].times; n++)
        memcpy(filling + n * len, element, len);
    return arena_printf(a, "%.*s%s%s", (int)(place - cases[i].answer), cases[i].answer, filling, place + 1);
}

static void each_member_is_as_gitlab_has_it(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        cleanup_arena struct arena a = {0};
        const char *complaint = answer_complaint(cases[i].op, quoted_json(filled(i, &a), &a));
        if (strcmp(complaint ? complaint : "", cases[i].complaint ? cases[i].complaint : "") != 0)
            fail_msg("%s, %zu times: %s", cases[i].answer, cases[i].times, complaint);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_member_is_as_gitlab_has_it),
    };

    return cmocka_run_group_tests_name("answer_shape", tests, NULL, NULL);
}
