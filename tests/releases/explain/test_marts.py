"""Any mart made of sums is explained, by whatever key, also where it looks something up beside its rows."""

from importlib import import_module

import dataframely as dy
import polars as pl
import pytest

from carti_lake.metrics import METRICS, Metric, Sum
from carti_lake.pipeline.mart import Mart
from carti_lake.pipeline.marts import MARTS
from carti_lake.releases.explain import ExplainError
from carti_lake.releases.explain import read as read_module
from carti_lake.tables import TABLES
from carti_lake.tables import fields as f
from carti_lake.tables.gold import Gold
from tests.releases.explain.test_explain import parts, run
from tests.worlds.lakes import Clock, appointment, lake_in, load, visit


class KeptVisits(Gold, table="kept_visits"):
    """Visits by payer, and those among them that an appointment became; for these tests."""

    payer = dy.String(primary_key=True)
    visits = f.count("Visits", of=("visits.payer",))
    kept = f.count("Visits that an appointment became", of=("visits.payer", "appointments.appointment_status"))
    months = f.count("Months with a visit", of=("visits.visit_month",))


def kept_visits(visits: pl.LazyFrame, appointments: pl.LazyFrame) -> tuple[pl.LazyFrame]:
    completed = appointments.filter(appointment_status="completed").select("visit_id", kept=1).unique()
    rows = visits.filter(~pl.col("withdrawn")).join(completed, on="visit_id", how="left")
    counts = {"visits": pl.len(), "kept": pl.col("kept").sum(), "months": pl.col("visit_month").n_unique()}
    made = rows.group_by("payer").agg(**counts)
    return (made.select(pl.col(name).cast(dtype) for name, dtype in KeptVisits.dtypes().items()),)


RATE = Metric("kept_rate", "Kept", KeptVisits, Sum.of("kept"), Sum.of("visits"), "these tests")


@pytest.fixture
def lake(tmp_path, monkeypatch):
    """A lake with that mart and its metrics."""
    built = (*MARTS, Mart((KeptVisits,), ("silver.visits", "silver.appointments"), kept_visits))
    # The package shows the function of that name.
    for module in (import_module("carti_lake.runner.run"), read_module):
        monkeypatch.setattr(module, "MARTS", built)
    monkeypatch.setitem(TABLES, KeptVisits.full_name(), KeptVisits)
    for metric in (RATE, Metric("months", "Months", KeptVisits, Sum.of("months"), None, "these tests")):
        monkeypatch.setitem(METRICS, metric.id, metric)
    return lake_in(tmp_path / "lake", Clock())


def test_what_is_looked_up_changes_with_the_status(lake):
    """V1 is as it was, but the appointment that it was has been kept; V2 was kept already, and changes its payer."""
    booked, kept = appointment(1, visit_id="V1", appointment_status="Booked"), appointment(2, visit_id="V2")
    load(lake, "ehr_visits", [visit(1, payer="Blue"), visit(2, payer="Blue")], "2026-03-01")
    load(lake, "ehr_appointments", [booked, kept], "2026-03-01")
    run(lake)
    load(lake, "ehr_appointments", [appointment(1, visit_id="V1", appointment_status="Completed")], "2026-03-02")
    load(lake, "ehr_visits", [visit(2, payer="Red"), visit(3, payer="Red")], "2026-03-02")
    run(lake)
    found = lake.explain("kept_rate", 1, 2)
    assert (found.numerators, found.denominators) == ((1, 2), (2, 3))
    assert parts(found) == {"late_rows": (1, 0, 1), "corrected_values": (1, 0, 0), "status_changes": (1, 1, 0)}
    assert found.rows().select("cause", "key", "payer", "numerator", "denominator").rows() == [
        ("late_rows", "V3", "red", 0, 1),
        ("corrected_values", "V2", "blue", -1, -1),
        ("corrected_values", "V2", "red", 1, 1),
        ("status_changes", "V1", "blue", 1, 0),
    ]
    assert found.rows("status_changes")["changes"].to_list() == [[]]


def test_a_mart_that_names_no_provider_is_explained_for_the_network_alone(lake):
    load(lake, "ehr_visits", [visit(1, payer="Blue")], "2026-03-01")
    run(lake)
    with pytest.raises(ExplainError, match=r"kept_rate is not known by provider: gold\.kept_visits names none"):
        lake.explain("kept_rate", 1, 1, provider="Ann Lee")


def test_a_sum_that_is_none_over_rows_is_refused_whatever_it_is_declared(lake):
    load(lake, "ehr_visits", [visit(1, payer="Blue")], "2026-03-01")
    run(lake)
    load(lake, "ehr_visits", [visit(2, payer="Blue")], "2026-03-02")
    run(lake)
    with pytest.raises(ExplainError, match=r"rows explain 1 / 0 of a change of 0 / 0\. gold\.kept_visits does not add"):
        lake.explain("months", 1, 2)
