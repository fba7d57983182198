/* A loop, and HTTP whose other side is the fuzzer's text: what takes the place of net/loop.c and net/http.c in a target
 * that links peer.c.
 *
 * The text is answers, each ended by a form feed, and each request gets the next one. Its first character is the
 * status, 'a' and on of a list in peer.c; what cannot be an answer's status is a connection that broke, or one of
 * failures[] there. Then comes what X-Next-Page and Retry-After say, a character each, of which the second may be '<'
 * or '>' as well: the clock goes an hour wrong. Then comes the body. When all have been given, connections break. */
#ifndef TESTS_FUZZ_PEER_H
#define TESTS_FUZZ_PEER_H

#include <stdbool.h>
#include <stddef.h>

#include "net/http.h"
#include "net/loop.h"

/* The text is lent. */
struct loop *peer_begin(const char *text);
/* What http_create() returns: all share one, and http_destroy() cancels all that is in flight. */
struct http *peer_http(void);
/* Who is to see each answer before the one who has asked; NULL, as after peer_begin(): nobody. */
void peer_show(void (*see)(const char *method, const char *url, const struct http_reply *reply));
/* Answers what is asked, and lets time pass where nothing is, until there is neither (false) or it has done so `steps`
 * times. */
bool peer_run(unsigned steps);
/* All requests and timers must have ended by themselves. */
void peer_end(void);

#endif
