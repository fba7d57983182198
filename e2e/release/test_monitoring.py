"""Monitors, rules and dashboards as files: what kustomize makes of them, and what Grafana's schema says. (Grafana itself cannot be
had where this is tested.)"""
from __future__ import annotations

import itertools
import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from cluster import CACHE, ROOT, kubectl
from release.monitoring import MONITORING, dashboards, panels

READER = {"type": "Bearer", "credentials": {"name": "gitlab-runner-metrics-reader", "key": "token"}}
KINDS = {"PodMonitor", "ServiceMonitor", "PrometheusRule"}


def made(folder: Path, resources: list[str], components: list[str] = (), **more: object) -> dict[tuple[str, str], dict]:
    """What a kustomization of somebody's own makes of ours, by kind and name."""
    up = os.path.relpath(ROOT / "manifests", folder)
    (folder / "kustomization.yaml").write_text(json.dumps(more | {
        "resources": [f"{up}/{name}" for name in resources], "components": [f"{up}/{name}" for name in components]}))
    objects = yaml.safe_load_all(kubectl("kustomize", str(folder)))
    return {(item["kind"], item["metadata"]["name"]): item for item in objects}


def test_the_monitors_find_the_operator_and_the_managers(tmp_path: Path) -> None:
    objects = made(tmp_path, ["default", "monitoring"])
    pod = objects["Deployment", "gitlab-runner-controller"]["spec"]["template"]
    monitor = objects["PodMonitor", "gitlab-runner-controller"]["spec"]
    assert monitor["selector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    ports = [port["name"] for container in pod["spec"]["containers"] for port in container["ports"]]
    assert monitor["podMetricsEndpoints"][0]["port"] in ports
    assert "authorization" not in monitor["podMetricsEndpoints"][0]
    managers = objects["PodMonitor", "gitlab-runner-managers"]["spec"]
    assert managers["podTargetLabels"] == ["gitlab-runners.dev/runner"] and managers["namespaceSelector"]["any"] is True


def test_labels_and_namespace_are_the_installers_choice(tmp_path: Path) -> None:
    objects = made(tmp_path, ["monitoring"], namespace="my-ops", labels=[{"pairs": {"release": "mine"}}])
    assert {kind for kind, _ in objects} == {"PodMonitor", "PrometheusRule", "ConfigMap"}
    for item in objects.values():
        assert item["metadata"]["namespace"] == "my-ops" and item["metadata"]["labels"]["release"] == "mine"


def test_a_service_monitor_takes_the_place_of_the_operators_pod_monitor(tmp_path: Path) -> None:
    objects = made(tmp_path, ["monitoring"], ["monitoring/service-monitor"])
    assert [name for kind, name in objects if kind == "PodMonitor"] == ["gitlab-runner-managers"]
    service = objects["Service", "gitlab-runner-controller-metrics"]
    monitor = objects["ServiceMonitor", "gitlab-runner-controller"]["spec"]
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] == service["spec"]["ports"][0]["name"]


@pytest.mark.parametrize("service_monitor", [False, True])
def test_metrics_for_some_and_the_monitor_that_may_read_them_come_together(service_monitor: bool, tmp_path: Path) -> None:
    components = ["monitoring/service-monitor"] * service_monitor + ["monitoring/metrics-auth"]
    objects = made(tmp_path, ["default", "monitoring"], components, namespace="my-ops")
    args = objects["Deployment", "gitlab-runner-controller"]["spec"]["template"]["spec"]["containers"][0]["args"]
    assert "--metrics-auth" in args
    kind, endpoints = ("ServiceMonitor", "endpoints") if service_monitor else ("PodMonitor", "podMetricsEndpoints")
    assert objects[kind, "gitlab-runner-controller"]["spec"][endpoints][0]["authorization"] == READER
    assert "authorization" not in objects["PodMonitor", "gitlab-runner-managers"]["spec"]["podMetricsEndpoints"][0]
    binding = objects["ClusterRoleBinding", "gitlab-runner-metrics-reader"]
    assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "gitlab-runner-metrics-reader", "namespace": "my-ops"}]
    assert ("ClusterRole", binding["roleRef"]["name"]) in objects
    secret = objects["Secret", READER["credentials"]["name"]]
    account = secret["metadata"]["annotations"]["kubernetes.io/service-account.name"]
    assert ("ServiceAccount", account) in objects and secret["metadata"]["namespace"] == "my-ops"


def test_all_dashboards_are_brought_to_grafana(tmp_path: Path) -> None:
    brought = made(tmp_path, ["monitoring"])["ConfigMap", "gitlab-runner-dashboards"]
    assert brought["metadata"]["labels"]["grafana_dashboard"] == "1"
    assert {name: json.loads(text) for name, text in brought["data"].items()} == dashboards()


# ----------------------------------------------------------------------------------------------------------------------
# Dashboards


def dashlint(text: str) -> str:
    return subprocess.run([CACHE / "bin/dashlint"], input=text, capture_output=True, text=True, timeout=20).stdout


@pytest.mark.parametrize("name", dashboards())
def test_a_dashboard_fits_grafanas_schema(name: str) -> None:
    text = (MONITORING / "dashboards" / name).read_text()
    assert dashlint(text) == ""
    assert "unexpected field 'gridpos'" in dashlint(text.replace('"gridPos"', '"gridpos"', 1)), "the judge is awake"


@pytest.mark.parametrize("name", dashboards())
def test_a_dashboard_works_with_any_data_source(name: str) -> None:
    board = dashboards()[name]
    assert board["uid"] + ".json" == name and "__inputs" not in board
    source = {"type": "prometheus", "uid": "${datasource}"}
    first, *others = board["templating"]["list"]
    assert (first["name"], first["type"], first["query"]) == ("datasource", "datasource", "prometheus")
    for part in [*others, *panels(board), *(target for panel in panels(board) for target in panel["targets"])]:
        assert part["datasource"] == source


@pytest.mark.parametrize("name", dashboards())
def test_panels_are_told_apart_and_do_not_overlap(name: str) -> None:
    board = dashboards()[name]
    assert len({panel["id"] for panel in board["panels"]}) == len(board["panels"])
    assert len({panel["title"] for panel in panels(board)}) == len(panels(board))
    places = [panel["gridPos"] for panel in board["panels"]]
    taken = [(x, y) for p in places for x, y in itertools.product(range(p["x"], p["x"] + p["w"]), range(p["y"], p["y"] + p["h"]))]
    assert len(set(taken)) == len(taken) and max(x for x, _ in taken) < 24
    for panel in panels(board):
        assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])


@pytest.mark.parametrize("name", dashboards())
def test_a_dashboard_names_no_job(name: str) -> None:
    """What a scrape is called is up to who sets it up."""
    assert 'job="' not in json.dumps(dashboards()[name]).replace('\\"', '"')
