"""Why headline numbers changed since the release that an outlet's readers had before, cause by cause."""

from collections.abc import Collection, Iterable, Sequence
from typing import TYPE_CHECKING

from carti_lake.access.publications import NOTHING
from carti_lake.disclosure import Publication
from carti_lake.metrics import METRICS
from carti_lake.metrics.value import undelivered
from carti_lake.outlets.headline import headlines, over, usual_period
from carti_lake.outlets.numbers import written
from carti_lake.outlets.story import changed, short
from carti_lake.outlets.waterfall import change_text, number_text
from carti_lake.releases.explain import ExplainError, Explanation, explain
from carti_lake.releases.release import Release, releases

if TYPE_CHECKING:
    from carti_lake.releases.release import When
    from carti_lake.releases.view import View

#: The headline numbers whose change is split into causes.
EXPLAINED = ("visits", "gross_charges", "payments", "remittance_denial_rate", "leakage_rate")
#: Causes that a sentence names of each number.
MOST_CAUSES = 3


def compared_with(view: "View", after: "When | None") -> Release | None:
    """The release that the readers of an outlet of the view had before; None where there is none.

    Parameters
    ----------
    view
        The release.
    after
        The release before, :data:`NOTHING` for none, or None for the one of :func:`earlier`.
    """
    if after == NOTHING:
        return None
    return earlier(releases(view.storage), view.release) if after is None else view.at(after).release


def earlier(known: Iterable[Release], release: Release) -> Release | None:
    """The newest locked one of those before the release that are kept, else the newest; None where none is kept."""
    kept = [one for one in known if not one.expired and one.number < release.number]
    return next(reversed([one for one in kept if one.locks] or kept), None)


def explained(view: "View", had: Collection[str], before: Release | None, names: Iterable[str]) -> list[Explanation]:
    """Why those of the numbers that are explained changed; none where no earlier release can be compared.

    Parameters
    ----------
    view
        The release.
    had
        What its sources delivered, as :func:`carti_lake.releases.measure.delivered` finds it.
    before
        The release that the readers had before, of :func:`compared_with`.
    names
        Ids of metrics.
    """
    told = [name for name in names if name in EXPLAINED and undelivered(METRICS[name], had) is None]
    return [explain(view.storage, name, before, view.release) for name in told] if before else []


def in_brief(
    view: "View", published: Publication, had: Collection[str], before: Release | None, names: Iterable[str]
) -> str | None:
    """Why those of the headline numbers changed of which the first sentence tells; None where nothing is said.

    For the other parameters see :func:`explained`.
    """
    data_as_of = view.release.data_as_of
    period = usual_period(over(published, data_as_of))
    heads = headlines(published, data_as_of, period, (METRICS[name] for name in names))
    try:
        return in_words(explained(view, had, before, changed(heads)))
    except ExplainError:
        # Files of the release before are gone: the page says what changed all the same.
        return None


def in_words(why: Sequence[Explanation]) -> str | None:
    """The changes in a sentence: each number then and now, with its largest causes; None where nothing is said."""
    said = []
    for one in why:
        before, after = one.values
        parts = [part for part in one.parts if part.rows and part.value]
        if before is None or after is None or not parts:
            continue
        unit = one.metric.unit
        largest = sorted(parts, key=lambda part: -abs(float(part.value or 0)))[:MOST_CAUSES]
        causes = ", ".join(f"{part.cause.label.lower()} {_moved(part.value, unit)}" for part in largest)
        said.append(f"{short(one.metric).lower()} {_level(before, unit)} to {_level(after, unit)} ({causes})")
    if not said:
        return None
    return f"Why, over all months, since {why[0].before.caption}: {'; '.join(said)}."


def _level(value: object, unit: str) -> str:
    """A sum as the tiles write it; a rate to the hundredth, since its causes are hundredths."""
    return number_text(value, unit).replace("%", " %") if unit == "ratio" else written(float(str(value)), unit)


def _moved(value: object, unit: str) -> str:
    """What a cause did, as precisely as that, with its sign."""
    if unit == "ratio":
        return change_text(value, unit).replace("-", "\N{MINUS SIGN}").replace("pp", "pts")
    number = float(str(value))
    return f"{'+' * (number > 0)}{written(number, unit)}"
