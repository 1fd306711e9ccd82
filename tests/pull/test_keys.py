"""Deletes at the source: rows that a full list of its keys lacks are withdrawn, those that it has never are."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.pull import keys as keys_module
from carti_lake.pull import pull as pull_module
from carti_lake.pull.secrets import SourceError
from carti_lake.store.log import commits
from carti_lake.store.write import append
from tests.pull.conftest import ehr_in, world_in
from tests.worlds.lakes import load, visit

MONDAY = "2026-03-09T08:00:00"


def declare(world, ehr, **more):
    declared = {"kind": "sql", "feed": "ehr_visits", "address": f"sqlite:{ehr.path}", "table": "visits"}
    world.declare("ehr", **declared, **{"cursor": "updated_at", "overlap": "2h", **more})


@pytest.fixture
def visits(world, ehr):
    declare(world, ehr)
    return ehr


def pull(world, **how):
    (pulled,) = world.lake.pull(**how)
    assert pulled.error is None, pulled.error
    return pulled


def test_what_the_source_deleted_is_withdrawn_and_nothing_else(world, visits, amounts):
    load(world.lake, "ehr_visits", [visit(9)])
    for number in (1, 2, 3):
        visits.put(number, MONDAY)
    pull(world)
    visits.run("delete from visits where visit_id = 'V2'")
    assert (pull(world).withdrawn, [*amounts()]) == (0, ["V1", "V2", "V3", "V9"])
    assert pull(world, keys=True).withdrawn == 1
    assert [*amounts()] == ["V1", "V3", "V9"], "V9 never came from the source"
    assert pull(world, keys=True).withdrawn == 0
    assert pull(world).rows == 0, "where the source stands, it stood before"


def test_a_row_that_others_delivered_since_is_theirs(world, visits, amounts):
    visits.put(1, MONDAY)
    visits.put(2, MONDAY)
    pull(world)
    world.clock.turn(hours=1)
    load(world.lake, "ehr_visits", [visit(1, claim_amount="300")], "2026-03-11")
    visits.run("delete from visits where visit_id = 'V1'")
    assert pull(world, keys=True).withdrawn == 0
    assert amounts() == {"V1": 300, "V2": 100}


def test_lists_are_read_on_every_so_manieth_day_whatever_the_hour(world, visits):
    declare(world, visits, keys="3d")
    visits.put(1, MONDAY)
    visits.put(2, MONDAY)
    pull(world)
    visits.run("delete from visits where visit_id = 'V2'")
    asked = []
    for _ in range(7):
        world.clock.turn(days=1, seconds=-30)
        pulled = pull(world)
        asked.append((pulled.compared is not None, pulled.withdrawn))
    no = (False, 0)
    assert asked == [no, no, (True, 1), no, no, (True, 0), no]


def test_a_row_that_comes_back_or_was_missed_is_read_from_the_beginning(world, visits, amounts):
    visits.put(1, MONDAY)
    visits.put(2, MONDAY)
    pull(world)
    visits.run("delete from visits where visit_id = 'V2'")
    pull(world, keys=True)
    visits.put(2, "2025-03-09T08:00:00", claim_amount="200")
    visits.put(3, "2025-03-09T08:00:00")
    assert pull(world).rows == 0, "both lie before the overlap"
    pulled = pull(world, keys=True)
    assert (pulled.rows, pulled.withdrawn, pulled.compared.missing) == (3, 0, 2)
    assert amounts() == {"V1": 100, "V2": 200, "V3": 100}
    assert [pull(world, keys=True).rows for _ in range(2)] == [1, 0], "the overlap, once"


def test_a_key_that_a_wrong_map_made_up_goes(world, visits, amounts):
    (world.folder.parent / "wrong").write_text('[columns.visit_id]\nfrom = "procedure_code"', "utf-8")
    declare(world, visits, map="../wrong")
    visits.put(1, MONDAY)
    pull(world)
    assert [*amounts()] == ["99213"]
    declare(world, visits)
    assert pull(world, keys=True).withdrawn == 1
    assert [*amounts()] == ["V1"]


def test_keys_are_read_by_the_map(world, visits, amounts):
    visits.run("alter table visits rename column visit_id to number")
    (world.folder.parent / "map").write_text('[columns.visit_id]\nfrom = "number"\nstrip = "ID/"', "utf-8")
    declare(world, visits, map="../map")
    for number in (1, 2):
        visits.put(number, MONDAY, visit_id=f"ID/{number}")
    pull(world)
    visits.run("delete from visits where number = 'ID/2'")
    assert pull(world, keys=True).withdrawn == 1
    assert [*amounts()] == ["1"]


def test_an_empty_source_withdraws_nothing(world, visits, amounts):
    visits.put(1, MONDAY)
    pull(world)
    visits.run("delete from visits")
    (pulled,) = world.lake.pull(keys=True)
    assert "it holds no row at all, so nothing is withdrawn" in pulled.error
    assert [*amounts()] == ["V1"]


def test_more_gone_than_left_asks_first(world, visits, amounts):
    declare(world, visits, keys="1d")
    for number in (1, 2, 3):
        visits.put(number, MONDAY)
    pull(world)
    visits.run("delete from visits where visit_id <> 'V1'")
    world.clock.turn(days=1)
    (pulled,) = world.lake.pull()
    assert "2 of its rows would be withdrawn, which is more than the 1 that it still holds" in pulled.error
    assert [*amounts()] == ["V1", "V2", "V3"]
    assert pull(world, keys=True).withdrawn == 2


@pytest.mark.parametrize("how", ["short", "broken"])
def test_a_list_that_is_not_whole_withdraws_nothing(world, visits, amounts, monkeypatch, how):
    for number in (1, 2, 3):
        visits.put(number, MONDAY)
    pull(world)
    visits.run("delete from visits where visit_id = 'V3'")
    whole = keys_module._as_bronze

    def partial(rows, source, key):
        if how == "broken":
            raise OSError(5, "the line broke")
        return whole(rows, source, key).head(1)

    with monkeypatch.context() as patch:
        patch.setattr(keys_module, "_as_bronze", partial)
        (pulled,) = world.lake.pull(keys=True)
    assert ("not all of its keys came" if how == "short" else "the line broke") in pulled.error
    assert [*amounts()] == ["V1", "V2", "V3"]
    assert pull(world, keys=True).withdrawn == 1


def test_what_comes_between_the_list_and_the_rows_stays(world, visits, amounts, monkeypatch):
    visits.put(1, MONDAY)
    pull(world)
    listed = pull_module.listed

    def and_then(reading, folder):
        found = listed(reading, folder)
        visits.put(2, "2026-03-09T08:00:01")
        return found

    # SQLite would not show it within its transaction: a database without one does.
    monkeypatch.setattr("carti_lake.pull.databases.sqlite3.connect", _without_transactions(visits))
    monkeypatch.setattr(pull_module, "listed", and_then)
    assert pull(world, keys=True).withdrawn == 0
    assert [*amounts()] == ["V1", "V2"]


def _without_transactions(visits):
    import sqlite3

    connect = sqlite3.connect

    class Loose(sqlite3.Connection):
        def execute(self, sql, *values):
            return super().execute("select 1" if sql == "BEGIN" else sql, *values)

    return lambda *arguments, **how: connect(*arguments, **how, factory=Loose)


@pytest.mark.parametrize("lands", [True, False])
def test_a_kill_withdraws_once(world, visits, amounts, monkeypatch, lands):
    for number in (1, 2, 3):
        visits.put(number, MONDAY)
    pull(world)
    visits.run("delete from visits where visit_id = 'V2'")
    pull(world)

    def killed(*args, **kwargs):
        if lands:
            append(*args, **kwargs)
        raise KeyboardInterrupt

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr("carti_lake.sources.batches.append", killed)
        world.lake.pull(keys=True)
    assert pull(world, keys=True).withdrawn == (0 if lands else 1)
    assert [*amounts()] == ["V1", "V3"]
    bronze = world.lake.storage.scan("bronze.ehr_visits").collect()
    assert bronze["is_deleted"].sum() == 1
    newest = commits(world.lake.storage.open("bronze.ehr_visits"), -1)[-1]
    assert newest.metadata["source"]["cursor"] == MONDAY


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"keys": "36h"}, "keys is a number of days"),
        ({"keys": "0d"}, "keys is a number of days"),
        ({"keys": "1d", "feed": "salesforce_crm"}, "withdraws without keys"),
        ({"keys": "1d", "feed": "ehr_claim_lines"}, "have no key that this source delivers"),
    ],
)
def test_what_cannot_be_told_by_keys_is_refused_when_it_is_declared(world, ehr, changes, said):
    declared = {"kind": "sql", "feed": "ehr_visits", "address": f"sqlite:{ehr.path}", "table": "visits"}
    world.declare("ehr", **{**declared, **changes})
    with pytest.raises(SourceError, match=said):
        world.lake.sources()


changes = st.lists(
    st.tuples(
        st.lists(st.tuples(st.integers(1, 5), st.booleans()), min_size=1, max_size=3), st.booleans(), st.booleans()
    ),
    min_size=1,
    max_size=5,
)


@settings(max_examples=10)
@given(taken=changes)
def test_any_changes_and_deletes_come_to_what_the_source_holds(taken):
    with tempfile.TemporaryDirectory() as name:
        world, ehr = world_in(Path(name)), ehr_in(Path(name))
        declare(world, ehr)
        ehr.put(0, MONDAY)
        pull(world)
        for rows, keys, late in taken:
            world.clock.turn(minutes=1)
            for number, deleted in rows:
                if deleted:
                    ehr.run(f"delete from visits where visit_id = 'V{number}'")
                else:
                    moment = world.clock.now if not late else world.clock.now.replace(year=2020)
                    ehr.put(number, f"{moment:%Y-%m-%dT%H:%M:%S}")
            pull(world, keys=keys)
        pull(world, keys=True)
        rows = world.lake.storage.scan("bronze.ehr_visits").collect()
        rows = rows.sort("extract_date", "delivered_at", "row_number").group_by("visit_id").last()
        standing = rows.filter(rows["is_deleted"].is_null() | ~rows["is_deleted"])["visit_id"]
        assert sorted(standing) == sorted(visit for (visit,) in ehr.run("select visit_id from visits"))


def test_a_list_that_fails_does_not_keep_the_rows(world, visits, amounts, monkeypatch):
    visits.put(1, MONDAY)
    pull(world)
    visits.put(2, "2026-03-09T09:00:00")
    with monkeypatch.context() as patch:
        patch.setattr(pull_module, "listed", lambda *given: (_ for _ in ()).throw(SourceError("the list broke")))
        (pulled,) = world.lake.pull(keys=True)
    assert (pulled.rows, pulled.error) == (2, "the list broke")
    assert [*amounts()] == ["V1", "V2"]


def test_sources_that_cannot_be_compared_are_pulled_as_ever(world, tmp_path):
    (tmp_path / "providers").mkdir()
    ehr = ehr_in(tmp_path / "providers")
    ehr.run("create table people as select 'Ann Lee' as provider_name, '1234567893' as provider_npi")
    world.declare("people", kind="sql", feed="providers", address=f"sqlite:{ehr.path}", table="people")
    pulled = pull(world, keys=True)
    assert (pulled.rows, pulled.compared) == (1, None)
