"""Each field of a GitLabRunner alone: what an edit of it changes, and that it changes nothing else.

The table is fields.py. It is proven offline, by `render`, for every field; and on the real API server that each of the
edits is one that it takes, and for some of them that the operator writes what it should and nothing else.
"""
from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator

import pytest

import fields
from cluster import ROOT, Kube, checked, kubectl, wait_for
from fields import Row
from gitlab_admin import GitLabAdmin
from operator_pod import Operator
from places import HOST, Place, Runner
from program import run
from test_crd import offer
from test_jobs import finished, job_pods

ROWS = fields.rows()
ROOTS = {"runner-token": "token", "runner-config": "config", "ServiceAccount": "account", "RoleBinding": "binding",
         "Deployment": "manager", "PodDisruptionBudget": "budget"}


# ----------------------------------------------------------------------------------------------------------------------
# What is rendered, as paths and values


def flat(value: object, path: str) -> Iterator[tuple[str, object]]:
    inner = ((f"{path}.{key}" if not path.endswith("/") else path + key, child) for key, child in value.items()) \
        if isinstance(value, dict) else ((f"{path}[{i}]", child) for i, child in enumerate(value)) \
        if isinstance(value, list) else ()
    yield path, value if not isinstance(value, (dict, list)) else type(value).__name__
    for where, child in inner:
        yield from flat(child, where)


def facts_of(item: dict) -> Iterator[tuple[str, object]]:
    name = item["metadata"]["name"]
    root = "jobs" if name.endswith("-jobs") else ROOTS.get(item["kind"]) or next(ROOTS[end] for end in ROOTS if name.endswith(end))
    annotations = item["metadata"]["annotations"]
    annotations.pop("gitlab-runners.dev/applied-hash")              # a fingerprint of all the rest
    if told := annotations.pop("gitlab-runners.dev/told-hash", None):
        yield "gitlab", told
    if toml := item.get("stringData", {}).pop("config.toml", None):
        yield from flat(tomllib.loads(toml), "config.toml/")
    yield from flat(item, f"{root}/")


def facts(body: dict) -> dict[str, object]:
    items = json.loads(run("render", "-f", "-", "-o", "json", stdin=json.dumps(body)).stdout)["items"]
    return dict(fact for item in items for fact in facts_of(item))


def changed(before: dict, after: dict) -> set[str]:
    return {path for path in before.keys() | after.keys() if before.get(path) != after.get(path)}


def is_within(path: str, change: str) -> bool:
    return path == change or (path.startswith(change) and path[len(change)] in "./[")


# ----------------------------------------------------------------------------------------------------------------------
# Offline: every field


def test_each_leaf_of_the_schema_has_one_row() -> None:
    assert sorted(row.leaf for row in ROWS) == sorted(fields.leaves())


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.leaf)
def test_an_edit_changes_what_it_should_and_nothing_else(row: Row) -> None:
    if row.refused:
        assert row.refused in run("validate", "-f", "-", stdin=json.dumps(row.after()), code=3).stdout
        return
    assert row.before() != row.after()
    differences = changed(facts(row.before()), facts(row.after()))
    assert sorted(p for p in differences if not any(is_within(p, change) for change in row.changes)) == []
    assert [change for change in row.changes if not any(is_within(p, change) for p in differences)] == []


def test_what_only_config_toml_has_rolls_nothing() -> None:
    """A job's settings never restart a manager; those that are the manager's own always do."""
    assert {row.leaf for row in ROWS if row.rolls and not row.leaf.startswith("manager.")} == {
        "hostAliases[].ip", "hostAliases[].hostnames[]", "proxy.httpProxy", "proxy.httpsProxy", "proxy.noProxy[]"}
    assert {row.leaf for row in ROWS if row.leaf.startswith("manager.") and not row.rolls and not row.refused} == {
        "manager.replicas", "manager.podDisruptionBudget.minAvailable", "manager.podDisruptionBudget.maxUnavailable",
        *(leaf for leaf in fields.leaves() if leaf.startswith(("manager.serviceAccount.", "manager.deployment.")))}


def test_the_table_for_people_is_up_to_date() -> None:
    written = (ROOT / "docs/what-changes-what.md").read_text()
    assert written == fields.document(), "run: python e2e/fields.py > docs/what-changes-what.md"


# ----------------------------------------------------------------------------------------------------------------------
# On the API server


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.leaf)
def test_the_api_server_takes_the_edit(row: Row, kube: Kube, operator: Operator) -> None:
    checked(offer(kube, row.before()))
    answer = offer(kube, row.after())
    if row.refused:
        assert row.refused in answer.json()["message"]
    else:
        checked(answer)


# ----------------------------------------------------------------------------------------------------------------------
# The operator

SPEC_OF_ITS_OWN = ("url", "authentication", "scope", "caConfigMapRef", "hostAliases", "suspend", "deletionPolicy")
AT_GITLAB = {"description": "description", "tags[]": "tag_list", "runUntagged": "run_untagged", "locked": "locked",
             "paused": "paused", "accessLevel": "access_level", "maximumTimeoutSeconds": "maximum_timeout",
             "maintenanceNote": "maintenance_note"}
VOLATILE = {"updated_at", "active", "contacted_at", "online", "status", "queue_value"}
ROWS_BY_LEAF = {row.leaf: row for row in ROWS}
WRITTEN = [             # a field or two for each combination of children that there is
    "concurrent", "image", "nodeSelector", "tolerations[].effect", "volumes[].secret.items[].path",
    "cache.s3.bucketName",
    "affinity.podAntiAffinity.preferredDuringSchedulingIgnoredDuringExecution[].weight", "environment[].value",
    "hostAliases[].hostnames[]", "proxy.noProxy[]", "namespace", "description", "manager.replicas", "manager.image",
    "manager.serviceAccountName", "manager.podLabels", "manager.podSpec.*", "manager.podSpec.volumes[].*",
    "manager.podDisruptionBudget.minAvailable", "manager.podDisruptionBudget.maxUnavailable", "deletionPolicy",
    "serverCheckPeriodSeconds", "tokenRotation.beforeExpiryPercent"]


@pytest.fixture
def corner(ci: Place) -> Place:
    """What the specs of the table refer to: a credential, the keys of a cache, namespaces for jobs."""
    ci.access_token()
    ci.secret("s3", accesskey="AKIA-of-the-test", secretkey="secret-of-the-test")
    ci.secret("a", gcs_access_id="id-of-the-test", gcs_private_key="key-of-the-test",
              azure_account_name="name-of-the-test", azure_account_key="key-of-the-test")
    for ns in ("jobs", "others"):
        ci.namespace(f"{ci.name}-{ns}", **{"gitlab-runners.dev/allowed-from": ci.name})
    return ci


def here(corner: Place, body: dict, **more: object) -> dict:
    """The spec of a row, for this corner of the cluster: no manager runs, nobody waits for images."""
    spec = {key: value for key, value in body["spec"].items() if key not in SPEC_OF_ITS_OWN}
    own = {key: value for key, value in corner.spec("accessToken").items() if key in SPEC_OF_ITS_OWN}
    jobs = {"namespace": f"{corner.name}-{spec['namespace']}"} if "namespace" in spec else {}
    spec |= own | jobs | more
    spec["hostAliases"] = [*own["hostAliases"], *body["spec"]["hostAliases"]]
    return fields.merged(spec, {"manager": {"replicas": 0 if spec["manager"]["replicas"] == 3 else 1}})


def replace_spec(runner: Runner, spec: dict) -> None:
    path = f"apis/gitlab-runners.dev/v1beta1/namespaces/{runner.ns}/gitlabrunners/{runner.name}"
    wait_for("nobody else writes at the same time", lambda: runner.kube.call(
        "PUT", path, json=runner.object() | {"spec": spec}).ok)


def children(runner: Runner) -> dict[str, dict | None]:
    jobs = runner.object()["spec"].get("namespace", runner.ns)
    found = {what: runner.child(what, jobs) for what in runner.children()}
    return found | {"budget": runner.kube.get("PodDisruptionBudget", f"{runner.name}-runner", runner.ns)}


def content(child: dict) -> dict:
    """What the operator has written, without the fingerprints of it."""
    meta = child["metadata"]
    kept = {key: meta.get(key) for key in ("name", "namespace", "labels", "ownerReferences", "finalizers")}
    notes = {key: value for key, value in meta["annotations"].items()
             if key.startswith("gitlab-runners.dev/") and not key.endswith(("/applied-hash", "/inputs"))}
    body = {key: child.get(key) for key in ("spec", "data", "roleRef", "subjects")}
    return body | {"metadata": kept | {"annotations": notes}}


def written(before: dict, after: dict) -> set[str]:
    def told(child: dict | None) -> dict | None:
        return child and content(child)
    return {what for what in before if told(before[what]) != told(after[what])}


def roots(row: Row) -> set[str]:
    children = {"config.toml": "config", "gitlab": "token"}
    return {children.get(root := change.split("/")[0], root) for change in row.changes}


def test_the_operator_writes_what_an_edit_changes_and_nothing_else(corner: Place, gitlab: GitLabAdmin) -> None:
    runner = corner.runner(**{"by": "accessToken"} | here(corner, fields.BASE))
    runner.wait("ConfigApplied")
    for leaf in WRITTEN:
        row = ROWS_BY_LEAF[leaf]
        replace_spec(runner, here(corner, row.before()))
        settled(corner, runner)
        before = children(runner)
        replace_spec(runner, here(corner, row.after()))
        settled(corner, runner)
        after = children(runner)
        assert written(before, after) == roots(row), leaf
        templates = [child["spec"]["template"] for child in (before["manager"], after["manager"])]
        assert (templates[0] != templates[1]) == row.rolls, leaf


def settled(corner: Place, *runners: Runner) -> None:
    """The operator has seen the edits, and has nothing more to do: whether pods start is not its work."""
    for runner in runners:
        wait_for("the status is about the spec of now", lambda: (body := runner.object())["status"].get(
            "observedGeneration") == body["metadata"]["generation"])
        runner.wait("ConfigApplied")
    corner.operator.wait_idle()


def test_each_attribute_is_edited_at_gitlab_alone(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.access_token()
    before = {"description": "d", "tags": ["t"], "runUntagged": True, "locked": True, "paused": False,
              "accessLevel": "RefProtected", "maximumTimeoutSeconds": 3600, "maintenanceNote": "n"}
    runner = ci.unmanned("accessToken", **before)
    runner.wait()
    number, made = runner.status()["runnerId"], children(runner)
    for leaf, attribute in AT_GITLAB.items():
        member = leaf.removesuffix("[]")
        value = ROWS_BY_LEAF[leaf].value
        was = gitlab.runner(number)
        runner.edit(**{member: [value] if leaf.endswith("[]") else value})
        runner.wait()
        now = gitlab.runner(number)
        assert {name for name in was if was[name] != now[name]} - VOLATILE == {attribute}, leaf
        runner.edit(**{member: before[member]})
        runner.wait()
    assert written(made, children(runner)) == set()
    assert runner.status()["runnerId"] == number and len(gitlab.runners()) == 1


# ----------------------------------------------------------------------------------------------------------------------
# Fields with more to them


def test_a_caches_keys_are_read_and_followed_and_shown_nowhere(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    cache = {"type": "s3", "s3": {"serverAddress": "minio:9000", "bucketName": "b",
                                  "credentialsSecretRef": {"name": "s3"}}}
    runner = ci.unmanned(cache=cache)
    assert "create it with the key accesskey" in runner.wait_refused("SecretNotFound")
    ci.secret("s3", accesskey="AKIAFIRSTOFTHETEST")
    assert "has no key secretkey" in runner.wait_refused("KeyNotFound")
    ci.secret("s3", accesskey="AKIAFIRSTOFTHETEST", secretkey="first-secret-of-the-test\n")
    runner.wait()

    def keys() -> tuple[str, str]:
        section = runner.config()["runners"][0]["cache"]["s3"]
        return section["AccessKey"], section["SecretKey"]
    assert keys() == ("AKIAFIRSTOFTHETEST", "first-secret-of-the-test")
    template = runner.child("manager")["metadata"]["generation"]
    ci.secret("s3", accesskey="AKIAOTHEROFTHETEST", secretkey="other-secret-of-the-test")
    wait_for("config.toml has the new keys", lambda: keys() == ("AKIAOTHEROFTHETEST", "other-secret-of-the-test"))
    runner.wait()
    assert runner.child("manager")["metadata"]["generation"] == template
    shown = kubectl("get", "glr,events,deployments,configmaps", "-n", ci.name, "-o", "json") + ci.operator.logs()
    assert not [word for word in ("OFTHETEST", "secret-of-the-test") if word in shown]


def budget(runner: Runner) -> dict:
    """The spec of its PodDisruptionBudget; empty: there is none."""
    return (runner.kube.get("PodDisruptionBudget", f"{runner.name}-runner", runner.ns) or {}).get("spec", {})


def test_a_disruption_budget_is_made_repaired_and_removed(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    runner = ci.runner(manager={"replicas": 0, "podDisruptionBudget": {"maxUnavailable": 1}})
    runner.wait()
    spec = budget(runner)
    assert spec["maxUnavailable"] == 1 and spec["selector"]["matchLabels"]["gitlab-runners.dev/runner"] == "builds"
    ci.kube.patch("PodDisruptionBudget", "builds-runner", {"spec": {"maxUnavailable": 7}}, ci.name)
    wait_for("it is put right", lambda: budget(runner) == spec)
    ci.kube.delete("PodDisruptionBudget", "builds-runner", ci.name)
    wait_for("it comes back", lambda: budget(runner) == spec)
    runner.edit(manager={"podDisruptionBudget": {"maxUnavailable": None, "minAvailable": "50%"}})
    other = {key: value for key, value in spec.items() if key != "maxUnavailable"} | {"minAvailable": "50%"}
    wait_for("it is edited", lambda: budget(runner) == other)
    runner.edit(manager={"podDisruptionBudget": None})
    wait_for("it goes", lambda: not budget(runner))
    runner.wait()


def test_somebody_elses_disruption_budget_is_not_touched(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    ci.kube.create("PodDisruptionBudget", {"metadata": {"name": "builds-runner"}, "spec": {
        "minAvailable": 0, "selector": {"matchLabels": {"app": "theirs"}}}}, ci.name)
    theirs = budget(runner := ci.runner(manager={"replicas": 0, "podDisruptionBudget": {"maxUnavailable": 1}}))
    assert f"PodDisruptionBudget {ci.name}/builds-runner exists" in runner.wait_refused("NameConflict")
    assert budget(runner) == theirs
    ci.kube.delete("PodDisruptionBudget", "builds-runner", ci.name)
    runner.edit(image="busybox:latest")
    runner.wait()
    assert budget(runner)["maxUnavailable"] == 1


ENVIRONMENT_OF_A_JOB = """\
show:
  tags: [kubernetes]
  script:
    - env | grep -i _proxy | sort
"""


def test_a_job_behind_a_proxy_in_the_place_that_affinity_says(ci: Place, gitlab: GitLabAdmin) -> None:
    """Nothing answers at the proxy: whoever went there, and not straight to the API server, would fail."""
    project = ci.registration_token(files={".gitlab-ci.yml": ENVIRONMENT_OF_A_JOB})
    term = {"matchExpressions": [{"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}]}
    affinity = {
        "nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]},
                         "preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 7, "preference": term}]},
        "podAntiAffinity": {"preferredDuringSchedulingIgnoredDuringExecution": [{"weight": 9, "podAffinityTerm": {
            "topologyKey": "kubernetes.io/hostname", "labelSelector": {}, "namespaceSelector": {}}}]}}
    runner = ci.runner(
        tags=["kubernetes"], affinity=affinity,
        proxy={"httpProxy": "http://proxy.invalid:3128", "httpsProxy": "http://proxy.invalid:3128", "noProxy": [HOST]},
        manager={"podSpec": {"hostname": "waits-for-jobs", "containers": [
            {"name": "manager", "env": [{"name": "FROM_POD_SPEC", "value": "1"}]}]}})
    runner.wait()
    manager, = runner.managers()
    assert manager["spec"]["hostname"] == "waits-for-jobs"
    assert {"name": "FROM_POD_SPEC", "value": "1"} in manager["spec"]["containers"][0]["env"]
    pipeline = gitlab.start_pipeline(project["id"])
    pod = wait_for("the job has a pod", lambda: next(iter(job_pods(ci, ci.name)), None))
    assert pod["spec"]["affinity"] == affinity
    trace = gitlab.trace(finished(gitlab, pipeline)["jobs"][0]["id"])
    assert "HTTP_PROXY=http://proxy.invalid:3128" in trace and "https_proxy=http://proxy.invalid:3128" in trace
    assert f"no_proxy=localhost,127.0.0.1,::1,kubernetes.default.svc,.svc,.cluster.local,{HOST}" in trace
