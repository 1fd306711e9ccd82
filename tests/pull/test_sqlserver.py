"""Microsoft's own driver against a double that speaks TDS: types, late commits, and what SQL Server refuses."""

import threading

import duckdb
import pytest

from carti_lake.pull import sqlserver
from tests.doubles.sqlserver import Double, Refused, served
from tests.pull.conftest import COLUMNS
from tests.worlds.lakes import visit

PASSWORD = "p@ss/w:rd#marked};{x"
TYPES = {
    "visit_id": "varchar primary key",
    "patient_id": "bigint",
    "visit_date": "date",
    "service_line": "json",
    "diagnosis_code": "varchar",
    "procedure_code": "varchar",
    "provider_name": "varchar",
    "claim_amount": "decimal(19,4)",
    "claim_paid": "double",
    "claim_status": "varchar",
    "is_deleted": "boolean",
    "updated_at": "timestamp",
    "seen": "timestamptz",
    "waited": "time",
    "picture": "blob",
    "uid": "uuid",
    "enc": "decimal(18,0)",
    "tiny": "utinyint",
}
VALUES = {
    "service_line": '"Lung"',
    "is_deleted": False,
    "seen": "2026-03-09 09:00:00+01",
    "waited": "00:20:00",
    "picture": b"\xff\x00",
    "uid": "0e984725-c51c-4bf4-9960-e1c80e27aba0",
    "enc": 123456789012345678,
    "tiny": 255,
}
MONDAY = "2026-03-09 08:00:00"


@pytest.fixture
def server():
    """The double, with a table of visits."""
    with duckdb.connect() as database:
        database.execute(f"create table visits ({', '.join(f'{name} {kind}' for name, kind in TYPES.items())})")
        with served(Double(database, "reader", PASSWORD)) as double:
            yield double


@pytest.fixture
def source(world, server, tmp_path, monkeypatch):
    """How the visits are declared."""
    # Microsoft's driver knocks at a closed door for as long as it may wait.
    monkeypatch.setattr(sqlserver, "PATIENCE", 1)
    (tmp_path / "password").write_text(PASSWORD)
    declared = {
        "kind": "sql",
        "feed": "ehr_visits",
        "address": f"sqlserver://reader@127.0.0.1:{server.port}/ehr?encrypt=no",
        "password": f"file:{tmp_path / 'password'}",
        "table": "visits",
        "cursor": "updated_at",
        "overlap": "2h",
    }
    world.declare("ehr", **declared)
    return declared


def put(server, number, updated_at, **changes):
    row = {**visit(number), "patient_id": number, **VALUES, "updated_at": updated_at, **changes}
    with server.database.cursor() as cursor:
        marks = ", ".join("?" * len(TYPES))
        cursor.execute(f"insert or replace into visits values ({marks})", [row[name] for name in TYPES])


def rows(world, **how):
    (pulled,) = world.lake.pull(**how)
    assert pulled.error is None, pulled.error
    return pulled.rows


def test_visits_come_once_with_all_their_digits(world, server, source):
    put(server, 1, MONDAY + ".25", claim_amount="123456789012.3400")
    put(server, 2, "2026-03-09 07:00:00")
    assert [rows(world), rows(world)] == [2, 0]
    first = world.lake.storage.scan("bronze.ehr_visits").sort("visit_id").collect().to_dicts()[0]
    assert (first["patient_id"], first["is_deleted"], str(first["visit_date"])) == ("1", False, visit(1)["visit_date"])
    assert (str(first["claim_amount"]), first["service_line"]) == ("123456789012.34", '"Lung"')
    assert first["rescued"] == (
        '{"enc":"123456789012345678","picture":"FF00","seen":"2026-03-09T08:00:00.000000Z","tiny":"255",'
        '"uid":"0e984725-c51c-4bf4-9960-e1c80e27aba0","waited":"00:20:00"}'
    )
    assert world.lake.status()["sources"][0]["cursor"] == "2026-03-09T08:00:00.250000"


@pytest.mark.parametrize("name", ['Ann "Doc" Lee', "Lee,\nAnn", "Zoë Łę ☤ 🩺", "\\Nx", "", "a\\"])
def test_any_text_comes_as_it_is(world, server, source, name):
    put(server, 1, MONDAY, provider_name=name, service_line=None)
    put(server, 2, MONDAY, service_line='"' + "x" * 9000 + '"')
    assert rows(world) == 2
    held = world.lake.storage.scan("bronze.ehr_visits").sort("visit_id").collect()
    assert held["provider_name"].to_list() == [name or None, visit(2)["provider_name"]]
    assert [len(line or "") for line in held["service_line"]] == [0, 9002]


def test_more_rows_than_a_batch_come_in_order_of_the_cursor(world, server, source):
    others = ", ".join(f"v.{name}" for name in TYPES if name not in ("visit_id", "updated_at"))
    put(server, 1, MONDAY)
    server.run(
        "insert into visits by name select 'W' || range as visit_id, updated_at - to_seconds(range) as updated_at, "
        f"{others} from visits v, range(20000)"
    )
    assert rows(world) == 20001
    assert world.lake.status()["sources"][0]["cursor"] == "2026-03-09T08:00:00"


def test_rows_without_a_moment_come_each_time(world, server, source):
    put(server, 1, MONDAY)
    put(server, 2, None)
    assert rows(world) == 2
    put(server, 3, None)
    assert rows(world) == 3


@pytest.mark.parametrize("cursor", ["seen", "SEEN", "visit_date", "tiny", "enc"])
def test_cursors_are_compared_as_what_they_are(world, server, source, cursor):
    world.declare("ehr", **{**source, "cursor": cursor, "overlap": 0 if cursor in ("tiny", "enc") else "1d"})
    put(server, 2, MONDAY)
    put(server, 1, MONDAY)
    assert [rows(world), rows(world)] == [2, 0]
    put(server, 3, MONDAY)
    assert rows(world) == 3


def test_what_is_committed_while_it_is_read_comes_next(world, server, source, monkeypatch):
    from carti_lake.pull import sql

    put(server, 1, MONDAY)

    def meanwhile(types, source):
        if threading.current_thread() is threading.main_thread():
            put(server, 2, MONDAY)

    monkeypatch.setattr(sql, "check_types", meanwhile)
    assert rows(world) == 1, "of the moment when reading began"
    monkeypatch.undo()
    assert rows(world) == 2
    assert any("ISOLATION LEVEL SNAPSHOT" in one for one in server.statements)


def test_what_was_deleted_is_withdrawn_by_keys_where_a_list_is_of_one_moment(world, server, source):
    for number in (1, 2, 3):
        put(server, number, MONDAY)
    rows(world)
    server.run("delete from visits where visit_id = 'V2'")
    server.run("update sys.databases set snapshot_isolation_state = 0")
    (pulled,) = world.lake.pull(keys=True)
    assert "ALLOW_SNAPSHOT_ISOLATION ON" in pulled.error
    server.run("update sys.databases set is_read_committed_snapshot_on = true")
    (pulled,) = world.lake.pull(keys=True)
    assert (pulled.error, pulled.withdrawn) == (None, 1)


def test_a_plan_counts_and_a_check_reads_no_row(world, server, source):
    from carti_lake.pull.pull import check

    put(server, 1, MONDAY)
    (planned,) = world.lake.plan_pull()
    assert (planned.rows, planned.error) == (1, None)
    server.statements.clear()
    assert check(world.lake.storage, world.lake.sources()[0], world.lake.edge) is None
    said = [one for one in server.statements if "visits" in one]
    assert all("1 = 0" in one for one in said)
    assert any("CONVERT" in one and 'ORDER BY taken."updated_at"' in one for one in said)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "env:WRONG"}, "the database refuses the user or the password"),
        ({"table": "nobody"}, "there is no such table"),
        ({"query": "select nothing from visits", "table": None}, "there is no such column"),
        ({"query": "selekt 1", "table": None}, "the query is no SQL"),
        ({"query": "select * from visits limit 3", "table": None}, "the query is no SQL"),
        ({"query": "select * from visits order by visit_id", "table": None}, "neither ORDER BY nor WITH"),
        ({"query": "select visit_id, visit_id from visits", "table": None}, "the query is no SQL"),
        ({"cursor": "changed_at"}, 'there is no column "changed_at"'),
        ({"cursor": "picture"}, "a cursor is a moment"),
        ({"address": "sqlserver://reader@127.0.0.1:9/ehr"}, "the connection broke"),
        ({"address": "sqlserver://reader@127.0.0.1:9/ehr?driver=x"}, "has no option driver"),
        ({"address": "mssql+pyodbc://reader@127.0.0.1:9/ehr"}, "sqlserver://USER@HOST/DATABASE"),
    ],
)
def test_what_the_server_refuses_is_said_in_our_words(world, server, source, changes, said, capfd):
    world.lake.environment["WRONG"] = "marked-wrong"
    put(server, 1, MONDAY, visit_id="MRN-marked")
    world.declare("ehr", **{key: value for key, value in {**source, **changes}.items() if value is not None})
    (pulled,) = world.lake.pull()
    assert said in pulled.error
    told = pulled.error + "".join(capfd.readouterr())
    assert "marked" not in told
    assert "127.0.0.1" not in told


def test_a_table_that_its_user_may_not_read_is_no_syntax_error(world, server, source):
    server.refuses['FROM "visits"'] = Refused(229, "The SELECT permission was denied on the object 'visits'.")
    (pulled,) = world.lake.pull()
    assert "its user may not read that" in pulled.error


def test_a_database_that_is_not_there_is_said(world, server, source):
    world.declare("ehr", **{**source, "address": source["address"].replace("/ehr?", "/nowhere?")})
    (pulled,) = world.lake.pull()
    assert "there is no such database" in pulled.error or "refuses the user" in pulled.error


def test_of_several_rows_of_a_visit_the_last_by_the_cursor_comes_last(world, server, source):
    put(server, 1, "2026-03-09 09:00:00", claim_amount="900")
    put(server, 2, "2026-03-09 08:00:00", claim_amount="800")
    others = ", ".join(name for name in COLUMNS if name != "visit_id")
    query = f"select 'V1' as visit_id, {others}, updated_at from visits"
    world.declare("ehr", **{key: value for key, value in source.items() if key != "table"}, query=query)
    assert rows(world) == 2
    held = world.lake.storage.scan("bronze.ehr_visits").sort("row_number").collect()
    assert [float(one) for one in held["claim_amount"]] == [800, 900]
