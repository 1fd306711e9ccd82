"""What servers over HTTP ask to be waited for, and what apps prove themselves by."""

from datetime import UTC, datetime

import httpx
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from carti_lake.pull.assertion import NoKeyError, signed
from carti_lake.pull.patience import retry_after
from tests.pull.fhir_worlds import P384, RSA

NOON = datetime(2026, 3, 10, 12, tzinfo=UTC)


def pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ({"Retry-After": "7"}, 7.0),
        ({"Retry-After": " 7 "}, 7.0),
        ({"Retry-After": "Tue, 10 Mar 2026 12:00:30 GMT"}, 30.0),
        ({"Retry-After": "Tue, 10 Mar 2026 11:00:00 GMT"}, 0.0),
        # The server's clock is an hour ahead of ours.
        ({"Retry-After": "Tue, 10 Mar 2026 13:00:30 GMT", "Date": "Tue, 10 Mar 2026 13:00:00 GMT"}, 30.0),
        ({"Retry-After": "Tue, 10 Mar 2026 13:00:30", "Date": "Tue, 10 Mar 2026 13:00:00 GMT"}, None),
        ({"Retry-After": "Tue, 10 Mar 2026 13:00:30 GMT", "Date": "today"}, None),
        ({"Retry-After": "-5"}, None),
        ({"Retry-After": "soon"}, None),
        ({}, None),
    ],
)
def test_a_server_says_how_long_to_wait(said, seconds):
    assert retry_after(httpx.Response(429, headers=said), NOON) == seconds


def test_a_key_signs_as_its_kind_does():
    for key, kind in ((RSA, "RSA"), (P384, "secp384r1")):
        token = signed({"iss": "app"}, pem(key), {"RSA": "RS384", "secp384r1": "ES384"}, "one")
        assert jwt.get_unverified_header(token)["kid"] == "one"
        assert jwt.decode(token, key.public_key(), ["RS384", "ES384"]) == {"iss": "app"}, kind


@pytest.mark.parametrize(
    ("key", "said"),
    [
        (pem(P384), "must be an RSA key"),
        (pem(generate_private_key(SECP256R1())), "must be an RSA key"),
        ("marked", "no private key"),
        ('{"kty": "RSA", "d": "marked"}', "no private key"),
        ("{marked", "no private key"),
    ],
)
def test_what_cannot_sign_is_said_without_it(key, said):
    with pytest.raises(NoKeyError, match=said) as error:
        signed({"iss": "app"}, key, {"RSA": "RS256"})
    assert "marked" not in str(error.value)
