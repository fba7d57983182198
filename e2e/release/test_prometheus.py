"""The real Prometheus scrapes the operator and managers as manifests/monitoring says, and every expression of alerts and dashboards
finds its series."""
from __future__ import annotations

import json
import os
import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
import yaml

from cluster import CACHE, ROOT, Kube, kubectl, wait_for
from gitlab_admin import GitLabAdmin
from gitlab_users import GitLabUser
from means.test_gitlab_proxy import replace
from operator_pod import NAME, NAMESPACE, Operator
from places import HOST, Place
from program import free_port
from release.monitoring import MONITORING, PROMETHEUS, alerts, dashboards, expressions, rule_groups

KINDS = CACHE / "prometheus-operator-kinds"
FAST = 1                                # seconds between two scrapes
RATE = "20s"                            # Grafana makes it four times that
JOBS = """\
good: {script: [echo good]}
bad: {script: [exit 1]}
"""
FUNCTIONS = {"absent", "changes", "increase", "rate", "histogram_quantile", "time", "min_over_time", "sum", "min", "max",
             "count", "by", "on", "and", "or", "unless", "offset"}

# Series that only a fault makes. What is asked for in their place shows that the name, and the label, are right.
BY_FAULT_ALONE = {
    'failure_reason="runner_system_failure"': 'failure_reason="script_failure"',    # a job that its cluster has failed
    'endpoint="request_job", status="403"': 'endpoint="request_job"',               # a runner whose token was refused
}
# … and where there is no other series of that metric: it is at least described where it is scraped.
NONE_IN_ORDER = {
    "gitlab_runner_controller_children_removed_total": "nothing was there without its owner",
}


# ----------------------------------------------------------------------------------------------------------------------
# The kinds of the Prometheus operator


@pytest.fixture(scope="session")
def monitoring_kinds(operator: Operator) -> None:
    """They stay: whoever has asked what kinds there are relies on them."""
    kubectl("apply", "--server-side", "-f", str(KINDS))
    kubectl("wait", "--for=condition=Established", "-f", str(KINDS))


@pytest.mark.parametrize("components", [[], ["service-monitor"], ["metrics-auth"], ["service-monitor", "metrics-auth"]],
                         ids=lambda names: "+".join(names) or "plain")
def test_the_api_server_takes_monitors_and_rules(components: list[str], monitoring_kinds: None, tmp_path: Path) -> None:
    up = os.path.relpath(ROOT / "manifests", tmp_path)
    (tmp_path / "kustomization.yaml").write_text(json.dumps({
        "namespace": NAMESPACE, "resources": [f"{up}/default", f"{up}/monitoring"], "components": [f"{up}/monitoring/{name}" for name in components]}))
    made = kubectl("apply", "--dry-run=server", "-k", str(tmp_path))
    for wanted in ("podmonitor.monitoring.coreos.com/gitlab-runner-managers",
                   "prometheusrule.monitoring.coreos.com/gitlab-runner-controller"):
        assert wanted in made


# ----------------------------------------------------------------------------------------------------------------------
# Prometheus


def fits(selector: dict, labels: dict[str, str]) -> bool:
    wanted = selector.get("matchLabels", {})
    return wanted.items() <= labels.items() and all(rule["key"] in labels for rule in selector.get("matchExpressions", []))


def targets(monitor: dict, pods: list[dict]) -> Iterator[dict]:
    """What the Prometheus operator makes of a PodMonitor: an address and the labels that come with it."""
    spec, meta = monitor["spec"], monitor["metadata"]
    for pod in pods:
        labels, where = pod["metadata"]["labels"], pod["metadata"]
        if not fits(spec["selector"], labels):
            continue
        for endpoint in spec["podMetricsEndpoints"]:
            container, port = next((c, p) for c in pod["spec"]["containers"] for p in c.get("ports", [])
                                   if p["name"] == endpoint["port"])
            own = {re.sub(r"\W", "_", name): labels[name] for name in spec.get("podTargetLabels", [])}
            own |= {"namespace": where["namespace"], "pod": where["name"], "container": container["name"],
                    "endpoint": endpoint["port"], "job": f"{NAMESPACE}/{meta['name']}"}
            for rule in endpoint.get("relabelings", []):
                assert rule["action"] == "labeldrop"
                own = {name: value for name, value in own.items() if not re.fullmatch(rule["regex"], name)}
            yield {"targets": [f"{pod['status']['podIP']}:{port['containerPort']}"], "labels": own}


class Prometheus:
    def __init__(self, folder: Path, groups: list[dict]) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        (folder / "rules.yaml").write_text(yaml.safe_dump(rule_groups()))
        (folder / "prometheus.yaml").write_text(yaml.safe_dump({
            "global": {"scrape_interval": f"{FAST}s", "scrape_timeout": f"{FAST}s", "evaluation_interval": f"{FAST}s"},
            "rule_files": ["rules.yaml"],
            "scrape_configs": [{"job_name": "pods", "static_configs": groups}]}))
        self._log = (folder / "log").open("w")
        self._process = subprocess.Popen(
            [PROMETHEUS, "--config.file=prometheus.yaml", "--storage.tsdb.path=data",
             f"--web.listen-address={self.url.removeprefix('http://')}"], cwd=folder, stderr=self._log, stdout=self._log)

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._log.close()

    def ask(self, path: str, **query: str) -> list | dict:
        answer = requests.get(f"{self.url}/api/v1/{path}", params=query, timeout=10)
        assert answer.ok, f"{query}: {answer.text}"
        return answer.json()["data"]

    def is_ready(self) -> bool:
        try:
            return requests.get(f"{self.url}/-/ready", timeout=10).ok
        except requests.ConnectionError:
            return False

    def finds(self, expression: str) -> bool:
        return bool(self.ask("query", query=expression)["result"])

    def is_up(self, count: int) -> bool:
        return self.is_ready() and len(self.ask("query", query="up == 1")["result"]) == count


def selectors(expression: str) -> set[str]:
    """The series that an expression asks for: name{labels}."""
    bare = re.sub(r"\b(by|on) ?\([^)]*\)", "", expression)
    return {found for found in re.findall(r"\b[a-z_]+\b(?:\{[^}]*\})?(?!\()", bare) if found not in FUNCTIONS}


def in_order(expression: str) -> str:
    for fault, other in BY_FAULT_ALONE.items():
        expression = expression.replace(fault, other)
    return expression


def filled_in(expression: str, runner: str, ns: str) -> str:
    """As Grafana does; $namespace is that of the operator in its own dashboard, and the runner's elsewhere."""
    values = {"$__rate_interval": RATE, "$operator": ".*", "$namespace": ns, "$runner": runner}
    for name, value in values.items():
        expression = expression.replace(name, value)
    return expression


@pytest.fixture
def per_runner(ci: Place, operator: Operator, kube: Kube) -> Iterator[None]:
    """The operator runs with --metrics-per-runner."""
    before = kube.get("Deployment", NAME, NAMESPACE)["spec"]["template"]["spec"]
    container, = before["containers"]
    replace(kube, operator, {"containers": [container | {"args": [*container["args"], "--metrics-per-runner"]}]})
    yield
    replace(kube, operator, {"containers": [container]})


def has_worked(ci: Place, gitlab: GitLabAdmin, gitlab_api: GitLabUser) -> None:
    """A runner has done a job and failed another; one has a token of somebody's own; one lacks its Secret, one its GitLab."""
    gitlab.settings(runner_token_expiration_interval=3 * 86400)
    ci.access_token()
    project = gitlab.add_project("app", files={".gitlab-ci.yml": JOBS})
    runner = ci.runner("accessToken", config={"runners": {"limit": 4}})
    ci.secret("own", runner_token=gitlab_api.create_runner()["token"])
    ci.unmanned("runnerToken", name="given", authentication={"runnerTokenSecretRef": {"name": "own"}}).wait()
    ci.unmanned(name="needy", authentication={"registrationTokenSecretRef": {"name": "missing"}})
    ci.unmanned("accessToken", name="astray", url=f"http://{HOST}:9")
    runner.wait()
    gitlab.pipeline(gitlab.start_pipeline(project["id"])["id"], wait=90)


@pytest.fixture
def prometheus(per_runner: None, ci: Place, gitlab: GitLabAdmin, gitlab_api: GitLabUser, kube: Kube,
               tmp_path: Path) -> Iterator[Prometheus]:
    has_worked(ci, gitlab, gitlab_api)
    pods = kube.list("Pod", NAMESPACE) + kube.list("Pod", ci.name)
    monitors = [yaml.safe_load((MONITORING / name).read_text()) for name in ("operator.yaml", "managers.yaml")]
    groups = [group for monitor in monitors for group in targets(monitor, pods)]
    assert len(groups) == 2, "the operator and a manager"
    running = Prometheus(tmp_path, groups)
    wait_for("both are scraped", lambda: running.is_up(2))
    yield running
    running.end()
    for name in ("needy", "astray"):
        kube.delete("GitLabRunner", name, ci.name)


@pytest.mark.node               # Prometheus runs here, and asks the pods
def test_every_expression_of_alerts_and_dashboards_finds_its_series(prometheus: Prometheus, ci: Place) -> None:
    rules = [rule for group in prometheus.ask("rules")["groups"] for rule in group["rules"]]
    assert len(rules) == len(alerts())
    wanted = {}                                     # expression: where it is
    for name, rule in alerts().items():
        wanted |= {in_order(selector): name for selector in selectors(rule["expr"])}
    for name, board in dashboards().items():
        ns = NAMESPACE if "operator" in name else ci.name
        wanted |= {in_order(filled_in(expression, "builds", ns)): name for expression in expressions(board)}
    missing = {expression: where for expression, where in wanted.items()
               if not any(metric in expression for metric in NONE_IN_ORDER)}
    deadline = time.monotonic() + 15                # the first scrapes have no rates yet
    while missing and time.monotonic() < deadline:
        missing = {expression: where for expression, where in missing.items() if not prometheus.finds(expression)}
    assert not missing, "\n".join(f"{where}: {expression}" for expression, where in missing.items())
    for metric in NONE_IN_ORDER:
        assert prometheus.ask("metadata", metric=metric), f"{metric} is not described"
    health = {rule["name"]: rule["health"] for group in prometheus.ask("rules")["groups"] for rule in group["rules"]}
    assert set(health.values()) == {"ok"}, health
    assert_variables_have_values(prometheus)


def assert_variables_have_values(prometheus: Prometheus) -> None:
    """Of dashboards: label_values(series, label)."""
    for name, board in dashboards().items():
        for variable in board["templating"]["list"][1:]:
            series, label = re.fullmatch(r"label_values\((.*), (\w+)\)", variable["query"]["query"]).groups()
            series = re.sub(r'"\$\w+"', '".+"', series).replace("=\".+", "=~\".+")
            assert prometheus.finds(f"count by ({label}) ({series})"), f"{name}: {variable['name']}"
