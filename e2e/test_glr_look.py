"""What the plugin shows of a cluster whose pods really run: the managers' logs, and the operator's page."""
from __future__ import annotations

import os
import signal
import subprocess
import urllib.request
from pathlib import Path

import pytest

from cluster import kubectl, wait_for
from places import Place
from program import PROGRAM

PLUGIN = PROGRAM.with_name("kubectl-glr")


def begun(tmp_path: Path, *words: str) -> tuple[subprocess.Popen, Path]:
    """A command that goes on, and the file of what it prints."""
    out = tmp_path / "out"
    with out.open("w") as file:
        return subprocess.Popen([PLUGIN, *words], stdout=file, stderr=subprocess.STDOUT, env=os.environ | {"TZ": "UTC"}), out


def test_logs_go_on_with_the_manager_that_comes_next(ci: Place, tmp_path: Path) -> None:
    ci.registration_token()
    runner = ci.runner()
    runner.wait()
    pod = runner.managers()[0]["metadata"]["name"]
    said = subprocess.run([PLUGIN, "logs", "-n", ci.name, "builds"], capture_output=True, text=True, timeout=30, check=True).stdout
    assert "Starting multi-runner" in said and all(line.startswith(f"{pod} | ") for line in said.splitlines())
    assert "\x1b" not in said and runner.token() not in said
    last = subprocess.run([PLUGIN, "logs", "-n", ci.name, "builds", "--tail", "1", "--timestamps"], capture_output=True, text=True,
                          timeout=30, check=True).stdout
    assert last.count("\n") == 1 and last.startswith(f"{pod} | 20")
    process, out = begun(tmp_path, "logs", "-n", ci.name, "builds", "-f")
    wait_for("it follows", lambda: f"{pod} | " in out.read_text())
    kubectl("-n", ci.name, "delete", "pod", pod, "--wait=false", "--grace-period=5")
    wait_for("the next one speaks", lambda: "Starting multi-runner" in out.read_text().rpartition(f"{pod} | ")[2])
    process.terminate()
    assert process.wait(10) == -signal.SIGTERM
    runner.wait()


def page(port: str) -> str:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5) as answer:
            return answer.read().decode(errors="replace")
    except OSError:
        return ""


@pytest.mark.parametrize("port", ["18642"])
def test_the_page_is_brought_here_and_comes_back_with_the_next_pod(port: str, ci: Place, tmp_path: Path) -> None:
    process, out = begun(tmp_path, "ui", "--no-browser", "--port", port)
    wait_for("its address", lambda: f"http://127.0.0.1:{port}/\n" in out.read_text())
    assert "<html" in page(port)
    ci.operator.restart()
    wait_for("the page is there again", lambda: "<html" in page(port))
    assert "is looked for again" in out.read_text()
    process.send_signal(signal.SIGINT)
    assert process.wait(10) == 0
    assert not page(port)
    assert "portforward.go" not in out.read_text()
