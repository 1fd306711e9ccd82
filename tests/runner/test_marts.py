"""Only what changed is computed again, only rows that differ are written, and what follows from new code is rebuilt."""

import shutil
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal

import polars as pl
import pytest
from polars.testing import assert_frame_equal

from carti_lake import Lake
from carti_lake.pipeline.gold import provider_summary
from carti_lake.pipeline.marts import MARTS
from carti_lake.runner import marts
from carti_lake.runner.engine import here
from carti_lake.runner.marts import changes
from carti_lake.store.log import changed_months, commits
from carti_lake.tables import Table, find
from carti_lake.tables.gold import DimServiceLine
from tests.equality import assert_same, state
from tests.worlds.rows import APRIL, MARCH, account, held, provider, stay, visit

NOW = datetime(2026, 5, 1, tzinfo=UTC)
LEE, DIAZ = "1234567893", "1679576722"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """Visits in March and April, a stay, a CRM list of two; one release."""
    folder = tmp_path_factory.mktemp("marts") / "lake"
    lake = Lake(folder, clock=lambda: NOW, environment={})
    visits = [visit("V1"), visit("V2", claim_status="Denied", claim_paid="0"), visit("V3", visit_date="2026-04-02")]
    lake.load("ehr_visits", visits, extract_date=date(2026, 4, 3))
    lake.load("sg2_patient_flow", [stay("P1")], extract_date=date(2026, 4, 3))
    lake.load("salesforce_crm", [account("Ann Lee"), account("Bo Diaz")], extract_date=date(2026, 4, 3))
    lake.run()
    return folder


@pytest.fixture
def lake(folder, tmp_path):
    """A copy of that lake."""
    shutil.copytree(folder, tmp_path / "lake")
    return Lake(tmp_path / "lake", clock=lambda: NOW, environment={})


def deliver(lake, feed, *rows, day=4, **how):
    """Load the rows as an extract of that day of April, and run."""
    lake.load(feed, list(rows), extract_date=date(2026, 4, day))
    result = lake.run(accept=["drift"], **how)
    assert not result.failed, result.failed
    return result


def months_written(lake, table, before):
    return changed_months(commits(lake.storage.open(table), before[table]))[0]


def versions(lake):
    return lake.at().release.versions


def cells(lake, *columns):
    """By provider and month, the values of the columns."""
    rows = lake.scan("gold.provider_monthly").filter(service_line="breast").sort("provider_id", "month").collect()
    return {
        (row["provider_id"], row["month"]): tuple(row[name] for name in columns) for row in rows.iter_rows(named=True)
    }


def test_rows_to_write_are_those_that_differ():
    def lines(*rows):
        return held(DimServiceLine, *({"service_line": name, "title": title} for name, title in rows))

    change = changes(
        lines(("new", "New"), ("same", "Same"), ("moved", "After")),
        lines(("gone", "Gone"), ("same", "Same"), ("moved", "Before")),
        DimServiceLine,
    )
    assert sorted(change.rows()) == [("gone", "Gone", True), ("moved", "After", False), ("new", "New", False)]


def test_only_the_touched_month_is_read_and_written(lake, monkeypatch):
    before, read, inputs = versions(lake), {}, marts._input

    def watched(storage, name, months):
        read[name] = months
        return inputs(storage, name, months)

    monkeypatch.setattr(marts, "_input", watched)
    deliver(lake, "ehr_visits", visit("V4", visit_date="2026-04-03"))
    assert read["silver.visits"] == {APRIL}
    assert months_written(lake, "silver.visits", before) == [APRIL]
    assert months_written(lake, "gold.provider_monthly", before) == [APRIL]
    assert cells(lake, "visits")["name:ann lee", APRIL] == (2,)


def test_where_no_value_changes_nothing_is_merged(lake):
    before = versions(lake)
    result = deliver(lake, "ehr_visits", visit("V1", patient_age="61"), day=4)
    assert "silver.visits" in result.changed
    assert not [name for name in result.changed if name in ("gold.provider_monthly", "gold.provider_summary")]
    assert lake.diff("provider_monthly", 1, 2).collect().is_empty()
    assert months_written(lake, "gold.provider_monthly", before) == []


@pytest.mark.parametrize(
    ("delivered", "operation", "told"),
    [
        ([account("Ann Lee", deals_value="7"), account("Bo Diaz", deals_value="8")], "WRITE", [("-", 2), ("+", 2)]),
        ([account("Ann Lee", deals_value="7"), account("Bo Diaz")], "MERGE", [("-", 1), ("+", 1)]),
    ],
    ids=["no row stays", "one stays"],
)
def test_the_change_feed_holds_what_changed_whichever_way_it_is_written(lake, delivered, operation, told):
    table = "gold.provider_summary"
    before = versions(lake)[table]
    deliver(lake, "salesforce_crm", *delivered)
    handle = lake.storage.open(table)
    assert [one.operation for one in commits(handle, before)] == [operation]
    feed = pl.DataFrame(handle.load_cdf(starting_version=before + 1))
    kinds = {"delete": "-", "update_preimage": "-", "insert": "+", "update_postimage": "+"}
    signs = feed["_change_type"].replace_strict(kinds)
    assert [(sign, signs.eq(sign).sum()) for sign in "-+"] == told
    columns = find(table).column_names()
    rows = {sign: feed.filter(signs == sign).select(columns).sort("provider_id") for sign in "-+"}
    old, new = (lake.storage.scan(table, one).sort("provider_id").collect() for one in (before, handle.version()))
    assert_frame_equal(rows["-"], old.join(new, on=columns, how="anti", nulls_equal=True))
    assert_frame_equal(rows["+"], new.join(old, on=columns, how="anti", nulls_equal=True))


def test_a_small_table_of_which_all_rows_go_is_empty(lake):
    mart = next(one for one in MARTS if DimServiceLine in one.tables)
    nothing = replace(mart, make=lambda *inputs: tuple(table.create_empty().lazy() for table in mart.tables))
    assert "gold.dim_service_line" in marts.update_mart(lake.storage, nothing, here, full=True)
    assert lake.storage.scan("gold.dim_service_line").collect().is_empty()


def test_where_nothing_is_delivered_nothing_is_done(lake):
    before = versions(lake)
    assert lake.run().changed == ()
    assert {name: lake.storage.open(name).version() for name in before} == before


def test_a_corrected_visit_date_moves_the_row_to_the_other_month(lake):
    deliver(lake, "ehr_visits", visit("V1", visit_date="2026-04-20"))
    rows = lake.scan("silver.visits").filter(visit_id="V1").collect()
    assert rows.select("visit_date", "visit_month").rows() == [(date(2026, 4, 20), APRIL)]
    assert cells(lake, "visits", "payments") == {
        ("name:ann lee", MARCH): (1, 0),
        ("name:ann lee", APRIL): (2, Decimal(160)),
        ("name:bo diaz", MARCH): (0, 0),
    }


def test_a_month_that_loses_its_last_row_has_no_cell_left(lake):
    deliver(lake, "ehr_visits", visit("V3", visit_date="2026-03-30"))
    assert ("name:ann lee", APRIL) not in cells(lake, "visits")


def test_when_the_directory_learns_who_somebody_is_the_past_is_attributed_anew(lake):
    assert cells(lake, "visits", "stays") == {
        ("name:ann lee", MARCH): (2, 0),
        ("name:ann lee", APRIL): (1, 0),
        ("name:bo diaz", MARCH): (0, 1),
    }
    # First the name of one; then an alias by which it knows the other.
    deliver(lake, "providers", provider("LEE, ANN MD", npi=LEE), day=5)
    assert cells(lake, "visits", "stays") == {
        (LEE, MARCH): (2, 0),
        (LEE, APRIL): (1, 0),
        ("name:bo diaz", MARCH): (0, 1),
    }
    deliver(lake, "providers", provider("Roberto Diaz", npi=DIAZ, aliases="Bo Diaz; B. Diaz"), day=6)
    assert (DIAZ, MARCH) in cells(lake, "stays")
    assert lake.scan("provider_summary").collect()["provider_id"].sort().to_list() == [LEE, DIAZ]
    held_now = state(lake)
    lake.run(full=True)
    assert_same(held_now, state(lake))


def test_a_crm_list_withdraws_whom_it_leaves_out(lake):
    def listed():
        return dict(lake.scan("provider_summary").select("provider_id", "deals_value").collect().iter_rows())

    assert listed() == {"name:ann lee": 300, "name:bo diaz": 300}
    deliver(lake, "salesforce_crm", account("Ann Lee", deals_value="310"), day=5)
    assert listed() == {"name:ann lee": 310, "name:bo diaz": None}
    assert lake.scan("silver.crm_accounts").collect().height == 1
    # A list that is older than the newest one changes nothing.
    deliver(lake, "salesforce_crm", account("Bo Diaz", deals_value="1"), account("Cy Old"), day=4)
    assert listed() == {"name:ann lee": 310, "name:bo diaz": None}
    deliver(lake, "salesforce_crm", account("Bo Diaz", deals_value="7"), account("Ann Lee"), day=6)
    assert listed() == {"name:ann lee": 300, "name:bo diaz": 7}


def test_changed_code_rebuilds_what_follows_from_it(lake, monkeypatch):
    before = versions(lake)
    monkeypatch.setattr("carti_lake.pipeline.marts.fingerprint", lambda *given: 42)
    seen = []
    make = provider_summary.provider_summary
    monkeypatch.setattr(provider_summary, "provider_summary", lambda *given: seen.append(1) or make(*given))
    lake.run()
    assert seen == [1]
    # Every row came out the same, so that none was written.
    assert lake.diff("provider_summary", 1, 2).collect().is_empty()
    assert versions(lake)["silver.visits"] == before["silver.visits"]
    lake.run()
    assert seen == [1]


def test_a_changed_rule_of_cleansing_rebuilds_silver(lake, monkeypatch):
    monkeypatch.setattr("carti_lake.runner.entities.fingerprint", lambda *given: 42)
    result = lake.run()
    assert {"silver.visits", "silver.encounters", "silver.crm_accounts", "quarantine.visits"} <= set(result.changed)
    assert not result.failed
    assert lake.diff("silver.visits", 1, 2).collect().is_empty()


@dataclass(frozen=True)
class Older:
    """A declaration as it was before it gained a column."""

    table: type[Table]
    gained: str

    @property
    def partition_by(self):
        return self.table.partition_by

    def dtypes(self):
        return {name: dtype for name, dtype in self.table.dtypes().items() if name != self.gained}

    def purpose(self):
        return self.table.purpose()


def test_tables_made_before_their_declaration_gained_a_column_hold_it_from_the_next_load_and_run_on(tmp_path):
    lake = Lake(tmp_path / "lake", clock=lambda: NOW, environment={})
    gained = {
        "bronze.ehr_visits": "payer",
        "silver.visits": "payer",
        "quarantine.visits": "payer",
        "gold.provider_monthly": "no_shows",
        "gold.provider_summary": "win_rate",
    }
    for name, column in gained.items():
        made = lake.storage.create(name, Older(find(name), column))
        assert column not in {one.name for one in made.schema().fields}
    rows = [visit("V1", payer="Blue Plan"), visit("V2", payer="Blue Plan", claim_amount="abc")]
    deliver(lake, "ehr_visits", *rows)
    assert lake.scan("silver.visits").collect()["payer"].to_list() == ["blue_plan"]
    assert lake.storage.scan("quarantine.visits").collect()["payer"].to_list() == ["Blue Plan"]
    assert lake.scan("provider_monthly").collect()["no_shows"].to_list() == [0]
    assert lake.scan("provider_summary").collect()["win_rate"].to_list() == [None]
