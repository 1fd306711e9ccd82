"""A day's load on lakes of several ages, and reads of an old release."""

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks import extracts, measure

#: The lake's age in years at which a full rebuild is measured, too.
REBUILT_AT = 3


@dataclass(frozen=True)
class Day:
    """One more day on a lake of that age: medians.

    Attributes
    ----------
    load, run
        Seconds of each.
    cpu
        Processor seconds of both.
    copy
        Processor seconds of copying the months that the day touches, with no logic: the floor.
    """

    years: int
    visits: int
    load: float
    run: float
    cpu: float
    copy: float

    @property
    def total(self) -> float:
        """Seconds of load and run."""
        return self.load + self.run


@dataclass(frozen=True)
class Rebuild:
    """A run of a lake of :data:`REBUILT_AT` years with ``full``."""

    run: float
    cpu: float


@dataclass(frozen=True)
class Travel:
    """One query on the latest release and on an old one: medians, in seconds."""

    table: str
    latest: float
    old: float


@dataclass(frozen=True)
class Result:
    """What a day costs by the lake's age, a rebuild, and reads of an old release."""

    days: list[Day]
    rebuild: Rebuild | None
    travels: list[Travel]


def run(visits_a_day: int, years: tuple[int, ...], days: int, folder: Path, progress: Callable[[str], None]) -> Result:
    """Grow one lake, keep a copy of each age, and load days into the copies in turns."""
    volume = extracts.Volume(visits_a_day * 365 // 12, years[-1] * 12)
    shutil.rmtree(folder, ignore_errors=True)
    source = folder / "extracts"
    source.mkdir(parents=True)
    lakes = _lakes(volume, years, source, folder, progress)
    taken: dict[int, list[dict[str, float]]] = {age: [] for age in years}
    for number in range(days):
        for age, lake in lakes.items():
            progress(f"day {number + 1} on a lake of {age} years")
            file = extracts.write_day(volume, age * 12, number, source)
            taken[age].append(_inside("day", folder, lake, file) | _inside("copy", folder, lake))
    rebuild = None
    if REBUILT_AT in lakes:
        progress(f"full rebuild of a lake of {REBUILT_AT} years")
        rebuild = Rebuild(**_inside("rebuild", folder, lakes[REBUILT_AT]))
    progress("releases, old and latest")
    travels = [Travel(**one) for one in _inside("travel", folder, lakes[years[0]])]
    shutil.rmtree(folder)
    return Result([_day(volume, age, several) for age, several in taken.items()], rebuild, travels)


def _lakes(
    volume: extracts.Volume, years: tuple[int, ...], source: Path, folder: Path, progress: Callable[[str], None]
) -> dict[int, Path]:
    """A lake of each age, grown year by year from monthly extracts, with stays and the CRM's list in the first year."""
    growing = folder / "growing"
    lakes = {}
    for year in range(years[-1]):
        progress(f"lake of {year + 1} years")
        months = range(year * 12, year * 12 + 12)
        files = [extracts.write_month(volume, number, source, "parquet") for number in months]
        if year == 0:
            files += extracts.write_others(volume, source)
        _inside("build", folder, growing, *files)
        for path in files:
            path.unlink()
        if year + 1 in years:
            lakes[year + 1] = shutil.copytree(growing, folder / f"lake_{year + 1}")
    shutil.rmtree(growing)
    return lakes


def _day(volume: extracts.Volume, age: int, taken: list[dict[str, float]]) -> Day:
    medians = {step: median(one[step] for one in taken) for step in ("load", "run", "cpu", "copy")}
    return Day(age, volume.visits_a_month * age * 12, **medians)


def _inside(what: str, folder: Path, *arguments: object) -> Any:
    """What a process of its own measured on a lake."""
    outcome = folder / "inside.json"
    measure.run("benchmarks.inside", what, outcome, *arguments, log=folder / "inside.log")
    return json.loads(outcome.read_text())
