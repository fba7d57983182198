"""glr.yaml, by which krew installs the plugin: put into the folder plugins/ of an index of your own, a git repository that
`kubectl krew index add NAME URL` names. krew's public index takes no plugin that has another's trademark in it.

Source: krew.sigs.k8s.io/docs/developer-guide (plugin manifest, custom indexes)."""
from __future__ import annotations

import hashlib
import json
from pathlib import Path

from release.bundles import PLUGIN, archive

DESCRIPTION = """\
Lists the GitLabRunners of a cluster and the jobs that they run, explains why one is not ready and what to do about it, pauses,
drains, rotates and restarts them, looks over the whole installation, and opens the fleet page."""
CAVEATS = """\
krew cannot install the completion of kubectl plugins. For it:
  kubectl glr completion kubectl > ~/.local/bin/kubectl_complete-glr && chmod +x ~/.local/bin/kubectl_complete-glr"""


def platform(dist: Path, version: str, source: str, architecture: str) -> dict:
    name = archive(PLUGIN, version, architecture)
    return {"selector": {"matchLabels": {"os": "linux", "arch": architecture}},
            "uri": f"{source}/releases/download/v{version}/{name}",
            "sha256": hashlib.sha256((dist / name).read_bytes()).hexdigest(),
            "bin": f"./{PLUGIN}"}


def write(dist: Path, version: str, architectures: list[str], source: str) -> None:
    manifest = {"apiVersion": "krew.googlecontainertools.github.com/v1alpha2", "kind": "Plugin", "metadata": {"name": "glr"},
                "spec": {"version": f"v{version}", "homepage": source, "shortDescription": "See and steer GitLab Runners",
                         "description": DESCRIPTION, "caveats": CAVEATS,
                         "platforms": [platform(dist, version, source, each) for each in architectures]}}
    (dist / "glr.yaml").write_text(json.dumps(manifest, indent=2) + "\n")   # which is YAML, too
