"""A release of the chart from its first day to its last, by the real helm on a real cluster."""
from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from cluster import Kube, kubectl, run_kubectl, wait_for
from gitlab_admin import GitLabAdmin
from operator_pod import NAME, ORPHANS
from places import Place, Runner
from release.helm import CHART, LINES, helm, run_helm, template
from release.live.installation import KIND, OPS, image_values, pods, wait_ready
from test_jobs import finished

ONE_JOB = {".gitlab-ci.yml": "hello: {script: [echo hello]}"}
# Which keys of values.yaml a chart of yesterday may not have had.
YOUNG = ("networkPolicy", "metricsAuth", "commonLabels", "extraVolumes", "admissionPolicies", "gitlab")


def older_chart(folder: Path) -> Path:
    """One that knows less: `--reuse-values` then keeps its values, without those that are new."""
    chart = folder / "older"
    shutil.copytree(CHART, chart)
    values = yaml.safe_load((CHART / "values.yaml").read_text())
    (chart / "values.yaml").write_text(yaml.safe_dump({key: value for key, value in values.items() if key not in YOUNG}))
    (chart / "Chart.yaml").write_text((CHART / "Chart.yaml").read_text().replace("version: 0.1.0\n", "version: 0.0.9\n", 1))
    return chart


def left_behind(gitlab: GitLabAdmin, team: Place) -> dict:
    """The entry in the ledger of a runner whose GitLab did not answer."""
    lost = team.unmanned(name="lost")
    lost.wait()
    gitlab.fault("reset", "DELETE", count=None)
    lost.force()
    lost.delete()
    lost.wait_gone()
    return wait_for("the ledger knows it", lambda: ledger(team.kube).get("data"))


def ledger(kube: Kube) -> dict:
    return kube.get("Secret", ORPHANS, OPS)


def roles(kube: Kube) -> list[str]:
    return [item["metadata"]["name"] for item in kube.list("ClusterRole") if item["metadata"]["name"].startswith("gitlab-runner-executor")]


def manager_uids(runner: Runner) -> list[str]:
    return [pod["metadata"]["uid"] for pod in runner.managers()]


@pytest.mark.parametrize("line", LINES)
def test_a_release_lives(line: str, bare: Kube, gitlab: GitLabAdmin, team: Place, tmp_path: Path) -> None:
    there = ["-n", OPS, "--wait", "--timeout", "120s"]
    helm("install", "runners", older_chart(tmp_path), *there, "--create-namespace", *image_values(), line=line)
    wait_ready(bare, OPS)
    project = team.registration_token(files=ONE_JOB)
    runner = team.runner()
    runner.wait()
    finished(gitlab, gitlab.start_pipeline(project["id"]))
    number, managers, entry = runner.status()["runnerId"], manager_uids(runner), left_behind(gitlab, team)

    helm("upgrade", "runners", CHART, *there, "--reuse-values", "--set", "replicaCount=2", line=line)
    wait_ready(bare, OPS, 2)
    assert bare.get("PodDisruptionBudget", NAME, OPS) and ledger(bare)["data"] == entry
    helm("rollback", "runners", "1", *there, line=line)
    wait_ready(bare, OPS, 1)
    assert bare.get("PodDisruptionBudget", NAME, OPS) is None and ledger(bare)["data"] == entry
    runner.wait()
    assert (runner.status()["runnerId"], manager_uids(runner)) == (number, managers)

    helm("uninstall", "runners", "-n", OPS, "--wait", line=line)
    wait_for("the operator is gone", lambda: not pods(bare, OPS))
    assert "deletionTimestamp" not in bare.get("CustomResourceDefinition", KIND)["metadata"]
    assert len(roles(bare)) == 4 and ledger(bare)["data"] == entry and "deletionTimestamp" not in runner.object()["metadata"]
    finished(gitlab, gitlab.start_pipeline(project["id"]))      # without any operator

    again = ["install", "another", CHART, *there, *image_values()]
    refused = run_helm(*again, line=line)
    assert refused.returncode != 0 and "invalid ownership metadata" in refused.stderr
    helm(*again, "--take-ownership", line=line)
    wait_ready(bare, OPS)
    runner.edit(image="busybox:1.36.1")
    wait_for("the edit is in config.toml", lambda: runner.kubernetes()["image"] == "busybox:1.36.1")
    assert (runner.status()["runnerId"], manager_uids(runner)) == (number, managers)
    gitlab.clear_faults()
    runner.force()
    runner.delete()
    runner.wait_gone()
    wait_for("the runner that was left behind is gone as well", lambda: gitlab.runners() == [])


def test_the_api_server_takes_whatever_can_be_switched_on(ops: str, bare: Kube, team: Place) -> None:
    kubectl("apply", "-k", "crds")
    made = template({"namespaces": [team.name], "replicaCount": 2, "networkPolicy": {"enabled": True}, "metricsAuth": True,
                     "admissionPolicies": {"jobs": True, "namespaces": True}, "gitlab": {
                         "proxy": "http://proxy.example.com:3128", "noProxy": [".svc"], "proxyAuthSecretName": "proxy"},
                     "podAnnotations": {"a": "b"}, "extraEnv": [{"name": "A", "value": "1"}]}, namespace=ops)
    kubectl("apply", "--dry-run=server", "--validate=strict", "-f", "-", stdin=yaml.dump_all(made, Dumper=yaml.CSafeDumper))
    kubectl("apply", "-n", team.name, "-k", "manifests/network-policies/managers")


def test_some_namespaces_alone(bare: Kube, gitlab: GitLabAdmin, team: Place) -> None:
    helm("install", "runners", CHART, "-n", OPS, "--create-namespace", *image_values(), "--set", f"namespaces={{{team.name}}}",
         "--wait", "--timeout", "120s")
    team.registration_token()
    runner = team.unmanned()
    runner.wait()
    account = f"--as=system:serviceaccount:{OPS}:{NAME}"

    def may(*where: str) -> bool:
        return run_kubectl("auth", "can-i", "list", "secrets", account, *where).stdout.strip() == "yes"
    assert may("-n", team.name) and not may("-A") and not may("-n", "default")
    runner.delete()
    runner.wait_gone()


def test_a_part_of_another_chart(bare: Kube, gitlab: GitLabAdmin, team: Place, tmp_path: Path) -> None:
    """Under a name and an account of its own, held by the policies all the same."""
    (tmp_path / "Chart.yaml").write_text(yaml.safe_dump({
        "apiVersion": "v2", "name": "platform", "version": "1.0.0", "dependencies": [
            {"name": NAME, "version": ">=0-0", "repository": f"file://{CHART}", "condition": f"{NAME}.enabled"}]}))
    repository, tag = image_values()[1].partition("=")[2], image_values()[3].partition("=")[2]
    (tmp_path / "values.yaml").write_text(yaml.safe_dump({"global": {"any": "thing"}, NAME: {
        "enabled": True, "fullnameOverride": "glr", "image": {"repository": repository, "tag": tag}}}))
    helm("dependency", "build", tmp_path)
    helm("install", "platform", tmp_path, "-n", OPS, "--create-namespace", "--wait", "--timeout", "120s")
    project = team.registration_token(files=ONE_JOB)
    team.runner().wait()
    finished(gitlab, gitlab.start_pipeline(project["id"]))
    said = run_kubectl("create", "secret", "generic", "x", "-n", team.name, "--dry-run=server",
                       f"--as=system:serviceaccount:{OPS}:glr").stderr
    assert "children of GitLabRunners only" in said
    kubectl("get", "deployment/glr", "-n", OPS)


def test_an_installation_of_kustomize_becomes_a_release(bare: Kube, gitlab: GitLabAdmin, team: Place) -> None:
    """Same names, same selectors: nothing has to go first."""
    kubectl("apply", "-k", "manifests/default")
    wait_ready(bare, "gitlab-runner-system")
    team.registration_token()
    runner = team.unmanned()
    runner.wait()
    helm("install", "runners", CHART, "-n", "gitlab-runner-system", *image_values(), "--take-ownership", "--force-conflicts",
         "--wait", "--timeout", "120s")
    wait_ready(bare, "gitlab-runner-system")
    runner.edit(image="busybox:1.36.1")
    wait_for("the edit is in config.toml", lambda: runner.kubernetes()["image"] == "busybox:1.36.1")
    helm("uninstall", "runners", "-n", "gitlab-runner-system", "--wait")
    assert "deletionTimestamp" not in runner.object()["metadata"]
