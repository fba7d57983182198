/* The files of web/page/, which the build puts into the program (hack/embed). */
#ifndef WEB_PAGE_FILES_H
#define WEB_PAGE_FILES_H

#include "net/serve.h"

struct page_file {
    const char *path, *content_type; /* "/page.css" */
    struct serve_file file;
};

/* Ended by a NULL path. */
extern const struct page_file page_files[];

#endif
