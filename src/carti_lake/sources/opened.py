"""Whatever callers give as extracts, opened: paths and frames."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import Any

from carti_lake.sources.extract import Extract
from carti_lake.sources.files import open_paths
from carti_lake.sources.frames import open_frame
from carti_lake.sources.map_file import source_map
from carti_lake.sources.mapping import SourceMap
from carti_lake.tables.feeds import Feed


def open_extracts(
    extracts: Sequence[Any],
    feed: type[Feed],
    *,
    mapping: Mapping[str, Any] | SourceMap | None,
    extract_date: date | None,
    delivered_at: datetime | None,
    clock: Callable[[], datetime],
    storage_options: dict[str, str],
) -> Iterator[Extract]:
    """Each extract, one at a time: files first, in the order of their names, then frames.

    Parameters are those of :func:`open_paths` and :func:`open_frame`; ``clock`` tells when a frame was delivered.
    """
    said = source_map(mapping)
    paths = [one for one in extracts if isinstance(one, str | Path)]
    if paths:
        yield from open_paths(
            paths,
            feed,
            mapping=said,
            extract_date=extract_date,
            delivered_at=delivered_at,
            storage_options=storage_options or None,
        )
    for frame in extracts:
        if not isinstance(frame, str | Path):
            yield open_frame(
                frame, feed, mapping=said, extract_date=extract_date, delivered_at=delivered_at, now=clock()
            )
