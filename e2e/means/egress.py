"""A forward proxy as companies have one: it alone knows GitLab's name, and perhaps it asks who wants to know."""
from __future__ import annotations

import base64
import socket
import socketserver
import threading

HOP = (b"proxy-authorization:", b"proxy-connection:", b"connection:")


def pump(source: socket.socket, target: socket.socket) -> None:
    """Until either end has had enough."""
    try:
        while data := source.recv(65536):
            target.sendall(data)
    except OSError:
        pass
    for end in (source, target):
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class Handler(socketserver.BaseRequestHandler):
    server: EgressProxy

    def handle(self) -> None:
        head = b""
        while b"\r\n\r\n" not in head:
            data = self.request.recv(65536)
            if not data:
                return
            head += data
        head, _, rest = head.partition(b"\r\n\r\n")
        line, *headers = head.split(b"\r\n")
        method, target, _ = line.decode().split(" ", 2)
        given = {name.strip().lower(): value.strip() for name, _, value in (h.partition(b":") for h in headers)}
        self.server.seen.append(f"{method} {target}")
        if not self.server.lets_in(given.get(b"proxy-authorization", b"")):
            self.request.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\nProxy-Authenticate: Basic\r\n"
                                 b"Content-Length: 0\r\nConnection: close\r\n\r\n")
            return
        place, path = (target, "") if method == "CONNECT" else target.removeprefix("http://").split("/", 1)
        host, _, port = place.partition(":")
        try:
            upstream = socket.create_connection((self.server.names[host], int(port or 80)), 5)
        except (KeyError, OSError):
            self.request.sendall(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
            return
        if method == "CONNECT":
            self.request.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        else:
            kept = [h for h in headers if not h.lower().startswith(HOP)] + [b"Connection: close"]
            upstream.sendall(b"\r\n".join([f"{method} /{path} HTTP/1.1".encode(), *kept]) + b"\r\n\r\n")
        upstream.sendall(rest)
        back = threading.Thread(target=pump, args=(upstream, self.request), daemon=True)
        back.start()
        pump(self.request, upstream)
        back.join()
        upstream.close()


class EgressProxy(socketserver.ThreadingTCPServer):
    """names: who is where; a name that it does not know is nowhere. auth: "user:password", or None. Use as a context."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, address: tuple[str, int], names: dict[str, str], auth: str | None = None) -> None:
        super().__init__(address, Handler)
        self.names, self.auth = names, auth
        self.seen: list[str] = []
        self._thread = threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True)

    def lets_in(self, given: bytes) -> bool:
        return self.auth is None or given == b"Basic " + base64.b64encode(self.auth.encode())

    def __enter__(self) -> EgressProxy:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
