/* What people hand over that is no GitLabRunner, but was written for the same purpose. */
#ifndef CLI_FOREIGN_H
#define CLI_FOREIGN_H

struct json_object;

/* Whose an object of this apiVersion and kind is ("GitLab's own operator"); NULL: not that of a tool for runners. Its
 * fields can be led to those of a GitLabRunner. */
const char *foreign_owner(struct json_object *object);

/* What a document is that is no Kubernetes object, and what to do with it, as a sentence; NULL: nobody knows. `text` is
 * the whole file, `document` NULL where that is no YAML. */
const char *foreign_document(const char *text, struct json_object *document);

#endif
