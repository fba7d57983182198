"""A job as the runner gets it."""
from __future__ import annotations

from yarl import URL

from . import repos
from .api import Call
from .models import Job, Pipeline, Project, Runner

TIMEOUT = 3600
FAILURE_REASONS = ["unknown_failure", "script_failure", "api_failure", "stuck_or_timeout_failure",
                   "runner_system_failure", "runner_unsupported", "job_execution_timeout", "image_pull_failure"]


def payload(call: Call, job: Job, runner: Runner) -> dict:
    pipeline, project = call.state.pipelines[job.pipeline_id], call.state.projects[job.project_id]
    return {
        "id": job.id, "token": job.token, "allow_git_fetch": True,
        "job_info": {"id": job.id, "name": job.name, "stage": job.stage, "project_id": project.id,
                     "project_name": project.name},
        "git_info": git_info(call, pipeline, project, job),
        "runner_info": {"timeout": min(TIMEOUT, runner.maximum_timeout or TIMEOUT), "runner_session_url": None},
        "variables": variables(call, job, runner), "steps": steps(job), "image": job.image,
        "services": job.services, "artifacts": artifacts(job), "cache": [cache(row) for row in job.cache],
        "credentials": [], "dependencies": dependencies(job, pipeline), "hooks": [], "policy_options": None,
        "features": {"trace_sections": True, "failure_reasons": FAILURE_REASONS}}


def git_info(call: Call, pipeline: Pipeline, project: Project, job: Job) -> dict:
    kept = f"refs/pipelines/{pipeline.id}"
    return {
        "repo_url": repo_url(call, project, job.token), "ref": pipeline.ref, "sha": pipeline.sha,
        "before_sha": "0" * 40, "ref_type": "branch", "depth": 20,
        "repo_object_format": "sha1", "protected": pipeline.protected,
        "refspecs": [f"+{kept}:{kept}", f"+refs/heads/{pipeline.ref}:refs/remotes/origin/{pipeline.ref}"]}


def repo_url(call: Call, project: Project, token: str) -> str:
    return f"{URL(call.url).with_user('gitlab-ci-token').with_password(token)}".rstrip("/") + f"/{project.path}.git"


def variables(call: Call, job: Job, runner: Runner) -> list[dict]:
    """GitLab's own first, so that the project's win."""
    pipeline, project = call.state.pipelines[job.pipeline_id], call.state.projects[job.project_id]
    server = URL(call.url)
    predefined = {
        "CI": "true", "GITLAB_CI": "true", "CI_SERVER": "yes", "CI_SERVER_NAME": "GitLab",
        "CI_SERVER_URL": call.url, "CI_SERVER_HOST": server.host, "CI_SERVER_PORT": str(server.port),
        "CI_SERVER_PROTOCOL": server.scheme, "CI_SERVER_VERSION": call.state.settings.version,
        "CI_API_V4_URL": f"{call.url}/api/v4", "CI_JOB_ID": str(job.id), "CI_JOB_NAME": job.name,
        "CI_JOB_STAGE": job.stage, "CI_JOB_URL": f"{call.url}/{project.path}/-/jobs/{job.id}",
        "CI_PIPELINE_ID": str(pipeline.id), "CI_PIPELINE_IID": str(pipeline.id), "CI_PIPELINE_SOURCE": "push",
        "CI_PROJECT_ID": str(project.id), "CI_PROJECT_NAME": project.path.rpartition("/")[2],
        "CI_PROJECT_PATH": project.path, "CI_PROJECT_NAMESPACE": project.path.rpartition("/")[0],
        "CI_PROJECT_URL": f"{call.url}/{project.path}", "CI_DEFAULT_BRANCH": repos.BRANCH,
        "CI_COMMIT_SHA": pipeline.sha, "CI_COMMIT_SHORT_SHA": pipeline.sha[:8], "CI_COMMIT_REF_NAME": pipeline.ref,
        "CI_COMMIT_REF_SLUG": pipeline.ref, "CI_COMMIT_BRANCH": pipeline.ref, "CI_COMMIT_TITLE": pipeline.title,
        "CI_COMMIT_BEFORE_SHA": "0" * 40, "CI_RUNNER_ID": str(runner.id),
        "CI_RUNNER_DESCRIPTION": runner.description or "", "CI_RUNNER_TAGS": ", ".join(runner.tag_list)}
    secret = {"CI_JOB_TOKEN": job.token, "CI_REPOSITORY_URL": repo_url(call, project, job.token)}
    return ([{"key": key, "value": value, "public": True, "masked": False}
             for key, value in (predefined | job.variables).items()]
            + [{"key": key, "value": value, "public": False, "masked": key == "CI_JOB_TOKEN"}
               for key, value in secret.items()])


def steps(job: Job) -> list[dict]:
    scripts = [("script", job.script, "on_success", False), ("after_script", job.after_script, "always", True)]
    return [{"name": name, "script": script, "timeout": TIMEOUT, "when": when, "allow_failure": allow_failure}
            for name, script, when, allow_failure in scripts if script]


def artifacts(job: Job) -> list[dict]:
    if not job.artifacts:
        return []
    wanted = job.artifacts
    return [{"name": wanted.get("name"), "untracked": bool(wanted.get("untracked")), "paths": wanted.get("paths", []),
             "exclude": wanted.get("exclude", []), "when": wanted.get("when", "on_success"),
             "expire_in": wanted.get("expire_in"), "artifact_type": "archive", "artifact_format": "zip"}]


def cache(row: dict) -> dict:
    return {"key": row.get("key", "default"), "untracked": bool(row.get("untracked")), "paths": row.get("paths", []),
            "policy": row.get("policy", "pull-push"), "when": row.get("when", "on_success"), "fallback_keys": []}


def dependencies(job: Job, pipeline: Pipeline) -> list[dict]:
    """What the earlier stages have made."""
    earlier = pipeline.stages[:pipeline.stages.index(job.stage)]
    return [{"id": row.id, "name": row.name, "token": job.token,
             "artifacts_file": {"filename": row.archive_name, "size": len(row.archive)}}
            for row in pipeline.jobs if row.stage in earlier and row.archive is not None]
