"""Outlets that a lake declares, so that a daily run makes them: ``publish.toml``, beside the folder of the sources."""

import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carti_lake.access.viewer import Audience
from carti_lake.outlets.files import charts_of, published, workbook_of
from carti_lake.store.errors import LakeError

if TYPE_CHECKING:
    from carti_lake.releases.view import View

FILE = "publish.toml"
FOR = "for"


def _tables(view: "View", target: str, audience: Audience | None) -> None:
    from carti_lake.outlets.published.publish import publish_of

    publish_of(view, target, audience=audience)


def _dashboard(view: "View", target: str, audience: Audience | None) -> None:
    from carti_lake.outlets.dashboard import dashboard_of

    dashboard_of(view, target, audience=audience)


def _workbook(view: "View", target: str, audience: Audience | None) -> None:
    workbook_of(view, target, audience=audience)


def _charts(view: "View", target: str, audience: Audience | None) -> None:
    charts_of(view, target, audience=audience)


#: By name: where it goes unless told, a file in it that shows when it was made, and what makes it.
OUTLETS: dict[str, tuple[str, str, Callable[["View", str, Audience | None], None]]] = {
    "tables": ("tables", "_manifest.json", _tables),
    "dashboard": ("dashboard.html", "", _dashboard),
    "workbook": ("workbook.xlsx", "", _workbook),
    "charts": ("charts", "*.svg", _charts),
}


@dataclass(frozen=True)
class Declared:
    """Outlets to make: each with its target, and for whom, None for whom the lake declares."""

    targets: Mapping[str, str]
    audience: Audience | None = None


def read(path: Path, lake: str) -> Declared:
    """What a file declares; nothing where there is none.

    Raises
    ------
    LakeError
        What is wrong with it, with the key.
    """
    if not path.is_file():
        return Declared({})
    try:
        said: dict[str, Any] = tomllib.loads(path.read_text("utf-8-sig"))
    except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise LakeError(f"{path.name}: not valid TOML in UTF-8: {error}.") from None
    audience = said.pop(FOR, None)
    if audience is not None and audience not in [*Audience]:
        raise LakeError(f"{path.name}: for must be one of {', '.join(Audience)}.")
    targets = {}
    for name, target in said.items():
        if name not in OUTLETS:
            near = get_close_matches(name, OUTLETS, n=1)
            hint = f"did you mean {near[0]}?" if near else f"it may be {', '.join(OUTLETS)}, {FOR}."
            raise LakeError(f'{path.name}: there is no outlet "{name}"; {hint}')
        if target is True:
            targets[name] = published(lake, OUTLETS[name][0])
        elif isinstance(target, str) and target:
            targets[name] = target if "://" in target else str(path.parent / Path(target).expanduser())
        elif target is not False:
            raise LakeError(f"{path.name}: {name} must be true, or say where it goes.")
    return Declared(targets, None if audience is None else Audience(audience))


def publish(view: "View", name: str, target: str, audience: Audience | None) -> bool:
    """Make an outlet, unless it was made of this release already; says whether it was made now."""
    if _is_made(name, target, view.release.at):
        return False
    OUTLETS[name][2](view, target, audience)
    return True


def _is_made(name: str, target: str, since: datetime) -> bool:
    """Whether the outlet was made after the release; of one elsewhere nobody knows."""
    if "://" in target:
        return False
    path = Path(target)
    made = [path] if path.is_file() else sorted(path.glob(OUTLETS[name][1] or "*"))
    return bool(made) and all(datetime.fromtimestamp(one.stat().st_mtime, UTC) >= since for one in made)
