"""Measures of predictions, against numbers worked out by hand."""

import numpy as np
import pytest

from carti_lake.models.measures import calibration, of_probabilities, of_values, rows


def test_perfect_and_useless_probabilities():
    outcome = np.array([0.0, 0, 1, 1])
    perfect = of_probabilities(outcome, np.array([0.0, 0, 1, 1]))
    assert perfect == {"auroc": 1.0, "auprc": 1.0, "brier": 0.0, "ece": 0.0}
    useless = of_probabilities(outcome, np.full(4, 0.5))
    assert (useless["auroc"], useless["auprc"], useless["brier"]) == (0.5, 0.5, 0.25)


def test_ranks_are_null_where_one_outcome_occurs_and_errors_are_not():
    found = of_probabilities(np.zeros(4), np.full(4, 0.2))
    assert (found["auroc"], found["auprc"]) == (None, None)
    assert found["brier"] == pytest.approx(0.04)
    assert found["ece"] == pytest.approx(0.2)


def test_calibration_groups_are_of_equal_size_and_ordered():
    probability = np.linspace(0.01, 1, 100)
    bins = calibration((probability > 0.5).astype(float), probability)
    assert bins["n"].to_list() == [10] * 10
    assert bins["predicted"].is_sorted()
    assert bins["observed"].to_list() == [0.0] * 5 + [1.0] * 5


def test_values():
    found = of_values(np.array([1.0, 2, 3]), np.array([1.0, 2, 5]))
    assert found["mae"] == pytest.approx(2 / 3)
    assert found["rmse"] == pytest.approx((4 / 3) ** 0.5)
    assert found["r2"] == pytest.approx(-1)
    assert of_values(np.ones(3), np.zeros(3))["r2"] is None


def test_rows_name_estimator_and_split():
    table = rows({"model": {"auroc": 0.7}, "base rate": {"auroc": 0.5}}, "latest quarter", 40, "a note")
    assert table.rows() == [
        ("model", "latest quarter", "auroc", 0.7, 40, "a note"),
        ("base rate", "latest quarter", "auroc", 0.5, 40, "a note"),
    ]
