"""Cursors as databases really hold them: numbers as text, kinds mixed, clocks without a zone, years to come."""

import duckdb
import pytest

from tests.pull.conftest import Ehr
from tests.worlds.lakes import visit


def pulled(world):
    (one,) = world.lake.pull()
    return one.error or one.rows


def held(world):
    return {*world.lake.storage.scan("bronze.ehr_visits").collect()["visit_id"]}


@pytest.fixture
def visits(world, ehr):
    world.declare_visits(ehr.path)
    return ehr


@pytest.mark.parametrize("kind", ["TEXT", "VARCHAR(20)"])
def test_numbers_as_text_are_refused_since_9_comes_after_10(world, tmp_path, kind):
    ehr = Ehr(tmp_path / "ehr.db")
    columns = [*visit()]
    ehr.run(f"CREATE TABLE visits ({', '.join(columns)}, changed {kind})")
    for number, change in enumerate(["9", "10", "100"]):
        ehr.run(f"INSERT INTO visits VALUES ({', '.join('?' * (len(columns) + 1))})", *visit(number).values(), change)
    said = {"kind": "sql", "feed": "ehr_visits", "address": f"sqlite:{ehr.path}", "cursor": "changed", "overlap": 0}
    world.declare("ehr", **said, table="visits")
    assert "changed holds numbers as text, of which 9 comes after 10. Cast it" in pulled(world)
    columns = ", ".join(columns)
    world.declare("ehr", **said, query=f"select {columns}, cast(changed as integer) as changed from visits")
    assert pulled(world) == 3
    assert world.lake.status()["sources"][0]["cursor"] == "100"


def test_numbers_as_text_are_refused_where_columns_have_types_too(world, tmp_path):
    values = ", ".join(f"'{value}' as {name}" for name, value in visit().items() if value is not None)
    with duckdb.connect(str(tmp_path / "ehr.duckdb")) as database:
        database.execute(f"create table visits as select {values}, '9' as changed")
    world.declare(
        "ehr",
        kind="sql",
        feed="ehr_visits",
        address=f"duckdb:{tmp_path / 'ehr.duckdb'}",
        table="visits",
        cursor="changed",
        overlap=0,
    )
    assert "holds numbers as text" in pulled(world)


@pytest.mark.parametrize(
    ("one", "other", "kinds"),
    [
        ("2026-03-09T08:00:00", 1773043200, "integer and text"),
        (1773043200, 1773043200.5, "integer and real"),
        ("2026-03-09T08:00:00", b"\xff", "blob and text"),
        (b"\xff", b"\xfe", "blob"),
    ],
)
def test_kinds_that_are_not_compared_with_each_other_are_refused(world, visits, one, other, kinds):
    visits.put(1, one)
    visits.put(2, other)
    assert f"updated_at holds values of kind {kinds}, which are not compared" in pulled(world)


def test_a_year_to_come_hides_nothing_of_a_clock_west_of_utc(world, visits):
    # It is noon in UTC, and seven in the morning at the source, whose moments have no zone.
    visits.put(1, "2126-03-10T08:00:00")
    visits.put(2, "2026-03-10T07:00:00")
    assert pulled(world) == 2
    world.clock.turn(hours=1)
    visits.put(3, "2026-03-10T07:30:00")
    pulled(world)
    assert held(world) == {"V1", "V2", "V3"}


@pytest.mark.parametrize("moment", ["timestamp '2126-03-10 08:00:00'", "date '2126-03-10'"])
def test_nor_do_moments_and_days_of_a_type(world, tmp_path, moment):
    def put(number, changed):
        values = ", ".join(f"'{value}' as {name}" for name, value in visit(number).items() if value is not None)
        with duckdb.connect(str(tmp_path / "ehr.duckdb")) as database:
            database.execute("create table if not exists visits as select " + f"{values}, {changed} as changed limit 0")
            database.execute(f"insert into visits select {values}, {changed}")

    world.clock.turn(hours=-9)  # 03:00 in UTC; west of it, yesterday is not over
    said = {"kind": "sql", "feed": "ehr_visits", "address": f"duckdb:{tmp_path / 'ehr.duckdb'}", "table": "visits"}
    world.declare("ehr", **said, cursor="changed", overlap="0s")
    put(1, moment)
    assert pulled(world) == 1
    put(2, moment.replace("2126-03-10", "2026-03-09").replace("08:00", "22:30"))
    pulled(world)
    assert held(world) == {"V1", "V2"}


def test_rows_that_share_the_greatest_moment_all_come(world, visits):
    visits.put(1, "2026-03-10T11:00:00")
    assert pulled(world) == 1
    visits.put(2, "2026-03-10T11:00:00")
    world.declare_visits(visits.path, overlap="0s")
    assert pulled(world) == 2
    assert held(world) == {"V1", "V2"}


def test_what_no_longer_holds_a_row_withdraws_nothing_by_itself(world, visits):
    visits.put(1, "2026-03-10T11:00:00")
    assert pulled(world) == 1
    visits.run("DELETE FROM visits")
    assert pulled(world) == 0
    (one,) = world.lake.pull(keys=True)
    assert "it holds no row at all, so nothing is withdrawn" in one.error
    assert held(world) == {"V1"}
