"""Managers that do not start say why within seconds, and start when that is mended; one that starts as usual costs nothing."""
from __future__ import annotations

import pytest

from cluster import AuditLog, wait_for
from operator_pod import USER
from places import Place, Runner

SOON = 25.0     # seconds until the cause is named
NO_IMAGE = "registry.invalid/gitlab-runner:none"

ENV = [{"name": "PASSWORD", "valueFrom": {"secretKeyRef": {"name": "gone", "key": "password"}}}]
INIT = {"initContainers": [{"name": "fetch", "image": "busybox:1.36", "command": ["sh", "-c", "exit 3"]}]}
VOLUME = {"volumes": [{"name": "claim", "persistentVolumeClaim": {"claimName": "none"}}]}

BROKEN = {      # what is wrong with the manager; the reason, words of the message, whether only a person can help; mended by
    "account": ({"serviceAccountName": "late"}, "ServiceAccountNotFound",
                ["serviceaccount \"late\" not found", "spec.manager.serviceAccountName"], True, None),
    "image": ({"image": NO_IMAGE}, "ImagePullBackOff", [NO_IMAGE, "spec.manager.image"], None, {"image": None}),
    "name": ({"image": "No Image"}, "InvalidImageName", ["No Image", "spec.manager.image"], True, {"image": None}),
    "secret": ({"env": ENV}, "CreateContainerConfigError", ["secret \"gone\" not found", "spec.manager.env"], True, None),
    "node": ({"nodeSelector": {"no": "such-node"}}, "Unschedulable", ["node affinity/selector", "spec.manager"], False,
             {"nodeSelector": None}),
    "claim": ({"podSpec": VOLUME}, "Unschedulable", ["persistentvolumeclaim \"none\" not found"], False, {"podSpec": None}),
    "crash": ({"image": "busybox:1.36"}, "CrashLoopBackOff",
              ["exit code 127", "logs deployment/crash-runner -c manager --previous"], True, {"image": None}),
    "init": ({"podSpec": INIT}, "CrashLoopBackOff", ["exit code 3", "-c fetch"], True, {"podSpec": None}),
}


def assert_told(runner: Runner, reason: str, words: list[str], stalled: bool | None) -> None:
    message = runner.wait("ManagerAvailable", "False", reason, SOON)["message"]
    assert all(word in message for word in words), message
    found = runner.conditions()
    assert found["Ready"]["reason"] == reason and found["Ready"]["message"] == message
    assert stalled is None or ("Stalled" in found) == stalled, found


def test_managers_that_do_not_start_say_why(ci: Place) -> None:
    ci.registration_token()
    runners = {name: ci.runner(name=name, manager=broken) for name, (broken, *_) in BROKEN.items()}
    for name, (_, reason, words, stalled, _) in BROKEN.items():
        assert_told(runners[name], reason, words, stalled)
    ci.put("ServiceAccount", "late", {})
    ci.secret("gone", password="here")
    for name, (*_, mended) in BROKEN.items():
        if mended:
            runners[name].edit(manager=mended)
    for runner in runners.values():
        runner.wait()


def test_a_quota_that_is_used_up_is_told_at_once(ci: Place) -> None:
    ci.registration_token()
    ci.kube.call("POST", f"api/v1/namespaces/{ci.name}/resourcequotas",
                 json={"metadata": {"name": "full"}, "spec": {"hard": {"pods": "0"}}})
    runner = ci.runner()
    assert_told(runner, "QuotaExceeded", ["exceeded quota: full", "limited: pods=0", "ResourceQuota"], True)
    assert "used:" not in runner.conditions()["Ready"]["message"]
    ci.kube.call("DELETE", f"api/v1/namespaces/{ci.name}/resourcequotas/full")
    runner.edit(manager={"podAnnotations": {"try": "again"}})       # the controller itself waits for minutes
    runner.wait()


def requests(audit: AuditLog, ns: str, verb: str, resource: str) -> list[dict]:
    return [entry for entry in audit.entries(USER) if entry["verb"] == verb and entry["stage"] == "ResponseComplete"
            and (of := entry.get("objectRef", {})).get("namespace") == ns
            and "/".join(filter(None, (of["resource"], of.get("subresource")))) == resource]


@pytest.mark.node
def test_a_start_as_usual_costs_nothing(ci: Place) -> None:
    """Neither a look at its pod, nor a status between starting and ready, nor an Event of the kubelet's."""
    ci.registration_token()
    audit = AuditLog()
    runner = ci.runner()
    runner.wait()
    assert requests(audit, ci.name, "list", "pods") == []
    assert len(requests(audit, ci.name, "patch", "gitlabrunners/status")) <= 2
    warnings = [(event["reason"], event["note"]) for event in ci.kube.list("Event", ci.name)
                if event["type"] == "Warning" and event["regarding"]["kind"] == "Pod"]
    assert warnings == [], "the kubelet has nothing to complain of"
    wait_for("the audit log is written", lambda: requests(audit, ci.name, "patch", "gitlabrunners/status"))
