"""Assertions by which an app proves itself: JSON web tokens that its private key signs."""

import json
from collections.abc import Mapping
from typing import Any


class NoKeyError(ValueError):
    """A text that is no private key which can sign; its words say which are, and quote none of it."""


def signed(claims: Mapping[str, Any], key: str, algorithms: Mapping[str, str], key_id: str | None = None) -> str:
    """The claims as a token.

    Parameters
    ----------
    claims
        What is asserted.
    key
        A private key, as PEM or JWK.
    algorithms
        How a key signs, by its kind: ``RSA``, or the name of its curve.
    key_id
        Names the key; else a JWK's own does.

    Raises
    ------
    NoKeyError
        It is no key, or of another kind.
    """
    import jwt
    from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePrivateKey
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
    from cryptography.hazmat.primitives.serialization import load_pem_private_key

    try:
        if key.lstrip().startswith("{"):
            said = json.loads(key)
            jwk = jwt.PyJWK(said, algorithm="RS384" if said.get("kty") == "RSA" else "ES384")
            private, key_id = jwk.key, key_id or jwk.key_id
        else:
            private = load_pem_private_key(key.encode(), None)
    except (ValueError, TypeError, jwt.PyJWTError):
        raise NoKeyError("is no private key as PEM or JWK") from None
    kind = "RSA" if isinstance(private, RSAPrivateKey) else ""
    kind = private.curve.name if isinstance(private, EllipticCurvePrivateKey) else kind
    if kind not in algorithms:
        names = " or ".join(
            f"an RSA key ({how})" if one == "RSA" else f"one of the curve {one} ({how})"
            for one, how in algorithms.items()
        )
        raise NoKeyError(f"must be {names}")
    return jwt.encode({**claims}, private, algorithms[kind], headers={"kid": key_id} if key_id else None)
