"""Pulls of every kind that are killed at any moment come to what a lake filled by files holds.

``CARTI_LAKE_KILLS=100`` kills each kind a hundred times.
"""

import os
import random
import shutil
import signal
import sqlite3
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import duckdb
import polars as pl
import psycopg
import pymysql
import pytest
from polars.testing import assert_frame_equal

from carti_lake.pull.databases import _with_password
from tests.conftest import MARIADB_PASSWORD, POSTGRESQL_PASSWORD
from tests.doubles.sqlserver import Double, served
from tests.processes import FORKS
from tests.pull.conftest import COLUMNS, World, declare, put, world_in
from tests.worlds.lakes import lake_in, visit

KILLS = int(os.environ.get("CARTI_LAKE_KILLS", "3"))
SEED = 15

pytestmark = pytest.mark.slow


@dataclass
class Ehr:
    """A database of visits: what runs a statement in it, and how it is declared."""

    run: Callable[[str], Any]
    said: dict[str, str]

    def make(self) -> None:
        columns = ", ".join(f"{name} varchar(60)" for name in COLUMNS)
        self.run("drop table if exists visits")
        self.run(f"create table visits ({columns}, updated_at varchar(30), primary key (visit_id))")

    def change(self, number: int, moment: str, amount: int) -> None:
        row = visit(number, claim_amount=str(amount))
        values = ", ".join(f"'{one}'" for one in (*(row[name] for name in COLUMNS), moment))
        self.delete(number)
        self.run(f"insert into visits values ({values})")

    def delete(self, number: int) -> None:
        self.run(f"delete from visits where visit_id = 'V{number}'")

    def rows(self) -> pl.DataFrame:
        """What stands in it at the end, as a file would have it."""
        found = self.run(f"select {', '.join(COLUMNS)} from visits")
        return pl.DataFrame([tuple(row) for row in found], schema=dict.fromkeys(COLUMNS, pl.String), orient="row")


def of_sqlite(request: pytest.FixtureRequest, folder: Path) -> Ehr:
    def run(sql: str) -> Any:
        with sqlite3.connect(folder / "ehr.db") as database:
            found = database.execute(sql).fetchall()
        database.close()
        return found

    return Ehr(run, {"address": f"sqlite:{folder / 'ehr.db'}"})


def of_duckdb(request: pytest.FixtureRequest, folder: Path) -> Ehr:
    def run(sql: str) -> Any:
        with duckdb.connect(str(folder / "ehr.duckdb")) as database:
            found = database.execute(sql)
            return found.fetchall() if sql.startswith("select") else None

    return Ehr(run, {"address": f"duckdb:{folder / 'ehr.duckdb'}"})


def of_postgresql(request: pytest.FixtureRequest, folder: Path) -> Ehr:
    address = request.getfixturevalue("postgresql")
    connection = psycopg.connect(_with_password(address, POSTGRESQL_PASSWORD), autocommit=True)
    request.addfinalizer(connection.close)

    def run(sql: str) -> Any:
        found = connection.execute(sql.encode())
        return found.fetchall() if sql.startswith("select") else None

    return Ehr(run, {"address": address, "password": f"file:{folder / 'password'}"})


def of_mariadb(request: pytest.FixtureRequest, folder: Path) -> Ehr:
    address = request.getfixturevalue("mariadb")
    parts = urlsplit(address)
    connection = pymysql.connect(
        host=parts.hostname,
        port=parts.port,
        user="reader",
        password=MARIADB_PASSWORD,
        database="ehr",
        autocommit=True,
    )
    request.addfinalizer(connection.close)

    def run(sql: str) -> Any:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    return Ehr(run, {"address": address, "password": f"file:{folder / 'password'}"})


def of_sqlserver(request: pytest.FixtureRequest, folder: Path) -> Ehr:
    database = duckdb.connect()
    request.addfinalizer(database.close)
    double = Double(database, "reader", POSTGRESQL_PASSWORD)
    serving = served(double)
    serving.__enter__()
    request.addfinalizer(lambda: serving.__exit__(None, None, None))
    address = f"sqlserver://reader@127.0.0.1:{double.port}/ehr?encrypt=no"
    return Ehr(double.run, {"address": address, "password": f"file:{folder / 'password'}"})


def pull_in(folder: Path, now: Any, keys: bool) -> None:
    lake = lake_in(folder / "lake")
    lake.clock.now = now
    for pulled in lake.pull(keys=keys):
        assert pulled.error is None, pulled.error


def killed(folder: Path, world: World, keys: bool, after: float) -> bool:
    """Whether a pull was still under way after so many seconds, and has been killed."""
    process = FORKS.Process(target=pull_in, args=(folder, world.clock.now, keys))
    process.start()
    process.join(after)
    process.kill()
    process.join(60)
    assert process.exitcode in (0, -signal.SIGKILL)
    return process.exitcode != 0


def silver(lake: Any) -> pl.DataFrame:
    """The visits that a release shows, without where they came from."""
    assert not lake.run(accept=["drift", "quality"]).failed
    rows = lake.scan("silver.visits").collect().sort("visit_id")
    return rows.drop("batch_id", "extract_date", "delivered_at", "row_number", "row_hash")


def took(folder: Path, world: World) -> float:
    began = time.monotonic()
    assert not killed(folder, world, False, 60)
    return time.monotonic() - began


@pytest.mark.parametrize(
    "of",
    [
        of_sqlite,
        of_duckdb,
        pytest.param(of_postgresql, marks=pytest.mark.server),
        pytest.param(of_mariadb, marks=pytest.mark.server),
        pytest.param(of_sqlserver, marks=pytest.mark.server),
    ],
)
def test_databases_that_are_killed_come_to_what_a_file_of_them_comes_to(request, tmp_path, of):
    assert POSTGRESQL_PASSWORD == MARIADB_PASSWORD
    (tmp_path / "password").write_text(POSTGRESQL_PASSWORD)
    world, ehr, draw = world_in(tmp_path), of(request, tmp_path), random.Random(SEED)
    ehr.make()
    said = {"kind": "sql", "feed": "ehr_visits", **ehr.said}
    world.declare("ehr", **said, table="visits", cursor="updated_at", overlap="2h")
    number, done = 0, 0
    ehr.change(0, f"{world.clock.now:%Y-%m-%dT%H:%M:%S}", 1)
    longest = took(tmp_path, world)
    while done < KILLS:
        world.clock.turn(minutes=1)
        for _ in range(8):
            number += 1
            if draw.random() < 0.2:
                ehr.delete(draw.randrange(60))
            else:
                late = world.clock.now - timedelta(minutes=draw.randrange(100))
                ehr.change(draw.randrange(60), f"{late:%Y-%m-%dT%H:%M:%S}", number)
        done += killed(tmp_path, world, draw.random() < 0.4, draw.uniform(0, longest))
    world.clock.turn(minutes=1)
    pull_in(tmp_path, world.clock.now, keys=True)
    pull_in(tmp_path, world.clock.now, keys=True)

    by_file = lake_in(tmp_path / "by_file", world.clock)
    by_file.load("ehr_visits", ehr.rows())
    assert_frame_equal(silver(world.lake), silver(by_file))


@pytest.mark.parametrize("over", ["here", pytest.param("sftp", marks=pytest.mark.server)])
def test_a_folder_that_is_killed_comes_to_what_loading_it_comes_to(request, tmp_path, over):
    world, drop, draw = world_in(tmp_path), tmp_path / "drop", random.Random(SEED)
    drop.mkdir()
    if over == "sftp":
        server = request.getfixturevalue("sftp")
        said = {"key": f"file:{server.key}", "host_key": server.host_key}
        declare(world, f"{server.address}{drop}", files="**/*", trailer="TRL|{rows}", **said)
    else:
        declare(world, drop, files="**/*", trailer="TRL|{rows}")
    done, day = 0, 0
    put_day(drop, day, draw)
    longest = took(tmp_path, world)
    while done < KILLS:
        day += 1
        put_day(drop, day, draw)
        done += killed(tmp_path, world, False, draw.uniform(0, longest))
    pull_in(tmp_path, world.clock.now, keys=False)

    plain = tmp_path / "plain"
    shutil.copytree(drop, plain)
    for path in plain.glob("*.csv"):
        text = path.read_text("utf-8").rpartition("TRL|")[0]
        state = path.stat()
        path.write_text(text, "utf-8")
        os.utime(path, (state.st_atime, state.st_mtime))
    by_file = lake_in(tmp_path / "by_file", world.clock)
    by_file.load("ehr_visits", plain)
    held = [lake.storage.scan("bronze.ehr_visits").collect().height for lake in (world.lake, by_file)]
    assert held[0] == held[1]
    assert_frame_equal(silver(world.lake), silver(by_file))


def put_day(drop: Path, day: int, draw: random.Random) -> None:
    """Two days' files, each with its trailer."""
    for part in range(2):
        name = f"visits_{2000 + day // 300}-{1 + day // 25 % 12:02}-{1 + day % 25:02}_part{part}.csv"
        numbers = draw.sample(range(60), 8)
        put(drop, name, *(visit(number, claim_amount=str(draw.randrange(1, 999))) for number in numbers))
        with (drop / name).open("a", encoding="utf-8") as file:
            file.write("TRL|8\n")
