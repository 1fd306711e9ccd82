"""The data dictionary: what every column of every sheet holds, and what stands above it."""

from collections import Counter
from collections.abc import Mapping
from typing import Any

import polars as pl

from carti_lake.metrics import METRICS
from carti_lake.metrics.formula import in_columns, in_words
from carti_lake.metrics.names import IN_WORDS, plain, words
from carti_lake.outlets.months import PROVISIONAL as PROVISIONAL_MEANS
from carti_lake.outlets.workbook.look import TEXT, add_frame, number_format
from carti_lake.outlets.workbook.sheets import PROVISIONAL, SHEETS

SCHEMA = dict.fromkeys(("table", "header", "column", "title", "unit", "description", "formula", "source"), pl.String())


def explained(name: str, column: str) -> dict[str, str | None]:
    """What a column holds: a metric as the registry defines it, another as its table declares it."""
    table, metric = SHEETS.get(name), METRICS.get(column)
    if metric is not None and (metric.denominator is not None or table is None):
        return {
            "title": metric.title,
            "unit": metric.unit,
            "description": metric.meaning,
            "formula": f"{in_words(metric)}: {in_columns(metric)} of {metric.mart.short_name}",
            "source": metric.source,
        }
    if table is not None and column in table.columns():
        return {"unit": table.meta(column).get("unit"), "description": table.columns()[column].description}
    if column == PROVISIONAL:
        return {"unit": None, "description": PROVISIONAL_MEANS}
    if (code := column.removesuffix("_name")) in IN_WORDS:
        return {"unit": None, "description": f"The {words(code)} as people call it"}
    # A sheet that no table declares holds columns of those that are declared.
    home = next((one for one in SHEETS.values() if column in one.columns()), None)
    return {"unit": None, "description": None} if home is None else explained(home.short_name, column)


def headers(frame: pl.DataFrame) -> dict[str, str]:
    """What stands above each column, in words: a metric's title, else the column's own name; no two alike."""
    said = {column: _in_words(column) for column in frame.columns}
    often = Counter(one.lower() for one in said.values())
    return {column: f"{one} [{column}]" if often[one.lower()] > 1 else one for column, one in said.items()}


def _in_words(column: str) -> str:
    if column in METRICS:
        return METRICS[column].title.partition(" (")[0]
    return plain(column)


def formats(name: str, frame: pl.DataFrame) -> dict[str, str]:
    """Number format of each column of a sheet: as the registry and the declaration say."""
    return {column: number_format(explained(name, column)["unit"], dtype) for column, dtype in frame.schema.items()}


def add_dictionary(book: Any, sheets: Mapping[str, pl.DataFrame]) -> None:
    """Add the sheet that explains every column of the sheets."""
    rows = [
        {"table": name, "header": header, "column": column, **explained(name, column)}
        for name, frame in sheets.items()
        for column, header in headers(frame).items()
    ]
    frame = pl.DataFrame(rows, schema=SCHEMA)
    formats_ = dict.fromkeys(SCHEMA, TEXT)
    add_frame(book, "Dictionary", frame, formats_, headers(frame), freeze=2, table="dictionary")
