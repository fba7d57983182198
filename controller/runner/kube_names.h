/* What the API server takes as names, labels, annotations and quantities of a pod. Source: apimachinery's
 * pkg/util/validation and pkg/api/resource. */
#ifndef RUNNER_KUBE_NAMES_H
#define RUNNER_KUBE_NAMES_H

#include <stdbool.h>

/* Lower-case letters, digits, dashes and dots, beginning and ending with a letter or digit between dots: the name of a
 * Secret, ServiceAccount, PriorityClass, …; at most 253. */
bool is_dns_subdomain(const char *name);
/* [prefix/]name: the key of a label; the prefix is a DNS subdomain, the name has at most 63 letters, digits, dashes,
 * dots and underscores, and begins and ends with a letter or digit. */
bool is_label_key(const char *key);
/* The same of an annotation, whose prefix may have upper-case letters. */
bool is_annotation_key(const char *key);
/* Empty, or as the name of a label's key. */
bool is_label_value(const char *value);

/* A quantity such as 500m or 2Gi; *ret is about its value. False: it is none. */
bool quantity_parse(const char *text, double *ret);

/* The rules in words, for "…: use …". */
#define SUBDOMAIN_WORDS "lower-case letters, digits, dashes and dots, at most 253"
#define LABEL_WORDS                                                                                                    \
    "at most 63 letters, digits, dashes, underscores and dots, and begin and end with a letter or digit; before "      \
    "it may be a domain and a slash"

#endif
