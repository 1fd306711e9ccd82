"""A source's map applied to the rows of an extract."""

from dataclasses import replace

import polars as pl

from carti_lake.pipeline.mapped import Source, Step, mapped
from carti_lake.pipeline.reading import Hint
from carti_lake.sources.extract import Extract
from carti_lake.sources.headers import canonical, names, steps_of
from carti_lake.sources.mapping import SourceMap
from carti_lake.tables.feeds import Feed


def as_mapped(extract: Extract, feed: type[Feed]) -> pl.LazyFrame:
    """The extract's rows as its map says that they are to be read; as they are where it says nothing."""
    mapping = extract.mapping
    # How days and numbers are written is for bronze to know; what words mean is said here.
    hinted = {name: hint for name, hint in hints(extract, feed).items() if hint.values or hint.null_words or hint.scale}
    if not (mapping.sources or mapping.constants or mapping.strip or hinted):
        return extract.rows
    here = extract.rows.collect_schema().names()
    sources = {
        column: Source(
            parts=tuple(_place(source, here, feed, mapping) for source in mapping.sources.get(column, (column,))),
            strip=mapping.strip.get(column, ""),
            hint=hinted.get(column, Hint()),
        )
        for column in dict.fromkeys((*mapping.sources, *mapping.strip, *hinted))
    }
    return mapped(extract.rows, sources, mapping.constants)


def hints(extract: Extract, feed: type[Feed]) -> dict[str, Hint]:
    """By delivered column, what the map says of how it is written: of the column itself, else of all."""
    mapping = extract.mapping
    here = {*extract.rows.collect_schema(), *mapping.sources} - mapping.constants.keys()
    said = {
        column: _relevant(_both(mapping.hints.get(column, Hint()), mapping.everywhere), dtype)
        for column, dtype in feed.delivered().items()
        if column in here
    }
    return {column: hint for column, hint in said.items() if hint != Hint()}


def _both(one: Hint, everywhere: Hint) -> Hint:
    return replace(
        one,
        date_order=one.date_order or everywhere.date_order,
        decimal=one.decimal or everywhere.decimal,
        time_zone=one.time_zone or everywhere.time_zone,
        null_words=one.null_words | everywhere.null_words,
    )


def _relevant(hint: Hint, dtype: pl.DataType) -> Hint:
    """The hint without what values of the type do not have."""
    day, number = dtype == pl.Date, dtype.is_numeric()
    return replace(
        hint,
        date_order=hint.date_order if day else None,
        time_zone=hint.time_zone if day else None,
        decimal=hint.decimal if number else None,
        scale=hint.scale if number else None,
    )


def _place(source: str, here: list[str], feed: type[Feed], mapping: SourceMap) -> tuple[str, tuple[Step, ...]]:
    """The column of the rows that a source names, and the steps into its values."""
    found = _column(source, here, feed, mapping)
    if found is not None:
        return found, ()
    root, *steps = steps_of(source)
    column = _column(root, here, feed, mapping)
    assert column is not None, "match_headers has seen to it"
    return column, tuple(int(step) if step.isdigit() else step for step in steps)


def _column(header: str, here: list[str], feed: type[Feed], mapping: SourceMap) -> str | None:
    """The name under which a delivered header stands in the rows, None if it is no header."""
    named = names(feed, mapping).get(canonical(header))
    if named in here:
        return named
    return next((column for column in here if canonical(column) == canonical(header)), None)
