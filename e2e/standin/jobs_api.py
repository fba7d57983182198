"""The job side of a runner: ask for a job, report its state, send its trace and artifacts, fetch those of others."""
from __future__ import annotations

import re

from aiohttp import web

from . import errors, pipelines
from .api import Call, Endpoints, no_content, reply
from .job_payload import payload
from .models import Job, Runner
from .params import Param, boolean, integer, table
from .runners_api import INFO, TOKEN, authenticated, heartbeat

endpoints = Endpoints()
ID = Param("id", integer, required=True)
LARGEST_POLL = 32 * 1024
POLLING = {"Gitlab-Ci-Builds-Polling": "yes"}


# Asking for a job

@endpoints.on("POST", "/jobs/request", TOKEN, Param("system_id"), Param("last_update"), INFO,
              Param("session", table))
async def request_job(call: Call) -> web.Response:
    """The proxy in front holds the call while nothing changes; then GitLab itself looks for a job."""
    if (call.request.content_length or 0) > LARGEST_POLL:
        return web.Response(status=413, text="Request Entity Too Large\n", headers=POLLING)
    if await held(call):
        return no_content(POLLING)
    runner = authenticated(call)
    heartbeat(call, runner)
    if runner.paused or call.params.get("last_update") == runner.queue_value:
        return nothing_new(runner)
    job = pipelines.next_job(call.state, runner)
    if job is None:
        return nothing_new(runner)
    hand_out(call, job, runner)
    return reply(201, payload(call, job, runner), POLLING)


async def held(call: Call) -> bool:
    """True when the call has waited; the answer is then empty even if there is news, and the runner asks again."""
    token, seen = call.params["token"], call.params.get("last_update")
    runner = call.state.runner_of_token.get(token)
    if runner is None or not seen or runner.queue_value != seen:
        return False
    duration = call.state.settings.long_poll_seconds
    if duration > 0:
        await runner.ticked.wait(lambda: runner.queue_value != seen, duration)
    return duration > 0


def nothing_new(runner: Runner) -> web.Response:
    return no_content(POLLING | {"X-GitLab-Last-Update": runner.queue_value})


def hand_out(call: Call, job: Job, runner: Runner) -> None:
    job.status, job.started_at = "running", call.state.now()
    job.runner_id, job.system_id = runner.id, call.params.get("system_id") or "<legacy>"
    call.state.changed.fire()


# Reporting on it

def running_job(call: Call) -> Job:
    """The job of the path, when the job's own token is presented and it is still running."""
    job = call.state.jobs.get(call.params["id"])
    presented = call.request.headers.get("JOB-TOKEN") or call.params.get("token")
    if job is None or not presented or job.token != presented:
        raise errors.forbidden()
    if job.status != "running":
        raise errors.forbidden("Job is not processing on runner", {"Job-Status": job.status})
    runner = call.state.runners.get(job.runner_id or 0)
    if runner:
        call.state.heartbeat(runner, job.system_id, call.params.get("info") or {})
    return job


def job_headers(call: Call, job: Job) -> dict[str, str]:
    return {"Job-Status": job.status,
            "X-GitLab-Trace-Update-Interval": str(call.state.settings.trace_update_interval)}


@endpoints.on("PUT", "/jobs/{id}", TOKEN, ID, Param("state"), Param("checksum"), Param("failure_reason"),
              Param("exit_code", integer), Param("output", table), INFO)
def update_job(call: Call) -> web.Response:
    job = running_job(call)
    state, reason = call.params.get("state"), call.params.get("failure_reason")
    if state == "success":
        pipelines.finish(call.state, job, "success")
    elif state == "failed":
        pipelines.finish(call.state, job, "failed", reason or "unknown_failure", call.params.get("exit_code"))
    elif state not in ("running", "pending"):
        return reply(400, 400, job_headers(call, job))
    return reply(200, 200, job_headers(call, job))


@endpoints.on("PATCH", "/jobs/{id}/trace", Param("token"), ID, Param("debug_trace", boolean))
async def append_trace(call: Call) -> web.Response:
    job = running_job(call)
    content_range = re.fullmatch(r"(\d+)-(\d+)", call.request.headers.get("Content-Range", ""))
    if content_range is None:
        raise errors.error(400, "400 Missing header Content-Range")
    first, last = map(int, content_range.groups())
    piece = await call.request.read()
    if first != len(job.trace) or last - first + 1 != len(piece):
        raise errors.Refusal(416, {"error": "416 Range Not Satisfiable"}, trace_headers(call, job))
    job.trace += piece
    call.state.changed.fire()
    return web.Response(status=202, headers=trace_headers(call, job))


def trace_headers(call: Call, job: Job) -> dict[str, str]:
    return job_headers(call, job) | {"Range": f"0-{len(job.trace)}"}


# Artifacts

@endpoints.on("POST", "/jobs/{id}/artifacts", Param("token"), ID, Param("expire_in"),
              Param("artifact_type"), Param("artifact_format"), Param("file", lambda field: field, required=True))
def upload_artifacts(call: Call) -> web.Response:
    """Archives are kept and handed on; the metadata that come as other types are accepted and dropped."""
    job, upload = running_job(call), call.params["file"]
    if not isinstance(upload, web.FileField):
        raise errors.error(400, "file is invalid")
    if call.params.get("artifact_type", "archive") == "archive":
        job.archive, job.archive_name = upload.file.read(), upload.filename
    return reply(201, {"message": "201 Created"})


@endpoints.on("GET", "/jobs/{id}/artifacts", Param("token"), ID, Param("direct_download", boolean))
def download_artifacts(call: Call) -> web.Response:
    """For the jobs of the same project, while they run."""
    job = call.state.jobs.get(call.params["id"])
    presented = call.request.headers.get("JOB-TOKEN") or call.params.get("token")
    asking = next((j for j in call.state.jobs.values() if j.token == presented and j.status == "running"), None)
    if job is None or asking is None or asking.project_id != job.project_id:
        raise errors.forbidden()
    if job.archive is None:
        raise errors.not_found()
    headers = {"Content-Disposition": f'attachment; filename="{job.archive_name}"'}
    return web.Response(body=job.archive, content_type="application/octet-stream", headers=headers)
