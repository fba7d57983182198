"""All that is ever seen of a GitLabRunner, version by version, and what tools that deploy from Git say of it."""
from __future__ import annotations

import json
import subprocess
import threading
from collections.abc import Iterable, Iterator
from urllib.parse import urlencode

from cluster import CACHE, ROOT, Kube, wait_for
from statuses import faults

GITOPS = ROOT / "manifests/gitops"


def verdicts(objects: Iterable[dict]) -> list[dict]:
    """For each object what kstatus, Argo CD and Flux make of it; see hack/verdicts."""
    done = subprocess.run([CACHE / "bin/verdicts", GITOPS / "health.lua", GITOPS / "flux-kustomization.yaml"],
                          input="\n".join(map(json.dumps, objects)), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def words(verdict: dict) -> tuple[str, str, str]:
    return verdict["kstatus"], verdict["argo"]["status"], verdict["flux"]


class Recording:
    """Of one object by its own watch, from before it is there until the block ends."""

    def __init__(self, kube: Kube, ns: str, name: str = "builds") -> None:
        self.versions: list[dict] = []
        self.gone = False
        path = kube.path("GitLabRunner", ns)
        start = kube.call("GET", path).json()["metadata"]["resourceVersion"]
        query = urlencode({"watch": "1", "resourceVersion": start, "fieldSelector": f"metadata.name={name}"})
        command = ["kubectl", "get", "--raw", f"/{path}?{query}"]
        self._watch = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        self._thread = threading.Thread(target=self._read, daemon=True)

    def __enter__(self) -> Recording:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._watch.kill()
        self._watch.wait()
        self._thread.join(10)

    def _read(self) -> None:
        for line in self._watch.stdout:
            event = json.loads(line)
            if event["type"] == "DELETED":
                self.gone = True
            elif event["type"] in ("ADDED", "MODIFIED"):
                self.versions.append(event["object"])

    def wait_for_version(self, version: str) -> None:
        """The watch has shown what a GET has shown."""
        wait_for(f"the watch shows version {version}",
                 lambda: any(body["metadata"]["resourceVersion"] == version for body in self.versions))

    def story(self) -> list[str]:
        """kstatus' words, one for each change of it."""
        said = [verdict["kstatus"] for verdict in verdicts(self.versions)]
        return [word for i, word in enumerate(said) if i == 0 or said[i - 1] != word]

    # What holds for each object at any time

    def check(self) -> None:
        before = None
        for body in self.versions:
            assert not (found := faults(before, body)), (found, before, body)
            check_owners(body)
            before = body


def check_owners(body: dict) -> None:
    """The operator's fields are its finalizer and the status, and of nothing else it is among the owners."""
    for entry in body["metadata"].get("managedFields", []):
        if entry["manager"].startswith("gitlab-runner-controller"):
            wanted = {"f:status"} if entry.get("subresource") == "status" else {"f:metadata"}
            assert set(entry["fieldsV1"]) == wanted, entry
            assert set(leaves(entry["fieldsV1"].get("f:metadata", {}))) <= {
                "f:finalizers", 'f:finalizers/v:"gitlab-runners.dev/deregister"'}, entry


def leaves(fields: dict, path: str = "") -> Iterator[str]:
    for name, inner in fields.items():
        here = path + name
        if name == ".":
            yield path.rstrip("/")
        elif inner:
            yield from leaves(inner, here + "/")
        else:
            yield here
