"""Pipelines: a subset of .gitlab-ci.yml read into jobs, and the stages run one after the other."""
from __future__ import annotations

from collections.abc import Callable
from typing import Any

import yaml

from . import tokens
from .models import Job, Pipeline, Project, Runner
from .repos import BRANCH, Repository
from .state import State

GLOBAL_KEYS = {"default", "image", "services", "before_script", "after_script", "variables", "stages", "cache"}
DEFAULT_KEYS = {"image", "services", "before_script", "after_script", "cache", "tags", "artifacts"}
JOB_KEYS = DEFAULT_KEYS | {"stage", "script", "variables", "allow_failure"}
DEFAULT_STAGES = ["build", "test", "deploy"]


class InvalidConfig(Exception):
    """The file cannot become a pipeline; the text is what GitLab would show."""


def lines(value: Any) -> list[str]:
    """A script: one string, or lists of them."""
    if isinstance(value, str):
        return [value]
    if not isinstance(value, list | None):
        raise InvalidConfig("script config should be a string or a nested array of strings up to 10 levels deep")
    return [line for part in value or [] for line in lines(part)]


def named(value: str | dict) -> dict:
    """An image or a service: its name alone, or a table."""
    return {"name": value} if isinstance(value, str) else value


def load(text: str) -> dict:
    try:
        document = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise InvalidConfig(f"Invalid configuration format: {problem}") from None
    if not isinstance(document, dict):
        raise InvalidConfig("Invalid configuration format")
    return document


def parse(text: str) -> tuple[list[str], dict[str, dict]]:
    """The stages, and the jobs by name with the defaults filled in."""
    document = load(text)
    jobs = {name: body for name, body in document.items() if name not in GLOBAL_KEYS and not name.startswith(".")}
    if not jobs:
        raise InvalidConfig("jobs config should contain at least one visible job")
    stages = [".pre", *document.get("stages", DEFAULT_STAGES), ".post"]
    defaults = {key: document[key] for key in DEFAULT_KEYS & set(document)} | document.get("default", {})
    return stages, {name: complete(name, body, defaults, document.get("variables", {}), stages)
                    for name, body in jobs.items()}


def complete(name: str, body: Any, defaults: dict, variables: dict, stages: list[str]) -> dict:
    if not isinstance(body, dict) or not body.get("script"):
        raise InvalidConfig(f"jobs {name} config should implement the script:, run:, or trigger: keyword")
    if unknown := sorted(set(body) - JOB_KEYS):
        raise InvalidConfig(f"jobs:{name} config contains unknown keys: {', '.join(unknown)}")
    job = {"stage": "test"} | defaults | body
    if job["stage"] not in stages:
        raise InvalidConfig(f"{name} job: chosen stage {job['stage']} does not exist; "
                            f"available stages are {', '.join(stages)}")
    job["variables"] = variables | body.get("variables", {})
    return job


def make_job(state: State, pipeline: Pipeline, name: str, body: dict) -> Job:
    caches = body.get("cache") or []
    return Job(
        id=state.next_id("job"), pipeline_id=pipeline.id, project_id=pipeline.project_id, name=name,
        stage=body["stage"], token=tokens.job_token(), created_at=state.now(),
        script=lines(body.get("before_script")) + lines(body["script"]),
        after_script=lines(body.get("after_script")), image=named(body["image"]) if "image" in body else None,
        services=[named(service) for service in body.get("services") or []],
        variables={key: str(value) for key, value in body["variables"].items()},
        tags=list(body.get("tags") or []), cache=[caches] if isinstance(caches, dict) else caches,
        artifacts=body.get("artifacts"), allow_failure=bool(body.get("allow_failure")))


async def start(state: State, project: Project, ref: str = BRANCH) -> Pipeline:
    """Reads the configuration at the tip of the branch and starts the first stage."""
    repository = Repository(state.data / "repos", project.path)
    sha = await repository.head(ref)
    text = await repository.read(sha, ".gitlab-ci.yml") if sha else None
    if text is None:
        raise InvalidConfig("Missing CI config file")
    stages, bodies = parse(text)
    pipeline = Pipeline(id=state.next_id("pipeline"), project_id=project.id, ref=ref, sha=sha,
                        title=await repository.title(sha), stages=stages, created_at=state.now(),
                        protected=ref == BRANCH)
    await repository.keep(sha, f"refs/pipelines/{pipeline.id}")
    pipeline.jobs = [make_job(state, pipeline, name, body) for name, body in bodies.items()]
    pipeline.jobs.sort(key=lambda job: stages.index(job.stage))
    state.pipelines[pipeline.id] = pipeline
    state.jobs.update((job.id, job) for job in pipeline.jobs)
    advance(state, pipeline)
    return pipeline


def advance(state: State, pipeline: Pipeline) -> None:
    """Makes the next stage pending when those before it are through, or skips what a failure has stopped."""
    stopped = False
    for stage in pipeline.stages:
        jobs = [job for job in pipeline.jobs if job.stage == stage]
        for job in jobs:
            if job.status == "created":
                enqueue(state, job) if not stopped else setattr(job, "status", "skipped")
        if not all(job.finished() for job in jobs):
            break
        stopped = stopped or any(job.status != "success" and not job.allow_failure for job in jobs)
    state.changed.fire()


def enqueue(state: State, job: Job) -> None:
    job.status = "pending"
    job.queued_at = state.now()
    for runner in state.runners.values():
        if fits(state, runner, job):
            state.tick(runner)


def fits(state: State, runner: Runner, job: Job) -> bool:
    """Whether GitLab would hand this job to this runner when it asks."""
    protected = state.pipelines[job.pipeline_id].protected
    return (state.serves(runner, state.projects[job.project_id])
            and set(job.tags) <= set(runner.tag_list)
            and (bool(job.tags) or runner.run_untagged)
            and (runner.access_level == "not_protected" or protected))


def next_job(state: State, runner: Runner) -> Job | None:
    return next((job for job in state.jobs.values() if job.status == "pending" and fits(state, runner, job)), None)


def finish(state: State, job: Job, status: str, failure_reason: str | None = None,
           exit_code: int | None = None) -> None:
    job.status, job.failure_reason, job.exit_code = status, failure_reason, exit_code
    job.finished_at = state.now()
    advance(state, state.pipelines[job.pipeline_id])


def stuck(state: State, job: Job) -> str | None:
    """Why a pending job will not start, in GitLab's words."""
    now = state.now()
    if job.status != "pending":
        return None
    if any(fits(state, r, job) and r.online(now) and not r.paused for r in state.runners.values()):
        return None
    text = "This build is stuck, because you don't have any active runners "
    if job.tags:
        return text + f"online with any of these tags assigned to them: {', '.join(job.tags)}"
    return text + "that can run this build"


def status(pipeline: Pipeline) -> str:
    """The first of these that fits, as GitLab's composite status goes."""
    states = [job.status for job in pipeline.jobs]
    hard = [job.status for job in pipeline.jobs if not job.allow_failure]
    rules: tuple[tuple[str, Callable[[], bool]], ...] = (
        ("running", lambda: "running" in states or ("pending" in states and "success" in states)),
        ("pending", lambda: "pending" in states),
        ("failed", lambda: "failed" in hard),
        ("canceled", lambda: "canceled" in hard),
        ("success", lambda: all(job.finished() for job in pipeline.jobs)),
    )
    return next((name for name, holds in rules if holds()), "created")
