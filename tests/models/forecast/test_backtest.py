"""Nothing that came after an origin has a say in what is forecast from it."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from carti_lake.models.forecast.backtest import backtest
from carti_lake.models.forecast.choice import choose, points
from carti_lake.models.forecast.judge import judged
from carti_lake.models.forecast.panel import Panel, panel
from carti_lake.pipeline.gold.forecast_series import series
from tests.worlds.forecasts import known, network

ORIGINS = (2, 4, 6, 8, 10, 12)


@pytest.fixture(scope="module")
def seen() -> Panel:
    rows = series(known(network(28, providers=3, each=20), date(2025, 5, 3)).tables).collect()
    return panel(rows.filter(metric="visits"), weekend=1.0)


@pytest.fixture(scope="module")
def test_of_it(seen):
    return backtest(seen, 0, origins=ORIGINS)


@pytest.mark.parametrize(("place", "factor", "seed"), [(1, 0.0, 0), (3, 20.0, 1), (4, 0.5, 2)])
def test_changing_what_came_after_an_origin_changes_no_forecast_made_at_it(seen, test_of_it, place, factor, seed):
    ago = ORIGINS[place]
    changed = np.where(
        np.arange(seen.months) >= seen.months - ago,
        factor * np.random.default_rng(seed).random(seen.values.shape) * seen.values,
        seen.values,
    )
    other = backtest(replace(seen, values=changed, actual=changed), 0, origins=ORIGINS)
    for name, made in test_of_it.made.items():
        np.testing.assert_array_equal(made[place:], other.made[name][place:], err_msg=name)
    assert place == 0 or not np.array_equal(test_of_it.made["theta"][:place], other.made["theta"][:place])
    # Neither has it a say in what would have been chosen by then, and how wide the intervals were.
    assert choose(test_of_it, ago) == choose(other, ago)
    choice = choose(other, ago)
    np.testing.assert_array_equal(points(test_of_it, place, choice), points(other, place, choice))


def test_forecasts_are_judged_by_choices_that_they_had_no_say_in(test_of_it):
    found = judged(test_of_it)
    # Of six origins, the oldest five say how the latest is forecast.
    assert len(found.actual) == len(test_of_it.panel.values)
    np.testing.assert_array_equal(found.forecasts["model"], points(test_of_it, 0, choose(test_of_it, ORIGINS[0])))
    assert np.isnan(found.actual[:, 2:]).all() and not np.isnan(found.actual[:, :2]).any()


def test_what_a_release_knew_then_is_what_was_forecast_from(seen):
    then = seen.until(2)
    doubled = replace(then, values=2 * then.values)
    told = backtest(seen, 0, {2: doubled}, origins=(2,))
    cut = backtest(seen, 0, origins=(2,))
    np.testing.assert_allclose(told.made["seasonal naive"], 2 * cut.made["seasonal naive"])
    np.testing.assert_allclose(told.scale, 2 * cut.scale)
    np.testing.assert_array_equal(told.actual(), cut.actual())


def test_the_combined_forecast_leans_on_boosting_the_more_the_farther_ahead(test_of_it):
    made = {name: values[-1] for name, values in test_of_it.made.items()}
    there = ~np.isnan(made["combined"]).any(axis=1)
    rest = (made["theta"] + made["damped trend"]) / 2
    share = np.array([0.2, 0.27, 0.33, 0.4, 0.4, 0.4])
    np.testing.assert_allclose(made["combined"][there], (share * made["boosting"] + (1 - share) * rest)[there])
