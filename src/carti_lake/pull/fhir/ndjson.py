"""Files of resources, a resource a line, as bulk exports write them."""

from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from glob import escape
from pathlib import Path
from typing import Any

import polars as pl

from carti_lake.pull.secrets import SourceError
from carti_lake.pull.views.compiled import SeveralError
from carti_lake.pull.views.view import RESOURCE
from carti_lake.sources.objects import bad_line

#: What tells a resource and its versions apart.
IDENTITY = ("resourceType", "id", "meta", "lastUpdated")
#: What a bundle of deletions holds.
DELETIONS = ("entry", "request", "method", "url")
#: Number of a line in its file.
LINE = "\x1fline"


def type_of(path: Path, name: str) -> str:
    """The type of a file's resources; empty where it holds none.

    Raises
    ------
    SourceError
        It holds several types, or lines that are no resources.
    """
    kinds = scan(path, {"resourceType": pl.String()}).select(pl.col(RESOURCE).struct.field("resourceType").unique())
    with told(path, name):
        found = kinds.collect(engine="streaming").to_series().to_list()
    if not found:
        return ""
    if len(found) > 1 or found[0] is None:
        kinds_told = ", ".join(sorted(str(kind or "no resource") for kind in found[:5]))
        raise SourceError(f"{name}: holds {kinds_told}; a file of a bulk export holds resources of one type.")
    return str(found[0])


def schema_of(path: Path, name: str, elements: Collection[str]) -> dict[str, pl.DataType]:
    """Types of the elements of those names, as the file's resources have them."""
    with told(path, name):
        whole = pl.scan_ndjson(escape(str(path)), infer_schema_length=None).collect_schema()
    return dict(_pruned(whole.items(), {*elements, *IDENTITY}))


def scan(path: Path, schema: dict[str, pl.DataType]) -> pl.LazyFrame:
    """The file's resources in the column :data:`RESOURCE`, with the number of their :data:`LINE`."""
    rows = pl.scan_ndjson(escape(str(path)), schema=schema, row_index_name=LINE)
    return rows.select(pl.col(LINE).cast(pl.Int64), pl.struct(pl.exclude(LINE)).alias(RESOURCE))


@contextmanager
def told(path: Path, name: str) -> Iterator[None]:
    """Tell what is wrong with a file by its line, not in words that may quote it."""
    try:
        yield
    except SeveralError:
        raise SourceError(
            f"{name}: a resource has several values where a view has room for one. Say which: first(), where(…), "
            "forEach, or collection."
        ) from None
    except pl.exceptions.PolarsError:
        reason = bad_line(path, name) or f"{name}: elements of one name that are of different types."
        raise SourceError(reason) from None


def _pruned(fields: Iterable[tuple[str, Any]], names: set[str]) -> list[tuple[str, pl.DataType]]:
    kept = [(name, _without(dtype, names)) for name, dtype in fields if name in names]
    return [(name, dtype) for name, dtype in kept if dtype is not None]


def _without(dtype: Any, names: set[str]) -> pl.DataType | None:
    """The type without elements that nobody asks for, None where nothing of it is left."""
    kind: pl.DataType = dtype() if isinstance(dtype, type) else dtype
    if isinstance(kind, pl.List):
        inner = _without(kind.inner, names)
        return None if inner is None else pl.List(inner)
    if isinstance(kind, pl.Struct):
        # Whether it is there may be asked, even where none of its children is.
        return pl.Struct(dict(_pruned(((one.name, one.dtype) for one in kind.fields), names)) or kind.fields[:1])
    return None if kind == pl.Null else kind
