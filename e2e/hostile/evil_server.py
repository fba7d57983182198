"""A GitLab that means harm: python -m hostile.evil_server HOST:PORT [TLS-HOST:PORT CERT KEY]

The first component of a path says how it misbehaves, with arguments after dashes: /slow-28/api/v4/runners is answered after
28 s. MODES is the table of them; what a mode leaves alone is answered as `good` has it. Below /-/ tests ask what was seen.
"""
from __future__ import annotations

import asyncio
import json
import random
import ssl
import sys
import time
from collections import Counter, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache

from hostile.chaos import answers

KEPT_CALLS, KEPT_BODY = 2000, 4096
LONGEST_ANSWER = 60             # seconds for which what never ends goes on


@dataclass
class Tally:
    """What was asked in one mode."""
    calls: int = 0
    open: int = 0
    most_open: int = 0
    longest: float = 0          # seconds in which a caller has listened to one answer
    seconds: Counter = field(default_factory=Counter)

    def told(self) -> dict:
        return {"calls": self.calls, "open": self.open, "most_open": self.most_open, "longest": round(self.longest, 3),
                "busiest_second": max(self.seconds.values(), default=0)}


class Seen:
    """By the process so far."""

    def __init__(self) -> None:
        self.tallies: dict[str, Tally] = {}
        self.calls: deque[dict] = deque(maxlen=KEPT_CALLS)
        self.issued: dict[int, dict] = {}
        self.seeds: Counter[str] = Counter()
        self.connections = self.most_connections = self.next_id = 0

    def pages(self) -> dict[str, Callable[[], object]]:
        return {"counts": lambda: {name: tally.told() for name, tally in self.tallies.items()},
                "calls": lambda: list(self.calls),
                "issued": lambda: list(self.issued.values()),
                "connections": lambda: {"now": self.connections, "most": self.most_connections}}

    @asynccontextmanager
    async def counted(self, call: Call) -> AsyncIterator[None]:
        tally = self.tallies.setdefault(call.mode, Tally())
        tally.calls += 1
        tally.open += 1
        tally.most_open = max(tally.most_open, tally.open)
        tally.seconds[int(time.monotonic())] += 1
        self.calls.append({"mode": call.mode, "method": call.method, "path": call.path, "head": call.head,
                           "body": call.body[:KEPT_BODY].decode(errors="replace")})
        began = time.monotonic()
        try:
            yield
        finally:
            tally.open -= 1
            tally.longest = max(tally.longest, time.monotonic() - began)

    def issue(self, call: Call) -> dict:
        """A runner, with what the caller said about it."""
        self.next_id += 1
        row = {"active": True, "description": "", "maintenance_note": ""} | fields_of(call.body) | {
            "id": self.next_id, "token": f"glrt-evil{self.next_id:012d}", "token_expires_at": None}
        self.issued[row["id"]] = row
        return row


@dataclass
class Call:
    seen: Seen
    writer: asyncio.StreamWriter
    head: str
    method: str
    path: str
    body: bytes

    def __post_init__(self) -> None:
        first, _, rest = self.path.removeprefix("/").partition("/")
        self.mode, *self.args = first.split("-")
        self.rest = "/" + rest.partition("?")[0]

    def number(self, default: float) -> float:
        return float(self.args[0]) if self.args else default

    def registers(self) -> bool:
        return self.method == "POST" and self.rest.endswith("/runners")

    def lists(self) -> bool:
        return self.method == "GET" and self.rest.endswith(("/runners", "/runners/all"))

    async def write(self, content: bytes) -> None:
        self.writer.write(content)
        await self.writer.drain()

    async def answer(self, status: int, body: object = b"", *headers: str, kind: str = "application/json") -> None:
        await self.write(message(status, body, *headers, kind=kind))


def fields_of(body: bytes) -> dict:
    try:
        fields = json.loads(body)
    except ValueError:
        return {}
    return fields if isinstance(fields, dict) else {}


def message(status: int, body: object, *headers: str, kind: str = "application/json") -> bytes:
    if not isinstance(body, bytes):
        body = (body if isinstance(body, str) else json.dumps(body)).encode()
    lines = [f"HTTP/1.1 {status} Whatever", f"Content-Type: {kind}", f"Content-Length: {len(body)}", *headers]
    return "\r\n".join([*lines, "", ""]).encode() + body


# ----------------------------------------------------------------------------------------------------------------------
# How it misbehaves

MODES: dict[str, Callable[[Call], Awaitable[None]]] = {}


def mode(function: Callable[[Call], Awaitable[None]]) -> Callable[[Call], Awaitable[None]]:
    MODES[function.__name__] = function
    return function


class HangUp(Exception):
    """The connection ends in the midst of what it is about."""


def good_answer(call: Call) -> tuple[int, object]:
    if call.registers():
        return 201, call.seen.issue(call)
    if call.lists():
        return 200, []
    last = call.rest.rpartition("/")[2]
    row = call.seen.issued.get(int(last)) if last.isdigit() else None
    if call.method == "DELETE":
        return 204, b""
    if call.method == "POST":       # a verification, or a token anew
        return (200, {"id": call.seen.next_id, "token": None, "token_expires_at": None}) if last == "verify" else (
            201, {"token": call.seen.issue(call)["token"], "token_expires_at": None})
    return (200, row) if row else (404, {"message": "404 Not found"})


@mode
async def good(call: Call) -> None:
    await call.answer(*good_answer(call))


@mode
async def slow(call: Call) -> None:
    """slow-SECONDS: a good answer, late."""
    await asyncio.sleep(call.number(28))
    await good(call)


@mode
async def hold(call: Call) -> None:
    """No answer at all."""
    await asyncio.sleep(3600)


@mode
async def drip(call: Call) -> None:
    """drip-SECONDS: a good answer, byte by byte."""
    content = message(*good_answer(call))
    for i in range(len(content)):
        await call.write(content[i:i + 1])
        await asyncio.sleep(call.number(28) / len(content))


@mode
async def quad(call: Call) -> None:
    """quad-KIB: a refusal whose message has so many keys."""
    await call.answer(400, many_keys(call.number(1000)))


@mode
async def bomb(call: Call) -> None:
    """bomb-KIB: a registration with so many small objects beside it."""
    await call.answer(201, many_objects(call.number(1000), '{"id":7,"token":"glrt-evilbomb00001","a":%s}'))


@mode
async def deep(call: Call) -> None:
    """deep-LEVELS"""
    levels = int(call.number(200_000))
    await call.answer(201, '{"id":7,"token":"glrt-evildeep00001","a":' + "[" * levels + "]" * levels + "}")


@mode
async def find(call: Call) -> None:
    """find-KIB: a registration that is lost, then lists without end of pages of so many small objects."""
    if call.lists():
        await call.answer(200, many_objects(call.number(900), '[{"id":9,"a":%s}]'), "X-Next-Page: 2")
    else:
        await lost_registration(call)


@mode
async def pages(call: Call) -> None:
    """pages-SECONDS: a registration that is lost, then lists without end of empty pages, each so late."""
    if call.lists():
        await asyncio.sleep(call.number(0))
        await call.answer(200, b"[]", "X-Next-Page: 2")
    else:
        await lost_registration(call)


async def lost_registration(call: Call) -> None:
    await call.answer(*((500, {"message": "x"}) if call.method == "POST" else (404, {"message": "404 Not found"})))


async def without_end(call: Call, start: bytes, block: bytes) -> None:
    await call.write(start)
    ends = time.monotonic() + LONGEST_ANSWER
    while time.monotonic() < ends:
        await call.write(block)
    raise HangUp


@mode
async def headers(call: Call) -> None:
    """Headers without end."""
    await without_end(call, b"HTTP/1.1 200 OK\r\n", b"".join(b"X-%d: %s\r\n" % (i, b"a" * 1000) for i in range(100)))


@mode
async def interim(call: Call) -> None:
    """Interim answers without end."""
    await without_end(call, b"", b"HTTP/1.1 100 Continue\r\nX-A: " + b"b" * 900 + b"\r\n\r\n")


@mode
async def chunks(call: Call) -> None:
    """A body without end."""
    await without_end(call, b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n",
                      b"10000\r\n" + b" " * 65536 + b"\r\n")


@mode
async def status(call: Call) -> None:
    """status-CODE: with GitLab's kind of body."""
    await call.answer(int(call.number(500)), {"message": f"{call.number(500):.0f} x"})


@mode
async def page(call: Call) -> None:
    """page-CODE: an HTML page, as something before GitLab answers."""
    await call.answer(int(call.number(403)), "<html><body>Blocked</body></html>", kind="text/html")


@mode
async def limit(call: Call) -> None:
    """limit-SECONDS: not before that time."""
    await call.answer(429, "Retry later\n", f"Retry-After: {call.number(86400):.0f}", kind="text/plain")


@mode
async def lost(call: Call) -> None:
    """The connection breaks instead of an answer."""
    call.writer.transport.abort()
    raise HangUp


@mode
async def redirect(call: Call) -> None:
    host = call.writer.get_extra_info("sockname")
    await call.answer(307, b"", f"Location: http://{host[0]}:{host[1]}/stolen/api/v4/runners")


async def registers_with(call: Call, **fields: object) -> None:
    """A good answer, but for these fields of a registration."""
    code, body = good_answer(call)
    await call.answer(code, (body | fields) if call.registers() else body)


@mode
async def token(call: Call) -> None:
    """A token that is TOML of its own."""
    await registers_with(call, token='glrt-a"\n[[runners]]\n  url = "http://evil"\n  executor = "shell"\n  token = "x')


@mode
async def longtoken(call: Call) -> None:
    """longtoken-KIB"""
    await registers_with(call, token="glrt-" + "A" * int(call.number(700) * 1024))


@mode
async def expiry(call: Call) -> None:
    """expiry-KIB: a time that is none, and long."""
    await registers_with(call, token_expires_at="Z" * int(call.number(300) * 1024))


@mode
async def identity(call: Call) -> None:
    """identity-NUMBER: the runner's; without one the least that 64 bits hold."""
    await registers_with(call, id=int(call.args[0]) if call.args else -2 ** 63)


@mode
async def nul(call: Call) -> None:
    await registers_with(call, token="glrt-evil\0b")


@mode
async def types(call: Call) -> None:
    await registers_with(call, id="5", token={"a": 1}, token_expires_at=[])


@mode
async def escapes(call: Call) -> None:
    """A message for the terminals and logs of those who read it."""
    await call.answer(400, {"message": "\x1b[2J\x1b]0;owned\x07\u202e\u0000zz\nlevel=error msg=forged\x9b31m"})


@mode
async def chaos(call: Call) -> None:
    """chaos-SEED: whatever the generator thinks of, the same for the same seed and number of calls to it."""
    seed = "-".join(call.args)
    call.seen.seeds[seed] += 1
    rng = random.Random(f"{seed}/{call.seen.seeds[seed]}")
    kind, steps = answers(rng, *good_answer(call))
    for pause, content in steps:
        await asyncio.sleep(pause)
        await call.write(content)
    if kind != "whole":
        raise HangUp


@cache
def many_keys(kib: float) -> bytes:
    keys, size = [], 0
    while size < kib * 1024:
        keys.append(f'"{len(keys):x}":1')
        size += len(keys[-1]) + 1
    return ('{"message":{' + ",".join(keys) + "}}").encode()


@cache
def many_objects(kib: float, around: str) -> bytes:
    return (around % ("[" + ",".join(["{}"] * int(kib * 1024 / 3)) + "]")).encode()


# ----------------------------------------------------------------------------------------------------------------------
# The server

async def serve(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    seen.connections += 1
    seen.most_connections = max(seen.most_connections, seen.connections)
    try:
        while True:
            await respond(await read(seen, reader, writer))
    except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, ConnectionError, HangUp, ssl.SSLError):
        pass
    finally:
        seen.connections -= 1
        writer.close()


async def read(seen: Seen, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> Call:
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
    method, path, _ = head.split("\r\n", 1)[0].split(" ", 2)
    lengths = [line.partition(":")[2] for line in head.lower().split("\r\n") if line.startswith("content-length:")]
    return Call(seen, writer, head, method, path, await reader.readexactly(int(lengths[0])) if lengths else b"")


async def respond(call: Call) -> None:
    if call.path.startswith("/-/"):
        return await call.answer(200, call.seen.pages()[call.path.removeprefix("/-/")]())
    async with call.seen.counted(call):
        await MODES.get(call.mode, unknown)(call)


async def unknown(call: Call) -> None:
    await call.answer(404, {"error": "404 Not Found"})


async def main(listen: str, tls_listen: str = "", cert: str = "", key: str = "") -> None:
    seen = Seen()

    async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await serve(seen, reader, writer)

    async def start(address: str, context: ssl.SSLContext | None) -> None:
        host, _, port = address.rpartition(":")
        await asyncio.start_server(connected, host, int(port), ssl=context, limit=16 << 20, backlog=1024)

    await start(listen, None)
    if tls_listen:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
        await start(tls_listen, context)
    print("listening", flush=True)
    await asyncio.get_running_loop().create_future()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
