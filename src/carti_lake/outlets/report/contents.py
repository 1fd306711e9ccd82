"""What a board pack says: the first sentence, headline numbers, why they moved, and what a reader must know."""

from collections.abc import Collection, Sequence
from typing import Any

from carti_lake.metrics import METRICS, Metric
from carti_lake.metrics.formula import in_words
from carti_lake.metrics.value import undelivered
from carti_lake.outlets.charts.shown import Shown
from carti_lake.outlets.dashboard.cubes import KPIS, RANKED
from carti_lake.outlets.headline import between, headlines, moving, over, span_of, usual_period
from carti_lake.outlets.kpis import Kpi, kpis
from carti_lake.outlets.numbers import written
from carti_lake.outlets.story import short, standing_apart, story
from carti_lake.outlets.waterfall import change_text, number_text
from carti_lake.releases.explain import MEANING, Explanation

#: Changes smaller than this, which are written as zero, are called none; as in the other outlets.
SAME = 0.0005
READING = (
    "A headline number, its change and the number before speak of the same months: those that will not move any more, "
    "of the newest year (half-year, quarter, month) that is over. Months that still move stand apart.",
    "Rates are sum over sum, never a mean of rates.",
)
FIRST = "No earlier release can be compared: this is the first, or the files of those before it are gone."
NOT_PUBLIC = (
    "Why numbers changed is told row by row, and so in packs for the inside alone; the sentence on the cover and the "
    "headline numbers say what changed."
)


def contents(
    release: Shown, delivered: Collection[str], explained: Sequence[Explanation], caption: str
) -> dict[str, Any]:
    """The texts and numbers of a pack, as its template takes them; a function of the release alone.

    Parameters
    ----------
    release
        As it may be shown.
    delivered
        What the release's sources delivered, as :func:`carti_lake.releases.measure.delivered` finds it.
    explained
        Why headline numbers changed since an earlier release; none where that may not be told, or nothing is earlier.
    caption
        Line of the release, without for whom it is.
    """
    published, as_of = release.published, release.data_as_of
    months = over(published, as_of)
    period = usual_period(months)
    told = [METRICS[name] for name in KPIS if undelivered(METRICS[name], delivered) is None]
    heads = headlines(published, as_of, period, told)
    open_ = moving(published, as_of, between(*period) if period else [], told)
    whole = {one.metric.id: one for one in kpis(published, delivered) if one.metric.id in KPIS}
    rows = {row["metric"]: row for row in heads.iter_rows(named=True)}
    apart = standing_apart(published.tables, RANKED)
    return {
        "caption": caption,
        "period": span_of(between(*period)) if period else None,
        "audience": "For the inside: not for the public" if release.in_full else "For the public",
        "story": story(heads, apart, {month for some in open_.values() for month in some}),
        "tiles": [_tile(rows.get(name), whole[name]) for name in KPIS],
        "changed": _changed(explained),
        "unexplained": FIRST if release.in_full else NOT_PUBLIC,
        "notes": [*READING, *published.notes],
        "definitions": [_defined(METRICS[name]) for name in dict.fromkeys((*KPIS, *RANKED))],
    }


def _tile(row: dict[str, Any] | None, whole: Kpi) -> dict[str, str | None]:
    """A headline number in words; over all months where there is none of the period, else why there is none."""
    metric = whole.metric
    tile: dict[str, str | None] = {"name": short(metric), "verdict": None, "change": None, "apart": None}
    tile["target"] = metric.aim and f"good: {metric.aim}"
    if row is None:
        months = whole.reason or "all months; no period to compare"
        return tile | {"number": written(whole.value, metric.unit), "months": months}
    months = f"{span_of(row['months'])}{': still moves, not compared' if row['provisional'] else ''}"
    if row["moving_value"] is not None:
        tile["apart"] = f"{span_of(row['moving'])}: {written(row['moving_value'], metric.unit)}, still moves"
    tile |= {"number": written(row["value"], metric.unit), "months": months}
    by = row["change"] if metric.unit == "ratio" else row["relative"]
    if by is None and row["before"] is not None:
        # From nothing, nothing can be said in percent.
        return tile | {"change": f"{written(row['before'], metric.unit)} before"}
    if by is None:
        return tile if row["provisional"] else tile | {"change": "no earlier period to compare"}
    size = f"{100 * abs(by):.1f} pts" if metric.unit == "ratio" else written(abs(by), "ratio")
    same = abs(by) < SAME
    verdict = None if same or metric.good == "none" else "better" if (by > 0) == (metric.good == "up") else "worse"
    change = " ".join(one for one in ("=" if same else "+" if by > 0 else "\N{MINUS SIGN}", size, verdict) if one)
    return tile | {"verdict": verdict, "change": f"{change}; {written(row['before'], metric.unit)} before"}


def _changed(explained: Sequence[Explanation]) -> dict[str, Any] | None:
    """A column a metric: its value in the earlier release, what each cause added, its value in this one."""
    if not explained:
        return None
    causes = [
        [part.cause for part in parts if part.rows] for parts in zip(*(one.parts for one in explained), strict=True)
    ]
    places = [place for place, some in enumerate(causes) if some]
    units = [one.metric.unit for one in explained]
    before, after = ([number_text(one.values[side], one.metric.unit) for one in explained] for side in (0, 1))
    return {
        "from": explained[0].before.caption,
        "metrics": [short(one.metric) for one in explained],
        "before": [f"Release {explained[0].before.number}", *before],
        "causes": [
            [
                causes[place][0].label,
                *(
                    change_text(one.parts[place].value, unit) if one.parts[place].rows else ""
                    for one, unit in zip(explained, units, strict=True)
                ),
            ]
            for place in places
        ],
        "after": [f"Release {explained[0].after.number}", *after],
        "meaning": [f"{causes[place][0].label}: {MEANING[causes[place][0]]}." for place in places],
    }


def _defined(metric: Metric) -> dict[str, str]:
    return {
        "title": metric.title,
        "definition": metric.meaning,
        "formula": in_words(metric),
        "source": metric.source,
    }
