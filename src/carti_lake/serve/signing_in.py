"""Who may sign in to the service of a lake: its keys, and its identity provider where one is named."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from carti_lake.access import Viewer, keys, policies
from carti_lake.access.policies import viewer_of
from carti_lake.serve.tokens import KeySet, Provider, claims, named
from carti_lake.store.errors import LakeError

if TYPE_CHECKING:
    from carti_lake.lake import Lake

ISSUER, AUDIENCE, JWKS, CLAIM, GROUPS = (
    f"CARTI_LAKE_OIDC_{name}" for name in ("ISSUER", "AUDIENCE", "JWKS", "CLAIM", "GROUPS")
)
#: Seconds to wait for the identity provider.
WAIT = 5.0


def provider_from(environment: Mapping[str, str]) -> Provider | None:
    """The identity provider that the environment names; None without one.

    Raises
    ------
    LakeError
        Where it names an issuer and no audience: any token of that issuer would do. Where an address is not https:
        whoever stands between could put in keys of the own.
    """
    issuer = environment.get(ISSUER)
    if not issuer:
        return None
    audience = environment.get(AUDIENCE)
    if not audience:
        raise LakeError(f"{ISSUER} is set and {AUDIENCE} is not: name the audience that tokens must be for.")
    for name in (ISSUER, JWKS):
        if (given := environment.get(name)) and not _private(given):
            raise LakeError(f"{name} must be an https address, since keys are fetched from it: {given}")
    return Provider(issuer, audience, environment.get(CLAIM) or "email", environment.get(GROUPS) or "groups")


def _private(address: str) -> bool:
    """Whether nobody can change what is fetched from it: by https, or from this very machine."""
    parts = urlsplit(address)
    return parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in ("127.0.0.1", "::1", "localhost"))


def jwks(issuer: str, address: str | None) -> Callable[[], Mapping[str, Any]]:
    """Fetches the provider's keys from their address, else from where its discovery document says."""
    import httpx

    def fetch() -> Mapping[str, Any]:
        with httpx.Client(timeout=WAIT) as client:
            where = address
            if where is None:
                found = client.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration").raise_for_status().json()
                where = str(found["jwks_uri"])
                # OpenID Connect Discovery 1.0, 4.3; a document of another issuer would bring another's keys.
                if found["issuer"] != issuer or not _private(where):
                    raise LakeError(f"{issuer} answers for another issuer, or names keys without https.")
            document: Mapping[str, Any] = client.get(where).raise_for_status().json()
            return document

    return fetch


def authenticator(lake: "Lake", provider: Provider | None, keyset: KeySet | None) -> Callable[[str], Viewer | None]:
    """What a key or a token is worth: the viewer whose it is, under the policies as they stand; None for nothing."""

    def viewer(credential: str) -> Viewer | None:
        now = lake.clock()
        if credential.startswith(f"{keys.PREFIX}_"):
            return keys.viewer_of(lake.storage, credential, now)
        if provider is None or keyset is None:
            return None
        found = claims(credential, provider, keyset)
        if found is None:
            return None
        name, groups = named(found, provider)
        return viewer_of(policies(lake.storage, now.date()), name, groups) if name else None

    return viewer


def configured(lake: "Lake", provider: Provider | None) -> bool:
    """Whether anybody could sign in."""
    current_releases = keys.keys(lake.storage)
    return provider is not None or not current_releases.filter(~current_releases["revoked"]).is_empty()
