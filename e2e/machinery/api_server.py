"""The API server of the local cluster as a process that tests may end and start."""
from __future__ import annotations

import os
import select
import signal
import subprocess
from pathlib import Path

from cluster import STATE, run_kubectl, wait_for
from operator_pod import program_of

LOG = STATE / "log/apiserver.log"


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
        end = os.pidfd_open(self._pid)      # readable when the last of its threads has ended, and its port is free
        os.kill(self._pid, signal.SIGKILL)
        ended, _, _ = select.select([end], [], [], 10)
        os.close(end)
        assert ended, "the API server does not end"
        if self._process:
            self._process.wait()

    def start(self, *flags: str) -> None:
        """With further flags; ready when it returns. It outlives the tests."""
        with LOG.open("ab") as log:
            self._process = subprocess.Popen([*self._command, *flags], stdout=log, stderr=log, start_new_session=True)
        self._pid, self._flags = self._process.pid, flags
        wait_for("the API server serves our kind", self._serves, 60)

    def _serves(self) -> bool:
        code = self._process.poll()
        assert code is None, f"the API server has ended with {code}:\n{self._tail()}"
        return run_kubectl("get", "glr", "-A").returncode == 0

    @staticmethod
    def _tail() -> str:
        return "".join(LOG.read_text().splitlines(keepends=True)[-20:])

    def restart(self, *flags: str) -> None:
        self.stop()
        self.start(*flags)

    def restore(self) -> None:
        """As the cluster was made."""
        if self._flags:
            self.restart()
