"""Any pod may connect to the operator's pages, and be slow, rude or many: probes are answered all the same."""
from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest
import requests

from cluster import wait_for
from hostile.siege import Siege
from operator_pod import PORT

MANY = 200
LOOKS = 15                      # of the watcher, during each attack
LONGEST = 20                    # seconds after which nobody has kept a connection, however it behaved
HALF = b"GET /metrics HTTP/1.1\r\nHost: x\r\n"
SCRAPE = HALF + b"\r\n"


def connect(ip: str) -> socket.socket:
    connection = socket.create_connection((ip, PORT), timeout=5)
    connection.setblocking(False)
    return connection


class Crowd:
    """So many connections that behave alike; whoever is put out comes again."""

    def __init__(self, ip: str, hello: bytes, more: bytes, reads: bool = True) -> None:
        self._ip, self._hello, self._more, self._reads = ip, hello, more, reads
        self._members: list[socket.socket] = []
        self.opened = 0

    def step(self) -> None:
        self._members = [member for member in self._members if self._goes_on(member)]
        while len(self._members) < MANY:
            with contextlib.suppress(OSError):
                member = connect(self._ip)
                member.send(self._hello)
                self._members.append(member)
                self.opened += 1

    def _goes_on(self, member: socket.socket) -> bool:
        try:
            with contextlib.suppress(BlockingIOError):
                if self._reads and member.recv(4096) == b"":
                    raise OSError
            with contextlib.suppress(BlockingIOError):
                member.send(self._more)
            return True
        except OSError:
            member.close()
            return False

    def leave(self) -> None:
        for member in self._members:
            member.close()


@contextlib.contextmanager
def meanwhile(work: Callable[[], None], pause: float) -> Iterator[None]:
    over = threading.Event()

    def go_on() -> None:
        while not over.wait(pause):
            work()
    thread = threading.Thread(target=go_on, daemon=True)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def looked_at(siege: Siege) -> None:
    wait_for("probes meet the attack", lambda: len(siege.figures.looks) >= LOOKS)


@pytest.mark.parametrize("hello, more, reads", [
    (b"", b"", True), (HALF, b"X-a: b\r\n", True), (SCRAPE, b"x", False), (b"POST / HTTP/1.1\r\n"
     b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhello\r\n", True), (b"\x16\x03\x01\x02\x00\x01", b"\x00", True)],
    ids=["silent", "half a request", "never reading", "endless body", "TLS"])
def test_a_crowd_on_the_pages(hello: bytes, more: bytes, reads: bool, siege: Siege) -> None:
    crowd = Crowd(siege.operator.wait_ready()["status"]["podIP"], hello, more, reads)
    siege.begin()
    with meanwhile(crowd.step, 0.5):
        wait_for("some are put out and come again", lambda: crowd.opened > MANY)
        looked_at(siege)
        siege.hold()
    crowd.leave()
    siege.operator.assert_steady()


def test_nobody_keeps_a_connection(siege: Siege) -> None:
    """A head that comes byte by byte, and an answer that is never read, end."""
    ip = siege.operator.wait_ready()["status"]["podIP"]
    slow = connect(ip)
    slow.send(HALF + b"X: ")
    began = time.monotonic()

    def put_out() -> bool:
        try:
            slow.send(b"x")
            return slow.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
    wait_for("the slow one is put out", put_out, LONGEST)
    assert time.monotonic() - began >= 1, "a head may take its time"
    assert requests.get(f"http://{ip}:{PORT}/healthz", timeout=5).text == "ok\n"


def test_pages_in_a_flood_of_requests(siege: Siege) -> None:
    """As fast as one process here can ask for the page that costs most."""
    ip = siege.operator.wait_ready()["status"]["podIP"]

    def scrape() -> None:
        with contextlib.suppress(OSError), socket.create_connection((ip, PORT), timeout=5) as connection:
            connection.send(SCRAPE)
            while connection.recv(1 << 16):
                pass
    siege.begin()
    with meanwhile(scrape, 0), meanwhile(scrape, 0), meanwhile(scrape, 0):
        looked_at(siege)
        siege.hold()
