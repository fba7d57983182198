"""Writes and watches many objects at the API server at once; kubectl takes care not to."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import ssl
import threading
import urllib.parse

import yaml

THREADS = 4
GROUP = "/apis/gitlab-runners.dev/v1beta1"


class Watched(threading.Thread):
    """Ends when as many objects as wanted have fulfilled the condition."""

    def __init__(self, answer, wanted, condition):
        super().__init__(daemon=True)
        self._answer, self._wanted, self._condition = answer, wanted, condition
        self.start()

    def run(self):
        done = set()
        for line in self._answer:
            item = json.loads(line)["object"]
            if self._condition(item):
                done.add(item["metadata"]["name"])
            if len(done) == self._wanted:
                return

    def wait(self, seconds):
        self.join(seconds)
        if self.is_alive():
            raise SystemExit(f"bench: not all have converged within {seconds} s")


class Api:
    """The API server of KUBECONFIG, with its token."""

    def __init__(self):
        config = yaml.safe_load(pathlib.Path(os.environ["KUBECONFIG"]).read_text())
        cluster = config["clusters"][0]["cluster"]
        self._host = urllib.parse.urlparse(cluster["server"]).netloc
        self._tls = ssl.create_default_context(cafile=cluster["certificate-authority"])
        self._headers = {"Authorization": f"Bearer {config['users'][0]['user']['token']}", "User-Agent": "bench",
                         "Content-Type": "application/json"}

    def _connect(self):
        return http.client.HTTPSConnection(self._host, context=self._tls)

    def _post_all(self, path, objects):
        connection = self._connect()
        for item in objects:
            connection.request("POST", path, json.dumps(item), self._headers)
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 201:
                raise SystemExit(f"bench: POST {path}: {answer.status}: {body[:500]!r}")

    def create(self, namespace, runners):
        path = f"{GROUP}/namespaces/{namespace}/gitlabrunners"
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda i: self._post_all(path, runners[i::THREADS]), range(THREADS)))

    def watch_until(self, namespace, wanted, condition):
        """From now on: wait() on what is returned until so many objects fulfil the condition."""
        connection = self._connect()
        connection.request("GET", f"{GROUP}/namespaces/{namespace}/gitlabrunners?watch=1", headers=self._headers)
        return Watched(connection.getresponse(), wanted, condition)
