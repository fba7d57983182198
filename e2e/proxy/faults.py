"""What a rule may do to a request. Each is called with the exchange, and sees to it as a whole."""
from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass, field

from proxy.relay import Answer, Exchange, pass_through
from proxy.rules import Action

JSON = "application/json"
SOON = 0.5              # seconds


@dataclass(frozen=True)
class Status:
    """Answered here: by a Status object as the API server's, or by another body."""
    code: int
    reason: str = ""
    message: str = "by the proxy"
    headers: tuple[tuple[str, str], ...] = ()
    body: bytes | None = None
    content_type: str = JSON
    causes: tuple[str, ...] = ()

    def content(self) -> bytes:
        if self.body is not None:
            return self.body
        causes = [{"reason": cause, "message": cause} for cause in self.causes]
        return json.dumps({"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "code": self.code,
                           "reason": self.reason, "message": self.message, "details": {"causes": causes}}).encode()

    async def __call__(self, exchange: Exchange) -> None:
        await exchange.respond(self.code, [("content-type", self.content_type), *self.headers], self.content())


HTML_502 = Status(502, body=b"<html><body><h1>502 Bad Gateway</h1></body></html>", content_type="text/html")


@dataclass(frozen=True)
class Delay:
    """The request waits before it is passed on, or, answered, its answer waits."""
    seconds: float
    answer: bool = False
    then: Action = pass_through

    async def __call__(self, exchange: Exchange) -> None:
        if self.answer:
            answer = await exchange.forward()
            await asyncio.sleep(self.seconds)
            await exchange.pass_on(answer)
        else:
            await asyncio.sleep(self.seconds)
            await self.then(exchange)


class Hold:
    """The request waits until it is let go."""

    def __init__(self) -> None:
        self._go = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self.held = 0

    def release(self) -> None:
        """From any thread."""
        if self._loop:
            self._loop.call_soon_threadsafe(self._go.set)
        else:
            self._go.set()

    async def wait(self) -> None:
        self._loop = asyncio.get_running_loop()
        self.held += 1
        await self._go.wait()

    async def __call__(self, exchange: Exchange) -> None:
        await self.wait()
        await pass_through(exchange)

    def __str__(self) -> str:
        return "Hold()"


@dataclass(frozen=True)
class Reset:
    """The answer never comes. after: the API server has done what was asked. whole: TCP's reset of the connection."""
    after: bool = False
    whole: bool = False

    async def __call__(self, exchange: Exchange) -> None:
        if self.after:
            answer = await exchange.forward()
            exchange.entry.outcome = f"reset, the API server said {answer.status}"
        if self.whole:
            exchange.client.abort()
        else:
            exchange.reset()


@dataclass(frozen=True)
class Truncate:
    """A part of the body, or of a watch's first event, as if it were all: the effect has taken place."""
    part: float = 0.5

    async def __call__(self, exchange: Exchange) -> None:
        answer = await exchange.forward()
        body = await whole(answer, exchange)
        await exchange.respond(answer.status, without_length(answer), body[:int(len(body) * self.part)])


@dataclass(frozen=True)
class Garbage:
    """Another body than the API server's: the effect has taken place."""
    body: bytes = b'\x00\xff\xfe{"metadata":]\r\n<<>>'

    async def __call__(self, exchange: Exchange) -> None:
        answer = await exchange.forward()
        await whole(answer, exchange)
        await exchange.respond(answer.status, without_length(answer), self.body)


async def whole(answer: Answer, exchange: Exchange) -> bytes:
    """The body; of a watch, which has no end, the first event if it comes soon."""
    if not exchange.entry.watch:
        return await answer.body()
    try:
        return await asyncio.wait_for(anext(answer.lines(), b""), SOON)
    except asyncio.TimeoutError:
        return b""


def without_length(answer: Answer) -> list[tuple[str, str]]:
    return [(name, value) for name, value in answer.headers if name != "content-length"]


@dataclass(frozen=True)
class Goaway:
    """This request is answered; the next have to go on another connection."""

    async def __call__(self, exchange: Exchange) -> None:
        exchange.client.goaway()
        await pass_through(exchange)


@dataclass(frozen=True)
class HalfOpen:
    """From this request on the connection is neither read nor written, nor closed."""

    async def __call__(self, exchange: Exchange) -> None:
        exchange.client.freeze()
        exchange.entry.outcome = "half open"
        await asyncio.Event().wait()


@dataclass
class Silent:
    """Passed on, but no answer comes; the connection's other requests are served."""
    after: bool = True
    until: Hold = field(default_factory=Hold)

    async def __call__(self, exchange: Exchange) -> None:
        if self.after:
            await exchange.forward()
        await self.until.wait()
        exchange.reset()
