"""A lake stands in a folder of any name that its users' machines have."""

import sys
from datetime import date

import pytest

from carti_lake.store.errors import LakeError
from tests.worlds.lakes import lake_in
from tests.worlds.rows import visit

#: What a file's name may hold on every system, and what Windows alone refuses.
ANYWHERE = ["OneDrive - Company's", "Müller & 日本 😀 (100%) %1 50%x", "!$'+,-.;=@_`{}~"]
ODD = ANYWHERE if sys.platform == "win32" else [*ANYWHERE, '"quoted" a:b <c> *']


@pytest.mark.parametrize("name", ODD)
def test_everything_works_in_a_folder_of_any_name(tmp_path, name):
    lake = lake_in(tmp_path / name / "lake")
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


@pytest.mark.parametrize("name", ["[draft]", "#2", "q1?", "x^2", "a|b", "50%20more", "%E4", "tab\tbed"])
def test_a_name_that_delta_takes_for_something_else_is_refused_at_once(tmp_path, name):
    with pytest.raises(LakeError, match="which Delta cannot read"):
        lake_in(tmp_path / name).run()
    assert list(tmp_path.iterdir()) == []
