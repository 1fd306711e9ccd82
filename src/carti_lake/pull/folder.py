"""A folder as a source: the files in it that are whole and were not taken before."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from carti_lake.pull.declaration import Source
from carti_lake.pull.manifest import names_in
from carti_lake.pull.place import Place, Seen, named_by
from carti_lake.sources.extract import file_hash


@dataclass(frozen=True)
class Look:
    """What a folder holds that was not taken before.

    Attributes
    ----------
    whole
        Files that are complete.
    waiting
        Names of files that are not complete yet; those that a manifest lists and that are not there, among them.
    hashes
        SHA-256 that files must have once they are fetched, by their names, where a manifest says so.
    """

    whole: tuple[Seen, ...]
    waiting: tuple[str, ...]
    hashes: Mapping[str, str] = field(default_factory=dict)


def look(source: Source, place: Place, taken: set[Seen], wait: Callable[[float], None]) -> Look:
    """The new files of a source of kind ``folder``.

    Parameters
    ----------
    source
        How its files show that they are whole.
    place
        The folder.
    taken
        Files taken before, as they looked.
    wait
        Waits so many seconds, between two looks at files that must be at rest.
    """
    found = {name: seen for name, seen in place.seen(source.files).items() if seen not in taken}
    hashes: dict[str, str] = {}
    missing: list[str] = []
    if source.complete == "rest":
        again = _again(place, found, source, wait)
        whole = [seen for name, seen in found.items() if again.get(name) == seen]
    elif source.complete.startswith("."):
        beside = place.listed("/" in source.files)
        whole = [seen for name, seen in found.items() if any(one in beside for one in _marks(name, source.complete))]
    else:
        listed = names_in(place.text(source.complete) or "")
        found.pop(source.complete, None)
        hashes = {name: wanted.lower() for name, wanted in listed.items() if wanted}
        # Listed and not there: it is still to come, unless it was taken and has been put away.
        wanted, before = named_by(source.files), {one.file for one in taken}
        there = {name for name, seen in place.seen(source.files).items() if seen.size >= 0}
        missing = [name for name in listed if wanted(name) and name not in there | before]
        found = {name: seen for name, seen in found.items() if name in there}
        whole = [seen for name, seen in found.items() if name in listed and _is_right(place, name, hashes)]
    done = {seen.file for seen in whole}
    return Look(tuple(whole), (*(name for name in found if name not in done), *missing), hashes)


def _again(
    place: Place, found: Mapping[str, Seen], source: Source, wait: Callable[[float], None]
) -> Mapping[str, Seen]:
    if not found:
        return {}
    wait(source.rest)
    return place.seen(source.files)


def _marks(name: str, suffix: str) -> tuple[str, str]:
    """Names of the marks that a file may have beside it: ``visits.csv.done`` or ``visits.done``."""
    folders, slash, last = name.rpartition("/")
    stem = last.rpartition(".")[0] or last
    return f"{name}{suffix}", f"{folders}{slash}{stem}{suffix}"


def _is_right(place: Place, name: str, hashes: Mapping[str, str]) -> bool:
    """Whether a file of this machine is what the manifest says; of another, that is seen once it has come."""
    return place.here is None or name not in hashes or file_hash(place.here / name) == hashes[name]
