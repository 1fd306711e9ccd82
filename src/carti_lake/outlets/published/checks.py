"""What must hold of a set of published tables before readers get it; returns what does not, in plain words."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import polars as pl
import polars.selectors as cs

from carti_lake.outlets.published.columns import DATE, PUBLISHED, RELEASE
from carti_lake.outlets.published.star import DIMENSIONS, UNKNOWN_KEY

#: Above it Power BI cuts a text off.
MOST_LETTERS = 32_000
#: What readers built on parquet-cpp have always read; gateways have rejected others.
ENCODINGS = frozenset({"PLAIN", "RLE", "RLE_DICTIONARY", "PLAIN_DICTIONARY"})
#: First bytes of the header of a version 1 data page: field 1 of the Thrift struct, of value 0.
DATA_PAGE_V1 = b"\x15\x00"


def problems(tables: Mapping[str, pl.LazyFrame]) -> list[str]:
    """What is wrong with the tables of one set: types, keys, references, dates, texts, releases.

    Parameters
    ----------
    tables
        The files by the tables' names; one after the other is read.
    """
    found = [one for name, rows in tables.items() for one in _of_shape(name, rows.collect_schema())]
    if found:
        # Nothing else can be looked at in tables of other columns.
        return found
    releases: set[int] = set()
    for name, rows in tables.items():
        frame = rows.collect(engine="streaming")
        found += [*_of_rows(name, frame), *_orphans(name, frame, tables)]
        releases |= {*frame[RELEASE.name].unique()}
    found += _gaps(tables[DATE].select("date").collect().to_series()) if DATE in tables else []
    return [*found, *([f"rows of several releases: {sorted(releases)}"] if len(releases) > 1 else [])]


def _of_shape(name: str, schema: pl.Schema) -> Iterator[str]:
    declared = PUBLISHED[name].schema()
    for column in dict.fromkeys((*declared, *schema)):
        is_, must = schema.get(column), declared.get(column)
        if is_ != must:
            yield f"{name}.{column} is {is_ or 'absent'}; it must be {must or 'absent'}"


def _of_rows(name: str, frame: pl.DataFrame) -> Iterator[str]:
    table = PUBLISHED[name]
    if (twice := frame.height - frame.select(table.key).n_unique()) > 0:
        yield f"{name}: {twice} rows have the {', '.join(table.key)} of another one"
    for column, count in frame.select(cs.float().is_nan().sum() + cs.float().is_infinite().sum()).to_dict().items():
        if count[0]:
            yield f"{name}.{column}: {count[0]} values are no numbers"
    for column, letters in frame.select(cs.string().str.len_chars().max()).to_dict().items():
        if (letters[0] or 0) > MOST_LETTERS:
            yield f"{name}.{column}: a text of {letters[0]:,} letters; Power BI holds {MOST_LETTERS:,}"
    if name in {one.name for one in DIMENSIONS} and frame.filter(pl.col(table.key[0]) == UNKNOWN_KEY).height != 1:
        yield f"{name}: the unknown member {UNKNOWN_KEY} is not there"


def _orphans(name: str, frame: pl.DataFrame, tables: Mapping[str, pl.LazyFrame]) -> Iterator[str]:
    for column, table, key in PUBLISHED[name].references:
        members = tables[table].select(pl.col(key).alias(column)).collect()
        lost = frame.select(column).drop_nulls().join(members, on=column, how="anti").height
        if lost:
            yield f"{name}.{column}: {lost} rows join to nothing in {table}"


def _gaps(days: pl.Series) -> Iterator[str]:
    if days.is_empty():
        return
    first, last = days[0], days[-1]
    if (first.month, first.day, last.month, last.day) != (1, 1, 12, 31):
        yield f"{DATE} is from {first} to {last}: no full years"
    if days.len() != (last - first).days + 1 or not days.is_sorted():
        yield f"{DATE} has gaps"


def file_problems(path: Path) -> list[str]:
    """What of a Parquet file's form an old gateway could not read: compression, encodings, pages."""
    import pyarrow.parquet as pq

    found = []
    footer = pq.read_metadata(path)
    chunks: list[Any] = [
        footer.row_group(group).column(place)
        for group in range(footer.num_row_groups)
        for place in range(footer.num_columns)
    ]
    with path.open("rb") as file:
        for chunk in chunks:
            where = f"{path.name}: {chunk.path_in_schema}"
            if chunk.compression != "SNAPPY":
                found.append(f"{where} is compressed by {chunk.compression}, not SNAPPY")
            if others := set(chunk.encodings) - ENCODINGS:
                found.append(f"{where} is encoded as {', '.join(sorted(others))}")
            file.seek(chunk.data_page_offset)
            if file.read(len(DATA_PAGE_V1)) != DATA_PAGE_V1:
                found.append(f"{where} has pages that are not of version 1")
    return found
