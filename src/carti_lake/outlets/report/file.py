"""A release's board pack as a file."""

import json
import tempfile
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carti_lake.outlets.charts.shown import shown
from carti_lake.outlets.destination import file_at, file_of
from carti_lake.outlets.report.contents import contents
from carti_lake.outlets.report.figures import Figure, figures
from carti_lake.outlets.theme import CONFIG, NAMED
from carti_lake.outlets.why import EXPLAINED, compared_with, explained
from carti_lake.releases.measure import delivered

if TYPE_CHECKING:
    from carti_lake.access.viewer import Audience
    from carti_lake.releases.release import When
    from carti_lake.releases.view import View

#: Millimetres of a chart's pixel, so that all have letters of one size; of the widest picture.
PIXEL, WIDEST = 0.2, 186


def report_of(
    view: "View",
    target: str,
    *,
    audience: "Audience | None" = None,
    after: "When | None" = None,
    full_counts: str | None = None,
) -> str:
    """Write the release's board pack to a file, or to ``report.pdf`` of a folder; returns the file.

    The same release gives the same bytes; lock it, so that it can be made again. For ``audience``, ``after`` and
    ``full_counts`` see :func:`carti_lake.outlets.disclosure.opened`; ``after`` also names the release since which
    changes are explained, else that is the newest one before that is locked, else the one before.
    """
    release = shown(view, outlet="report", audience=audience, after=after, full_counts=full_counts)
    had = delivered(view.tables(), view.scan)
    why = explained(view, had, compared_with(view, after), EXPLAINED) if release.in_full else []
    pack = contents(release, had, why, view.release.caption)
    file = file_of(target, "report.pdf")
    with file_at(file, view.storage.options) as path:
        path.write_bytes(typeset(pack, list(figures(release)), view.release.at))
    return file


def typeset(pack: dict[str, Any], pictures: list[Figure], at: datetime) -> bytes:
    """The pack as PDF: tagged for screen readers, with every font in it.

    Parameters
    ----------
    pack
        Of :func:`contents`.
    pictures
        In the order of their pages.
    at
        When the release was made; the file bears it as its date, whenever it is written.
    """
    import typst

    told = []
    for one in pictures:
        pixel = min(PIXEL, WIDEST / one.width)
        size = {"width": pixel * one.width, "margin": pixel * CONFIG["padding"]}
        told.append({"page": one.page, "file": one.name, "words": one.words, **size})
    with tempfile.TemporaryDirectory() as folder:
        room = Path(folder)
        for one in pictures:
            (room / one.name).write_bytes(one.pdf)
        # Names are data of the template, never a part of it.
        (room / "pack.json").write_text(json.dumps(pack | {"figures": told, "colors": NAMED}), "utf-8", newline="\n")
        template = room / "pack.typ"
        template.write_bytes(files(__package__).joinpath("pack.typ").read_bytes())
        made: bytes = typst.compile(template, root=room, ignore_system_fonts=True, timestamp=at.replace(microsecond=0))
    return made
