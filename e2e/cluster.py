"""The cluster as tests see it: its API, kubectl, and waiting for what it will come to."""
from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import requests

from deadline import DeadlineMissed

ROOT = Path(__file__).resolve().parent.parent
CACHE = Path(os.environ.get("CACHE") or                      # as hack/cluster/env.sh has it
             Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitlab-runner-controller")
EXISTING = os.environ.get("USE_EXISTING_CLUSTER") == "1"
STATE = Path("/tmp/gitlab-runner-controller") / os.environ.get("CLUSTER", "e2e")  # of the local cluster
PATIENCE = 60.0  # seconds; this machine may be busy with other things
MERGE_PATCH = "application/merge-patch+json"
T = TypeVar("T")

RESOURCES = {
    "GitLabRunner": "apis/gitlab-runners.dev/v1beta1/gitlabrunners",
    "Namespace": "api/v1/namespaces",
    "Node": "api/v1/nodes",
    "Pod": "api/v1/pods",
    "Secret": "api/v1/secrets",
    "ConfigMap": "api/v1/configmaps",
    "ServiceAccount": "api/v1/serviceaccounts",
    "Lease": "apis/coordination.k8s.io/v1/leases",
    "FlowSchema": "apis/flowcontrol.apiserver.k8s.io/v1/flowschemas",
    "PriorityLevelConfiguration": "apis/flowcontrol.apiserver.k8s.io/v1/prioritylevelconfigurations",
    "Role": "apis/rbac.authorization.k8s.io/v1/roles",
    "Event": "apis/events.k8s.io/v1/events",
    "Deployment": "apis/apps/v1/deployments",
    "PodDisruptionBudget": "apis/policy/v1/poddisruptionbudgets",
    "RoleBinding": "apis/rbac.authorization.k8s.io/v1/rolebindings",
    "ClusterRole": "apis/rbac.authorization.k8s.io/v1/clusterroles",
    "CustomResourceDefinition": "apis/apiextensions.k8s.io/v1/customresourcedefinitions",
}


def wait_for(what: str, probe: Callable[[], T], seconds: float = PATIENCE) -> T:
    """The first true answer of probe."""
    deadline = time.monotonic() + seconds
    while not (answer := probe()):
        if time.monotonic() > deadline:
            raise DeadlineMissed(f"not within {seconds:.0f} s: {what}")
        time.sleep(0.1)
    return answer


def run_kubectl(*words: str, stdin: str | None = None, timeout: float = 120) -> subprocess.CompletedProcess:
    try:
        return subprocess.run(["kubectl", *words], input=stdin, capture_output=True, text=True, timeout=timeout, cwd=ROOT)
    except subprocess.TimeoutExpired:
        raise DeadlineMissed(f"not within {timeout:.0f} s: kubectl {' '.join(words)}") from None


def kubectl(*words: str, stdin: str | None = None, timeout: float = 120) -> str:
    """What it prints; it must succeed."""
    done = run_kubectl(*words, stdin=stdin, timeout=timeout)
    assert done.returncode == 0, f"kubectl {' '.join(words)}: {done.stderr or done.stdout}"
    return done.stdout


def kustomized(folder: str) -> list[dict]:
    """The objects that `kubectl apply -k` would apply."""
    text = kubectl("create", "-k", folder, "--dry-run=client", "-o", "json")
    objects, decoder = [], json.JSONDecoder()
    while text := text.lstrip():
        body, end = decoder.raw_decode(text)
        objects.append(body)
        text = text[end:]
    return objects


def wait_kind() -> None:
    """Until the API server serves GitLabRunners. `kubectl wait` fails at a definition that has no status yet."""
    wait_for("the kind is served", lambda: run_kubectl("get", "glr", "-A").returncode == 0, 60)


def refused(*words: str, stdin: str | None = None) -> str:
    """Why kubectl fails; it must not succeed."""
    done = run_kubectl(*words, stdin=stdin)
    assert done.returncode != 0, f"kubectl {' '.join(words)} has succeeded: {done.stdout}"
    return done.stderr


class Kube:
    """The API server by way of `kubectl proxy`, which can make use of any kubeconfig."""

    def __init__(self) -> None:
        self._proxy = subprocess.Popen(["kubectl", "proxy", "--port=0"], stdout=subprocess.PIPE, text=True)
        self.url = "http://" + self._proxy.stdout.readline().split()[-1]  # "Starting to serve on ADDRESS:PORT"
        self._session = requests.Session()

    def close(self) -> None:
        self._proxy.terminate()
        self._proxy.wait()

    def call(self, method: str, path: str, **options) -> requests.Response:
        return self._session.request(method, f"{self.url}/{path}", timeout=30, **options)

    def path(self, kind: str, ns: str | None, name: str = "") -> str:
        group, _, plural = RESOURCES[kind].rpartition("/")
        return "/".join(filter(None, [group, f"namespaces/{ns}" if ns else "", plural, name]))

    def get(self, kind: str, name: str, ns: str | None = None) -> dict | None:
        answer = self.call("GET", self.path(kind, ns, name))
        return None if answer.status_code == 404 else checked(answer)

    def list(self, kind: str, ns: str | None = None, labels: str = "") -> list[dict]:
        return checked(self.call("GET", self.path(kind, ns), params={"labelSelector": labels}))["items"]

    def create(self, kind: str, body: dict, ns: str | None = None) -> dict:
        return checked(self.call("POST", self.path(kind, ns), json=body))

    def patch(self, kind: str, name: str, body: dict, ns: str | None = None, subresource: str = "") -> dict:
        """A merge patch: what is null goes."""
        path = self.path(kind, ns, name) + subresource
        return checked(self.call("PATCH", path, data=json.dumps(body), headers={"Content-Type": MERGE_PATCH}))

    def delete(self, kind: str, name: str, ns: str | None = None, **options) -> None:
        answer = self.call("DELETE", self.path(kind, ns, name), json=options or None)
        assert answer.ok or answer.status_code == 404, answer.text

    def pod_page(self, pod: dict, port: int, page: str) -> requests.Response:
        meta = pod["metadata"]
        return self.call("GET", f"api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}:{port}/proxy/{page}")

    def logs(self, pod: dict, **query) -> str:
        meta = pod["metadata"]
        return self.call("GET", f"api/v1/namespaces/{meta['namespace']}/pods/{meta['name']}/log", params=query).text

    def namespaced_lists(self) -> list[tuple[str, str]]:
        """Group's path and plural name of everything that can be listed in a namespace."""
        if not hasattr(self, "_lists"):
            self._lists = list(self._discover())
        return self._lists

    def _discover(self) -> Iterator[tuple[str, str]]:
        groups = checked(self.call("GET", "apis"))["groups"]
        for path in ["api/v1", *("apis/" + group["preferredVersion"]["groupVersion"] for group in groups)]:
            for resource in checked(self.call("GET", path))["resources"]:
                if resource["namespaced"] and "list" in resource["verbs"]:
                    yield path, resource["name"]

    def everything(self, ns: str) -> Iterator[dict]:
        """Every object in a namespace, of whatever kind."""
        for path, plural in self.namespaced_lists():
            answer = checked(self.call("GET", f"{path}/namespaces/{ns}/{plural}"))
            for item in answer["items"]:
                yield {"kind": answer["kind"].removesuffix("List")} | item


def checked(answer: requests.Response) -> dict:
    assert answer.ok, f"{answer.request.method} {answer.url}: {answer.status_code} {answer.text}"
    return answer.json()


class AuditLog:
    """What has been asked of the local cluster's API server since a mark was made."""

    def __init__(self) -> None:
        self._file = STATE / "log/audit.log"
        self.mark()

    def mark(self) -> None:
        self._start = self._file.stat().st_size

    def text(self) -> str:
        with self._file.open(errors="replace") as log:
            log.seek(self._start)
            return log.read()

    def entries(self, user: str) -> list[dict]:
        return [entry for entry in self._parsed() if entry["user"]["username"] == user]

    def entries_of_agent(self, agent: str) -> list[dict]:
        """Of whoever calls itself so, in the beginning of its User-Agent."""
        return [entry for entry in self._parsed() if entry.get("userAgent", "").startswith(agent)]

    def _parsed(self) -> Iterator[dict]:
        return (json.loads(line) for line in self.text().splitlines())
