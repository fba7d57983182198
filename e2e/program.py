"""The program itself, run on this machine."""
from __future__ import annotations

import json
import signal
import socket
import subprocess
import time
from pathlib import Path

import requests

from cluster import ROOT, kubectl
from operator_pod import NAME, NAMESPACE

PROGRAM = ROOT / "build/gitlab-runner-controller"


def run(*words: str | Path, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess:
    """It must end with the exit code."""
    done = subprocess.run([PROGRAM, *words], input=stdin, capture_output=True, text=True, timeout=20)
    assert done.returncode == code, f"{done.args}: code {done.returncode}\n{done.stdout}{done.stderr}"
    return done


class Process:
    """`run`, with nothing but the given kubeconfig to find its cluster by.

    Alone, so that it acts at once, unless the options say something of --leader-elect….
    prefix: a command that runs the program, such as one that sets a limit first.
    """

    def __init__(self, folder: Path, kubeconfig: dict | str | Path, port: int, *options: str,
                 prefix: tuple[str, ...] = (), env: dict[str, str] | None = None, debug: int = 0) -> None:
        debug = debug or free_port()
        self._log = folder / "log"
        self._pages, self._debug = f"http://127.0.0.1:{port}", f"http://127.0.0.1:{debug}"
        file = kubeconfig if isinstance(kubeconfig, Path) else folder / "kubeconfig"
        if file != kubeconfig:
            file.write_text(kubeconfig if isinstance(kubeconfig, str) else json.dumps(kubeconfig))
        if not any(option.startswith("--leader-elect") for option in options):
            options = ("--leader-elect=false", *options)
        command = [*prefix, PROGRAM, "run", "--kubeconfig", file, "--listen", f"127.0.0.1:{port}",
                   "--debug-port", str(debug), *options]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, stderr=log, env={"HOME": str(folder)} if env is None else env)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def fleet_page(self) -> str:
        """Where people look, on this machine."""
        return f"{self._debug}/"

    def code(self) -> int | None:
        """Its exit code, when it has ended."""
        return self._process.poll()

    def wait(self, seconds: float = 10) -> int:
        """Its exit code."""
        return self._process.wait(seconds)

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def stop(self, number: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Its exit code, and the seconds that it took."""
        began = time.monotonic()
        self.send(number)
        return self.wait(), time.monotonic() - began

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def status(self, page: str) -> int:
        """0 while nobody listens."""
        try:
            return self.ask(page).status_code
        except requests.ConnectionError:
            assert self._process.poll() is None, f"it has ended: {self.log()}"
            return 0

    def ask(self, page: str, timeout: float = 5, **options: object) -> requests.Response:
        return requests.get(f"{self._debug if page.startswith('debug/') else self._pages}/{page}", timeout=timeout,
                            **options)

    def page(self, page: str) -> str:
        answer = self.ask(page)
        assert answer.ok, f"/{page}: {answer.status_code} {answer.text}"
        return answer.text

    def log(self) -> str:
        return self._log.read_text(errors="replace")

    def lines(self, level: str) -> list[dict]:
        entries = [log_entry(line) for line in self.log().splitlines()]
        return [entry for entry in entries if entry["level"] == level]


def log_entry(line: str) -> dict:
    """No key is there twice: who reads it would see one of them."""
    pairs = json.loads(line, object_pairs_hook=list)
    assert len(dict(pairs)) == len(pairs), f"a key is there twice: {line}"
    return dict(pairs)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def kubeconfig(account: str = NAME, ns: str = NAMESPACE, server: str = "", **cluster: object) -> dict:
    """Of this cluster, by a token of the ServiceAccount; cluster: what is otherwise about it."""
    config = json.loads(kubectl("config", "view", "--raw", "--minify", "--flatten", "-o", "json"))
    known = config["clusters"][0]["cluster"]
    known.update({"server": server or known["server"]} | cluster)
    config["contexts"][0]["context"]["namespace"] = ns
    config["users"][0]["user"] = {"token": kubectl("create", "token", account, "-n", ns).strip()}
    return config
