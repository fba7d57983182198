"""The Helm chart, with the image's name and digest as its defaults, and alerts that lead to the source, packed by helm."""
from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from image.sysroot import CACHE

CHART = Path("manifests/chart")
NOWHERE = "https://source.invalid/gitlab-runner-controller"    # as the Makefile has it for SOURCE


def write(dist: Path, image: str, version: str, digest: str, source: str, epoch: int) -> None:
    if not CHART.is_dir():
        return
    with tempfile.TemporaryDirectory() as folder:
        copy = Path(folder, "chart")
        shutil.copytree(CHART, copy)
        values = copy / "values.yaml"
        text = values.read_text()
        for name, value in (("repository", image), ("digest", digest)):
            text, times = re.subn(rf'^(  {name}: )""', rf'\g<1>"{value}"', text, flags=re.M)
            if times != 1:
                sys.exit(f"release: {CHART}/values.yaml has image.{name} {times} times")
        values.write_text(text)
        rules = copy / "files/rules.yaml"
        rules.write_text(rules.read_text().replace(NOWHERE, source))
        settle(copy)
        subprocess.run([CACHE / "bin/helm4", "package", copy, "--version", version, "--app-version", version,
                        "--destination", dist.resolve()], check=True, stdout=subprocess.DEVNULL,
                       env=os.environ | {"SOURCE_DATE_EPOCH": str(epoch), "HOME": folder})


def settle(folder: Path) -> None:
    """The same modes whatever the umask was of who cloned."""
    for path in [folder, *folder.rglob("*")]:
        path.chmod(0o755 if path.is_dir() else 0o644)
