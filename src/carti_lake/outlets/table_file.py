"""A table as one file: CSV, JSON or Parquet.

A spreadsheet that opens a CSV takes a text such as ``=1+1`` for a formula and evaluates it. So in CSV such a text has a
``'`` before it, as OWASP recommends; JSON and Parquet hold every text as it is.
"""

import re
from collections.abc import Mapping

import polars as pl
import polars.selectors as cs

from carti_lake.outlets.destination import file_at

FORMATS = ("csv", "json", "parquet")
#: How a formula begins (OWASP, CSV Injection), full-width signs among them; after quotes too,
#: so that taking one quote off gives the text back, whatever it was.
FORMULA = "^'*[=+\\-@\t\r\n\uff1d\uff0b\uff0d\uff20]"
#: A number is no formula, whatever its sign.
NUMBER = r"^[+-](\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$"


def write_table(rows: pl.LazyFrame, format: str, target: str, options: Mapping[str, str]) -> None:
    """Write rows to a file; CSV and Parquet stream.

    Parameters
    ----------
    rows
        What to write.
    format
        ``csv``, ``json`` or ``parquet``.
    target
        File, or its address in an object store.
    options
        Credentials and endpoints of the object store.
    """
    with file_at(target, options) as path:
        if format == "parquet":
            rows.sink_parquet(path, engine="streaming")
        elif format == "csv":
            flat(rows).sink_csv(path, engine="streaming")
        else:
            path.write_text(json_text(rows), "utf-8", newline="\n")


def json_text(rows: pl.LazyFrame) -> str:
    """Rows as one JSON array; decimals are numbers in it."""
    return rows.with_columns(cs.decimal().cast(pl.Float64)).collect(engine="streaming").write_json()


def flat(rows: pl.LazyFrame) -> pl.LazyFrame:
    """Rows as CSV can hold them: lists are text, and no text is a formula.

    A text that begins as a formula, and is no number, gets a ``'`` before it. Nothing is lost: whoever reads the CSV by
    other means than a spreadsheet has the text back by taking one ``'`` off where a match of ``FORMULA`` follows.
    """
    schema = rows.collect_schema()
    lists = [name for name, dtype in schema.items() if isinstance(dtype, pl.List)]
    words = [name for name, dtype in schema.items() if isinstance(dtype, pl.Categorical | pl.Enum)]
    texts = rows.with_columns(
        pl.col(lists).list.eval(pl.element().cast(pl.String)).list.join("; "), pl.col(words).cast(pl.String)
    )
    formula = cs.string().str.contains(FORMULA) & ~cs.string().str.contains(NUMBER)
    quoted = texts.with_columns(pl.when(formula).then("'" + cs.string()).otherwise(cs.string()).name.keep())
    return quoted.rename({name: f"'{name}" for name in schema.names() if re.match(FORMULA, name)})
