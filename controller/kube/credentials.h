/* Who we are to the API server: what the files of the configuration hold, which are read again as time goes by, or what
 * a plugin hands out (kube/exec.h); and for whom we act (Impersonate-*).
 *
 * Each change of the proof has a number, the generation: who was refused with one may come again with the next. When
 * certificates change, idle connections are closed, because they were made with the old ones. */
#ifndef KUBE_CREDENTIALS_H
#define KUBE_CREDENTIALS_H

#include <stdbool.h>

#include "kube/exec.h"
#include "net/http.h"

struct arena;
struct credentials;
struct kube_config;
struct loop;

/* All three are lent. changed is called from the loop when a plugin has ended, well or not. */
struct credentials *credentials_create(struct loop *loop, struct http *http, struct kube_config *config,
                                       void (*changed)(void *arg), void *arg);
/* NULL is fine. */
void credentials_destroy(struct credentials *c);

/* Reads the files whose time has come, and starts the plugin if need be. In EXEC_HAVE, which is always so without a
 * plugin, requests can be sent. */
enum exec_state credentials_need(struct credentials *c);
/* In EXEC_FAILED: why. */
const struct err *credentials_error(const struct credentials *c);
/* Reads all files at once: certificates may have rotated. */
void credentials_reread(struct credentials *c);
/* After a 401 to a request that was sent with this generation: true when there is, or will be, another credential. */
bool credentials_renew(struct credentials *c, unsigned generation);
unsigned credentials_generation(const struct credentials *c);

/* In EXEC_HAVE. The request's own headers, followed by Authorization (unless a client certificate is the proof) and
 * Impersonate-*; both lists are ended by NULL. */
const char *const *credentials_headers(const struct credentials *c, const char *const *own, struct arena *a);
/* In EXEC_HAVE. Lends strings until the next credentials_need(), _reread() or _renew(). */
struct http_tls credentials_tls(const struct credentials *c);

#endif
