"""Tokens of an identity provider: each known way to forge one is refused."""

import base64
import hashlib
import hmac
import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from carti_lake.serve.signing_in import jwks, provider_from
from carti_lake.serve.tokens import FRESH_FOR, NOT_BEFORE, TRUSTED_FOR, KeySet, Provider, claims, named
from carti_lake.store.errors import LakeError

PROVIDER = Provider("https://login.example", "carti-lake")
OWN, STRANGE, STRICT, CURVE = (
    rsa.generate_private_key(65537, 2048),
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

#: Keys that a provider may list beside the others: of curves and kinds that we do not know, damaged, without an id.
UNUSABLE: list[Any] = [
    {"kty": "EC", "kid": "brainpool", "crv": "BP-256", "x": "AA", "y": "AA"},
    {"kty": "RSA", "kid": "damaged", "n": "AQAB", "e": "AQAB"},
    {"kty": "RSA", "kid": "empty"},
    {"kty": ["RSA"], "kid": "list"} | {"kty": "OKP"},
    {name: value for name, value in public(OWN, "").items() if name != "kid"},
    "one",
]


@pytest.fixture
def keys():
    return KeySet(
        lambda: {
            "keys": [
                *UNUSABLE,
                public(OWN, "one"),
                public(CURVE, "curve"),
                public(STRICT, "strict", alg="RS256"),
                public(STRICT, "enc", use="enc"),
                {"kty": "oct", "kid": "oct", "k": "c2VjcmV0"},
            ]
        }
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
    "another algorithm than the key's own": lambda: token(key=STRICT, kid="strict", algorithm="PS256"),
    "a key for encryption": lambda: token(key=STRICT, kid="enc"),
    "a critical extension that nobody knows": lambda: token(crit=["b65"], b65=True),
    "deeply nested header": lambda: f"{part(b'[' * 50_000)}.{part(said())}.x",
    "audience in another case": lambda: token(said(aud="Carti-Lake")),
    "audience with a slash": lambda: token(said(aud="carti-lake/")),
    "issuer with a slash": lambda: token(said(iss=f"{PROVIDER.issuer}/")),
    "expiry in words": lambda: token(said(exp="tomorrow")),
    "issued in the future": lambda: token(said(iat=int(time.time()) + 600)),
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


@pytest.mark.parametrize("name", ["group:lung", "ann\nroot read", "ann\ud800", "a" * 300, " ann", "", 7, None])
def test_a_name_that_could_pass_for_something_else_names_nobody(name):
    assert named({"sub": name}, Provider("https://a", "b", claim="sub"))[0] == ""


def test_keys_are_fetched_once_again_when_they_rotate_and_not_by_every_forger():
    clock, fetched, sets = [0.0], [], [[public(OWN, "old")], [public(STRANGE, "new")]]

    def fetch():
        fetched.append(clock[0])
        return {"keys": sets[min(len(fetched) - 1, 1)]}

    keyset = KeySet(fetch, clock=lambda: clock[0])
    assert keyset.key("old", "RS256") is not None
    for _ in range(50):
        assert keyset.key("forged", "RS256") is None
    assert len(fetched) == 1
    clock[0] += NOT_BEFORE + 1
    assert keyset.key("new", "RS256") is not None
    assert keyset.key("old", "RS256") is None
    assert len(fetched) == 2
    clock[0] += FRESH_FOR + 1
    assert keyset.key("new", "RS256") is not None
    assert len(fetched) == 3


def test_known_keys_outlast_a_provider_that_does_not_answer_by_a_day():
    clock, answers = [0.0], [{"keys": [public(OWN, "one")]}]

    def fetch():
        if not answers:
            raise OSError("unreachable")
        return answers.pop()

    keyset = KeySet(fetch, clock=lambda: clock[0])
    assert claims(token(), PROVIDER, keyset) is not None
    clock[0] += FRESH_FOR + 1
    assert claims(token(), PROVIDER, keyset) is not None
    clock[0] = TRUSTED_FOR + 1
    assert claims(token(), PROVIDER, keyset) is None


@pytest.mark.parametrize("document", [{}, {"keys": None}, {"keys": "one"}, [], "noise"])
def test_a_document_that_holds_no_keys_lets_nobody_in(document):
    assert claims(token(), PROVIDER, KeySet(lambda: document)) is None


def test_whoever_comes_while_keys_are_fetched_waits_for_them():
    fetched = []

    def fetch():
        fetched.append(1)
        time.sleep(0.1)
        return {"keys": [public(OWN, "one")]}

    keyset, good = KeySet(fetch), token()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(lambda _: claims(good, PROVIDER, keyset), range(8)))
    assert None not in found
    assert len(fetched) == 1


@pytest.fixture
def identity_provider():
    """A provider on loopback: what it answers by path, and its address."""
    pages: dict[str, Any] = {}

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps(pages.get(self.path, {})).encode()
            self.send_response(200 if self.path in pages else 404)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield pages, f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def test_keys_are_found_by_discovery_or_at_their_address(identity_provider):
    pages, address = identity_provider
    pages["/keys"] = {"keys": [public(OWN, "one")]}
    pages["/.well-known/openid-configuration"] = {"issuer": address, "jwks_uri": f"{address}/keys"}
    provider = Provider(address, PROVIDER.audience)
    for where in (None, f"{address}/keys"):
        assert claims(token(said(iss=address)), provider, KeySet(jwks(address, where))) is not None
        assert claims(token(said(iss=address), key=STRANGE), provider, KeySet(jwks(address, where))) is None


@pytest.mark.parametrize(
    "changed", [{"issuer": "https://another"}, {"jwks_uri": "http://keys.example/keys"}, {"jwks_uri": None}]
)
def test_keys_of_another_issuer_or_from_anywhere_are_not_taken(identity_provider, changed):
    pages, address = identity_provider
    pages["/keys"] = {"keys": [public(OWN, "one")]}
    pages["/.well-known/openid-configuration"] = {"issuer": address, "jwks_uri": f"{address}/keys", **changed}
    keyset = KeySet(jwks(address, None))
    assert claims(token(said(iss=address)), Provider(address, PROVIDER.audience), keyset) is None


def test_an_issuer_without_an_audience_is_refused():
    assert provider_from({}) is None
    with pytest.raises(LakeError, match="CARTI_LAKE_OIDC_AUDIENCE is not"):
        provider_from({"CARTI_LAKE_OIDC_ISSUER": "https://login.example"})
    found = provider_from({"CARTI_LAKE_OIDC_ISSUER": "https://a", "CARTI_LAKE_OIDC_AUDIENCE": "b"})
    assert found == Provider("https://a", "b")


@pytest.mark.parametrize("name", ["ISSUER", "JWKS"])
def test_keys_are_fetched_by_https_only(name):
    given = {"CARTI_LAKE_OIDC_ISSUER": "https://a", "CARTI_LAKE_OIDC_AUDIENCE": "b"}
    with pytest.raises(LakeError, match="must be an https address"):
        provider_from({**given, f"CARTI_LAKE_OIDC_{name}": "http://login.example"})
    assert provider_from({**given, f"CARTI_LAKE_OIDC_{name}": "http://127.0.0.1:1"}) is not None
