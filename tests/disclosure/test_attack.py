"""Whoever has all published tables of two releases, and solves for the counts, recovers none from 1 to 10."""

from typing import Any

import numpy as np
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from carti_lake.disclosure import Publication, in_full, publication
from carti_lake.metrics import METRICS
from tests.worlds.events import APPOINTMENTS, KINDS, PROVIDERS, VISITS, release

from .attacker import Attacker, Kind, moved, recovered

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


def found(kind: Kind, before: np.ndarray, after: np.ndarray) -> list[Any]:
    """What the attacker gets out of two releases."""
    frames = release(kind, before), release(kind, after)
    shown = publication(frames[0]), publication(frames[1], frames[0])
    first, second = (Attacker(kind, one) for one in shown)
    assert first.fitting and second.fitting, "what is published is not true"
    bold = (Attacker(kind, one, guesses=True) for one in shown)
    attacks = [*zip((first, second), (before, after), strict=True), *zip(bold, (before, after), strict=True)]
    counts = [count for attacker, truth in attacks for count in recovered(attacker, truth)]
    return [*counts, *moved(first, second, (before, after))]


@pytest.mark.slow
@pytest.mark.parametrize("name", KINDS)
@settings(max_examples=6)
@given(data=st.data())
def test_no_count_from_1_to_10_is_recovered_from_two_releases(name: str, data: st.DataObject) -> None:
    kind = KINDS[name]
    size = int(np.prod(kind.shape))
    counts = data.draw(st.lists(st.sampled_from(COUNTS), min_size=size, max_size=size))
    changes = data.draw(st.lists(st.sampled_from(CHANGES), min_size=size, max_size=size))
    before = np.array(counts).reshape(kind.shape)
    after = np.maximum(before + np.array(changes).reshape(kind.shape), 0)
    assert found(kind, before, after) == []


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
