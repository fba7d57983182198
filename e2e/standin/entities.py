"""How runners, managers and jobs look in answers. A runner's token is never among it."""
from __future__ import annotations

from .api import Call
from .models import Job, Manager, Project, Runner


def execution_status(busy: bool) -> str:
    return "active" if busy else "idle"


def short_runner(call: Call, runner: Runner) -> dict:
    now = call.state.now()
    creator = call.state.users.get(runner.creator_id or 0)
    return {
        "id": runner.id, "description": runner.description, "ip_address": None,
        "active": not runner.paused, "paused": runner.paused, "is_shared": runner.runner_type == "instance_type",
        "runner_type": runner.runner_type, "name": runner.name, "online": runner.online(now),
        "status": runner.status(now),
        "job_execution_status": execution_status(bool(call.state.running_jobs(runner))),
        "created_at": runner.created_at, "created_by": user(call, creator) if creator else None}


def detailed_runner(call: Call, runner: Runner, include_projects: bool = True) -> dict:
    """The maintenance note is for those who may change the runner."""
    manager = runner.newest_manager()
    note = runner.maintenance_note if call.state.may_update(call.user, runner) else None
    document = short_runner(call, runner) | {
        "tag_list": runner.tag_list, "run_untagged": runner.run_untagged, "locked": runner.locked,
        "maximum_timeout": runner.maximum_timeout, "access_level": runner.access_level,
        "version": manager and manager.version, "revision": manager and manager.revision,
        "platform": manager and manager.platform, "architecture": manager and manager.architecture,
        "contacted_at": runner.contacted_at, "maintenance_note": note,
        "projects": [project(call, call.state.projects[i]) for i in runner.project_ids],
        "groups": [group(call, runner.group_id)] if runner.group_id else []}
    if not include_projects:
        del document["projects"]
    return document


def manager(call: Call, runner: Runner, row: Manager) -> dict:
    return {
        "id": row.id, "system_id": row.system_id, "version": row.version, "revision": row.revision,
        "platform": row.platform, "architecture": row.architecture, "created_at": row.created_at,
        "contacted_at": row.contacted_at, "ip_address": row.ip_address, "status": row.status(call.state.now()),
        "job_execution_status": execution_status(bool(call.state.running_jobs(runner, row.system_id)))}


def user(call: Call, row) -> dict:
    return {"id": row.id, "username": row.username, "name": row.name, "state": "active",
            "web_url": f"{call.url}/{row.username}"}


def group(call: Call, group_id: int) -> dict:
    row = call.state.groups[group_id]
    return {"id": row.id, "web_url": f"{call.url}/groups/{row.path}", "name": row.name}


def project(call: Call, row: Project) -> dict:
    return {"id": row.id, "description": None, "name": row.name, "name_with_namespace": row.path.replace("/", " / "),
            "path": row.path.rpartition("/")[2], "path_with_namespace": row.path}


def job(call: Call, row: Job) -> dict:
    pipeline = call.state.pipelines[row.pipeline_id]
    owner = call.state.projects[row.project_id]
    return {
        "id": row.id, "status": row.status, "stage": row.stage, "name": row.name, "ref": pipeline.ref, "tag": False,
        "coverage": None, "allow_failure": row.allow_failure, "created_at": row.created_at,
        "started_at": row.started_at, "finished_at": row.finished_at,
        "duration": seconds(row.started_at, row.finished_at or call.state.now()),
        "queued_duration": seconds(row.queued_at, row.started_at), "user": user(call, call.state.root),
        "commit": {"id": pipeline.sha, "short_id": pipeline.sha[:8]},
        "pipeline": {"id": pipeline.id, "sha": pipeline.sha, "ref": pipeline.ref},
        "web_url": f"{call.url}/{owner.path}/-/jobs/{row.id}", "project": project(call, owner)}


def seconds(start, end) -> float | None:
    return (end - start).total_seconds() if start and end else None
