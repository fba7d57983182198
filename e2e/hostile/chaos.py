"""Random large, deep, wide, slow, endless and odd things, the same for the same random.Random."""
from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from functools import cache

STEP = tuple[float, bytes]          # seconds of waiting, and what is sent then
ODD_NUMBERS = [0, -1, 2 ** 31, -2 ** 31, 2 ** 53 + 1, 2 ** 63 - 1, 2 ** 63, -2 ** 63, 2 ** 64, 1e308, -0.0, 1.5]
ODD_TEXTS = ["", " ", "\0", "\r\n", "a\r\nX-Injected: 1", "\x1b[2J", "\u202e", "\ud7ff", "\U0001f98a", "'\"`$(id)", "<>&",
             "../../..", "%00%0d%0a", "{{ . }}", '"""\n[[runners]]\n', "null", "-----BEGIN CERTIFICATE-----\n"]
STATUSES = [100, 200, 201, 204, 206, 301, 302, 307, 400, 401, 403, 404, 405, 406, 409, 410, 412, 422, 429, 451, 500, 501,
            502, 503, 504, 599, 999]


def size(rng: random.Random, most: int) -> int:
    """The most every now and then; else small ones as often as large ones."""
    return int(most ** rng.choice([1, *[rng.random()] * 9]))


def text(rng: random.Random, most: int = 1 << 20) -> str:
    if rng.random() < 0.4:
        return rng.choice(ODD_TEXTS)
    return rng.choice(["a", "<", '"', "\\", "é", "\U0001f98a", "A1-", *ODD_TEXTS[1:]]) * size(rng, most // 8)


def scalar(rng: random.Random, most: int) -> object:
    return rng.choice([None, True, False, rng.choice(ODD_NUMBERS), text(rng, most)])


def wide(rng: random.Random, most: int) -> object:
    item = rng.choice([{}, [], "", 0, {"a": {}}, [[]], None])
    count = size(rng, most // 4)
    return [item] * count if rng.random() < 0.5 else {f"{i:x}": item for i in range(count)}


def deep(rng: random.Random, most: int) -> object:
    tree: object = scalar(rng, 100)
    for _ in range(min(size(rng, most // 2), 900)):     # what json.dumps can still write
        tree = [tree] if rng.random() < 0.5 else {"a": tree}
    return tree


def bushy(rng: random.Random, most: int, depth: int = 4) -> object:
    most = min(most, 20_000)        # many kinds of things take long to make
    if depth == 0 or most < 16 or rng.random() < 0.2:
        return scalar(rng, min(most, 1000))
    count = 1 + size(rng, 40)
    parts = [bushy(rng, most // count, depth - 1) for _ in range(count)]
    return parts if rng.random() < 0.5 else {text(rng, 80) or f"k{i}": part for i, part in enumerate(parts)}


def tree(rng: random.Random, most: int = 1 << 20) -> object:
    """A JSON value of up to about so many bytes."""
    return rng.choice([scalar, wide, deep, bushy])(rng, most)


# ----------------------------------------------------------------------------------------------------------------------
# A GitLab's answers

def answers(rng: random.Random, status: int, good: object) -> tuple[str, list[STEP]]:
    """What is sent in the place of a good answer; "cut": then the connection ends."""
    content = odd_document(rng, good).encode(errors="replace")
    head = [f"HTTP/1.1 {rng.choice([status, status, rng.choice(STATUSES)])} Whatever", *odd_headers(rng)]
    framed = rng.choice(FRAMINGS)
    kind, head_lines, body = framed(rng, content)
    whole = "\r\n".join([*head, *head_lines, "", ""]).encode(errors="replace") + body
    return kind, list(paced(rng, whole))


def odd_document(rng: random.Random, good: object) -> str:
    value, small = written(rng, 1 << 20), written(rng, 1 << 12)

    def one_field() -> str:
        fields = {name: json.dumps(field) for name, field in good.items()} if isinstance(good, dict) else {}
        fields[rng.choice([*fields, "message", "error", "extra"])] = value
        return "{" + ",".join(f'"{name}":{field}' for name, field in fields.items()) + "}"

    return rng.choice([
        one_field, one_field, lambda: value, lambda: '{"message":%s}' % value, lambda: '{"error":%s}' % value,
        lambda: "[" + ",".join([small] * size(rng, 200)) + "]", lambda: value[:rng.randrange(len(value) + 1)] + "}\0",
        lambda: "<html>" + text(rng) + "</html>", lambda: "[" * size(rng, 1 << 20), lambda: '{"a":' * size(rng, 1 << 17)])()


def written(rng: random.Random, most: int) -> str:
    """A JSON value as text, of up to about so many bytes: more quickly than by way of a tree, and deeper."""
    item, levels = rng.choice(["{}", "[]", '""', "0", '{"a":{}}', "[[]]", "null", "1e5", '"\\u0000"']), size(rng, most // 8)
    return rng.choice([
        lambda: "[" + ",".join([item] * (size(rng, most) // (len(item) + 1))) + "]",
        lambda: "{" + many_keys(item)[:size(rng, most)].rpartition(',"')[0] + "}",
        lambda: "[" * levels + "]" * levels, lambda: '{"a":' * levels + item + "}" * levels,
        lambda: json.dumps(text(rng, most)), lambda: json.dumps(bushy(rng, most))])()


@cache
def many_keys(item: str) -> str:
    return ",".join(f'"{i:x}":{item}' for i in range(150_000))


def odd_headers(rng: random.Random) -> list[str]:
    chosen = [
        "Content-Type: application/json", "Content-Type: text/html", "X-Next-Page: 2", f"X-Next-Page: {2 ** 70}",
        "X-Next-Page: ../../x", "X-Total: 999999999", "Retry-After: 1", "Retry-After: 999999999999", "Retry-After: -5",
        "Retry-After: Fri, 31 Dec 9999 23:59:59 GMT", "RateLimit-Reset: 99999999999", "Connection: close",
        "Location: http://127.0.0.1:6443/", "Set-Cookie: a=" + "b" * size(rng, 4000), "X-Request-Id: " + "\x1b[2J",
        "Link: <http://10.96.0.1/>; rel=next", "Strict-Transport-Security: max-age=1", "Alt-Svc: h3=\":443\"",
        "X: " + "y" * size(rng, 90_000)]
    many = [f"X-{i}: z" for i in range(size(rng, 500))] if rng.random() < 0.2 else []
    return rng.sample(chosen, rng.randrange(5)) + many


def by_length(rng: random.Random, content: bytes) -> tuple[str, list[str], bytes]:
    return "whole", [f"Content-Length: {len(content)}"], content


def too_short(rng: random.Random, content: bytes) -> tuple[str, list[str], bytes]:
    return "cut", [f"Content-Length: {len(content) + rng.choice([1, 10 ** 6, 2 ** 40])}"], content


def to_the_end(rng: random.Random, content: bytes) -> tuple[str, list[str], bytes]:
    return "cut", ["Connection: close"], content


def in_chunks(rng: random.Random, content: bytes) -> tuple[str, list[str], bytes]:
    step = 1 + size(rng, 1 << 16)
    parts = [content[i:i + step] for i in range(0, min(len(content), step * 2000), step)]
    body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts)
    kind, end = rng.choice([("whole", b"0\r\n\r\n"), ("cut", b""), ("cut", b"zz\r\n")])
    return kind, ["Transfer-Encoding: chunked"], body + end


def in_very_many_chunks(rng: random.Random, content: bytes) -> tuple[str, list[str], bytes]:
    """Far more than any answer may have."""
    return "cut", ["Transfer-Encoding: chunked"], b"10000\r\n%s\r\n" % (b" " * 65536) * rng.randrange(1, 100)


FRAMINGS: list[Callable] = [by_length] * 6 + [too_short, to_the_end, in_chunks, in_very_many_chunks]


def paced(rng: random.Random, whole: bytes) -> Iterator[STEP]:
    """Mostly at once; else after a while, or in drops."""
    pace = rng.random()
    if pace < 0.85:
        yield 0, whole
    elif pace < 0.9:
        yield rng.random() * 10, whole
    else:
        pieces = 1 + size(rng, min(len(whole), 200))
        step = -(-len(whole) // pieces)
        for i in range(0, len(whole), step):
            yield rng.random() * 0.2, whole[i:i + step]
