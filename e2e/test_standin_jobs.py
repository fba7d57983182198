"""Pipelines and jobs over the API: which runner gets which job, traces in pieces, artifacts, clones."""
from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from gitlab_admin import GitLabAdmin, StandinError
from standin_fixtures import Api, Standin, api, gitlab, standin  # noqa: F401 (fixtures)

TWO_STAGES = """
stages: [build, test]
variables: {GREETING: hello}
compile:
  stage: build
  tags: [kubernetes]
  image: busybox
  script: [echo $GREETING, make]
  artifacts: {paths: [out], expire_in: 1 week}
verify:
  stage: test
  tags: [kubernetes]
  before_script: prepare
  script: test
"""


class Worker:
    """A runner reduced to its calls."""

    def __init__(self, api: Api, registration_token: str, **attributes) -> None:
        self.api = api
        body = {"token": registration_token, **attributes}
        self.token = api.call("POST", "/runners", body).json()["token"]

    def take(self) -> dict | None:
        answer = self.api.call("POST", "/jobs/request", {"token": self.token, "system_id": "s_1"})
        return answer.json() if answer.status_code == 201 else None

    def report(self, job: dict, state: str, **more) -> object:
        return self.api.call("PUT", f"/jobs/{job['id']}", {"token": job["token"], "state": state, **more})

    def log(self, job: dict, text: bytes, start: int, end: int | None = None) -> object:
        headers = {"JOB-TOKEN": job["token"], "Content-Type": "text/plain",
                   "Content-Range": f"{start}-{start + len(text) - 1 if end is None else end}"}
        return self.api.call("PATCH", f"/jobs/{job['id']}/trace", headers=headers, data=text)


@pytest.fixture
def project(gitlab: GitLabAdmin) -> dict:
    return gitlab.add_project("app", files={".gitlab-ci.yml": TWO_STAGES, "a": "1"})


@pytest.fixture
def worker(api: Api, project: dict) -> Worker:
    return Worker(api, project["runners_token"], tag_list="kubernetes", run_untagged=False)


def statuses(gitlab: GitLabAdmin, pipeline: dict) -> list[str]:
    shown = gitlab.pipeline(pipeline["id"])
    return [shown["status"], *[job["status"] for job in shown["jobs"]]]


def test_stages_run_one_after_the_other(gitlab, worker, project) -> None:
    pipeline = gitlab.start_pipeline(project["id"])
    assert statuses(gitlab, pipeline) == ["pending", "pending", "created"]
    compile_job = worker.take()
    assert worker.take() is None
    assert worker.report(compile_job, "success").headers["Job-Status"] == "success"
    assert statuses(gitlab, pipeline) == ["running", "success", "pending"]
    verify_job = worker.take()
    worker.report(verify_job, "success")
    assert statuses(gitlab, pipeline) == ["success", "success", "success"]


def test_each_change_of_a_pipeline_can_be_followed(gitlab, worker, project) -> None:
    started = gitlab.start_pipeline(project["id"])
    job = worker.take()
    running = gitlab.pipeline(started["id"], wait=10, seen=started)
    worker.report(job, "failed")
    failed = gitlab.pipeline(started["id"], wait=10, seen=running)
    assert [document["status"] for document in (started, running, failed)] == ["pending", "running", "failed"]


def test_a_failed_stage_skips_the_next(gitlab, worker, project) -> None:
    pipeline = gitlab.start_pipeline(project["id"])
    worker.report(worker.take(), "failed", failure_reason="script_failure", exit_code=3)
    assert statuses(gitlab, pipeline) == ["failed", "failed", "skipped"]
    job = gitlab.pipeline(pipeline["id"])["jobs"][0]
    assert (job["failure_reason"], job["exit_code"]) == ("script_failure", 3)


def test_a_job_carries_what_a_runner_needs(gitlab, worker, project, standin: Standin) -> None:
    pipeline = gitlab.start_pipeline(project["id"])
    job = worker.take()
    variables = {v["key"]: v["value"] for v in job["variables"]}
    assert job["image"] == {"name": "busybox"}
    assert job["steps"][0]["script"] == ["echo $GREETING", "make"]
    assert (variables["GREETING"], variables["CI_JOB_NAME"], variables["CI_COMMIT_SHA"]) == (
        "hello", "compile", pipeline["sha"])
    host = standin.url.removeprefix("http://")
    assert job["git_info"]["repo_url"] == f"http://gitlab-ci-token:{job['token']}@{host}/root/app.git"
    assert job["artifacts"][0]["paths"] == ["out"]


@pytest.mark.parametrize("attributes, fits", [
    ({"tag_list": "kubernetes"}, True),
    ({"tag_list": "kubernetes,other"}, True),
    ({"tag_list": "other"}, False),
    ({}, False),
    ({"tag_list": "kubernetes", "access_level": "ref_protected"}, True),
    ({"tag_list": "kubernetes", "locked": True}, True),
])
def test_a_runner_gets_only_jobs_whose_tags_it_has(attributes, fits, gitlab, api, project) -> None:
    runner = Worker(api, project["runners_token"], **attributes)
    gitlab.start_pipeline(project["id"])
    assert (runner.take() is not None) == fits


@pytest.mark.parametrize("attributes, fits", [
    ({"tag_list": "a"}, True), ({"tag_list": "a", "run_untagged": False}, False)])
def test_an_untagged_job_goes_to_runners_that_take_such(attributes, fits, gitlab, api) -> None:
    project = gitlab.add_project("app", files={".gitlab-ci.yml": "test: {script: ok}"})
    runner = Worker(api, project["runners_token"], **attributes)
    gitlab.start_pipeline(project["id"])
    assert (runner.take() is not None) == fits


def test_a_protected_runner_leaves_other_branches_alone(gitlab, api, project) -> None:
    gitlab.call("POST", f"/projects/{project['id']}/files", {"files": {".gitlab-ci.yml": TWO_STAGES}, "ref": "feature"})
    runner = Worker(api, project["runners_token"], tag_list="kubernetes", access_level="ref_protected")
    gitlab.start_pipeline(project["id"], "feature")
    assert runner.take() is None


def test_another_projects_runner_gets_nothing(gitlab, api, project) -> None:
    other = gitlab.add_project("other")
    runner = Worker(api, other["runners_token"], tag_list="kubernetes")
    gitlab.start_pipeline(project["id"])
    assert runner.take() is None


def test_a_job_without_a_matching_runner_is_stuck(gitlab, api, project) -> None:
    Worker(api, project["runners_token"], tag_list="other").take()
    job = gitlab.start_pipeline(project["id"])["jobs"][0]
    assert job["status"] == "pending"
    assert job["stuck"].startswith("This build is stuck") and job["stuck"].endswith(": kubernetes")
    Worker(api, project["runners_token"], tag_list="kubernetes").take()
    assert gitlab.job(job["id"])["stuck"] is None


# Traces

def test_a_trace_grows_piece_by_piece(gitlab, worker, project) -> None:
    gitlab.start_pipeline(project["id"])
    job = worker.take()
    first, second = worker.log(job, b"one\n", 0), worker.log(job, b"\x1b[0;33mtwo\x1b[0m\n", 4)
    assert (first.status_code, first.headers["Range"], first.headers["Job-Status"]) == (202, "0-4", "running")
    assert second.headers["Range"] == "0-19"
    assert gitlab.trace(job["id"]) == "one\ntwo\n"


@pytest.mark.parametrize("start, end", [(3, None), (5, None), (4, 9)])
def test_a_piece_in_the_wrong_place_is_refused_with_the_right_one(start, end, gitlab, worker, project) -> None:
    gitlab.start_pipeline(project["id"])
    job = worker.take()
    worker.log(job, b"one\n", 0)
    answer = worker.log(job, b"two\n", start, end)
    assert (answer.status_code, answer.json()) == (416, {"error": "416 Range Not Satisfiable"})
    assert answer.headers["Range"] == "0-4"


def test_a_piece_without_its_place_is_refused(worker, gitlab, project, api) -> None:
    gitlab.start_pipeline(project["id"])
    job = worker.take()
    answer = api.call("PATCH", f"/jobs/{job['id']}/trace", headers={"JOB-TOKEN": job["token"]}, data=b"x")
    assert (answer.status_code, answer.json()) == (400, {"error": "400 Missing header Content-Range"})


def test_what_has_ended_takes_no_more_reports(gitlab, worker, project) -> None:
    gitlab.start_pipeline(project["id"])
    job = worker.take()
    gitlab.cancel_job(job["id"])
    for answer in (worker.report(job, "success"), worker.log(job, b"x", 0)):
        assert answer.json() == {"message": "403 Forbidden - Job is not processing on runner"}
        assert (answer.status_code, answer.headers["Job-Status"]) == (403, "canceled")


def test_jobs_survive_the_rotation_of_their_runners_token(gitlab, worker, project, api) -> None:
    gitlab.start_pipeline(project["id"])
    job = worker.take()
    api.call("POST", "/runners/reset_authentication_token", {"token": worker.token})
    assert worker.report(job, "success").status_code == 200


# Artifacts and clones

def test_artifacts_reach_the_next_stage(gitlab, worker, project, api) -> None:
    gitlab.start_pipeline(project["id"])
    job = worker.take()
    content = bytes(range(256)) * 100
    sent = api.call("POST", f"/jobs/{job['id']}/artifacts?artifact_type=archive", headers={"JOB-TOKEN": job["token"]},
                    files={"file": ("artifacts.zip", content)})
    assert sent.status_code == 201
    worker.report(job, "success")
    following = worker.take()
    needed = following["dependencies"][0]
    assert needed["artifacts_file"] == {"filename": "artifacts.zip", "size": len(content)}
    got = api.call("GET", f"/jobs/{needed['id']}/artifacts", headers={"JOB-TOKEN": needed["token"]})
    assert got.content == content == gitlab.artifacts(job["id"])


def clone(url: str, where: Path) -> subprocess.CompletedProcess:
    environment = {"PATH": "/usr/bin:/bin", "GIT_TERMINAL_PROMPT": "0", "HOME": str(where.parent)}
    return subprocess.run(["git", "clone", "-q", url, str(where)], env=environment, capture_output=True, text=True)


def test_a_running_jobs_token_clones_its_project_and_no_other(gitlab, worker, project, tmp_path) -> None:
    gitlab.add_project("other", files={"a": "1"})
    gitlab.start_pipeline(project["id"])
    job = worker.take()
    url = job["git_info"]["repo_url"]
    assert clone(url, tmp_path / "own").returncode == 0
    assert (tmp_path / "own/a").read_text() == "1"
    foreign = clone(url.replace("/app.git", "/other.git"), tmp_path / "foreign")
    assert foreign.returncode != 0 and "not found" in foreign.stderr
    worker.report(job, "success")
    ended = clone(url, tmp_path / "ended")
    assert ended.returncode != 0 and "Authentication failed" in ended.stderr


def test_an_access_token_clones_when_its_scope_allows(gitlab, project, standin, tmp_path) -> None:
    for scope, works in (("read_repository", True), ("read_user", False)):
        token = gitlab.add_token(scope, project_id=project["id"], role="developer")["token"]
        url = standin.url.replace("http://", f"http://oauth2:{token}@") + "/root/app.git"
        assert (clone(url, tmp_path / scope).returncode == 0) == works


def test_nobody_pushes_over_http(gitlab, worker, project, tmp_path) -> None:
    gitlab.start_pipeline(project["id"])
    url = worker.take()["git_info"]["repo_url"]
    clone(url, tmp_path / "own")
    pushed = subprocess.run(["git", "-C", str(tmp_path / "own"), "push", "-q", url, "HEAD:refs/heads/x"],
                            capture_output=True, text=True)
    assert pushed.returncode != 0 and "403" in pushed.stderr


# Configurations that make no pipeline

@pytest.mark.parametrize("text, complaint", [
    ("stages: [build]", "jobs config should contain at least one visible job"),
    ("test: {script: x, stage: nowhere}", "test job: chosen stage nowhere does not exist"),
    ("test: {script: x, shell: y}", "jobs:test config contains unknown keys: shell"),
    ("test: {image: x}", "jobs test config should implement the script:, run:, or trigger: keyword"),
    ("test: [", "Invalid configuration format"),
])
def test_a_wrong_configuration_is_explained(text, complaint, gitlab) -> None:
    project = gitlab.add_project("app", files={".gitlab-ci.yml": text})
    with pytest.raises(StandinError, match=complaint.split(":")[0]) as refused:
        gitlab.start_pipeline(project["id"])
    assert complaint in str(refused.value)


def test_pushed_files_are_in_the_next_pipeline(gitlab, project) -> None:
    before = gitlab.start_pipeline(project["id"])
    sha = gitlab.push(project["id"], {".gitlab-ci.yml": "only: {script: x}", "a": None})
    after = gitlab.start_pipeline("root/app")
    assert (after["sha"], [job["name"] for job in after["jobs"]]) == (sha, ["only"])
    assert before["sha"] != sha
