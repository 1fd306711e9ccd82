"""Databases as sources: what is new, once, with the mark in the commit of its rows."""

import duckdb
import pytest

from carti_lake.pull import pull as pull_module
from carti_lake.store.log import commits
from carti_lake.store.write import append

MONDAY = "2026-03-09T08:00:00"


@pytest.fixture
def visits(world, ehr):
    """The visits of the EHR, declared with the moment of their last change as cursor."""
    world.declare_visits(ehr.path)
    return ehr


def rows(world):
    (pulled,) = world.lake.pull()
    assert pulled.error is None, pulled.error
    return pulled.rows


def test_each_pull_takes_what_is_new(world, visits, amounts):
    visits.put(1, MONDAY)
    visits.put(2, "2026-03-09T12:00:00")
    assert rows(world) == 2
    world.clock.turn(hours=1)
    visits.put(1, "2026-03-10T12:30:00", claim_amount="250")
    visits.put(3, "2026-03-10T12:31:00")
    assert rows(world) == 3, "what lies within the overlap before the greatest moment is read again"
    assert rows(world) == 2, "what lies within the overlap is read again"
    assert rows(world) == 0, "and is no news when it is read once more"
    assert amounts() == {"V1": 250, "V2": 100, "V3": 100}


def test_a_row_that_was_committed_late_comes_within_the_overlap(world, visits, amounts):
    visits.put(1, "2026-03-10T11:00:00")
    assert rows(world) == 1
    visits.put(2, "2026-03-10T09:00:00")
    visits.put(3, "2026-03-10T08:59:59")
    assert rows(world) == 2
    assert amounts() == {"V1": 100, "V2": 100}


def test_a_value_that_goes_back_to_what_it_was_is_news(world, visits, amounts):
    for minute, amount in enumerate(["100", "200", "100"]):
        visits.put(1, f"2026-03-10T11:0{minute}:00", claim_amount=amount)
        assert rows(world) == 1
    assert amounts() == {"V1": 100}


def test_without_a_cursor_a_list_that_goes_back_is_news(world, ehr, amounts):
    world.declare("ehr", kind="sql", feed="ehr_visits", address=f"sqlite:{ehr.path}", query="select * from visits;")
    ehr.put(1, None, claim_amount="100")
    assert [rows(world), rows(world)] == [1, 0]
    ehr.put(1, None, claim_amount="200")
    assert rows(world) == 1
    ehr.put(1, None, claim_amount="100")
    assert rows(world) == 1
    assert amounts() == {"V1": 100}


def test_rows_without_a_moment_and_moments_to_come_hide_nothing(world, visits, amounts):
    visits.put(1, "2126-03-10T11:00:00")
    visits.put(2, None)
    assert rows(world) == 2
    visits.put(3, "2026-03-10T12:00:01")
    visits.put(4, None)
    assert rows(world) == 4
    assert [*amounts()] == ["V1", "V2", "V3", "V4"]


def test_a_clock_that_goes_back_leaves_the_newest_row_the_newest(world, visits, amounts):
    visits.put(1, MONDAY)
    rows(world)
    world.clock.turn(days=-2)
    visits.put(1, "2026-03-09T08:00:01", claim_amount="300")
    rows(world)
    assert amounts() == {"V1": 300}


def test_numbers_are_cursors_too(world, ehr):
    declared = {
        "kind": "sql",
        "feed": "ehr_visits",
        "address": f"sqlite:{ehr.path}",
        "table": "visits",
        "cursor": "updated_at",
    }
    world.declare("ehr", **declared)
    for number in (9, 10):
        ehr.put(number, number)
    (pulled,) = world.lake.pull()
    assert "Say overlap = N" in pulled.error
    world.declare("ehr", **declared, overlap=0)
    assert rows(world) == 2
    ehr.put(11, 11)
    assert rows(world) == 2, "the greatest is read again: more may have its number"
    assert world.lake.status()["sources"][0]["cursor"] == "11"


@pytest.mark.parametrize(
    ("moments", "taken"),
    [
        (["2026-03-09", "2026-03-08", "2026-03-07"], 2),
        (["2026-03-09 10:00", "2026-03-09 08:00", "2026-03-09 07:59"], 2),
        (["2026-03-09 10:00:00.500", "2026-03-09 08:00:00.500", "2026-03-09 07:59:59.999"], 2),
        (["2026-03-09T10:00:00Z", "2026-03-09T08:00:00Z", "2026-03-09T07:59:59Z"], 2),
    ],
)
def test_moments_as_text_are_compared_as_they_are_written(world, visits, moments, taken):
    newest, within, before = moments
    visits.put(1, newest)
    assert rows(world) == 1
    visits.put(2, within)
    visits.put(3, before)
    assert rows(world) == taken


def test_another_map_starts_from_the_beginning(world, ehr, amounts):
    declared = {
        "kind": "sql",
        "feed": "ehr_visits",
        "address": f"sqlite:{ehr.path}",
        "table": "visits",
        "cursor": "updated_at",
    }
    world.declare("ehr", **declared)
    ehr.put(1, "2026-01-01T00:00:00", claim_amount="100")
    ehr.put(2, MONDAY)
    assert rows(world) == 2
    (world.folder.parent / "cents").write_text("columns.claim_amount.scale = 0.01", "utf-8")
    world.declare("ehr", **declared, map="../cents")
    assert rows(world) == 2
    assert amounts() == {"V1": 1, "V2": 1}


def test_the_mark_is_in_the_commit_of_its_rows(world, visits):
    visits.put(1, MONDAY)
    rows(world)
    newest = commits(world.lake.storage.open("bronze.ehr_visits"), -1)[-1]
    assert (newest.rows_added, newest.metadata["source"]["cursor"]) == (1, MONDAY)


@pytest.mark.parametrize("lands", [True, False])
def test_a_kill_repeats_and_loses_nothing(world, visits, amounts, monkeypatch, lands):
    def killed(*args, **kwargs):
        if lands:
            append(*args, **kwargs)
        raise KeyboardInterrupt

    visits.put(1, MONDAY)
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("carti_lake.sources.batches.append", killed)
        world.lake.pull()
    assert rows(world) == (0 if lands else 1)
    assert amounts() == {"V1": 100}
    assert world.lake.storage.scan("bronze.ehr_visits").collect().height == 1


def test_who_loses_a_race_takes_nothing_twice(world, visits, monkeypatch):
    visits.put(1, MONDAY)
    take_in = pull_module._take_in

    def overtaken(storage, source, extract, loaded):
        if storage.exists("bronze.ehr_visits"):
            visits.put(3, "2026-03-09T08:40:00")
        with monkeypatch.context() as patch:
            patch.setattr(pull_module, "_take_in", take_in)
            pull_module._of_database(storage, source, world.lake.edge, world.clock.now, [], False)
        take_in(storage, source, extract, loaded)

    monkeypatch.setattr(pull_module, "_take_in", overtaken)
    (pulled,) = world.lake.pull()
    assert pulled.rows == 0
    assert world.lake.storage.scan("bronze.ehr_visits").collect().height == 1
    visits.put(2, "2026-03-09T08:30:00")
    (pulled,) = world.lake.pull()
    assert "another process has pulled this source meanwhile" in pulled.error
    assert world.lake.storage.scan("bronze.ehr_visits").collect().height == 4


def test_loads_between_two_pulls_do_not_move_the_mark(world, visits):
    from tests.worlds.lakes import load, visit

    visits.put(1, MONDAY)
    rows(world)
    for number in range(5, 8):
        load(world.lake, "ehr_visits", [visit(number)])
    visits.put(2, "2026-03-09T09:00:00")
    assert rows(world) == 2


def test_a_plan_takes_nothing(world, visits):
    visits.put(1, MONDAY)
    (planned,) = world.lake.plan_pull()
    assert (planned.rows, planned.since, planned.error) == (1, None, None)
    assert not world.lake.storage.exists("bronze.ehr_visits")
    rows(world)
    visits.put(2, "2026-03-09T09:00:00")
    (planned,) = world.lake.plan_pull("ehr")
    assert (planned.rows, planned.since) == (2, MONDAY)


@pytest.fixture
def duck(tmp_path):
    path = tmp_path / "crm.duckdb"
    with duckdb.connect(str(path)) as database:
        database.execute(
            "create table visits as select 'V1' visit_id, uuid '00000000-0000-0000-0000-000000000001' patient_id, "
            "date '2026-02-03' visit_date, 'C34.90' diagnosis_code, '99213' procedure_code, 'Ann Lee' provider_name, "
            "100.25::decimal(12,2) claim_amount, 80::double claim_paid, 'Paid' claim_status, 'Lung' service_line, "
            "timestamp '2026-03-09 08:00:00' updated_at, ['a'] tags, interval 1 day waited, 'x'::blob picture"
        )
    return path


def test_duckdb_gives_its_types_and_text_for_what_is_no_single_value(world, duck, amounts):
    world.declare("crm", kind="sql", feed="ehr_visits", address=f"duckdb:{duck}", table="visits", cursor="updated_at")
    assert [rows(world), rows(world)] == [1, 0]
    assert amounts() == {"V1": 100.25}
    (row,) = world.lake.storage.scan("bronze.ehr_visits").collect().to_dicts()
    assert row["patient_id"] == "00000000-0000-0000-0000-000000000001"
    assert '"tags":"[a]"' in row["rescued"]
    assert "updated_at" not in row["rescued"]
    assert world.lake.status()["sources"][0]["cursor"] == "2026-03-09T08:00:00"


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("select * exclude (claim_paid) from visits", 'column "claim_paid" is missing'),
        ("select * replace (5 as visit_date) from visits", 'the column "visit_date" is of type Int32'),
        ("select * replace (['a'] as claim_paid) from visits", 'the column "claim_paid" is of type'),
        ("select * replace (1.5 as updated_at) from visits", "a cursor is a moment, a day or a whole number"),
        ("select * exclude (updated_at) from visits", 'there is no column "updated_at"'),
        ("select * from nobody", "there is no such table"),
        ("select nothing from visits", "there is no such column"),
        ("select from where", "the query is no SQL"),
    ],
)
def test_what_is_not_the_feed_is_refused_before_the_first_row(world, duck, query, said):
    world.declare("crm", kind="sql", feed="ehr_visits", address=f"duckdb:{duck}", query=query, cursor="updated_at")
    (pulled,) = world.lake.pull()
    assert said in pulled.error
    assert not world.lake.storage.exists("bronze.ehr_visits")


def test_one_source_that_fails_leaves_the_others_alone(world, visits):
    visits.put(1, MONDAY)
    world.declare("a-first", kind="sql", feed="ehr_visits", address="sqlite:none.db", table="visits")
    world.declare("mars", kind="sql", feed="ehr_visits", address="mars:x", table="visits")
    first, ehr, mars = world.lake.pull()
    assert (first.rows, ehr.rows, mars.rows) == (0, 1, 0)
    assert "there is no such file" in first.error
    assert "no database that can be read here" in mars.error
    status = {one["source"]: one for one in world.lake.status()["sources"]}
    assert status["a-first"]["error"] == first.error
    assert status["a-first"]["age_hours"] is None
    world.clock.turn(hours=3)
    assert (status["ehr"]["error"], world.lake.status()["sources"][1]["age_hours"]) == (None, 3.0)
