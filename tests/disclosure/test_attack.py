"""Whoever has all tables of three consecutive publications, and solves for the counts, recovers none from 1 to 10."""

from collections.abc import Sequence
from itertools import combinations
from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.disclosure import Publication, in_full, publication
from carti_lake.metrics import METRICS
from tests.worlds.events import APPOINTMENTS, KINDS, PROVIDERS, VISITS, release

from .attacker import Attacker, Informed, Kind, moved, recovered

#: Few of a kind, about eleven, and many; and how a release later changes them.
COUNTS = (0, 0, 0, 1, 1, 2, 5, 9, 10, 11, 12, 30, 100)
CHANGES = (0, 0, 0, 0, 0, 0, 0, 0, 1, -1, 3, 10, 11, -15)


def events(kind: Kind, **cells: int) -> np.ndarray:
    """A network with so many events of a class for providers: ``P1_missed=5``; all in January, of the first members."""
    truth = np.zeros(kind.shape, dtype=np.int64)
    for name, count in cells.items():
        provider, _, of = name.partition("_")
        truth[(PROVIDERS.index(provider), *[0] * (truth.ndim - 2), kind.classes.index(of.replace("_", " ")))] = count
    return truth


def made_public(kind: Kind, truths: Sequence[np.ndarray]) -> list[Publication]:
    """Releases that are published one after the other, each compared with what was made public before."""
    shown: list[Publication] = []
    for truth in truths:
        shown.append(publication(release(kind, truth), [one.told for one in shown if one.told is not None]))
    return shown


def found(kind: Kind, *truths: np.ndarray, informed: bool = False) -> list[Any]:
    """What the attacker gets out of consecutive publications; ``informed`` of what rests in between, too."""
    shown = made_public(kind, truths)
    attackers = [Attacker(kind, one) for one in shown]
    assert all(one.fitting for one in attackers), "what is published is not true"
    bold = [Attacker(kind, one, guesses=True) for one in shown]
    attacks = [*zip(attackers, truths, strict=True), *zip(bold, truths, strict=True)]
    counts = [count for attacker, truth in attacks for count in recovered(attacker, truth)]
    pairs = list(combinations(zip(attackers, truths, strict=True), 2))
    moves = [one for (a, first), (b, second) in pairs for one in moved(a, b, (first, second))]
    carried = [
        one for (a, first), (b, second) in pairs if informed for one in Informed((a, b), (first, second)).recovered()
    ]
    return [*counts, *moves, *carried]


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=4)
@given(data=st.data())
def test_no_count_from_1_to_10_is_recovered_from_three_publications(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    assert found(kind, *consecutive(kind, data)) == []


def consecutive(kind: Kind, data: st.DataObject) -> list[np.ndarray]:
    """The events of three releases; few cells change from one to the next."""
    size = int(np.prod(kind.shape))
    truths = [np.array(data.draw(st.lists(st.sampled_from(COUNTS), min_size=size, max_size=size))).reshape(kind.shape)]
    for _ in range(2):
        changes = data.draw(st.lists(st.sampled_from(CHANGES), min_size=size, max_size=size))
        truths.append(np.maximum(truths[-1] + np.array(changes).reshape(kind.shape), 0))
    return truths


@pytest.mark.slow
@settings(max_examples=4)
@given(data=st.data())
def test_who_is_told_what_has_not_changed_recovers_nothing_either(data: st.DataObject) -> None:
    truths = consecutive(APPOINTMENTS, data)
    assert found(APPOINTMENTS, *truths, informed=True) == []


STEPS = {
    "small steps that add up": (0, 5, 5),
    "a small step, and rest": (5, 0),
    "a large step, and most of it back": (20, -15),
    "small steps to and fro": (5, -5),
    "large steps": (20, 20),
    "a small one gone": (-40, 0),
}


@pytest.mark.parametrize("steps", STEPS.values(), ids=STEPS)
@pytest.mark.parametrize("other", [0, 30], ids=["others rest", "another grows"])
def test_steps_give_nothing_away_however_they_come(steps: tuple[int, ...], other: int) -> None:
    cells = {"P1_kept": 40, "P1_missed": 20, "P2_kept": 50, "P2_missed": 30, "P3_kept": 60, "P3_missed": 40}
    truths = [events(APPOINTMENTS, **cells)]
    for place, step in enumerate(steps, start=1):
        cells |= {"P1_kept": cells["P1_kept"] + step, "P2_kept": 50 + place * other}
        truths.append(events(APPOINTMENTS, **cells))
    assert found(APPOINTMENTS, *truths, informed=True) == []


def test_the_informed_attack_succeeds_where_only_neighbours_are_compared() -> None:
    cells = {"P1_kept": 40, "P2_kept": 50, "P3_kept": 60}
    kind = APPOINTMENTS
    truths = [events(kind, **cells), events(kind, **cells | {"P1_kept": 5}), events(kind, **cells | {"P1_kept": 5})]
    shown = [publication(release(kind, one)) for one in truths]
    first, second, _ = (Attacker(kind, one) for one in shown)
    assert Informed((first, second), (truths[0], truths[1])).recovered()
    assert found(kind, *truths, informed=True) == []


HARD = {
    "two of ten": {"P1_kept": 10, "P2_kept": 10, "P3_kept": 40},
    "nothing but tens": {"P1_kept": 10, "P2_kept": 10, "P3_kept": 10},
    "one small one": {"P1_kept": 5, "P2_kept": 30, "P3_kept": 40},
    "a small class of a large one": {"P1_kept": 55, "P1_missed": 5, "P2_kept": 30, "P2_missed": 20, "P3_kept": 40},
    "what a class leaves": {"P1_kept": 5, "P1_missed": 55, "P2_kept": 30, "P2_missed": 20, "P3_kept": 40},
    "a small network": {"P1_kept": 3, "P2_missed": 4},
    "one provider alone": {"P1_kept": 30, "P1_missed": 3},
}


@pytest.mark.parametrize("cells", HARD.values(), ids=HARD)
def test_hard_cases_give_nothing_away(cells: dict[str, int]) -> None:
    truth = events(APPOINTMENTS, **cells)
    assert found(APPOINTMENTS, truth, truth) == []


@pytest.mark.parametrize("cells", [cells for cells in HARD.values() if cells != HARD["a small network"]])
def test_the_attack_succeeds_where_only_small_counts_are_blank(cells: dict[str, int]) -> None:
    truth = events(APPOINTMENTS, **cells)
    attacker = Attacker(APPOINTMENTS, primary_only(in_full(release(APPOINTMENTS, truth))), guesses=True)
    assert recovered(attacker, truth)


CHANGED = {
    "one more": {"P1_kept": 41},
    "ten more": {"P1_kept": 50},
    "one more here, eleven there": {"P1_kept": 41, "P2_kept": 61},
    "more here, fewer there": {"P1_kept": 43, "P2_kept": 38},
    "one becomes a no-show": {"P1_kept": 39, "P1_missed": 21},
    "a provider is withdrawn": {"P1_kept": 0, "P1_missed": 0},
    "a new provider": {"P3_kept": 12, "P3_missed": 12},
    "a small new provider": {"P3_kept": 4},
}


@pytest.mark.parametrize("change", CHANGED.values(), ids=CHANGED)
def test_no_small_change_is_recovered(change: dict[str, int]) -> None:
    cells = {"P1_kept": 40, "P1_missed": 20, "P2_kept": 50, "P2_missed": 30}
    assert found(APPOINTMENTS, events(APPOINTMENTS, **cells), events(APPOINTMENTS, **(cells | change))) == []


def test_the_attack_finds_small_changes_where_releases_are_published_without_regard_to_each_other() -> None:
    before = events(APPOINTMENTS, P1_kept=40, P1_missed=20, P2_kept=50, P2_missed=30)
    after = events(APPOINTMENTS, P1_kept=41, P1_missed=20, P2_kept=50, P2_missed=30)
    first, second = (Attacker(APPOINTMENTS, publication(release(APPOINTMENTS, one))) for one in (before, after))
    assert {change for _, change in moved(first, second, (before, after))} == {1}


def test_a_small_cell_is_safe_although_other_tables_hold_it_too() -> None:
    truth = events(VISITS, P1_denied=5, P2_denied=30, P2_paid=100, P3_paid=40)
    truth[1, 1, 0, 1] = truth[1, 0, 0, 0]  # P2 in February, of the other payer
    assert found(VISITS, truth, truth) == []


def primary_only(published: Publication) -> Publication:
    """Counts of 1 to 10 made null, rates of fewer than 11 cases too, and nothing else: what one would do first."""

    def small_blank(table: pl.DataFrame) -> pl.DataFrame:
        rates = [METRICS[name] for name in table.columns if name in METRICS]
        return table.with_columns(
            pl.when(pl.sum_horizontal(rate.denominator.inputs()) > 10).then(rate.id).alias(rate.id)
            for rate in rates
            if rate.denominator is not None and set(rate.denominator.inputs()) <= set(table.columns)
        ).with_columns(pl.when(~pl.selectors.integer().is_between(1, 10)).then(pl.selectors.integer()))

    tables = {name: small_blank(table) for name, table in published.tables.items()}
    return Publication(tables, small_blank(published.network), published.notes)
