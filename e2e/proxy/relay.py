"""Takes requests from clients, passes them on, and lets an action see to each exchange."""
from __future__ import annotations

import asyncio
import itertools
import json
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass

from proxy.http2 import Broken, Headers, Peer, Stream
from proxy.record import watch_record
from proxy.rules import Book, Entry, Told

# Answers come as they are, so that they can be read, cut and logged.
NOT_PASSED_ON = {"host", "accept-encoding", "connection", "content-length"}
numbers = itertools.count(1)


@dataclass
class Answer:
    """Of the API server; the body comes as one reads it."""
    status: int
    headers: Headers
    chunks: AsyncIterator[bytes]

    async def body(self) -> bytes:
        return b"".join([chunk async for chunk in self.chunks])

    async def lines(self) -> AsyncIterator[bytes]:
        """The events of a watch, each with its newline."""
        rest = b""
        async for chunk in self.chunks:
            *whole, rest = (rest + chunk).split(b"\n")
            for line in whole:
                yield line + b"\n"
        if rest:
            yield rest


class Server(Peer):
    """The API server, by a connection that belongs to one client's connection."""

    def __init__(self) -> None:
        super().__init__(client=True)


class Client(Peer):
    """A client's connection."""

    def __init__(self, relay: Relay) -> None:
        super().__init__(client=False)
        self.relay, self.number = relay, next(numbers)
        self._tasks: dict[int, asyncio.Task] = {}
        self._server: Server | None = None
        self._connecting = asyncio.Lock()
        relay.clients.add(self)

    def request_came(self, stream: Stream) -> None:
        self._tasks[stream.number] = asyncio.create_task(self.relay.serve(self, stream))

    def reset_came(self, stream: Stream) -> None:
        if task := self._tasks.get(stream.number):
            task.cancel()

    def done(self, stream: Stream) -> None:
        self._tasks.pop(stream.number, None)
        self.forget(stream)

    def lost(self) -> None:
        self.relay.clients.discard(self)
        for task in list(self._tasks.values()):
            task.cancel()
        if self._server:
            self._server.transport.close()

    async def server(self) -> Server:
        async with self._connecting:
            if self._server is None or self._server.leaving:
                self._server = await self.relay.connect()
            return self._server


class Exchange:
    """One request; an action decides what becomes of it."""

    def __init__(self, client: Client, stream: Stream, entry: Entry, headers: Headers) -> None:
        self.client, self.entry = client, entry
        self._stream, self._headers = stream, headers
        self._upstream: Stream | None = None

    async def forward(self) -> Answer:
        """The API server's answer."""
        server = await self.client.server()
        self._upstream = stream = server.new_stream()
        body = self.entry.body
        await stream.open(self._headers, end=not body)
        if body:
            await stream.send(body, end=True)
        headers = await stream.headers()
        status = int(dict(headers)[":status"])
        return Answer(status, [(name, value) for name, value in headers if not name.startswith(":")], stream.chunks())

    async def begin(self, status: int, headers: Headers) -> None:
        self.entry.status, self.entry.answered = status, time.monotonic()
        await self._stream.open([(":status", str(status)), *headers])

    async def send(self, data: bytes) -> None:
        await self._stream.send(data)

    async def end(self) -> None:
        await self._stream.send(end=True)

    async def respond(self, status: int, headers: Headers, body: bytes) -> None:
        await self.begin(status, headers)
        await self.send(body)
        await self.end()

    async def pass_on(self, answer: Answer) -> None:
        await self.begin(answer.status, answer.headers)
        if self.entry.watch:
            async for line in answer.lines():
                await self.tell(line)
        else:
            async for chunk in answer.chunks:
                await self.send(chunk)
        await self.end()

    async def tell(self, line: bytes) -> None:
        """An event of a watch."""
        await self.send(line)
        self.entry.lines += 1
        with suppress(ValueError, TypeError, KeyError, AttributeError):     # no event at all: some test's garbage
            event = json.loads(line)
            meta = event["object"].get("metadata", {})
            self.entry.events.append(Told(time.monotonic(), event["type"], meta.get("name", ""),
                                          meta.get("resourceVersion", ""), meta.get("namespace", "")))

    def reset(self) -> None:
        """The stream ends, the connection stays."""
        self.entry.outcome = self.entry.outcome or "reset"
        self._stream.reset()

    def close(self) -> None:
        """After the action: nothing stays open on either side."""
        self.entry.ended = time.monotonic()
        if not self._stream.ended:
            self._stream.reset()
        self.client.done(self._stream)
        if upstream := self._upstream:
            if not upstream.peer.leaving:
                upstream.reset()
            upstream.peer.forget(upstream)


async def pass_through(exchange: Exchange) -> None:
    await exchange.pass_on(await exchange.forward())


class Relay:
    """Of all connections."""

    def __init__(self, book: Book, host: str, port: int, trust: str) -> None:
        self.book, self.clients, self._record = book, set[Client](), watch_record()
        self._host, self._port = host, port
        self._tls = ssl.create_default_context(cafile=trust)
        self._tls.set_alpn_protocols(["h2"])

    async def connect(self) -> Server:
        loop = asyncio.get_running_loop()
        _, server = await loop.create_connection(Server, self._host, self._port, ssl=self._tls)
        return server

    async def serve(self, client: Client, stream: Stream) -> None:
        headers = await stream.headers()
        try:
            body = b"".join([chunk async for chunk in stream.chunks()])
        except Broken:
            return
        fields = dict(headers)
        entry = self.book.note(client.number, fields[":method"], fields[":path"],
                               {name: value for name, value in headers if not name.startswith(":")}, body)
        kept = [(name, value) for name, value in headers if name not in NOT_PASSED_ON]
        await self._act(Exchange(client, stream, entry, kept))

    async def _act(self, exchange: Exchange) -> None:
        entry = exchange.entry
        rule = self.book.rule_for(entry)
        try:
            if rule:
                entry.fault = str(rule.action)
            await (rule.action if rule else pass_through)(exchange)
        except Broken as problem:
            entry.outcome = str(problem)
            exchange.reset()
        except OSError as problem:              # no API server: as the client would see it without us
            entry.outcome = str(problem)
            exchange.client.abort()
        except asyncio.CancelledError:
            entry.outcome = "the client has left"
        finally:
            exchange.close()
            if self._record:
                self._record.note(entry)
