"""A FHIR server's answers: asked again where it is busy or ill, and what it refuses told without its words."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from carti_lake.pull.patience import PASSING, retry_after
from carti_lake.pull.secrets import SourceError, is_loopback

if TYPE_CHECKING:
    import httpx

#: How often a request is made, and how long at most before it is made again, in seconds.
TRIES, LONGEST_WAIT = 8, 120.0
#: Codes of issues, as FHIR defines them; any other text of an answer may quote a resource.
ISSUES = frozenset(
    (
        *("invalid", "structure", "required", "value", "invariant", "security", "login", "unknown", "expired"),
        *("forbidden", "suppressed", "processing", "not-supported", "duplicate", "multiple-matches", "not-found"),
        *("deleted", "too-long", "code-invalid", "extension", "too-costly", "business-rule", "conflict", "transient"),
        *("lock-error", "no-store", "exception", "timeout", "incomplete", "throttled", "informational"),
    )
)
SEVERITIES = frozenset(("fatal", "error", "warning", "information"))


@dataclass
class Server:
    """A FHIR server.

    Attributes
    ----------
    name
        Of the source, for errors.
    client
        What asks it.
    wait
        Waits so many seconds.
    clock
        The present moment.
    token
        Gives an access token, a new one where that is asked for; None where the server wants none.
    """

    name: str
    client: "httpx.Client"
    wait: Callable[[float], None]
    clock: Callable[[], datetime]
    token: Callable[[bool], str | None] = lambda anew: None

    def ask(self, what: str, method: str, url: str, *, signed: bool = True, **request: Any) -> "httpx.Response":
        """The answer to a request, whatever it is, once the server is neither busy nor out of reach."""
        with self.asking(what, method, url, signed=signed, **request) as answer:
            answer.read()
            return answer

    @contextlib.contextmanager
    def asking(
        self, what: str, method: str, url: str, *, signed: bool = True, **request: Any
    ) -> "Iterator[httpx.Response]":
        """The same, with the body still to come."""
        import httpx

        protected(url, self.name)
        renewed = False
        headers = {**request.pop("headers", {})}
        for attempt in range(TRIES):
            if signed and (token := self.token(False)) is not None:
                headers["Authorization"] = f"Bearer {token}"
            try:
                asked = self.client.build_request(method, url, headers=headers, **request)
                answer = self.client.send(asked, stream=True)
            except httpx.TransportError as error:
                if attempt + 1 == TRIES:
                    raise SourceError(
                        f"{self.name}: {what}: the server does not answer ({type(error).__name__})."
                    ) from None
                self.wait(backoff(attempt))
                continue
            try:
                if answer.status_code == 401 and signed and not renewed and self.token(True) is not None:
                    renewed = True
                    continue
                if answer.status_code in PASSING and attempt + 1 < TRIES and not _is_final(answer):
                    self.wait(self.pause(answer, attempt))
                    continue
                yield answer
            finally:
                answer.close()
            return
        raise SourceError(f"{self.name}: {what}: the server refuses the access token that it gave.")

    def pause(self, answer: "httpx.Response", attempt: int) -> float:
        """Seconds to wait, as the server says, else more each time."""
        said = retry_after(answer, self.clock())
        return backoff(attempt) if said is None else min(said, LONGEST_WAIT)

    def refusal(self, what: str, answer: "httpx.Response") -> SourceError:
        """What the server answered, in words that quote nothing of it but codes that FHIR defines."""
        codes = ", ".join(sorted(issues(as_json(answer))))
        told = f"{answer.status_code} {answer.reason_phrase}".strip() if answer.status_code >= 400 else "no FHIR"
        return SourceError(f"{self.name}: {what}: the server answers {told}{f' ({codes})' if codes else ''}.")


def backoff(attempt: int) -> float:
    """Seconds to wait before the next attempt: twice as long each time."""
    return min(2.0**attempt, LONGEST_WAIT)


def issues(outcome: Any) -> list[str]:
    """Severity and code of an OperationOutcome's issues."""
    if not isinstance(outcome, dict) or outcome.get("resourceType") != "OperationOutcome":
        return []
    listed = outcome.get("issue")
    return [
        f"{one['severity'] if one.get('severity') in SEVERITIES else 'error'}: "
        f"{one['code'] if one.get('code') in ISSUES else 'unknown'}"
        for one in (listed if isinstance(listed, list) else [])
        if isinstance(one, dict)
    ]


def protected(url: str, name: str) -> None:
    """Refuse an address that would show tokens and patients on the way."""
    parts = urlsplit(url)
    if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname or "")):
        raise SourceError(f"{name}: a FHIR server is asked by https:// only.")


def _is_final(answer: "httpx.Response") -> bool:
    """Whether the server says that what was asked has failed for good."""
    if answer.status_code == 429:
        return False
    answer.read()
    said = issues(as_json(answer))
    return bool(said) and not any(
        one.endswith((": transient", ": throttled", ": timeout", ": lock-error")) for one in said
    )


def as_json(answer: "httpx.Response") -> Any:
    """The answer's JSON; None where it is none."""
    try:
        return answer.json()
    except (ValueError, RuntimeError):
        return None
