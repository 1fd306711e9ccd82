"""A level's forecasts are the model's where it is surely better than the baselines, and else the better baseline."""

from datetime import date

import numpy as np
import polars as pl
import pytest

from carti_lake.models.forecast.backtest import Backtest
from carti_lake.models.forecast.choice import choose, judgements
from carti_lake.models.forecast.methods import BASELINES, CANDIDATES, COMBINED, MEAN, METHODS, SEASONAL_NAIVE, STEADY
from carti_lake.models.forecast.model import MODEL, with_verdicts
from carti_lake.models.forecast.panel import Panel
from carti_lake.models.measures import rows
from tests.worlds.forecasts import known, network

MONTHS, HORIZON, SERIES = 40, 6, 12
LEVELS = ("network", "service_line", "provider")


def looked_back(errors: dict[str, dict[str, float]], seed: int = 0) -> Backtest:
    """A backtest whose methods miss by so much on average, by level; 10 where nothing is said."""
    rng = np.random.default_rng(seed)
    keys = pl.DataFrame(
        {
            "level": np.repeat(LEVELS, SERIES),
            "member": [f"m{place}" for place in range(3 * SERIES)],
            "metric": "visits",
            "origin": date(2025, 1, 1),
        }
    )
    count = keys.height
    values = 100 + rng.normal(0, 10, (count, MONTHS))
    load, nothing = np.ones((count, MONTHS + HORIZON)), np.zeros(count, dtype=np.int64)
    panel = Panel(keys, values, values, load, nothing, nothing - 1)
    ago = tuple(range(1, 19))
    empty = Backtest(panel, ago, {}, np.ones((len(ago), count)))
    centre = np.nan_to_num(empty.actual(), nan=100.0)
    size = {
        name: np.repeat([errors.get(level, {}).get(name, 10.0) for level in LEVELS], SERIES)[:, None]
        for name in METHODS
    }
    made = {name: centre + size[name] * rng.choice([-1, 1], centre.shape) for name in METHODS}
    return Backtest(panel, ago, made, np.ones((len(ago), count)))


def test_each_level_is_judged_by_its_own_errors():
    test = looked_back({"service_line": {COMBINED: 7.0, STEADY: 8.0}, "provider": {STEADY: 6.0, MEAN: 9.0}})
    found = judgements(test)
    assert {level: one.method for level, one in found.items() if one.refusal is None} == {
        "service_line": COMBINED,
        "provider": STEADY,
    }
    assert found["network"].method in BASELINES
    assert found["network"].refusal.startswith("no better than the ")
    assert choose(test).methods == {level: one.method for level, one in found.items()}


def test_better_than_one_baseline_alone_is_not_better():
    test = looked_back({level: {COMBINED: 7.0, STEADY: 7.0, MEAN: 7.0} for level in LEVELS})
    for one in judgements(test).values():
        assert one.method == MEAN
        assert one.refusal.startswith(f"no better than the {MEAN}")


def test_of_the_baselines_the_better_one_stands_in():
    assert judgements(looked_back({"network": {MEAN: 20.0}}))["network"].method == SEASONAL_NAIVE


def test_an_average_that_errs_more_and_is_surely_better_comes_before_one_that_is_not():
    """The one owes its small error to three months in a row; the other errs less in every month."""
    test = looked_back({"network": {STEADY: 9.0}})
    targets = np.arange(1, HORIZON + 1) - np.array(test.ago)[:, None]
    hit = np.isin(targets, (-9, -8, -7))[:, None, :] & ~np.isnan(test.actual())
    lucky = np.where(hit, test.actual(), test.made[COMBINED])
    tried = Backtest(test.panel, test.ago, {**test.made, COMBINED: lucky}, test.scale)
    mean_error = {name: np.nanmean(np.abs(tried.actual() - tried.made[name])[:, :SERIES]) for name in CANDIDATES}
    assert mean_error[COMBINED] < mean_error[STEADY]
    assert judgements(tried)["network"].method == STEADY


def test_what_came_later_has_no_say():
    test = looked_back({"network": {COMBINED: 7.0}})
    later = {name: made.copy() for name, made in test.made.items()}
    for made in later.values():
        made[:6] = 1e6
    changed = Backtest(test.panel, test.ago, later, test.scale)
    assert judgements(changed, 6)["network"].gains.equals(judgements(test, 6)["network"].gains)


def test_gains_are_told_where_the_model_is_used_and_the_reason_where_it_is_not():
    levels = judgements(looked_back({"service_line": {COMBINED: 7.0, STEADY: 8.0}}))
    errors = [rows({"model": {"mase": 1.0}}, f"rolling origin, {level}", 9, "known") for level in LEVELS]
    told = with_verdicts(pl.concat(errors), levels)
    gains = told.filter(pl.col("metric").str.starts_with("gain"))
    assert set(gains["split"]) == {"rolling origin, service_line"} and set(gains["estimator"]) == set(BASELINES)
    notes = dict(told.filter(estimator="model").select("split", "note").iter_rows())
    assert notes["rolling origin, service_line"] == "known"
    assert "stands in the model's place: it is no better than the" in notes["rolling origin, network"]


@pytest.mark.slow
@pytest.mark.parametrize(("months", "growth", "seed"), [(36, 0.08, 1), (36, 0.6, 2), (48, 0.3, 3), (48, 0.0, 4)])
def test_no_level_is_served_by_a_model_whose_interval_touches_a_baseline(months, growth, seed):
    start = date(2025 - months // 12, 1, 1)
    cells = network(months, providers=4, seed=seed, growth=growth, start=start)
    trained = MODEL.train([known(cells, date(2025, 1, 5))], seed)
    (served,) = MODEL.score(known(cells, date(2025, 1, 5)), trained.artifact, "v")
    methods = dict(served.drop_nulls("method").select("level", "method").unique().collect().iter_rows())
    assert methods == trained.parameters["method"]
    for level, method in methods.items():
        lower = trained.evaluation.filter(metric="gain_lower", split=f"rolling origin, {level}")["value"]
        assert (method in CANDIDATES) == (len(lower) == len(BASELINES)) == (level not in trained.parameters["not used"])
        assert lower.is_empty() or lower.min() > 0
