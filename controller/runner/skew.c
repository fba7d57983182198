#include "runner/skew.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "base/arena.h"

struct version {
    int major, minor; /* 0, 0: not known */
};

const char *image_version(const char *image)
{
    const char *slash = image ? strrchr(image, '/') : NULL, *name = slash ? slash : image;
    const char *tag = name ? strchr(name, ':') : NULL;

    if (!tag)
        return NULL;
    const char *number = isdigit((unsigned char)tag[1]) ? tag + 1 : NULL;
    for (const char *at = tag + 1; *at && *at != '@'; at++)
        if (*at == 'v' && isdigit((unsigned char)at[1]) && (at[-1] == ':' || at[-1] == '-'))
            number = at + 1;
    return number;
}

static struct version version_of_image(const char *image)
{
    const char *number = image_version(image);
    struct version v = {0};

    if (!number || sscanf(number, "%d.%d", &v.major, &v.minor) != 2)
        return (struct version){0};
    return v;
}

static const char *helper_skew(const struct observed *o, struct version manager, struct arena *a, const char **message)
{
    struct version helper = version_of_image(o->spec->helper_image);

    if (!helper.major || !manager.major || (helper.major == manager.major && helper.minor == manager.minor))
        return NULL;
    *message =
        arena_printf(a, "the helper image is of version %d.%d, the manager's image of %d.%d: use the same for both",
                     helper.major, helper.minor, manager.major, manager.minor);
    return "HelperVersionDiffers";
}

/* Who has no access token any more does not hear of the next one. */
static struct version version_of_gitlab(const struct observed *o)
{
    bool asked = o->spec->authentication == AUTH_ACCESS_TOKEN;

    return asked ? (struct version){o->memory->check.major, o->memory->check.minor} : (struct version){0};
}

const char *version_skew(const struct observed *o, struct arena *a, const char **ret_message)
{
    const char *own = o->spec->manager.image, *image = own ? own : o->settings.manager_image;
    struct version manager = version_of_image(image), gitlab = version_of_gitlab(o);
    bool newer = manager.major > gitlab.major || (manager.major == gitlab.major && manager.minor > gitlab.minor);

    if (!manager.major || !gitlab.major || (!newer && manager.major == gitlab.major))
        return helper_skew(o, manager, a, ret_message);
    *ret_message = arena_printf(a,
                                "the manager's image is of version %d.%d and GitLab of %d.%d: use an image of GitLab's "
                                "version",
                                manager.major, manager.minor, gitlab.major, gitlab.minor);
    return newer ? "RunnerNewerThanGitLab" : "RunnerOlderThanGitLab";
}
