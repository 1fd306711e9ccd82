"""``source``, ``pull`` and ``daily`` as people and schedulers type them."""

import json
import sqlite3

import pytest

from carti_lake.cli.app import BUSY
from carti_lake.store.locks import lake_lock
from carti_lake.store.storage import storage_at
from tests.worlds.lakes import visit


@pytest.fixture
def here(tmp_path, monkeypatch):
    """A working directory with a database of one visit."""
    monkeypatch.chdir(tmp_path)
    for name in ("CARTI_LAKE", "CARTI_LAKE_PATIENT_KEY"):
        monkeypatch.delenv(name, raising=False)
    row = {name: value for name, value in visit(1).items() if value is not None}
    with sqlite3.connect("ehr.db") as database:
        database.execute(f"create table visits ({', '.join(row)}, updated_at)")
        database.execute(f"insert into visits values ({', '.join('?' * len(row))}, ?)", (*row.values(), "2026-03-09"))
    database.close()
    return tmp_path


def add(carti_lake, *more):
    return carti_lake(
        *("source", "add", "ehr", "--kind", "sql", "--feed", "ehr_visits", "--address", "sqlite:ehr.db"),
        *("--table", "visits", "--cursor", "updated_at", *more),
    )


def test_a_source_is_added_checked_planned_and_pulled(here, carti_lake):
    assert carti_lake("source", "list").out.startswith("No source is declared.")
    assert add(carti_lake, "--overlap", "2d").code == 0
    assert (here / "lake/sources/ehr.toml").read_text() == (
        f'kind = "sql"\nfeed = "ehr_visits"\naddress = "sqlite:{here / "ehr.db"}"\n'
        'table = "visits"\ncursor = "updated_at"\noverlap = "2d"\n'
    )
    assert json.loads(carti_lake("source", "list", "--json").out) == [
        {"source": "ehr", "kind": "sql", "feed": "ehr_visits", "reads": "table visits", "cursor": "updated_at"}
    ]
    assert "ehr: reached" in carti_lake("source", "check").out
    assert json.loads(carti_lake("pull", "--plan", "--json").out)[0]["rows"] == 1
    assert "Nothing was taken." in carti_lake("pull", "--plan").out
    pulled = carti_lake("pull", "ehr")
    assert (pulled.code, "brings what came into a release" in pulled.out) == (0, True)
    assert "nothing new" in carti_lake("pull").out
    assert "2026-03-09" in carti_lake("status").out


def test_what_is_wrong_with_a_source_is_said_before_it_is_written(here, carti_lake):
    for more, said in (
        (["--password", "clear"], "password is in clear text"),
        (["--overlap", "soon"], "overlap must be a length of time"),
        (["--map", "none.toml"], "there is no such mapping file"),
    ):
        refused = add(carti_lake, *more)
        assert (refused.code, said in refused.err) == (1, True), refused.err
    assert not (here / "lake").exists()
    add(carti_lake)
    assert add(carti_lake).code == 2
    unknown = carti_lake("pull", "eh")
    assert (unknown.code, "Did you mean ehr?" in unknown.err) == (2, True)


def test_a_day_ends_with_a_code_and_one_line(here, carti_lake):
    add(carti_lake)
    first = carti_lake("daily", "--json")
    assert (first.code, first.out.count("\n")) == (0, 1)
    assert json.loads(first.out) == {
        "pulled": [{"source": "ehr", "rows": 1, "withdrawn": 0, "error": None}],
        "release": 1,
        "failed": [],
        "published": [],
        "not_published": [],
        "busy": False,
        "error": None,
    }
    quiet = carti_lake("daily")
    assert (quiet.code, "Nothing new for a release." in quiet.out) == (0, True)

    (here / "ehr.db").rename(here / "gone.db")
    failed = carti_lake("daily")
    assert (failed.code, "there is no such file" in failed.err) == (1, True)
    assert "there is no such file" in carti_lake("status").out

    for which in ("-pull", ""):
        with lake_lock(storage_at("lake", {}), "test", which):
            busy = carti_lake("daily", "--json")
            assert (busy.code, json.loads(busy.out)["busy"], busy.err) == (BUSY, True, "")


def add_object(carti_lake, name, *more):
    return carti_lake(
        *("source", "add", "crm", "--kind", "salesforce", "--object", name, "--client-id", "3MVG9"),
        *("--address", "https://acme.my.salesforce.com", "--client-secret", "env:SF_SECRET", *more),
    )


def test_an_object_is_added_as_its_declaration_has_it(here, carti_lake):
    assert add_object(carti_lake, "Campaign", "--where", "IsActive = true", "--overlap", "2h").code == 0
    text = (here / "lake/sources/crm.toml").read_text("utf-8")
    assert text.startswith('kind = "salesforce"\naddress = "https://acme.my.salesforce.com"\nclient_id = "3MVG9"\n')
    for line in ('where = "IsActive = true"', 'feed = "salesforce_campaigns"', 'cursor = "SystemModstamp"'):
        assert text.count(line) == 1
    assert json.loads(carti_lake("source", "list", "--json").out)[0]["reads"] == "object Campaign"


def test_an_object_that_no_feed_holds_is_not_added(here, carti_lake):
    for name, said in (("Task", "No feed holds Task"), ("Campain", "did you mean Campaign?")):
        refused = add_object(carti_lake, name)
        assert (refused.code, said in refused.err) == (1, True), refused.err
    assert not (here / "lake/sources/crm.toml").exists()


def test_a_day_makes_the_declared_outlets_once_a_release(here, carti_lake):
    add(carti_lake)
    (here / "lake/publish.toml").write_text('tables = true\nworkbook = "out/board.xlsx"\nfor = "public"\n', "utf-8")
    line = json.loads(carti_lake("daily", "--json").out)
    targets = ["lake/published/tables", str(here / "lake/out/board.xlsx")]
    assert [one["target"] for one in line["published"]] == targets
    assert (here / "lake/out/board.xlsx").is_file()
    assert json.loads(carti_lake("daily", "--json").out)["published"] == []
    (here / "lake/out/board.xlsx").unlink()
    assert [one["outlet"] for one in json.loads(carti_lake("daily", "--json").out)["published"]] == ["workbook"]


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("workbok = true", "did you mean workbook?"),
        ("workbook = 5", "workbook must be true, or say where it goes"),
        ('for = "all"', "for must be one of inside, public"),
        ("=", "not valid TOML"),
    ],
)
def test_what_is_wrong_with_the_declared_outlets_is_said_before_anything_is_pulled(here, carti_lake, said, error):
    add(carti_lake)
    (here / "lake/publish.toml").write_text(said, "utf-8")
    ended = carti_lake("daily", "--json")
    line = json.loads(ended.out)
    assert (ended.code, line["pulled"], error in line["error"], error in ended.err) == (1, [], True, True)
    assert not (here / "lake/bronze").exists()


def test_an_outlet_that_cannot_be_made_does_not_keep_the_others(here, carti_lake):
    add(carti_lake)
    (here / "lake/sources/x").write_text("", "utf-8")
    (here / "lake/publish.toml").write_text('workbook = "sources/x/a.xlsx"\ntables = true\n', "utf-8")
    ended = carti_lake("daily", "--json")
    line = json.loads(ended.out)
    assert (ended.code, [one["outlet"] for one in line["published"]]) == (1, ["tables"])
    assert [one["outlet"] for one in line["not_published"]] == ["workbook"]
