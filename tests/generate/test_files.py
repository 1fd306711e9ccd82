"""Extracts as files: where they lie, when they were delivered, and that they are the same every time."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import polars as pl
import pytest

from carti_lake.generate import Network, extracts, write

SMALL = Network(seed=1, days=35, visits_per_day=25, patients=600, providers=20, dirt=0.1)


def fingerprints(folder: Path) -> dict[str, tuple[str, int]]:
    return {
        str(path.relative_to(folder)): (hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_mtime_ns)
        for path in sorted(folder.rglob("*.*"))
    }


@pytest.mark.parametrize("format", ["csv", "parquet", "ndjson"])
def test_two_processes_write_the_same_bytes(tmp_path, format):
    script = (
        "import datetime, sys; from pathlib import Path; from carti_lake.generate import Network, write;"
        f"write({SMALL}, Path(sys.argv[1]), sys.argv[2])"
    )
    subprocess.run([sys.executable, "-c", script, str(tmp_path / "other"), format], check=True)
    write(SMALL, tmp_path / "own", format)
    written = fingerprints(tmp_path / "own")
    assert len(written) > 150
    assert written == fingerprints(tmp_path / "other")


def test_another_seed_gives_another_network(tmp_path):
    feeds = ["ehr_visits"]
    write(SMALL, tmp_path / "one", feeds=feeds)
    write(replace(SMALL, seed=2), tmp_path / "two", feeds=feeds)
    assert fingerprints(tmp_path / "one") != fingerprints(tmp_path / "two")


def test_files_lie_by_feed_and_carry_the_time_of_delivery(tmp_path):
    paths = write(SMALL, tmp_path, "parquet")
    delivered = list(extracts(SMALL))
    assert [path.relative_to(tmp_path) for path in paths] == [
        Path(feed) / f"{feed}_{day}.parquet" for feed, day, _, _ in delivered
    ]
    for path, (_, _, delivered_at, rows) in zip(paths, delivered, strict=True):
        assert datetime.fromtimestamp(path.stat().st_mtime, UTC) == delivered_at
        assert pl.read_parquet(path).equals(rows)


def test_csv_reads_back_as_it_was_delivered(tmp_path):
    clean = replace(SMALL, dirt=0)
    for path, (_, _, _, rows) in zip(write(clean, tmp_path), extracts(clean), strict=True):
        assert pl.read_csv(path, schema=rows.schema).equals(rows)


def test_with_dirt_some_csv_files_are_in_the_windows_encoding(tmp_path):
    paths = write(SMALL, tmp_path)
    windows = [path for path in paths if not _is_utf8(path.read_bytes())]
    assert 0 < len(windows) < 0.2 * len(paths)
    assert all("provider" in path.read_bytes().decode("cp1252") for path in windows)


def test_progress_is_told_in_days(tmp_path):
    told: list[tuple[int, int]] = []
    write(SMALL, tmp_path, "ndjson", lambda done, total: told.append((done, total)))
    assert told[0] == (1, 35) and told[-1] == (35, 35)
    assert told == sorted(told)


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True
