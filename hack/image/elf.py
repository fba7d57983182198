"""What a program loads, found without running it: so for any architecture."""
from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}


def _readelf(*words: str | Path) -> str:
    return subprocess.run(["readelf", "-W", *words], capture_output=True, text=True, check=True).stdout


def loader(program: Path) -> str:
    """Its path, as the kernel looks for it."""
    return re.findall(r"program interpreter: (\S+)\]", _readelf("-l", program))[0]


def needed(file: Path) -> list[str]:
    return re.findall(r"\(NEEDED\).*\[(\S+)\]", _readelf("-d", file))


def libraries(files: list[Path], root: Path, architecture: str) -> dict[str, Path]:
    """Name → file, of all that the files need, and that these need, and so on."""
    found: dict[str, Path] = {}
    waiting = list(files)
    while waiting:
        for name in needed(waiting.pop()):
            if name in found:
                continue
            path = root / "usr/lib" / TRIPLETS[architecture] / name
            if not path.exists():
                sys.exit(f"{name} is in no package of {root}")
            found[name] = path
            waiting.append(path)
    return found
