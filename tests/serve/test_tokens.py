"""Tokens of an identity provider: each known way to forge one is refused."""

import base64
import hashlib
import hmac
import json
import time
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from carti_lake.serve.signing_in import provider_from
from carti_lake.serve.tokens import NOT_BEFORE, TRUSTED_FOR, KeySet, Provider, claims, named
from carti_lake.storage import LakeError

PROVIDER = Provider("https://login.example", "carti-lake")
OWN, STRANGE, CURVE = (
    rsa.generate_private_key(65537, 2048),
    rsa.generate_private_key(65537, 2048),
    ec.generate_private_key(ec.SECP256R1()),
)


def public(key: Any, kid: str, **more: str) -> dict[str, Any]:
    algorithm = (
        jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.RSAAlgorithm
    )
    return {**json.loads(algorithm.to_jwk(key.public_key())), "kid": kid, "use": "sig", **more}


PEM = OWN.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)


@pytest.fixture
def keys():
    return KeySet(
        lambda: {"keys": [public(OWN, "one"), public(CURVE, "curve"), {"kty": "oct", "kid": "oct", "k": "c2VjcmV0"}]}
    )


def said(**more: Any) -> dict[str, Any]:
    now = int(time.time())
    usual = {
        "iss": PROVIDER.issuer,
        "aud": PROVIDER.audience,
        "sub": "1",
        "email": "ann@example",
        "exp": now + 300,
        "iat": now,
    }
    return {name: value for name, value in {**usual, **more}.items() if value is not None}


def token(payload=None, key=OWN, algorithm="RS256", **headers: Any) -> str:
    return jwt.encode(said() if payload is None else payload, key, algorithm, headers={"kid": "one", **headers})


def part(value: Any) -> str:
    text = value if isinstance(value, bytes) else json.dumps(value).encode()
    return base64.urlsafe_b64encode(text).rstrip(b"=").decode()


def by_hand(header: dict[str, Any], payload: dict[str, Any], signature: bytes) -> str:
    return f"{part(header)}.{part(payload)}.{part(signature)}"


def signed_with_the_public_key() -> str:
    """RS/HS confusion: the public key, which everybody has, taken for a secret."""
    body = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'one'})}.{part(said())}"
    return f"{body}.{part(hmac.new(PEM, body.encode(), hashlib.sha256).digest())}"


def tampered() -> str:
    head, _, signature = token().split(".")
    return f"{head}.{part(said(email='root@example'))}.{signature}"


ATTACKS = {
    "alg none": lambda: by_hand({"alg": "none", "kid": "one"}, said(), b""),
    "alg None in capitals": lambda: by_hand({"alg": "NONE", "kid": "one"}, said(), b""),
    "no signature": lambda: ".".join(token().split(".")[:2]) + ".",
    "HS256 signed with the public key": signed_with_the_public_key,
    "HS256 with a symmetric key of the set": lambda: jwt.encode(said(), b"secret" * 8, "HS256", headers={"kid": "oct"}),
    "payload changed": tampered,
    "unknown key": lambda: token(key=STRANGE, kid="two"),
    "another's key under a known id": lambda: token(key=STRANGE),
    "no key id": lambda: jwt.encode(said(), OWN, "RS256"),
    "key id as a path": lambda: token(key=STRANGE, kid="../../../../dev/null"),
    "key id as SQL": lambda: token(key=STRANGE, kid="one' UNION SELECT 'secret"),
    "key id that is no text": lambda: by_hand({"alg": "RS256", "kid": 1}, said(), b"x"),
    "own key in the header": lambda: token(key=STRANGE, jwk=public(STRANGE, "one")),
    "own key set by address": lambda: token(key=STRANGE, kid="two", jku="https://evil.example/jwks"),
    "own certificate by address": lambda: token(key=STRANGE, kid="two", x5u="https://evil.example/cert"),
    "an RSA algorithm on the curve's key": lambda: token(kid="curve"),
    "wrong issuer": lambda: token(said(iss="https://login.example.evil")),
    "no issuer": lambda: token(said(iss=None)),
    "wrong audience": lambda: token(said(aud="another")),
    "no audience": lambda: token(said(aud=None)),
    "expired": lambda: token(said(exp=int(time.time()) - 60)),
    "never expires": lambda: token(said(exp=None)),
    "not yet": lambda: token(said(nbf=int(time.time()) + 600)),
    "nobody's": lambda: token(said(sub=None)),
    "encrypted, not signed": lambda: "a.b.c.d.e",
    "no token": lambda: "",
    "noise": lambda: "ey.ey.ey",
    "very long": lambda: "a" * 100_000,
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_forged_tokens_are_refused(keys, attack):
    assert claims(ATTACKS[attack](), PROVIDER, keys) is None


@pytest.mark.parametrize(
    ("key", "kid", "algorithm"), [(OWN, "one", "RS256"), (OWN, "one", "PS256"), (CURVE, "curve", "ES256")]
)
def test_good_tokens_are_taken(keys, key, kid, algorithm):
    found = claims(token(key=key, algorithm=algorithm, kid=kid), PROVIDER, keys)
    assert found is not None
    assert named(found, PROVIDER) == ("ann@example", [])


def test_clocks_may_differ_by_seconds(keys):
    assert claims(token(said(exp=int(time.time()) - 10)), PROVIDER, keys) is not None


def test_an_address_that_is_not_verified_names_nobody():
    assert named(said(email_verified=False), PROVIDER) == ("", [])
    assert named(said(email=["ann"]), PROVIDER) == ("", [])
    assert named(said(groups=["lung", 7]), PROVIDER) == ("ann@example", ["lung"])


def test_keys_are_fetched_once_again_when_they_rotate_and_not_by_every_forger():
    clock, fetched, sets = [0.0], [], [[public(OWN, "old")], [public(STRANGE, "new")]]

    def fetch():
        fetched.append(clock[0])
        return {"keys": sets[min(len(fetched) - 1, 1)]}

    keyset = KeySet(fetch, clock=lambda: clock[0])
    assert keyset.key("old") is not None
    for _ in range(50):
        assert keyset.key("forged") is None
    assert len(fetched) == 1
    clock[0] += NOT_BEFORE + 1
    assert keyset.key("new") is not None
    assert keyset.key("old") is None
    assert len(fetched) == 2
    clock[0] += TRUSTED_FOR + 1
    assert keyset.key("new") is not None
    assert len(fetched) == 3


def test_an_issuer_without_an_audience_is_refused():
    assert provider_from({}) is None
    with pytest.raises(LakeError, match="CARTI_LAKE_OIDC_AUDIENCE is not"):
        provider_from({"CARTI_LAKE_OIDC_ISSUER": "https://login.example"})
    found = provider_from({"CARTI_LAKE_OIDC_ISSUER": "https://a", "CARTI_LAKE_OIDC_AUDIENCE": "b"})
    assert found == Provider("https://a", "b")
