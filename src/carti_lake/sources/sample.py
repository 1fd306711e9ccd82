"""The first rows of a foreign file as text, whatever its headers: for a proposal, not for loading."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from glob import escape
from pathlib import Path

import polars as pl

from carti_lake.sources.delimited import SEPARATORS, TITLE_ROWS
from carti_lake.sources.extract import ExtractError
from carti_lake.sources.files import OLE, PARQUET, ZIP
from carti_lake.sources.text import as_utf8, decompressed, encoding_of, head, is_binary

#: Rows that a proposal looks at.
ROWS = 20_000
#: Deeper than this, values of nested JSON are not looked for.
DEPTH = 5


def sample(path: Path, folder: Path, name: str) -> pl.DataFrame:
    """The first rows as text, in columns named by their headers or, for nested values, by the paths to them."""
    plain = decompressed(path, folder, name)
    start = head(plain)
    if start.startswith(PARQUET):
        return _leaves(pl.scan_parquet(plain, glob=False).head(ROWS))
    if start.startswith((ZIP, OLE)):
        return _sheet(plain, name)
    encoding = encoding_of(start)
    if encoding is None and is_binary(start):
        raise ExtractError(f"{name}: a binary file, neither text nor Parquet nor a workbook.")
    try:
        start.decode()
    except UnicodeDecodeError as error:
        # The last character may be cut in two.
        encoding = encoding or ("utf-8" if error.start < len(start) - 3 else None)
    text = as_utf8(plain, folder, name, encoding) if encoding else plain
    if head(text, 1024).lstrip(b"\xef\xbb\xbf \r\n\t").startswith(b"{"):
        return _leaves(pl.scan_ndjson(escape(str(text)), infer_schema_length=ROWS, ignore_errors=True).head(ROWS))
    return _delimited(text, name)


def _delimited(path: Path, name: str) -> pl.DataFrame:
    text = head(path).decode("utf-8", errors="ignore").removeprefix("\ufeff")
    found = [
        (_looks_like_headers(row), -line, separator, row)
        for separator in SEPARATORS
        for line, row in _first_rows(text, separator)
    ]
    best = max(found, key=lambda one: one[:2], default=None)
    if best is None or best[0] < 2:
        raise ExtractError(f"{name}: no row of headers is found in the first {TITLE_ROWS} rows.")
    _, line, separator, headers = best
    names = _apart(headers)
    return pl.read_csv(
        path,
        has_header=False,
        skip_lines=-line,
        schema=dict.fromkeys(names, pl.String()),
        separator=separator,
        n_rows=ROWS,
        truncate_ragged_lines=True,
        missing_columns="insert",
        ignore_errors=True,
        glob=False,
    )


def _sheet(path: Path, name: str) -> pl.DataFrame:
    import fastexcel

    try:
        workbook = fastexcel.read_excel(path)
    except fastexcel.FastExcelError:
        raise ExtractError(f"{name}: no workbook that can be read. Save it as .xlsx without a password.") from None
    sheets = [
        workbook.load_sheet(sheet, header_row=None, skip_rows=0, n_rows=ROWS, dtypes="string").to_polars()
        for sheet in workbook.sheet_names
    ]
    tops = [
        (_looks_like_headers([cell or "" for cell in row]), -place, number)
        for number, sheet in enumerate(sheets)
        for place, row in enumerate(sheet.head(TITLE_ROWS).iter_rows())
    ]
    score, place, number = max(tops, default=(0, 0, 0))
    if score < 2:
        raise ExtractError(f"{name}: no row of headers is found in the first {TITLE_ROWS} rows of any sheet.")
    rows = sheets[number]
    headers = _apart([cell or "" for cell in rows.row(-place)])
    return rows.slice(-place + 1).rename(dict(zip(rows.columns, headers, strict=True)))


def _looks_like_headers(row: Sequence[str]) -> int:
    """How many fields are words of their own; none where a field holds figures, as rows of values do."""
    if any(re.search(r"\d{3}", field) for field in row):
        return 0
    words = {field.strip().casefold() for field in row if any(letter.isalpha() for letter in field)}
    return len(words) if len(words) * 2 > len(row) else 0


def _first_rows(text: str, separator: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    try:
        for _ in range(TITLE_ROWS):
            row = next(reader)
            yield reader.line_num, row
    except (StopIteration, csv.Error):
        return


def _apart(headers: Sequence[str]) -> list[str]:
    """Headers as names of columns: blank and repeated ones by their place."""
    names: list[str] = []
    for place, header in enumerate(headers, 1):
        bare = header.strip("\ufeff \t")
        names.append(bare if bare and bare not in names else f"column {place}")
    return names


def _leaves(rows: pl.LazyFrame) -> pl.DataFrame:
    """Columns of plain values as text: nested ones by their paths, of lists the first member."""
    leaves = [leaf for name, dtype in rows.collect_schema().items() for leaf in _within(name, pl.col(name), dtype)]
    return rows.select(value.cast(pl.String, strict=False).alias(path) for path, value in leaves).collect()


def _within(path: str, value: pl.Expr, dtype: object, depth: int = 0) -> Iterator[tuple[str, pl.Expr]]:
    if depth > DEPTH:
        return
    if isinstance(dtype, pl.Struct):
        for field in dtype.fields:
            yield from _within(f"{path}.{field.name}", value.struct.field(field.name), field.dtype, depth + 1)
    elif isinstance(dtype, pl.List):
        yield from _within(f"{path}[0]", value.list.get(0, null_on_oob=True), dtype.inner, depth + 1)
    elif dtype not in (pl.Null, pl.Binary):
        yield path, value
