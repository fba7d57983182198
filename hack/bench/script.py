"""The script of generator.c: what the operator sends for one object, recorded on its way to the API server."""
import copy
import json
import re
import signal
import subprocess

from proxy.server import Proxy

from .process import PROGRAM, wait
from .scene import GITLAB, runner

SPACE, NAME = "script-space", "script-template"
EVENTS = 2


def by_proxy(scene, proxy):
    """A kubeconfig."""
    config = copy.deepcopy(scene.api.config)
    config["clusters"][0]["cluster"] = {"server": proxy.url, "certificate-authority-data": proxy.ca}
    file = scene.folder / "by-proxy"
    file.write_text(json.dumps(config))
    return file


def record(scene):
    """All that an operator of its own writes for an object, and the object as it was made."""
    made = []
    host, port = scene.api.server.removeprefix("https://").split(":")
    with Proxy(host, int(port), scene.api.ca_file, scene.folder / "proxy") as proxy:
        with (scene.folder / "recorded.log").open("w") as log:
            process = subprocess.Popen([PROGRAM, "run", "--leader-elect=false", "--listen", "127.0.0.1:18081", "--debug-port", "0",
                                        "--kubeconfig", by_proxy(scene, proxy)], stderr=log)
        try:
            seen = scene.watch(SPACE, 1)
            scene.create(SPACE, [runner(NAME, SPACE)], made.append)
            seen.wait(60)
            wait("its Events", lambda: len(proxy.entries("POST", f".*/{SPACE}/events")) == EVENTS, 10)
        finally:
            process.send_signal(signal.SIGTERM)
            process.wait(10)
        return proxy.entries("POST|PATCH", f"/api.*/namespaces/{SPACE}/.*"), made[0]["metadata"]


def write_script(scene):
    """Tells the file. The operator does not wait for Events, so they come last; its call to GitLab comes before what it
    is for, the first Secret."""
    scene.add_namespace(SPACE)
    known = len(scene.gitlab.admin.audit())
    entries, meta = record(scene)
    requests = [(e.method, scene.api.server + e.target, e.headers["content-type"], e.body.decode())
                for e in sorted(entries, key=lambda e: e.path.endswith("/events"))]
    first = next(i for i, (_, url, _, _) in enumerate(requests) if "/secrets/" in url)
    requests[first:first] = [(call["method"], f"http://{GITLAB}{call['path']}", "application/json", call["body"])
                             for call in scene.gitlab.admin.audit()[known:]]
    file = scene.folder / "script"
    file.write_text("".join(map(lambda request: text_of(*request, meta), requests)))
    return file


def text_of(method, url, kind, body, meta):
    url, body = (blank(text, meta) for text in (url, body))
    return f"{method} {url} {kind} {len(body.encode())}\n{body}\n"


def blank(text, meta):
    """With marks in the place of the object's own words."""
    text = text.replace(SPACE, "@NAMESPACE@").replace(meta["name"], "@NAME@").replace(meta["uid"], "@UID@")
    return re.sub(r'"resourceVersion":"(?!1")\d+"', '"resourceVersion":"@VERSION@"', text)  # "1": whoever makes anew
