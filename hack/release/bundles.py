"""The programs for those who run them outside of a cluster (`validate`, `render`), an archive for each architecture.

A program of which there is a stripped one in build/image/ARCHITECTURE is named here. A plugin of kubectl would be another one, with a
manifest for krew beside the archives.
"""
from __future__ import annotations

import gzip
from pathlib import Path

from image.layer import Layer

PROGRAMS = ["gitlab-runner-controller"]


def write(dist: Path, version: str, architectures: list[str]) -> None:
    for program in PROGRAMS:
        for architecture in architectures:
            layer = Layer()
            layer.file(f"build/image/{architecture}/stripped/{program}", program)
            layer.file("LICENSE", "LICENSE")
            name = f"{program}_{version}_linux_{architecture}.tar.gz"
            (dist / name).write_bytes(gzip.compress(layer.tar(), 6, mtime=0))
