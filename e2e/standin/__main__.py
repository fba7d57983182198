"""Starts the stand-in: python -m standin --listen ADDRESS:PORT …"""
from __future__ import annotations

import argparse
import asyncio
import json
import logging
import os
import signal
import socket
import ssl
import sys
import tempfile
from pathlib import Path

from aiohttp import web
from yarl import URL

from .record import Record
from .seeds import SEEDS
from .server import application
from .state import State


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m standin", formatter_class=argparse.RawDescriptionHelpFormatter,
        description="A stand-in for GitLab: runners register and run real jobs, tests look behind the scenes.",
        epilog="GET / shows runners and jobs to people; /-/standin/ is the tests' JSON API (see README.md).\n"
               "The state lives in memory and is gone with the process; it can be killed at any time.\n"
               "example: python -m standin --listen 127.0.0.1:8080 --seed article")
    parser.add_argument("--listen", metavar="ADDR:PORT", default="127.0.0.1:0",
                        help="where to serve http; port 0 takes a free one (default: %(default)s)")
    parser.add_argument("--tls-listen", metavar="ADDR:PORT", help="serve https there too")
    parser.add_argument("--page-fd", metavar="NUMBER", type=int,
                        help="serve http on this inherited socket too, which may be of another network namespace")
    parser.add_argument("--tls-cert", metavar="FILE", help="the server's certificate chain, PEM")
    parser.add_argument("--tls-key", metavar="FILE", help="its key, PEM")
    parser.add_argument("--tls-client-ca", metavar="FILE", help="ask clients for a certificate signed by this CA")
    parser.add_argument("--data", metavar="DIR", type=Path,
                        help="folder for git repositories (default: a temporary one)")
    parser.add_argument("--url", metavar="URL", default="",
                        help="GitLab's own address in the links it gives out, clones above all; its path becomes "
                             "the relative URL root (default: the address that the client has used)")
    parser.add_argument("--seed", choices=SEEDS, help="article: the project spring-devops with a pipeline for tag "
                                                      "kubernetes, and a registration token of the old kind")
    parser.add_argument("--registration-token", metavar="TOKEN", help="the seeded project's registration token")
    parser.add_argument("--long-poll", metavar="SECONDS", type=float, default=2.0,
                        help="how long a request for a job is held while there is none (default: %(default)s)")
    parser.add_argument("--record", metavar="DIR", type=Path,
                        help="write down there all that is asked, and what tests change")
    parser.add_argument("--ready-file", metavar="FILE", type=Path,
                        help="written as JSON with url, tls_url and pid when everything listens")
    options = parser.parse_args()
    if options.tls_listen and not (options.tls_cert and options.tls_key):
        parser.error("--tls-listen needs --tls-cert and --tls-key")
    return options


def tls_context(options: argparse.Namespace) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=options.tls_client_ca)
    context.load_cert_chain(options.tls_cert, options.tls_key)
    if options.tls_client_ca:
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def listener_at(where: str) -> socket.socket:
    host, _, port = where.rpartition(":")
    return socket.create_server((host, int(port)), backlog=1024)


async def listen(runner: web.AppRunner, listener: socket.socket, context: ssl.SSLContext | None = None) -> str:
    """Tells the address, with the port that was chosen."""
    await web.SockSite(runner, listener, ssl_context=context).start()
    scheme, usual = ("https", 443) if context else ("http", 80)
    host, bound = listener.getsockname()
    return f"{scheme}://{host}" + ("" if bound == usual else f":{bound}")


def announce(options: argparse.Namespace, facts: dict) -> None:
    for name, value in facts.items():
        if value:
            print(f"{name.replace('_', ' ')}: {value}", flush=True)
    if options.ready_file:  # in one step, so that nobody reads half of it
        draft = options.ready_file.with_name(options.ready_file.name + ".new")
        draft.write_text(json.dumps(facts))
        draft.rename(options.ready_file)


async def serve(options: argparse.Namespace, data: Path) -> None:
    root = URL(options.url).path.rstrip("/") if options.url else ""
    state = State(data, {"url": options.url.rstrip("/"), "long_poll_seconds": options.long_poll})
    project = await SEEDS[options.seed](state, options.registration_token) if options.seed else None
    record = Record(options.record, f"standin-{os.getpid()}") if options.record else None
    runner = web.AppRunner(application(state, root, record), access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    facts = {"url": await listen(runner, listener_at(options.listen)) + root, "pid": os.getpid()}
    if options.tls_listen:
        facts["tls_url"] = await listen(runner, listener_at(options.tls_listen), tls_context(options)) + root
    if options.page_fd is not None:
        facts["page"] = await listen(runner, socket.socket(fileno=options.page_fd)) + root + "/"
    if project:
        facts |= {"project": project.path, "registration_token": project.runners_token}
    announce(options, facts)
    stopped = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stopped.set)
    await stopped.wait()
    await runner.cleanup()


def main() -> None:
    options = arguments()
    logging.basicConfig(level=logging.WARNING, stream=sys.stderr)
    try:
        if options.data:
            options.data.mkdir(parents=True, exist_ok=True)
            asyncio.run(serve(options, options.data.resolve()))
        else:
            with tempfile.TemporaryDirectory(prefix="standin-") as folder:
                asyncio.run(serve(options, Path(folder)))
    except OSError as problem:
        sys.exit(f"standin: {problem}")


main()
