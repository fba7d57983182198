/* The closed list of reasons, tests/data/reasons.txt: a line each, "Reason  what it means". */
#ifndef TESTS_REASONS_H
#define TESTS_REASONS_H

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* The list with a newline before and a space behind each word; read once. */
static inline const char *reasons(void)
{
    static char text[16384];
    FILE *file = *text ? NULL : fopen("tests/data/reasons.txt", "r");

    if (file) {
        text[0] = '\n';
        text[1 + fread(text + 1, 1, sizeof(text) - 2, file)] = '\0';
        fclose(file);
    }
    return text;
}

static inline bool reason_is_known(const char *reason)
{
    char line[80];

    snprintf(line, sizeof(line), "\n%s ", reason);
    return strstr(reasons(), line) != NULL;
}

#endif
