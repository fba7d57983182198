"""The stand-in from the command line: python -m standin.ctl --url http://my.gitlab.com runners

Exit status: 0 done, 1 the pipeline or job has not succeeded, 2 the stand-in refused or is not there.
"""
from __future__ import annotations

import argparse
import json
import os
import sys
import time

from deadline import DeadlineMissed
from gitlab_admin import GitLabAdmin, StandinError

FINAL = ("success", "failed", "canceled", "skipped")


def table(heads: list[str], rows: list[list[object]]) -> None:
    """Columns as wide as their widest cell, in kubectl's manner."""
    lines = [heads, *[["-" if cell in (None, "") else str(cell) for cell in row] for row in rows]]
    widths = [max(len(line[i]) for line in lines) for i in range(len(heads))]
    for line in lines:
        print("   ".join(cell.ljust(width) for cell, width in zip(line, widths)).rstrip())


def runners(gitlab: GitLabAdmin, options: argparse.Namespace) -> int:
    table(["ID", "STATUS", "DESCRIPTION", "TYPE", "TAGS", "MANAGERS", "VERSION"],
          [[r["id"], r["status"], r["description"], r["runner_type"].removesuffix("_type"), ",".join(r["tag_list"]),
            len(r["managers"]), next((m["version"] for m in r["managers"]), None)] for r in gitlab.runners()])
    return 0


def managers(gitlab: GitLabAdmin, options: argparse.Namespace) -> int:
    table(["RUNNER", "SYSTEM", "STATUS", "VERSION", "EXECUTOR", "ADDRESS", "CONTACTED"],
          [[r["id"], m["system_id"], m["status"], m["version"], m["executor"], m["ip_address"], m["contacted_at"]]
           for r in gitlab.runners() for m in r["managers"]])
    return 0


def jobs(gitlab: GitLabAdmin, options: argparse.Namespace) -> int:
    show_jobs(gitlab.jobs())
    return 0


def show_jobs(rows: list[dict]) -> None:
    table(["ID", "STATUS", "STAGE", "NAME", "TAGS", "RUNNER", "PIPELINE", "NOTE"],
          [[j["id"], j["status"], j["stage"], j["name"], ",".join(j["tags"]), j["runner_id"], j["pipeline_id"],
            j["stuck"] or j["failure_reason"]] for j in rows])


def trace(gitlab: GitLabAdmin, options: argparse.Namespace) -> int:
    sys.stdout.write(gitlab.trace(options.id))
    return 0


def pipeline(gitlab: GitLabAdmin, options: argparse.Namespace) -> int:
    """Starts one; with --wait tells its jobs' progress line by line."""
    started = gitlab.start_pipeline(options.project)
    print(f"pipeline {started['id']} of {options.project}: {', '.join(job['name'] for job in started['jobs'])}")
    if options.wait is None:
        return 0
    ended = follow(gitlab, started, time.monotonic() + options.wait)
    for job in ended["jobs"] if options.traces else []:
        print(f"\n--- {job['name']}: {job['status']}\n{gitlab.trace(job['id'])}", end="")
    print(f"pipeline {ended['id']}: {ended['status']}")
    return 0 if ended["status"] == "success" else 1


def follow(gitlab: GitLabAdmin, document: dict, deadline: float) -> dict:
    told: dict[int, str] = {}
    while True:
        for job in document["jobs"]:
            news = job["stuck"] or job["status"]
            if told.get(job["id"]) != news and news != "created":
                print(f"  {job['name']}: {news}", flush=True)
            told[job["id"]] = news
        left = deadline - time.monotonic()
        if left <= 0 or all(job["status"] in FINAL for job in document["jobs"]):
            return document
        try:
            document = gitlab.pipeline(document["id"], wait=min(left, 1), seen=document)
        except DeadlineMissed:
            continue                    # nothing has changed


def audit(gitlab: GitLabAdmin, options: argparse.Namespace) -> int:
    for call in gitlab.audit(method=options.method, path=options.path):
        fault = f" [{call['fault']}]" if call["fault"] else ""
        print(f"{call['time']} {call['peer']} {call['method']} {call['path']} {call['status'] or '...'}{fault}")
    return 0


def invariants(gitlab: GitLabAdmin, options: argparse.Namespace) -> int:
    print(json.dumps(gitlab.invariants(options.living), indent=2))
    return 0


def settings(gitlab: GitLabAdmin, options: argparse.Namespace) -> int:
    changes = {}
    for change in options.changes:
        name, _, value = change.partition("=")
        try:
            changes[name] = json.loads(value)
        except ValueError:
            changes[name] = value
    table(["SETTING", "VALUE"], [[name, value] for name, value in gitlab.settings(**changes).items()])
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m standin.ctl", description=__doc__.splitlines()[0],
                                     epilog=__doc__.splitlines()[2])
    parser.add_argument("--url", default=os.environ.get("STANDIN_URL", "http://my.gitlab.com"),
                        help="where the stand-in listens (default: $STANDIN_URL, or %(default)s)")
    parser.add_argument("--cafile", help="the CA to trust, for https")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")

    def command(action, help_text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(action.__name__, help=help_text)
        sub.set_defaults(action=action)
        return sub
    command(runners, "the registered runners")
    command(managers, "the gitlab-runner processes behind them")
    command(jobs, "all jobs; says which are stuck and why")
    command(trace, "a job's log").add_argument("id", type=int)
    start = command(pipeline, "start a project's pipeline")
    start.add_argument("project", help="number or path, such as root/spring-devops")
    start.add_argument("--wait", type=float, nargs="?", const=600, metavar="SECONDS", help="until it has ended")
    start.add_argument("--traces", action="store_true", help="then print the jobs' logs")
    calls = command(audit, "every call that GitLab got")
    calls.add_argument("--method", help="regular expression")
    calls.add_argument("--path", help="regular expression")
    command(invariants, "runners registered twice, leaked, tokens in use").add_argument(
        "--living", nargs="*", metavar="UID", help="the objects that may have runners")
    command(settings, "show or change settings").add_argument("changes", nargs="*", metavar="NAME=VALUE")
    return parser.parse_args()


def main() -> None:
    options = arguments()
    try:
        sys.exit(options.action(GitLabAdmin(options.url, options.cafile), options))
    except StandinError as problem:
        print(f"standin.ctl: {problem}", file=sys.stderr)
        sys.exit(2)


if __name__ == "__main__":
    main()
