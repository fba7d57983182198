"""Not a test: makes a fleet as there may be one, and the pictures of it in docs/ (`make screenshots`)."""
from __future__ import annotations

import time
from collections.abc import Callable
from datetime import datetime, timedelta, timezone

from cluster import ROOT, wait_for
from page.conftest import Fleet
from page.screen import Screen
from places import GITLAB_IP, HOST, Place, Runner

TEAMS = {
    "mobile": ["android", "ios-proxy", "nightly", "release"],
    "payments": ["builds", "integration", "deploy"],
    "platform": ["builds", "arm64", "windows", "images", "terraform"],
    "ml-research": ["gpu", "gpu-large", "notebooks"],
    "web": ["builds", "e2e", "lighthouse", "preview"],
    "data": ["dbt", "spark"],
}
TAGS = {"gpu": ["gpu", "a100"], "gpu-large": ["gpu", "h100", "large"], "arm64": ["arm64", "graviton"], "windows": ["windows", "2022"],
        "android": ["android", "kvm", "large"], "e2e": ["chromium", "large"], "images": ["buildah", "privileged"]}
JOBS = {"mobile/android": 4, "payments/builds": 7, "platform/builds": 9, "platform/images": 2, "ml-research/gpu": 3, "web/builds": 5,
        "web/e2e": 8, "data/spark": 1, "platform/arm64": 2}
MINUTES = 4                         # that the plots show
EBBS = [5, 3, 2, 4, 1, 0]           # jobs fewer, as time goes by
SHOWN = "platform/windows"          # whose panel is shown
ACME = "gitlab.acme.example"


def team(fleet: Fleet, name: str) -> Place:
    place = Place(fleet.kube, fleet, fleet.gitlabs[0], name)
    fleet.namespaces.append(name)
    place.access_token()
    return place


def populate(fleet: Fleet) -> None:
    for ns, names in TEAMS.items():
        place = team(fleet, ns)
        for i, name in enumerate(names):
            tags = ["kubernetes", *TAGS.get(name, ["linux", "amd64"])]
            spec = {"tags": tags, "config": {"runners": {"limit": [5, 10, 20][i % 3]}},
                    "manager": {"replicas": 2 if name == "builds" else 1}}
            place.runner("accessToken", name, **(spec | troubles(ns, name)))


def troubles(ns: str, name: str) -> dict:
    """What is the matter with some of them."""
    aliases = [{"ip": GITLAB_IP, "hostnames": [HOST, ACME]}]
    return {
        "platform/windows": {"url": f"https://{HOST}"},
        "payments/deploy": {"authentication": {"accessTokenSecretRef": {"name": "gitlab-deploy"}}},
        "mobile/nightly": {"url": f"http://{ACME}:8099", "hostAliases": aliases},
        "web/preview": {"suspend": True},
        "web/lighthouse": {"config": {"runners": {"limit": 4, "pol_interval": 3}}},
        "ml-research/notebooks": {"url": f"http://{ACME}", "hostAliases": aliases},
        "data/dbt": {"url": f"http://{ACME}", "hostAliases": aliases},
    }.get(f"{ns}/{name}", {})


def job_pod(ns: str, name: str, i: int) -> dict:
    number = 8812 + i
    project = f"{ns}/{['app', 'api', 'infra'][i % 3]}"
    return {"metadata": {"name": f"runner-{name}-project-{i}-concurrent-{i}", "labels": {
                "job.runner.gitlab.com/pod": f"runner-{name}-{i}", "manager.runner.gitlab.com/name": f"{ns}_{name}"},
                "annotations": {"job.runner.gitlab.com/id": str(number),
                                "job.runner.gitlab.com/url": f"http://{HOST}/{project}/-/jobs/{number}"}},
            "spec": {"containers": [{"name": "build", "image": "busybox:1.36", "env": [
                {"name": "CI_JOB_STAGE", "value": ["test", "build", "deploy"][i % 3]}]}]}}


def run_jobs(fleet: Fleet, ebb: int) -> None:
    """As many as at that time."""
    for key, number in JOBS.items():
        ns, _, name = key.partition("/")
        for i in range(number):
            if i < number - ebb:
                fleet.kube.call("POST", fleet.kube.path("Pod", ns), json=job_pod(ns, name, i))
            else:
                fleet.kube.delete("Pod", job_pod(ns, name, i)["metadata"]["name"], ns, gracePeriodSeconds=0)


def settle(fleet: Fleet) -> None:
    """Jobs run, one is paused, and what can be ready is."""
    until = (datetime.now(timezone.utc) + timedelta(hours=2, minutes=1)).strftime("%Y-%m-%dT%H:%M:%SZ")
    fleet.kube.patch("GitLabRunner", "gpu-large", {"metadata": {"annotations": {
        "gitlab-runners.dev/paused-until": until, "gitlab-runners.dev/paused-by": "anna"}}}, "ml-research")
    Runner(fleet.kube, *SHOWN.split("/")).wait_refused("UntrustedCertificate")
    for key in ("platform/builds", "web/e2e", "data/spark"):
        Runner(fleet.kube, *key.split("/")).wait()


def take(screen: Screen, name: str) -> None:
    time.sleep(1)                   # the flashes are over
    path = ROOT / f"docs/{name}.png"
    screen.page.screenshot(path=path)
    assert path.stat().st_size < 200 * 1024, path


def test_pictures(fleet: Fleet, look: Callable[..., Screen]) -> None:
    fleet.start()
    populate(fleet)
    settle(fleet)
    address = fleet.process.fleet_page
    light = look(address, color_scheme="light", height=720)
    light.wait_rows(sum(map(len, TEAMS.values())), 30)
    for ebb in EBBS:                # a sample a minute
        run_jobs(fleet, ebb)
        fleet.kube.patch("GitLabRunner", "builds", {"spec": {"tags": ["kubernetes", "linux", f"v{ebb}"]}}, "web")
        time.sleep(MINUTES * 60 / len(EBBS))
    wait_for("the jobs are counted", lambda: light.row("spark")["jobs"][0] == "1", 60)
    take(light, "fleet-light")
    dark = look(f"{address}#open={SHOWN.replace('/', '%2F')}", color_scheme="dark", height=720)
    dark.wait_text("CONDITIONS", ".panel")
    take(dark, "fleet-dark")
    phone = look(address, width=390, height=844, device_scale_factor=1.5, is_mobile=True, has_touch=True)
    phone.wait_text("live", "#live")
    take(phone, "fleet-phone")
