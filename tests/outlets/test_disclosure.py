"""What is too small to show is blank; everything else stays."""

from typing import Any

import polars as pl
import pytest

from carti_lake.outlets.disclosure import CASES, PATIENT_COUNTS, PATIENT_LEVEL, disclosed, publishable
from carti_lake.tables.gold import GOLD, ProviderSummary


@pytest.mark.parametrize(("cases", "shown"), [(0, None), (10, None), (11, 0.5), (None, None)])
def test_a_rate_on_fewer_than_11_cases_is_blank(cases: int | None, shown: float | None) -> None:
    frame = pl.DataFrame(
        {"denial_rate": 0.5, "total_visits": cases}, schema={"denial_rate": float, "total_visits": int}
    )
    assert disclosed(frame)["denial_rate"].item() == shown


def test_cases_of_two_columns_add() -> None:
    frame = pl.DataFrame({"win_rate": [0.5, 0.5], "won_opportunities": [6, 6], "lost_opportunities": [4, 5]})
    assert disclosed(frame)["win_rate"].to_list() == [None, 0.5]


@pytest.mark.parametrize("column", PATIENT_COUNTS)
def test_counts_of_1_to_10_patients_are_blank(column: str) -> None:
    frame = pl.DataFrame({column: [0, 1, 10, 11, None]})
    assert disclosed(frame)[column].to_list() == [0, None, None, 11, None]


def test_every_ratio_of_the_summary_names_its_cases() -> None:
    of_money = {"roi"}  # a ratio of dollars
    ratios = {name for name in ProviderSummary.columns() if ProviderSummary.meta(name).get("unit") == "ratio"}
    assert ratios - of_money <= set(CASES)
    assert {column for cases in CASES.values() for column in cases} <= set(ProviderSummary.columns())


def test_rows_of_patients_are_never_published() -> None:
    frames: dict[str, Any] = {name: pl.DataFrame(schema=table.dtypes()) for name, table in GOLD.items()}
    shown = publishable(frames)
    assert set(frames) - set(shown) == PATIENT_LEVEL
    forbidden = {"patient_id", "patient_key", "subject_id", "claim_id", "visit_id", "encounter_id"}
    assert not [name for name in shown if GOLD[name].phi_columns() or forbidden & set(GOLD[name].columns())]
