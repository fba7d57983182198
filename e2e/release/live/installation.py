"""Installations of the operator that come and go, each with the whole cluster to itself."""
from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

from cluster import ROOT, Kube, kubectl, run_kubectl, wait_for
from operator_pod import NAME, NAMESPACE, is_ready
from places import LABEL
from release.helm import helm, loaded

KIND = "gitlabrunners.gitlab-runners.dev"
OPS = "my-ops"                          # a namespace that is there for something else
CLUSTERS = "clusterroles,clusterrolebindings,flowschemas,validatingadmissionpolicies,validatingadmissionpolicybindings"


def image() -> tuple[str, str]:
    """Under which repository and tag the cluster has the operator's image: that of the manifests."""
    deployment, = (body for body in loaded(kubectl("kustomize", "manifests/base")) if body["kind"] == "Deployment")
    repository, _, tag = deployment["spec"]["template"]["spec"]["containers"][0]["image"].rpartition(":")
    return repository, tag


def image_values() -> list[str]:
    repository, tag = image()
    return ["--set", f"image.repository={repository}", "--set-string", f"image.tag={tag}"]


def overlay(folder: Path, *resources: str, namespace: str = OPS) -> str:
    """A kustomization of a user's own."""
    up = os.path.relpath(ROOT / "manifests", folder)
    (folder / "kustomization.yaml").write_text(json.dumps({
        "namespace": namespace, "resources": [f"{up}/{name}" for name in resources]}))
    return str(folder)


def pods(kube: Kube, ns: str) -> list[dict]:
    return kube.list("Pod", ns, f"app.kubernetes.io/name={NAME}")


def wait_ready(kube: Kube, ns: str, count: int = 1) -> None:
    """So many pods of the template of now, and no others."""
    def ready() -> bool:
        deployment, found = kube.get("Deployment", NAME, ns), pods(kube, ns)
        if not deployment or deployment.get("status", {}).get("observedGeneration") != deployment["metadata"]["generation"]:
            return False
        return len(found) == deployment["status"].get("updatedReplicas") == count and all(map(is_ready, found))
    wait_for(f"{count} pods of the operator are ready in {ns}", ready, 120)


def install(kube: Kube) -> None:
    """From manifests/default. What is on its way out is waited for, as kubectl tells a person to."""
    wait_for("manifests/default is applied", lambda: run_kubectl("apply", "-k", "manifests/default").returncode == 0, 90)
    wait_ready(kube, NAMESPACE)


def way_out(name: str, alone: bool = True) -> str:
    """Runs the commands that docs/trouble.md has under this mark, as they stand there. alone: no operator is at it, too."""
    text = (ROOT / "docs/trouble.md").read_text().partition(f"<!-- way out: {name} -->\n\n")[2]
    lines = []
    for line in text.splitlines():
        if not line.startswith("    "):
            break
        lines.append(line[4:])
    assert lines, f"docs/trouble.md has no way out {name}"
    done = subprocess.run(["bash", "-c", "\n".join(lines)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 or not alone, done.stderr
    return done.stdout


def wipe(kube: Kube) -> None:
    """No operator, no kind, no runner, whoever installed them."""
    if kube.get("CustomResourceDefinition", KIND):
        kubectl("delete", "glr", "--all", "-A", "--wait=false")
        way_out("release", alone=False)
    for release in json.loads(helm("list", "-A", "-o", "json")):
        helm("uninstall", release["name"], "-n", release["namespace"])
    for item in kube.list("Namespace", labels=LABEL):
        kubectl("delete", "namespace", item["metadata"]["name"], "--wait=false")
    kubectl("delete", "namespace", OPS, NAMESPACE, "--ignore-not-found", "--timeout=90s")
    kubectl("delete", CLUSTERS, "-l", f"app.kubernetes.io/name={NAME}", "--ignore-not-found")
    kubectl("delete", "crd", KIND, "--ignore-not-found", "--timeout=60s")
