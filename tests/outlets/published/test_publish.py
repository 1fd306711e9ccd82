"""A set is put in place whole: whoever reads while releases are published never sees tables of two."""

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from carti_lake.disclosure import in_full, publication
from carti_lake.outlets.published import publish
from carti_lake.outlets.published.columns import PUBLISHED
from carti_lake.outlets.published.publish import PublishError, write_set
from carti_lake.outlets.published.sets import current
from carti_lake.outlets.published.star import AXIS_FACTS
from carti_lake.releases.release import Release
from carti_lake.store.locks import BusyError, file_lock
from tests.outlets.conftest import providers, release_of

Frames = dict[str, pl.DataFrame]
Put = Callable[..., dict[str, Any]]


@pytest.fixture
def put(frames: Frames, release: Release, tmp_path: Path) -> Put:
    """Publish a release of that number, in full unless told, to a folder of this test."""

    def write(
        number: int = 12, *, full: bool = True, at: str | Path = tmp_path / "out", **options: Any
    ) -> dict[str, Any]:
        shown = in_full(frames) if full else publication(frames)
        return write_set(shown, replace(release, number=number), str(at), options, full_counts=full)

    return write


def sets(folder: Path) -> set[str]:
    return {path.name for path in (folder / "sets").iterdir()}


def test_the_manifest_says_what_is_in_the_set(put: Put, tmp_path: Path) -> None:
    manifest = put()
    assert manifest == current(str(tmp_path / "out"), {})
    assert manifest["caption"] == "release 12 · 2026-11-23 · data as of 2026-11-22"
    for name, said in manifest["tables"].items():
        frame = pl.read_parquet(tmp_path / "out/sets" / manifest["set"] / said["file"])
        assert (frame.height, list(said["columns"])) == (said["rows"], frame.columns)
        assert dict(frame.schema) == PUBLISHED[name].schema()


def test_the_same_release_gives_the_same_bytes(put: Put, tmp_path: Path) -> None:
    put(at=tmp_path / "a")
    put(at=tmp_path / "b")
    files = {path.relative_to(tmp_path / "a") for path in (tmp_path / "a").rglob("*") if path.is_file()}
    files = {path for path in files if not path.name.startswith(".lock")}
    assert len(files) == len(PUBLISHED) - len(AXIS_FACTS) + 1
    assert all((tmp_path / "a" / path).read_bytes() == (tmp_path / "b" / path).read_bytes() for path in files)


def test_the_set_before_stays_for_whoever_reads_it_and_older_ones_go(put: Put, tmp_path: Path) -> None:
    made = [put(number)["set"] for number in (1, 2, 3)]
    assert sets(tmp_path / "out") == set(made[1:])
    put(3)
    assert sets(tmp_path / "out") == set(made[1:])


def test_small_counts_do_not_stay_where_somebody_publishes_without_them(put: Put, tmp_path: Path) -> None:
    put(1)
    shown = put(2, full=False)
    assert sets(tmp_path / "out") == {shown["set"]}


def test_a_failed_check_leaves_readers_with_what_they_have(
    put: Put, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = put(1)

    def broken(*args: Any, **kwargs: Any) -> dict[str, pl.LazyFrame]:
        made = star(*args, **kwargs)
        return made | {"dim_provider": made["dim_provider"].head(2)}

    star = publish.star
    monkeypatch.setattr(publish, "star", broken)
    with pytest.raises(PublishError, match=r"readers keep .*provider_key: 7 rows join to nothing in dim_provider"):
        put(2)
    assert current(str(tmp_path / "out"), {}) == before
    assert sets(tmp_path / "out") == {before["set"]}


def test_a_killed_publishers_leavings_do_no_harm(put: Put, tmp_path: Path) -> None:
    (tmp_path / "out/.unfinished").mkdir(parents=True)
    (tmp_path / "out/.unfinished/old.parquet").write_text("half")
    manifest = put()
    assert not (tmp_path / "out/.unfinished").exists()
    assert not (tmp_path / "out/sets" / manifest["set"] / "old.parquet").exists()


def test_two_publishers_do_not_meet(put: Put, tmp_path: Path) -> None:
    with file_lock(tmp_path / "out", "publish"), pytest.raises(BusyError):
        put()


def test_a_reader_never_sees_tables_of_two_releases(put: Put, tmp_path: Path) -> None:
    target = tmp_path / "out"
    put(1)
    seen: list[set[int]] = []
    moved: list[bool] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            manifest = current(str(target), {})
            assert manifest is not None
            folder = target / "sets" / manifest["set"]
            try:
                frames = [pl.read_parquet(folder / one["file"]) for one in manifest["tables"].values()]
            except FileNotFoundError:
                # Two more releases have come meanwhile: an error, and no mixture.
                now = current(str(target), {})
                assert now is not None
                moved.append(now["release"] - manifest["release"] >= 2)
                continue
            seen.append({number for frame in frames for number in frame["release"].unique()})
            assert seen[-1] == {manifest["release"]}

    with ThreadPoolExecutor(1) as pool:
        reader = pool.submit(read)
        try:
            for number in range(2, 12):
                put(number)
        finally:
            done.set()
    assert reader.result() is None
    assert all(moved)
    assert len(set().union(*seen)) > 3


def test_an_object_store_takes_sets_and_forgets_old_ones(put: Put, s3: dict[str, str], s3_uri: str) -> None:
    made = [put(number, at=s3_uri, **s3)["set"] for number in (1, 2, 3)]
    manifest = current(s3_uri, s3)
    assert manifest is not None
    assert manifest["set"] == made[2]

    def rows(of: str) -> int:
        return pl.read_parquet(f"{s3_uri}/sets/{of}/dim_provider.parquet", storage_options=s3).height

    assert rows(made[1]) == rows(made[2]) == manifest["tables"]["dim_provider"]["rows"]
    with pytest.raises((FileNotFoundError, OSError)):
        rows(made[0])


def test_hidden_counts_are_in_no_file(tmp_path: Path, release: Release) -> None:
    frames = release_of(providers(3, total_patients=[4, 5, 100]))
    write_set(publication(frames), release, str(tmp_path), {}, full_counts=False)
    manifest = current(str(tmp_path), {})
    assert manifest is not None
    summary = pl.read_parquet(tmp_path / "sets" / manifest["set"] / "provider_summary.parquet")
    assert summary["total_patients"].to_list() == [None, None, 100]
