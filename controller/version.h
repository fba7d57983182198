/* What this program is. */
#ifndef VERSION_H
#define VERSION_H

/* "0.1.0 (commit abc1234)", and the libraries' versions at run time as lines on standard output. */
const char *version_text(void);
const char *version_number(void);
const char *version_commit(void);
void version_print(void);

/* As which command the user knows us, for usage lines: "gitlab-runner-controller", or "kubectl glr" where main() has
 * said so. The text is lent. */
const char *program_name(void);
void program_name_set(const char *name);

#endif
