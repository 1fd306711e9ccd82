"""What a metric is: a sum, or a ratio of sums, with its definition's source; the same at every grain."""

from collections.abc import Iterator
from dataclasses import dataclass

import polars as pl

from carti_lake.tables.gold import GOLD, Gold

#: Number format of a unit, as Excel and Power BI both read it.
FORMATS = {"USD": "$#,##0.00", "ratio": "0.0%", "count": "#,##0", "days": "0.0", "points": "0.0", "years": "0"}


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

    def expression(self, where: pl.Expr | None = None) -> pl.Expr:
        """The sum at any grain, as an aggregation; over the rows of ``among`` alone, where given."""
        if not self.columns:
            return pl.lit(None, pl.Float64)
        sums = {name: (pl.col(name) if where is None else pl.col(name).filter(where)).sum() for name in self.inputs()}
        total = pl.sum_horizontal(sums[name] for name in self.columns)
        return total - pl.sum_horizontal(sums[name] for name in self.minus) if self.minus else total


@dataclass(frozen=True)
class Window:
    """Months that a metric of reporting months takes in.

    Attributes
    ----------
    numerator, denominator
        Nearest and farthest month that the sum takes in, counted back from the reporting month (0). The denominator
        is brought to as many months as the numerator: a month over three months is the month over their mean.
    month
        Column of the mart that names the month which a row counts in.
    """

    numerator: tuple[int, int] = (0, 0)
    denominator: tuple[int, int] = (0, 0)
    month: str = "month"


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
    source
        Where the definition comes from.
    unit
        ``ratio``, ``USD``, ``days``, ``points`` or ``count``.
    good
        ``up``, ``down``, or ``none`` where neither direction is good by itself.
    proportion
        Whether the numerator counts some of the cases that the denominator counts, so that a binomial interval holds.
    definition
        What it measures and what it leaves out, in words.
    counted_by
        Columns whose sum is the number of cases, where neither denominator nor numerator is a count of them.
    window
        Months that a reporting month's sums take in; None where any rows may be summed.
    missing
        Why no feed can deliver it, in plain words; it is then null everywhere, and has no columns.
    target
        From where on (up to where, where less is better) its source calls it good; None where it says nothing.
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
    definition: str = ""
    counted_by: tuple[str, ...] = ()
    window: Window | None = None
    missing: str | None = None
    target: float | None = None

    @property
    def aim(self) -> str | None:
        """The target in words: ``at least 95 %``."""
        if self.target is None:
            return None
        size = f"{100 * self.target:g} %" if self.unit == "ratio" else f"{self.target:g}"
        return f"{'at most' if self.good == 'down' else 'at least'} {size}"

    @property
    def meaning(self) -> str:
        """The definition, and what is good."""
        return f"{self.definition} Good: {self.aim}." if self.aim else self.definition

    @property
    def cases(self) -> tuple[str, ...]:
        """Columns of the mart whose sum is n; none where no column counts the cases."""
        if self.counted_by:
            return self.counted_by
        whole = self.denominator or self.numerator
        counts = all(self.mart.meta(name).get("unit") == "count" for name in whole.columns)
        return whole.columns if counts and not whole.minus else ()

    @property
    def number_format(self) -> str:
        """How Excel and Power BI show it."""
        return FORMATS[self.unit]

    def summed(self) -> tuple[str, ...]:
        """Columns of the mart that numerator and denominator sum."""
        below = self.denominator.inputs() if self.denominator else ()
        return tuple(dict.fromkeys((*self.numerator.inputs(), *below)))

    def inputs(self) -> tuple[str, ...]:
        """Every column of the mart that it reads: those, and the counts of its cases."""
        return tuple(dict.fromkeys((*self.summed(), *self.cases)))

    def additive_over(self) -> tuple[str, ...]:
        """Columns of the mart's key over which its sums may be taken; none where a column counts distinct things."""
        distinct = any(self.mart.meta(name).get("distinct") for name in self.inputs())
        return () if distinct else tuple(self.mart.key())

    def sources(self) -> tuple[str, ...]:
        """Silver columns that it is made from: ``visits.claim_amount``, or a bare table whose rows are counted."""
        return tuple(dict.fromkeys(source for name in self.inputs() for source in silver_sources(self.mart, name)))

    def terms(self) -> dict[str, pl.Expr]:
        """``numerator``, ``denominator`` and ``n`` at any grain, as aggregations over the rows that hold them all.

        Each is null where the metric has no such part, and the sums also where no row holds all of their columns.
        """
        sums = {"numerator": self.numerator, "denominator": self.denominator or Sum.of(), "n": Sum.of(*self.cases)}
        columns = self.mart.columns()
        gaps = [pl.col(name).is_not_null() for name in self.summed() if columns[name].nullable]
        if not gaps:
            return {name: part.expression().alias(name) for name, part in sums.items()}
        whole = pl.all_horizontal(gaps)
        return {name: pl.when(whole.any()).then(part.expression(whole)).alias(name) for name, part in sums.items()}

    def expression(self) -> pl.Expr:
        """The metric at any grain, as an aggregation: a ratio as Float64, a sum in its columns' type."""
        terms = self.terms()
        if self.denominator is None:
            return terms["numerator"].alias(self.id)
        below = terms["denominator"].cast(pl.Float64)
        return pl.when(below != 0).then(terms["numerator"].cast(pl.Float64) / below).alias(self.id)


def silver_sources(table: type[Gold], column: str) -> Iterator[str]:
    """Silver columns behind a column of a mart, through the marts between them."""
    for source in table.meta(column).get("of", ()):
        name, _, inner = source.partition(".")
        if name in GOLD:
            yield from silver_sources(GOLD[name], inner)
        else:
            yield source
