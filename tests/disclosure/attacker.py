"""An attacker who has every published table: what do they leave open of each count?

All events of a kind are unknowns, one for every combination of provider, month, service line, … and class of event.
Every number that is shown, and every rate, is an equation. The attacker solves for the least and the greatest value
that a count can have, in whole numbers that are not negative, and knows it where the two are equal.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
from scipy.optimize import Bounds, LinearConstraint, milp

from carti_lake.disclosure import Publication
from carti_lake.metrics import METRICS
from carti_lake.tables.gold.events import OTHERS

TABLES = {
    "provider_id": "provider_summary",
    "month": "network_by_month",
    "service_line": "network_by_service_line",
    "payer": "network_by_payer",
}
NETWORK = "network"
#: Fitting networks that are tried before the least and the greatest count are solved for.
GUESSES = 8
FEW = 4


@dataclass(frozen=True)
class Kind:
    """A kind of event.

    Attributes
    ----------
    members
        What divides the events, and its values: the axes, and further roles.
    columns
        The classes of event that each published column counts.
    alone
        Columns that are not hidden for another one's sake: blank means at least one, since zero is shown.
    roles
        Columns that the axis of providers counts by another role than the referring or rendering provider's own.
    """

    members: Mapping[str, tuple[Any, ...]]
    columns: Mapping[str, frozenset[str]]
    alone: frozenset[str]
    roles: Mapping[str, str] = field(default_factory=dict)

    @property
    def classes(self) -> tuple[str, ...]:
        return tuple(sorted(frozenset().union(*self.columns.values())))

    @property
    def shape(self) -> tuple[int, ...]:
        return (*(len(values) for values in self.members.values()), len(self.classes))

    def division(self, axis: str, column: str) -> str:
        return self.roles.get(column, axis) if axis == "provider_id" else axis


@dataclass(frozen=True)
class Target:
    """A count that the attacker is after: events of some classes, in some members of a division; all where none."""

    division: str
    chosen: tuple[Any, ...]
    classes: frozenset[str]

    def within(self, kind: Kind) -> np.ndarray:
        """Which unknowns it adds up."""
        inside = np.zeros(kind.shape)
        index: list[Any] = [slice(None)] * len(kind.shape)
        if self.division != NETWORK:
            values = kind.members[self.division]
            index[list(kind.members).index(self.division)] = [values.index(one) for one in self.chosen]
        inside[tuple(index)] = 1
        return (inside * [name in self.classes for name in kind.classes]).ravel()


class Attacker:
    """Who has one publication, and sets up what it says of a kind of event.

    ``guesses`` that every blank count is from 1 to 10, if asked: that is not sure, but it may turn out to be possible.
    """

    def __init__(self, kind: Kind, published: Publication, *, guesses: bool = False) -> None:
        self.kind, self.published = kind, published
        rows, low, high = [], [], []
        for target, value, alone in self._counts():
            rows.append(target.within(kind))
            low.append(float(alone) if value is None else value)
            high.append(value if value is not None else 10 if alone and guesses else np.inf)
        for row in self._rates():
            rows.append(row)
            low.append(-1e-6)
            high.append(1e-6)
        self.equations = LinearConstraint(np.array(rows), low, high)
        draws = np.random.default_rng(0).normal(size=(GUESSES, np.prod(kind.shape)))
        #: Networks that would have given the same publication; none where the guess is wrong.
        self.fitting = [one for one in map(self._extreme, draws) if one is not None]

    def knows(self, target: Target) -> int | None:
        """The count, where every network that fits the publication has the same one."""
        objective = target.within(self.kind)
        if len({round(float(one @ objective)) for one in self.fitting}) != 1:
            return None
        ends = {round(float(self._extreme(sign * objective) @ objective)) for sign in (1, -1)}
        return ends.pop() if len(ends) == 1 else None

    def _extreme(self, objective: np.ndarray) -> np.ndarray | None:
        found = milp(
            objective,
            constraints=self.equations,
            integrality=np.ones(objective.size),
            bounds=Bounds(0, 10_000),
        )
        return np.round(found.x) if found.success else None

    def _tables(self) -> Iterator[tuple[str, pl.DataFrame]]:
        yield NETWORK, self.published.network
        for axis in self.kind.members.keys() & TABLES.keys():
            table = self.published.tables[TABLES[axis]]
            yield axis, table.rename({"total_visits": "visits"}) if "total_visits" in table.columns else table

    def _counts(self) -> Iterator[tuple[Target, int | None, bool]]:
        for axis, table in self._tables():
            for column, classes in self.kind.columns.items():
                if column in table.columns:
                    division = self.kind.division(axis, column)
                    for member, value in table.select(axis, column).iter_rows():
                        chosen = self._members(axis, table, member)
                        # Several together are blank where another one is hidden too, be they zero or not.
                        alone = column in self.kind.alone and member != OTHERS
                        yield Target(division, chosen, classes), value, alone

    def _members(self, axis: str, table: pl.DataFrame, member: Any) -> tuple[Any, ...]:
        """Whom a row is about: those that have none of their own are told of together."""
        if member != OTHERS:
            return (member,)
        listed = set(table[axis].to_list())
        return tuple(one for one in self.kind.members[axis] if one not in listed)

    def _rates(self) -> Iterator[np.ndarray]:
        for axis, table in self._tables():
            for name in sorted(set(table.columns) & set(METRICS)):
                above, below = METRICS[name].numerator, METRICS[name].denominator
                if below is None or not {*above.inputs(), *below.inputs()} <= self.kind.columns.keys():
                    continue
                for member, rate in table.select(axis, name).drop_nulls(name).iter_rows():
                    chosen = self._members(axis, table, member)
                    sums = [
                        sum(
                            Target(self.kind.division(axis, one), chosen, self.kind.columns[one]).within(self.kind)
                            for one in part.columns
                        )
                        for part in (above, below)
                    ]
                    yield sums[0] - rate * sums[1]


def targets(kind: Kind) -> list[Target]:
    """Every column, class of event, and remainder of a column, for the network and every group of an axis's members.

    Of an axis with more than :data:`FEW` members: for each member, and no groups.
    """
    columns = set(kind.columns.values())
    remainders = {one - other for one in columns for other in columns if other < one}
    wanted = sorted(columns | remainders | {frozenset({one}) for one in kind.classes}, key=sorted)
    groups = [(NETWORK, ())] + [
        (division, chosen)
        for division, values in kind.members.items()
        for size in (range(1, len(values)) if len(values) <= FEW else (1,))
        for chosen in combinations(values, size)
    ]
    return [Target(division, chosen, classes) for division, chosen in groups for classes in wanted]


def value(target: Target, kind: Kind, truth: np.ndarray) -> int:
    """The count as it is."""
    return round(float(target.within(kind) @ truth.ravel()))


def recovered(attacker: Attacker, truth: np.ndarray) -> list[tuple[Target, int]]:
    """Counts from 1 to 10 that the attacker knows."""
    true = [(target, value(target, attacker.kind, truth)) for target in targets(attacker.kind)]
    return [(target, count) for target, count in true if 1 <= count <= 10 and attacker.knows(target) == count]


def moved(earlier: Attacker, later: Attacker, truths: tuple[np.ndarray, np.ndarray]) -> list[tuple[Target, int]]:
    """Changes by 1 to 10 that the attacker knows, since both publications pin the count down.

    Groups that hold a smaller one that is pinned down are left out: where +11 and -15 are known, so is -4, which is
    nobody's number.
    """
    kind = later.kind
    single = {*kind.columns.values(), *(frozenset({one}) for one in kind.classes)}
    changes = [(one, value(one, kind, truths[1]) - value(one, kind, truths[0])) for one in targets(kind)]

    def known(target: Target) -> bool:
        return earlier.knows(target) is not None and later.knows(target) is not None

    def holds_a_known_one(target: Target) -> bool:
        smaller = (part for size in range(1, len(target.chosen)) for part in combinations(target.chosen, size))
        return any(known(Target(target.division, part, target.classes)) for part in smaller)

    return [
        (target, change)
        for target, change in changes
        if target.classes in single and 1 <= abs(change) <= 10 and known(target) and not holds_a_known_one(target)
    ]


class Informed:
    """Who has two publications, and was told which members of which axis have not changed in between."""

    def __init__(self, attackers: tuple[Attacker, Attacker], truths: tuple[np.ndarray, np.ndarray]) -> None:
        self.attackers, self.truths = attackers, truths
        self.kind = attackers[0].kind
        size = int(np.prod(self.kind.shape))
        rows, low, high = [], [], []
        for place, attacker in enumerate(attackers):
            of_one = np.atleast_2d(attacker.equations.A)
            rows += [np.hstack([one, np.zeros(size)][:: 1 if place == 0 else -1]) for one in of_one]
            low += list(attacker.equations.lb)
            high += list(attacker.equations.ub)
        for axis, members in self.kind.members.items():
            for member in members if axis in TABLES else ():
                cells = [Target(axis, (member,), frozenset({one})) for one in self.kind.classes]
                if all(value(cell, self.kind, truths[0]) == value(cell, self.kind, truths[1]) for cell in cells):
                    rows += [np.hstack([cell.within(self.kind), -cell.within(self.kind)]) for cell in cells]
                    low += [0.0] * len(cells)
                    high += [0.0] * len(cells)
        self.equations = LinearConstraint(np.array(rows), low, high)

    def recovered(self) -> list[tuple[Target, int]]:
        """Counts from 1 to 10 of either publication that they know."""
        return [
            (target, count)
            for place, truth in enumerate(self.truths)
            for target in targets(self.kind)
            if 1 <= (count := value(target, self.kind, truth)) <= 10 and self._knows(target, place) == count
        ]

    def _knows(self, target: Target, place: int) -> int | None:
        within = target.within(self.kind)
        objective = np.hstack([within, np.zeros(within.size)][:: 1 if place == 0 else -1])
        ends = set()
        for sign in (1, -1):
            found = milp(
                sign * objective,
                constraints=self.equations,
                integrality=np.ones(objective.size),
                bounds=Bounds(0, 10_000),
            )
            assert found.success, "what is published is not true"
            ends.add(round(float(np.round(found.x) @ objective)))
        return ends.pop() if len(ends) == 1 else None
