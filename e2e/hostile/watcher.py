"""Looks at the operator from outside, in a process of its own, which no test keeps busy: python -m hostile.watcher IP PID

Each line that it prints is one look: a request for /healthz on a connection of its own, as the kubelet makes it, and at the
same moment one to a server that does nothing, which tells how late this machine is by itself; the time in which the
operator's process could have run and another one ran instead; and the most memory that it has had (VmHWM, its RSS).
"""
from __future__ import annotations

import asyncio
import json
import os
import sys
import time
from pathlib import Path

PORT = 8080
EVERY, PATIENCE = 0.2, 10.0     # seconds
FORGET_PEAK = "5"               # proc(5), clear_refs
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


class Process:
    """As /proc has it; nothing once it has ended."""

    def __init__(self, pid: str) -> None:
        self._folder = Path("/proc") / pid

    def forget_peak(self) -> None:
        (self._folder / "clear_refs").write_text(FORGET_PEAK)

    def peak(self) -> int:
        """Of its resident memory, in bytes, since it was forgotten."""
        line = next((line for line in self._read("status").splitlines() if line.startswith("VmHWM:")), ": 0 kB")
        return int(line.split()[1]) * 1024

    def waited(self) -> float:
        """Seconds in which its main thread could have run and did not."""
        return int((self._read("schedstat") or "0 0").split()[1]) / 1e9

    def _read(self, name: str) -> str:
        try:
            return (self._folder / name).read_text()
        except OSError:
            return ""


async def ask(host: str, port: int) -> tuple[int, float]:
    """The status, 0 for none, and the seconds."""
    began, status, writer = time.monotonic(), 0, None
    try:
        async with asyncio.timeout(PATIENCE):
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(f"GET /healthz HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: close\r\n\r\n".encode())
            status = int((await reader.readline()).split()[1])
    except (OSError, TimeoutError, ValueError, IndexError):
        pass
    finally:
        if writer:
            writer.close()
    return status, time.monotonic() - began


async def idle_server() -> None:
    """In a child, so that it is as late as any other process."""
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await reader.readuntil(b"\r\n\r\n")
            writer.write(ANSWER)
            await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            pass
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await asyncio.to_thread(sys.stdin.read)     # until the parent has ended
    os._exit(0)


async def watch(host: str, process: Process) -> None:
    pipe = asyncio.subprocess.PIPE
    other = await asyncio.create_subprocess_exec(sys.executable, "-m", "hostile.watcher", stdin=pipe, stdout=pipe)
    port = int(await other.stdout.readline())
    process.forget_peak()
    while True:
        waited = process.waited()
        (status, seconds), (_, control) = await asyncio.gather(ask(host, PORT), ask("127.0.0.1", port))
        print(json.dumps({"status": status, "seconds": seconds, "control": control,
                          "waited": process.waited() - waited, "peak": process.peak()}), flush=True)
        await asyncio.sleep(EVERY)


if __name__ == "__main__":
    asyncio.run(watch(sys.argv[1], Process(sys.argv[2])) if len(sys.argv) > 1 else idle_server())
