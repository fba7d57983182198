"""The programs for those who run them outside of a cluster, an archive for each architecture: gitlab-runner-controller (`validate`,
`render`), and the same program under the name by which it is a plugin of kubectl, with a manifest for krew beside it.
"""
from __future__ import annotations

import gzip
from pathlib import Path

from image.layer import Layer

PROGRAM = "gitlab-runner-controller"
PLUGIN = "kubectl-glr"


def archive(name: str, version: str, architecture: str) -> str:
    return f"{name}_{version}_linux_{architecture}.tar.gz"


def write(dist: Path, version: str, architectures: list[str]) -> None:
    for name in (PROGRAM, PLUGIN):
        for architecture in architectures:
            layer = Layer()
            layer.file(f"build/image/{architecture}/stripped/{PROGRAM}", name)
            layer.file("LICENSE", "LICENSE")
            (dist / archive(name, version, architecture)).write_bytes(gzip.compress(layer.tar(), 6, mtime=0))
