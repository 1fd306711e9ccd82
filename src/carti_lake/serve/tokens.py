"""Bearer tokens of an OIDC identity provider: whose they are, if every claim and the signature hold."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import jwt

#: Algorithms with a public key: whoever can verify cannot sign. No token decides which of others is used.
ALGORITHMS = ("RS256", "RS384", "RS512", "ES256", "ES384", "PS256")
#: Which algorithms a key of a type is for: a key of the provider never verifies another kind of signature.
OF_KEY = {"RSA": ("RS256", "RS384", "RS512", "PS256"), "EC": ("ES256", "ES384")}
#: Seconds that clocks may differ, that a set of keys is trusted, and between two fetches for keys that are unknown.
LEEWAY, TRUSTED_FOR, NOT_BEFORE = 30, 3600.0, 30.0
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
    _keys: dict[str, jwt.PyJWK] = field(default_factory=dict)
    _fetched: float | None = None

    def key(self, kid: str) -> jwt.PyJWK | None:
        """The key of that id; None where the provider has none."""
        age = None if self._fetched is None else self.clock() - self._fetched
        # Keys rotate: an unknown one is asked for, but not by every forged token.
        if age is None or age > TRUSTED_FOR or (kid not in self._keys and age > NOT_BEFORE):
            # Marked first: a provider that does not answer is not asked by everybody.
            self._fetched = self.clock()
            document = self.fetch()
            self._keys = {one["kid"]: jwt.PyJWK(one) for one in document.get("keys", []) if _verifies(one)}
        return self._keys.get(kid)


def _verifies(key: Mapping[str, Any]) -> bool:
    return "kid" in key and key.get("kty") in OF_KEY and key.get("use", "sig") == "sig"


def claims(token: str, provider: Provider, keys: KeySet) -> dict[str, Any] | None:
    """Claims of a token that holds; None for every other.

    The header's ``kid`` only chooses among the provider's own keys; ``jku``, ``x5u``, ``jwk`` and their like are not
    looked at. The algorithm must be accepted, and be one of the key's kind.
    """
    try:
        header = jwt.get_unverified_header(token)
        kid, algorithm = header.get("kid"), header.get("alg")
        if not isinstance(kid, str) or algorithm not in provider.algorithms:
            return None
        key = keys.key(kid)
        if key is None or algorithm not in OF_KEY[str(key.key_type)]:
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
    """Name and groups of whoever the claims are about; an e-mail address that is not verified names nobody."""
    name = found.get(provider.claim)
    if provider.claim == "email" and found.get("email_verified") is False:
        name = None
    groups = found.get(provider.groups)
    return (
        name if isinstance(name, str) else "",
        [one for one in groups if isinstance(one, str)] if isinstance(groups, list) else [],
    )
