"""Processes as the kernel sees them: their memory, CPU and wakeups; and the operator as one of them."""
import contextlib
import http.client
import os
import pathlib
import signal
import subprocess
import sys
import threading
import time

import yaml

STATE = pathlib.Path("/tmp/gitlab-runner-controller") / os.environ["CLUSTER"]
PROGRAM = os.environ.get("PROGRAM") or "build/gitlab-runner-controller"
DEPLOYMENT = pathlib.Path("manifests/base/controller.yaml")
LEASE = "gitlab-runner-controller"
PAGES = ("127.0.0.1", 18080)


def wait(what, condition, seconds=120, pause=0.05):
    deadline = time.monotonic() + seconds
    while not condition():
        if time.monotonic() > deadline:
            sys.exit(f"bench: {what}: not within {seconds} s")
        time.sleep(pause)


def status(path):
    return dict(line.split(":", 1) for line in (path / "status").read_text().splitlines())


def memory(pid):
    """VmRSS and RssAnon in MiB."""
    fields = status(pathlib.Path(f"/proc/{pid}"))
    return int(fields["VmRSS"].split()[0]) / 1024, int(fields["RssAnon"].split()[0]) / 1024


def cpu_ms(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) * 1000 / os.sysconf("SC_CLK_TCK")


def wakeups(pid):
    """How often its threads have waited for something, and were woken."""
    return sum(int(status(task)["voluntary_ctxt_switches"]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def installed():
    """The arguments and the environment with which it is installed."""
    container = yaml.safe_load(DEPLOYMENT.read_text())["spec"]["template"]["spec"]["containers"][0]
    return container["args"], {variable["name"]: variable["value"] for variable in container["env"]}


def pid_of(program):
    for entry in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
        except OSError:
            continue
        if words[0].decode().rsplit("/", 1)[-1] == program and str(STATE).encode() in b"".join(words):
            return int(entry.name)
    sys.exit(f"bench: {program} does not run")


def wait_idle(pid, seconds=120):
    """Until the process has next to nothing to do: what others have begun is done as well."""
    def is_idle():
        before = cpu_ms(pid)
        time.sleep(1)
        return cpu_ms(pid) - before < 100
    wait("the API server has nothing left to do", is_idle, seconds)


@contextlib.contextmanager
def held(program):
    """It stands still meanwhile."""
    pid = pid_of(program)
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


class Operator:
    """The operator's process, and the most memory that it had. Use as a context manager."""

    def __init__(self, folder, *options):
        self._log = pathlib.Path(folder) / "operator.log"
        self._begin = time.monotonic()
        args, env = installed()
        with self._log.open("a") as log:
            self._process = subprocess.Popen([PROGRAM, *args, "--listen", "%s:%d" % PAGES, "--debug-port", "0", *options], stderr=log,
                                             env=os.environ | env)
        self.pid = self._process.pid
        self.forget_peak()
        self._ended = threading.Event()
        threading.Thread(target=self._sample, daemon=True).start()

    def __enter__(self):
        return self

    def __exit__(self, kind, *_):
        self._ended.set()
        if self._process.poll() is not None:
            return
        self._process.send_signal(signal.SIGTERM)
        if self._process.wait(30) and kind is None:
            sys.exit(self._log.read_text()[-3000:])

    def kill(self):
        """It would wait for what is in flight. The next one need not wait for its Lease."""
        self._ended.set()
        self._process.kill()
        self._process.wait()
        subprocess.run(["kubectl", "delete", "lease", LEASE], check=True, stdout=subprocess.DEVNULL)

    def _sample(self):
        while not self._ended.wait(0.02):
            try:
                self.peak = tuple(map(max, self.peak, memory(self.pid)))
            except (OSError, KeyError):
                return

    def forget_peak(self):
        self.peak = (0, 0)

    def wait_ready(self):
        """Tells how many seconds after its start it was."""
        wait("the operator is ready", self._is_ready, pause=0.005)
        return time.monotonic() - self._begin

    def _is_ready(self):
        connection = http.client.HTTPConnection(*PAGES)
        try:
            connection.request("GET", "/readyz")
            return connection.getresponse().status == 200
        except OSError:
            return False
        finally:
            connection.close()
