from datetime import date

import numpy as np

from carti_lake.models.forecast.panel import panel
from carti_lake.models.forecast.season import adjusted, indices
from carti_lake.pipeline.gold.forecast_series import series
from tests.worlds.forecasts import SEASON, known, network


def test_the_planted_season_is_found_and_drawn_to_nothing_by_its_doubt():
    growth = np.exp(0.08 / 12 * np.arange(48))
    planted = np.array(SEASON) / np.mean(SEASON)
    found = indices(1_000 * growth * np.tile(planted, 4), phase=11)
    # Four years count for four fifths.
    np.testing.assert_allclose(np.log(found), 0.8 * np.log(planted), atol=0.01)


def test_a_year_and_less_tells_no_season():
    assert (indices(np.array(SEASON), phase=11) == 1).all()


def test_working_days_are_taken_out_where_weekends_bring_nothing():
    rows = series(known(network(25), date(2025, 1, 31)).tables).collect()
    shut, open_ = panel(rows, weekend=0.0), panel(rows, weekend=1.0)
    # December 2024 had 22 working days, January 2025 had 23, February 2025 (the first ahead) 20.
    np.testing.assert_allclose(shut.load[0, 23:26] / shut.load[0, 24], [22 / 23, 1, 20 / 23])
    np.testing.assert_allclose(open_.load[0, 23:26] / open_.load[0, 24], [1, 1, 28 / 31])


def test_what_is_taken_out_is_put_back():
    seen = panel(series(known(network(36), date(2025, 12, 31)).tables).collect(), weekend=0.2)
    clean = adjusted(seen)
    assert clean.values.shape == seen.values.shape
    # The mean of a month of the year over two years, and the factor of the same month ahead, go together.
    season = seen.values / clean.values
    np.testing.assert_allclose((season / seen.load[:, :36])[:, 24:30], clean.factors / seen.load[:, 36:], rtol=1e-9)
