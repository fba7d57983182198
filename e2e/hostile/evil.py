"""The tests' side of the GitLab that means harm (evil_server.py)."""
from __future__ import annotations

import json
import subprocess
import sys
import urllib.request
from itertools import count
from pathlib import Path

from places import GITLAB_IP
from standin.pki import Authority

HERE = Path(__file__).resolve().parent
NAME = "evil.test"
KEPT = 100                          # so many of its calls and tokens are looked for elsewhere
ports = count(9001)                 # each test's has another one, so that no breaker remembers the test before


class EvilGitLab:
    """One server for one test; use as a context manager. To a Place it looks as an ordinary GitLab's admin does, so that
    what holds after each test holds with it as well."""

    def __init__(self, authority: Authority) -> None:
        self.port, self.tls_port = next(ports), next(ports)
        self.url = f"http://{GITLAB_IP}:{self.port}"
        pair = authority.issue("evil", [NAME, GITLAB_IP])
        self._process = subprocess.Popen(
            [sys.executable, "-m", "hostile.evil_server", f"{GITLAB_IP}:{self.port}", f"{GITLAB_IP}:{self.tls_port}",
             str(pair.cert), str(pair.key)], stdout=subprocess.PIPE, text=True, cwd=HERE.parent)

    def __enter__(self) -> EvilGitLab:
        if not self._process.stdout.readline():
            raise RuntimeError("the evil GitLab has not started")
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()

    def at(self, mode: str, *args: object, tls: bool = False) -> str:
        """The url of a runner that is to meet this mode: at("slow", 28)."""
        base = f"https://{NAME}:{self.tls_port}" if tls else self.url
        return f"{base}/{'-'.join(map(str, [mode, *args]))}"

    # What it has seen

    def counts(self, mode: str) -> dict:
        """calls, open and most_open at a time, busiest_second (the most calls in one), longest (seconds of an answer)."""
        nothing = {"calls": 0, "open": 0, "most_open": 0, "busiest_second": 0, "longest": 0.0}
        return nothing | self._page("counts").get(mode, {})

    def all_calls(self) -> list[dict]:
        """The newest: mode, method, path, head (as it came), body."""
        return self._page("calls")

    def connections(self) -> dict:
        """now, and most at a time."""
        return self._page("connections")

    def _page(self, name: str) -> object:
        with urllib.request.urlopen(f"{self.url}/-/{name}", timeout=30) as answer:
            return json.load(answer)

    # As the admin of an ordinary one, to the checks after each test

    def runners(self) -> list[dict]:
        return self._page("issued")[-KEPT:]

    def audit(self, *_: object, **__: object) -> list[dict]:
        calls = [call for call in self.all_calls() if call["method"] != "GET"][-KEPT:]
        return [call | {"headers": headers_of(call["head"]), "answer": "", "time": "", "status": 0, "fault": ""}
                for call in calls]

    def invariants(self, _living: list[str]) -> dict:
        """Whatever it has, nobody misses."""
        return {"leaked": [], "registered_twice": []}

    def clear_faults(self) -> None:
        """It has no others."""


def headers_of(head: str) -> dict[str, str]:
    lines = (line.partition(":") for line in head.split("\r\n")[1:] if ":" in line)
    return {name.upper(): value.strip() for name, _, value in lines}
