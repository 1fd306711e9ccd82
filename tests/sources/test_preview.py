"""What a load would do, told before it is done."""

from pathlib import Path

import polars as pl
import pytest

from carti_lake.lake import Lake
from carti_lake.sources.extract import ExtractError
from tests.worlds.lakes import lake_in, visit


@pytest.fixture
def lake(tmp_path: Path) -> Lake:
    return lake_in(tmp_path / "lake")


ROWS = [
    visit(1, visit_date="02/23/2026", payer="n/a"),
    visit(2, claim_amount="$100", payer="N/A "),
    visit(3, claim_amount="-5", visit_date="someday"),
    visit(4, claim_status="P", payer="NIL"),
]
MAP = {"defaults": {"null_words": ["NIL"]}, "columns": {"claim_status": {"values": {"P": "pending"}}}}


def test_every_column_and_every_refusal_is_told_and_nothing_is_kept(lake: Lake) -> None:
    (told,) = lake.preview("ehr_visits", [{**row, "Region": "South"} for row in ROWS], mapping=MAP)
    columns = {one.column: one for one in told.columns}
    assert (columns["visit_date"].values, columns["visit_date"].as_text, columns["visit_date"].unreadable) == (4, 1, 1)
    assert (columns["claim_amount"].as_text, columns["claim_amount"].unreadable) == (0, 0)
    assert columns["payer"].null_words == {"n/a": 2, "nil": 1}
    assert columns["claim_status"].written == {"values": {"P": "pending"}}
    assert told.unmapped == ["Region"]
    assert (told.rows, told.refused) == (4, 1)
    assert told.rules == {"claim_amount|min": 1, "visit_date|unreadable": 1}
    assert not Path(lake.uri).exists()


def test_the_load_and_the_run_do_what_was_told(lake: Lake) -> None:
    (told,) = lake.preview("ehr_visits", ROWS, mapping=MAP)
    (done,) = lake.load("ehr_visits", ROWS, mapping=MAP)
    lake.run(accept=["quality"])
    assert (told.rows, told.batch_id) == (done.rows, done.batch_id)
    rules = lake.quarantine("visits").collect()["rules"].str.split(",").explode().value_counts()
    assert dict(rules.iter_rows()) == told.rules
    assert [(one.already, one.replaces) for one in lake.preview("ehr_visits", ROWS, mapping=MAP)] == [(True, None)]
    assert [one.replaces for one in lake.preview("ehr_visits", ROWS)] == [done.batch_id]


def test_constants_and_paths_are_named_as_sources(lake: Lake) -> None:
    rows = pl.DataFrame([visit(1)]).drop("claim_status", "patient_id")
    rows = rows.with_columns(subject=pl.lit('{"reference": "Patient/1"}'))
    said = {"constants": {"claim_status": "paid"}, "columns": {"patient_id": {"from": "subject.reference"}}}
    (told,) = lake.preview("ehr_visits", rows, mapping=said)
    sources = {one.column: one.source for one in told.columns}
    assert (sources["claim_status"], sources["patient_id"]) == ("constant paid", "subject.reference")
    assert sources["visit_id"] == "visit_id"


def test_what_load_refuses_is_refused(lake: Lake) -> None:
    with pytest.raises(ExtractError, match='"visit_date"'):
        list(lake.preview("ehr_visits", [{"visit_id": "V1"}]))
