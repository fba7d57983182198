"""What is applied, with the image's digest, which no tag can move: all of it, the kind alone, and the operator alone, with which
neither a runner nor a namespace is deleted."""
from __future__ import annotations

import re
import sys
from pathlib import Path

PLACEHOLDER = re.compile(r"registry\.invalid/gitlab-runner-controller:\S+")
KIND = re.compile(r"^kind: (\w+)$", re.M)
FILES = {
    "install.yaml": lambda kind: True,
    "crds.yaml": lambda kind: kind == "CustomResourceDefinition",
    "operator.yaml": lambda kind: kind not in ("CustomResourceDefinition", "Namespace"),
}


def write(dist: Path, image: str, digest: str, source: Path = Path("manifests/install.yaml")) -> None:
    text = re.sub(r"\A(#.*\n)+", "", source.read_text())
    text, times = PLACEHOLDER.subn(f"{image}@{digest}", text)
    if times != 1:
        sys.exit(f"release: {source} names the image {times} times")
    documents = re.split(r"^---\n", text, flags=re.M)
    for name, wanted in FILES.items():
        (dist / name).write_text("---\n".join(document for document in documents if wanted(KIND.search(document)[1])))
