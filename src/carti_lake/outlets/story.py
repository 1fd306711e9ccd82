"""What is worth a meeting, in a sentence or three: what changed beyond chance, who stands apart, what still moves."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from math import sqrt
from typing import Any

import polars as pl

from carti_lake.metrics import METRICS, Metric
from carti_lake.outlets.comparison import BETTER_998, WORSE_998, compared
from carti_lake.outlets.headline import span_of
from carti_lake.outlets.numbers import written

#: Standard deviations between two shares of cases beyond which chance alone seldom takes them; of a sum, the share of
#: itself by which it must change.
BEYOND_CHANCE, WORTH_SAYING = 3.0, 0.05
#: Changes that are told, and providers that are named of those who stand apart on a metric.
MOST_CHANGES, MOST_APART = 3, 3


def short(metric: Metric) -> str:
    """The metric's title without the reasons of its adaptation."""
    name, _, aside = metric.title.partition(" (")
    return f"{name} (adapted)" if aside.startswith("adapted") else name


def story(heads: pl.DataFrame, apart: Sequence[str], moving: Collection[date]) -> list[str]:
    """The sentences, as the dashboard opens with them.

    Parameters
    ----------
    heads
        Headline numbers, of :func:`carti_lake.outlets.headline.headlines`.
    apart
        Who stands apart, of :func:`standing_apart`.
    moving
        Months of the period whose numbers will still move.
    """
    rows = heads.to_dicts()
    said = sorted((one for row in rows for one in _change(row)), key=lambda one: -one[0])[:MOST_CHANGES]
    sentences = []
    if said:
        sentences.append(f"Since the same months one period before: {'; '.join(text for _, text in said)}.")
    elif any(row["before"] for row in rows):
        sentences.append("No headline number changed more than chance would since the period before.")
    if apart:
        sentences.append(f"Outside the control limits (99.8 %) over twelve months: {'; '.join(apart)}.")
    if moving:
        months = span_of(sorted(moving))
        sentences.append(f"Provisional: {months}, in which claims are still answered or referrals still open.")
    return sentences


def changed(heads: pl.DataFrame) -> list[str]:
    """Ids of the metrics whose change the sentences tell, the farthest first."""
    far = [(one[0], row["metric"]) for row in heads.to_dicts() for one in _change(row)]
    return [name for _, name in sorted(far, key=lambda one: -one[0])[:MOST_CHANGES]]


def apart(tables: Mapping[str, pl.DataFrame], metrics: Collection[str]) -> list[dict[str, Any]]:
    """Who stands outside the outer control limits: of each metric its words, and id and name of those on each side."""
    if not {"provider_comparison", "provider_summary"} <= tables.keys():
        return []
    found = []
    for name in metrics:
        rows = compared(tables, METRICS[name])
        sides = {
            word: [list(one) for one in rows.filter(standing=standing)["provider_id", "provider_name"].rows()]
            for word, standing in (("worse", WORSE_998), ("better", BETTER_998))
        }
        if any(sides.values()):
            found.append({"metric": name, "words": METRICS[name].title.lower().partition(" (")[0], "sides": sides})
    return found


def standing_apart(tables: Mapping[str, pl.DataFrame], metrics: Collection[str]) -> list[str]:
    """The same in words, a metric each; none where it is not published."""
    return [
        f"{one['words']}: "
        + ", ".join(f"{_few([name for _, name in who])} ({word})" for word, who in one["sides"].items() if who)
        for one in apart(tables, metrics)
    ]


def _few(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    more = len(names) - MOST_APART
    return ", ".join(names[:MOST_APART]) + (f" and {more} more" if more > 0 else "")


def _change(row: Mapping[str, Any]) -> list[tuple[float, str]]:
    """How far a headline number is from the one before, 1 being worth saying, and the words; else nothing."""
    metric, now, before = METRICS[row["metric"]], row["value"], row["before"]
    # From nothing, nothing can be said in percent.
    if row["provisional"] or before is None or (metric.denominator is None and before == 0):
        return []
    share = metric.unit == "ratio"
    by = now - before if share else (now - before) / abs(before)
    far = abs(_deviations(row)) / BEYOND_CHANCE if metric.proportion else abs(by) / WORTH_SAYING
    if not far > 1:
        return []
    judged = "" if metric.good == "none" else " (better)" if (by > 0) == (metric.good == "up") else " (worse)"
    size = f"{100 * abs(by):.1f} points" if share else written(abs(by), "ratio")
    way = "rose" if by > 0 else "fell"
    return [(far, f"{short(metric).lower()} {way} by {size} to {written(now, metric.unit)}{judged}")]


def _deviations(row: Mapping[str, Any]) -> float:
    """Standard deviations between a share of cases and the one before."""
    above, below = row["numerator"], row["denominator"]
    above_before, below_before = row["before_numerator"], row["before_denominator"]
    mean = (above + above_before) / (below + below_before)
    error = sqrt(max(0.0, mean * (1 - mean) * (1 / below + 1 / below_before)))
    return (row["value"] - row["before"]) / error if error > 0 else 0.0
