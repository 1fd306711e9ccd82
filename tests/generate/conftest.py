"""Networks made once for all tests: a year in monthly extracts, and a quarter in daily ones."""

import pytest

from tests.worlds.networks import QUARTER, YEAR, Feeds, delivered


@pytest.fixture(scope="session")
def year() -> Feeds:
    return delivered(YEAR, every="month")


@pytest.fixture(scope="session")
def quarter() -> Feeds:
    return delivered(QUARTER)
