/* Specs that people write: a first one, and edits of any field. Numbers choose; 0 is the simplest. */
#ifndef TESTS_SIM_SPECS_H
#define TESTS_SIM_SPECS_H

#include <stdbool.h>
#include <stdint.h>

struct json_object;

enum spec_mode { MODE_ACCESS, MODE_REGISTRATION, MODE_RUNNER, MODES };

/* Of the runner of that number; it is the caller's. check_s: serverCheckPeriodSeconds; 0: the usual. */
struct json_object *spec_new(int runner, uint32_t chance, int check_s);
/* One field is another now. Returns its name. */
const char *spec_edit(struct json_object *spec, int runner, uint32_t field, uint32_t chance);

enum spec_mode spec_mode(struct json_object *spec);
/* The number of its GitLab. */
int spec_gitlab(struct json_object *spec);
/* The Secret that its authentication names, and the key in it. */
const char *spec_secret(struct json_object *spec);
const char *mode_key(enum spec_mode mode);
bool spec_is_invalid(struct json_object *spec);
/* Whether what that edit changes makes the managers' pods roll, or may (docs/what-changes-what.md). */
bool edit_may_roll(const char *field);
/* … or makes another registration. */
bool edit_moves(const char *field);

#endif
