"""Faults of disk, rights, network and version are told apart, with the remedy and an exit code of their own."""

import errno
import os
import re
import subprocess
import sys
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

import polars as pl
import pytest

from carti_lake.pipeline.gold.claims_monthly import claims
from carti_lake.store.errors import (
    FAULTS,
    DamagedFileError,
    DiskFullError,
    NetworkError,
    NoPermissionError,
    PathTooLongError,
    ReadOnlyError,
    TooLargeError,
    TooNewError,
    fault,
)
from carti_lake.tables.silver import ClaimsOfLines, EarlierAnswers, Visits
from tests.worlds.lakes import lake_in
from tests.worlds.rows import MARCH, held, visit

#: What Linux lets root do although the rights of a file say otherwise: `CAP_DAC_OVERRIDE`, `CAP_DAC_READ_SEARCH`.
OVERRIDES = (1, 2)
PR_CAPBSET_DROP = 24


def delta_error(text: str) -> Exception:
    from deltalake.exceptions import DeltaError

    return DeltaError(text)


@pytest.mark.parametrize(
    ("error", "kind", "told"),
    [
        (OSError(errno.ENOSPC, "No space left on device"), DiskFullError, "No space left on device.*Make room"),
        (OSError(errno.ENAMETOOLONG, "File name too long"), PathTooLongError, "File name too long.*a shorter path"),
        (
            pl.exceptions.ComputeError("parquet: underlying IO error: File too large (os error 27)"),
            DiskFullError,
            "File too large",
        ),
        (
            delta_error(
                "Generic LocalFileSystem error: Unable to copy data to file: No space left on device (os error 28)"
            ),
            DiskFullError,
            "No space left",
        ),
        (PermissionError(errno.EACCES, "Permission denied"), NoPermissionError, "Give this user"),
        (delta_error("Generic S3 error: 403 Forbidden, AccessDenied"), NoPermissionError, "credentials"),
        (delta_error("Unable to open file: Read-only file system (os error 30)"), ReadOnlyError, "for writing"),
        (OSError("Generic S3 error \x1b[31m error sending request"), NetworkError, "Check its address"),
        (TimeoutError(), NetworkError, "the network"),
        (
            delta_error("Kernel error: Unsupported: Unsupported minimum reader version 9"),
            TooNewError,
            "newest carti_lake",
        ),
        (delta_error("Kernel error: Unsupported: Feature 'hoverboards' is not supported"), TooNewError, "hoverboards"),
    ],
)
def test_each_fault_is_told_with_its_place_and_remedy(error, kind, told):
    found = fault(error, "silver/visits")
    assert type(found) is kind
    assert str(found).startswith("silver/visits: ")
    assert re.search(told, str(found))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no"),
        pl.exceptions.ComputeError("could not parse `403 Forbidden, connection refused` as i64"),
        FileNotFoundError(errno.ENOENT, "No such file or directory"),
        delta_error("Kernel error: Json error: Truncated record"),
        # As a trace of the reader's own code may end.
        delta_error("Kernel error: File not found 12: <unknown> 401: <unknown>"),
    ],
)
def test_another_fault_is_none_of_these(error):
    assert fault(error, "silver/visits") is None


def test_a_sum_that_no_table_holds_is_told_by_its_column():
    """As a file in another unit can make one: no row of it is too large by itself."""
    row = {"claim_status": "paid", "claim_amount": Decimal("60_000_000_000_000"), "visit_month": MARCH}
    visits = held(Visits, *({**row, "visit_id": f"V{number}", "key_hash": number} for number in range(2)))
    with pytest.raises(pl.exceptions.InvalidOperationError) as raised:
        claims(visits, held(EarlierAnswers), held(ClaimsOfLines))
    found = fault(raised.value, "gold")
    assert isinstance(found, TooLargeError)
    assert str(found).startswith("gross_charges: the sum is")
    assert "120" not in str(found)


def test_each_fault_has_an_exit_code_of_its_own():
    codes = [one.exit_code for one in FAULTS]
    assert codes == list(range(3, 3 + len(FAULTS)))
    assert DamagedFileError in FAULTS


def limited() -> None:
    import resource

    resource.setrlimit(resource.RLIMIT_FSIZE, (2000, 2000))


def ordinary() -> None:
    """Give up what root has beyond the rights of a file, in the process to be."""
    import ctypes

    libc = ctypes.CDLL(None, use_errno=True)
    for capability in OVERRIDES:
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def typed(*arguments: str, before: Callable[[], None]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "carti_lake", *arguments], capture_output=True, encoding="utf-8", preexec_fn=before
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A lake with a batch, and an extract beside it."""
    lake_in(tmp_path / "lake").load("ehr_visits", [visit("V1")])
    pl.DataFrame([visit(f"V{number}") for number in range(2000)]).write_csv(tmp_path / "visits_2026-04-02.csv")
    return tmp_path


@pytest.mark.skipif(sys.platform != "linux", reason="limits and rights as Linux has them")
@pytest.mark.parametrize(
    ("before", "code", "told"), [(limited, 3, "the disk is full"), (ordinary, 4, "access is denied")]
)
def test_a_load_that_the_system_refuses_says_why_and_loses_nothing(folder, before, code, told):
    lake, extract = folder / "lake", folder / "visits_2026-04-02.csv"
    tables = [one for one in (lake / "bronze").rglob("*") if one.is_dir()]
    for one in tables if before is ordinary else ():
        one.chmod(0o555)
    refused = typed("load", "ehr_visits", str(extract), "--lake", str(lake), before=before)
    for one in tables:
        one.chmod(0o755)
    assert (refused.returncode, told in refused.stderr) == (code, True), refused.stderr
    assert "Ask the source" not in refused.stderr
    again = lake_in(lake)
    assert again.storage.scan("bronze.ehr_visits").collect().height == 1
    assert [one.problem for one in again.verify() if one.problem] == []
    assert again.load("ehr_visits", str(extract))[0].rows == 2000


@pytest.mark.skipif(sys.platform != "linux", reason="rights as Linux has them")
@pytest.mark.parametrize("verb", [["run"], ["verify"], ["repair", "--plan"], ["backup", "copy"]])
def test_a_table_that_may_not_be_read_is_named(folder, verb):
    lake = folder / "lake"
    lake_in(lake).run()
    table = lake / "gold" / "provider_summary"
    table.chmod(0)
    refused = typed(*verb, "--lake", str(lake), before=ordinary)
    table.chmod(0o755)
    assert refused.returncode == 4, refused.stderr
    assert str(table) in refused.stderr
    assert [one.problem for one in lake_in(lake).verify() if one.problem] == []


def test_a_lake_whose_storage_does_not_answer_exits_6():
    options = ["aws_endpoint_url=http://127.0.0.1:9", "aws_allow_http=true", "aws_region=us-east-1"]
    options += ["aws_access_key_id=a", "aws_secret_access_key=b", "max_retries=0"]
    pairs = [part for one in options for part in ("--storage-option", one)]
    ended = typed("status", "--lake", "s3://carti-lake/x", *pairs, before=os.getpid)
    assert ended.returncode == 6, ended.stderr
    assert "it does not answer" in ended.stderr


def test_a_table_of_a_newer_version_exits_9(folder):
    commit = folder / "lake/bronze/ehr_visits/_delta_log" / f"{0:020}.json"
    text = commit.read_text("utf-8").replace('"minReaderVersion":1', '"minReaderVersion":9')
    commit.write_text(text.replace('"minWriterVersion":2', '"minWriterVersion":9'), "utf-8", newline="\n")
    ended = typed("status", "--lake", str(folder / "lake"), before=os.getpid)
    assert ended.returncode == 9, ended.stderr
    assert "ehr_visits: a newer version of carti_lake" in ended.stderr
