"""A real PostgreSQL server as a source: its types, late commits, and what it refuses."""

import json

import psycopg
import pytest

from carti_lake.pull.databases import _with_password
from tests.conftest import POSTGRESQL_PASSWORD
from tests.worlds.lakes import visit

COLUMNS = {
    "visit_id": "text primary key",
    "patient_id": "uuid",
    "visit_date": "date",
    "service_line": "text",
    "diagnosis_code": "char(7)",
    "procedure_code": "varchar",
    "provider_name": "text",
    "claim_amount": "numeric(14,2)",
    "claim_paid": "double precision",
    "claim_status": "text",
}


@pytest.fixture
def database(postgresql):
    """A connection that changes the server's visits."""
    with psycopg.connect(_with_password(postgresql, POSTGRESQL_PASSWORD), autocommit=True) as connection:
        with connection.cursor() as cursor:
            columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
            cursor.execute("drop schema if exists ehr cascade")
            cursor.execute("create schema ehr")
            cursor.execute(f"create table ehr.visits ({columns}, updated_at timestamptz, extra jsonb, waited interval)")
        yield connection


@pytest.fixture
def source(world, postgresql, tmp_path):
    """How the visits are declared."""
    (tmp_path / "password").write_text(POSTGRESQL_PASSWORD)
    declared = {
        "kind": "sql",
        "feed": "ehr_visits",
        "address": postgresql,
        "password": f"file:{tmp_path / 'password'}",
        "table": "ehr.visits",
        "cursor": "updated_at",
        "overlap": "2h",
    }
    world.declare("ehr", **declared)
    return declared


def put(connection, number, updated_at, **changes):
    row = {**visit(number), "patient_id": f"00000000-0000-0000-0000-{number:012}", **changes}
    values = ", ".join(f"'{row[name]}'" for name in COLUMNS)
    with connection.cursor() as cursor:
        cursor.execute(f"delete from ehr.visits where visit_id = 'V{number}'")
        cursor.execute(f"insert into ehr.visits values ({values}, '{updated_at}', '{{\"a\": 1}}', '1 day')")


def rows(world):
    (pulled,) = world.lake.pull()
    assert pulled.error is None, pulled.error
    return pulled.rows


def test_visits_come_once_with_all_their_digits(world, database, source, amounts):
    put(database, 1, "2026-03-09 08:00:00+00", claim_amount="123456789012.34")
    put(database, 2, "2026-03-09 12:00:00+05:00")
    assert [rows(world), rows(world)] == [2, 0]
    assert amounts()["V1"] == 123456789012.34
    first = world.lake.storage.scan("bronze.ehr_visits").sort("visit_id").collect().to_dicts()[0]
    assert first["patient_id"] == "00000000-0000-0000-0000-000000000001"
    assert first["rescued"] == '{"extra":"{\\"a\\": 1}","waited":"1 day"}'
    assert world.lake.status()["sources"][0]["cursor"] == "2026-03-09T08:00:00+00:00"


def test_what_a_transaction_commits_late_comes_within_the_overlap(world, postgresql, database, source, amounts):
    with psycopg.connect(_with_password(postgresql, POSTGRESQL_PASSWORD)) as slow:
        put(slow, 1, "2026-03-09 08:00:00+00")
        put(database, 2, "2026-03-09 09:00:00+00")
        assert rows(world) == 1
        slow.commit()
    assert rows(world) == 2
    assert amounts() == {"V1": 100, "V2": 100}


def test_nothing_is_changed_in_the_database(world, database, source):
    put(database, 1, "2026-03-09 08:00:00+00")
    with database.cursor() as cursor:
        cursor.execute(
            "create function ehr.drop_all() returns int language plpgsql as "
            "$$ begin delete from ehr.visits; return 1; end $$"
        )
    query = "select v.* from ehr.visits v where ehr.drop_all() = 1"
    world.declare("ehr", **{**{key: value for key, value in source.items() if key != "table"}, "query": query})
    (pulled,) = world.lake.pull()
    assert "SQLSTATE" in pulled.error or "the database failed" in pulled.error
    world.declare("ehr", **source)
    assert rows(world) == 1


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": "env:WRONG"}, "the database does not answer, or refuses the user"),
        ({"table": "ehr.nobody"}, "there is no such table (UndefinedTable, SQLSTATE 42P01)"),
        ({"cursor": "changed_at"}, 'there is no column "changed_at"'),
        ({"address": "postgresql://reader@127.0.0.1:9/postgres"}, "the database does not answer"),
        ({"query": "select visit_id::int from ehr.visits", "table": None}, "columns"),
        (
            {"query": "select *, (patient_id || 'MRN-marked')::int as n from ehr.visits", "table": None},
            "a value does not fit what the query makes of it",
        ),
    ],
)
def test_what_the_server_refuses_is_said_in_our_words(world, database, source, changes, said):
    world.lake.environment["WRONG"] = "marked-wrong"
    put(database, 1, "2026-03-09 08:00:00+00")
    world.declare("ehr", **{key: value for key, value in {**source, **changes}.items() if value is not None})
    (pulled,) = world.lake.pull()
    assert said in pulled.error
    assert "marked" not in pulled.error
    assert "127.0.0.1" not in pulled.error


VALUES = ", ".join(
    f"'{value}' as {name}" for name, value in visit().items() if value is not None and name not in ("claim_paid",)
)


def declared(world, source, query, **more):
    """Declares a query in place of the table."""
    kept = {key: value for key, value in source.items() if key != "table"} | more
    lines = [f"{key} = {json.dumps(value)}" for key, value in kept.items()]
    (world.folder / "ehr.toml").write_text("\n".join([*lines, f"query = '''{query}'''"]), "utf-8")


def test_names_of_columns_may_have_anything_in_them(world, source):
    query = (
        f"""select {VALUES}, 1 as claim_paid, 2 as "sel,ect", 3 as "Größe\n", now() - interval '1 day' as "by ""é" """
    )
    declared(world, source, query, cursor='by "é')
    assert rows(world) == 1
    (row,) = world.lake.storage.scan("bronze.ehr_visits").collect().to_dicts()
    assert row["rescued"] == '{"Größe\\n":"3","sel,ect":"2"}'


@pytest.mark.parametrize(("zone", "day"), [(None, "2026-02-04"), ("America/Chicago", "2026-02-03")])
def test_a_moment_with_its_zone_is_a_day(world, source, amounts, zone, day):
    values = VALUES.replace("'2026-02-03' as", "timestamptz '2026-02-03 23:30-05' as")
    declared(
        world, source, f"select {values}, '$1,234.50'::money as claim_paid, now() - interval '1 day' as updated_at"
    )
    if zone:
        with (world.folder / "ehr.toml").open("a") as file:
            file.write(f'\n[map.defaults]\ntime_zone = "{zone}"\n')
    assert rows(world) == 1
    assert amounts() == {"V1": 100}
    (row,) = world.lake.scan("silver.visits").collect().to_dicts()
    assert (str(row["visit_date"]), float(row["claim_paid"])) == (day, 1234.5)


def test_numbers_as_text_are_no_cursor(world, source):
    declared(world, source, f"select {VALUES}, 1 as claim_paid, '9' as updated_at", overlap=0)
    (pulled,) = world.lake.pull()
    assert "holds numbers as text, of which 9 comes after 10" in pulled.error
