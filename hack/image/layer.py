"""The files of an image: one layer, as a tar whose bytes depend on nothing but what is in it."""
from __future__ import annotations

import io
import os
import stat
import tarfile
from pathlib import Path


class Layer:
    """Name → (mode, type, source file or bytes, target of a link). What is there first stays."""

    def __init__(self) -> None:
        self.entries: dict[str, tuple[int, bytes, Path | bytes, str]] = {}

    def _add(self, name: str, mode: int, kind: bytes = tarfile.REGTYPE, data: Path | bytes = b"", link: str = "") -> None:
        name = name.strip("/")
        if name in self.entries:
            return
        if parent := os.path.dirname(name):
            self.dir(parent)
        self.entries[name] = (mode, kind, data, link)

    def dir(self, name: str, mode: int = 0o755) -> None:
        self._add(name, mode, tarfile.DIRTYPE)

    def link(self, name: str, target: str) -> None:
        self._add(name, 0o777, tarfile.SYMTYPE, link=target)

    def text(self, name: str, text: str, mode: int = 0o644) -> None:
        self._add(name, mode, data=text.encode())

    def file(self, source: str | Path, name: str) -> None:
        """Whoever runs may read it, and run it if its owner may: whatever the umask was of who made it."""
        owners = os.stat(source).st_mode & stat.S_IXUSR
        self._add(name, 0o755 if owners else 0o644, data=Path(source))

    def names(self) -> list[str]:
        return sorted(self.entries)

    def tar(self) -> bytes:
        """Sorted, owned by root, of time 0."""
        buffer = io.BytesIO()
        with tarfile.open(fileobj=buffer, mode="w", format=tarfile.GNU_FORMAT) as tar:
            for name in self.names():
                mode, kind, data, link = self.entries[name]
                if isinstance(data, Path):
                    data = data.read_bytes()
                info = tarfile.TarInfo(name)
                info.mode, info.type, info.linkname, info.size = mode, kind, link, len(data)
                tar.addfile(info, io.BytesIO(data))
        return buffer.getvalue()
