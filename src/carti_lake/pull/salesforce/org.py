"""An org over HTTP: signing in, and asking with patience. Nothing that it answers is repeated in an error."""

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from carti_lake.pull.assertion import NoKeyError, signed
from carti_lake.pull.patience import PASSING, quiet, retry_after
from carti_lake.pull.secrets import SourceError, is_loopback

if TYPE_CHECKING:
    import httpx

    from carti_lake.pull.declaration import Source

#: Salesforce keeps a version for at least three years; results must be asked for in the version of their query.
DATA = "/services/data/v62.0"
#: Seconds to wait before each further try of what may pass.
PATIENCE = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0)
#: Longest wait that the server may ask for; what takes longer is for the next pull.
LONGEST = 600.0
#: Seconds without a byte after which a connection counts as broken.
SILENCE = 120.0
#: The server's own words are not repeated: they may quote a row. Codes that look like codes are.
CODE = re.compile(r"[A-Za-z_]{3,60}")
#: The requests of a day, or those at once, are used up.
SPENT = "REQUEST_LIMIT_EXCEEDED"
REASONS = {
    "INVALID_TYPE": "there is no such object, or its user may not read it",
    "INVALID_FIELD": "there is no such field, or its user may not read it",
    "MALFORMED_QUERY": "the condition is no SOQL",
    "INSUFFICIENT_ACCESS": "its user may not read that",
    "API_DISABLED_FOR_ORG": "the org, or its user, may not use the API",
    "API_CURRENTLY_DISABLED": "the org, or its user, may not use the API",
    "INVALID_SESSION_ID": "the token is refused right after signing in",
    "QUERY_TIMEOUT": "the query takes too long: narrow it by where",
    "invalid_grant": "the user, the key or the pre-approval of the app is refused",
    "invalid_client_id": "there is no such app",
    "invalid_client": "the app or its secret is refused",
    "invalid_app_access": "the user is not approved for the app",
    "unsupported_grant_type": "the app does not allow this way of signing in",
    "inactive_user": "the user is not active",
}


class RefusedError(SourceError):
    """What Salesforce answers with an error: its status and its code."""

    def __init__(self, name: str, status: int, code: str) -> None:
        self.status, self.code = status, code
        said = f"{code}, HTTP {status}" if code else f"HTTP {status}"
        reason = REASONS.get(code)
        super().__init__(f"{name}: {f'{reason} ({said})' if reason else f'Salesforce refuses that ({said})'}.")


@dataclass(frozen=True)
class Token:
    """What signing in gives: the address for all that follows, and the header's value."""

    address: str
    bearer: str = field(repr=False)


@dataclass
class Org:
    """An org that is signed in to when it is first asked, and again when the token ends.

    Attributes
    ----------
    name
        Of the source, for errors.
    client
        Connections.
    sign_in
        Gives the address and the form of a request for a token.
    wait
        Waits so many seconds.
    clock
        The present moment.
    """

    name: str
    client: "httpx.Client"
    sign_in: Callable[[], tuple[str, dict[str, str]]]
    wait: Callable[[float], None]
    clock: Callable[[], datetime]
    token: Token | None = None

    def ask(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, str] | None = None,
        json: Any = None,
        into: Path | None = None,
    ) -> "httpx.Response":
        """The answer to a request, its body in a file where ``into`` names one; repeated while that may help.

        Raises
        ------
        RefusedError
            An error that no repetition mends.
        SourceError
            One that has not passed.
        """
        renewed = False

        def request() -> "httpx.Response":
            nonlocal renewed
            if self.token is None:
                self.token = self._signed_in()
            headers = {"Authorization": f"Bearer {self.token.bearer}"}
            answer = self._once(method, self.token.address + path, into, headers=headers, params=params, json=json)
            if answer.status_code == 401 and not renewed:
                self.token, renewed = None, True
                return request()
            return answer

        return self._patiently(request)

    def get(self, path: str, **params: str) -> Any:
        """A JSON value; numbers stand as the text that they came as."""
        return read(self.ask("GET", f"{DATA}{path}", params=params or None), self.name)

    def _signed_in(self) -> Token:
        address, form = self.sign_in()
        said = read(
            self._patiently(lambda: self._once("POST", f"{address}/services/oauth2/token", None, data=form)), self.name
        )
        if not isinstance(said, dict) or not isinstance(said.get("access_token"), str):
            raise SourceError(f"{self.name}: signing in gave no token.")
        return Token(secure(str(said.get("instance_url") or address), self.name), said["access_token"])

    def _once(self, method: str, url: str, into: Path | None, **more: Any) -> "httpx.Response":
        with self.client.stream(method, url, **more) as answer:
            if into is None or not answer.is_success:
                answer.read()
                return answer
            with into.open("wb") as file:
                for piece in answer.iter_bytes():
                    file.write(piece)
            return answer

    def _patiently(self, request: Callable[[], "httpx.Response"]) -> "httpx.Response":
        import httpx

        for pause in (*PATIENCE, None):
            try:
                answer = request()
            except httpx.RequestError:
                if pause is None:
                    raise SourceError(f"{self.name}: Salesforce does not answer, or the connection breaks.") from None
                self.wait(pause)
                continue
            if answer.is_success:
                return answer
            code = _code(answer)
            spent = code == SPENT
            if not spent and answer.status_code not in PASSING:
                raise RefusedError(self.name, answer.status_code, code)
            asked = retry_after(answer, self.clock()) or 0.0
            if pause is None or asked > LONGEST:
                raise SourceError(
                    f"{self.name}: the org's API requests are used up; pull again later."
                    if spent
                    else f"{self.name}: Salesforce is busy or failing (HTTP {answer.status_code}); pull again later."
                )
            self.wait(max(asked, pause))
        raise AssertionError("unreachable: the last try returns or raises")


@contextmanager
def opened(
    source: "Source", environment: Mapping[str, str], clock: Callable[[], datetime], wait: Callable[[float], None]
) -> Iterator[Org]:
    """The org of a source; it is signed in to when it is first asked."""
    import httpx

    with quiet(), httpx.Client(timeout=httpx.Timeout(SILENCE, connect=30.0)) as client:
        yield Org(source.name, client, lambda: _form(source, environment, clock()), wait, clock)


def _form(source: "Source", environment: Mapping[str, str], now: datetime) -> tuple[str, dict[str, str]]:
    """The org's address, and what asks it for a token: client credentials, or a JWT of the app's key and a user."""
    address = secure((source.secret("address", environment) or "").rstrip("/"), source.name)
    client = source.secret("client_id", environment) or ""
    if source.client_secret is not None:
        secret = source.secret("client_secret", environment) or ""
        return address, {"grant_type": "client_credentials", "client_id": client, "client_secret": secret}
    host = urlsplit(address).hostname or ""
    sandbox = ".sandbox." in host or host == "test.salesforce.com"
    claims = {
        "iss": client,
        "sub": source.secret("username", environment),
        "aud": f"https://{'test' if sandbox else 'login'}.salesforce.com",
        "exp": int(now.timestamp()) + 180,
    }
    try:
        assertion = signed(claims, source.secret("private_key", environment) or "", {"RSA": "RS256"})
    except NoKeyError:
        raise SourceError(f"{source.file.name}: private_key refers to what is no RSA key in PEM.") from None
    return address, {"grant_type": "urn:ietf:params:oauth:grant-type:jwt-bearer", "assertion": assertion}


def secure(address: str, name: str) -> str:
    """The address, if what is sent there cannot be read on the way."""
    parts = urlsplit(address)
    inside = is_loopback(parts.hostname or "")
    if parts.hostname is None or not (parts.scheme == "https" or (parts.scheme == "http" and inside)):
        raise SourceError(f"{name}: the org's address must begin with https://, as in https://ACME.my.salesforce.com.")
    return f"{parts.scheme}://{parts.netloc}"


def read(answer: "httpx.Response", name: str) -> Any:
    """An answer's JSON; numbers stand as the text that they came as."""
    try:
        return answer.json(parse_float=str, parse_int=str)
    except ValueError:
        raise SourceError(f"{name}: the answer is no JSON: is that the address of a Salesforce org?") from None


def _code(answer: "httpx.Response") -> str:
    """The code in an answer's body, of the API or of signing in; empty where there is none."""
    try:
        said = answer.json()
    except ValueError:
        return ""
    first = said[0] if isinstance(said, list) and said else said
    code = (first.get("errorCode") or first.get("error")) if isinstance(first, dict) else None
    return code if isinstance(code, str) and CODE.fullmatch(code) else ""
