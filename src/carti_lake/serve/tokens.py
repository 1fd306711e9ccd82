"""Bearer tokens of an OIDC identity provider: whose they are, if every claim and the signature hold."""

import logging
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

from carti_lake.access.policies import GROUP

_LOG = logging.getLogger("carti_lake.serve")

#: Algorithms with a public key: whoever can verify cannot sign. No token decides which of others is used.
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "PS256")
#: Which algorithms a key of a type is for: a key of the provider never verifies another kind of signature.
OF_KEY = {"RSA": ("RS256", "RS384", "RS512", "PS256"), "EC": ("ES256", "ES384")}
#: Seconds that clocks may differ, after which a set of keys is fetched again, and between two fetches.
LEEWAY, FRESH_FOR, NOT_BEFORE = 30, 3600.0, 30.0
#: Seconds for which a set is trusted while its provider does not answer.
TRUSTED_FOR = 24 * 3600.0
#: Characters of the longest name.
LONGEST = 256
REQUIRED = ("exp", "iss", "aud", "sub")


@dataclass(frozen=True)
class Provider:
    """What must hold for a token.

    Attributes
    ----------
    issuer, audience
        ``iss``, exactly, and one of ``aud``.
    claim
        Claim that names the viewer, e.g. ``email`` or ``sub``.
    groups
        Claim with the groups.
    algorithms
        Those that are accepted.
    """

    issuer: str
    audience: str
    claim: str = "email"
    groups: str = "groups"
    algorithms: Sequence[str] = ALGORITHMS


@dataclass
class KeySet:
    """The provider's public keys, fetched when they are needed and when a token names one that is not known yet.

    Attributes
    ----------
    fetch
        Gives the JWKS document.
    clock
        Seconds that only grow.
    """

    fetch: Callable[[], Mapping[str, Any]]
    clock: Callable[[], float] = time.monotonic
    _keys: dict[tuple[str, str], jwt.PyJWK] = field(default_factory=dict)
    _fetched: float | None = None
    _asked: float | None = None
    _one: threading.Lock = field(default_factory=threading.Lock)

    def key(self, kid: str, algorithm: str) -> jwt.PyJWK | None:
        """The key of that id for that algorithm; None where the provider has none, or has not answered for too long."""
        # Whoever comes while keys are fetched waits for them.
        with self._one:
            now = self.clock()
            age = float("inf") if self._fetched is None else now - self._fetched
            # Keys rotate: an unknown one is asked for, but not by every forged token.
            if (age > FRESH_FOR or (kid, algorithm) not in self._keys) and (
                self._asked is None or now - self._asked > NOT_BEFORE
            ):
                self._asked = now
                try:
                    self._keys = dict(_usable(self.fetch().get("keys", [])))
                    self._fetched, age = now, 0.0
                except Exception as error:  # Whatever a provider may answer: those who are known stay known.
                    _LOG.error("no keys from the identity provider", extra={"fields": {"error": type(error).__name__}})
            return self._keys.get((kid, algorithm)) if age <= TRUSTED_FOR else None


def _usable(keys: Iterable[Any]) -> Iterator[tuple[tuple[str, str], jwt.PyJWK]]:
    """Public keys that verify signatures, by id and algorithm; of a key that we cannot use, the others know nothing."""
    for one in keys:
        if isinstance(one, Mapping) and one.get("kty") in OF_KEY and one.get("use", "sig") == "sig":
            kind = OF_KEY[str(one["kty"])]
            try:
                key = jwt.PyJWK({**one})
                yield from (((str(one["kid"]), name), key) for name in kind if one.get("alg", name) == name)
            except (jwt.PyJWTError, KeyError, ValueError, TypeError):
                continue


def claims(token: str, provider: Provider, keys: KeySet) -> dict[str, Any] | None:
    """Claims of a token that holds; None for every other.

    The header's ``kid`` only chooses among the provider's own keys; ``jku``, ``x5u``, ``jwk`` and their like are not
    looked at. The algorithm must be accepted, be one of the key's kind, and the key's own where it names one.
    """
    try:
        header = jwt.get_unverified_header(token)
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(kid, str) or not isinstance(algorithm, str) or algorithm not in provider.algorithms:
            return None
        key = keys.key(kid, algorithm)
        if key is None:
            return None
        return dict(
            jwt.decode(
                token,
                key.key,
                algorithms=[algorithm],
                audience=provider.audience,
                issuer=provider.issuer,
                leeway=LEEWAY,
                options={"require": list(REQUIRED)},
            )
        )
    except jwt.PyJWTError:
        return None


def named(found: Mapping[str, Any], provider: Provider) -> tuple[str, list[str]]:
    """Name and groups of whoever the claims are about; empty where nobody is named.

    An e-mail address that is not verified names nobody, nor does what would pass for a group, or could not be written
    into log and audit log as one plain word.
    """
    name = found.get(provider.claim)
    if not isinstance(name, str) or (provider.claim == "email" and found.get("email_verified") is False):
        name = ""
    if len(name) > LONGEST or not name.isprintable() or name != name.strip() or name.startswith(GROUP):
        name = ""
    groups = found.get(provider.groups)
    return name, [one for one in groups if isinstance(one, str)] if isinstance(groups, list) else []
