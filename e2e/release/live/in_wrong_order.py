"""Every wrong order of an uninstallation ends in a way out that docs/trouble.md has, on a real cluster."""
from __future__ import annotations

import json
from collections.abc import Callable

import pytest

from cluster import Kube, kubectl, kustomized, run_kubectl, wait_for
from gitlab_admin import GitLabAdmin
from operator_pod import NAME, NAMESPACE
from places import Place, Runner
from release.live.installation import KIND, install, pods, wait_ready, way_out


def operator_then_runners(kube: Kube, runner: Runner) -> None:
    kubectl("delete", "-n", NAMESPACE, "-k", "manifests/base")
    wait_for("the operator is gone", lambda: not pods(kube, NAMESPACE))
    assert "deletionTimestamp" not in runner.object()["metadata"]
    assert run_kubectl("delete", "glr", "--all", "-A", "--timeout=2s").returncode != 0


def namespace_then_runners(kube: Kube, runner: Runner) -> None:
    kubectl("delete", "namespace", NAMESPACE, "--timeout=60s")
    assert "deletionTimestamp" not in runner.object()["metadata"]
    assert run_kubectl("delete", "glr", "--all", "-A", "--timeout=2s").returncode != 0


def kind_without_operator(kube: Kube, runner: Runner) -> None:
    kubectl("delete", "deployment", NAME, "-n", NAMESPACE, "--cascade=foreground")
    assert run_kubectl("delete", "crd", KIND, "--timeout=2s").returncode != 0


def everything_at_once(kube: Kube, runner: Runner) -> None:
    kubectl("delete", "deployment", NAME, "-n", NAMESPACE, "--cascade=foreground")      # the operator may be as quick as that
    kubectl("delete", "-f", "manifests/install.yaml", "--ignore-not-found", "--wait=false")
    wait_for("the operator's namespace is gone", lambda: kube.get("Namespace", NAMESPACE) is None)


ORDERS = [operator_then_runners, namespace_then_runners, kind_without_operator, everything_at_once]


@pytest.fixture
def runner(bare: Kube, team: Place, gitlab: GitLabAdmin) -> Runner:
    install(bare)
    team.registration_token()
    runner = team.unmanned()
    runner.wait()
    return runner


def stuck(runner: Runner) -> None:
    wait_for("the runner is being deleted", lambda: "deletionTimestamp" in runner.object()["metadata"])


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
def test_the_operator_that_comes_back_finishes_it(order: Callable[[Kube, Runner], None], bare: Kube, runner: Runner,
                                                  gitlab: GitLabAdmin, team: Place) -> None:
    order(bare, runner)
    stuck(runner)
    assert len(gitlab.runners()) == 1
    install(bare)
    wait_for("GitLab has let the runner go", lambda: gitlab.runners() == [])
    if order in ORDERS[2:]:
        wait_for("the kind is gone", lambda: bare.get("CustomResourceDefinition", KIND) is None)
        install(bare)
    team.unmanned(name="another").wait()


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.__name__)
def test_without_an_operator_all_goes_by_hand(order: Callable[[Kube, Runner], None], bare: Kube, runner: Runner,
                                              gitlab: GitLabAdmin) -> None:
    order(bare, runner)
    stuck(runner)
    number = runner.status()["runnerId"]
    assert way_out("list") == f"http://my.gitlab.com: runner {number}, of {runner.ns}/{runner.name}\n"
    way_out("release")
    if order in ORDERS[2:]:
        wait_for("the kind is gone", lambda: bare.get("CustomResourceDefinition", KIND) is None)
    else:
        runner.wait_gone()
    assert [row["id"] for row in gitlab.runners()] == [number], "the list names what is left"
    kubectl("delete", "namespace", runner.ns, "--timeout=60s")


def test_the_right_order_leaves_nothing(bare: Kube, runner: Runner, gitlab: GitLabAdmin) -> None:
    kubectl("delete", "glr", "--all", "--all-namespaces", "--timeout=60s")
    assert gitlab.runners() == []
    kubectl("delete", "-f", "manifests/install.yaml", "--timeout=90s")
    assert bare.get("CustomResourceDefinition", KIND) is None and bare.get("Namespace", NAMESPACE) is None


def test_the_kind_first_takes_its_runners_along(bare: Kube, runner: Runner, gitlab: GitLabAdmin) -> None:
    kubectl("delete", "crd", KIND, "--timeout=60s")
    assert gitlab.runners() == []


def test_a_runners_namespace_first_goes_with_its_runner(bare: Kube, runner: Runner, gitlab: GitLabAdmin) -> None:
    kubectl("delete", "namespace", runner.ns, "--timeout=60s")
    assert gitlab.runners() == []


def test_a_served_namespace_first_is_let_go_by_hand(bare: Kube, team: Place, gitlab: GitLabAdmin) -> None:
    """Its RoleBinding goes before the operator is done."""
    objects = kustomized("manifests/namespaced")
    for body in objects:
        if body["metadata"].get("namespace") == "ci":
            body["metadata"]["namespace"] = team.name
        if body["kind"] == "Deployment":
            body["spec"]["template"]["spec"]["containers"][0]["args"][-1] = f"--namespace={team.name}"
    kubectl("apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": objects}))
    wait_ready(bare, NAMESPACE)
    team.registration_token()
    runner = team.unmanned()
    runner.wait()
    bare.delete("RoleBinding", NAME, team.name)         # as the namespace's end may have it
    assert run_kubectl("delete", "namespace", team.name, "--timeout=5s").returncode != 0
    assert f"of {team.name}/{runner.name}" in way_out("list")
    way_out("release")
    wait_for("the namespace is gone", lambda: bare.get("Namespace", team.name) is None)
