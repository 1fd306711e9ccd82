"""``demo`` and ``generate``."""

import inspect
import json
from pathlib import Path

import pytest

from carti_lake.cli.synthetic import generate
from carti_lake.generate import Network
from carti_lake.lake import Lake

from .conftest import Type

SMALL = ["--days", "2", "--patients", "300", "--providers", "16", "--visits-per-day", "10"]


def test_the_defaults_are_those_of_the_network() -> None:
    defaults = {name: one.default for name, one in inspect.signature(generate).parameters.items()}
    network = Network()
    for name in ("seed", "providers", "patients", "days", "visits_per_day", "dirt", "history"):
        assert defaults[name] == getattr(network, name)
    assert defaults["start"].date() == network.start


def test_extracts_are_written_as_files(carti_lake: Type, tmp_path: Path) -> None:
    ended = carti_lake("generate", "--to", str(tmp_path), "--format", "parquet", *SMALL, "--json")
    assert json.loads(ended.out)["extracts"] == len(list(tmp_path.rglob("*.parquet")))


def test_extracts_are_loaded_straight_into_a_lake(carti_lake: Type, tmp_path: Path) -> None:
    lake = tmp_path / "lake"
    assert carti_lake("generate", "--lake", str(lake), *SMALL).code == 0
    assert Lake(lake).storage.scan("bronze.ehr_visits").collect().height > 0


@pytest.mark.parametrize("wrong", [[], ["--to", "x", "--lake", "y"], ["--to", "x", "--providers", "1"]])
def test_wrong_settings_are_wrong_usage(carti_lake: Type, tmp_path: Path, wrong: list[str]) -> None:
    assert carti_lake("generate", *wrong).code == 2
