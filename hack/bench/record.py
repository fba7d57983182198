"""The present script: what the operator sends for some objects of the mix, recorded on its way to the API server."""
import contextlib
import copy
import json
import re
import signal
import subprocess
import time

from proxy.server import Proxy

from .process import PROGRAM
from .scene import GITLAB, runner
from .script import Request

SPACE, NAME = "script-space", "script-template"
SCRIPTS = 12  # four of each kind
QUIET = 0.3  # seconds without a request, after which nothing more comes: Events come last


def by_proxy(scene, proxy):
    """A kubeconfig."""
    config = copy.deepcopy(scene.api.config)
    config["clusters"][0]["cluster"] = {"server": proxy.url, "certificate-authority-data": proxy.ca}
    file = scene.folder / "by-proxy"
    file.write_text(json.dumps(config))
    return file


@contextlib.contextmanager
def recorded_operator(scene, proxy):
    """One of its own, without a Lease, which would be in the record."""
    with (scene.folder / "recorded.log").open("w") as log:
        process = subprocess.Popen([PROGRAM, "run", "--leader-elect=false", "--listen", "127.0.0.1:18081", "--debug-port", "0",
                                    "--kubeconfig", by_proxy(scene, proxy)], stderr=log)
    try:
        yield
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(10)


def wait_quiet(proxy):
    mark = None
    while mark != proxy.mark():
        mark = proxy.mark()
        time.sleep(QUIET)


def record(scene, proxy, name):
    """All that is asked for one object, from its creation on, and the calls to GitLab; and the object as it was made."""
    since, calls, made = proxy.mark(), len(scene.gitlab.admin.audit()), []
    seen = scene.watch(SPACE, 1, name)
    scene.create(SPACE, [runner(name, SPACE)], made.append)
    seen.wait(60)
    wait_quiet(proxy)
    entries = proxy.entries("GET|POST|PUT|PATCH", f"/api.*/namespaces/{SPACE}/.*", since=since)
    return entries, scene.gitlab.admin.audit()[calls:], made[0]["metadata"]


def requests_of(number, entries, calls):
    """In the order in which they depend on each other: the operator does not wait for Events, so they come last; its call
    to GitLab comes before what it is for, the first Secret."""
    requests = [Request(number, e.method, e.target, e.headers.get("content-type", "-"),
                        e.headers.get("accept", "*/*").replace(" ", ""), e.body.decode())
                for e in sorted(entries, key=lambda e: e.path.endswith("/events"))]
    first = next(i for i, request in enumerate(requests) if request.what() == "secret")
    requests[first:first] = [Request(number, call["method"], f"http://{GITLAB}{call['path']}", "application/json", "*/*",
                                     call["body"]) for call in calls]
    return requests


def recorded(scene):
    """The requests. One object after another, so that what is recorded is one object's."""
    scene.add_namespace(SPACE)
    host, port = scene.api.server.removeprefix("https://").split(":")
    requests = []
    with Proxy(host, int(port), scene.api.ca_file, scene.folder / "proxy") as proxy, recorded_operator(scene, proxy):
        for number in range(SCRIPTS):
            entries, calls, meta = record(scene, proxy, f"{NAME}-{number}")
            requests += (blank(request, meta) for request in requests_of(number, entries, calls))
    return requests


def blank(request, meta):
    """With marks in the place of the object's own words."""
    def marked(text):
        text = text.replace(SPACE, "@NAMESPACE@").replace(meta["name"], "@NAME@").replace(meta["uid"], "@UID@")
        return re.sub(r'"resourceVersion":"(?!1")\d+"', '"resourceVersion":"@VERSION@"', text)  # "1": whoever makes anew
    return request._replace(url=marked(request.url), body=marked(request.body))
