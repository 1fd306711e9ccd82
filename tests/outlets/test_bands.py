"""What is said of a forecast's bands is what was measured, and whose forecast it is."""

from datetime import date

import polars as pl
import pytest

from carti_lake.outlets.bands import in_words

MEANT = "bands meant to hold 80 and 95 of 100 months; "


def metrics(*rows: tuple[str, str, float | None, int, int]) -> dict[str, pl.DataFrame]:
    """Published evaluation rows: split, metric, value, n, release."""
    columns = {"split": pl.String, "metric": pl.String, "value": pl.Float64, "n": pl.Int64, "data_release": pl.Int64}
    return {"model_metrics": pl.DataFrame(rows, schema=columns, orient="row")}


def made(*rows: tuple[str, date, str | None]) -> dict[str, pl.DataFrame]:
    return {"forecasts": pl.DataFrame(rows, schema=["level", "origin", "method"], orient="row")}


SPLIT = "rolling origin, network"
WHOLE = metrics(
    (SPLIT, "coverage_80", 0.99, 12, 1),
    (SPLIT, "coverage_80", 0.823, 1_450, 2),
    (SPLIT, "coverage_80_lower", 0.71, 1_450, 2),
    (SPLIT, "coverage_80_upper", 0.906, 1_450, 2),
    (SPLIT, "coverage_95", 0.966, 1_450, 2),
    ("rolling origin, network, visits", "coverage_80", 0.5, 290, 2),
    ("rolling origin, provider", "coverage_80", 0.7, 9_000, 2),
)


def test_the_newest_measure_of_the_level_is_told_with_how_sure_it_is() -> None:
    said = in_words(WHOLE, "network")
    assert said == f"{MEANT}tested on 1,450 forecasts of months held out, they held 82 (71 to 91) and 97"


@pytest.mark.parametrize("tables", [{}, metrics(), metrics((SPLIT, "coverage_80", 0.8, 9, 1))])
def test_what_was_not_measured_is_said_to_be_so(tables: dict[str, pl.DataFrame]) -> None:
    assert in_words(tables, "network") == f"{MEANT}how many they hold was not tested here"


@pytest.mark.parametrize(
    ("method", "said"),
    [
        ("mean of 12 months", ". The forecast is the mean of 12 months: the model was no better"),
        ("seasonal naive", ". The forecast is the seasonal naive: the model was no better"),
        ("combined with the mean", ""),
        (None, ""),
    ],
)
def test_a_baseline_in_the_models_place_is_named(method: str | None, said: str) -> None:
    older = ("network", date(2025, 1, 1), "seasonal naive" if method else None)
    forecasts = made(("network", date(2025, 2, 1), method), older, ("provider", date(2025, 3, 1), "seasonal naive"))
    assert in_words({**WHOLE, **forecasts}, "network").removeprefix(in_words(WHOLE, "network")) == said
