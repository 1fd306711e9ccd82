"""A small lake that the demo made, and a way to type commands."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from carti_lake.cli import main
from carti_lake.demo import demo
from carti_lake.generate import Network
from carti_lake.lake import Lake

SMALL = Network(providers=16, patients=300, days=6, visits_per_day=15)


@dataclass(frozen=True)
class Ended:
    """How a command ended, and what it printed."""

    code: int
    out: str
    err: str


Type = Callable[..., Ended]


@pytest.fixture
def carti_lake(capfd: pytest.CaptureFixture[str]) -> Type:
    """Type a command: ``carti_lake("status", "--json")``."""

    def run(*arguments: str) -> Ended:
        capfd.readouterr()
        with pytest.raises(SystemExit) as ended:
            main(arguments)
        out, err = capfd.readouterr()
        return Ended(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture(scope="session")
def demo_folder(made_once: Callable[..., Path]) -> Path:
    """A folder with the demo of a small network: ``lake`` and ``demo``."""
    return made_once(
        "demo",
        lambda folder: demo(Lake(folder / "lake"), folder / "demo", SMALL, progress=lambda step: None),
    )


@pytest.fixture
def here(demo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, as the working directory."""
    shutil.copytree(demo_folder, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("CARTI_LAKE", raising=False)
    monkeypatch.delenv("CARTI_LAKE_PATIENT_KEY", raising=False)
    return tmp_path / "here"
