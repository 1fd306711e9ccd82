"""A release's charts and workbook as files, and where they go unless told."""

from typing import TYPE_CHECKING

from carti_lake.measure import delivered
from carti_lake.outlets.destination import file_at, folder_at
from carti_lake.outlets.disclosure import opened

if TYPE_CHECKING:
    from carti_lake.lake import Lake, When
    from carti_lake.view import View


def published(lake: "Lake", name: str, release: str | None = None) -> str:
    """The file of that name in the lake's ``published`` folder; that of a chosen release has it in its name.

    An object store's lake has its outlets in ``published`` of the working directory.
    """
    folder = "published" if lake.storage.local is None else f"{lake.uri}/published"
    stem, dot, ending = name.partition(".")
    return f"{folder}/{stem}{f'-release-{release}' if release else ''}{dot}{ending}"


def charts_of(view: "View", target: str, *, after: "When | None" = None, full_counts: str | None = None) -> list[str]:
    """Draw the release's charts into a folder; returns the files.

    For ``after`` and ``full_counts`` see :func:`opened`.
    """
    from carti_lake.outlets.charts import shown
    from carti_lake.outlets.charts.files import write_charts

    release = shown(view, after=after, full_counts=full_counts)
    with folder_at(target, view.lake.storage_options) as folder:
        return [f"{target}/{path.name}" for path in write_charts(release, folder)]


def workbook_of(view: "View", target: str, *, after: "When | None" = None, full_counts: str | None = None) -> str:
    """Write the release's workbook to a file, or to ``workbook.xlsx`` of a folder; returns the file.

    For ``after`` and ``full_counts`` see :func:`opened`.
    """
    from carti_lake.outlets.workbook import write_workbook

    publication = opened(view, "workbook", after=after, full_counts=full_counts)
    file = target if target.endswith(".xlsx") else f"{target.rstrip('/')}/workbook.xlsx"
    with file_at(file, view.lake.storage_options) as path:
        write_workbook(publication, view.release, path, delivered(view.tables(), view.scan))
    return file
