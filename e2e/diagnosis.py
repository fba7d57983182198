"""What people need to see when a test has failed."""
from __future__ import annotations

import json
from collections.abc import Iterator
from typing import TYPE_CHECKING

from cluster import run_kubectl
from operator_pod import without_tokens

if TYPE_CHECKING:
    from gitlab_admin import GitLabAdmin
    from places import Place

CHILDREN = "glr,deployments,pods,secrets,serviceaccounts,rolebindings,poddisruptionbudgets"
LOG_LINES = 60


def sections(place: Place) -> Iterator[tuple[str, str]]:
    """Title and text of each."""
    for runner in place.runners():
        body = runner.object() or {}
        body.get("metadata", {}).pop("managedFields", None)
        yield f"GitLabRunner {runner.ns}/{runner.name}", without_tokens(json.dumps(body, indent=1))
    for ns in place.namespaces:
        yield f"namespace {ns}", run_kubectl("get", CHILDREN, "-n", ns, "-o", "wide").stdout
        yield f"events in {ns}", run_kubectl("get", "events", "-n", ns, "--sort-by=.metadata.creationTimestamp").stdout
        for pod in place.kube.list("Pod", ns, "app.kubernetes.io/name=gitlab-runner"):
            yield f"log of {pod['metadata']['name']}", without_tokens(place.kube.logs(pod, tailLines=20))
    yield "the operator's log", without_tokens(last_lines(place.operator.logs()))
    for gitlab in place.gitlabs:
        yield f"calls to {gitlab.url}", without_tokens("\n".join(calls(gitlab)))


def collected(parts: Iterator[tuple[str, str]]) -> list[tuple[str, str]]:
    """As many of the sections as can be had: the API server may be away, and the failure is to be told all the same."""
    found = []
    try:
        for part in parts:
            found.append(part)
    except Exception as err:
        found.append(("the rest is not to be had", str(err)))
    return found


def last_lines(text: str) -> str:
    return "\n".join(text.splitlines()[-LOG_LINES:])


def calls(gitlab: GitLabAdmin) -> Iterator[str]:
    for call in gitlab.audit(path="(?!.*/jobs/request).*")[-LOG_LINES:]:
        fault = f"  fault {call['fault']}" if call["fault"] else ""
        yield f"{call['time'][11:23]} {call['method']} {call['path']} {call['status']}{fault}  {call['answer'][:200]}"
