"""What was asked and answered, and what tests changed behind everyone's back, a JSON object a line: `make model` holds the
simulation's GitLab against it (tests/model/README.md)."""
from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import TextIO

from aiohttp import web

from .api import plain
from .audit import Entry
from .faults import DELAY, Fault
from .state import State

SENT = ("PRIVATE-TOKEN", "Authorization", "Content-Type")
READ = ("Content-Type", "X-Next-Page", "Retry-After")


class Record:
    def __init__(self, folder: Path, name: str) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self._file: TextIO = (folder / f"{name}.jsonl").open("w")

    def begin(self, state: State) -> None:
        """A GitLab as freshly installed."""
        self._write(state.now(), made="GitLab", answer={"registration_token": state.settings.registration_token,
                                                        "url": state.settings.url})

    def made(self, now: datetime, what: str, body: str, answer: web.StreamResponse) -> None:
        """By the tests' own API."""
        if answer.status == 200 and isinstance(answer, web.Response) and answer.content_type == "application/json":
            self._write(now, made=what, body=json.loads(body or "{}"), answer=json.loads(answer.body or b"null"))

    def asked(self, entry: Entry, target: str, answer: web.StreamResponse, fault: Fault | None) -> None:
        """spoilt: the answer is not GitLab's; what was asked for was done, or not."""
        body = answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""
        spoilt = {"spoilt": "done" if fault.done else "not done"} if fault and fault.kind != DELAY else {}
        self._write(entry.time, method=entry.method, target=target,
                    host=entry.host, sent={name: entry.headers[name] for name in SENT if name in entry.headers},
                    body=entry.body, status=answer.status, answer=body.decode(errors="replace"),
                    read={name: answer.headers[name] for name in READ if name in answer.headers}, **spoilt)

    def _write(self, now: datetime, **fields: object) -> None:
        line = {"at": int(now.timestamp() * 1000)} | fields
        self._file.write(json.dumps(line, default=plain, separators=(",", ":")) + "\n")
        self._file.flush()


RECORD = web.AppKey("record", Record)
