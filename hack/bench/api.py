"""Writes and watches many objects at the API server at once; kubectl takes care not to."""
import concurrent.futures
import http.client
import json
import os
import pathlib
import ssl
import threading
import time
import urllib.parse

import yaml

THREADS = 4
JSON = "application/json"
METADATA = "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1"
METADATA_LIST = METADATA.replace("Metadata;", "MetadataList;")
MERGE_PATCH = "application/merge-patch+json"


class Watched(threading.Thread):
    """Notes when each object of a collection first fulfils the condition, from now on, until as many as wanted have."""

    def __init__(self, api, path, wanted, condition, accept):
        super().__init__(daemon=True)
        self._api, self._path, self._accept = api, path, accept
        self._wanted, self._condition = wanted, condition
        self._version = api.call("GET", path + "?limit=1")["metadata"]["resourceVersion"]
        self._answer = self._open()
        self.seen = {}  # name: time.monotonic()
        self.start()

    def _open(self):
        return self._api.open(f"{self._path}?watch=1&resourceVersion={self._version}", self._accept)

    def run(self):
        while not self.is_done():
            line = self._answer.readline()
            if line:
                self._note(json.loads(line)["object"])
            else:
                self._answer = self._open()  # the server ends the watch of one who is too slow for it

    def _note(self, item):
        meta = item["metadata"]
        if item["kind"] == "Status":
            raise RuntimeError(f"a watch has failed: {item}")
        self._version = meta["resourceVersion"]
        if meta["name"] not in self.seen and self._condition(item):
            self.seen[meta["name"]] = time.monotonic()

    def is_done(self):
        return len(self.seen) >= self._wanted


class Api:
    """The API server of KUBECONFIG, with its token."""

    def __init__(self):
        self.config = yaml.safe_load(pathlib.Path(os.environ["KUBECONFIG"]).read_text())
        cluster = self.config["clusters"][0]["cluster"]
        self.server, self.ca_file = cluster["server"], cluster["certificate-authority"]
        self.token = self.config["users"][0]["user"]["token"]
        self.tls = ssl.create_default_context(cafile=self.ca_file)

    def connect(self):
        return http.client.HTTPSConnection(urllib.parse.urlparse(self.server).netloc, context=self.tls)

    def _headers(self, kind=JSON, accept=JSON):
        return {"Authorization": f"Bearer {self.token}", "User-Agent": "bench", "Content-Type": kind, "Accept": accept}

    def call(self, method, path, body=None, kind=JSON, connection=None):
        """The object that the API server answers with."""
        connection = connection or self.connect()
        connection.request(method, path, None if body is None else json.dumps(body), self._headers(kind))
        answer = connection.getresponse()
        content = answer.read()
        if answer.status // 100 != 2:
            raise SystemExit(f"bench: {method} {path}: {answer.status}: {content[:500]!r}")
        return json.loads(content)

    def create(self, path, objects, told=None):
        """All of them, as fast as the server takes them; told(item) is called with each that exists."""
        def some(part):
            connection = self.connect()
            for item in part:
                made = self.call("POST", path, item, connection=connection)
                if told:
                    told(made)
        with concurrent.futures.ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(some, (objects[i::THREADS] for i in range(THREADS))))

    def get(self, path, accept=JSON):
        with self.open(path, accept) as answer:
            return json.load(answer)

    def open(self, path, accept=JSON):
        """An answer to be read as it comes."""
        connection = self.connect()
        connection.request("GET", path, headers=self._headers(accept=accept))
        return connection.getresponse()

    def watch(self, path, wanted, condition, accept=JSON):
        return Watched(self, path, wanted, condition, accept)
