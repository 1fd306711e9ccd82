"""Features as numbers: declared once with the words that tell of them, encoded the same for fitting and scoring."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
import polars as pl

if TYPE_CHECKING:
    from numpy.typing import NDArray

    Floats = NDArray[np.float64]

#: Levels of a category that are told apart; the rarest others count as one.
MOST_LEVELS = 100
OTHER = "(other)"
#: Knots of a number's curve, at quantiles.
KNOTS = 5


@dataclass(frozen=True)
class Feature:
    """A column that a model looks at.

    Attributes
    ----------
    name
        The column.
    kind
        ``number`` (a smooth curve), or ``category`` (a level each; flags are categories of text).
    words
        What it says of a row: ``{}`` stands for the value, e.g. ``booked {} days ahead``.
    digits
        Decimals of a number in those words.
    percent
        Whether the words show a share as percent.
    log
        Whether the number is log(1 + value), and the words show the value.
    """

    name: str
    kind: Literal["number", "category"]
    words: str
    digits: int = 0
    percent: bool = False
    log: bool = False


def log_dollars(column: str) -> pl.Expr:
    """log(1 + dollars) of a column; unknown below nothing: a reversal's amount is no size."""
    dollars = pl.col(column).cast(pl.Float64)
    return pl.when(dollars >= 0).then(dollars.log1p())


def fitted_levels(rows: pl.DataFrame, features: Sequence[Feature]) -> dict[str, list[str]]:
    """Of each category its levels, most frequent first; of numbers none. Features that do not vary are left out."""
    found: dict[str, list[str]] = {}
    for feature in features:
        column = rows[feature.name].drop_nulls()
        if column.n_unique() + (column.len() < rows.height) < 2:
            continue
        if feature.kind == "number":
            found[feature.name] = []
            continue
        counted = column.cast(pl.String).value_counts().sort(["count", feature.name], descending=[True, False])
        levels = counted[feature.name].to_list()
        found[feature.name] = [*levels[:MOST_LEVELS], OTHER] if len(levels) > MOST_LEVELS else levels
    return found


def encoded(rows: pl.DataFrame, levels: dict[str, list[str]]) -> "Floats":
    """Rows x features: numbers as they are, categories as the place of their level; NaN where unknown or missing."""
    columns = []
    for name, known in levels.items():
        if not known:
            columns.append(pl.col(name).cast(pl.Float64).fill_null(np.nan))
            continue
        rest = float(known.index(OTHER)) if OTHER in known else None
        places = {level: float(place) for place, level in enumerate(known) if level != OTHER}
        text = pl.col(name).cast(pl.String)
        code = text.replace_strict(places, default=pl.lit(rest, pl.Float64), return_dtype=pl.Float64)
        columns.append(pl.when(text.is_not_null()).then(code).fill_null(np.nan).alias(name))
    return rows.select(columns).to_numpy() if columns else np.empty((rows.height, 0))


def curves(matrix: "Floats", levels: dict[str, list[str]]) -> list[Any]:
    """What turns each feature's column into those of the linear part: a spline, or the number of its levels.

    A column in front says where the value is missing; it then counts as the median.
    """
    from sklearn.preprocessing import SplineTransformer

    fitted: list[Any] = []
    for place, known in enumerate(levels.values()):
        if known:
            fitted.append(len(known))
            continue
        values = matrix[~np.isnan(matrix[:, place]), place]
        # Of a fold, all may be missing.
        values = values if len(values) else np.zeros(1)
        # Knots at quantiles that coincide would leave splines without any data.
        quantiles = np.unique(np.quantile(values, np.linspace(0, 1, KNOTS)))
        spline = SplineTransformer(
            degree=min(3, len(quantiles) - 1) if len(quantiles) > 1 else 1,
            knots=(quantiles if len(quantiles) > 1 else np.array([quantiles[0], quantiles[0] + 1]))[:, None],
            extrapolation="linear",
            include_bias=False,
        ).fit(values[:, None])
        fitted.append({"spline": spline, "median": float(np.median(values))})
    return fitted


def blocks(matrix: "Floats", fitted: Sequence[Any]) -> list["Floats"]:
    """The linear part's columns of each feature."""
    found = []
    for place, how in enumerate(fitted):
        column = matrix[:, place]
        missing = np.isnan(column)
        if isinstance(how, int):
            hot = np.zeros((len(column), how))
            rows = np.flatnonzero(~missing)
            hot[rows, column[rows].astype(np.int64)] = 1.0
            found.append(hot)
            continue
        curve = how["spline"].transform(np.where(missing, how["median"], column)[:, None])
        found.append(np.column_stack([missing.astype(np.float64), curve]))
    return found
