"""From `kubectl apply` to a runner that waits for jobs."""
from __future__ import annotations

import json

import pytest

from cluster import kubectl, wait_for
from gitlab_admin import GitLabAdmin
from places import GITLAB_IP, HOST, TLS_URL, URL, Place, Runner
from standin.pki import Authority

MARK = "gitlab-runners.dev/uid="
NASTY = [
    "double \" quote", "single ' quote", "'''three'''", '"""three"""', "back\\slash \\n \\u0041",
    "line\nbreak\r\n", "tab\there", "bell\a and escape\x1b", "grün ✓ 🚀", "# no comment", "= [table]", "$HOME ${CI} %s {{x}}", " spaces ", "",
]


def wait_ready(runner: Runner) -> None:
    kubectl("wait", "--for=condition=Ready", f"glr/{runner.name}", "-n", runner.ns, "--timeout=90s")


def registrations(gitlab: GitLabAdmin) -> list[dict]:
    return gitlab.audit("POST", "/api/v4/(user/)?runners")


def assert_children_are_there(runner: Runner) -> None:
    uid = runner.uid()
    for what in runner.children():
        meta = runner.child(what)["metadata"]
        assert meta["ownerReferences"][0]["uid"] == uid, what
        assert meta["labels"]["app.kubernetes.io/managed-by"] == "gitlab-runner-controller", what
        assert meta["labels"]["gitlab-runners.dev/runner"] == runner.name, what
    assert runner.child("manager")["status"]["availableReplicas"] == 1
    role = runner.child("binding")["roleRef"]
    assert (role["kind"], role["name"]) == ("ClusterRole", "gitlab-runner-executor")


def assert_few_events(runner: Runner) -> None:
    told = [event["reason"] for event in runner.events()]
    assert told == ["InsecureURL"]  # the stand-in's URL is plain http, else: Registered


def test_a_registration_token_leads_to_a_runner_that_waits_for_jobs(ci: Place, gitlab: GitLabAdmin) -> None:
    project = ci.registration_token()
    runner = ci.runner(description="builds of ci", tags=["kubernetes", "java"], maximumTimeoutSeconds=1200,
                       maintenanceNote="ask the platform team", accessLevel="RefProtected", locked=True)
    wait_ready(runner)
    row = gitlab.runner(runner.status()["runnerId"])
    assert (row["runner_type"], row["project_ids"], row["description"]) == (
        "project_type", [project["id"]], "builds of ci")
    assert sorted(row["tag_list"]) == ["java", "kubernetes"] and row["run_untagged"] is False
    assert (row["maximum_timeout"], row["access_level"], row["locked"]) == (1200, "ref_protected", True)
    assert "ask the platform team" in row["maintenance_note"] and MARK + runner.uid() in row["maintenance_note"]
    assert runner.token() == row["token"]
    assert len(registrations(gitlab)) == 1
    assert_children_are_there(runner)
    assert_few_events(runner)
    wait_for("the manager asks for jobs", lambda: gitlab.runner(row["id"])["managers"])
    assert runner.status()["url"] == URL and runner.status()["managers"] == "1/1"


@pytest.mark.parametrize("scope", ["Instance", "Group", "Project"])
def test_an_access_token_leads_to_a_runner(scope: str, ci: Place, gitlab: GitLabAdmin) -> None:
    group = gitlab.add_group("team")
    project = gitlab.add_project("app", group_id=group["id"])
    numbers = {"Instance": {}, "Group": {"groupId": group["id"]}, "Project": {"projectId": project["id"]}}
    rights = {"Instance": {"admin": True}, "Group": {"group_id": group["id"]},
              "Project": {"project_id": project["id"], "role": "maintainer"}}
    ci.access_token("create_runner", "manage_runner", **rights[scope])
    runner = ci.runner("accessToken", scope={"type": scope} | numbers[scope], tags=["b", "a"])
    wait_ready(runner)
    row = gitlab.runner(runner.status()["runnerId"])
    assert row["runner_type"] == f"{scope.lower()}_type"
    assert (row["group_id"], row["project_ids"]) == (numbers[scope].get("groupId"), [*numbers[scope].values()]
                                                     if scope == "Project" else [])
    assert row["description"] == f"{ci.name}/builds" and row["mark"] == runner.uid()
    assert runner.status()["scope"] == "/".join([scope, *map(str, numbers[scope].values())])
    assert [call["path"] for call in registrations(gitlab)] == ["/api/v4/user/runners"]
    assert_children_are_there(runner)
    assert_few_events(runner)


def test_a_runner_token_is_verified_and_used(ci: Place, gitlab: GitLabAdmin, gitlab_api) -> None:
    made = gitlab_api.create_runner(tag_list="by-hand")
    ci.secret("gitlab", runner_token=made["token"])
    runner = ci.runner("runnerToken")
    wait_ready(runner)
    assert runner.status()["runnerId"] == made["id"]
    assert runner.token() == made["token"]
    assert [call["path"] for call in gitlab.audit(path="/api/v4/runners.*")] == ["/api/v4/runners/verify"]
    assert gitlab.runner(made["id"])["tag_list"] == ["by-hand"]
    assert_children_are_there(runner)


@pytest.mark.parametrize("kind", ["Secret", "ConfigMap"])
def test_a_private_ca_is_trusted(kind: str, ci: Place, gitlab: GitLabAdmin, authority: Authority) -> None:
    ci.registration_token()
    ci.put(kind, "gitlab-ca", {"stringData" if kind == "Secret" else "data": {
        "ca.crt": authority.ca.cert.read_text()}})
    runner = ci.runner(url=TLS_URL, **{f"ca{kind}Ref": {"name": "gitlab-ca"}})
    wait_ready(runner)
    assert runner.status()["url"] == TLS_URL
    assert [call["tls"] for call in registrations(gitlab)] == [True]
    wait_for("the manager trusts it as well", lambda: gitlab.runner(runner.status()["runnerId"])["managers"])
    polls = [call for call in gitlab.audit("POST", "/api/v4/jobs/request") if runner.token() in call["body"]]
    assert polls and all(call["tls"] for call in polls)


def test_get_shows_the_state_in_columns(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.access_token()
    runner = ci.runner("accessToken", tags=["kubernetes"])
    wait_ready(runner)
    shown = columns(kubectl("get", "glr", "-n", ci.name))
    number = str(runner.status()["runnerId"])
    assert shown == {"NAME": "builds", "READY": "True", "STATUS": "Ready", "RUNNER": number, "SCOPE": "Instance",
                     "TAGS": "kubernetes", "MANAGERS": "1/1", "AGE": shown["AGE"]}
    wide = columns(kubectl("get", "glr", "-n", ci.name, "-o", "wide"))
    assert (wide["URL"], wide["IMAGE"], wide["TOKEN-EXPIRES"]) == (URL, "busybox:1.36", "")
    assert f"gitlabrunner.gitlab-runners.dev/{runner.name}" in kubectl("get", "gitlab,all", "-n", ci.name, "-o", "name")


def columns(table: str) -> dict[str, str]:
    """Of the one line below the headings, which stand where the values begin."""
    heading, line = table.splitlines()
    names = heading.split()
    starts = [heading.index(name) for name in names] + [len(line)]
    return {name: line[starts[i]:starts[i + 1]].strip() for i, name in enumerate(names)}


def test_status_names_what_was_made(ci: Place, gitlab: GitLabAdmin) -> None:
    project = ci.registration_token()
    gitlab.change_project(project["id"], runner_token_expiration_interval=86_400)
    runner = ci.unmanned()
    runner.wait()
    status = runner.status()
    assert status["tokenSecretRef"] == {"name": "builds-runner-token"}
    assert status["tokenExpirationTime"][:10] == gitlab.runner(status["runnerId"])["token_expires_at"][:10]
    assert status["observedGeneration"] == 1 and status["authentication"] == "RegistrationToken"
    assert status["selector"] == "app.kubernetes.io/name=gitlab-runner,gitlab-runners.dev/runner=builds"
    assert len(status["configHash"]) >= 8
    assert {kind: c["status"] for kind, c in runner.conditions().items()} == {
        "Ready": "True", "Registered": "True", "ConfigApplied": "True", "ManagerAvailable": "True",
        "GitLabReachable": "True"}


def test_the_secret_may_come_after_the_object(ci: Place, gitlab: GitLabAdmin) -> None:
    runner = ci.unmanned()
    runner.wait_refused("SecretNotFound")
    ci.registration_token()
    runner.wait(seconds=10)


def test_objects_with_the_same_name_in_two_namespaces_have_a_runner_each(ci: Place, gitlab: GitLabAdmin) -> None:
    project = ci.registration_token()
    other = ci.namespace(ci.name + "-b")
    ci.kube.create("Secret", {"metadata": {"name": "gitlab"}, "stringData": {
        "runner-registration-token": project["runners_token"]}}, other)
    first = ci.unmanned()
    body = first.object() | {"metadata": {"name": "builds"}}
    ci.kube.create("GitLabRunner", {k: body[k] for k in ("apiVersion", "kind", "metadata", "spec")}, other)
    second = Runner(ci.kube, other, "builds")
    for runner in (first, second):
        runner.wait()
    assert first.status()["runnerId"] != second.status()["runnerId"] and first.token() != second.token()


def test_a_user_applies_what_kubectl_explain_has_taught(ci: Place, gitlab: GitLabAdmin) -> None:
    """kubectl apply twice: created, then unchanged."""
    ci.registration_token()
    manifest = json.dumps({
        "apiVersion": "gitlab-runners.dev/v1beta1", "kind": "GitLabRunner",
        "metadata": {"name": "builds", "namespace": ci.name},
        "spec": {"url": URL, "authentication": {"registrationTokenSecretRef": {"name": "gitlab"}}, "image": "busybox",
                 "hostAliases": [{"ip": GITLAB_IP, "hostnames": [HOST]}], "manager": {"replicas": 0}}})
    assert kubectl("apply", "-f", "-", stdin=manifest).strip().endswith("created")
    Runner(ci.kube, ci.name, "builds").wait()
    assert kubectl("apply", "-f", "-", stdin=manifest).strip().endswith("unchanged")


def test_nasty_texts_reach_gitlab_and_config_toml_as_they_are(ci: Place, gitlab: GitLabAdmin) -> None:
    ci.registration_token()
    tags, description, note = ['say "hi"', "it's", "back\\slash", "grün ✓"], NASTY[5] + NASTY[8], "\n".join(NASTY)
    runner = ci.runner(tags=tags, description=description, maintenanceNote=note, environment=[
        {"name": f"V{i}", "value": text} for i, text in enumerate(NASTY)])
    wait_ready(runner)
    row = gitlab.runner(runner.status()["runnerId"])
    assert sorted(row["tag_list"]) == sorted(tags) and row["description"] == description
    assert row["maintenance_note"].startswith(note) and row["mark"] == runner.uid()
    assert runner.config()["runners"][0]["environment"] == [f"V{i}={text}" for i, text in enumerate(NASTY)]
    wait_for("the manager takes it", lambda: gitlab.runner(row["id"])["managers"])
