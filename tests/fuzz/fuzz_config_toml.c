/* The token found in a config.toml, and base64 and times as they come in Secrets and annotations. */
#include "base/arena.h"
#include "base/digest.h"
#include "base/time.h"
#include "fuzz.h"
#include "runner/render.h"

void fuzz(const char *text, size_t len, struct arena *a)
{
    (void)len;
    config_toml_token(text, "https://my.gitlab.com", a);
    base64_decode(text, NULL, a);
    time_parse(text);
}
