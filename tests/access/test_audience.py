"""The audience is declared once, on record; outlets follow it, and may be made for the other one where that is safe."""

from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.access import audit_log
from carti_lake.access.audience import AudienceError, changes
from carti_lake.access.viewer import Audience
from carti_lake.outlets.disclosure import opened
from tests.worlds.lakes import appointment, lake_in, load


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    """Twelve appointments with Ann Lee and three with Bo Chan."""
    lake = lake_in(tmp_path / "lake")
    rows = [appointment(n, provider_name="Dr. Bo Chan" if n < 3 else "Dr. Ann Lee") for n in range(15)]
    load(lake, "ehr_appointments", rows)
    lake.run()
    return lake


def counts(lake: Lake, **asked: Audience | str) -> list[int | None]:
    found = opened(lake.at(), "workbook", **asked)  # type: ignore[arg-type]
    return found.tables["provider_summary"].sort("provider_name")["appointments"].to_list()


def test_outlets_are_for_the_public_until_somebody_declares_otherwise(lake: Lake) -> None:
    assert lake.audience() is Audience.PUBLIC
    assert 3 not in counts(lake)
    with pytest.raises(AudienceError, match=r"workbook: nobody has declared .* audience set inside --why REASON"):
        counts(lake, audience=Audience.INSIDE)
    assert lake.disclosures().is_empty()


def test_once_declared_every_outlet_is_exact_and_on_record_without_a_reason_of_its_own(lake: Lake) -> None:
    lake.set_audience("inside", why="reporting group, policy 7", who="ann")
    assert counts(lake) == [12, 3]
    (row,) = lake.disclosures().to_dicts()
    assert (row["outlet"], row["reason"]) == ("workbook", "for the audience inside: reporting group, policy 7")
    notes = " ".join(opened(lake.at(), "workbook").notes)
    assert "INSIDE: exact numbers" in notes
    assert "FULL COUNTS" not in notes


def test_one_outlet_may_be_for_the_public_and_leaves_no_disclosure(lake: Lake) -> None:
    lake.set_audience("inside", why="policy 7")
    assert 3 not in counts(lake, audience=Audience.PUBLIC)
    assert lake.disclosures().is_empty()


def test_the_newest_declaration_is_in_force_and_each_is_sealed(lake: Lake) -> None:
    lake.set_audience("inside", why="policy 7", who="ann")
    lake.set_audience("public", why="policy 7 has ended", who="bo")
    assert lake.audience() is Audience.PUBLIC
    assert 3 not in counts(lake)
    assert changes(lake.storage).select("change", "audience", "who", "why").rows() == [
        (2, "public", "bo", "policy 7 has ended"),
        (1, "inside", "ann", "policy 7"),
    ]
    told = audit_log.entries(lake.storage).select("action", "resource").rows()
    assert ("audience", "outlets are for the audience public (change 2)") in told
    assert audit_log.verify(lake.storage).faults == ()
    assert lake.run().release is None  # no release is made for it


@pytest.mark.parametrize("why", ["", "  "])
def test_a_declaration_needs_a_reason(lake: Lake, why: str) -> None:
    with pytest.raises(AudienceError, match="Say why"):
        lake.set_audience("inside", why=why)
    assert lake.audience() is Audience.PUBLIC
