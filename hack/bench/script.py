"""The scripts of generator.c: what the operator sends for some objects of the mix, recorded on its way to the API server.

The generator has no texts of its own, so it sends those of an object of the same kind: the scripts are the first objects'
of a mix, and object n is sent as script n modulo their number says.
"""
import contextlib
import copy
import json
import re
import signal
import subprocess

from proxy.server import Proxy

from .process import PROGRAM, wait
from .scene import GITLAB, runner

SPACE, NAME = "script-space", "script-template"
SCRIPTS = 12  # four of each kind
EVENTS = 1


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


def record(scene, proxy, name):
    """All that is written for one object, from its creation on, and the calls to GitLab; and the object as it was made."""
    since, calls, made = proxy.mark(), len(scene.gitlab.admin.audit()), []
    seen = scene.watch(SPACE, 1, name)
    scene.create(SPACE, [runner(name, SPACE)], made.append)
    seen.wait(60)
    wait("its Events", lambda: len(proxy.entries("POST", f".*/{SPACE}/events", since=since)) == EVENTS, 10)
    entries = proxy.entries("POST|PATCH", f"/api.*/namespaces/{SPACE}/.*", since=since)
    return entries, scene.gitlab.admin.audit()[calls:], made[0]["metadata"]


def requests_of(scene, entries, calls):
    """In the order in which they depend on each other: the operator does not wait for Events, so they come last; its call
    to GitLab comes before what it is for, the first Secret."""
    requests = [(e.method, scene.api.server + e.target, e.headers["content-type"], e.body.decode())
                for e in sorted(entries, key=lambda e: e.path.endswith("/events"))]
    first = next(i for i, (_, url, _, _) in enumerate(requests) if "/secrets/" in url)
    requests[first:first] = [(call["method"], f"http://{GITLAB}{call['path']}", "application/json", call["body"])
                             for call in calls]
    return requests


def write_script(scene):
    """Tells the file. One object after another, so that what is recorded is one object's."""
    scene.add_namespace(SPACE)
    host, port = scene.api.server.removeprefix("https://").split(":")
    file = scene.folder / "script"
    with Proxy(host, int(port), scene.api.ca_file, scene.folder / "proxy") as proxy, recorded_operator(scene, proxy), \
            file.open("w") as script:
        for number in range(SCRIPTS):
            entries, calls, meta = record(scene, proxy, f"{NAME}-{number}")
            script.writelines(text_of(number, *request, meta) for request in requests_of(scene, entries, calls))
    return file


def text_of(number, method, url, kind, body, meta):
    url, body = (blank(text, meta) for text in (url, body))
    return f"{number} {method} {url} {kind} {len(body.encode())}\n{body}\n"


def blank(text, meta):
    """With marks in the place of the object's own words."""
    text = text.replace(SPACE, "@NAMESPACE@").replace(meta["name"], "@NAME@").replace(meta["uid"], "@UID@")
    return re.sub(r'"resourceVersion":"(?!1")\d+"', '"resourceVersion":"@VERSION@"', text)  # "1": whoever makes anew
