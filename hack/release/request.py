"""python3 -m release.request: whether what is asked for can be released, before it is built."""
from __future__ import annotations

import os
import re
import sys
from pathlib import Path

from image.contents import NAME

# A tag would be one that somebody can move; a registry's name has a dot or a port, or the image would be sought at Docker Hub.
IMAGE = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*(:[0-9]+)?(/[a-z0-9]+([._-]+[a-z0-9]+)*)+")
VERSION = re.compile(r"[0-9]+\.[0-9]+\.[0-9]+(-[0-9A-Za-z.-]+)?")


def check(image: str, version: str, key: str) -> None:
    registry = image.split("/")[0]
    if not IMAGE.fullmatch(image) or not re.search(r"[.:]|^localhost$", registry) or registry == "registry.invalid":
        sys.exit(f"release: IMAGE={image}: say where the image will be pulled from, without a tag, as in\n"
                 f"  make release IMAGE=registry.example.com/team/{NAME}")
    if not VERSION.fullmatch(version):
        sys.exit(f"release: VERSION={version}: it has three numbers, as in 1.2.3 or 1.2.3-rc.1 (semver.org)")
    if key and not Path(key).is_file():
        sys.exit(f"release: SIGNING_KEY={key}: no such file. This makes one:\n"
                 f"  openssl ecparam -name prime256v1 -genkey -noout -out {key}")


if __name__ == "__main__":
    check(os.environ["IMAGE"], os.environ["VERSION"], os.environ.get("SIGNING_KEY", ""))
