"""Rows that are withdrawn, corrected or keyed anew: what stands in silver, run after run."""

import shutil
from datetime import UTC, date, datetime
from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from polars.testing import assert_frame_equal

from carti_lake import Lake
from carti_lake.store import parts
from carti_lake.store.scratch import FOLDER
from tests.equality import assert_same, state
from tests.worlds.rows import account, stay, visit

pytestmark = pytest.mark.slow

CANARY = "CANARY-4711"
FIRST, SECOND, THIRD = (datetime(2026, 4, day, 12, tzinfo=UTC) for day in (1, 8, 15))
NOW = datetime(2026, 4, 20, 12, tzinfo=UTC)


def lake_at(folder, when, **environment):
    """The lake, opened at that moment."""
    return Lake(folder, clock=lambda: when, environment=environment)


def paid(view):
    """By visit, what was paid for it."""
    return dict(view.scan("silver.visits").select("visit_id", "claim_paid").sort("visit_id").collect().iter_rows())


@pytest.fixture(scope="module")
def three_releases(tmp_path_factory):
    """Three releases: V1 to V4; V1 corrected; V2 withdrawn, and V5 added."""
    folder = tmp_path_factory.mktemp("release") / "lake"
    first = lake_at(folder, FIRST)
    visits = [visit("V1", patient_id=CANARY), visit("V2"), visit("V3"), visit("V4"), visit("bad", patient_id=" ")]
    first.load("ehr_visits", visits, extract_date=FIRST.date())
    first.load("sg2_patient_flow", [stay(CANARY), stay("P2")], extract_date=FIRST.date())
    first.load("salesforce_crm", [account("Ann Lee"), account("Bo Diaz")], extract_date=FIRST.date())
    assert first.run().release == 1
    second = lake_at(folder, SECOND)
    second.load("ehr_visits", [visit("V1", patient_id=CANARY, claim_paid="95")], extract_date=SECOND.date())
    assert second.run().release == 2
    third = lake_at(folder, THIRD)
    third.load(
        "ehr_visits",
        [{"visit_id": "V2", "is_deleted": "true"} | dict.fromkeys(visit("V2").keys() - {"visit_id"}), visit("V5")],
        extract_date=THIRD.date(),
    )
    assert third.run().release == 3
    return folder


@pytest.fixture
def copy(three_releases, tmp_path):
    """A copy of that lake, to change."""
    shutil.copytree(three_releases, tmp_path / "lake")
    return lake_at(tmp_path / "lake", NOW)


THREE = {"V1": 95, "V3": 80, "V4": 80, "V5": 80}


def test_a_withdrawn_row_stays_away_although_an_older_one_comes_late(copy):
    copy.load("ehr_visits", [visit("V2", claim_paid="1")], extract_date=date(2026, 4, 10))
    copy.run()
    assert paid(copy) == THREE
    copy.load("ehr_visits", [visit("V2", claim_paid="2")], extract_date=date(2026, 4, 16))
    copy.run(accept=["drift"])
    assert paid(copy) == THREE | {"V2": 2}


def test_a_corrected_redelivery_releases_a_refused_row(copy):
    assert copy.quarantine("visits").collect()["rules"].to_list() == ["patient_key|nullability"]
    copy.load("ehr_visits", [visit("bad", claim_paid="60")], extract_date=date(2026, 4, 16))
    copy.run(accept=["drift"])
    assert copy.quarantine("visits").collect().is_empty()
    assert paid(copy) == THREE | {"bad": 60}


def test_the_patients_key_changes_every_pseudonym(three_releases, tmp_path):
    shutil.copytree(three_releases, tmp_path / "lake")
    keyed = lake_at(tmp_path / "lake", NOW, CARTI_LAKE_PATIENT_KEY="a secret of ours")
    before = keyed.scan("silver.visits").select("visit_id", old="patient_key").collect()
    assert keyed.run().release == 4
    both = keyed.scan("silver.visits").collect().join(before, on="visit_id")
    assert both.height == 4
    assert (both["patient_key"] != both["old"]).all()
    assert both["patient_key"].n_unique() == both["old"].n_unique() == 2
    assert keyed.diff("provider_summary", 3, 4).collect().is_empty()
    assert keyed.status()["patient_key"] == "set"


def test_a_number_that_the_directory_names_anew_keeps_the_name_before(tmp_path):
    """Whoever is still named as before is found, and a check tells of it, in whichever order the names come."""
    number = {"npi": "1234567893", "specialty": "Oncology"}
    lakes = []
    for order in ([FIRST, SECOND, THIRD], [SECOND, THIRD, FIRST]):
        lake = lake_at(tmp_path / f"from {order[0].day}", NOW)
        lake.load("ehr_visits", [visit("V1", provider_name="Lee, Ann")], extract_date=FIRST.date())
        for day in order:
            # The new name has come twice.
            name = "Dr. Ann Lee" if day == FIRST else "Ann Moss"
            lake.load("providers", [{**number, "provider_name": name}], extract_date=day.date(), delivered_at=day)
            lake.run(accept=["drift"])
        row = lake.scan("silver.providers").collect().row(0, named=True)
        assert (row["provider_name"], row["other_names"]) == ("Ann Moss", "ann lee")
        assert lake.scan("silver.visits").collect()["rendering_provider_id"].to_list() == ["1234567893"]
        check = lake.scan("gold.data_quality").filter(pl.col("rule") == "npi|several_names").collect()
        assert check["failed"].sum() == 1
        before = state(lake)
        lake.run(full=True, accept=["drift"])
        assert_same(state(lake), before)
        lakes.append(before["silver.providers"])
    assert_frame_equal(*lakes)


def test_more_rows_than_are_held_at_once_are_resolved_bucket_by_bucket(copy, monkeypatch):
    copy.run(full=True)
    before = state(copy)
    leftover = Path(copy.uri) / FOLDER / "of-a-killed-run"
    leftover.mkdir(parents=True)
    monkeypatch.setattr(parts, "ROWS_AT_ONCE", 2)

    copy.run(full=True)

    assert_same(state(copy), before)
    assert not list((Path(copy.uri) / FOLDER).iterdir())


@pytest.mark.parametrize("table", ["bronze.ehr_visits", "silver.visits"])
def test_a_column_that_the_declaration_has_gained_is_null_in_rows_from_before(copy, table):
    path = f"{copy.uri}/{table.replace('.', '/')}"
    before = pl.read_delta(path)
    assert "payer" in before.columns
    write_deltalake(
        path,
        before.drop("payer"),
        mode="overwrite",
        schema_mode="overwrite",
        partition_by=DeltaTable(path).metadata().partition_columns,
    )

    copy.load("ehr_visits", [visit("V9")], extract_date=date(2026, 4, 10)) if table.startswith("silver") else None
    assert copy.run(full=table.startswith("bronze"), accept=["drift"]).release == 4

    assert paid(copy)["V1"] == 95
    assert copy.scan("silver.visits").select("payer").collect()["payer"].null_count() > 0
