/* What the renderers share: private to render*.c. */
#ifndef RUNNER_RENDER_PARTS_H
#define RUNNER_RENDER_PARTS_H

#include "runner/names.h"
#include "runner/pod_spec.h"
#include "runner/render.h"

#define METRICS_PORT     "9252"
#define METRICS_PORT_HEX "2424"

/* What stands for a value that is not known, or must not be known. */
#define TOKEN_PLACEHOLDER "<token>"
#define CA_PLACEHOLDER    "<ca>"
#define CERT_PLACEHOLDER  "<certificate>"
#define KEY_PLACEHOLDER   "<key>"

/* apiVersion, kind, name, namespace, labels, annotations and owner of a child; the caller owns the tree. */
struct json_object *render_frame(enum child child, const struct owner *owner, const struct spec *spec, struct arena *a);
/* The user's labels and annotations, but where ours have the same name. */
void render_add_metadata(struct json_object *manifest, struct json_object *labels, struct json_object *annotations);
/* The Deployment, without a fingerprint; the caller owns the tree. */
struct json_object *render_deployment(const struct owner *owner, const struct spec *spec,
                                      const struct render_settings *settings, struct arena *a);

/* The labels of everything that we make, and the two by which the Deployment knows its pods. */
struct json_object *render_labels(const struct owner *owner, struct arena *a);
struct json_object *render_selector(const struct owner *owner, struct arena *a);

#endif
