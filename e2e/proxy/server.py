"""The proxy as tests hold it: in a thread of its own, with its rules and its log at hand."""
from __future__ import annotations

import asyncio
import base64
import ssl
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeVar

from proxy.relay import Client, Relay
from proxy.rules import Book
from standin.pki import Authority

T = TypeVar("T")
ADDRESS = "127.0.0.1"


class Proxy(Book):
    """Before the API server at host:port, whose CA is in the file trust; names: further ones of the proxy.

    Use as a context manager.
    """

    def __init__(self, host: str, port: int, trust: str, folder: Path, *names: str) -> None:
        super().__init__()
        self._authority = Authority(folder, "The proxy's CA")
        pair = self._authority.server(ADDRESS, *names)
        self._tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self._tls.load_cert_chain(pair.cert, pair.key)
        self._tls.set_alpn_protocols(["h2"])
        self._target = (host, port, trust)
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="proxy", daemon=True)
        self.port = 0

    def __enter__(self) -> Proxy:
        self._thread.start()
        self._relay = Relay(self, *self._target)
        self.open()
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    @property
    def ca(self) -> str:
        """As a kubeconfig wants it."""
        return base64.b64encode(self._authority.ca.cert.read_bytes()).decode()

    @property
    def url(self) -> str:
        return f"https://{ADDRESS}:{self.port}"

    def _run(self, work: Callable[[], Awaitable[T]]) -> T:
        return asyncio.run_coroutine_threadsafe(work(), self._loop).result(10)

    def open(self) -> None:
        """Listens; again on the same port after close()."""
        async def listen() -> asyncio.Server:
            return await self._loop.create_server(lambda: Client(self._relay), ADDRESS, self.port, ssl=self._tls)
        self._server = self._run(listen)
        self.port = self._server.sockets[0].getsockname()[1]

    def close(self) -> None:
        """Connections are reset, and new ones refused."""
        async def shut() -> None:
            self._server.close()
        self._run(shut)
        self.each(Client.abort)

    def each(self, what: Callable[[Client], None]) -> None:
        """Does something to every connection of now, such as Client.abort, Client.freeze or Client.goaway."""
        async def do() -> None:
            for client in list(self._relay.clients):
                what(client)
        self._run(do)

    def connections(self) -> int:
        return len(self._relay.clients)
