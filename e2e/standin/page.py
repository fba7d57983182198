"""A page for people: runners, jobs and their traces. Refreshes itself, needs no script."""
from __future__ import annotations

from datetime import datetime
from html import escape

from aiohttp import web

from . import pipelines, traces
from .api import ROOT, STATE
from .models import Job, Runner
from .state import State

STYLE = """
body{font:15px/1.45 system-ui,sans-serif;color:#222;max-width:1100px;margin:2em auto;padding:0 1em}
h1{font-size:1.3em}h2{font-size:1.05em;margin:2em 0 .4em}a{color:#1f75cb;text-decoration:none}
table{border-collapse:collapse;width:100%}th,td{text-align:left;padding:.35em .8em .35em 0;border-bottom:1px solid #ddd}
th{font-weight:600;color:#666;font-size:.85em}td.empty{color:#888}
.state{padding:.05em .55em;border-radius:.8em;background:#e4e4e4;font-size:.85em;white-space:nowrap}
.success,.online{background:#c3e6cd}.failed,.offline,.stale{background:#fdd4cd}.running{background:#cbe2f9}
.pending,.paused,.never_contacted{background:#f5d9a8}small{color:#777}
pre{background:#1f1f2b;color:#e8e8e8;padding:1em;border-radius:6px;overflow-x:auto;white-space:pre-wrap}
"""


def mount(router: web.UrlDispatcher, root: str) -> None:
    router.add_get(root + "/", overview)
    router.add_get(root + "/-/standin/pages/jobs/{id:[0-9]+}", job_page)


def document(title: str, content: str, refresh: bool) -> web.Response:
    head = '<meta http-equiv="refresh" content="2">' if refresh else ""
    html = (f'<!DOCTYPE html><html lang="en"><head><meta charset="utf-8">{head}<title>{escape(title)}</title>'
            f"<style>{STYLE}</style></head><body><h1>{escape(title)}</h1>{content}</body></html>")
    return web.Response(text=html, content_type="text/html")


def table(heads: str, rows: list[list[str]], empty: str) -> str:
    """Cells are HTML already."""
    names = heads.split(",")
    lines = "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
    lines = lines or f'<tr><td class="empty" colspan="{len(names)}">{escape(empty)}</td></tr>'
    return "<table><tr>" + "".join(f"<th>{name}</th>" for name in names) + f"</tr>{lines}</table>"


def badge(state: str) -> str:
    return f'<span class="state {state}">{state.replace("_", " ")}</span>'


def ago(moment: datetime | None, now: datetime) -> str:
    if moment is None:
        return "never"
    seconds = int((now - moment).total_seconds())
    return next(f"{seconds // size} {unit} ago" for size, unit in ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
                if seconds >= size or size == 1)


def took(job: Job, now: datetime) -> str:
    return f"{((job.finished_at or now) - job.started_at).total_seconds():.0f} s" if job.started_at else ""


def runner_row(runner: Runner, now: datetime) -> list[str]:
    managers = "<br>".join(
        f"{escape(m.system_id)} <small>{escape(m.version or '')} {escape(m.ip_address or '')}</small>"
        for m in runner.managers.values())
    tags = escape(", ".join(runner.tag_list)) + (" <small>+ untagged</small>" if runner.run_untagged else "")
    return [f"#{runner.id}", badge(runner.status(now)), escape(runner.description or ""),
            runner.runner_type.removesuffix("_type"), tags, managers, ago(runner.contacted_at, now)]


def job_row(state: State, job: Job, root: str) -> list[str]:
    project = state.projects[job.project_id]
    note = f"<br><small>{escape(text)}</small>" if (text := pipelines.stuck(state, job)) else ""
    runner = f"#{job.runner_id}" if job.runner_id else ""
    return [f'<a href="{root}/-/standin/pages/jobs/{job.id}">#{job.id}</a>', badge(job.status) + note,
            escape(job.name), escape(job.stage), escape(project.path), f"#{job.pipeline_id}", runner,
            took(job, state.now())]


async def overview(request: web.Request) -> web.Response:
    state, now = request.app[STATE], request.app[STATE].now()
    runners = [runner_row(runner, now) for runner in state.runners.values()]
    jobs = [job_row(state, job, request.app[ROOT]) for job in reversed(state.jobs.values())]
    content = ("<h2>Runners</h2>" + table("Id,Status,Description,Type,Tags,Managers,Last contact", runners,
                                          "No runner has registered yet.")
               + "<h2>Jobs</h2>" + table("Id,Status,Name,Stage,Project,Pipeline,Runner,Took", jobs,
                                         "No pipeline has been started yet."))
    return document("Stand-in for GitLab", content, refresh=True)


async def job_page(request: web.Request) -> web.Response:
    state = request.app[STATE]
    job = state.jobs.get(int(request.match_info["id"]))
    if job is None:
        raise web.HTTPNotFound
    reason = f" <small>{escape(job.failure_reason)}, exit code {job.exit_code}</small>" if job.failure_reason else ""
    trace = escape(traces.readable(bytes(job.trace))) or "Nothing yet."
    content = (f'<p><a href="{request.app[ROOT]}/">All jobs</a></p><p>{badge(job.status)}{reason} '
               f"{took(job, state.now())}</p><pre>{trace}</pre>")
    return document(f"Job #{job.id}: {job.name}", content, refresh=not job.finished())
