"""The operator itself: its pages, and how it ends."""
from __future__ import annotations

import os
import re
import signal
import time

import pytest

from cluster import wait_for
from deadline import assert_in_time
from gitlab_admin import GitLabAdmin
from operator_pod import Operator
from places import HOST, Place
from program import log_entry

LINE = re.compile(r'[a-zA-Z_:][\w:]*(\{\w+="[^"\\]*"(,\w+="[^"\\]*")*\})? -?[0-9.e+-]+')


def test_it_says_that_it_is_alive_and_ready(ci: Place) -> None:
    assert ci.operator.page("healthz") == "ok\n"
    assert ci.operator.page("readyz") == "ok\n"


def test_its_metrics_are_prometheus_text_that_counts_objects(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    ci.unmanned().wait()
    page = ci.operator.page("metrics")
    samples = [line for line in page.splitlines() if not line.startswith("#")]
    assert [line for line in samples if not LINE.fullmatch(line)] == []
    families = {line.split()[2] for line in page.splitlines() if line.startswith("# TYPE")}
    parts = {f"{family}_{part}" for family in families for part in ("bucket", "sum", "count")}
    assert {re.split("[{ ]", line)[0] for line in samples} <= families | parts
    metrics = ci.operator.metrics()
    assert metrics['gitlab_runner_controller_objects{kind="GitLabRunner"}'] == len(ci.runners())
    assert sum(value for name, value in metrics.items() if name.startswith('rest_client_requests_total{code="200"')) > 0


def test_other_pages_are_not_found(ci: Place) -> None:
    pod = ci.operator.accept()
    assert ci.kube.pod_page(pod, 8080, "etc/passwd").status_code == 404
    assert ci.kube.pod_page(pod, 8080, "").status_code == 404


def test_its_log_is_a_json_object_a_line(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    ci.unmanned().wait()
    entries = [log_entry(line) for line in ci.operator.logs().splitlines()]
    mine = [entry for entry in entries if entry.get("namespace") == ci.name and entry.get("name") == "builds"]
    assert {"applied", "called GitLab"} <= {entry["msg"] for entry in mine}
    call, = [entry for entry in mine if entry.get("call") == "register"]
    assert (call["host"], call["runner"]) == (HOST, str(gitlab.runners()[0]["id"]))
    assert all({"ts", "level", "msg"} <= entry.keys() for entry in entries)


@pytest.mark.node
@pytest.mark.parametrize("busy", [False, True], ids=["idle", "at work"])
def test_sigterm_ends_it_quickly_and_well(busy: bool, ci: Place, gitlab: GitLabAdmin) -> None:
    """At work it finishes the call in flight, so nothing is lost."""
    ci.access_token()
    if busy:
        gitlab.fault("delay", "POST", seconds=1.5)
        ci.unmanned("accessToken")
        assert gitlab.audit("POST", "/api/v4/user/runners", answered=False, count=1, wait=20)
    seconds, code = terminate(ci.operator)
    assert code == 0
    assert_in_time("its end", seconds, 4 if busy else 2)
    ci.operator.accept(ended=True)  # restarted by the kubelet; a new pod, since the kubelet delays the next restart
    ci.operator.restart()
    if busy:
        ci.runners()[0].wait()
        assert len(gitlab.audit("POST", "/api/v4/user/runners")) == 1
        assert gitlab.audit("POST", ".*/reset_authentication_token") == [], "the token had been saved"


def terminate(operator: Operator) -> tuple[float, int]:
    """The seconds that its process takes to end, and its exit code."""
    process, began = operator.process(), time.monotonic()
    os.kill(int(process.name), signal.SIGTERM)
    wait_for("its process has ended", lambda: not process.exists(), 30)
    seconds = time.monotonic() - began
    last = wait_for("the kubelet has noticed", lambda: terminated(operator.pods()[0]))
    return seconds, last["exitCode"]


def terminated(pod: dict) -> dict | None:
    status = pod["status"]["containerStatuses"][0]
    return status["state"].get("terminated") or status["lastState"].get("terminated")
