/* replay TABLE FILE…: holds recorded conversations with the simulation's servers. Succeeds when no difference is found
 * but those of the table, and all of those. See README.md. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/model/api_replay.h"
#include "tests/model/gitlab_replay.h"
#include "tests/sim/api_schema.h"

/* Each file is a conversation of its own. */
struct conversation {
    struct differences *differences;
    struct gitlab_replay *gitlab;
    struct api_replay *api;
    size_t compared;
};

/* Of an API server, whose kind comes first, and who speaks of verbs; or of a GitLab. */
static void take_line(struct conversation *c, struct json_object *line)
{
    if (json_get(line, "crd")) {
        schema_use_crd(json_get(line, "crd"));
    } else if (json_str(line, "verb")) {
        c->api = c->api ? c->api : api_replay_create(c->differences);
        api_replay_line(c->api, json_ref(line));
    } else {
        c->gitlab = c->gitlab ? c->gitlab : gitlab_replay_create(c->differences);
        gitlab_replay_line(c->gitlab, line);
    }
}

static void take_file(struct conversation *c, FILE *file)
{
    char *text = NULL;
    size_t size = 0;
    struct err err;

    for (ssize_t len; (len = getline(&text, &size, file)) > 0;) {
        cleanup_json struct json_object *line = json_parse_within(text, (size_t)len, SIZE_MAX, &err);
        if (line)
            take_line(c, line);
    }
    free(text);
}

static void end_conversation(struct conversation *c)
{
    if (c->gitlab) {
        c->compared += gitlab_replay_compared(c->gitlab);
        gitlab_replay_destroy(c->gitlab);
    }
    if (c->api) {
        c->compared += api_replay_run(c->api);
        api_replay_destroy(c->api);
    }
    c->gitlab = NULL;
    c->api = NULL;
}

int main(int argc, char **argv)
{
    struct conversation c = {.differences = differences_read(argv[1])};

    for (int i = 2; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        if (!file) {
            perror(argv[i]);
            return 2;
        }
        take_file(&c, file);
        fclose(file);
        end_conversation(&c);
    }
    bool good = differences_told(c.differences);
    printf("  MODEL %zu answers compared%s\n", c.compared, good ? "" : ": they differ");
    differences_free(c.differences);
    return good ? 0 : 1;
}
