"""What manifests/monitoring has, and the real Prometheus, unpacked from Debian's package."""
from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

import yaml

from cluster import CACHE, ROOT

MONITORING = ROOT / "manifests/monitoring"
PROMETHEUS, PROMTOOL = CACHE / "bin/prometheus", CACHE / "bin/promtool"


def rule_groups() -> dict:
    """The PrometheusRule as a file of rules."""
    return yaml.safe_load((MONITORING / "rules.yaml").read_text())["spec"]


def alerts() -> dict[str, dict]:
    return {rule["alert"]: rule for group in rule_groups()["groups"] for rule in group["rules"]}


def dashboards() -> dict[str, dict]:
    return {path.name: json.loads(path.read_text()) for path in sorted((MONITORING / "dashboards").glob("*.json"))}


def panels(dashboard: dict) -> list[dict]:
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def expressions(dashboard: dict) -> list[str]:
    return [target["expr"] for panel in panels(dashboard) for target in panel["targets"]]


def promtool(*words: str | Path, cwd: Path | None = None) -> subprocess.CompletedProcess:
    return subprocess.run([PROMTOOL, *words], capture_output=True, text=True, timeout=60, cwd=cwd)
