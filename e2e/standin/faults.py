"""Faults that tests order: which calls they befall, how often, and what the client then sees."""
from __future__ import annotations

import asyncio
import re
import socket
import struct
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from http import HTTPStatus
from itertools import count

from aiohttp import web

from .api import no_content, reply

HTML_502 = ("<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n<center><h1>502 Bad Gateway</h1>"
            "</center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n")
RESET = struct.pack("ii", 1, 0)  # SO_LINGER with no time to linger: the peer gets a RST
DELAY = "delay"  # the only kind that leaves the answer as it is
HOLD = "hold"  # the only one without an answer: its client waits until it leaves, or is killed
LATE = "late"  # cuts the connection at once, and carries the call out some seconds later
LOOK = 0.05  # seconds
Genuine = Callable[[], Awaitable[web.StreamResponse]]


@dataclass
class Fault:
    """One order. `done` says whether the call takes effect before its answer is spoilt."""
    id: int
    kind: str
    method: str = ".*"
    path: str = ".*"
    host: str = ".*"  # as the client calls it, with its port
    asked: str = ""  # what the call's body contains, as a pattern
    count: int | None = 1  # None: until removed
    skip: int = 0  # let so many matching calls pass first
    done: bool = False
    status: int = 500
    body: object = None
    headers: dict[str, str] = field(default_factory=dict)
    location: str = ""
    seconds: float = 1.0
    hits: int = 0
    held: int = 0  # calls that wait for an answer that will not come

    def matches(self, request: web.Request, body: str) -> bool:
        return all(re.fullmatch(pattern, text) for pattern, text in (
            (self.method, request.method), (self.path, request.path), (self.host, request.host))
        ) and re.search(self.asked, body) is not None

    def strikes(self) -> bool:
        """Counts one matching call, and tells whether it is befallen."""
        if self.skip > 0:
            self.skip -= 1
            return False
        if self.count is not None and self.hits >= self.count:
            return False
        self.hits += 1
        return True


class Faults:
    def __init__(self) -> None:
        self.orders: dict[int, Fault] = {}
        self._ids = count(1)

    def add(self, **order) -> Fault:
        """Refuses unknown kinds and fields, and patterns that are none."""
        if order.get("kind") not in (DELAY, HOLD, LATE, *ANSWERS):
            raise ValueError(f"kind must be one of {', '.join((DELAY, HOLD, LATE, *ANSWERS))}")
        fault = Fault(id=next(self._ids), **order)
        for pattern in (fault.method, fault.path, fault.host, fault.asked):
            try:
                re.compile(pattern)
            except re.error as problem:
                raise ValueError(f"{pattern} is no regular expression: {problem}") from None
        self.orders[fault.id] = fault
        return fault

    def for_call(self, request: web.Request, body: str) -> Fault | None:
        return next((f for f in self.orders.values() if f.matches(request, body) and f.strikes()), None)


async def befall(fault: Fault, request: web.Request, genuine: Genuine,
                 changed: Callable[[], None]) -> web.StreamResponse:
    """changed: tells those who wait for what this changes."""
    if fault.kind == DELAY:
        await asyncio.sleep(fault.seconds)
        return await genuine()
    if fault.kind == LATE:
        reset(fault, request, None)
        await asyncio.sleep(fault.seconds)
        await genuine()
        return web.Response(status=500)  # reaches nobody
    answer = await genuine() if fault.done else None
    if fault.kind == HOLD:
        fault.held += 1
        changed()
        while request.transport is not None and not request.transport.is_closing():
            await asyncio.sleep(LOOK)
        return web.Response(status=500)  # reaches nobody
    return ANSWERS[fault.kind](fault, request, answer)


def body_of(answer: web.StreamResponse | None) -> bytes:
    return answer.body if isinstance(answer, web.Response) and isinstance(answer.body, bytes) else b""


# What the client sees instead; `answer` is the genuine one, when the call took effect.

def with_status(fault: Fault, request: web.Request, answer: web.StreamResponse | None) -> web.Response:
    """Any status, with a JSON document, a text, or GitLab's usual body for an error."""
    if fault.status == 204:
        return no_content(fault.headers)
    if isinstance(fault.body, str):
        return web.Response(status=fault.status, text=fault.body, headers=fault.headers)
    document = {"message": f"{fault.status} {HTTPStatus(fault.status).phrase}"} if fault.body is None else fault.body
    return reply(fault.status, document, fault.headers)


def reset(fault: Fault, request: web.Request, answer: web.StreamResponse | None) -> web.Response:
    """Cuts the connection without an answer."""
    if request.transport is not None:
        request.transport.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        request.transport.abort()
    return web.Response(status=500)  # reaches nobody


def garbage(fault: Fault, request: web.Request, answer: web.StreamResponse | None) -> web.Response:
    """Says JSON, success even, and is neither."""
    status = answer.status if answer is not None else 200
    return web.Response(status=status, body=b'{"id":\xff\x00 <garbage', content_type="application/json")


def truncated(fault: Fault, request: web.Request, answer: web.StreamResponse | None) -> web.Response:
    """The genuine answer, of which half arrives, as a whole."""
    body = body_of(answer) or b'{"id":1,"token":"glrt-'
    return web.Response(status=answer.status if answer is not None else 200, body=body[:len(body) // 2],
                        content_type="application/json")


def html_502(fault: Fault, request: web.Request, answer: web.StreamResponse | None) -> web.Response:
    """The proxy's page while GitLab restarts."""
    return web.Response(status=502, text=HTML_502, content_type="text/html", headers=fault.headers)


def plain_429(fault: Fault, request: web.Request, answer: web.StreamResponse | None) -> web.Response:
    """The throttle in front of the API, which answers in plain text."""
    seconds = str(int(fault.seconds))
    headers = {"RateLimit-Name": "throttle_unauthenticated_api", "RateLimit-Limit": "60", "RateLimit-Observed": "61",
               "RateLimit-Remaining": "0", "Retry-After": seconds}
    return web.Response(status=429, text="Retry later\n", headers=headers | fault.headers)


def limited(fault: Fault, request: web.Request, answer: web.StreamResponse | None) -> web.Response:
    """The application's own rate limit."""
    text = "This endpoint has been requested too many times. Try again later."
    return reply(429, {"message": {"error": text}}, {"Retry-After": str(int(fault.seconds))} | fault.headers)


def wrong_type(fault: Fault, request: web.Request, answer: web.StreamResponse | None) -> web.Response:
    """The right body under text/html."""
    return web.Response(status=answer.status if answer is not None else 200, body=body_of(answer) or b"{}",
                        content_type="text/html")


def redirect(fault: Fault, request: web.Request, answer: web.StreamResponse | None) -> web.Response:
    """Elsewhere: to a sign-in page, to https, to another host."""
    status = fault.status if 300 <= fault.status < 400 else 302
    headers = {"Location": fault.location or "/users/sign_in"} | fault.headers
    return web.Response(status=status, text="You are being redirected.", content_type="text/html", headers=headers)


ANSWERS: dict[str, Callable[[Fault, web.Request, web.StreamResponse | None], web.StreamResponse]] = {
    "status": with_status, "reset": reset, "garbage": garbage, "truncated": truncated,
    "html_502": html_502, "plain_429": plain_429, "limited": limited, "wrong_type": wrong_type,
    "redirect": redirect,
}
