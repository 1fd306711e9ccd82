"""What loading an extract would do, told before anything is kept."""

import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl

from carti_lake.pipeline.bronze import bronze
from carti_lake.pipeline.cleanse import refusals
from carti_lake.pipeline.reading import Hint, Reading
from carti_lake.pipeline.survey import survey
from carti_lake.sources.apply import hints
from carti_lake.sources.batches import turn, with_lineage
from carti_lake.sources.extract import Extract
from carti_lake.sources.files import explain_failure
from carti_lake.sources.layouts import refuse_other_header
from carti_lake.sources.readings import find_readings, read_as_mapped
from carti_lake.store.storage import Storage
from carti_lake.tables.checks import NO_VALUE
from carti_lake.tables.feeds import Feed
from carti_lake.tables.silver import entity_of

#: Words that stand for no value, and three that often do: how many there are is told, what these mean is for the user.
NULL_WORDS = (*NO_VALUE, "?", ".", "unknown")


@dataclass(frozen=True)
class ColumnPreview:
    """How one column would be read.

    Attributes
    ----------
    column, type
        The declared column and the type that bronze gives it.
    source
        The headers or paths that it comes from, or the constant that it is; None where it is not delivered.
    values
        Rows that deliver a value.
    as_text
        Of these, values that are not written as the type is (ISO days, plain numbers): kept as text, and read when the
        rows are cleansed.
    unreadable
        Rows that would be refused because the value cannot be read.
    written
        How it is written: as the map says, and as its values were found to be.
    null_words
        Words that stand for no value, or often do, with how many rows have them.
    """

    column: str
    type: str
    source: str | None
    values: int
    as_text: int
    unreadable: int
    written: dict[str, Any] = field(default_factory=dict)
    null_words: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True)
class Preview:
    """What loading one extract would do.

    Attributes
    ----------
    name, feed, extract_date, batch_id, rows
        The batch that it would be.
    already
        Whether it was loaded before, so that nothing would be added.
    replaces
        The batch that it would replace: the same content, read under another map.
    columns
        Every declared column that is delivered or required.
    unmapped
        Delivered columns that the feed does not have; they are kept in ``rescued``.
    refused
        Rows that would be refused, judged by this extract alone.
    rules
        The rules that they break, with how many rows break each.
    """

    name: str
    feed: str
    extract_date: date
    batch_id: str
    rows: int
    already: bool
    replaces: str | None
    columns: list[ColumnPreview]
    unmapped: list[str]
    refused: int
    rules: dict[str, int]


def preview(
    storage: Storage, feed: type[Feed], extracts: Iterator[Extract], secret: str, progress: Callable[[str], None]
) -> Iterator[Preview]:
    """What loading each extract would do; nothing is written to the lake.

    Raises
    ------
    ExtractError
        The extract cannot be loaded, for the same reason as when loading it.
    """
    for extract in extracts:
        progress(extract.name)
        with tempfile.TemporaryDirectory(prefix="carti-lake-") as folder:
            yield _preview(storage, feed, extract, secret, Path(folder) / "bronze.parquet")


def _preview(storage: Storage, feed: type[Feed], extract: Extract, secret: str, path: Path) -> Preview:
    handle = storage.open(feed.full_name())
    batch_id, replaces, already = turn(handle, feed, extract)
    lineage = (batch_id, extract.extract_date, extract.delivered_at)
    try:
        mapped = read_as_mapped(extract, feed)
        readings = find_readings(mapped, extract, feed, whole=True) or {}
        rows = with_lineage(bronze(mapped, feed, readings), feed, *lineage)
        rows.sink_parquet(path, compression="lz4", engine="streaming")
        refuse_other_header(pl.scan_parquet(path, glob=False), extract, feed)
        given = _given(mapped, feed)
        words = _null_words(extract, feed)
    except Exception as error:
        raise explain_failure(extract, error) from error
    rows = pl.scan_parquet(path, glob=False)
    counts = rows.select(pl.len().alias("rows"), pl.all().exclude("rows").count()).collect(engine="streaming")
    fitted: dict[str, int] = counts.row(0, named=True)
    refused, rules = _refused(rows, feed, secret)
    written = hints(extract, feed)
    columns = [
        ColumnPreview(
            column=column,
            type=str(dtype),
            source=_source(extract, column),
            values=given.get(column, 0),
            as_text=max(given.get(column, 0) - fitted[column], 0),
            unreadable=rules.get(f"{column}|unreadable", 0),
            written={**_said(written.get(column, Hint())), **_decided(readings.get(column))},
            null_words=words.get(column, {}),
        )
        for column, dtype in feed.delivered().items()
        if column in given or column in feed.required()
    ]
    return Preview(
        name=extract.name,
        feed=feed.short_name,
        extract_date=extract.extract_date,
        batch_id=batch_id,
        rows=fitted["rows"],
        already=already,
        replaces=replaces,
        columns=columns,
        unmapped=[name for name in extract.rows.collect_schema() if name not in feed.delivered()],
        refused=refused,
        rules=rules,
    )


def _given(mapped: pl.LazyFrame, feed: type[Feed]) -> dict[str, int]:
    """Rows of each declared column that deliver a value."""
    schema = mapped.collect_schema()
    counts = {
        name: (pl.col(name).str.strip_chars() != "").sum() if schema[name] == pl.String else pl.col(name).count()
        for name in feed.delivered()
        if name in schema
    }
    return mapped.select(**counts).collect(engine="streaming").row(0, named=True)


def _null_words(extract: Extract, feed: type[Feed]) -> dict[str, dict[str, int]]:
    """By column, the null words that it delivers: the map's, and those that often are."""
    schema = extract.rows.collect_schema()
    said = hints(extract, feed)
    columns = [name for name in feed.delivered() if name in schema and schema[name] == pl.String]
    looked_for = {
        name: [*NULL_WORDS, *(word.strip().lower() for word in said.get(name, Hint()).null_words)] for name in columns
    }
    word = {name: pl.col(name).str.strip_chars().str.to_lowercase() for name in columns}
    found = [
        extract.rows.select(column=pl.lit(name), word=word[name].filter(word[name].is_in(looked_for[name])))
        .group_by("column", "word")
        .len()
        for name in columns
    ]
    by_column: dict[str, dict[str, int]] = {}
    for frame in pl.collect_all(found, engine="streaming"):
        for column, one, rows in frame.sort("len", "word", descending=[True, False]).iter_rows():
            by_column.setdefault(column, {})[one] = rows
    return by_column


def _refused(rows: pl.LazyFrame, feed: type[Feed], secret: str) -> tuple[int, dict[str, int]]:
    """How many rows break a rule, and how many break each."""
    entity = entity_of(feed)
    broken = refusals(rows, entity, survey(rows, entity), secret).select("rules").collect(engine="streaming")
    each = broken.select(rule=pl.col("rules").str.split(",")).explode("rule").group_by("rule").len()
    return broken.height, dict(each.sort("len", "rule", descending=[True, False]).iter_rows())


def _source(extract: Extract, column: str) -> str | None:
    """Where the map or a header of its own gets the column from."""
    mapping = extract.mapping
    if column in mapping.constants:
        return f"constant {mapping.constants[column]}"
    if column in mapping.sources:
        return " + ".join(mapping.sources[column])
    foreign = next((header for header, target in mapping.headers.items() if target == column), None)
    return foreign or (column if column in extract.rows.collect_schema() else None)


def _said(hint: Hint) -> dict[str, Any]:
    said = {
        "date_order": hint.date_order,
        "decimal": hint.decimal,
        "time_zone": hint.time_zone,
        "scale": hint.scale,
        "values": dict(hint.values),
    }
    return {name: value for name, value in said.items() if value}


def _decided(reading: Reading | None) -> dict[str, Any]:
    return {} if reading is None else {name: value for name, value in reading.as_json().items() if name != "newest"}
