"""Starts the stand-in for tests and gives them what they need to talk to it."""
from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from cluster import CACHE
from gitlab_admin import GitLabAdmin

HERE = Path(__file__).resolve().parent


class Standin:
    """One stand-in in a process of its own; use as a context manager.

    inside: a command to run it in, such as that which enters a network namespace.
    """

    def __init__(self, *options: str, inside: tuple[str, ...] = ()) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="standin-")
        folder = Path(self._folder.name)
        self._ready, self._log = folder / "ready", folder / "log"
        command = [*inside, sys.executable, "-m", "standin", "--data", str(folder / "data"),
                   "--ready-file", str(self._ready), *options]
        if record := os.environ.get("RECORD"):
            command += ["--record", record]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stdout=log, stderr=log, cwd=HERE)

    def __enter__(self) -> Standin:
        deadline = time.monotonic() + 20
        while not self._ready.exists():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the stand-in has not started:\n{self.log()}")
            time.sleep(0.02)
        self.facts = json.loads(self._ready.read_text())
        self.url: str = self.facts["url"]
        self.admin = GitLabAdmin(self.url)
        return self

    def __exit__(self, *_: object) -> None:
        self._process.terminate()
        try:
            self._process.wait(10)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._folder.cleanup()

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def log(self) -> str:
        return self._log.read_text(errors="replace")


class Api:
    """GitLab's API as any client would call it."""

    def __init__(self, url: str) -> None:
        self.base = url + "/api/v4"
        self.session = requests.Session()

    def call(self, method: str, path: str, body: dict | None = None, token: str | None = None,
             **options) -> requests.Response:
        """body goes as JSON; token in PRIVATE-TOKEN."""
        headers = {**({"PRIVATE-TOKEN": token} if token else {}), **options.pop("headers", {})}
        return self.session.request(method, self.base + path, json=body, headers=headers, timeout=30,
                                    allow_redirects=False, **options)


def runner_program() -> Path:
    """The real gitlab-runner; built when it is not there yet."""
    program = CACHE / "bin" / "gitlab-runner"
    if not program.exists():
        subprocess.run([HERE.parent / "hack/gitlab-runner/build"], check=True)
    return program


@pytest.fixture(scope="session")
def standin() -> Iterator[Standin]:
    with Standin("--long-poll", "0.3") as running:
        yield running
        errors = running.log()
    assert "Traceback" not in errors, errors


@pytest.fixture
def gitlab(standin: Standin) -> GitLabAdmin:
    """The stand-in, empty."""
    standin.admin.reset()
    return standin.admin


@pytest.fixture
def api(standin: Standin, gitlab: GitLabAdmin) -> Api:
    return Api(standin.url)
