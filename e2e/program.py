"""The program itself, run on this machine."""
from __future__ import annotations

import subprocess
from pathlib import Path

from cluster import ROOT

PROGRAM = ROOT / "build/gitlab-runner-controller"


def run(*words: str | Path, stdin: str = "", code: int = 0) -> subprocess.CompletedProcess:
    """It must end with the exit code."""
    done = subprocess.run([PROGRAM, *words], input=stdin, capture_output=True, text=True, timeout=20)
    assert done.returncode == code, f"{done.args}: code {done.returncode}\n{done.stdout}{done.stderr}"
    return done
