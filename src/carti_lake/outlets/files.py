"""A release's charts and workbook as files, and where they go unless told."""

from pathlib import Path
from typing import TYPE_CHECKING

from carti_lake.outlets.destination import file_at, file_of, folder_at
from carti_lake.outlets.disclosure import opened, without_figures
from carti_lake.releases.measure import delivered

if TYPE_CHECKING:
    from carti_lake.access.viewer import Audience
    from carti_lake.releases.release import When
    from carti_lake.releases.view import View


def published(lake: str | Path, name: str, release: str | None = None) -> str:
    """The file of that name in a lake's ``published`` folder; that of a chosen release has it in its name.

    An object store's lake has its outlets in ``published`` of the working directory.
    """
    folder = "published" if "://" in str(lake) else f"{lake}/published"
    stem, dot, ending = name.partition(".")
    return f"{folder}/{stem}{f'-release-{release}' if release else ''}{dot}{ending}"


def charts_of(
    view: "View",
    target: str,
    *,
    audience: "Audience | None" = None,
    after: "When | None" = None,
    full_counts: str | None = None,
) -> list[str]:
    """Draw the release's charts into a folder; returns the files.

    For ``audience``, ``after`` and ``full_counts`` see :func:`opened`.
    """
    from carti_lake.outlets.charts import shown
    from carti_lake.outlets.charts.files import write_charts

    release = shown(view, audience=audience, after=after, full_counts=full_counts)
    with folder_at(target, view.storage.options) as folder:
        return [f"{target}/{path.name}" for path in write_charts(release, folder)]


def workbook_of(
    view: "View",
    target: str,
    *,
    audience: "Audience | None" = None,
    after: "When | None" = None,
    full_counts: str | None = None,
) -> str:
    """Write the release's workbook to a file, or to ``workbook.xlsx`` of a folder; returns the file.

    For ``audience``, ``after`` and ``full_counts`` see :func:`opened`.
    """
    from carti_lake.outlets.workbook import write_workbook

    publication = opened(view, "workbook", audience=audience, after=after, full_counts=full_counts)
    file = file_of(target, "workbook.xlsx")
    with file_at(file, view.storage.options) as path:
        release = view.release if publication.exact else without_figures(view.release)
        write_workbook(publication, release, path, delivered(view.tables(), view.scan))
    return file
