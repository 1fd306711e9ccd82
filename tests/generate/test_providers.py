"""The directory: numbers that check, names that differ, every service line staffed."""

import numpy as np
import polars as pl
import pytest

from carti_lake.generate import Network
from carti_lake.generate.codes import SERVICE_LINES
from carti_lake.generate.providers import directory, npis
from carti_lake.generate.settings import FEWEST_PROVIDERS


def luhn(digits: str) -> bool:
    total = 0
    for place, digit in enumerate(reversed(digits)):
        value = int(digit) * (2 if place % 2 else 1)
        total += value - 9 if value > 9 else value
    return total % 10 == 0


def test_npis_pass_the_luhn_check_with_the_prefix_of_the_united_states():
    numbers = npis(np.random.default_rng(1), 500)
    assert len(set(numbers)) == 500
    assert all(len(number) == 10 and luhn(f"80840{number}") for number in numbers)


@pytest.mark.parametrize("count", [FEWEST_PROVIDERS, 40, 9_000])
def test_every_service_line_has_someone_to_see_its_patients_and_someone_to_refer_them(count):
    everyone = directory(Network(providers=count))
    assert everyone.listed["name"].n_unique() == everyone.listed["npi"].n_unique() == count
    for weights in (everyone.rendering, everyone.outside, everyone.referring):
        assert (weights.sum(axis=1) > 0).all()
        assert weights.shape == (len(SERVICE_LINES), count)


def test_the_directory_lists_everyone_at_first_and_then_only_changes(quarter):
    rows = quarter["providers"]
    first, later = (rows.filter(condition) for condition in (_first(rows), ~_first(rows)))
    assert len(first) == 40
    assert 0 < len(later) < 10
    assert set(rows["network_status"]) == {"In network", "Out of network"}


def test_an_entry_made_by_mistake_is_withdrawn(quarter):
    rows = quarter["providers"]
    mistaken = rows.filter("is_deleted")["npi"].to_list()
    assert mistaken
    assert not rows.filter(_first(rows) & pl.col("npi").is_in(mistaken)).height


def _first(rows: pl.DataFrame) -> pl.Series:
    return rows["extract_date"] == rows["extract_date"].min()
