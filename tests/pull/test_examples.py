"""The declarations that are shipped for EHR databases: each makes a release of tables as the EHR has them."""

import shutil
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pymysql
import pytest

from carti_lake.pull.databases import _with_password
from carti_lake.pull.declaration import read_sources
from tests.conftest import MARIADB_PASSWORD, POSTGRESQL_PASSWORD

HERE = Path(__file__).parent
SHIPPED = Path(__file__).resolve().parents[2] / "docs/sources/ehr"


def ship(world, name, address):
    """The declaration as it is shipped, but for the address."""
    world.folder.mkdir(parents=True, exist_ok=True)
    text = (SHIPPED / name).read_text("utf-8")
    before = text[text.index('address = "') :].partition("\n")[0]
    (world.folder / name).write_text(text.replace(before, f'address = "{address}"'), "utf-8")


def released(world):
    for pulled in world.lake.pull():
        assert pulled.error is None, pulled.error
    assert not world.lake.run(accept=["drift", "quality"]).failed
    rows = world.lake.scan("silver.visits").sort("visit_id").collect()
    columns = (
        "diagnosis_code",
        "procedure_code",
        "claim_amount",
        "claim_paid",
        "claim_status",
        "rendering_provider_id",
    )
    return [tuple(str(one) for one in row) for row in rows.select(columns).rows()]


VISITS = [
    ("C34.90", "99213", "150.5000", "80.0000", "paid", "1234567893"),
    ("E11.9", "99214", "200.0000", "0.0000", "pending", "1234567893"),
]


def test_a_copy_of_clarity_becomes_a_release(world, postgresql):
    world.lake.environment["CLARITY_PASSWORD"] = POSTGRESQL_PASSWORD
    with psycopg.connect(_with_password(postgresql, POSTGRESQL_PASSWORD), autocommit=True) as connection:
        connection.execute((HERE / "clarity.sql").read_bytes())
        for name in ("clarity_visits.toml", "clarity_appointments.toml"):
            ship(world, name, postgresql)
        assert released(world) == VISITS
        statuses = world.lake.scan("silver.appointments").sort("appointment_id").collect()["appointment_status"]
        assert statuses.to_list() == ["completed", "no_show"]
        connection.execute("DELETE FROM pat_enc WHERE pat_enc_csn_id = 2")
    visits = next(one for one in world.lake.pull(keys=True) if one.source == "clarity_visits")
    assert (visits.error, visits.withdrawn) == (None, 1)


def test_openemr_becomes_a_release(world, mariadb):
    world.lake.environment["OPENEMR_PASSWORD"] = MARIADB_PASSWORD
    parts = urlsplit(mariadb)
    with pymysql.connect(
        host=parts.hostname, port=parts.port, user="reader", password=MARIADB_PASSWORD, database="ehr", autocommit=True
    ) as connection:
        for statement in (HERE / "openemr.sql").read_text("utf-8").split(";\n")[:-1]:
            with connection.cursor() as cursor:
                cursor.execute(statement)
    ship(world, "openemr_visits.toml", mariadb)
    assert released(world) == VISITS


def test_every_declaration_that_is_shipped_is_one(tmp_path):
    shutil.copytree(SHIPPED, tmp_path / "sources")
    names = [source.name for source in read_sources(tmp_path / "sources")]
    assert names == ["any_ehr_visits", "clarity_appointments", "clarity_visits", "openemr_visits"]


@pytest.mark.parametrize("path", sorted(SHIPPED.glob("*.toml")), ids=lambda path: path.name)
def test_no_declaration_that_is_shipped_holds_a_password(path):
    text = path.read_text("utf-8")
    assert 'password = "env:' in text or 'password = "file:' in text
