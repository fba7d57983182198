"""The clocks of a program that a test starts: the machine's, moved, or faster. The program itself knows nothing of it."""
from __future__ import annotations

from pathlib import Path

LIBRARY = "/usr/$LIB/faketime/libfaketime.so.1"     # of the package libfaketime, where the loader finds it


class MovedClock:
    """For processes that are started with its environment(), whose answers it changes while they run.

    pace: all of their clocks go so many times as fast. Otherwise the one on the wall alone is moved: as with a
    machine's, nothing that was begun before takes longer or shorter by that.
    """

    def __init__(self, folder: Path, pace: int = 1) -> None:
        self._file, self._pace, self._ahead = folder / "clock", pace, 0.0
        self._write()

    def environment(self) -> dict[str, str]:
        return {"LD_PRELOAD": LIBRARY, "FAKETIME_TIMESTAMP_FILE": str(self._file), "NO_FAKE_STAT": "1",
                "FAKETIME_NO_CACHE": "1"} | ({"FAKETIME_DONT_FAKE_MONOTONIC": "1"} if self._pace == 1 else {})

    def advance(self, seconds: float) -> None:
        self._ahead += seconds
        self._write()

    def _write(self) -> None:
        """At once: a program that found half of it would be in another year."""
        part = self._file.with_suffix(".part")
        part.write_text(f"{self._ahead:+f}" + (f" x{self._pace}" if self._pace > 1 else ""))
        part.replace(self._file)
