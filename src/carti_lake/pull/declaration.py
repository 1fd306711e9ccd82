"""Sources as users declare them: a TOML file each, in the lake's folder ``sources``."""

import hashlib
import json
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import timedelta
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from carti_lake.pull import trailer
from carti_lake.pull.secrets import PASSWORD_IN_ADDRESS, SourceError, is_reference, resolve
from carti_lake.pull.soql import Asked, asked
from carti_lake.pull.views.declared import KEYS, Fhir, fhir_of
from carti_lake.sources.headers import matches
from carti_lake.sources.map_check import check_map
from carti_lake.sources.map_file import parse as parse_map
from carti_lake.sources.map_file import read_mapping
from carti_lake.sources.mapping import SourceMap
from carti_lake.store.storage import Storage
from carti_lake.tables import FEEDS, Feed
from carti_lake.tables.silver import entity_of

NAME = re.compile(r"[a-z0-9][a-z0-9_-]*", re.IGNORECASE)
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
#: Keys of every declaration, and of each kind.
OF_ALL = ("kind", "feed", "address", "map")
OF_KIND = {
    "folder": ("files", "complete", "rest", "trailer", "password", "key", "host_key"),
    "sql": ("password", "table", "query", "cursor", "overlap", "keys"),
    "salesforce": (
        *("client_id", "client_secret", "username", "private_key"),
        *("object", "where", "query", "cursor", "overlap"),
    ),
    "fhir": KEYS,
}
#: Keys whose values are references to secrets, never secrets.
SECRETS = ("password", "key", "client_secret", "private_key")
#: What a cursor of days or moments goes back by, where nothing is said.
A_DAY = timedelta(days=1)


class UnknownSourceError(ValueError):
    """A source that no file declares."""


@dataclass(frozen=True)
class Source:
    """A declared source.

    Attributes
    ----------
    name
        Of its file, without ``.toml``.
    file
        Where it is declared; what paths in it start from.
    kind
        ``folder``, ``sql``, ``salesforce`` or ``fhir``.
    feed
        Feed that it fills.
    address
        Folder, address of a database without its password, of a server or an org; or a reference to it.
    mapping
        How its columns become the feed's.
    password
        Reference to the password of the user that the address names.
    files
        Glob of a folder's files.
    complete
        How a file shows that it is whole: ``rest``, the suffix of a mark beside it (``.done``), or a manifest's name.
    rest
        Seconds between the two looks at a file that must be at rest.
    trailer
        How the last line of each file is written, which says how many rows it holds and what they come to.
    key, host_key
        Reference to the private key of an SFTP user; the public key of the host.
    table, query
        What is read of a database.
    cursor
        Column by which a database or an org tells what is new; None: everything is read each time.
    overlap
        How far before the cursor reading starts again, for rows that were committed late.
    keys
        Days between two full lists of its keys, by which rows that it no longer has are withdrawn; None: never.
    client_id
        An org's app, or a reference to its id.
    client_secret, private_key
        References to what the app proves itself by.
    username
        As whom the app signs in by its private key; or a reference to it.
    asked
        What is read of an org.
    fhir
        How the resources of a source of kind ``fhir`` become rows.
    """

    name: str
    file: Path
    kind: str
    feed: type[Feed]
    address: str = field(repr=False)
    mapping: SourceMap
    password: str | None = field(default=None, repr=False)
    files: str = "*"
    complete: str = "rest"
    rest: float = 10.0
    trailer: str | None = None
    key: str | None = field(default=None, repr=False)
    host_key: str | None = None
    table: str | None = None
    query: str | None = None
    cursor: str | None = None
    overlap: timedelta | int | None = None
    keys: timedelta | None = None
    client_id: str | None = field(default=None, repr=False)
    client_secret: str | None = field(default=None, repr=False)
    username: str | None = field(default=None, repr=False)
    private_key: str | None = field(default=None, repr=False)
    asked: Asked | None = None
    fhir: Fhir | None = None

    @property
    def reading(self) -> str:
        """Tells what is read and how from any other way: where it changes, reading starts from the beginning."""
        said: list[Any] = [self.kind, self.table, self.query, self.cursor, self.mapping.said()]
        said += [self.trailer] if self.trailer else []
        said += [asdict(self.asked)] if self.asked else []
        said += self.fhir.said() if self.fhir else []
        return hashlib.sha256(json.dumps(said, sort_keys=True).encode()).hexdigest()[:16]

    def cursor_gives(self) -> list[str]:
        """The feed's columns that the cursor's column is a value of; none where it only tells of the row."""
        if self.cursor is None:
            return []
        taken = [column for column, froms in self.mapping.sources.items() if self.cursor in froms]
        return [*matches([self.cursor], self.feed, self.mapping).values(), *taken]

    def secret(self, key: str, environment: Mapping[str, str]) -> str | None:
        """What ``address``, ``password`` or the like says, with what it refers to in its place."""
        said = getattr(self, key)
        return None if said is None else resolve(said, environment, f"{self.file.name}: {key}", self.file.parent)


def folder_of(storage: Storage, given: str | Path | None) -> Path:
    """The folder with the declarations: the one given, else ``sources`` in the lake's folder."""
    if given is not None:
        return Path(given)
    if storage.local is None:
        raise SourceError("The sources of a lake in an object store are declared in a local folder: give --sources.")
    return storage.local / "sources"


def read_sources(folder: Path, names: Sequence[str] = ()) -> list[Source]:
    """The sources that a folder declares, in the order of their names: all, or those named.

    Raises
    ------
    SourceError
        What is wrong with a declaration, with the file and the key.
    UnknownSourceError
        A name that no file has.
    """
    files = {path.stem: path for path in sorted(folder.glob("*.toml"))}
    for name in names:
        if name not in files:
            near = get_close_matches(name, files, n=1)
            known = f"Sources: {', '.join(files)}." if files else f"{folder} declares none."
            raise UnknownSourceError(
                f"There is no source {name!r}. {f'Did you mean {near[0]}?' if near else ''} {known}".replace("  ", " ")
            )
    return [read_source(files[name]) for name in (dict.fromkeys(names) or files)]


def read_source(path: Path) -> Source:
    """The source that a file declares."""
    try:
        said = tomllib.loads(path.read_text("utf-8-sig"))
    except UnicodeDecodeError:
        raise SourceError(f"{path.name}: not in UTF-8.") from None
    except tomllib.TOMLDecodeError as error:
        # The parser's own words may quote the line, and so a secret; where it stopped tells nothing.
        place = re.search(r"\(at (line \d+, column \d+|end of document)\)$", str(error))
        raise SourceError(f"{path.name}{f', {place[1]}' if place else ''}: not valid TOML.") from None
    return parse(said, path)


def parse(said: Mapping[str, Any], path: Path) -> Source:
    """What a declaration says, checked key by key; no value is repeated: one may be a secret in the wrong place."""
    where = path.name
    if not NAME.fullmatch(path.stem):
        raise SourceError(f"{where}: a source's name has letters, digits, - and _ only.")
    kind = _text(said, "kind", where)
    if kind not in OF_KIND:
        raise SourceError(f"{where}: kind must be one of {', '.join(OF_KIND)}.")
    keys = (*OF_ALL, *OF_KIND[kind])
    for key in said:
        if key not in keys:
            near = get_close_matches(key, keys, n=1)
            hint = f'; did you mean "{near[0]}"?' if near else f"; it may be {', '.join(keys)}."
            raise SourceError(f'{where}: a source of kind {kind} has no "{key}"{hint}')
    feed = FEEDS.get(name := _text(said, "feed", where))
    if feed is None:
        near = get_close_matches(name, FEEDS, n=1)
        raise SourceError(f"{where}: feed names none; {f'did you mean {near[0]}?' if near else ', '.join(FEEDS)}")
    address = _text(said, "address", where)
    if PASSWORD_IN_ADDRESS.search(address):
        raise SourceError(
            f'{where}: address holds a password in clear text. Leave it out and say password = "env:NAME" or '
            '"file:PATH"; or let the whole address be such a reference.'
        )
    mapping = _mapping(said.get("map", {}), path)
    check_map(mapping, feed)
    parsed = Source(path.stem, path, kind, feed, address, mapping, **_of_kind(said, kind, path))
    if parsed.cursor is not None:
        _check_cursor(parsed, where)
    if parsed.trailer is not None and (wrong := trailer.wrong_with(parsed.trailer, feed)):
        raise SourceError(f"{where}: trailer {wrong}.")
    if parsed.keys is not None and (reason := no_keys(parsed)):
        raise SourceError(f"{where}: {reason}.")
    return parsed


def _of_kind(said: Mapping[str, Any], kind: str, path: Path) -> dict[str, Any]:
    where = path.name
    if kind == "fhir":
        spans = {key: _span(said[key], f"{where}: {key}") for key in ("rest", "overlap") if key in said}
        of_files: dict[str, Any] = {key: _text(said, key, where) for key in ("files", "complete") if key in said}
        of_files |= {"rest": spans.pop("rest").total_seconds()} if "rest" in spans else {}
        return {**of_files, **spans, "fhir": fhir_of(said, path)}
    texts: dict[str, Any] = {
        key: _text(said, key, where) for key in OF_KIND[kind] if key in said and key not in ("overlap", "rest", "keys")
    }
    for key in SECRETS:
        if key in texts and not is_reference(texts[key]):
            raise SourceError(
                f'{where}: {key} is in clear text. Say where it is instead: "env:NAME" for an environment variable, '
                '"file:PATH" for a file.'
            )
    if kind == "folder":
        return texts | ({"rest": _span(said["rest"], f"{where}: rest").total_seconds()} if "rest" in said else {})
    thing = "object" if kind == "salesforce" else "table"
    if (thing in texts) == ("query" in texts):
        raise SourceError(f"{where}: say either {thing} or query: what is to be read.")
    if "keys" in said:
        texts["keys"] = _span(said["keys"], f"{where}: keys")
        if texts["keys"] < A_DAY or texts["keys"] % A_DAY:
            raise SourceError(f'{where}: keys is a number of days, such as "7d".')
    return (_of_salesforce(texts, where) if kind == "salesforce" else texts) | _overlap(said, texts, where)


def _of_salesforce(texts: Mapping[str, str], where: str) -> dict[str, Any]:
    """What is said of an org: how its app proves itself, and what is read."""
    by_secret, by_key = "client_secret" in texts, {"username", "private_key"} & texts.keys()
    if "client_id" not in texts or by_secret == bool(by_key) or len(by_key) == 1:
        raise SourceError(
            f"{where}: say client_id with client_secret (client credentials), or with username and private_key (JWT "
            "bearer): how the app signs in."
        )
    if "where" in texts and "query" in texts:
        raise SourceError(f"{where}: where is said of an object; put it into the query.")
    kept = {key: text for key, text in texts.items() if key not in ("object", "where", "query")}
    return kept | {"asked": asked(texts.get("object"), texts.get("query"), texts.get("where"), where)}


def _overlap(said: Mapping[str, Any], texts: Mapping[str, str], where: str) -> dict[str, Any]:
    if "overlap" not in said:
        return {}
    if "cursor" not in texts:
        raise SourceError(f"{where}: overlap is said of a cursor, and there is none.")
    overlap = said["overlap"]
    if "client_id" in texts:
        return {"overlap": _span(overlap, f"{where}: overlap")}
    if isinstance(overlap, int) and not isinstance(overlap, bool) and overlap >= 0:
        return {"overlap": overlap}
    return {"overlap": _span(overlap, f"{where}: overlap")}


def _check_cursor(source: Source, where: str) -> None:
    """Refuse a cursor that is a patient's identifier, since where a source stands is shown, or of a full list."""
    if source.feed.snapshot:
        raise SourceError(
            f"{where}: {source.feed.short_name} is a full list each time; by a cursor, all that has not changed would "
            "be withdrawn. Leave the cursor out."
        )
    if {*source.cursor_gives()} & {*source.feed.phi_columns()}:
        raise SourceError(
            f"{where}: the cursor identifies patients, and where a source stands is shown. Take the moment or the "
            "number of a row's last change."
        )


def no_keys(source: Source) -> str | None:
    """Why a source cannot be compared with a list of its keys; None where it can."""
    if source.feed.snapshot:
        return f"{source.feed.short_name} is a full list each time, and withdraws without keys"
    key = entity_of(source.feed).key()[0]
    if key not in source.feed.delivered() or key in source.mapping.absent:
        return f"rows of {source.feed.short_name} have no key that this source delivers"
    return None


def _mapping(said: Any, path: Path) -> SourceMap:
    if isinstance(said, str):
        return read_mapping(path.parent / said)
    if not isinstance(said, dict):
        raise SourceError(f"{path.name}: map must be a table, or name a map's file.")
    return parse_map(said, f"{path.name}: map") if said else SourceMap(file=f"{path.name}: map")


def _text(said: Mapping[str, Any], key: str, where: str) -> str:
    text = said.get(key)
    if not isinstance(text, str) or not text.strip():
        raise SourceError(f"{where}: {key} is {'no text' if text else 'missing'}.")
    return text.strip()


def _span(said: Any, where: str) -> timedelta:
    match = re.fullmatch(r"(\d+)\s*([smhd])", said) if isinstance(said, str) else None
    if match is None:
        raise SourceError(f'{where} must be a length of time such as "90s", "30m", "2h" or "3d".')
    return timedelta(**{UNITS[match[2]]: int(match[1])})
