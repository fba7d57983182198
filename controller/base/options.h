/* Options of a command line: one table makes the reader, the checks and the help. */
#ifndef BASE_OPTIONS_H
#define BASE_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* One option. parse() puts the value into *field; false when it is not what it must be. NULL: the value is one of the
 * words of `value`, such as "json|text", and *(unsigned *)field becomes its place among them. */
struct option_row {
    char letter;       /* of its short form; 0: none                                          */
    const char *name;  /* without its dashes                                                 */
    const char *value; /* how the help names it; NULL: it takes none                         */
    const char *help;
    bool (*parse)(const char *value, void *field);
    size_t field;     /* its offset in the struct that the table fills                       */
    const char *must; /* be, for who has given another; NULL: one of the words               */
};

/* Rows, and the struct that they fill. */
struct option_table {
    const struct option_row *rows;
    size_t len;
    void *into;
};

enum { OPTION_TABLES_MAX = 8, OPTIONS_MAX = 64, OPTION_LIST_MAX = 64 };

/* An option that may be given several times; the texts are argv's. */
struct option_list {
    const char *items[OPTION_LIST_MAX];
    size_t len;
};

enum options_outcome { OPTIONS_GOOD, OPTIONS_HELP, OPTIONS_WRONG };

/* Reads argv[1] and on by the tables, of which an earlier one counts more, and -h and --help. What is no option is
 * moved to the end of argv, and *ret_first is the place of its first. What is wrong has been said on stderr, as
 * "argv[0]: --name value: must be …"; a value with an @ in it is not repeated, since it may have a password. */
enum options_outcome options_read(const struct option_table *tables, size_t len, int argc, char **argv, int *ret_first);
/* A line for each option, and for --help. */
void options_help(const struct option_table *tables, size_t len, FILE *out);

/* A whole number of digits alone, from least to most. */
bool option_whole(const char *value, long least, long most, long *ret);

/* For option_row.parse. */
bool option_text(const char *value, void *field); /* const char *: lent, as it is               */
bool option_flag(const char *value, void *field); /* bool: true                                 */
bool option_port(const char *value, void *field); /* int: 0 to 65535                            */
bool option_duration(const char *value,
                     void *field);                  /* int64_t: milliseconds, of "90s", "1h30m" or "90", up to a year */
bool option_append(const char *value, void *field); /* struct option_list                         */

#endif
