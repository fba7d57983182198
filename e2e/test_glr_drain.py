"""What a real job sees of `rotate`, `drain` and its undoing: nothing."""
from __future__ import annotations

import re

from cluster import wait_for
from gitlab_admin import GitLabAdmin
from glr.desk import Typed
from places import Place
from test_jobs import finished, job_pods, release

JOB = """\
compile:
  tags: [kubernetes]
  script:
    - while ! grep -q released /etc/job/gate; do sleep 0.2; done
"""


def test_a_job_goes_on_while_its_runner_is_rotated_and_drained(ci: Place, gitlab: GitLabAdmin) -> None:
    project = gitlab.add_project("app", files={".gitlab-ci.yml": JOB})
    ci.access_token()
    ci.put("ConfigMap", "gate", {"data": {"gate": "closed"}})
    runner = ci.runner("accessToken", tags=["kubernetes"],
                       volumes=[{"name": "gate", "mountPath": "/etc/job", "configMap": {"name": "gate"}}])
    runner.wait()
    number, token, manager = runner.status()["runnerId"], runner.token(), runner.managers()[0]["metadata"]["uid"]
    pipeline = gitlab.start_pipeline(project["id"])
    job = pipeline["jobs"][0]["id"]
    pod = wait_for("the job has a pod", lambda: next(iter(job_pods(ci, ci.name)), None))

    rotate = Typed(("rotate", "-n", ci.name, "builds"))
    rotate.end(0, 200)
    assert re.search(f"^{number}: new token, read by 1/1 managers after [0-9]+s, no pod restarted$", rotate.out, re.M)
    assert runner.token() != token and runner.status()["runnerId"] == number

    drain = Typed(("drain", "-n", ci.name, "builds"))
    drain.says(f"intake paused at GitLab; 1 job: {job} compile")
    later = gitlab.start_pipeline(project["id"])
    release(ci, pod)
    drain.end(0, 90)
    assert "Job succeeded" in gitlab.trace(finished(gitlab, pipeline)["jobs"][0]["id"])
    assert gitlab.job(later["jobs"][0]["id"])["status"] == "pending" and not job_pods(ci, ci.name)
    Typed(("drain", "-n", ci.name, "builds", "--undo")).end(0)
    finished(gitlab, later)
    assert [pod["metadata"]["uid"] for pod in runner.managers()] == [manager]
    runner.wait()
