"""A small lake that the demo made, and a way to type commands."""

import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from carti_lake.cli import main


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


@pytest.fixture
def here(demo_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of that folder, as the working directory."""
    shutil.copytree(demo_folder, tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.delenv("CARTI_LAKE", raising=False)
    monkeypatch.delenv("CARTI_LAKE_PATIENT_KEY", raising=False)
    return tmp_path / "here"
