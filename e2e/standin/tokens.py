"""The tokens GitLab makes, in the forms it gives them."""
from __future__ import annotations

import base64
import secrets
import string
import zlib

ALPHABET = string.ascii_letters + string.digits + "_-"
TYPE_DIGIT = {"instance_type": 1, "group_type": 2, "project_type": 3}


def friendly(length: int = 20) -> str:
    """The random part: never begins with a dash, which command lines would take for an option."""
    return secrets.choice(string.ascii_letters) + "".join(secrets.choice(ALPHABET) for _ in range(length - 1))


def registration_token() -> str:
    return "GR1348941" + friendly()


def access_token() -> str:
    return "glpat-" + friendly()


def job_token() -> str:
    return "glcbt-64_" + friendly()


def queue_value() -> str:
    return secrets.token_hex(16)


def base36(number: int, digits: int) -> str:
    text = ""
    for _ in range(digits):
        number, digit = divmod(number, 36)
        text = (string.digits + string.ascii_lowercase)[digit] + text
    return text


def routable(prefix: str, length: int) -> str:
    """Whose it is, and padding, in base64; the version; the length of the former, and a sum of all that."""
    rest = len(".01.") + 2 + 7
    payload = base64.urlsafe_b64encode(b"o:1\nt:3\nu:a\n" + secrets.token_bytes(length)).decode().rstrip("=")
    payload = payload[:max(27, length - len(prefix) - rest)]
    text = f"{prefix}{payload}.01.{base36(len(payload), 2)}"
    return text + base36(zlib.crc32(text.encode()), 7)


def runner_token(runner_type: str, created_by_user: bool, legacy_length: int, routable_length: int = 0) -> str:
    """A runner's authentication token.

    legacy_length 0 is today's form; 20 and 30 are what older GitLabs gave to runners that registered
    themselves (a bare string, a hexadecimal one), and with either a user's runner has no type part.
    """
    if routable_length:
        return routable(f"{'glrt' if created_by_user else 'glrtr'}-", routable_length)
    if created_by_user:
        return "glrt-" + ("" if legacy_length else f"t{TYPE_DIGIT[runner_type]}_") + friendly()
    if legacy_length == 30:
        return secrets.token_hex(15)
    if legacy_length == 20:
        return friendly(20)
    return f"glrtr-t{TYPE_DIGIT[runner_type]}_{friendly()}"
