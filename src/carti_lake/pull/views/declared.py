"""What a source of kind ``fhir`` declares beside what every source does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import polars as pl

from carti_lake.pull.secrets import SourceError, is_reference
from carti_lake.pull.views.view import View, read_view

KEYS = (
    "views", "query", "export", "client", "key", "key_id", "token_endpoint", "scope", "overlap", "files", "complete",
    "rest",
)  # fmt: skip
#: Whose resources are exported.
LEVELS = re.compile(r"system|patient|Group/[A-Za-z0-9\-.]{1,64}")


@dataclass(frozen=True)
class Fhir:
    """How a source's resources become rows.

    Attributes
    ----------
    views
        View definitions, each a table under its name.
    query
        SQL over the views; None where the only view's rows are the feed's.
    export
        ``system``, ``patient`` or ``Group/ID``: whose resources a server exports.
    client, key, key_id
        As what the lake is registered with the server, reference to its private key, and the key's id there; a server
        that asks for no sign-in has none.
    token_endpoint, scope
        Where and for what a token is asked; else as the server's own configuration says.
    """

    views: tuple[View, ...]
    query: str | None = None
    export: str = "system"
    client: str | None = None
    key: str | None = field(default=None, repr=False)
    key_id: str | None = None
    token_endpoint: str | None = None
    scope: str | None = None

    def types(self) -> tuple[str, ...]:
        """Types of the resources that the views are of."""
        return tuple(sorted({view.resource for view in self.views}))

    def said(self) -> list[str | None]:
        """What tells these rows from others."""
        return [*(f"{view.name} {view.said}" for view in self.views), self.query, self.export]

    def rows(self, tables: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
        """The feed's rows, of the views' rows.

        Raises
        ------
        SourceError
            The query is none over the views.
        """
        if self.query is None:
            (only,) = tables.values()
            return only
        try:
            rows = pl.SQLContext(dict(tables)).execute(self.query)
            rows.collect_schema()
        except pl.exceptions.PolarsError as error:
            # Of views without rows yet: these words quote the query at most.
            (reason, *_) = str(error).splitlines() or [type(error).__name__]
            raise SourceError(f"query: no SQL over {', '.join(tables)}: {reason}.") from None
        return rows


def fhir_of(said: Mapping[str, Any], path: Path) -> Fhir:
    """What a declaration says; no value is repeated."""
    where = path.name
    views = said.get("views")
    files = [views] if isinstance(views, str) else views
    if not isinstance(files, list) or not files or not all(isinstance(one, str) for one in files):
        raise SourceError(f"{where}: views must name the files of one or more view definitions.")
    texts = {key: said[key] for key in ("query", *KEYS[2:8]) if key in said}
    for key, text in texts.items():
        if not isinstance(text, str) or not text.strip():
            raise SourceError(f"{where}: {key} is no text.")
    if "key" in texts and not is_reference(texts["key"]):
        raise SourceError(f'{where}: key is in clear text. Say where it is instead: "env:NAME" or "file:PATH".')
    if ("key" in texts) != ("client" in texts):
        raise SourceError(f"{where}: client and key go together: as whom, and with which key, the lake signs in.")
    if not LEVELS.fullmatch(texts.get("export", "system")):
        raise SourceError(f"{where}: export must be system, patient or Group/ID.")
    made = Fhir(tuple(read_view(path.parent / file) for file in files), **texts)
    names = [view.name for view in made.views]
    if len({name.lower() for name in names}) < len(names):
        raise SourceError(f"{where}: two views have the same name.")
    if made.query is None and len(names) > 1:
        raise SourceError(f"{where}: several views need a query that makes the feed's rows of them.")
    try:
        made.rows({view.name: pl.LazyFrame(schema=view.schema()) for view in made.views})
    except SourceError as error:
        raise SourceError(f"{where}: {error}") from None
    return made
