"""A real MariaDB server as a source: its types, late commits, and what it refuses."""

from urllib.parse import urlsplit

import pymysql
import pytest

from tests.conftest import MARIADB_PASSWORD
from tests.worlds.lakes import visit

COLUMNS = {
    "visit_id": "varchar(20) primary key",
    "patient_id": "bigint unsigned",
    "visit_date": "date",
    "service_line": "text character set latin1",
    "diagnosis_code": "char(7)",
    "procedure_code": "varchar(10)",
    "provider_name": "text",
    "claim_amount": "decimal(14,2)",
    "claim_paid": "double",
    "claim_status": "enum('Paid', 'Denied', 'Pending')",
    "is_deleted": "bit(1)",
    "updated_at": "datetime(6)",
    "seen": "timestamp null",
    "waited": "time",
    "picture": "blob",
    "extra": "json",
}
VALUES = {
    "is_deleted": 0,
    "seen": "2026-03-09 08:00:00",
    "waited": "00:20:00",
    "picture": b"\xff\x00",
    "extra": '{"a":1}',
}


@pytest.fixture
def connect(mariadb):
    """Opens a connection to the server."""
    parts = urlsplit(mariadb)

    def opened(**how):
        return pymysql.connect(
            host=parts.hostname, port=parts.port, user="reader", password=MARIADB_PASSWORD, database="ehr", **how
        )

    return opened


@pytest.fixture
def database(connect):
    """A connection that changes the server's visits."""
    with connect(autocommit=True) as connection:
        run(connection, "drop table if exists visits")
        run(
            connection,
            f"create table visits ({', '.join(f'{name} {kind}' for name, kind in COLUMNS.items())}) charset utf8mb4",
        )
        yield connection


@pytest.fixture
def source(world, mariadb, tmp_path):
    """How the visits are declared."""
    (tmp_path / "password").write_text(MARIADB_PASSWORD)
    declared = {
        "kind": "sql",
        "feed": "ehr_visits",
        "address": mariadb,
        "password": f"file:{tmp_path / 'password'}",
        "table": "visits",
        "cursor": "updated_at",
        "overlap": "2h",
    }
    world.declare("ehr", **declared)
    return declared


def run(connection, sql, *values):
    with connection.cursor() as cursor:
        cursor.execute(sql, values)


def put(connection, number, updated_at, **changes):
    row = {**visit(number), **VALUES, "patient_id": number, "updated_at": updated_at, **changes}
    marks = ", ".join(["%s"] * len(COLUMNS))
    run(connection, f"replace into visits values ({marks})", *(row[name] for name in COLUMNS))


def rows(world, **how):
    (pulled,) = world.lake.pull(**how)
    assert pulled.error is None, pulled.error
    return pulled.rows


def test_visits_come_once_with_all_their_digits(world, database, source, amounts):
    put(database, 1, "2026-03-09 08:00:00.25", claim_amount="123456789012.34")
    put(database, 2, "2026-03-09 07:00:00")
    assert [rows(world), rows(world)] == [2, 0]
    assert amounts()["V1"] == 123456789012.34
    first = world.lake.storage.scan("bronze.ehr_visits").sort("visit_id").collect().to_dicts()[0]
    assert (first["patient_id"], first["is_deleted"], str(first["visit_date"])) == ("1", False, visit(1)["visit_date"])
    assert first["rescued"] == (
        '{"extra":"{\\"a\\":1}","picture":"FF00","seen":"2026-03-09 08:00:00","waited":"00:20:00"}'
    )
    assert world.lake.status()["sources"][0]["cursor"] == "2026-03-09T08:00:00.250000"


@pytest.mark.parametrize("name", ['Ann "Doc" Lee', "Lee,\nAnn", "Lee\r\nAnn", "Zoë Łę ☤", "\\Nx", "", "a\\"])
def test_any_text_comes_as_it_is(world, database, source, name):
    put(database, 1, "2026-03-09 08:00:00", provider_name=name, service_line="Zoë,\n")
    put(database, 2, "2026-03-09 08:00:00")
    assert rows(world) == 2
    held = world.lake.storage.scan("bronze.ehr_visits").sort("visit_id").collect()
    assert held["provider_name"].to_list() == [name or None, visit(2)["provider_name"]]
    assert held["service_line"][0] == "Zoë,\n"


def test_nulls_and_days_that_are_none_come_too(world, database, source, amounts):
    run(database, "set sql_mode = ''")
    put(database, 1, None, claim_paid=None, visit_date="0000-00-00")
    put(database, 2, "0000-00-00 00:00:00")
    assert rows(world) == 2
    assert amounts() == {"V2": 100}


def test_what_a_transaction_commits_late_comes_within_the_overlap(world, connect, database, source, amounts):
    with connect() as slow:
        put(slow, 1, "2026-03-09 08:00:00")
        put(database, 2, "2026-03-09 09:00:00")
        assert rows(world) == 1
        slow.commit()
    assert rows(world) == 2
    assert amounts() == {"V1": 100, "V2": 100}


def test_what_was_deleted_is_withdrawn_by_keys(world, database, source, amounts):
    for number in (1, 2, 3):
        put(database, number, "2026-03-09 08:00:00")
    rows(world)
    run(database, "delete from visits where visit_id = 'V2'")
    (pulled,) = world.lake.pull(keys=True)
    assert (pulled.error, pulled.withdrawn) == (None, 1)
    assert amounts() == {"V1": 100, "V3": 100}


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "env:WRONG"}, "the database refuses the user or the password"),
        ({"table": "nobody"}, "there is no such table"),
        ({"query": "select nothing from visits", "table": None}, "there is no such column"),
        ({"query": "selekt 1", "table": None}, "the query is no SQL"),
        ({"cursor": "changed_at"}, 'there is no column "changed_at"'),
        ({"address": "mysql://reader@127.0.0.1:9/ehr"}, "the connection broke"),
        ({"query": "select *, picture as claim_date from visits", "table": None, "cursor": "picture"}, "a cursor is"),
        (
            {"query": "select v.*, (select a.visit_id from visits a) as n from visits v", "table": None},
            "the database failed",
        ),
    ],
)
def test_what_the_server_refuses_is_said_in_our_words(world, database, source, changes, said, capfd):
    world.lake.environment["WRONG"] = "marked-wrong"
    put(database, 1, "2026-03-09 08:00:00", visit_id="MRN-marked")
    put(database, 2, "2026-03-09 08:00:00")
    world.declare("ehr", **{key: value for key, value in {**source, **changes}.items() if value is not None})
    (pulled,) = world.lake.pull()
    assert said in pulled.error
    told = pulled.error + "".join(capfd.readouterr())
    assert "marked" not in told
    assert "127.0.0.1" not in told


def test_nothing_is_changed_in_the_database(world, database, source):
    put(database, 1, "2026-03-09 08:00:00")
    run(database, "drop function if exists drop_all")
    run(database, "create function drop_all() returns int modifies sql data begin delete from visits; return 1; end")
    query = "select * from visits where drop_all() = 1"
    world.declare("ehr", **{**{key: value for key, value in source.items() if key != "table"}, "query": query})
    (pulled,) = world.lake.pull()
    assert pulled.error is not None
    world.declare("ehr", **source)
    assert rows(world) == 1


def test_of_several_rows_of_a_visit_the_last_by_the_cursor_counts(world, database, source, amounts):
    put(database, 1, "2026-03-09 09:00:00", claim_amount="900")
    put(database, 2, "2026-03-09 08:00:00", claim_amount="800")
    others = ", ".join(name for name in COLUMNS if name != "visit_id")
    query = f"select 'V1' as visit_id, {others} from visits"
    world.declare("ehr", **{key: value for key, value in source.items() if key != "table"}, query=query)
    assert rows(world) == 2
    assert amounts() == {"V1": 900}
