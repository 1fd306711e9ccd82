"""Secrets as references: what a declaration holds instead of a password, and what it must not hold."""

import contextlib
import re
from collections.abc import Mapping
from ipaddress import ip_address
from pathlib import Path

from carti_lake.store.errors import LakeError

#: How an address gives away a password: before the @, where it may hold what ends a host, or as a parameter.
PASSWORD_IN_ADDRESS = re.compile(
    r"://[^/?#@\[]*:(?!\d*(?:[/?#]|$))[^@]*@"
    r"|\b(password|passwd|pwd|passphrase|secret|token|api_?key|sslpassword|sig|signature|access_?key|account_?key)\s*=",
    re.IGNORECASE,
)
REFERENCE = re.compile(r"(env|file):(.+)", re.DOTALL)


class SourceError(LakeError):
    """What is wrong with a source, where, and what to do; never a secret, an address or a row's value."""


def is_reference(text: str) -> bool:
    """Whether the text says where a secret is, instead of being one."""
    return REFERENCE.fullmatch(text) is not None


def resolve(text: str, environment: Mapping[str, str], where: str, folder: Path) -> str:
    """The secret that a reference (``env:NAME``, ``file:PATH``) stands for; other text as it is.

    Parameters
    ----------
    text
        What the declaration says.
    environment
        Where ``env:`` looks.
    where
        File and key, for errors.
    folder
        What a relative path starts from.
    """
    match = REFERENCE.fullmatch(text)
    if match is None:
        return text
    kind, name = match.groups()
    if kind == "env":
        if not environment.get(name):
            raise SourceError(f"{where} refers to the environment variable {name}, which is not set.")
        return environment[name]
    try:
        return (folder / name).read_text("utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no text"
        raise SourceError(f"{where} refers to the file {name}, which cannot be read: {reason}.") from None


def is_loopback(host: str) -> bool:
    """Whether what is sent to the host stays on this machine."""
    with contextlib.suppress(ValueError):
        return ip_address(host).is_loopback
    return host == "localhost"
