/* What subcommands print: objects, for `kubectl apply -f -`. */
#ifndef CLI_PRINT_H
#define CLI_PRINT_H

struct json_object;

/* Prints each element of a list to standard output as a document of YAML, of at most 256 MiB. */
void print_documents(struct json_object *list);

#endif
