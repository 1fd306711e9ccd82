"""Lakes that earlier commits wrote open, travel in time, run, feed the outlets, and are brought to this format.

Each ``old_lakes/<commit>.tar.xz`` was written by that commit's own code: two batches of visits V1 and V2, a release
after each; V1's payment goes from 80 to 95, V2's from 0 (denied) to 50.
"""

import tarfile
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.outlets.published.publish import publish_of
from carti_lake.store.errors import TooNewError
from carti_lake.store.storage import FORMAT, FORMAT_KEY, format_of
from carti_lake.upkeep.upgrade import upgrade
from tests.worlds.rows import visit

pytestmark = pytest.mark.slow

LAKES = sorted((Path(__file__).parent / "old_lakes").glob("*.tar.xz"))


def paid(view) -> dict[str, Decimal]:
    return dict(view.scan("silver.visits").select("visit_id", "claim_paid").collect().iter_rows())


@pytest.fixture(params=LAKES, ids=lambda path: path.name.split(".")[0])
def lake(request, tmp_path):
    with tarfile.open(request.param) as archive:
        archive.extractall(tmp_path / "lake", filter="data")
    return Lake(tmp_path / "lake", clock=lambda: datetime(2026, 4, 1, tzinfo=UTC), environment={})


def test_a_lake_of_an_earlier_commit_goes_on(lake, tmp_path):
    before, after = {"V1": Decimal(80), "V2": Decimal(0)}, {"V1": Decimal(95), "V2": Decimal(50)}
    assert (paid(lake.at(release=1)), paid(lake.at(release=2))) == (before, after)
    assert lake.query("SELECT sum(gross_charges) AS charges FROM provider_monthly").collect().item() == 400
    assert [one.problem for one in lake.verify() if one.problem] == []

    lake.load("ehr_visits", [visit("V3", claim_paid="7")], extract_date=date(2026, 3, 1))
    after["V3"] = Decimal(7)
    assert lake.run(accept=["drift", "quality"]).release == 3
    upgraded = upgrade(lake.storage, lambda step: None)
    assert {format_of(lake.storage.open(one.table)) for one in upgraded} == {FORMAT}
    assert "silver.visits" in {one.table for one in upgraded}
    assert upgrade(lake.storage, lambda step: None) == []
    lake.run(accept=["drift", "quality"])

    assert paid(lake.at()) == after
    assert paid(lake.at(release=1)) == before
    assert publish_of(lake.at(), str(tmp_path / "published"))["release"] == 4
    assert [one.problem for one in lake.verify() if one.problem] == []


def test_a_lake_of_a_format_to_come_is_refused(lake):
    lake.storage.open("releases").alter.set_table_properties({FORMAT_KEY: str(FORMAT + 1)}, raise_if_not_exists=False)
    with pytest.raises(
        TooNewError, match=rf"releases: a newer carti_lake wrote this lake, in format {FORMAT + 1}; this"
    ):
        lake.at()
