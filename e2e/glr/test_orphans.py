"""orphans: runners at GitLab that have our mark and no object; which of them may be removed, and which stay."""
from __future__ import annotations

import json

import requests

from cluster import Kube
from gitlab_admin import GitLabAdmin
from glr.desk import Desk
from operator_pod import NAMESPACE, ORPHANS
from places import GITLAB_IP

DAY = 24 * 3600
MARK = "gitlab-runners.dev/uid="
BY_ADDRESS = f"http://{GITLAB_IP}"      # of the stand-in, whose name no DNS knows


def leave_behind(desk: Desk, kube: Kube) -> tuple[int, str]:
    """A runner whose object was deleted by force, while no operator ran; its number and the object's uid."""
    runner = desk.runner("accessToken", name="old", manager={"replicas": 0})
    runner.wait()
    number, uid = runner.status()["runnerId"], runner.uid()
    desk.operator.stop()
    kube.patch("GitLabRunner", "old", {"metadata": {"finalizers": None}}, desk.name)
    runner.delete()
    runner.wait_gone()
    return number, uid


def found(desk: Desk, *options: str, code: int = 1) -> dict[int, dict]:
    tree = json.loads(desk.glr("orphans", "-o", "json", *options, code=code).stdout)
    assert tree["complete"]
    return {row["runner"]: row for row in tree["orphans"]}


def test_a_runner_without_its_object_is_removed_when_it_is_at_rest(desk: Desk, kube: Kube, gitlab: GitLabAdmin) -> None:
    secret = desk.access_token()["token"]
    living = desk.unmanned("accessToken")
    living.wait()
    assert found(desk, code=0) == {} and "No orphans among 1 runners" in desk.glr("orphans").stderr
    number, uid = leave_behind(desk, kube)

    row = found(desk)[number]
    assert row["uid"] == uid and row["trace"].startswith(f"Secret {desk.name}/old-runner-") and not row["mayBeRemoved"]
    assert row["kept"] == "it was made within a day"
    said = desk.glr("orphans", "--remove", str(number), code=1)
    assert f"my.gitlab.com/{number}: not removed: it was made within a day" in said.stderr and not said.stdout

    gitlab.advance_clock(2 * DAY)
    shown = desk.glr("orphans", code=1).stdout
    assert f"no object has uid {uid}; this cluster's, by Secret" in shown and "never" in shown, shown
    assert desk.glr("orphans", "--remove", "--all", code=2).stderr.startswith("orphans: --remove --all needs --yes")
    assert len(gitlab.runners()) == 2
    assert desk.glr("orphans", "--remove", "--all", "--yes").stdout == f"my.gitlab.com/{number} removed\n"
    assert [r["id"] for r in gitlab.runners()] == [living.status()["runnerId"]]
    assert "no orphan has this number" in desk.glr("orphans", "--remove", str(number), code=1).stderr
    assert secret not in shown + said.stderr


def test_who_has_asked_for_jobs_lately_stays(desk: Desk, kube: Kube, gitlab: GitLabAdmin) -> None:
    desk.access_token()
    assert "name one with --credential" in desk.glr("orphans", code=4).stderr
    desk.unmanned("accessToken").wait()
    number, _ = leave_behind(desk, kube)
    gitlab.advance_clock(2 * DAY)
    token = next(row["token"] for row in gitlab.runners() if row["id"] == number)
    answer = requests.post(f"{BY_ADDRESS}/api/v4/runners/verify", json={"token": token}, timeout=10)
    assert answer.status_code == 200
    assert found(desk)[number]["kept"] == "it has asked for jobs within a day"
    assert "within a day" in desk.glr("orphans", "--remove", str(number), code=1).stderr
    gitlab.advance_clock(DAY + 60)
    desk.glr("orphans", "--remove", f"my.gitlab.com/{number}")
    assert number not in [row["id"] for row in gitlab.runners()]


def test_another_clusters_runner_stays_until_somebody_knows_better(desk: Desk, kube: Kube, gitlab: GitLabAdmin) -> None:
    token = desk.access_token()
    desk.unmanned("accessToken").wait()
    number = max(r["id"] for r in gitlab.runners())
    other = "00000000-0000-4000-8000-000000000000"
    desk.operator.stop()
    gitlab.change_runner(number, maintenance_note=f"{MARK}{other}")
    kube.patch("GitLabRunner", "builds", {"status": {"runnerId": 99}}, desk.name, "/status")
    gitlab.advance_clock(2 * DAY)
    assert "nothing in this cluster knows its uid" in found(desk)[number]["kept"]
    desk.glr("orphans", "--remove", "--all", "--yes", code=1)
    assert len(gitlab.runners()) == 1
    named = ("--credential", f"{desk.name}/gitlab/access-token", "--url", BY_ADDRESS)
    assert found(desk, *named)[number]["uid"] == other
    desk.glr("orphans", "--remove", str(number), "--uid", other)
    assert gitlab.runners() == [] and token["token"]


def test_the_ledger_is_shown(desk: Desk, kube: Kube) -> None:
    desk.access_token()
    desk.operator.kill()
    desk.operator.start("--leader-elect", "true")
    entry = {"url": "https://gone.example", "runnerId": 5, "uid": "u", "namespace": "ci", "name": "old",
             "token": "glrt-secret", "reason": "no answer", "time": "2026-01-01T00:00:00Z"}
    kube.patch("Secret", ORPHANS, {"stringData": {"u.5": json.dumps(entry)}}, NAMESPACE)
    desk.unmanned("accessToken")
    said = desk.glr("orphans", code=1).stdout
    assert "gone.example" in said and "in the ledger since 2026-01-01T00:00:00Z" in said and "glrt-" not in said, said
