"""How the program starts and ends."""

import subprocess
import sys
from pathlib import Path

import pytest

from carti_lake import Lake
from carti_lake.cli import run as verb
from carti_lake.store.locks import lake_lock

from .conftest import Type


def test_help_needs_neither_polars_nor_delta() -> None:
    code = "import sys, carti_lake.cli; print(*{'polars', 'deltalake', 'numpy', 'rich'} & set(sys.modules))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "\n"


def test_verbs_are_listed_in_the_order_of_use(carti_lake: Type) -> None:
    printed = carti_lake("--help").out
    assert printed.index("demo  ") < printed.index("load  ") < printed.index("run  ") < printed.index("verify  ")


def test_the_version(carti_lake: Type) -> None:
    assert carti_lake("--version").out.strip() == "0.1.0"


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (["load", "ehr_vists", "x.csv"], "Did you mean ehr_visits?"),
        (["tables", "provder_summary"], "Did you mean provider_summary"),
        (["query", "SELECT 1", "--format", "xml"], "xml"),
        (["query", "SELECT 1", "--as-of", "2026-01-01", "--release", "1"], "not both"),
        (["status", "--storage-option", "aws_region"], "KEY=VALUE"),
        (["charts", "--colour"], "--colour"),
        (["diff", "gold.provider_summary"], "--from"),
    ],
)
def test_wrong_usage_exits_2_with_a_hint(carti_lake: Type, here: Path, arguments: list[str], hint: str) -> None:
    ended = carti_lake(*arguments)
    assert ended.code == 2
    assert hint in ended.err
    assert ended.out == ""


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["load", "ehr_visits", "none.csv"], "none.csv: there is no such file"),
        (["query", "SELECT * FROM provider_summary", "--release", "99"], "There is no release 99"),
        (["query", "SELECT * FROM nothing"], "there is no table 'nothing' (line 1, column 15)"),
        (["query", "SELECT * FROM visits"], "Did you mean silver.visits?"),
        (["query", "DROP TABLE provider_summary"], "Only one SELECT is allowed"),
        (["release", "unlock", "nobody"], "No release is locked as 'nobody'"),
        (["quarantine", "visitors"], "There is no entity 'visitors'"),
        (["query", "SELECT 1", "--lake", "no_lake"], "has no release yet"),
    ],
)
def test_what_fails_exits_1_with_one_clear_message(
    carti_lake: Type, here: Path, arguments: list[str], message: str
) -> None:
    ended = carti_lake(*arguments)
    assert ended.code == 1
    assert ended.err.startswith("Error: ") and message in ended.err
    assert "Traceback" not in ended.err


def test_a_second_run_is_told_to_wait(carti_lake: Type, here: Path) -> None:
    with lake_lock(Lake("lake").storage, "run"):
        ended = carti_lake("run")
    assert ended.code == 1
    assert "Another run is active" in ended.err


def test_an_unexpected_error_does_not_quote_its_text(
    carti_lake: Type, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*arguments: object) -> None:
        raise RuntimeError("patient P-100")

    monkeypatch.setattr(verb, "open_lake", fail)
    ended = carti_lake("status")
    assert ended.code == 1
    assert "Unexpected RuntimeError in test_app.py" in ended.err
    assert "P-100" not in ended.err


def test_a_storage_that_does_not_answer(carti_lake: Type, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*arguments: object) -> None:
        raise OSError("Generic S3 error\n  \x1b[31merror sending request")

    monkeypatch.setattr(verb, "open_lake", fail)
    ended = carti_lake("status")
    assert ended.code == 6
    assert "The storage: it does not answer (error sending request). Check its address" in ended.err


def test_options_of_the_object_store_come_from_a_file_and_the_command_line(
    carti_lake: Type, s3: dict[str, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = tmp_path / "s3.json"
    options.write_text(str({name: value for name, value in s3.items() if name != "aws_region"}).replace("'", '"'))
    monkeypatch.setenv("CARTI_LAKE_STORAGE_OPTIONS", str(options))
    ended = carti_lake("status", "--lake", "s3://carti-lake/nothing", "--storage-option", "aws_region=us-east-1")
    assert (ended.code, ended.err) == (0, "")
    assert "No release yet." in ended.out
