"""The canary check: every token that a test has used is in its Secret, and nowhere else."""
from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from cluster import STATE
from operator_pod import NAMESPACE

if TYPE_CHECKING:
    from places import Place

CALLS = "/api/v4/(runners|user/runners)(/.*)?"
SHORTEST = 8                    # anything shorter is found everywhere by chance
CREDENTIAL_KEYS = ("runner-registration-token", "access-token")


@dataclass
class Tokens:
    credentials: set[str] = field(default_factory=set)  # registration and access tokens: in the user's Secret only
    runners: set[str] = field(default_factory=set)      # runners' own: also in the two Secrets that are made

    def learn_calls(self, calls: Iterable[dict]) -> None:
        """What was presented to GitLab, rightly or not, and what it gave out."""
        for call in calls:
            self.credentials.add(call["headers"].get("PRIVATE-TOKEN", ""))
            registers = call["method"] == "POST" and call["path"].endswith("/runners")
            (self.credentials if registers else self.runners).add(token_in(call["body"]))
            self.runners.add(token_in(call["answer"]))

    def learn_secret(self, secret: dict) -> None:
        for key, value in contents(secret).items():
            if key == "tls.key" and len(value.splitlines()) > 2:
                self.runners.add(value.splitlines()[1])     # it goes into the config Secret, too
            if "token" in key:
                (self.credentials if key in CREDENTIAL_KEYS else self.runners).add(value.strip())

    def everyone(self) -> set[str]:
        return self.credentials | self.runners


def token_in(document: str) -> str:
    try:
        body = json.loads(document)
    except ValueError:
        return ""
    return str(body.get("token") or "") if isinstance(body, dict) else ""


def contents(secret: dict) -> dict[str, str]:
    return {key: base64.b64decode(value).decode(errors="replace") for key, value in (secret.get("data") or {}).items()}


def is_ours(item: dict) -> bool:
    return item["metadata"].get("labels", {}).get("app.kubernetes.io/managed-by") == "gitlab-runner-controller"


def found_in(text: str, tokens: set[str]) -> set[str]:
    return {token for token in tokens if len(token) >= SHORTEST
            and (token in text or base64.b64encode(token.encode()).decode() in text)}


def leaks(item: dict, tokens: Tokens) -> set[str]:
    """The tokens in an object that have no business there."""
    text = json.dumps(item, ensure_ascii=False)
    if item["kind"] != "Secret":
        return found_in(text, tokens.everyone())
    if not is_ours(item):
        return set()            # the user's own
    text += "".join(contents(item).values())
    made_for_it = item["metadata"]["name"].endswith(("-runner-token", "-runner-config", "-runner-orphans"))
    return found_in(text, tokens.credentials if made_for_it else tokens.everyone())


def tokens_of(place: Place, objects: list[dict]) -> Tokens:
    tokens = Tokens()
    for gitlab in place.gitlabs:
        tokens.learn_calls(gitlab.audit(path=CALLS))
        tokens.runners |= {row["token"] for row in gitlab.runners()}
    for item in objects:
        if item["kind"] == "Secret":
            tokens.learn_secret(item)
    return tokens


def assert_secrets_are_kept(place: Place) -> None:
    objects = [item for ns in [*place.namespaces, NAMESPACE] for item in place.kube.everything(ns)]
    tokens = tokens_of(place, objects)
    for item in objects:
        meta = item["metadata"]
        assert not leaks(item, tokens), f"a token is in {item['kind']} {meta['namespace']}/{meta['name']}"
    assert not found_in(place.operator.logs(), tokens.everyone()), "a token is in the operator's log"
    if not place.audit_log:
        return                  # the cluster's node is another machine
    for file in ("cmdline", "environ"):
        text = (place.operator.process() / file).read_text(errors="replace")
        assert not found_in(text, tokens.everyone()), f"a token is in /proc/…/{file} of the operator"
    if "RECORD" not in os.environ:      # then it is to have contents, for `make model`
        assert not found_in(place.audit_log.text(), tokens.everyone()), f"a token is in {STATE}/log/audit.log"
