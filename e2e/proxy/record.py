"""What watches have told, a JSON object a line: `make model` holds the simulation's API server against it, beside the API
server's own audit, which tells nothing of watches (tests/model/README.md)."""
from __future__ import annotations

import itertools
import json
import os
from pathlib import Path
from urllib.parse import urlencode

from proxy.rules import Entry

numbers = itertools.count(1)


class WatchRecord:
    def __init__(self, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file = (folder / f"watches-{os.getpid()}-{next(numbers)}.jsonl").open("w")

    def note(self, entry: Entry) -> None:
        """When it has ended, unless a rule had a hand in it."""
        if not entry.watch or entry.fault or not entry.status:
            return
        line = {"verb": "watch", "target": f"{entry.path}?{urlencode(entry.query)}", "status": entry.status,
                "accept": entry.headers.get("accept", ""),
                "events": [[told.type, told.namespace, told.name, told.version] for told in entry.events]}
        self._file.write(json.dumps(line, separators=(",", ":")) + "\n")
        self._file.flush()


def watch_record() -> WatchRecord | None:
    """Where $RECORD says."""
    folder = os.environ.get("RECORD")
    return WatchRecord(Path(folder)) if folder else None
