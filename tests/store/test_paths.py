"""A lake stands in a folder of any name that its users' machines have, and takes files of any name."""

import sys
from datetime import date, timedelta
from pathlib import Path

import dataframely as dy
import polars as pl
import pytest

from carti_lake.outlets.files import charts_of, workbook_of
from carti_lake.outlets.published.publish import publish_of
from carti_lake.pipeline.bronze import bronze
from carti_lake.sources.files import open_paths
from carti_lake.store.errors import LakeError
from carti_lake.store.log import commits
from carti_lake.store.others import other_table
from carti_lake.store.storage import Storage, data_files, scan
from carti_lake.store.write import append, merge
from carti_lake.tables import Table
from carti_lake.tables.feeds import EhrVisits
from carti_lake.upkeep.backup import backup, restore
from tests.worlds.lakes import Clock, lake_in
from tests.worlds.rows import visit

#: What a folder's name may hold on every system, and what Windows alone refuses.
ANYWHERE = "OneDrive - Company's, Müller & 日本 😀 (100%) %1 50%x [draft] #2 ^!$'+,-.;=@_`{}~ visit_month=7"
ODD = ANYWHERE if sys.platform == "win32" else f'{ANYWHERE} q1? a|b "quoted" a:b <c> * [x]'
#: What has a meaning in addresses, in globs, to a shell, or to a reader of tables.
CHARACTERS = "[]#^ %&=;'" if sys.platform == "win32" else "[]#^ %&=;'?|*:<>\"~\x85"


def test_everything_works_in_a_folder_of_any_name(tmp_path):
    clock, made = Clock(), tmp_path / ODD / "made"
    lake = lake_in(tmp_path / ODD / "lake", clock)
    lake.load("ehr_visits", [visit("V1"), visit("V2", visit_date="2026-02-03")], extract_date=date(2026, 3, 1))
    assert lake.run().release == 1
    lake.load("ehr_visits", [visit("V1", claim_paid="7"), visit("V3")], extract_date=date(2026, 3, 2))
    assert lake.run(accept=["drift"]).release == 2
    lake.optimize()
    assert [check for check in lake.verify() if check.problem] == []
    lake.vacuum(keep_days=0)
    visits = lake.scan("silver.visits").select("visit_id", "claim_paid").collect().sort("visit_id")
    assert visits["visit_id"].to_list() == ["V1", "V2", "V3"]
    assert float(visits["claim_paid"][0]) == 7
    assert lake.query("SELECT sum(visits) FROM provider_monthly").collect().item() == 3
    assert lake.scan("gold.forecasts").collect().is_empty()
    assert [one.operation for one in commits(lake.storage.open("silver.visits"), 0)].count("MERGE") == 1

    publish_of(lake.at(), str(made / "tables"))
    assert len([*(made / "tables").rglob("*.parquet")]) > 5
    assert all((made / "charts" / path).is_file() for path in charts_of(lake.at(), str(made / "charts")))
    workbook_of(lake.at(), str(made / f"{ODD}.xlsx"))

    backup(lake.storage, str(made / "copy"), str)
    file = Path(data_files(lake.storage.open("gold.provider_summary"))[0])
    file.write_bytes(file.read_bytes()[:-1])
    clock.now += timedelta(hours=1)
    assert {step.table for step in lake.repair()} == {"gold.provider_summary"}
    assert [check for check in lake.verify() if check.problem] == []
    restored = lake_in(made / "restored", clock)
    restore(restored.storage, str(made / "copy"), str)
    assert restored.scan("silver.visits").collect().height == 3


class Counts(Table, layer="silver", table="counts", partition_by="month"):
    """Counts by name."""

    name = dy.String(primary_key=True)
    month = dy.Date()
    count = dy.Int64()


def counts(**by_name):
    months = [date(2026, 1 + place, 1) for place in range(len(by_name))]
    return pl.DataFrame({"name": by_name.keys(), "month": months, "count": by_name.values()}, schema=Counts.dtypes())


@pytest.mark.parametrize("character", CHARACTERS)
def test_a_table_takes_every_write_in_a_folder_with_such_a_character(tmp_path, character):
    """Also beside a folder that the name would stand for, were it a pattern or an address."""
    for place, name in enumerate([f"x{character}y", "x", "xy"]):
        storage = Storage(str(tmp_path / name))
        handle = storage.create(Counts.full_name(), Counts)
        append(storage, handle, counts(a=1, b=2, c=place), transactions={"one": 1}, metadata={"number": 1})
        change = counts(a=7, d=8, c=0).with_columns(delete=pl.col("name") == "c")
        merge(storage, handle, change, key=["name"], partition_by="month", transactions={}, metadata={"number": 2})
        assert sorted(scan(handle, {}).select("name", "count").collect().rows()) == [("a", 7), ("b", 2), ("d", 8)]
        assert other_table(storage.path(Counts.full_name()), {}).identity.endswith("@2")
        assert [one.metadata["number"] for one in commits(handle, 0)] == [1, 2]
        assert [one.metadata["number"] for one in commits(handle, 1)] == [2]
        handle.optimize.compact()
        assert scan(storage.open(Counts.full_name()), {}).collect().height == 3


@pytest.mark.parametrize("name", ["visits [May] #2", "visits ?*^|", 'visits %20 \\ "x" é', "visits {a,b}~!$&'"])
@pytest.mark.skipif(sys.platform == "win32", reason="Windows refuses some of them, and the others are read alike")
def test_an_extract_may_have_any_name(tmp_path, name):
    folder = tmp_path / name
    rows = pl.DataFrame([visit("V1"), visit("V2")])
    files = [folder / f"{name}.{kind}" for kind in ("csv", "parquet", "json", "ndjson", "xlsx")]
    for there in (folder, tmp_path / "visits M #2", tmp_path / "visits 1"):
        # What a pattern would find stands beside.
        there.mkdir()
        for file in files:
            getattr(rows, f"write_{file.suffix[1:].replace('xlsx', 'excel')}")(there / file.name)
            rows.write_csv(there / "visits 12^|.csv")
    lake = lake_in(tmp_path / "lake")
    for file in files:
        [extract] = open_paths([file], EhrVisits)
        assert bronze(extract.rows, EhrVisits).collect(engine="streaming")["visit_id"].to_list() == ["V1", "V2"]
    assert [one.rows for one in lake.load("ehr_visits", str(files[0]))] == [2]


@pytest.mark.parametrize("name", ["50%20more", "%E4", "tab\tbed", "rub\x7fout"])
def test_a_name_that_delta_takes_for_something_else_is_refused_at_once(tmp_path, name):
    with pytest.raises(LakeError, match="which Delta cannot read"):
        lake_in(tmp_path / name).run()
    assert list(tmp_path.iterdir()) == []
