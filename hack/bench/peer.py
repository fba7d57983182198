"""hack/peer as a process: an operator with controller-runtime, that makes the same writes."""
import os
import pathlib
import select
import subprocess
import time

PROGRAM = pathlib.Path(os.environ["CACHE"]) / "bin/peer"


class Peer:
    """Use as a context manager."""

    def __init__(self, scene, script, namespace):
        self._begin = time.monotonic()
        self._log = scene.folder / "peer.log"
        with self._log.open("a") as log:
            self._process = subprocess.Popen([PROGRAM, script, namespace], stdout=subprocess.PIPE, stderr=log)
        self.pid = self._process.pid

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.terminate()
        self._process.wait(30)

    def wait_ready(self):
        """Until its caches are filled. Tells how many seconds after its start they were."""
        readable, _, _ = select.select([self._process.stdout], [], [], 120)
        if not readable or self._process.stdout.readline() != b"ready\n":
            raise SystemExit(f"bench: peer: {self._log.read_text()[-3000:]}")
        return time.monotonic() - self._begin
