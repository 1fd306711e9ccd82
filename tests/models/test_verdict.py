"""A model is used where it is better than its baseline by more than chance, and only there."""

import numpy as np
import polars as pl
import pytest

from carti_lake.models.verdict import compared, gain, refusal


def one_each(count):
    return np.arange(count)


def judged(*found):
    return pl.concat([compared(name, one, "latest quarter", 100) for name, one in found])


def test_the_interval_is_that_of_the_paired_t_test():
    from scipy.stats import ttest_1samp

    rng = np.random.default_rng(1)
    baseline, model = rng.normal(1.0, 1, 80), rng.normal(0.8, 1, 80)
    found = gain(baseline, model, one_each(80))
    known = ttest_1samp(baseline - model, 0).confidence_interval(0.95)
    assert (found.lower, found.upper) == pytest.approx((known.low, known.high))


def test_rows_of_one_group_count_as_one():
    """Ten copies of each row say no more than the row."""
    rng = np.random.default_rng(2)
    baseline, model = rng.normal(1.0, 1, 50), rng.normal(0.9, 1, 50)
    once = gain(baseline, model, one_each(50))
    copies = gain(np.repeat(baseline, 10), np.repeat(model, 10), np.repeat(one_each(50), 10))
    assert (copies.mean, copies.lower, copies.upper) == pytest.approx((once.mean, once.lower, once.upper))


def test_a_true_gain_is_within_the_interval_nineteen_times_of_twenty():
    rng = np.random.default_rng(3)
    groups = np.repeat(one_each(40), 5)
    inside = 0
    for _ in range(1_000):
        shared = np.repeat(rng.normal(0.1, 1, 40), 5)
        found = gain(shared + rng.normal(0, 1, 200), np.zeros(200), groups)
        inside += found.lower <= 0.1 <= found.upper
    # 950 are expected; three standard errors of that count are 21.
    assert 929 <= inside <= 971


def months_of_overlapping_forecasts(rng, months, gain_of_each):
    """Losses of a panel whose months have a shock in common that three months share in parts."""
    shock = np.convolve(rng.normal(size=months + 2), np.ones(3), "valid") / 3**0.5
    month = np.repeat(np.arange(months), 20)
    return gain_of_each + shock[month] + rng.normal(size=len(month)), month


def test_a_true_gain_is_within_the_interval_where_months_go_together():
    rng = np.random.default_rng(4)
    inside, apart = 0, 0
    for _ in range(1_000):
        losses, month = months_of_overlapping_forecasts(rng, 18, 0.1)
        for reach in (0, 3):
            found = gain(losses, np.zeros(len(losses)), month, reach)
            held = found.lower <= 0.1 <= found.upper
            inside, apart = (inside + held, apart) if reach else (inside, apart + held)
    # From 18 months alone nobody gets 950; months taken as independent draws hold far fewer.
    assert inside >= 880
    assert apart < 800


def test_without_reach_a_group_is_one_draw_whatever_its_number():
    rng = np.random.default_rng(5)
    losses, groups = rng.normal(size=60), np.repeat(np.arange(12), 5)
    found = gain(losses, np.zeros(60), groups)
    assert found == gain(losses, np.zeros(60), groups * 1000 - 7)


def test_fewer_months_than_reach_into_each_other_say_nothing():
    found = gain(np.ones(9), np.zeros(9), np.repeat(np.arange(3), 3), reach=3)
    assert (found.mean, found.lower, found.upper) == (1.0, -np.inf, np.inf)


def test_only_what_is_surely_better_than_every_baseline_is_used():
    better, touching = gain(np.full(60, 0.3) + one_each(60) / 600, np.full(60, 0.2), one_each(60)), None
    touching = gain(np.array([0.0, 1.0] * 30), np.full(60, 0.45), one_each(60))
    assert better.lower > 0 > touching.lower
    assert refusal(judged(("base rate", better)), ["base rate"]) is None
    said = refusal(judged(("base rate", better), ("CRM probability", touching)), ["base rate"])
    assert said is not None
    assert said.startswith("no better than the CRM probability: its error is less by +0.05, 95 % interval -0.0")


def test_what_was_not_compared_or_of_one_group_alone_is_not_used():
    alone = gain(np.ones(20), np.zeros(20), np.zeros(20, dtype=np.int64))
    assert "no better than the base rate" in str(refusal(judged(("base rate", alone)), ["base rate"]))
    nothing = judged(("base rate", alone)).clear()
    assert refusal(nothing, ["base rate"]) == "too few rows were held out to compare it with the base rate"
    assert refusal(nothing, []) is None
