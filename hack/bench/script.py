"""Scripts: what generator.c sends for an object, as a list of requests.

The objects of a mix are of some kinds, so there is a script for each of several, and object n is sent as script n modulo their
number says. The present ones are recorded from the operator (record.py); the yardstick was recorded once, and stays.
"""
import pathlib
import re
import typing

YARDSTICK = pathlib.Path(__file__).parent / "yardstick/script"
CREDENTIAL = "@CREDENTIAL@"
WHAT = (  # a request of the API server by its path, and what it is for
    (r"/gitlabrunners/[^/]+/status$", "status"), (r"/gitlabrunners/", "finalizer"), (r"/secrets", "secret"),
    (r"/serviceaccounts", "account"), (r"/rolebindings", "binding"), (r"/deployments", "deployment"), (r"/events$", "event"))


class Request(typing.NamedTuple):
    """Of the script with this number, with marks in the place of the object's own words."""
    number: int
    method: str
    url: str     # a path at the API server, or a whole one
    type: str    # of the body; "-": there is none
    accept: str
    body: str

    def text(self):
        return f"{' '.join(map(str, self[:5]))} {len(self.body.encode())}\n{self.body}\n"

    def what(self):
        """What it does at the API server; None where it goes elsewhere."""
        path = self.url.partition("?")[0]
        if not path.startswith("/"):
            return None
        return "read" if self.method == "GET" else next(name for pattern, name in WHAT if re.search(pattern, path))


def parsed(data):
    """The requests of a script's bytes."""
    while data:
        head, _, data = data.partition(b"\n")
        number, *words, length = head.decode().split(" ")
        yield Request(int(number), *words, data[:int(length)].decode())
        data = data[int(length) + 1:]


def yardstick(credential):
    """Of all that the operator of commit 316d810 asked for; the credential is what GitLab takes."""
    return [request._replace(body=request.body.replace(CREDENTIAL, credential)) for request in parsed(YARDSTICK.read_bytes())]


def write_script(file, requests, what=None):
    """Of all that is written, or of what is for one thing alone. Tells the file."""
    wanted = (r for r in requests if (r.what() == what if what else r.method != "GET"))
    file.write_text("".join(request.text() for request in wanted))
    return file
