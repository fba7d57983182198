/* model TABLE FILE…: holds recorded conversations with the simulation's servers. Succeeds when no difference is found
 * but those of the table, and all of those. See README.md. */
#include <stdio.h>
#include <string.h>

#include "base/json.h"
#include "base/mem.h"
#include "tests/model/gitlab_replay.h"

static void replay_gitlab(struct differences *differences, FILE *file, size_t *compared)
{
    struct gitlab_replay *replay = gitlab_replay_create(differences);
    char *text = NULL;
    size_t size = 0;
    struct err err;

    for (ssize_t len; (len = getline(&text, &size, file)) > 0;) {
        cleanup_json struct json_object *line = json_parse_within(text, (size_t)len, SIZE_MAX, &err);
        if (line)
            gitlab_replay_line(replay, line);
    }
    *compared += gitlab_replay_compared(replay);
    gitlab_replay_destroy(replay);
    free(text);
}

int main(int argc, char **argv)
{
    struct differences *differences = differences_read(argv[1]);
    size_t compared = 0;

    for (int i = 2; i < argc; i++) {
        FILE *file = fopen(argv[i], "r");
        if (!file) {
            perror(argv[i]);
            return 2;
        }
        replay_gitlab(differences, file, &compared);
        fclose(file);
    }
    bool good = differences_told(differences);
    printf("  MODEL %zu answers compared%s\n", compared, good ? "" : ": they differ");
    differences_free(differences);
    return good ? 0 : 1;
}
