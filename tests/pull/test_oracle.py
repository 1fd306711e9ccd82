"""A double of Oracle's driver: numbers to the digit, names in capitals, days with a time, and what Oracle refuses."""

import duckdb
import oracledb
import pytest

from carti_lake.pull.pull import check
from tests.doubles.oracle import Double, refused
from tests.worlds.lakes import visit

PASSWORD = "p@ss/w:rd#marked"
TYPES = {
    "VISIT_ID": "decimal(18,0) primary key",
    "PATIENT_ID": "varchar",
    "VISIT_DATE": "timestamp_s",
    "SERVICE_LINE": "json",
    "DIAGNOSIS_CODE": "varchar",
    "PROCEDURE_CODE": "varchar",
    "PROVIDER_NAME": "varchar",
    "CLAIM_AMOUNT": "decimal(38,4)",
    "CLAIM_PAID": "bigint",
    "CLAIM_STATUS": "varchar",
    "UPDATED_AT": "timestamp_s",
    "EXACT": "timestamp",
    "SEEN": "timestamptz",
    "WAITED": "interval",
    "PICTURE": "blob",
}
VALUES = {
    "VISIT_ID": 123456789012345678,
    "SERVICE_LINE": '"Lung"',
    "CLAIM_PAID": 80,
    "EXACT": "2026-03-09 08:00:00.25",
    "SEEN": "2026-03-09 09:00:00+01",
    "WAITED": "20 minutes",
    "PICTURE": b"\xff\x00",
}
MONDAY = "2026-03-09 08:00:00"


@pytest.fixture
def server(monkeypatch):
    """The double in the driver's place, with a table of visits."""
    with duckdb.connect() as database:
        database.execute(f"create table VISITS ({', '.join(f'{name} {kind}' for name, kind in TYPES.items())})")
        double = Double(database, "reader", PASSWORD)
        monkeypatch.setattr(oracledb, "connect", double.connect)
        yield double


@pytest.fixture
def source(world, server, tmp_path):
    """How the visits are declared: in small letters, as everything else is."""
    (tmp_path / "password").write_text(PASSWORD)
    declared = {
        "kind": "sql",
        "feed": "ehr_visits",
        "address": "oracle://reader@ehr.example/ehr",
        "password": f"file:{tmp_path / 'password'}",
        "table": "visits",
        "cursor": "updated_at",
        "overlap": "2h",
    }
    world.declare("ehr", **declared)
    return declared


def put(server, number, updated_at, **changes):
    row = {name.upper(): value for name, value in visit(number).items()}
    row |= {**VALUES, "VISIT_ID": VALUES["VISIT_ID"] + number, "UPDATED_AT": updated_at, **changes}
    marks = ", ".join("?" * len(TYPES))
    server.database.execute(f"insert or replace into VISITS values ({marks})", [row[name] for name in TYPES])


def rows(world, **how):
    (pulled,) = world.lake.pull(**how)
    assert pulled.error is None, pulled.error
    return pulled.rows


def held(world):
    return world.lake.storage.scan("bronze.ehr_visits").sort("row_number").collect()


def test_visits_come_once_with_all_their_digits(world, server, source):
    put(server, 1, MONDAY, CLAIM_AMOUNT="0.5")
    put(server, 2, "2026-03-09 07:00:00", CLAIM_AMOUNT="-0.25", PROVIDER_NAME="")
    assert [rows(world), rows(world)] == [2, 0]
    second, first = held(world).to_dicts()
    assert (first["visit_id"], first["patient_id"]) == ("123456789012345679", visit(1)["patient_id"])
    assert first["service_line"] == '"Lung"'
    assert [float(row["claim_amount"]) for row in (first, second)] == [0.5, -0.25]
    assert second["provider_name"] is None
    assert first["rescued"] == (
        '{"visit_date":"2026-02-03T00:00:00","EXACT":"2026-03-09T08:00:00.250000","PICTURE":"FF00","SEEN":"2026-03-09T08:00:00.000000Z",'
        '"WAITED":"00:20:00"}'
    )
    assert world.lake.status()["sources"][0]["cursor"] == "2026-03-09T08:00:00"


def test_a_day_that_has_a_time_is_a_day(world, server, source, amounts):
    put(server, 1, MONDAY, VISIT_DATE="2026-02-03 23:30:00")
    assert rows(world) == 1
    assert [*amounts().values()] == [100]
    assert [str(one) for one in world.lake.scan("silver.visits").collect()["visit_date"]] == ["2026-02-03"]


@pytest.mark.parametrize(
    ("number", "text"),
    [("0", "0"), ("-0.05", "-0.05"), ("100.5", "100.5"), ("1" * 30 + ".0001", "1" * 30 + ".0001")],
)
def test_numbers_that_no_column_waits_for_keep_their_digits(world, server, source, number, text):
    put(server, 1, MONDAY)
    names = ", ".join(name for name in TYPES if name != "EXACT")
    query = f"select {names}, cast('{number}' as number(38,4)) as exact from visits"
    world.declare("ehr", **{key: value for key, value in source.items() if key != "table"}, query=query)
    assert rows(world) == 1
    assert f'"EXACT":"{text}"' in held(world)["rescued"][0]


@pytest.mark.parametrize("cursor", ["updated_at", "EXACT", "seen", "visit_date", "Visit_Id"])
def test_cursors_are_compared_as_what_they_are(world, server, source, cursor):
    is_number = cursor == "Visit_Id"
    world.declare("ehr", **{**source, "cursor": cursor, "overlap": 5 if is_number else "1d"})
    put(server, 1, MONDAY)
    put(server, 2, MONDAY)
    assert [rows(world), rows(world)] == [2, 0]
    put(server, 3, None if cursor == "updated_at" else MONDAY)
    assert rows(world) == 3
    assert server.statements.count("SET TRANSACTION READ ONLY") == 3


def test_more_rows_than_a_batch_and_none_at_all_come(world, server, source):
    assert rows(world) == 0
    others = ", ".join(name for name in TYPES if name != "VISIT_ID")
    put(server, 1, MONDAY)
    server.database.execute(f"insert into VISITS by name select range as VISIT_ID, {others} from VISITS, range(25000)")
    assert rows(world) == 25001


def test_what_was_deleted_is_withdrawn_by_keys(world, server, source):
    for number in (1, 2, 3):
        put(server, number, MONDAY)
    rows(world)
    server.database.execute("delete from VISITS where VISIT_ID = 123456789012345680")
    (pulled,) = world.lake.pull(keys=True)
    assert (pulled.error, pulled.withdrawn) == (None, 1)


def test_a_check_asks_as_a_pull_does_but_for_no_row(world, server, source):
    put(server, 1, MONDAY)
    assert check(world.lake.storage, world.lake.sources()[0], world.lake.edge) is None
    said = [one for one in server.statements if "VISITS" in one]
    assert all("1 = 0" in one for one in said)
    assert any("TO_CHAR" in one and 'ORDER BY taken."UPDATED_AT"' in one for one in said)
    (planned,) = world.lake.plan_pull()
    assert (planned.rows, planned.error) == (1, None)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "env:WRONG"}, "the database refuses the user or the password (DatabaseError, ORA-01017)"),
        ({"address": "oracle://reader@ehr.example/nowhere"}, "there is no such database"),
        ({"address": "oracle://reader@ehr.example/ehr?dsn=x"}, "has no option dsn"),
        ({"table": "nobody"}, "there is no such table"),
        ({"table": "Visits"}, "there is no such table"),
        ({"query": "select nothing from visits", "table": None}, "there is no such column"),
        ({"query": "selekt 1", "table": None}, "the query is no SQL"),
        ({"query": "select * from visits limit 1", "table": None}, "the query is no SQL"),
        ({"cursor": "changed_at"}, 'there is no column "changed_at"'),
        ({"cursor": "claim_amount"}, "a cursor is a moment"),
        ({"cursor": "picture"}, "a cursor is a moment"),
        ({"query": "select v.*, cast(visit_id as uuid) as place from visits v", "table": None}, "is of type OBJECT"),
    ],
)
def test_what_the_server_refuses_is_said_in_our_words(world, server, source, changes, said, capfd):
    world.lake.environment["WRONG"] = "marked-wrong"
    put(server, 1, MONDAY, PATIENT_ID="MRN-marked")
    world.declare("ehr", **{key: value for key, value in {**source, **changes}.items() if value is not None})
    (pulled,) = world.lake.pull()
    assert said in pulled.error
    told = pulled.error + "".join(capfd.readouterr())
    assert "marked" not in told


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("ORA-01031", "its user may not read that"),
        ("ORA-01555", "UNDO_RETENTION"),
        ("ORA-01722", "a value does not fit"),
        ("DPY-4011", "the connection broke"),
        ("DPY-3001", "?protocol=tcps"),
        ("ORA-04031", "the database failed (DatabaseError, ORA-04031); its own log says why"),
    ],
)
def test_what_fails_among_the_rows_is_said_too(world, server, source, code, said):
    put(server, 1, MONDAY)
    server.refuses["TO_CHAR"] = refused(code, "marked")
    (pulled,) = world.lake.pull()
    assert said in pulled.error
    assert code in pulled.error
    assert "marked" not in pulled.error
