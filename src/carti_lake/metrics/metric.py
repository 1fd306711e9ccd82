"""What a metric is: a sum, or a ratio of sums, with its definition's source; the same at every grain."""

from dataclasses import dataclass

import polars as pl

from carti_lake.tables.gold import Gold


@dataclass(frozen=True)
class Sum:
    """Sum of columns of a mart (or of a roll-up of it), with their signs."""

    columns: tuple[str, ...]
    minus: tuple[str, ...] = ()

    @classmethod
    def of(cls, *columns: str, minus: tuple[str, ...] = ()) -> "Sum":
        """Sum of these columns, less those of ``minus``."""
        return cls(columns, minus)

    def inputs(self) -> tuple[str, ...]:
        """Every column that it reads."""
        return (*self.columns, *self.minus)

    def expression(self) -> pl.Expr:
        """The sum at any grain, as an aggregation."""
        total = pl.sum_horizontal(pl.col(name).sum() for name in self.columns)
        return total - pl.sum_horizontal(pl.col(name).sum() for name in self.minus) if self.minus else total


@dataclass(frozen=True)
class Metric:
    """A sum, or a ratio of sums.

    Attributes
    ----------
    id
        Name of the metric, and of its column where a mart holds it.
    title
        Label for people; ``adapted`` stands in it where our data cannot meet the whole definition.
    mart
        Gold table that holds the summed columns.
    numerator, denominator
        Sums whose ratio it is at every grain; never a mean of rates. A denominator of zero gives null. Without a
        denominator the metric is the numerator.
    unit
        ``ratio``, ``USD``, ``days``, ``points`` or ``count``.
    good
        ``up``, ``down``, or ``none`` where neither direction is good by itself.
    source
        Where the definition comes from.
    proportion
        Whether the numerator counts some of the cases that the denominator counts, so that a binomial interval holds.
    """

    id: str
    title: str
    mart: type[Gold]
    numerator: Sum
    denominator: Sum | None
    source: str
    unit: str = "ratio"
    good: str = "up"
    proportion: bool = False

    def expression(self) -> pl.Expr:
        """The metric at any grain, as an aggregation: a ratio as Float64, a sum in its columns' type."""
        if self.denominator is None:
            return self.numerator.expression().alias(self.id)
        below = self.denominator.expression().cast(pl.Float64)
        return pl.when(below != 0).then(self.numerator.expression().cast(pl.Float64) / below).alias(self.id)
