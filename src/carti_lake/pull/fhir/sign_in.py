"""Signing in at a FHIR server as a backend service, as SMART describes it: by a signed assertion, for a token."""

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from carti_lake.pull.assertion import NoKeyError, signed
from carti_lake.pull.fhir.http import Server, as_json
from carti_lake.pull.secrets import SourceError, resolve

if TYPE_CHECKING:
    from carti_lake.pull.declaration import Source
    from carti_lake.pull.views.declared import Fhir

ASSERTION = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
#: How long an assertion holds, and how long before its end a token is taken as ended.
LASTS, EARLY = timedelta(minutes=4), timedelta(seconds=30)
#: How a key signs, as SMART asks for it.
ALGORITHMS = {"RSA": "RS384", "secp384r1": "ES384"}
#: What OAuth calls the reasons of a refusal.
REASONS = (
    *("invalid_request", "invalid_client", "invalid_grant", "invalid_scope"),
    *("unauthorized_client", "unsupported_grant_type"),
)


def signing_in(
    server: Server, base: str, source: "Source", fhir: "Fhir", environment: Mapping[str, str]
) -> Callable[[bool], str | None]:
    """A giver of access tokens: the last one as long as it holds, unless a new one is asked for."""
    if fhir.client is None or fhir.key is None:
        return lambda anew: None
    where, folder = source.file.name, source.file.parent
    client = resolve(fhir.client, environment, f"{where}: client", folder)
    key = resolve(fhir.key, environment, f"{where}: key", folder)
    held: list[tuple[str, datetime]] = []
    found: list[tuple[str, str]] = []

    def token(anew: bool) -> str:
        if anew or not held or held[0][1] <= server.clock():
            if not found:
                found.append(_endpoint(server, base, fhir))
            held[:] = [_token(server, *found[0], client, key, fhir.key_id)]
        return held[0][0]

    return token


def _endpoint(server: Server, base: str, fhir: "Fhir") -> tuple[str, str]:
    """Where a token is asked, and for what."""
    said: Any = {}
    if fhir.token_endpoint is None or fhir.scope is None:
        answer = server.ask("sign-in", "GET", f"{base}/.well-known/smart-configuration", signed=False)
        said = as_json(answer) if answer.status_code == 200 else {}
    said = said if isinstance(said, dict) else {}
    endpoint = fhir.token_endpoint or said.get("token_endpoint")
    if not isinstance(endpoint, str):
        raise SourceError(
            f"{server.name}: the server does not say where tokens are given (.well-known/smart-configuration). Say "
            "token_endpoint."
        )
    newer = "permission-v2" in (said.get("capabilities") or [])
    scope = " ".join(f"system/{kind}.{'rs' if newer else 'read'}" for kind in fhir.types())
    return endpoint, fhir.scope or scope


def _token(
    server: Server, endpoint: str, scope: str, client: str, key: str, key_id: str | None
) -> tuple[str, datetime]:
    now = server.clock()
    form = {
        "grant_type": "client_credentials",
        "scope": scope,
        "client_assertion_type": ASSERTION,
        "client_assertion": _assertion(server.name, endpoint, client, key, key_id, now),
    }
    answer = server.ask("sign-in", "POST", endpoint, signed=False, data=form)
    said = as_json(answer)
    token = said.get("access_token") if isinstance(said, dict) else None
    if answer.status_code != 200 or not isinstance(token, str):
        reason = said.get("error") if isinstance(said, dict) else None
        told = reason if reason in REASONS else f"status {answer.status_code}"
        raise SourceError(f"{server.name}: sign-in: the server gives no token ({told}).")
    lasts = said.get("expires_in")
    seconds = lasts if isinstance(lasts, int | float) and lasts > 0 else 300
    return token, now + max(timedelta(seconds=seconds) - EARLY, timedelta(seconds=seconds / 2))


def _assertion(name: str, endpoint: str, client: str, key: str, key_id: str | None, now: datetime) -> str:
    claims = {"iss": client, "sub": client, "aud": endpoint, "exp": now + LASTS, "jti": str(uuid.uuid4())}
    try:
        return signed(claims, key, ALGORITHMS, key_id)
    except NoKeyError as error:
        raise SourceError(f"{name}: key {error}.") from None
