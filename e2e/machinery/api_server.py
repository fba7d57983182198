"""The API server of the local cluster as a process that tests may end and start."""
from __future__ import annotations

import os
import signal
import subprocess
from pathlib import Path

from cluster import STATE, run_kubectl, wait_for
from operator_pod import program_of


class ApiServer:
    def __init__(self) -> None:
        self._pid = self._find()
        self._process: subprocess.Popen | None = None       # when it was started here
        words = (Path("/proc") / str(self._pid) / "cmdline").read_bytes().split(b"\0")[:-1]
        self._command = [word.decode() for word in words]
        self._flags: tuple[str, ...] = ()

    @staticmethod
    def _find() -> int:
        found = [int(folder.name) for folder in Path("/proc").glob("[0-9]*")
                 if program_of(folder).endswith(b"kube-apiserver")]
        assert len(found) == 1, found
        return found[0]

    def stop(self) -> None:
        """At once: no connection is closed in good order."""
        os.kill(self._pid, signal.SIGKILL)
        if self._process:
            self._process.wait()
        wait_for("the API server has ended", lambda: not (Path("/proc") / str(self._pid) / "exe").exists(), 10)

    def start(self, *flags: str) -> None:
        """With further flags; ready when it returns. It outlives the tests."""
        with (STATE / "log/apiserver.log").open("ab") as log:
            self._process = subprocess.Popen([*self._command, *flags], stdout=log, stderr=log, start_new_session=True)
        self._pid, self._flags = self._process.pid, flags
        wait_for("the API server serves our kind", lambda: run_kubectl("get", "glr", "-A").returncode == 0, 60)

    def restart(self, *flags: str) -> None:
        self.stop()
        self.start(*flags)

    def restore(self) -> None:
        """As the cluster was made."""
        if self._flags:
            self.restart()
