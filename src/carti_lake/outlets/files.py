"""A release's charts and workbook as files, and where they go unless told."""

from typing import TYPE_CHECKING

import polars as pl

from carti_lake.measure import delivered
from carti_lake.outlets.destination import file_at, folder_at

if TYPE_CHECKING:
    from carti_lake.lake import Lake, View


def gold_frames(view: "View") -> dict[str, pl.DataFrame]:
    """Every gold table of the release, by its bare name."""
    names = [name for name in view.tables() if name.startswith("gold.")]
    frames = pl.collect_all([view.scan(name) for name in names], engine="streaming")
    return {name.removeprefix("gold."): frame for name, frame in zip(names, frames, strict=True)}


def published(lake: "Lake", name: str, release: str | None = None) -> str:
    """The file of that name in the lake's ``published`` folder; that of a chosen release has it in its name.

    An object store's lake has its outlets in ``published`` of the working directory.
    """
    folder = "published" if lake.storage.local is None else f"{lake.uri}/published"
    stem, dot, ending = name.partition(".")
    return f"{folder}/{stem}{f'-release-{release}' if release else ''}{dot}{ending}"


def charts_of(view: "View", target: str) -> list[str]:
    """Draw the release's charts into a folder; returns the files."""
    from carti_lake.outlets.charts import write_charts

    with folder_at(target, view.lake.storage_options) as folder:
        return [f"{target}/{path.name}" for path in write_charts(gold_frames(view), view.release.caption, folder)]


def workbook_of(view: "View", target: str) -> str:
    """Write the release's workbook to a file, or to ``workbook.xlsx`` of a folder; returns the file."""
    from carti_lake.outlets.workbook import write_workbook

    file = target if target.endswith(".xlsx") else f"{target.rstrip('/')}/workbook.xlsx"
    with file_at(file, view.lake.storage_options) as path:
        write_workbook(gold_frames(view), view.release, path, delivered(view.tables(), view.scan))
    return file
