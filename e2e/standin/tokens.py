"""The tokens GitLab makes, in the forms it gives them."""
from __future__ import annotations

import secrets
import string

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


def runner_token(runner_type: str, created_by_user: bool, legacy_length: int) -> str:
    """A runner's authentication token.

    legacy_length 0 is today's form; 20 and 30 are what older GitLabs gave to runners that registered
    themselves (a bare string, a hexadecimal one), and with either a user's runner has no type part.
    """
    if created_by_user:
        return "glrt-" + ("" if legacy_length else f"t{TYPE_DIGIT[runner_type]}_") + friendly()
    if legacy_length == 30:
        return secrets.token_hex(15)
    if legacy_length == 20:
        return friendly(20)
    return f"glrtr-t{TYPE_DIGIT[runner_type]}_{friendly()}"
