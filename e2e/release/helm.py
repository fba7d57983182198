"""The real helm, of both lines that people use, and the chart."""
from __future__ import annotations

import json
import subprocess
from pathlib import Path

import yaml

from cluster import CACHE, ROOT

CHART = ROOT / "manifests/chart"
LINES = ("helm4", "helm3")
IMAGE = {"repository": "registry.example.com/team/operator", "tag": "7"}


def loaded(text: str) -> list[dict]:
    """By libyaml: a schema of this size takes the other parser seconds."""
    return [body for body in yaml.load_all(text, yaml.CSafeLoader) if body]


def run_helm(*words: str | Path, line: str = "helm4", timeout: float = 180) -> subprocess.CompletedProcess:
    return subprocess.run([CACHE / "bin" / line, *words], capture_output=True, text=True, timeout=timeout)


def helm(*words: str | Path, line: str = "helm4", timeout: float = 180) -> str:
    """What it prints; it must succeed."""
    done = run_helm(*words, line=line, timeout=timeout)
    assert done.returncode == 0, f"{line} {' '.join(map(str, words))}: {done.stderr or done.stdout}"
    return done.stdout


def valued(values: dict) -> list[str]:
    """Options that give these values."""
    return [word for name, value in values.items() for word in ("--set-json", f"{name}={json.dumps(value)}")]


def template(values: dict, chart: Path = CHART, line: str = "helm4", release: str = "runners",
             namespace: str = "gitlab-runner-system") -> list[dict]:
    """The objects that a release with these values and an image has."""
    text = helm("template", release, chart, "-n", namespace, *valued({"image": IMAGE} | values), line=line)
    return loaded(text)


def refusal(values: dict, line: str = "helm4") -> str:
    """Why there is no such release."""
    done = run_helm("template", "runners", CHART, *valued(values), line=line)
    assert done.returncode != 0, f"{values} are taken"
    return done.stderr
