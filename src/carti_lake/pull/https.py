"""Folders over HTTPS: what a page links to, or what a manifest lists."""

import contextlib
from collections.abc import Iterator
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from html.parser import HTMLParser
from typing import TYPE_CHECKING
from urllib.parse import quote, unquote, urljoin, urlsplit

from carti_lake.pull.manifest import names_in
from carti_lake.pull.patience import quiet
from carti_lake.pull.place import CHUNK, BrokenTransferError, Place, Seen, is_below
from carti_lake.pull.secrets import SourceError, is_loopback

if TYPE_CHECKING:
    from httpx import Client, Response

TIMEOUT = 60.0


@contextlib.contextmanager
def https(name: str, address: str, password: str | None, complete: str) -> Iterator[Place]:
    """The folder at ``https://[USER@]HOST/PATH/``.

    Parameters
    ----------
    name
        Of the source, for errors.
    address
        Without a password.
    password
        Of the user; without a user, a bearer token.
    complete
        Where it names a manifest, that lists the files; else the page at the address does, by its links.

    Raises
    ------
    SourceError
        It cannot be reached, or refuses.
    """
    import httpx

    parts = urlsplit(address)
    if parts.scheme == "http" and not is_loopback(parts.hostname or ""):
        raise SourceError(f"{name}: whoever listens reads what comes over http. Give an https address.")
    base = parts._replace(netloc=parts.netloc.rpartition("@")[2], path=f"{parts.path.rstrip('/')}/").geturl()
    user = unquote(parts.username or "")
    headers = {"Authorization": f"Bearer {password}"} if password and not user else {}
    # As it is packed, it would not be as long as it is said to be.
    headers["Accept-Encoding"] = "identity"
    auth = (user, password or "") if user else None
    with quiet(), httpx.Client(base_url=base, headers=headers, auth=auth, timeout=TIMEOUT) as client:
        try:
            yield Place(
                lambda deep: _listed(client, complete),
                lambda file, start: _opened(client, file, start),
            )
        except httpx.HTTPStatusError as error:
            code = error.response.status_code
            said = "refuses the user, the password or the token" if code in (401, 403) else "has no such folder"
            raise SourceError(f"{name}: the server {said} (HTTP {code}).") from None
        except httpx.HTTPError as error:
            raise SourceError(f"{name}: the server does not answer ({type(error).__name__}).") from None


def _listed(client: "Client", complete: str) -> dict[str, Seen]:
    if complete == "rest" or complete.startswith("."):
        names = _linked(client)
    else:
        answer = client.get(quote(complete))
        if answer.status_code == 404:
            return {}
        answer.raise_for_status()
        names = [*names_in(answer.content.decode("utf-8-sig")), complete]
    return {name: _seen(client, name) for name in names if is_below(name)}


def _linked(client: "Client") -> list[str]:
    """Files beside the page that it links to."""
    answer = client.get("")
    answer.raise_for_status()
    links = _Links()
    links.feed(answer.text)
    base = str(client.base_url)
    found = dict.fromkeys(urljoin(str(answer.url), link).partition("#")[0].partition("?")[0] for link in links.found)
    names = [unquote(one.removeprefix(base)) for one in found if one.startswith(base)]
    return [name for name in names if name and "/" not in name]


class _Links(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [value for key, value in attrs if tag == "a" and key == "href" and value]


def _seen(client: "Client", name: str) -> Seen:
    answer = client.head(quote(name))
    if answer.status_code == 404:
        # Listed and not there yet.
        return Seen(name, -1, 0)
    answer.raise_for_status()
    said = answer.headers.get("Last-Modified")
    moment = parsedate_to_datetime(said) if said else datetime.fromtimestamp(0, UTC)
    return Seen(name, int(answer.headers.get("Content-Length", -1)), int(moment.timestamp()) * 10**9)


@contextlib.contextmanager
def _opened(client: "Client", name: str, start: int) -> Iterator[Iterator[bytes]]:
    import httpx

    headers = {"Range": f"bytes={start}-"} if start else {}
    try:
        with client.stream("GET", quote(name), headers=headers) as answer:
            if answer.status_code >= 500 or answer.status_code in (408, 425, 429):
                raise BrokenTransferError
            if answer.status_code == 416:
                yield iter(())
                return
            if answer.is_error:
                raise SourceError(f"{name}: the server lists it, and answers HTTP {answer.status_code}.")
            yield _rest(answer, start)
    except httpx.TransportError as error:
        raise BrokenTransferError from error


def _rest(answer: "Response", start: int) -> Iterator[bytes]:
    """The bytes from a position on, from a server that may begin anew all the same."""
    skip = start if answer.status_code == 200 else 0
    for chunk in answer.iter_bytes(CHUNK):
        if skip < len(chunk):
            yield chunk[skip:]
        skip = max(0, skip - len(chunk))
