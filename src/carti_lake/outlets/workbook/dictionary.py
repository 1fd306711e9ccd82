"""The data dictionary: what every column of every sheet holds."""

from collections.abc import Mapping
from typing import Any

import polars as pl

from carti_lake.metrics import METRICS
from carti_lake.metrics.formula import in_columns, in_words
from carti_lake.outlets.months import PROVISIONAL as PROVISIONAL_MEANS
from carti_lake.outlets.workbook.look import TEXT, add_frame, number_format
from carti_lake.outlets.workbook.sheets import PROVISIONAL, SHEETS

SCHEMA = dict.fromkeys(("table", "column", "title", "unit", "description", "formula", "source"), pl.String())


def explained(name: str, column: str) -> dict[str, str | None]:
    """What a column holds: a metric as the registry defines it, another as its table declares it."""
    table, metric = SHEETS.get(name), METRICS.get(column)
    if metric is not None and (metric.denominator is not None or table is None):
        return {
            "title": metric.title,
            "unit": metric.unit,
            "description": metric.definition,
            "formula": f"{in_words(metric)}: {in_columns(metric)} of {metric.mart.short_name}",
            "source": metric.source,
        }
    if table is not None and column in table.columns():
        return {"unit": table.meta(column).get("unit"), "description": table.columns()[column].description}
    return {"unit": None, "description": PROVISIONAL_MEANS if column == PROVISIONAL else "First day of the month"}


def formats(name: str, frame: pl.DataFrame) -> dict[str, str]:
    """Number format of each column of a sheet: as the registry and the declaration say."""
    return {column: number_format(explained(name, column)["unit"], dtype) for column, dtype in frame.schema.items()}


def add_dictionary(book: Any, sheets: Mapping[str, pl.DataFrame]) -> None:
    """Add the sheet that explains every column of the sheets."""
    rows = [
        {"table": name, "column": column, **explained(name, column)}
        for name, frame in sheets.items()
        for column in frame.columns
    ]
    frame = pl.DataFrame(rows, schema=SCHEMA)
    add_frame(book, "Dictionary", frame, dict.fromkeys(SCHEMA, TEXT), freeze=2, table="dictionary")
