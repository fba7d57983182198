"""The real gitlab-runner takes the stand-in for GitLab: it registers, verifies, rotates, leaves, and runs jobs."""
from __future__ import annotations

import os
import re
import signal
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import requests

from gitlab_admin import GitLabAdmin
from standin.pki import Authority
from standin.seeds import SPRING_DEVOPS
from standin_fixtures import Standin, gitlab, runner_program, standin  # noqa: F401 (fixtures)

COLOURS = re.compile(r"\x1b\[[0-9;]*m")
OLD_TOKEN = "g-twenty-characters1"


class GitLabRunner:
    """The program with a configuration of its own."""

    def __init__(self, program: Path, folder: Path, url: str) -> None:
        self.program, self.folder, self.url = program, folder, url
        self.config = folder / "config.toml"
        self.environment = {"HOME": str(folder), "PATH": os.environ["PATH"], "CONFIG_FILE": str(self.config)}

    def __call__(self, *words: str) -> tuple[int, str]:
        done = subprocess.run([self.program, *words], env=self.environment, capture_output=True, text=True, timeout=60)
        return done.returncode, COLOURS.sub("", done.stdout + done.stderr)

    def register(self, *words: str) -> tuple[int, str]:
        return self("register", "--non-interactive", "--url", self.url, "--executor", "shell",
                    "--name", "kubernetes-runner", *words)

    def registered(self) -> dict:
        return tomllib.loads(self.config.read_text())["runners"][0]

    @contextmanager
    def running(self) -> Iterator[None]:
        """Takes jobs until the block ends, then stops gracefully."""
        text = self.config.read_text().replace("check_interval = 0", "check_interval = 1")
        self.config.write_text(text)
        with (self.folder / "run.log").open("wb") as log:
            process = subprocess.Popen([self.program, "run", "--working-directory", self.folder],
                                       env=self.environment, stdout=log, stderr=log)
        try:
            yield
        finally:
            process.send_signal(signal.SIGQUIT)
            try:
                assert process.wait(20) == 0, (self.folder / "run.log").read_text()
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
                raise


@pytest.fixture
def runner(standin: Standin, gitlab: GitLabAdmin, tmp_path: Path) -> GitLabRunner:
    return GitLabRunner(runner_program(), tmp_path, standin.url)


@pytest.fixture
def project(gitlab: GitLabAdmin) -> dict:
    return gitlab.add_project("spring-devops", registration_token=OLD_TOKEN, files=SPRING_DEVOPS)


def create(gitlab: GitLabAdmin, url: str, **attributes) -> dict:
    token = gitlab.add_token("create_runner", admin=True)["token"]
    body = {"runner_type": "instance_type", **attributes}
    return requests.post(url + "/api/v4/user/runners", json=body, headers={"PRIVATE-TOKEN": token}, timeout=10).json()


# Registration

@pytest.mark.parametrize("legacy", [0, 20, 30])
def test_it_registers_with_a_registration_token(legacy, runner, gitlab, project) -> None:
    gitlab.settings(legacy_tokens=legacy)
    status, output = runner.register("--registration-token", OLD_TOKEN, "--tag-list", "kubernetes,java",
                                     "--run-untagged=false", "--locked=false", "--maximum-timeout", "900")
    assert status == 0, output
    assert "Registering runner... succeeded" in output
    row = gitlab.runners()[0]
    assert (row["description"], row["tag_list"], row["run_untagged"], row["locked"], row["maximum_timeout"]) == (
        "kubernetes-runner", ["kubernetes", "java"], False, False, 900)
    assert runner.registered()["token"] == row["token"]
    assert runner.registered()["id"] == row["id"]
    assert len(gitlab.audit("POST", "/api/v4/runners")) == 1


def test_it_registers_with_an_authentication_token(runner, gitlab, standin) -> None:
    created = create(gitlab, standin.url, tag_list="a")
    status, output = runner.register("--token", created["token"])
    assert status == 0, output
    assert runner.registered()["token"] == created["token"]
    assert [call["path"] for call in gitlab.audit(path="/api/v4/runners.*")] == ["/api/v4/runners/verify"]


def test_it_keeps_the_expiry_of_its_token(runner, gitlab, project) -> None:
    gitlab.change_project(project["id"], runner_token_expiration_interval=86_400)
    runner.register("--registration-token", OLD_TOKEN)
    lifetime = runner.registered()["token_expires_at"] - runner.registered()["token_obtained_at"]
    assert abs(lifetime.total_seconds() - 86_400) < 5


@pytest.mark.parametrize("settings, words, complaint", [
    ({}, ("--registration-token", "wrong"), "403 Forbidden"),
    ({"allow_runner_registration_token": False}, ("--registration-token", OLD_TOKEN),
     "410 Gone - runner registration disallowed"),
    ({}, ("--registration-token", OLD_TOKEN, "--maintenance-note", "x" * 1025),
     "maintenance_note: is too long (maximum is 1024 characters)"),
    ({}, ("--registration-token", OLD_TOKEN, "--maximum-timeout", "5"),
     "maximum_timeout: needs to be at least 10 minutes"),
    ({}, ("--token", "glrt-wrong"), "is not valid"),
])
def test_it_understands_why_it_is_refused(settings, words, complaint, runner, gitlab, project) -> None:
    gitlab.settings(**settings)
    status, output = runner.register(*words)
    assert status == 1
    assert complaint in output
    assert "PANIC: Failed to " in output
    assert gitlab.runners() == []


def test_it_gives_up_where_there_is_no_gitlab_api(runner, standin, gitlab) -> None:
    runner.url = standin.url + "/no-gitlab-here"
    status, output = runner.register("--registration-token", OLD_TOKEN)
    assert status == 1 and "404 Not Found" in output


# Life with a token

def test_it_verifies_lists_and_unregisters(runner, gitlab, project) -> None:
    runner.register("--registration-token", OLD_TOKEN)
    status, output = runner("verify")
    assert status == 0 and "is alive" in output
    manager = gitlab.runners()[0]["managers"][0]
    assert re.fullmatch("[sr]_[0-9a-zA-Z]{12}", manager["system_id"])
    assert manager["version"].startswith("19.")
    assert "kubernetes-runner" in runner("list")[1]
    status, output = runner("unregister", "--all-runners")
    assert status == 0 and "Unregistering runner from GitLab succeeded" in output
    assert gitlab.runners() == []


def test_unregistering_a_created_runner_removes_only_its_manager(runner, gitlab, standin) -> None:
    created = create(gitlab, standin.url)
    runner.register("--token", created["token"])
    runner("verify")
    assert len(gitlab.runner(created["id"])["managers"]) == 1
    status, output = runner("unregister", "--all-runners")
    assert status == 0, output
    assert gitlab.runner(created["id"])["managers"] == []


def test_it_notices_that_it_was_deleted(runner, gitlab, project) -> None:
    runner.register("--registration-token", OLD_TOKEN)
    gitlab.delete_runner(gitlab.runners()[0]["id"])
    status, output = runner("verify")
    assert status == 1 and "is removed" in output


def test_it_rotates_its_token(runner, gitlab, project) -> None:
    runner.register("--registration-token", OLD_TOKEN)
    old = runner.registered()["token"]
    status, output = runner("reset-token", "--all-runners")
    assert status == 0, output
    assert runner.registered()["token"] == gitlab.runners()[0]["token"] != old


def test_it_rotates_its_token_with_an_access_token(runner, gitlab, project) -> None:
    runner.register("--registration-token", OLD_TOKEN)
    old = runner.registered()["token"]
    access = gitlab.add_token("manage_runner", admin=True)["token"]
    status, output = runner("reset-token", "--all-runners", "--pat", access)
    assert status == 0, output
    assert runner.registered()["token"] == gitlab.runners()[0]["token"] != old


def test_it_sees_one_outage_of_the_proxy_through(runner, gitlab, project) -> None:
    gitlab.fault("html_502", "POST", "/api/v4/runners", count=2)
    status, output = runner.register("--registration-token", OLD_TOKEN)
    assert status == 0, output
    assert [call["status"] for call in gitlab.audit("POST", "/api/v4/runners")] == [502, 502, 201]


# Jobs

def test_it_runs_a_pipeline(runner, gitlab, project) -> None:
    """Two stages; each clones; the last leaves artifacts."""
    runner.register("--registration-token", OLD_TOKEN, "--tag-list", "kubernetes", "--run-untagged=false")
    pipeline = gitlab.start_pipeline(project["id"])
    with runner.running():
        ended = gitlab.pipeline(pipeline["id"], wait=40)
    traces = [gitlab.trace(job["id"]) for job in ended["jobs"]]
    assert ended["status"] == "success", "\n".join(traces)
    for trace, line in zip(traces, ("compiled src/main/java", "built target/spring-devops.jar")):
        assert line in trace and trace.rstrip().endswith("Job succeeded")
    assert gitlab.artifacts(ended["jobs"][1]["id"]).startswith(b"PK")
    clones = gitlab.audit("GET", "/root/spring-devops.git/info/refs")
    assert [call["status"] for call in clones] == [401, 200, 401, 200]


def test_it_runs_a_pipeline_over_https_with_a_private_ca(tmp_path) -> None:
    """Registration, polls, the clone and the artifacts trust the CA that the configuration names."""
    authority = Authority(tmp_path / "pki")
    pair = authority.server("my.gitlab.com", "127.0.0.1")
    with Standin("--seed", "article", "--tls-listen", "127.0.0.1:0", "--tls-cert", str(pair.cert),
                 "--tls-key", str(pair.key)) as started:
        runner = GitLabRunner(runner_program(), tmp_path, started.facts["tls_url"])
        words = "--registration-token", started.facts["registration_token"], "--tag-list", "kubernetes"
        status, output = runner.register(*words)
        assert status == 1 and "certificate signed by unknown authority" in output
        status, output = runner.register(*words, "--tls-ca-file", str(authority.ca.cert))
        assert status == 0, output
        pipeline = started.admin.start_pipeline("root/spring-devops")
        with runner.running():
            ended = started.admin.pipeline(pipeline["id"], wait=40)
        assert ended["status"] == "success", started.admin.trace(ended["jobs"][0]["id"])
        assert all(call["tls"] for call in started.admin.audit())


def test_it_reports_failures_and_hands_artifacts_on(runner, gitlab) -> None:
    """A job's artifacts reach the next one, whose exit code comes back."""
    project = gitlab.add_project("app", registration_token=OLD_TOKEN, files={".gitlab-ci.yml": """
build: {stage: build, script: [echo made > thing], artifacts: {paths: [thing]}}
test: {stage: test, variables: {GIT_STRATEGY: none}, script: [cat thing, exit 3]}
"""})
    runner.register("--registration-token", OLD_TOKEN)
    pipeline = gitlab.start_pipeline(project["id"])
    with runner.running():
        ended = gitlab.pipeline(pipeline["id"], wait=40)
    build, test = ended["jobs"]
    trace = gitlab.trace(test["id"])
    assert (build["status"], test["status"]) == ("success", "failed"), trace
    assert (test["failure_reason"], test["exit_code"]) == ("script_failure", 3)
    assert "Downloading artifacts" in trace and "\nmade\n" in trace
    assert "ERROR: Job failed: exit status 3" in trace
    assert (test["runner_id"], build["system_id"]) == (gitlab.runners()[0]["id"], test["system_id"])


def test_it_stops_a_job_that_was_cancelled(runner, gitlab) -> None:
    project = gitlab.add_project("app", registration_token=OLD_TOKEN, files={".gitlab-ci.yml": """
endless: {script: ["while echo still here; do sleep 0.2; done"]}
"""})
    runner.register("--registration-token", OLD_TOKEN)
    job = gitlab.start_pipeline(project["id"])["jobs"][0]
    with runner.running():
        gitlab.job(job["id"], status="running", wait=20)
        assert gitlab.audit("PATCH", f"/api/v4/jobs/{job['id']}/trace", count=1, wait=20)
        gitlab.cancel_job(job["id"])
    assert gitlab.job(job["id"])["status"] == "canceled"


def test_it_waits_in_held_polls_when_there_is_nothing_to_do(runner, gitlab, project) -> None:
    gitlab.settings(long_poll_seconds=20)
    runner.register("--registration-token", OLD_TOKEN, "--tag-list", "kubernetes")
    with runner.running():
        assert gitlab.audit(path="/api/v4/jobs/request", answered=False, count=1, wait=20)
        pipeline = gitlab.start_pipeline(project["id"])
        assert gitlab.pipeline(pipeline["id"], wait=40)["status"] == "success"
        gitlab.settings(long_poll_seconds=0)
        gitlab.change_runner(gitlab.runners()[0]["id"], paused=True)
