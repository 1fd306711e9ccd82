"""Two releases of a lake, explained: what is read, what is refused, and causes that only a lake can show."""

import shutil
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from carti_lake.metrics import METRICS, UnknownMetricError
from carti_lake.pipeline.gold import provider_monthly as monthly_module
from carti_lake.releases.explain import ExplainError
from carti_lake.releases.publish import expire
from carti_lake.releases.release import ReleaseError
from carti_lake.store.errors import CorruptTableError
from carti_lake.store.write import append
from tests.worlds.lakes import Clock, account, lake_in, load, opportunity, provider, stay, visit

pytestmark = pytest.mark.slow

NPI = "1234567893"


def run(lake) -> None:
    result = lake.run(accept=["drift"])
    assert not result.failed, result.failed
    lake.clock.turn(days=1)


def parts(found) -> dict[str, tuple]:
    """Rows, numerator and denominator of the causes that did something."""
    return {part.cause: (part.rows, part.numerator, part.denominator) for part in found.parts if part.rows}


@pytest.fixture(scope="module")
def releases(tmp_path_factory):
    """1: visits, an open opportunity, two accounts. 2: one visit more. 3: who Dr. Ann Lee is, nothing else. 4: CRM."""
    lake = lake_in(tmp_path_factory.mktemp("explain") / "lake", Clock())
    load(lake, "ehr_visits", [visit(1), visit(2, visit_date="2025-11-20")], "2026-03-01")
    load(lake, "salesforce_opportunities", [opportunity(1), opportunity(2)], "2026-03-01")
    load(lake, "salesforce_crm", [account("Dr. Ann Lee"), account("Dr. Bo Chan")], "2026-03-01")
    run(lake)
    load(lake, "ehr_visits", [visit(3, claim_paid="60")], "2026-03-02")
    run(lake)
    load(lake, "providers", [provider("Ann Lee", NPI)], "2026-03-03")
    run(lake)
    won = opportunity(1, stage_name="Closed Won", is_won="true", is_closed="true")
    lost = opportunity(2, stage_name="Closed Lost", is_closed="true", is_deleted=None)
    load(lake, "salesforce_opportunities", [won, lost], "2026-03-04")
    load(lake, "salesforce_crm", [account("Dr. Ann Lee", deals_value="3500")], "2026-03-04")
    run(lake)
    return lake


@pytest.fixture
def lake(releases, tmp_path):
    """A copy of that lake."""
    shutil.copytree(releases.uri, tmp_path / "lake")
    return lake_in(tmp_path / "lake", Clock(releases.clock.now))


def test_the_numbers_are_those_of_the_releases_whatever_came_after_them(releases):
    found = releases.explain("gross_collection_rate", 1, 2)
    assert (found.numerators, found.denominators) == ((160, 220), (200, 300))
    assert parts(found) == {"late_rows": (1, 60, 100)}
    assert found.rows("late_rows").select("table_name", "key").row(0) == ("silver.visits", "V3")


def test_the_directory_alone_moves_rows_to_another_provider(releases):
    assert parts(releases.explain("gross_collection_rate", 2, 3)) == {"reattribution": (3, 0, 0)}
    gained = releases.explain("gross_collection_rate", 2, 3, provider=NPI)
    assert parts(gained) == {"reattribution": (3, 220, 300)}
    assert gained.values == (None, pytest.approx(220 / 300))
    lost = releases.explain("gross_collection_rate", 2, 3, provider="name:ann lee")
    assert parts(lost) == {"reattribution": (3, -220, -300)}
    # By name, whom the later release knows by it.
    assert releases.explain("gross_collection_rate", 2, 3, provider="Lee, Ann MD").provider == (NPI, "Ann Lee")


def test_what_the_crm_tells_is_explained_through_the_summary(releases):
    assert parts(releases.explain("win_rate", 1, 4)) == {"status_changes": (2, 1, 2)}
    assert parts(releases.explain("win_rate", 1, 4, provider="Dr. Bo Chan")) == {"status_changes": (2, 1, 2)}
    # Deals less cost, over cost: the one account gains 500; the other, of 3,000 at a cost of 1,000, is not listed.
    assert parts(releases.explain("roi", 3, 4)) == {
        "corrected_values": (1, 500, 0),
        "withdrawn_rows": (1, -2000, -1000),
    }


def test_a_release_does_not_differ_from_itself(releases):
    found = releases.explain("gross_collection_rate", 2, 2)
    assert parts(found) == {} and found.rows().is_empty()
    assert found.values == (pytest.approx(220 / 300),) * 2


def test_releases_are_named_as_everywhere(releases):
    by_date = releases.explain("gross_collection_rate", "2026-03-10", "2026-03-11")
    assert (by_date.before.number, by_date.after.number) == (1, 2)


def test_a_table_that_the_earlier_release_lacked_counts_as_empty(releases, lake):
    load(lake, "sg2_patient_flow", [stay(1, length_of_stay="4"), stay(2, admission_date="2026-03-08")], "2026-03-09")
    run(lake)
    assert parts(lake.explain("avg_length_of_stay", 4, 5)) == {"late_rows": (1, 4, 1), "new_rows": (1, 3, 1)}


@pytest.mark.parametrize(
    ("metric", "before", "after", "provider", "message"),
    [
        ("win_rate", 3, 2, None, "Release 3 is later than release 2: explain from the earlier to the later one."),
        ("win_rate", 1, 2, "Dr. Nobody", "Releases 1 and 2 know no provider 'Dr. Nobody'."),
        ("win_rate", 1, 2, "bo cha", "Did you mean"),
    ],
)
def test_what_cannot_be_explained_says_why(releases, metric, before, after, provider, message):
    with pytest.raises(ExplainError) as error:
        releases.explain(metric, before, after, provider=provider)
    assert message in str(error.value)


def test_a_metric_that_is_not_there_names_those_that_come_closest(releases):
    with pytest.raises(UnknownMetricError, match=r"There is no metric 'win_rat'\. Did you mean win_rate"):
        releases.explain("win_rat", 1, 2)


def test_a_release_whose_files_are_gone_cannot_be_explained(lake):
    expire(lake.storage, [1], lake.clock())
    with pytest.raises(ReleaseError, match="Release 1 cannot be read any more"):
        lake.explain("win_rate", 1, 2)


def test_providers_of_one_name_are_told_apart_by_their_ids(lake):
    """Two bear the name; a third is whoever the extracts mean by it."""
    load(lake, "providers", [provider("Ann Lee", NPI), provider("Ann Lee", "1679576722")], "2026-03-05")
    run(lake)
    with pytest.raises(ExplainError, match=f"3 providers are named 'Ann Lee': give the id, one of {NPI}, "):
        lake.explain("win_rate", 4, 5, provider="Ann Lee")
    assert lake.explain("win_rate", 4, 5, provider=NPI).provider == (NPI, "Ann Lee")


def test_only_months_that_changed_are_read(lake):
    """Release 2 brought a visit of February, release 3 moved that of November as well, whose files are gone."""
    shutil.rmtree(Path(lake.storage.path("silver.visits")) / "visit_month=2025-11-01")
    assert parts(lake.explain("gross_collection_rate", 1, 2)) == {"late_rows": (1, 60, 100)}
    with pytest.raises(CorruptTableError, match=r"silver\.visits: data file visit_month=2025-11-01/.* is missing"):
        lake.explain("gross_collection_rate", 2, 3)


def test_a_changed_definition_is_the_part_that_no_row_explains(tmp_path, monkeypatch):
    """An older mart counted every payment as cash: a denied claim's 30 leaves with the definition, not with a row."""
    lake = lake_in(tmp_path / "lake", Clock())
    today = monthly_module._visit_sums
    rows = [visit(1), visit(2, claim_status="Denied", claim_paid="30")]
    load(lake, "ehr_visits", rows, "2026-03-01")
    with monkeypatch.context() as older:
        older.setattr(monthly_module, "_visit_sums", lambda: {**today(), "payments": pl.col("claim_paid").sum()})
        older.setattr("carti_lake.pipeline.marts.fingerprint", lambda *given: 42)
        run(lake)
    load(lake, "ehr_visits", [visit(3, claim_paid="60")], "2026-03-02")
    run(lake)
    found = lake.explain("gross_collection_rate", 1, 2)
    assert found.numerators == (110, 140)
    assert parts(found) == {"late_rows": (1, 60, 100), "definition_change": (1, -30, 0)}
    cell = found.rows("definition_change").row(0, named=True)
    assert (cell["table_name"], cell["key"]) == ("gold.provider_monthly", "name:ann lee · 2026-02-01 · lung")
    assert parts(lake.explain("gross_collection_rate", 1, 2, provider="Ann Lee")) == parts(found)


def test_a_mart_that_its_silver_does_not_give_is_refused(lake):
    """A doctored table is no definition: the code that made both releases is one and the same."""
    handle = lake.storage.open("gold.provider_monthly")
    rows = lake.storage.scan("gold.provider_monthly").with_columns(payments=pl.col("payments") + Decimal(1)).collect()
    transactions = {"made_by": handle.transaction_version("made_by")}
    append(lake.storage, handle, rows, transactions=transactions, metadata={}, mode="overwrite")
    load(lake, "ehr_visits", [visit(4, visit_date="2026-03-02")], "2026-03-05")
    lake.clock.turn(days=1)
    result = lake.run(accept=["drift", "totals"])
    assert not result.failed
    with pytest.raises(ExplainError, match="is not what the release's silver gives"):
        lake.explain("gross_collection_rate", 4, 5)


def test_what_counts_distinct_patients_is_refused_by_its_declaration(releases):
    with pytest.raises(ExplainError, match="total_patients counts distinct things, or is a rate"):
        releases.explain("value_per_patient", 1, 2)


def test_a_metric_that_no_feed_delivers_says_so(releases):
    undelivered = next(metric for metric in METRICS.values() if metric.missing)
    with pytest.raises(ExplainError, match=f"{undelivered.id} has no value to explain: "):
        releases.explain(undelivered.id, 1, 2)
