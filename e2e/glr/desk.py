"""Where somebody sits who uses the plugin: a place in the cluster, and the commands typed there."""
from __future__ import annotations

import os
import subprocess
import tempfile
from typing import IO

from cluster import wait_for
from places import Place
from program import PROGRAM

JOB = "job.runner.gitlab.com"


class Typed:
    """A command that goes on, its output in files."""

    def __init__(self, words: tuple[str, ...]) -> None:
        self._out, self._err = tempfile.TemporaryFile("w+"), tempfile.TemporaryFile("w+")
        self._process = subprocess.Popen([PROGRAM, *words], stdout=self._out, stderr=self._err,
                                         env=os.environ | {"TZ": "UTC"})

    @property
    def out(self) -> str:
        return read(self._out)

    def says(self, words: str, seconds: float = 20) -> None:
        wait_for(f"it says {words}", lambda: words in self.out, seconds)

    def send(self, number: int) -> None:
        self._process.send_signal(number)

    def end(self, code: int, seconds: float = 30) -> str:
        """It ends with the code; what it has said on stderr."""
        ended = self._process.wait(seconds)
        assert ended == code, f"code {ended}\n{self.out}{read(self._err)}"
        return read(self._err)


def read(file: IO[str]) -> str:
    """The place at which its writer goes on is the same."""
    return os.pread(file.fileno(), 1 << 20, 0).decode()


class Desk(Place):
    def command(self, *words: str) -> tuple[str, ...]:
        return words[0], "-n", self.name, *words[1:]

    def glr(self, *words: str, code: int = 0) -> subprocess.CompletedProcess:
        """It must end with the exit code."""
        done = subprocess.run([PROGRAM, *self.command(*words)], capture_output=True, text=True, timeout=60,
                              env=os.environ | {"TZ": "UTC"})
        assert done.returncode == code, f"{words}: code {done.returncode}\n{done.stdout}{done.stderr}"
        return done

    def type(self, *words: str) -> Typed:
        return Typed(self.command(*words))

    def job(self, number: int, runner: str = "builds") -> str:
        """A pod as gitlab-runner makes it for a job; its name."""
        name = f"runner-{number}"
        meta = {"name": name, "labels": {f"{JOB}/pod": name, "manager.runner.gitlab.com/name": f"{self.name}_{runner}"},
                "annotations": {f"{JOB}/id": str(number), f"{JOB}/name": "test"}}
        self.kube.create("Pod", {"metadata": meta, "spec": {
            "containers": [{"name": "build", "image": "busybox"}], "terminationGracePeriodSeconds": 0}}, self.name)
        return name

    def annotate(self, name: str, **annotations: str | None) -> None:
        """As `kubectl annotate` does; None takes one away. Underscores stand for dashes."""
        noted = {f"gitlab-runners.dev/{key.replace('_', '-')}": value for key, value in annotations.items()}
        self.kube.patch("GitLabRunner", name, {"metadata": {"annotations": noted}}, self.name)

    def applied_by(self, manager: str, name: str, body: dict) -> None:
        """As a tool that keeps it in git: by server-side apply."""
        path = self.kube.path("GitLabRunner", self.name, name)
        head = {"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner", "metadata": {"name": name}}
        answer = self.kube.call("PATCH", path, params={"fieldManager": manager, "force": "true"}, json=head | body,
                                headers={"Content-Type": "application/apply-patch+yaml"})
        assert answer.ok, answer.text
