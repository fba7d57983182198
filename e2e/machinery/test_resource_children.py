"""The children follow from the spec: whatever was before, whoever changed them, whichever build looks at them."""
from __future__ import annotations

import copy
import json
import random
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from cluster import MERGE_PATCH, ROOT, wait_for
from gitlab_admin import GitLabAdmin
from machinery.stage import WRITES, Stage, scaled
from places import Runner
from program import PROGRAM, run

FULL = json.loads((ROOT / "tests/data/render/full.json").read_text())["spec"]
SEQUENCES = round(scaled(500, 40))


# ----------------------------------------------------------------------------------------------------------------------
# C6: the way to a spec leaves no trace


# What is not a choice here: where it registers, and which Secrets and namespaces must be there.
FIXED = {"url", "authentication", "scope", "caSecretRef", "caConfigMapRef", "namespace", "hostAliases", "suspend",
         "deletionPolicy", "maximumTimeoutSeconds", "checkIntervalSeconds"}
CHOICES = sorted(set(FULL) - FIXED - {"manager"})
MANAGER = sorted(FULL["manager"])
EACH = 20                   # objects that are edited at the same time


def credentials(stage: Stage) -> None:
    """GitLab's, and the cache's that the sample names."""
    stage.access_token()
    stage.secret("s3", accesskey="an-access-key", secretkey="a-secret-key")


def random_edit(chance: random.Random) -> dict:
    """Of one field, taken out or set to the value that the sample with every field has."""
    field = chance.choice(CHOICES + [f"manager.{name}" for name in MANAGER])
    at, _, inner = field.rpartition(".")
    value = (FULL["manager"] if at else FULL)[inner] if chance.random() < 0.7 else None
    return {"manager": {inner: value}} if at else {inner: value}


def target(chance: random.Random, base: dict) -> dict:
    """A spec that the API server takes."""
    spec = copy.deepcopy(base) | {name: FULL[name] for name in CHOICES if chance.random() < 0.4}
    spec["manager"] = {name: FULL["manager"][name] for name in MANAGER if chance.random() < 0.4}
    return spec


def replace_spec(stage: Stage, runner: Runner, spec: dict) -> None:
    """By a PUT, as `kubectl replace` does it; again while somebody else has written in between."""
    def done() -> bool:
        body = runner.object() | {"spec": spec}
        answer = stage.kube.call("PUT", stage.kube.path("GitLabRunner", runner.ns, runner.name), json=body)
        assert answer.status_code in (200, 409), answer.text
        return answer.ok
    wait_for(f"{runner.name} is replaced", done)


def edit_at_random(stage: Stage, runner: Runner, chance: random.Random) -> None:
    """One to five edits; what the schema forbids is refused, and no edit."""
    path = stage.kube.path("GitLabRunner", runner.ns, runner.name)
    for _ in range(chance.randint(1, 5)):
        answer = stage.kube.call("PATCH", path, data=json.dumps({"spec": random_edit(chance)}),
                                 headers={"Content-Type": "application/merge-patch+json"})
        assert answer.status_code in (200, 422), answer.text


def wait_shown(runner: Runner) -> None:
    """The operator has done what there is to do for the spec of now; pods may yet be starting."""
    for kind in ("Registered", "ConfigApplied"):
        runner.wait(kind)
    wait_for("the Deployment is as asked for", lambda: runner.conditions()["ManagerAvailable"]["reason"] not in (
        "Pending", "NotRegistered", "Recreating"))


def what_is_made(runner: Runner, token: str) -> str:
    """All children as one text, without what differs from one object to the next, or tells of time."""
    account = runner.child("account")   # one that is not wanted any more stays until managers of now are available
    made = {what: essence(runner.child(what)) for what in ("config", "binding", "manager")}
    if "serviceAccountName" not in runner.object()["spec"].get("manager", {}):
        made["account"] = essence(account)
    made["config"]["data"] = {"config.toml": runner.config_text().replace(token, "TOKEN")}
    text = json.dumps(made, sort_keys=True, indent=1)
    if account:
        text = text.replace(account["metadata"]["uid"], "ACCOUNT")
    return text.replace(runner.uid(), "UID").replace(runner.name, "NAME").replace(runner.ns, "PLACE")


def essence(child: dict | None) -> dict | None:
    if child is None:                   # such as the account, where the spec names another one
        return None
    meta = {key: child["metadata"].get(key) for key in ("name", "namespace", "labels", "annotations", "ownerReferences",
                                                        "finalizers")}
    meta["annotations"] = {key: value for key, value in (meta["annotations"] or {}).items()
                           if key not in ("gitlab-runners.dev/applied-hash", "gitlab-runners.dev/inputs",
                                          "deployment.kubernetes.io/revision")}
    return {key: value for key, value in child.items() if key not in ("metadata", "status")} | {"metadata": meta}


def test_c6_any_way_to_a_spec_ends_in_the_same_children(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Random ways, each compared with an object that was made so from the beginning."""
    credentials(stage)
    stage.operator.start()
    chance = random.Random(6)
    base = stage.spec("accessToken")
    travellers = [stage.runner("accessToken", name=f"traveller-{n:02}") for n in range(EACH)]
    for lap in range(SEQUENCES // EACH):
        spec = target(chance, base)
        fresh = stage.runner("accessToken", name=f"newcomer-{lap:02}", **spec)
        for runner in travellers:
            edit_at_random(stage, runner, chance)
        for runner in travellers:
            replace_spec(stage, runner, fresh.object()["spec"])
        wait_shown(fresh)
        wanted = what_is_made(fresh, fresh.token())
        for runner in travellers:
            wait_shown(runner)
            wait_for(f"{runner.name} is as {fresh.name}", lambda: what_is_made(runner, runner.token()) == wanted, 20)
            assert told(gitlab, runner) == told(gitlab, fresh)
        fresh.delete()
        fresh.wait_gone()


def told(gitlab: GitLabAdmin, runner: Runner) -> dict:
    """What GitLab knows of the runner, and the spec decides."""
    row = gitlab.runner(runner.status()["runnerId"])
    note = row["maintenance_note"].replace(runner.uid(), "UID")
    return {key: row[key] for key in ("tag_list", "run_untagged", "locked", "paused", "access_level", "maximum_timeout")
            } | {"note": note, "description": row["description"].replace(runner.name, "NAME")}


# ----------------------------------------------------------------------------------------------------------------------
# C8: each field that the operator has written is put right; each that it has not is left alone


FIELD_MANAGER, APPLIED_HASH = "gitlab-runner-controller", "gitlab-runners.dev/applied-hash"


def owned(child: dict) -> Iterator[tuple[list[str | int], object]]:
    """Each leaf that the operator owns, by what the API server says: its path in the object, and its value."""
    for entry in child["metadata"]["managedFields"]:
        if entry["manager"] == "gitlab-runner-controller" and entry["operation"] == "Apply":
            yield from leaves(entry["fieldsV1"], child, [])


def leaves(fields: dict, value: object, path: list[str | int],
           keys: dict | None = None) -> Iterator[tuple[list[str | int], object]]:
    """Without what makes an entry of a list that entry: with another name it is somebody's own, beside ours."""
    inner = {key: below for key, below in fields.items() if key != "." and key.removeprefix("f:") not in (keys or {})}
    if not inner and isinstance(value, (dict, list)):
        yield from (leaf for leaf in whole(value, path) if leaf[0][-1] not in (keys or {}))
    elif not inner:
        yield path, value
    for key, below in inner.items():
        step = step_of(key, value)
        if isinstance(step, int) or step in value:      # an empty list is owned, and not shown
            identity = json.loads(key[2:]) if key.startswith("k:") and path[-1] != "ownerReferences" else None
            yield from leaves(below, value[step], [*path, step], identity)


def whole(value: object, path: list[str | int]) -> Iterator[tuple[list[str | int], object]]:
    """What is owned as one thing, with all that is in it."""
    pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    if not pairs:
        yield path, value
    for step, inner in pairs:
        yield from whole(inner, [*path, step])


def step_of(key: str, value: object) -> str | int:
    """f:NAME a field, k:{…} the entry of a list that has these keys, v:TEXT the entry of a set."""
    form, _, rest = key.partition(":")
    if form == "f":
        return rest
    wanted = json.loads(rest)
    if form == "v":
        return value.index(wanted)
    return next(i for i, item in enumerate(value) if all(item.get(name) == part for name, part in wanted.items()))


WORDS = ("other", "b3RoZXI=", "7Gi", "HTTPS", "Never", "Recreate", "metadata.name")


def others(value: object) -> list:
    """Of the same type; the API server takes one of them, if any."""
    if isinstance(value, bool):
        return [not value]
    if isinstance(value, int):
        return [value + 1]
    return [word for word in WORDS if word != value] if isinstance(value, str) else []


def flip(stage: Stage, where: tuple[str, str, str], path: list[str | int], value: object) -> bool:
    """False where the API server lets nobody."""
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)
    kind, name, ns = where
    for new in others(value):
        answer = stage.kube.call("PATCH", stage.kube.path(kind, ns, name), params={"fieldManager": "somebody"},
                                 data=json.dumps([{"op": "replace", "path": pointer, "value": new}]),
                                 headers={"Content-Type": "application/json-patch+json"})
        if answer.ok:
            return True
        assert answer.status_code in (400, 403, 422), answer.text
    return False


def operations(child: dict) -> list[str]:
    """Of the operator's entries."""
    return [entry["operation"] for entry in child["metadata"]["managedFields"] if entry["manager"] == FIELD_MANAGER]


def as_made_by_post(stage: Stage, where: tuple[str, str, str]) -> None:
    """What the operator has by apply it has by update, as before its first apply."""
    kind, name, ns = where

    def done() -> bool:                 # its controller may write at the same time
        meta = stage.kube.get(kind, name, ns)["metadata"]
        entries = [entry | ({"operation": "Update"} if entry["manager"] == FIELD_MANAGER else {})
                   for entry in meta["managedFields"]]
        change = {"metadata": {"resourceVersion": meta["resourceVersion"], "managedFields": entries}}
        return stage.kube.call("PATCH", stage.kube.path(kind, ns, name), data=json.dumps(change),
                               headers={"Content-Type": MERGE_PATCH}).ok
    wait_for("it is as made by POST", done, 10)


@pytest.mark.parametrize("what", ["config", "account", "binding", "manager"])
def test_c8_each_owned_field_is_put_right(what: str, stage: Stage, gitlab: GitLabAdmin) -> None:
    """Of a child that has been applied, and of one that has not, in turns."""
    credentials(stage)
    stage.operator.start()
    wanted = {name: value for name, value in FULL.items() if name not in FIXED}
    wanted["manager"] = {key: value for key, value in FULL["manager"].items() if key != "serviceAccountName"}
    runner = stage.runner("accessToken", **wanted)
    wait_shown(runner)
    stage.wait_quiet()
    before, where = runner.child(what), runner.children()[what]
    assert operations(before) == ["Update"]
    stage.kube.patch(where[0], where[1], {"metadata": {"annotations": {APPLIED_HASH: "x"}}}, where[2])
    before = wait_for("it was applied", lambda: (now := runner.child(what)) and same(now, before) and now, 10)
    wait_for("it is owned by apply", lambda: operations(runner.child(what)) == ["Apply"], 10)
    before = runner.child(what)
    refused, repaired = [], []
    for number, (path, value) in enumerate(owned(before)):
        if number % 2:
            as_made_by_post(stage, where)
        if not flip(stage, where, path, value):
            refused.append(path)
            continue
        if path[:2] == ["metadata", "ownerReferences"]:     # the garbage collector may take it then
            wait_for(f"{path} is as before", lambda: same(anonymous(runner.child(what)), anonymous(before)), 20)
            before = runner.child(what)
        wait_for(f"{path} is as before", lambda: same(runner.child(what), before), 10)
        wait_for("it is owned in one way", lambda: len(operations(runner.child(what))) == 1, 10)
        repaired.append(path)
    print(what, len(repaired), "repaired,", len(refused), "kept by the API server:", refused)
    assert len(repaired) >= {"config": 8, "account": 8, "binding": 8, "manager": 60}[what]


OWNER, OWNER_UID = "gitlab-runners.dev/owner", "gitlab-runners.dev/owner-uid"
MANAGED_BY = "app.kubernetes.io/managed-by"
STOLEN = {
    "another owner": {"annotations": {OWNER: "ci/another"}},
    "another uid": {"annotations": {OWNER_UID: "another"}},
    "both": {"annotations": {OWNER: "ci/another", OWNER_UID: "another"}},
    "neither": {"annotations": {OWNER: None, OWNER_UID: None}},
    "and the label": {"annotations": {OWNER_UID: "another"}, "labels": {MANAGED_BY: None}},
}


def with_jobs_elsewhere(stage: Stage) -> tuple[Runner, str]:
    jobs = stage.namespace(stage.name + "-jobs", **{"gitlab-runners.dev/allowed-from": stage.name})
    stage.registration_token()
    stage.operator.start()
    runner = stage.runner(namespace=jobs)
    wait_shown(runner)
    stage.wait_quiet()
    return runner, jobs


def test_c8_a_binding_among_the_jobs_is_known_by_its_name(stage: Stage, gitlab: GitLabAdmin) -> None:
    """In another namespace than its owner's it has no controller that would say whose it is."""
    runner, jobs = with_jobs_elsewhere(stage)
    before = runner.child("binding", jobs)
    for what, change in STOLEN.items():
        stage.kube.patch("RoleBinding", before["metadata"]["name"], {"metadata": change}, jobs)
        wait_for(f"{what}: it is as before", lambda: same(runner.child("binding", jobs), before), 10)
    stage.kube.patch("RoleBinding", before["metadata"]["name"], {"metadata": STOLEN["both"]}, jobs)
    runner.delete()
    wait_for("it goes with its owner", lambda: runner.child("binding", jobs) is None)
    runner.wait_gone()


def test_c9_a_binding_of_that_name_that_is_not_ours_stays(stage: Stage, gitlab: GitLabAdmin) -> None:
    """With our labels, and with annotations that lead to nobody; neither changed nor deleted."""
    runner, jobs = with_jobs_elsewhere(stage)
    before = runner.child("binding", jobs)
    meta = {key: before["metadata"][key] for key in ("name", "labels", "annotations")}
    meta["annotations"][OWNER_UID] = "another"
    stage.operator.stop()
    stage.kube.delete("RoleBinding", meta["name"], jobs)
    theirs = stage.kube.create("RoleBinding", {"metadata": meta, "roleRef": before["roleRef"]}, jobs)
    stage.operator.start()
    runner.wait_refused("NameConflict")
    runner.edit(podLabels={"a": "b"})
    stage.wait_quiet()
    runner.delete()
    runner.wait_gone()
    assert runner.child("binding", jobs) == theirs


def anonymous(child: dict | None) -> dict | None:
    """Whatever its birth."""
    if child is None or "deletionTimestamp" in child["metadata"]:
        return None
    return child | {"metadata": {k: v for k, v in child["metadata"].items() if k not in ("uid", "creationTimestamp")}}


def same(now: dict | None, before: dict) -> bool:
    volatile = ("resourceVersion", "managedFields", "generation")

    def plain(child: dict) -> dict:
        meta = {key: value for key, value in child["metadata"].items() if key not in volatile}
        meta["annotations"] = {key: value for key, value in meta["annotations"].items()
                               if not key.startswith("deployment.kubernetes.io/")}
        return {key: value for key, value in child.items() if key not in ("metadata", "status")} | {"metadata": meta}
    return now is not None and plain(now) == plain(before)


def test_c8_what_others_add_stays(stage: Stage, gitlab: GitLabAdmin) -> None:
    """To each child and to the pod template, through edits and a restart of the operator."""
    stage.registration_token()
    stage.operator.start()
    runner = stage.runner()
    wait_shown(runner)
    added = {"metadata": {"labels": {"team": "a"}, "annotations": {"note": "theirs"}}}
    for what in ("config", "account", "binding", "manager"):
        kind, name, ns = runner.children()[what]
        stage.kube.patch(kind, name, added, ns)
    template = {"spec": {"progressDeadlineSeconds": 77, "template": added}}
    stage.kube.patch("Deployment", "builds-runner", template, stage.name)
    stage.wait_quiet()
    stage.operator.stop()
    stage.operator.start()
    runner.edit(image="busybox:latest", manager={"podLabels": {"ours": "1"}})
    wait_for("the edit is done", lambda: runner.child("manager")["spec"]["template"]["metadata"]["labels"].get("ours"))
    stage.wait_quiet()
    for what in ("config", "account", "binding", "manager"):
        meta = runner.child(what)["metadata"]
        assert (meta["labels"]["team"], meta["annotations"]["note"]) == ("a", "theirs"), what
    spec = runner.child("manager")["spec"]
    assert spec["progressDeadlineSeconds"] == 77
    assert spec["template"]["metadata"]["labels"]["team"] == "a"


# ----------------------------------------------------------------------------------------------------------------------
# C13: another build


def another_version(folder: Path) -> Path:
    """The program, calling itself 9.9.9."""
    version = run("version").stdout.split()[1]
    file = folder / "another"
    file.write_bytes(PROGRAM.read_bytes().replace(version.encode() + b"\0", b"9.9.9\0".ljust(len(version) + 1, b"\0")))
    file.chmod(0o755)
    return file


def test_c13_an_upgrade_of_the_operator_writes_nothing(stage: Stage, gitlab: GitLabAdmin, tmp_path: Path) -> None:
    credentials(stage)
    stage.operator.start()
    runners = [stage.runner("accessToken", name=f"r{n}", tags=["a"]) for n in range(3)]
    stage.settled(runners)
    before = [runner.child("manager")["metadata"] for runner in runners]
    stage.operator.stop()
    stage.mark()
    calls = len(gitlab.audit())
    program = another_version(tmp_path)
    stage.operator.start(prefix=("sh", "-c", 'shift; exec "$0" "$@"', str(program)))
    assert '"9.9.9"' in stage.operator.page("metrics") or "9.9.9" in stage.operator.logs()
    stage.wait_quiet()
    assert stage.writes() == []
    assert [runner.child("manager")["metadata"] for runner in runners] == before
    assert len(gitlab.audit()) == calls



def as_0_1_0_wrote_it(stage: Stage, child: dict) -> None:
    """By apply alone, of all that is in it: its owner's kind was not said, and the fingerprint was another manifest's."""
    meta = {key: child["metadata"][key] for key in ("name", "namespace", "labels", "annotations", "ownerReferences",
                                                    "finalizers") if key in child["metadata"]}
    meta["annotations"] = meta["annotations"] | {OWNER: meta["annotations"][OWNER].partition("/")[2],
                                                 APPLIED_HASH: "0123456789abcdef"}
    body = {key: value for key, value in child.items() if key != "status"} | {"metadata": meta}
    entries = [entry | {"operation": "Apply"} for entry in child["metadata"]["managedFields"]
               if entry["manager"] == FIELD_MANAGER]
    stage.kube.patch(child["kind"], meta["name"], {"metadata": {"managedFields": entries}}, meta["namespace"])
    answer = stage.kube.call("PATCH", stage.kube.path(child["kind"], meta["namespace"], meta["name"]),
                             params={"fieldManager": FIELD_MANAGER, "force": "true"}, data=json.dumps(body),
                             headers={"Content-Type": "application/apply-patch+yaml"})
    assert answer.ok, answer.text


def test_c14_what_0_1_0_wrote_is_known_and_written_once(stage: Stage, gitlab: GitLabAdmin) -> None:
    """Nothing is registered anew, no manager rolls."""
    runner, jobs = with_jobs_elsewhere(stage)
    stage.operator.stop()
    places = [(what, stage.name) for what in ("token", "config", "account", "manager")] + [("binding", jobs)]
    before = [runner.child(what, ns) for what, ns in places]
    for child in before:
        assert child["metadata"]["annotations"][OWNER] == f"GitLabRunner/{stage.name}/builds"
        as_0_1_0_wrote_it(stage, child)
    stage.mark()
    calls = len(gitlab.audit("POST"))
    stage.operator.start()
    stage.wait_quiet()
    counts = Counter(f"{entry.method} {entry.path}" for entry in stage.requests(WRITES, f".*/namespaces/{stage.name}.*/.*")
                     if "/events" not in entry.path and "/gitlabrunners/" not in entry.path)
    assert set(counts.values()) == {1} and all(key.startswith("PATCH ") for key in counts), counts
    assert len(gitlab.audit("POST")) == calls
    for (what, ns), child in zip(places, before):
        now = runner.child(what, ns)
        if what != "token":     # which is written with the next token
            for key in OWNER, APPLIED_HASH:
                assert now["metadata"]["annotations"][key] == child["metadata"]["annotations"][key]
        assert now["metadata"]["uid"] == child["metadata"]["uid"]
        assert now.get("spec", {}).get("template") == child.get("spec", {}).get("template")
    runner.delete()
    runner.wait_gone()
    wait_for("the binding, too", lambda: runner.child("binding", jobs) is None)
