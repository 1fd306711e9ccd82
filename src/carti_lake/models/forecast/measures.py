"""How good forecasts are."""

from typing import TYPE_CHECKING

import numpy as np
import polars as pl

from carti_lake.comparison.wilson import wilson

if TYPE_CHECKING:
    from carti_lake.models.forecast.panel import Floats


def mase(actual: "Floats", forecast: "Floats", scale: "Floats") -> float | None:
    """Mean absolute scaled error; the scale is the seasonal naive's mean absolute error within each row's history.

    Source: R. Hyndman and A. Koehler, "Another look at measures of forecast accuracy", International Journal of
    Forecasting 22 (2006).

    Parameters
    ----------
    actual, forecast
        Rows x horizon; what is NaN in either is left out.
    scale
        By row; rows without are left out.
    """
    return _mean(np.abs(actual - forecast) / scale[:, None])


def smape(actual: "Floats", forecast: "Floats") -> float | None:
    """Symmetric mean absolute percentage error in percent, 0 to 200, as the M3 competition defines it; 0 of 0 is 0.

    Source: S. Makridakis and M. Hibon, "The M3-Competition", International Journal of Forecasting 16 (2000).
    """
    size = np.abs(actual) + np.abs(forecast)
    return _mean(np.where(size == 0, 0.0, 200 * np.abs(actual - forecast) / np.where(size == 0, 1.0, size)))


def mae(actual: "Floats", forecast: "Floats") -> float | None:
    """Mean absolute error."""
    return _mean(np.abs(actual - forecast))


def rmse(actual: "Floats", forecast: "Floats") -> float | None:
    """Root of the mean squared error."""
    mean = _mean((actual - forecast) ** 2)
    return None if mean is None else mean**0.5


def coverage(actual: "Floats", lower: "Floats", upper: "Floats") -> tuple[float, float, float] | None:
    """Share of what came that lies within its interval, ends included, and the 95 % interval of that share (Wilson).

    Forecasts made for the same months err together: as many count for one as there are months ahead.

    Parameters
    ----------
    actual, lower, upper
        Rows x horizon; what is NaN in any of them is left out.
    """
    known = ~np.isnan(np.stack([actual, lower, upper])).any(axis=0)
    cases = int(known.sum())
    if not cases:
        return None
    share = float(((actual >= lower) & (actual <= upper))[known].mean())
    apart = cases / actual.shape[1]
    low, high = wilson(pl.lit(share * apart), pl.lit(apart))
    return (share, *pl.select(low=low, high=high).row(0))


def _mean(values: "Floats") -> float | None:
    known = values[~np.isnan(values)]
    return float(known.mean()) if len(known) else None
