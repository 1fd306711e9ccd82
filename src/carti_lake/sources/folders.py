"""Columns that a file's folders name, as in ``service_line=oncology/part-0.parquet``."""

from collections.abc import Collection, Mapping
from datetime import date

from carti_lake.sources.headers import matches
from carti_lake.sources.locate import Found
from carti_lake.sources.mapping import SourceMap
from carti_lake.sources.names import day_and_moment
from carti_lake.tables.feeds import Feed

#: Names that folders give to the day that an extract is about.
DAYS = ("extract_date", "load_date", "snapshot_date", "ds", "dt")


def given_by_folders(found: Found, feed: type[Feed], mapping: SourceMap) -> dict[str, str | None]:
    """The feed's columns that the folders name, with their value for every row."""
    named = matches(list(found.partitions), feed, mapping)
    return {named[key]: value for key, value in found.partitions.items() if key in named}


def day_of_folders(found: Found, order: str | None = None) -> date | None:
    """The day that an extract is about, where a folder says so, in the order that days are written in."""
    said = [value for key, value in found.partitions.items() if key.casefold() in DAYS and value]
    return day_and_moment(said[-1], order=order)[0] if said else None


def told(
    found: Found, feed: type[Feed], mapping: SourceMap, given: Mapping[str, str | None], held: Collection[str]
) -> tuple[str, ...]:
    """What is to be said of the folders' columns: which are in every row, which the file has itself, which are none."""
    notes = []
    if added := [column for column in given if column not in held]:
        notes.append(f"from its folders: {', '.join(added)}")
    if own := [column for column in given if column in held]:
        notes.append(f"named by its folders, but taken from its own columns: {', '.join(own)}")
    named = matches(list(found.partitions), feed, mapping)
    if foreign := [key for key in found.partitions if key not in named and key.casefold() not in DAYS]:
        notes.append(f"named by its folders, but no column: {', '.join(foreign)}")
    return tuple(notes)
