"""HTTP/2 connections for asyncio, of either side: streams whose frames are awaited one by one."""
from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager, suppress

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import (ConnectionTerminated, DataReceived, Event, RequestReceived, ResponseReceived, StreamEnded,
                       StreamReset)
from h2.exceptions import ProtocolError
from hyperframe.frame import GoAwayFrame

LAST_CALL = 1.0         # seconds in which requests that crossed our GOAWAY still arrive
Headers = list[tuple[str, str]]


class Broken(Exception):
    """The stream, or its connection, has ended before its end."""


class Stream:
    """One request and its answer, as one side sees them."""

    def __init__(self, peer: Peer, number: int) -> None:
        self.peer, self.number = peer, number
        self.inbox: asyncio.Queue[Headers | bytes | Broken | None] = asyncio.Queue()   # None: the end
        self.ended = False                                  # by this side

    async def headers(self) -> Headers:
        return await self._take()

    async def chunks(self) -> AsyncIterator[bytes]:
        while (chunk := await self._take()) is not None:
            yield chunk

    async def _take(self) -> Headers | bytes | None:
        item = await self.inbox.get()
        if isinstance(item, Broken):
            raise item
        return item

    async def open(self, headers: Headers, end: bool = False) -> None:
        with broken_by_protocol():
            self.peer.h2.send_headers(self.number, headers, end_stream=end)
        self.ended = end
        self.peer.flush()

    async def send(self, data: bytes = b"", end: bool = False) -> None:
        """Waits for the other side's window where it must."""
        with broken_by_protocol():
            while data:
                room = min(self.peer.h2.local_flow_control_window(self.number), self.peer.h2.max_outbound_frame_size)
                if room > 0:
                    self.peer.h2.send_data(self.number, data[:room])
                    self.peer.flush()
                    data = data[room:]
                else:
                    await self.peer.news.wait()
            if end:
                self.peer.h2.end_stream(self.number)
                self.ended = True
                self.peer.flush()

    def reset(self) -> None:
        with suppress(ProtocolError):
            self.peer.h2.reset_stream(self.number, ErrorCodes.INTERNAL_ERROR)
        self.ended = True
        self.peer.flush()


@contextmanager
def broken_by_protocol() -> Iterator[None]:
    """What h2 refuses because the stream is closed already, as Broken."""
    try:
        yield
    except ProtocolError as problem:
        raise Broken(str(problem)) from None


class Peer(asyncio.Protocol):
    """This side of a connection."""

    def __init__(self, client: bool) -> None:
        self.h2 = H2Connection(H2Configuration(client_side=client, header_encoding="utf-8"))
        self.streams: dict[int, Stream] = {}
        self.news = asyncio.Event()             # pulses when something came that may give way
        self.transport: asyncio.Transport | None = None
        self.leaving = self.frozen = False

    # For subclasses

    def request_came(self, stream: Stream) -> None:
        """Its headers are in the inbox."""

    def reset_came(self, stream: Stream) -> None:
        """The other side has lost interest."""

    def lost(self) -> None:
        """The connection is gone."""

    # The connection

    def connection_made(self, transport: asyncio.Transport) -> None:
        self.transport = transport
        self.h2.initiate_connection()
        self.flush()

    def connection_lost(self, problem: Exception | None) -> None:
        self.leaving = True
        for stream in list(self.streams.values()):
            stream.inbox.put_nowait(Broken("the connection is gone"))
        self.lost()

    def flush(self) -> None:
        if not self.frozen and not self.transport.is_closing() and (data := self.h2.data_to_send()):
            self.transport.write(data)

    def data_received(self, data: bytes) -> None:
        try:
            for event in self.h2.receive_data(data):
                self._handle(event)
        except ProtocolError:
            self.transport.abort()
            return
        self.flush()
        self.news.set()
        self.news.clear()

    def _handle(self, event: Event) -> None:
        number = getattr(event, "stream_id", None)
        if isinstance(event, RequestReceived):
            self._add(number).inbox.put_nowait(event.headers)
            self.request_came(self.streams[number])
        elif isinstance(event, ConnectionTerminated):
            self.leaving = True
        elif isinstance(event, DataReceived):
            with suppress(ProtocolError):
                self.h2.acknowledge_received_data(event.flow_controlled_length, number)
        if stream := self.streams.get(number):
            self._deliver(event, stream)

    def _deliver(self, event: Event, stream: Stream) -> None:
        match event:
            case ResponseReceived():
                stream.inbox.put_nowait(event.headers)
            case DataReceived():
                stream.inbox.put_nowait(event.data)
            case StreamEnded():
                stream.inbox.put_nowait(None)
            case StreamReset():
                stream.inbox.put_nowait(Broken("the other side has reset the stream"))
                self.reset_came(stream)

    def _add(self, number: int) -> Stream:
        return self.streams.setdefault(number, Stream(self, number))

    def new_stream(self) -> Stream:
        return self._add(self.h2.get_next_available_stream_id())

    def forget(self, stream: Stream) -> None:
        self.streams.pop(stream.number, None)
        if self.leaving and not self.streams:
            asyncio.get_running_loop().call_later(LAST_CALL, self._close_if_unused)

    def _close_if_unused(self) -> None:
        if not self.streams:
            self.transport.close()

    # Its end, in several ways

    def goaway(self) -> None:
        """No new requests on this connection, please; what has come or is on its way is answered, as Go's server does.

        Past the state machine of h2, which would not let us answer any more.
        """
        self.transport.write(GoAwayFrame(0, last_stream_id=2**31 - 1).serialize())
        self.leaving = True

    def abort(self) -> None:
        """TCP's reset."""
        self.transport.abort()

    def freeze(self) -> None:
        """Half open: nothing is read, nothing is written, and nothing is closed."""
        self.frozen = True
        self.transport.pause_reading()

    def thaw(self) -> None:
        self.frozen = False
        if not self.transport.is_closing():
            self.transport.resume_reading()
            self.flush()
