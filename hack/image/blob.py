"""python3 hack/image/blob.py layer LAYOUT: the path of the one layer of an image of one platform, as a file to unpack."""
from __future__ import annotations

import json
import sys
from pathlib import Path


def path(layout: Path, described: dict) -> Path:
    return layout / "blobs" / described["digest"].replace(":", "/")


def only(layout: Path, document: Path, key: str) -> Path:
    one, = json.loads(document.read_text())[key]
    return path(layout, one)


def main() -> None:
    layout = Path(sys.argv[2])
    index = only(layout, layout / "index.json", "manifests")
    print(only(layout, only(layout, index, "manifests"), "layers"))


main()
