"""A record of every call, for tests to ask what was sent, in which order, by whom, with which answer."""
from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from aiohttp import web

RECORDED = ("application/json", "application/x-www-form-urlencoded", "text/plain")
LONGEST_BODY = 64 * 1024
KEPT_CALLS = 50_000


@dataclass
class Entry:
    id: int
    time: datetime
    method: str
    path: str
    query: str
    headers: dict[str, str]
    body: str
    peer: str
    host: str
    tls: bool
    client: str  # whose certificate the client has shown, by its common name; "": nobody's
    status: int | None = None
    answer: str = ""
    fault: str | None = None
    seconds: float | None = None  # None: not answered yet


class Audit:
    def __init__(self) -> None:
        self.entries: deque[Entry] = deque(maxlen=KEPT_CALLS)
        self._ids = count(1)

    async def open(self, request: web.Request, now: datetime) -> Entry:
        entry = Entry(
            id=next(self._ids), time=now, method=request.method, path=request.path, query=request.query_string,
            headers=dict(request.headers), body=await text_of(request), peer=peer_of(request), host=request.host,
            tls=request.scheme == "https", client=client_of(request))
        self.entries.append(entry)
        return entry

    def close(self, entry: Entry, answer: web.StreamResponse, now: datetime) -> None:
        entry.status = answer.status
        entry.seconds = (now - entry.time).total_seconds()
        if answer.content_type == "application/json" and isinstance(answer, web.Response):
            body = answer.body if isinstance(answer.body, bytes) else b""
            entry.answer = body[:LONGEST_BODY].decode(errors="replace")

    def find(self, method: str = "", path: str = "", status: int | None = None, since: int = 0,
             peer: str = "", answered: bool = True) -> Iterator[Entry]:
        """Calls that are answered, or those that still wait for their answer. Method and path are
        regular expressions that match as a whole; since is the last id known already."""
        for entry in list(self.entries):
            if (entry.id > since and (entry.seconds is not None) == answered
                    and entry.peer.startswith(peer) and status in (None, entry.status)
                    and (not method or re.fullmatch(method, entry.method))
                    and (not path or re.fullmatch(path, entry.path))):
                yield entry


async def text_of(request: web.Request) -> str:
    """The body as text; clones and artifacts are left alone."""
    if not request.body_exists or request.content_type not in RECORDED:
        return ""
    return (await request.read())[:LONGEST_BODY].decode(errors="replace")


def peer_of(request: web.Request) -> str:
    address = request.transport.get_extra_info("peername") if request.transport else None
    return f"{address[0]}:{address[1]}" if address else ""


def client_of(request: web.Request) -> str:
    shown = request.transport.get_extra_info("peercert") if request.transport else None
    return next((value for names in (shown or {}).get("subject", ()) for key, value in names if key == "commonName"), "")
