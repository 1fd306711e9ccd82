"""An explained change: the numbers of two releases, and one part for each cause between them."""

from dataclasses import dataclass
from typing import Any

import polars as pl

from carti_lake.metrics import METRICS, Metric, find_metric
from carti_lake.releases.explain import read
from carti_lake.releases.explain.causes import MEANING, Cause, ExplainError
from carti_lake.releases.explain.split import (
    SUMS,
    Evidence,
    Number,
    contributions,
    member_column,
    rate_share,
    stored_sums,
)
from carti_lake.releases.release import Release
from carti_lake.store import integrity
from carti_lake.store.storage import Storage


@dataclass(frozen=True)
class Part:
    """What one cause did.

    Attributes
    ----------
    cause
        The cause.
    rows
        Number of rows whose share of the numerator or denominator it changed.
    numerator, denominator
        By how much; the denominator is None for a metric without one.
    value
        By how much it changed the metric; None where a denominator is zero in either release.
    """

    cause: Cause
    rows: int
    numerator: Number
    denominator: Number | None
    value: Number | float | None


@dataclass(frozen=True)
class Explanation:
    """The change of a metric between two releases, split into causes that sum to it exactly.

    Attributes
    ----------
    metric
        What changed.
    provider
        Id and name of the provider whose metric it is; None for the network.
    before, after
        The releases.
    numerators, denominators
        As the releases hold them, the earlier one first; a metric without a denominator has None for it.
    parts
        One for each cause, in the order of `causes.Cause`; they sum to the change.
    contributions
        The rows behind the parts, as `split.contributions` gives them; none describes a
        patient.
    """

    metric: Metric
    provider: tuple[str, str] | None
    before: Release
    after: Release
    numerators: tuple[Number, Number]
    denominators: tuple[Number, Number] | None
    parts: tuple[Part, ...]
    contributions: pl.DataFrame

    @property
    def values(self) -> tuple[Number | float | None, Number | float | None]:
        """The metric in both releases; None where its denominator is zero."""
        if self.denominators is None:
            return self.numerators
        before, after = (
            float(above) / float(below) if below else None
            for above, below in zip(self.numerators, self.denominators, strict=True)
        )
        return before, after

    def rows(self, cause: str | None = None) -> pl.DataFrame:
        """The rows behind one part, or behind all; their sums are the part's."""
        return self.contributions if cause is None else self.contributions.filter(pl.col("cause") == cause)

    def as_dict(self) -> dict[str, Any]:
        """The explanation without its rows, as plain values."""
        below = self.denominators or (None, None)
        sides = {
            name: {
                "release": release.number,
                "data_as_of": release.data_as_of,
                "numerator": self.numerators[place],
                "denominator": below[place],
                "value": self.values[place],
            }
            for place, (name, release) in enumerate((("from", self.before), ("to", self.after)))
        }
        return {
            "metric": self.metric.id,
            "title": self.metric.title,
            "unit": self.metric.unit,
            "provider": None if self.provider is None else dict(zip(("id", "name"), self.provider, strict=True)),
            **sides,
            "parts": [
                {
                    "cause": part.cause,
                    "meaning": MEANING[part.cause],
                    "rows": part.rows,
                    "numerator": part.numerator,
                    "denominator": part.denominator,
                    "value": part.value,
                }
                for part in self.parts
            ],
        }


def explain(storage: Storage, metric: str, before: Release, after: Release, provider: str | None = None) -> Explanation:
    """Split the change of a metric between two releases into causes.

    Parameters
    ----------
    storage
        The lake.
    metric
        Id of a metric of the registry.
    before, after
        The earlier and the later release.
    provider
        Id or name; None for the network.

    Raises
    ------
    UnknownMetricError
        With the ids that come closest.
    ExplainError
        Where the releases stand in the other order, the provider is unknown, or the metric does not add over rows.
    """
    chosen = _additive(find_metric(metric))
    if before.number > after.number:
        raise ExplainError(
            f"Release {before.number} is later than release {after.number}: explain from the earlier to the later one."
        )
    if provider is not None and not read.by_provider(chosen.mart):
        raise ExplainError(f"{metric} is not known by provider: {chosen.mart.full_name()} names none.")
    who = None if provider is None else read.provider(storage, provider, before, after)
    with integrity.explained(storage):
        found = read.evidence(storage, [chosen], before, after)
    return split(found, chosen, before, after, who)


def split(
    evidence: Evidence, metric: Metric, before: Release, after: Release, provider: tuple[str, str] | None = None
) -> Explanation:
    """The explanation of a metric of the network, or of one provider, that the evidence gives."""
    whose: Any = True if provider is None else pl.col(member_column(evidence.table)) == provider[0]
    rows = contributions(evidence, metric).filter(whose)
    (old_above, old_below), (new_above, new_below) = (
        frame.filter(whose).select(**stored_sums(metric)).row(0) for frame in (evidence.before, evidence.after)
    )
    changed = new_above - old_above, new_below - old_below
    changes = {name: (count, above, below) for name, count, above, below in _totals(rows).iter_rows()}
    _refuse_a_remainder(metric, changes, changed)
    ratio = metric.denominator is not None
    nothing, parts = (0, changed[0] * 0, changed[1] * 0), []
    for cause in Cause:
        count, above, below = changes.get(cause, nothing)
        share = rate_share(above, below, (old_above, new_above), (old_below, new_below)) if ratio else above
        parts.append(Part(cause, count, above, below if ratio else None, share))
    return Explanation(
        metric,
        provider,
        before,
        after,
        (old_above, new_above),
        (old_below, new_below) if ratio else None,
        tuple(parts),
        rows,
    )


def _totals(rows: pl.DataFrame) -> pl.DataFrame:
    return rows.group_by("cause").agg(pl.struct("table_name", "key").n_unique(), *(pl.col(name).sum() for name in SUMS))


def _refuse_a_remainder(
    metric: Metric, changes: dict[str, tuple[int, Number, Number]], change: tuple[Number, Number]
) -> None:
    explained = tuple(sum(part[place] for part in changes.values()) for place in (1, 2))
    if explained != change:
        raise ExplainError(
            f"{metric.id} cannot be split into causes: rows explain {explained[0]} / {explained[1]} of a change of "
            f"{change[0]} / {change[1]}. {metric.mart.full_name()} does not add over rows of silver, or is not what "
            f"the release's silver gives (`carti-lake verify`, then `carti-lake run --full`)."
        )


def _additive(metric: Metric) -> Metric:
    """The metric, if it is a sum over rows."""
    if metric.missing is not None:
        raise ExplainError(f"{metric.id} has no value to explain: {metric.missing}.")
    if metric.window is not None:
        raise ExplainError(
            f"{metric.id} takes in other months than its own, so that no row belongs to one value of it. Explain its "
            f"parts: {', '.join(name for name in metric.summed() if name in METRICS) or 'none is a metric by itself'}."
        )
    fixed = [name for name in metric.summed() if not adds(metric, name)]
    if fixed:
        raise ExplainError(
            f"{metric.id} cannot be split into causes: {', '.join(fixed)} counts distinct things, or is a rate, "
            f"and so does not add over rows."
        )
    return metric


def adds(metric: Metric, column: str) -> bool:
    """Whether the column of the metric's mart is a sum over rows."""
    return not metric.mart.meta(column).get("distinct") and metric.mart.dtypes()[column] != pl.Float64
