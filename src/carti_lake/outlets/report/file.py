"""A release's board pack as a file."""

import json
import tempfile
from datetime import datetime
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carti_lake.access.publications import NOTHING
from carti_lake.metrics import METRICS
from carti_lake.metrics.value import undelivered
from carti_lake.outlets.charts.shown import shown
from carti_lake.outlets.destination import file_at, file_of
from carti_lake.outlets.report.contents import EXPLAINED, contents
from carti_lake.outlets.report.figures import Figure, figures
from carti_lake.outlets.theme import CONFIG, NAMED
from carti_lake.releases.explain import Explanation, explain
from carti_lake.releases.measure import delivered
from carti_lake.releases.release import Release, releases

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
    explained = _explained(view, after, had) if release.in_full else []
    pack = contents(release, had, explained, view.release.caption)
    file = file_of(target, "report.pdf")
    with file_at(file, view.storage.options) as path:
        path.write_bytes(typeset(pack, list(figures(release)), view.release.at))
    return file


def _explained(view: "View", after: "When | None", had: set[str]) -> list[Explanation]:
    """Why the headline numbers changed since the pack before."""
    before = _earlier(view, after)
    if before is None:
        return []
    told = [name for name in EXPLAINED if undelivered(METRICS[name], had) is None]
    return [explain(view.storage, name, before, view.release) for name in told]


def _earlier(view: "View", after: "When | None") -> Release | None:
    """The release that the pack's readers had before."""
    if after == NOTHING:
        return None
    if after is not None:
        return view.at(after).release
    earlier = [one for one in releases(view.storage) if not one.expired and one.number < view.release.number]
    return next(reversed([one for one in earlier if one.locks] or earlier), None)


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
