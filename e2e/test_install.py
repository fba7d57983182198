"""What manifests/ installs: no right too many, nothing that is stuck on its way out."""
from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import yaml

from cluster import ROOT, Kube, kubectl, refused, wait_for, wait_kind
from gitlab_admin import GitLabAdmin
from operator_pod import MANIFESTS, NAME, NAMESPACE, ORPHANS, USER, Operator
from places import Place

CRD = "gitlabrunners.gitlab-runners.dev"
NEEDS = [
    ("patch", "gitlabrunners.gitlab-runners.dev"), ("patch", "gitlabrunners.gitlab-runners.dev/status"),
    ("watch", "gitlabrunners.gitlab-runners.dev"), ("create", "secrets"), ("get", "secrets"),
    ("create", "deployments.apps"), ("patch", "poddisruptionbudgets.policy"),
    ("patch", "serviceaccounts"), ("delete", "rolebindings.rbac.authorization.k8s.io"),
    ("list", "configmaps"), ("watch", "namespaces"), ("list", "pods"), ("create", "events.events.k8s.io"),
]
MUST_NOT = [
    ("watch", "pods"), ("create", "pods"), ("delete", "pods"), ("create", "pods/exec"), ("create", "pods/attach"), ("get", "pods/log"),
    ("get", "nodes"), ("create", "namespaces"), ("delete", "namespaces"), ("patch", "namespaces"),
    ("escalate", "clusterroles.rbac.authorization.k8s.io"), ("escalate", "roles.rbac.authorization.k8s.io"),
    ("bind", "clusterroles.rbac.authorization.k8s.io"), ("create", "clusterroles.rbac.authorization.k8s.io"),
    ("create", "clusterrolebindings.rbac.authorization.k8s.io"), ("create", "roles.rbac.authorization.k8s.io"),
    ("impersonate", "users"), ("impersonate", "serviceaccounts"), ("create", "serviceaccounts/token"),
    ("create", "gitlabrunners.gitlab-runners.dev"), ("delete", "gitlabrunners.gitlab-runners.dev"),
    ("patch", "customresourcedefinitions.apiextensions.k8s.io"), ("deletecollection", "secrets"),
    ("create", "validatingwebhookconfigurations.admissionregistration.k8s.io"), ("patch", "configmaps"),
    ("patch", "events.events.k8s.io"), ("update", "gitlabrunners.gitlab-runners.dev/finalizers"),
    ("*", "*.*"), ("*", "secrets"), ("get", "*.*"),
]


@pytest.mark.parametrize("verb, resource", NEEDS)
def test_the_operator_may_do_its_work(verb: str, resource: str, operator: Operator) -> None:
    assert operator.may(verb, resource)


@pytest.mark.parametrize("verb, resource", MUST_NOT)
def test_the_operator_may_not(verb: str, resource: str, operator: Operator) -> None:
    assert not operator.may(verb, resource)


def test_the_operator_may_bind_one_role_only(operator: Operator) -> None:
    roles = "clusterroles.rbac.authorization.k8s.io"
    assert operator.may("bind", roles, name="gitlab-runner-executor")
    assert not operator.may("bind", roles, name="cluster-admin") and not operator.may("bind", roles, name="admin")


def test_the_operator_may_hold_its_own_lease_only(operator: Operator) -> None:
    leases = "leases.coordination.k8s.io"
    assert operator.may("create", leases, NAMESPACE) and not operator.may("create", leases, "kube-system")
    for verb in ("get", "update"):
        assert operator.may(verb, leases, NAMESPACE, NAME)
        assert not operator.may(verb, leases, NAMESPACE, "another") and not operator.may(verb, leases, "default", NAME)
    assert not operator.may("delete", leases, NAMESPACE, NAME)


def test_the_operator_may_write_its_own_ledger(operator: Operator) -> None:
    """Also where it has no rights to the Secrets of its namespace, as with manifests/namespaced."""
    role = operator.kube.get("Role", f"{NAME}-orphans", NAMESPACE)
    secrets, = [rule for rule in role["rules"] if "secrets" in rule["resources"]]
    assert (secrets["resourceNames"], secrets["verbs"]) == ([ORPHANS], ["get", "patch"])
    for verb in ("get", "patch"):
        assert operator.may(verb, "secrets", NAMESPACE, ORPHANS)


@pytest.mark.parametrize("role", ["cluster-admin", "admin", "edit"])
def test_the_operator_fails_to_give_rights_away(role: str, operator: Operator) -> None:
    bind = ["create", "rolebinding", "x", "--serviceaccount=default:default", "--dry-run=server", f"--as={USER}"]
    assert "is attempting to grant RBAC permissions not currently held" in refused(*bind, f"--clusterrole={role}")
    assert "children of GitLabRunners only" in refused(*bind, "--clusterrole=gitlab-runner-executor")


def test_no_role_has_a_wildcard() -> None:
    objects = yaml.safe_load_all(kubectl("kustomize", "manifests/default"))
    roles = [o for o in objects if o["kind"] in ("ClusterRole", "Role")]
    assert len(roles) == 7
    assert not [rule for role in roles for rule in role["rules"] for words in rule.values() if "*" in words]


@pytest.mark.node
def test_the_operators_process_has_no_privileges(operator: Operator) -> None:
    operator.wait_ready()
    status = dict(line.split(":\t", 1) for line in (operator.process() / "status").read_text().splitlines())
    assert set(status["Uid"].split()) == set(status["Gid"].split()) == {"65532"}
    assert int(status["CapPrm"], 16) == int(status["CapBnd"], 16) == 0
    assert (status["NoNewPrivs"], status["Seccomp"]) == ("1", "2")


def test_a_manager_has_its_rights_among_its_jobs_only(ci: Place, gitlab: GitLabAdmin) -> None:
    jobs = ci.namespace(ci.name + "-jobs", **{"gitlab-runners.dev/allowed-from": ci.name})
    ci.registration_token()
    ci.unmanned(namespace=jobs).wait()
    manager = f"--as=system:serviceaccount:{ci.name}:builds-runner"

    def may(verb: str, resource: str, ns: str) -> str:
        done = subprocess.run(["kubectl", "auth", "can-i", verb, resource, "-n", ns, manager], capture_output=True,
                              text=True, timeout=30)
        return done.stdout.strip()
    assert may("create", "pods", jobs) == may("create", "pods/attach", jobs) == "yes"
    assert may("create", "pods", ci.name) == may("get", "secrets", ci.name) == may("create", "pods", "default") == "no"
    assert may("create", "rolebindings", jobs) == may("delete", "namespaces", jobs) == "no"


def test_install_yaml_is_what_kustomize_makes() -> None:
    made = list(yaml.safe_load_all(kubectl("kustomize", "manifests/default")))
    assert list(yaml.safe_load_all((ROOT / "manifests/install.yaml").read_text())) == made


def test_the_operators_pod_fulfils_pod_security_restricted(operator: Operator) -> None:
    """Its namespace enforces it, so that it runs at all is the proof."""
    enforced = operator.kube.get("Namespace", NAMESPACE)["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
    assert enforced == "restricted" and operator.wait_ready()


def test_a_managers_pod_fulfils_pod_security_restricted(ci: Place, gitlab: GitLabAdmin) -> None:
    kubectl("label", "namespace", ci.name, "pod-security.kubernetes.io/enforce=restricted")
    ci.registration_token()
    ci.runner(podSecurity="Restricted").wait()


def test_applying_it_again_changes_nothing(operator: Operator) -> None:
    lines = kubectl("apply", "-k", MANIFESTS).splitlines()
    assert [line for line in lines if not line.endswith(" unchanged")] == []


@contextmanager
def reinstalled(operator: Operator) -> Iterator[None]:
    """Whatever happens to the installation meanwhile, there is one in the end."""
    try:
        yield
    finally:
        crd = operator.kube.get("CustomResourceDefinition", CRD)
        if crd and "deletionTimestamp" in crd["metadata"]:
            operator.install()          # which lets its objects go, and then nothing holds it
            wait_gone(operator.kube, "CustomResourceDefinition", CRD)
        operator.install()
        operator.accept()


def wait_gone(kube: Kube, kind: str, name: str) -> None:
    wait_for(f"{kind} {name} is gone", lambda: kube.get(kind, name) is None)


def test_deleting_the_kind_first_takes_its_runners_along(ci: Place, gitlab: GitLabAdmin) -> None:
    """And the operator, which has seen its kind go, works on when it comes back."""
    ci.registration_token()
    ci.unmanned().wait()
    kubectl("delete", "crd", CRD, "--timeout=60s")
    assert gitlab.runners() == []
    assert [s["metadata"]["name"] for s in ci.kube.list("Secret", ci.name)] == ["gitlab"]
    kubectl("apply", "-k", MANIFESTS)
    wait_kind()
    ci.unmanned().wait()


def test_what_was_deleted_without_the_operator_it_finishes_when_it_is_back(ci: Place, gitlab: GitLabAdmin) -> None:
    """Everything at once, and the operator was the first to go: nothing is lost, and nothing stuck for ever."""
    ci.registration_token()
    runner = ci.unmanned()
    runner.wait()
    number, secret = runner.status()["runnerId"], runner.child("token")
    with reinstalled(ci.operator):
        kubectl("delete", "deployment", NAME, "-n", NAMESPACE, "--cascade=foreground")
        kubectl("delete", "-k", MANIFESTS, "--ignore-not-found", "--wait=false")
        wait_gone(ci.kube, "Namespace", NAMESPACE)
        wait_for("the runner is being deleted", lambda: "deletionTimestamp" in runner.object()["metadata"])
        assert [row["id"] for row in gitlab.runners()] == [number]
        assert runner.child("token")["data"] == secret["data"]
    assert gitlab.runners() == [] and ci.runners() == []
