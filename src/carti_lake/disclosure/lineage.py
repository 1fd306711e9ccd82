"""What a column of a mart tells of, read off what it says that it is made from; what says nothing tells of people."""

from collections.abc import Iterator
from functools import cache

from carti_lake.metrics import METRICS
from carti_lake.tables.gold import GOLD, Gold
from carti_lake.tables.gold.events import AXES, OF_BUSINESS

#: What a column is made from that does not say so.
UNSAID = "unsaid"
_AXES = frozenset(axis.key for axis in AXES)


@cache
def of_people(table: type[Gold], column: str) -> bool:
    """Whether any of it is made from rows about people, or from nobody knows what: then it may tell of few of them."""
    return any(source.partition(".")[0] not in OF_BUSINESS for source in _sources(table, column))


@cache
def may_leave(table: type[Gold]) -> bool:
    """Whether the rows of a mart may be published, with what tells of people blank.

    They may where an axis tells them apart, or what is not about people, and something else of them is not either.
    """
    of_key = {name for name in table.key() if of_people(table, name)}
    others = [name for name in table.columns() if name not in table.key()]
    return len(of_key) <= 1 and of_key <= _AXES and not all(of_people(table, name) for name in others)


def _sources(table: type[Gold], column: str) -> Iterator[str]:
    """Silver columns behind a column, through marts and metrics, or :data:`UNSAID`."""
    if column not in table.columns():
        yield UNSAID
        return
    metric = METRICS.get(column)
    if metric is not None and metric.denominator is not None:
        for name in metric.inputs():
            yield from _sources(metric.mart, name)
        return
    for source in table.meta(column).get("of") or (UNSAID,):
        name, _, inner = source.partition(".")
        if name in GOLD:
            yield from _sources(GOLD[name], inner)
        else:
            yield source
