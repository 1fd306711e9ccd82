"""Sources to pull from: drop folders and databases that a test fills as it goes."""

import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake import Lake
from tests.worlds.lakes import Clock, lake_in, visit

#: Columns of a visit that the tests' databases hold, beside the moment of its last change.
COLUMNS = [name for name, value in visit().items() if value is not None]


@dataclass
class World:
    """A lake with a clock, and the folder that its sources are declared in."""

    lake: Lake
    clock: Clock
    folder: Path

    def declare(self, name: str, **said: Any) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        lines = [
            f"{key} = {value if isinstance(value, int) else chr(34) + value + chr(34)}" for key, value in said.items()
        ]
        (self.folder / f"{name}.toml").write_text("\n".join(lines), "utf-8")

    def declare_visits(self, database: Path, overlap: str = "2h") -> None:
        """The visits of a database, with the moment of their last change as cursor."""
        self.declare(
            "ehr",
            kind="sql",
            feed="ehr_visits",
            address=f"sqlite:{database}",
            table="visits",
            cursor="updated_at",
            overlap=overlap,
        )


def world_in(folder: Path) -> World:
    clock = Clock()
    return World(lake_in(folder / "lake", clock), clock, folder / "lake" / "sources")


@pytest.fixture
def world(tmp_path: Path) -> World:
    return world_in(tmp_path)


@dataclass
class Ehr:
    """Visits in SQLite, changed as an application would: each change with the moment that it says."""

    path: Path

    def run(self, sql: str, *values: Any) -> list[tuple[Any, ...]]:
        with sqlite3.connect(self.path) as database:
            found = database.execute(sql, values).fetchall()
        database.close()
        return found

    def put(self, number: int, updated_at: Any, **changes: str | None) -> None:
        row = visit(number, **changes)
        marks = ", ".join("?" * (len(COLUMNS) + 1))
        self.run(f"INSERT OR REPLACE INTO visits VALUES ({marks})", *(row[name] for name in COLUMNS), updated_at)


def ehr_in(folder: Path) -> Ehr:
    made = Ehr(folder / "ehr.db")
    made.run(f"CREATE TABLE visits ({', '.join(COLUMNS)}, updated_at, PRIMARY KEY (visit_id))")
    return made


@pytest.fixture
def ehr(tmp_path: Path) -> Ehr:
    return ehr_in(tmp_path)


Amounts = Callable[[], dict[str, float]]


@pytest.fixture
def amounts(world: World) -> Amounts:
    """Runs the lake; gives what silver holds as charges, by visit."""

    def read() -> dict[str, float]:
        world.lake.run(accept=["drift", "quality"])
        rows = world.lake.scan("silver.visits").select("visit_id", "claim_amount").sort("visit_id").collect()
        return {visit_id: float(amount) for visit_id, amount in rows.iter_rows()}

    return read


@pytest.fixture
def drop(tmp_path: Path) -> Path:
    folder = tmp_path / "drop"
    folder.mkdir()
    return folder


def put(folder: Path, name: str, *rows: dict[str, str | None]) -> Path:
    """Write rows into a CSV file."""
    path = folder / name
    path.parent.mkdir(exist_ok=True)
    pl.DataFrame(list(rows)).write_csv(path)
    return path


def taken(world: World) -> tuple[list[str], list[str]]:
    """Pull; gives the files that came and those that wait."""
    (pulled,) = world.lake.pull()
    assert pulled.error is None, pulled.error
    return [one.name for one in pulled.loaded if not one.already], [*pulled.waiting]


def declare(world: World, drop: Path | str, **more: Any) -> None:
    world.declare("drop", kind="folder", feed="ehr_visits", address=str(drop), **{"rest": "0s", **more})
