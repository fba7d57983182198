"""What a rule may do to the events of a watch, line by line."""
from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass, field

from proxy.faults import Hold
from proxy.http2 import Broken
from proxy.relay import Answer, Exchange
from proxy.rules import Entry

END_OF_LIST = "k8s.io/initial-events-end"
Judge = Callable[[dict], bool]


class Lines:
    """Base: passes every line on. Subclasses decide in `change`."""

    async def __call__(self, exchange: Exchange) -> None:
        answer = await exchange.forward()
        if answer.status != 200 or not exchange.entry.watch:
            await exchange.pass_on(answer)
            return
        await exchange.begin(answer.status, answer.headers)
        async for line in self.change(answer, exchange.entry):
            await exchange.tell(line)
        await exchange.end()

    async def change(self, answer: Answer, entry: Entry) -> AsyncIterator[bytes]:
        async for line in answer.lines():
            yield line

    def __str__(self) -> str:
        return type(self).__name__


def is_end_of_list(event: dict) -> bool:
    annotations = event["object"].get("metadata", {}).get("annotations", {})
    return event["type"] == "BOOKMARK" and annotations.get(END_OF_LIST) == "true"


def is_bookmark(event: dict) -> bool:
    return event["type"] == "BOOKMARK"


def is_real(event: dict) -> bool:
    return event["type"] in ("ADDED", "MODIFIED", "DELETED")


@dataclass
class HoldBack(Lines):
    """From the first event that is so on, all wait until they are let go."""
    judge: Judge
    hold: Hold = field(default_factory=Hold)

    async def change(self, answer: Answer, entry: Entry) -> AsyncIterator[bytes]:
        async for line in answer.lines():
            if self.judge(json.loads(line)):
                await self.hold.wait()
            yield line

    __str__ = Lines.__str__


@dataclass
class Late(Lines):
    """Every event after the initial ones comes seconds later than it should."""
    seconds: float

    async def change(self, answer: Answer, entry: Entry) -> AsyncIterator[bytes]:
        queue: asyncio.Queue[tuple[float, bytes] | None] = asyncio.Queue()

        async def read() -> None:
            with suppress(Broken):
                async for line in answer.lines():
                    queue.put_nowait((time.monotonic(), line))
            queue.put_nowait(None)
        reading = asyncio.create_task(read())
        initial = "sendInitialEvents" in entry.query
        try:
            while item := await queue.get():
                came, line = item
                if not initial:
                    await asyncio.sleep(max(0.0, came + self.seconds - time.monotonic()))
                initial = initial and not is_end_of_list(json.loads(line))
                yield line
        finally:
            reading.cancel()

    __str__ = Lines.__str__


@dataclass
class Drop(Lines):
    """Events that are so never arrive; after the last the watch may close."""
    judge: Judge
    close: bool = False
    dropped: list[dict] = field(default_factory=list)

    async def change(self, answer: Answer, entry: Entry) -> AsyncIterator[bytes]:
        async for line in answer.lines():
            event = json.loads(line)
            if not self.judge(event):
                yield line
                continue
            self.dropped.append(event)
            if self.close:
                return

    __str__ = Lines.__str__


@dataclass
class Answered(Lines):
    """A watch that is opened here and told these lines; then it ends, or stays until it is let go."""
    lines: tuple[bytes, ...]
    stay: Hold | None = None

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.begin(200, [("content-type", "application/json")])
        for line in self.lines:
            await exchange.tell(line)
        if self.stay:
            await self.stay.wait()
        await exchange.end()

    __str__ = Lines.__str__


@dataclass
class Split(Lines):
    """Each event in chunks of so many bytes: every boundary once."""
    size: int = 1

    async def change(self, answer: Answer, entry: Entry) -> AsyncIterator[bytes]:
        async for line in answer.lines():
            for at in range(0, len(line), self.size):
                yield line[at:at + self.size]

    __str__ = Lines.__str__


class Script(Lines):
    """Passes everything on until a test says what comes next: lines of ours, or the end of the watch."""

    def __init__(self) -> None:
        self._orders: asyncio.Queue[bytes | None] | None = None
        self._loop: asyncio.AbstractEventLoop | None = None

    def say(self, *lines: bytes) -> None:
        for line in lines:
            self._order(line)

    def close(self) -> None:
        self._order(None)

    def _order(self, order: bytes | None) -> None:
        assert self._loop, "nobody is watching"
        self._loop.call_soon_threadsafe(self._orders.put_nowait, order)

    async def change(self, answer: Answer, entry: Entry) -> AsyncIterator[bytes]:
        self._loop, orders = asyncio.get_running_loop(), asyncio.Queue()
        self._orders = orders

        async def read() -> None:
            with suppress(Broken):
                async for line in answer.lines():
                    orders.put_nowait(line)
            orders.put_nowait(None)
        reading = asyncio.create_task(read())
        try:
            while line := await orders.get():
                yield line
        finally:
            reading.cancel()


def error_event(code: int, reason: str, message: str) -> bytes:
    status = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": code,
              "reason": reason, "message": message}
    return json.dumps({"type": "ERROR", "object": status}).encode() + b"\n"
