"""What hack/image and hack/release make, and the tools that judge it. No cluster is needed, and nothing leaves this machine."""
from __future__ import annotations

import gzip
import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from cluster import CACHE, ROOT

NAME = "gitlab-runner-controller"
VERSION = "1.2.3"
NATIVE = {"x86_64": "amd64", "aarch64": "arm64"}[platform.machine()]
CRANE = CACHE / "bin/crane"
PREFIX = "org.opencontainers.image."


def command(*words: str | Path, code: int = 0, **options: object) -> str:
    """What it says; it must end with the exit code."""
    done = subprocess.run(words, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120, cwd=ROOT, **options)
    assert done.returncode == code, f"{' '.join(map(str, words))}: {done.returncode}\n{done.stdout}"
    return done.stdout


def module(name: str, *words: str | Path, code: int = 0, env: dict[str, str] = {}) -> str:
    """One of hack/'s."""
    return command(sys.executable, "-m", name, *words, code=code, env=os.environ | {"PYTHONPATH": "hack"} | env)


def program(architecture: str) -> Path:
    """Built by `make e2e`, or by `hack/image/make ARCHITECTURE stripped`."""
    found = ROOT / f"build/image/{architecture}/stripped/{NAME}"
    if not found.exists():
        pytest.skip(f"not built: hack/image/make {architecture} stripped")
    return found


def tool(name: str | Path) -> str:
    found = shutil.which(name)
    if not found:
        pytest.skip(f"not here: {name}; `make e2e` as root installs it")
    return found


def pack(folder: Path, programs: dict[str, Path], image: str = f"registry.example.com/team/{NAME}") -> "Packed":
    layout = folder / f"{NAME}.oci"
    module("image.pack", *(f"{a}={p}" for a, p in programs.items()), "--out", layout, "--name", f"{image}:{VERSION}",
           "--version", VERSION, "--revision", "0123456789ab", "--source", "https://git.example.com/team/it", "--epoch", "1000000000")
    return Packed(layout)


@dataclass
class Packed:
    """An image, as a folder with an archive beside it."""
    layout: Path

    @property
    def archive(self) -> Path:
        return self.layout.with_name(self.layout.name + ".tar")

    def members(self) -> dict[str, bytes]:
        """Of the archive, in their order."""
        with tarfile.open(self.archive) as archive:
            return {member.name: archive.extractfile(member).read() for member in archive}

    def facts(self) -> dict:
        return json.loads(self.layout.with_suffix(".json").read_text())

    def blob(self, digest: str) -> bytes:
        return (self.layout / "blobs" / digest.replace(":", "/")).read_bytes()

    def document(self, described: dict) -> dict:
        return json.loads(self.blob(described["digest"]))

    def top(self) -> dict:
        return json.loads((self.layout / "index.json").read_text())

    def index(self) -> dict:
        entry, = self.top()["manifests"]
        return self.document(entry)

    def manifests(self) -> dict[str, dict]:
        """By architecture."""
        return {entry["platform"]["architecture"]: self.document(entry) for entry in self.index()["manifests"]}

    def config(self, architecture: str) -> dict:
        return self.document(self.manifests()[architecture]["config"])

    def files(self, architecture: str) -> tarfile.TarFile:
        layer, = self.manifests()[architecture]["layers"]
        return tarfile.open(fileobj=io.BytesIO(gzip.decompress(self.blob(layer["digest"]))))
