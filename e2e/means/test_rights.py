"""What a manager may do follows what its spec asks of gitlab-runner: jobs run with exactly these rights.

The rows are in tests/data/rights.json, which hack/gitlab-runner/rights makes from gitlab-runner's own source: who needs
which right, and by which setting.
"""
from __future__ import annotations

import json
from collections.abc import Callable, Iterator

import pytest
import yaml

from cluster import ROOT, kubectl, wait_for
from gitlab_admin import GitLabAdmin
from operator_pod import NAME
from places import Place, Runner
from program import run
from test_jobs import finished

ROWS = json.loads((ROOT / "tests/data/rights.json").read_text())
FEATURES = {row["role"]: row["setting"] for row in ROWS if row["role"] not in ("base", "none")}
BEYOND = sorted({row["setting"] for row in ROWS if row["role"] == "none"})
EXECUTOR = "gitlab-runner-executor"
ALLOWED = "gitlab-runners.dev/allowed-from"
PRIORITY = "pause-pods"
Right = tuple[str, str, str]

AUTOSCALER = {"pause_pod_image": "busybox:1.36", "pause_pod_priority_class_name": PRIORITY,
              "policy": [{"periods": ["* * * * *"], "timezone": "UTC", "idle_count": 1}]}


def manifests(name: str, kind: str) -> dict[str, dict]:
    docs = yaml.safe_load_all((ROOT / "manifests/base" / name).read_text())
    return {doc["metadata"]["name"]: doc for doc in docs if doc["kind"] == kind}


def rights_of(rules: list[dict]) -> set[Right]:
    return {(group, resource, verb) for rule in rules for group in rule["apiGroups"] for resource in rule["resources"]
            for verb in rule["verbs"]}


def needed(*roles: str) -> set[Right]:
    return {(row["group"], row["resource"], row["verb"]) for row in ROWS if row["role"] in roles}


def role_of(feature: str) -> str:
    return EXECUTOR if feature == "base" else f"{EXECUTOR}-{feature}"


# ----------------------------------------------------------------------------------------------------------------------
# What is shipped


def test_each_role_has_the_rights_of_its_rows() -> None:
    roles = manifests("executor.yaml", "ClusterRole")
    assert sorted(roles) == sorted(role_of(feature) for feature in ["base", *FEATURES])
    for feature in ["base", *FEATURES]:
        assert rights_of(roles[role_of(feature)]["rules"]) == needed(feature), feature
    assert needed("base") & needed(*FEATURES) == set(), "a feature's role has what nobody else has"
    print(f"{len(ROWS)} rights, {len(FEATURES)} features, {len(BEYOND)} settings that no role can serve")


def test_the_operator_binds_these_roles_and_no_other() -> None:
    """By RBAC, and by the policy that holds whoever has stolen its token."""
    roles = sorted(manifests("executor.yaml", "ClusterRole"))
    bind, = [rule for rule in manifests("rbac.yaml", "ClusterRole")[NAME]["rules"] if rule["verbs"] == ["bind"]]
    assert (sorted(bind["resourceNames"]), bind["resources"]) == (roles, ["clusterroles"])
    variables = {each["name"]: each["expression"] for each in manifests("confine.yaml", "ValidatingAdmissionPolicy")[NAME]["spec"]["variables"]}
    assert sorted(yaml.safe_load(variables["roles"])) == roles


# ----------------------------------------------------------------------------------------------------------------------
# What a spec asks for


def offline(**spec: object) -> str:
    return json.dumps({"apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
                       "metadata": {"name": "builds", "namespace": "ci"},
                       "spec": {"url": "https://gitlab.example.com", "namespace": "jobs",
                                "authentication": {"registrationTokenSecretRef": {"name": "gitlab"}}} | spec})


def bound(**spec: object) -> set[str]:
    """The roles of its RoleBindings, each of which has a name and a place of its own."""
    items = json.loads(run("render", "-f", "-", "-o", "json", stdin=offline(**spec)).stdout)["items"]
    bindings = [item for item in items if item["kind"] == "RoleBinding"]
    for item in bindings:
        name = item["roleRef"]["name"].replace(EXECUTOR, "ci.builds-runner")
        assert (item["metadata"]["name"], item["metadata"]["namespace"]) == (name, "jobs")
        assert item["subjects"] == [{"kind": "ServiceAccount", "name": "builds-runner", "namespace": "ci"}]
    return {item["roleRef"]["name"].replace(EXECUTOR, "base", 1).replace("base-", "") for item in bindings}


def setting(path: str, value: object) -> dict:
    """spec.config with this one setting."""
    for key in reversed(path.split(".")):
        value = {key: value}
    return value


def ways() -> Iterator[tuple[str, dict, bool]]:
    """Feature, spec, whether that asks for it."""
    for feature, path in FEATURES.items():
        on = AUTOSCALER if feature == "autoscaler" else True
        yield feature, {"config": setting(path, on)}, True
        yield feature, {"config": setting(path, {} if feature == "autoscaler" else False)}, False
        flag = path.rpartition(".")[2]
        if flag.startswith("FF_"):
            for value, asks in (("true", True), ("1", True), ("false", False), ("yes", False)):
                yield feature, {"environment": [{"name": flag, "value": value}]}, asks
            yield feature, {"environment": [{"name": flag, "value": "true"}], "config": setting(path, False)}, False


def test_a_spec_that_asks_for_nothing_binds_what_every_job_needs() -> None:
    assert bound() == {"base"}
    others = {row["setting"] for row in ROWS if row["role"] == "base" and row["setting"]}
    for path in others:
        assert bound(config=setting(path, True)) == {"base"}, path


@pytest.mark.parametrize("feature, spec, asks", ways(), ids=str)
def test_a_feature_is_bound_where_the_spec_asks_for_it(feature: str, spec: dict, asks: bool) -> None:
    assert bound(**spec) == ({"base", feature} if asks else {"base"})


def test_a_namespace_for_each_job_is_refused_unless_somebody_else_gives_the_rights() -> None:
    """Case 04. What no role in a namespace can give is refused, or told, by name."""
    config = {"runners": {"kubernetes": {"namespace_per_job": True}}}
    said = run("validate", "-f", "-", stdin=offline(config=config), code=3).stdout
    assert "spec.config.runners.kubernetes.namespace_per_job has each job make a namespace" in said
    assert "spec.manager.serviceAccountName" in said
    run("validate", "-f", "-", stdin=offline(config=config, manager={"serviceAccountName": "powerful"}))
    assert BEYOND == ["runners.kubernetes.autoscaler", "runners.kubernetes.namespace_per_job"]


def test_what_only_some_jobs_may_is_a_warning() -> None:
    """And whoever gives the managers an account of their own gives it its rights."""
    kubernetes = {"namespace_overwrite_allowed": "ci-.*", "autoscaler": AUTOSCALER | {"pause_pod_priority_class_name": ""}}
    spec = {"config": {"runners": {"kubernetes": kubernetes}}}
    said = run("validate", "-f", "-", stdin=offline(**spec)).stdout
    assert "rights in jobs alone: a job elsewhere fails, unless the owner of that namespace binds" in said
    assert "name it in autoscaler.pause_pod_priority_class_name" in said
    said = run("validate", "-f", "-", stdin=offline(**spec, manager={"serviceAccountName": "theirs"})).stdout
    assert "rights" not in said and "PriorityClass" not in said


# ----------------------------------------------------------------------------------------------------------------------
# Jobs


def granted(ci: Place, account: str, ns: str) -> set[Right]:
    """What the API server says that the account may do there, but for what everybody may."""
    review = {"apiVersion": "authorization.k8s.io/v1", "kind": "SelfSubjectRulesReview", "spec": {"namespace": ns}}
    headers = {"Impersonate-User": f"system:serviceaccount:{ci.name}:{account}"}
    answer = ci.kube.call("POST", "apis/authorization.k8s.io/v1/selfsubjectrulesreviews", json=review, headers=headers)
    return {right for right in rights_of(answer.json()["status"]["resourceRules"])
            if right[0] not in ("authorization.k8s.io", "authentication.k8s.io")}


def bindings(ci: Place, ns: str) -> set[str]:
    return {item["roleRef"]["name"] for item in ci.kube.list("RoleBinding", ns, "gitlab-runners.dev/runner")}


@pytest.fixture
def priority() -> Iterator[None]:
    """As a cluster administrator gives it, for pods that make room."""
    kubectl("create", "priorityclass", PRIORITY, "--value=-10")
    yield
    kubectl("delete", "priorityclass", PRIORITY)


JOB = """\
compile:
  tags: [kubernetes]
  script: [echo it runs]
"""


def test_jobs_run_with_exactly_the_rights_of_their_features(ci: Place, gitlab: GitLabAdmin, priority: None) -> None:
    """Case 03. A job with a PodDisruptionBudget, and pods that make room for the next one; then the rights go again."""
    project = ci.registration_token(files={".gitlab-ci.yml": JOB})
    jobs = ci.namespace(ci.name + "-jobs", **{ALLOWED: ci.name})
    kubernetes = {"pod_disruption_budget": True, "autoscaler": AUTOSCALER}
    flags = {"FF_SUSPENDABLE_ENVIRONMENTS": True}
    runner = ci.runner(tags=["kubernetes"], namespace=jobs,
                       config={"runners": {"kubernetes": kubernetes, "feature_flags": flags}})
    runner.wait()
    assert bindings(ci, jobs) == {role_of(feature) for feature in ["base", *FEATURES]}
    assert granted(ci, "builds-runner", jobs) == needed("base", *FEATURES)
    assert granted(ci, "builds-runner", ci.name) == set(), "and nothing elsewhere"

    seen = set[str]()
    pipeline = gitlab.start_pipeline(project["id"])
    wait_for("the job's pod has a budget", lambda: seen.update(
        item["metadata"]["name"] for item in ci.kube.list("PodDisruptionBudget", jobs)) or seen)
    finished(gitlab, pipeline)
    wait_for("a pod makes room", lambda: ci.kube.list("Pod", jobs, "runner.gitlab.com/pause-pod"))

    runner.edit(config={"runners": {"kubernetes": {"pod_disruption_budget": None, "autoscaler": AUTOSCALER}}})
    wait_for("its role is gone", lambda: role_of("pod-disruption-budget") not in bindings(ci, jobs), 10)
    assert granted(ci, "builds-runner", jobs) == needed("base", *(set(FEATURES) - {"pod-disruption-budget"}))
    ci.kube.patch("Namespace", jobs, {"metadata": {"annotations": {ALLOWED: "others"}}})
    wait_for("consent that is withdrawn takes all of them", lambda: not bindings(ci, jobs), 10)
    ci.kube.patch("Namespace", jobs, {"metadata": {"annotations": {ALLOWED: ci.name}}})


# ----------------------------------------------------------------------------------------------------------------------
# Whose rights they are


ROLE = "eks.amazonaws.com/role-arn"
CLOUD = {"annotations": {ROLE: "arn:aws:iam::123456789012:role/builds"}, "labels": {"use": "identity"}}


@pytest.mark.parametrize("own", [False, True], ids=["ours", "the user's"])
def test_jobs_run_after_the_account_was_deleted(own: bool, ci: Place, gitlab: GitLabAdmin) -> None:
    """One of that name comes back with another uid, for which no token of the pods is good."""
    project = ci.registration_token(files={".gitlab-ci.yml": JOB})
    name = "keeper" if own else "builds-runner"
    remake: Callable[[], object] = lambda: own and ci.kube.create("ServiceAccount", {"metadata": {"name": name}}, ci.name)
    remake()
    runner = ci.runner(tags=["kubernetes"], manager={"serviceAccountName": name} if own else {"serviceAccount": CLOUD},
                       serviceAccount=None if own else CLOUD)
    runner.wait()
    before, uid = runner.child("manager"), ci.kube.get("ServiceAccount", name, ci.name)["metadata"]["uid"]
    assert (before["metadata"]["generation"], account_of(before)) == (1, uid), "it was written once, for this account"

    ci.kube.delete("ServiceAccount", name, ci.name)
    remake()
    if own:
        runner.edit(maintenanceNote="look again")   # else it is found out with the next check, within ten minutes
    wait_for("the managers are new", lambda: account_of(runner.child("manager")) != uid)
    wait_rolled_out(runner)
    finished(gitlab, gitlab.start_pipeline(project["id"]))
    assert runner.kubernetes().get("service_account") == (None if own else "builds-jobs")
    for account in [] if own else ("builds-runner", "builds-jobs"):
        meta = ci.kube.get("ServiceAccount", account, ci.name)["metadata"]
        assert (meta["annotations"].get(ROLE), meta["labels"].get("use")) == (CLOUD["annotations"][ROLE], "identity")


def account_of(deployment: dict) -> str:
    return deployment["spec"]["template"]["metadata"]["annotations"]["gitlab-runners.dev/service-account-uid"]


def wait_rolled_out(runner: Runner) -> None:
    """Until the old pod, which may take a job as long as it is there, is gone as well."""
    kubectl("rollout", "status", f"deployment/{runner.name}-runner", "-n", runner.ns, "--timeout=60s")
    wait_for("the old one is gone", lambda: len(runner.kube.list("Pod", runner.ns, "gitlab-runners.dev/runner")) == 1)
