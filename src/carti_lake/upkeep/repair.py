"""Repair: what is damaged, what is done about it, and exactly what only people can bring back.

Nothing is deleted: whatever goes out of a table's way is set aside below ``.repaired`` in the lake's folder.
"""

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from carti_lake.releases.release import TABLE as RELEASES
from carti_lake.releases.release import latest
from carti_lake.store import newest
from carti_lake.store.durable import sync
from carti_lake.store.errors import DIGITS, CorruptTableError, DamagedFileError, LakeError
from carti_lake.store.hashes import hashes, of_table, own, released
from carti_lake.store.integrity import refuse_damaged, refuse_lost_commits, repair, taken_ahead, unlike_copy
from carti_lake.store.locks import lake_lock
from carti_lake.store.log import METADATA_KEY, Commit, commits, transaction
from carti_lake.store.storage import Storage, data_files, scan_files
from carti_lake.store.write import append
from carti_lake.tables import FEEDS, TABLES
from carti_lake.tables.gold import Forecasts
from carti_lake.upkeep.logs import beside_whole_commits, is_another, opens_whole, torn_commits
from carti_lake.upkeep.releases_anew import make_anew, named

if TYPE_CHECKING:
    from deltalake import DeltaTable

ASIDE = ".repaired"
#: Rounds of looking and mending: a log that opens again may show damaged files.
ROUNDS = 3
#: Rooms whose tables follow from bronze, and the table among them that keeps what no rebuild makes again.
DERIVED, KEPT = ("silver", "quarantine", "gold"), Forecasts.full_name()


@dataclass(frozen=True)
class Step:
    """One thing that is wrong.

    Attributes
    ----------
    table
        Full name.
    problem
        What is wrong, with the file.
    remedy
        What repair does about it, or what people must do.
    mend
        Does it; None where only people can.
    rebuild
        Whether silver and gold are to be rebuilt afterwards.
    """

    table: str
    problem: str
    remedy: str
    mend: Callable[[Path], None] | None = None
    rebuild: bool = False


def plan(storage: Storage) -> list[Step]:
    """What is wrong with a local lake, and what is to be done; nothing is changed."""
    if storage.local is None:
        raise LakeError("Repair is for lakes in folders: an object store keeps what it has acknowledged.")
    known = _known(storage)
    steps = [*_lost_batches(storage), *_lost_within_a_run(storage, known)]
    told = {step.table for step in steps if step.mend is not None}
    looked = (_look(storage, name, known) for name in TABLES if name not in told)
    return [*steps, *(step for step in looked if step is not None)]


def mend(storage: Storage, now: datetime, progress: Callable[[str], None]) -> list[Step]:
    """Do what `plan` says, as often as that shows something new; returns the steps in their order."""
    done: list[Step] = []
    with lake_lock(storage, "repair"):
        assert storage.local is not None
        aside = storage.local / ASIDE / f"{now:%Y%m%dT%H%M%S}"
        for turn in range(ROUNDS):
            steps = [step for step in plan(storage) if step.table not in {one.table for one in done if one.rebuild}]
            steps = [step for step in steps if (step.table, step.problem) not in _told(done)]
            done += steps
            for step in (one for one in steps if one.mend is not None):
                progress(step.table)
                assert step.mend is not None
                step.mend(aside / str(turn))
            if not any(step.mend for step in steps):
                break
    return done


def _told(steps: list[Step]) -> set[tuple[str, str]]:
    return {(step.table, step.problem) for step in steps}


def _known(storage: Storage) -> dict[str, int]:
    """Versions of the newest release; none where releases cannot be read or it has expired."""
    try:
        standing = latest(storage)
    except CorruptTableError:
        return {}
    return {} if standing is None or standing.expired else standing.versions


def _look(storage: Storage, name: str, known: dict[str, int]) -> Step | None:
    """What is wrong with a table, worst first."""
    folder = Path(storage.path(name))
    in_the_way = os.path.lexists(folder) and not folder.is_dir()
    if TABLES[name].view_of is not None or not (name in known or in_the_way or (folder / "_delta_log").is_dir()):
        return None
    handle = None
    try:
        handle = storage.open(name)
        if handle is None and (name in known or in_the_way):
            raise DamagedFileError(f"{name}: its folder is gone, or its log, or something else is in its place.")
        if handle is not None:
            commits(handle, -1)
        refuse_lost_commits(storage, {name: known[name]} if name in known else {})
        refuse_damaged(storage, {name: None} if handle is not None else {})
        return None if handle is None else _beside_its_copy(storage, name, handle, known)
    except CorruptTableError as error:
        problem = str(error).removesuffix(repair(name)).removeprefix(f"{name}: ").strip()
        opens = opens_whole(storage, name)
    if handle is not None and (step := _beside_its_copy(storage, name, handle, known, problem)) is not None:
        return step
    if not opens and (step := _lost_commit(storage, name, problem)) is not None:
        return step
    if (not opens or is_another(handle, folder)) and (checkpoints := beside_whole_commits(folder)):
        remedy = "Set its checkpoints aside: the commits that are there are whole."
        return Step(name, problem, remedy, partial(_set_aside, storage, checkpoints))
    if name.startswith(DERIVED):
        return _back_or_anew(storage, name, problem, known)
    if not opens and (torn := torn_commits(folder)):
        names = ", ".join(path.name for path in torn)
        again = " If it had been acknowledged, load the last extract again." if name.startswith("bronze.") else ""
        return Step(
            name, problem, f"Set aside {names}, a write that never ended.{again}", partial(_set_aside, storage, torn)
        )
    if not opens and name not in known and _never_acknowledged(storage, folder):
        again = " Load its extracts again." if name.startswith("bronze.") else ""
        remedy = f"Set it aside: nothing that was written to it was ever acknowledged.{again}"
        return Step(name, problem, remedy, partial(_set_aside, storage, [folder]))
    if name == RELEASES and (numbers := named(storage)):
        told = f"Make it anew of what the tables' commits say: releases {numbers[0]} to {numbers[-1]}, without their"
        remedy = f"{told} audits and locks. The next run publishes what is newer."
        return Step(name, problem, remedy, partial(_make_anew, storage))
    if name == RELEASES:
        remedy = "Set it aside: no table's commits tell of a release before the last. The next run publishes that anew."
        return Step(name, problem, remedy, partial(_set_aside, storage, [folder, *_copies(storage, name)]))
    if opens and name.startswith("bronze."):
        return _without_damaged_batches(storage, name, problem)
    return Step(name, problem, repair(name))


def _never_acknowledged(storage: Storage, folder: Path) -> bool:
    """Whether no write to a table was acknowledged; unknown, and so not, in a lake from before copies were kept."""
    assert storage.local is not None
    of_now = (storage.local / newest.FOLDER).is_dir() or not (storage.local / "silver").is_dir()
    return of_now and not newest.acknowledged(storage.local, folder)


def _back_or_anew(storage: Storage, name: str, problem: str, known: dict[str, int]) -> Step:
    """A table of silver, quarantine or gold goes back to the newest release, where that is whole, or is rebuilt."""
    if written := _of_no_release(storage, known):
        remedy = "Set aside what was written after the newest release, which no release names; the next run repeats it."
        return Step(name, problem, remedy, partial(_set_aside, storage, written))
    if name == KEPT:
        return Step(name, problem, repair(name))
    folder = Path(storage.path(name))
    return Step(name, problem, "Rebuild it from bronze.", partial(_set_aside, storage, [folder]), rebuild=True)


def _lost_within_a_run(storage: Storage, known: dict[str, int]) -> Iterator[Step]:
    """A table whose log is shorter than another one has taken in."""
    derived = [name for name in TABLES if name.startswith(DERIVED) and TABLES[name].view_of is None]
    handles = {
        name: handle for name in derived if opens_whole(storage, name) and (handle := storage.open(name)) is not None
    }
    for source, problem in taken_ahead(handles, known):
        yield _back_or_anew(storage, source, problem, known)


def _lost_commit(storage: Storage, name: str, problem: str) -> Step | None:
    """What is done about acknowledged commits that are gone from the end of a log."""
    assert storage.local is not None
    folder = Path(storage.path(name))
    log = folder / "_delta_log"
    last = max((int(path.name.split(".")[0]) for path in log.glob(f"{'[0-9]' * DIGITS}.*")), default=-1)
    if last < 0:
        return None
    try:
        handle = storage.open(name, last)
    except CorruptTableError:
        return None
    copy = None if handle is None else newest.copy_of(storage.local, folder, str(handle.metadata().id))
    if copy is None or int(copy.stem) <= last:
        return None
    if int(copy.stem) == last + 1:
        return Step(name, problem, f"Put {copy.name} back from its copy.", partial(_put_back, storage, copy, log))
    gone = f"The {int(copy.stem) - last} commits after {last:020}.json are gone"
    if name.startswith("bronze."):
        batch = _told_of(newest.said(copy, METADATA_KEY).get("batch", {"extract_date": "a day unknown"}))
        remedy = f"{gone}. Load the feed's newest extracts again, {batch} and those before it that `repair` names."
        return Step(name, problem, remedy, partial(_set_aside, storage, [copy]))
    if name == RELEASES and named(storage):
        return None
    return Step(name, problem, f"{gone}. {repair(name)}")


def _beside_its_copy(
    storage: Storage, name: str, handle: "DeltaTable", known: dict[str, int], problem: str = ""
) -> Step | None:
    """What is done where the newest commit of a table that opens differs from its copy; None where it does not.

    ``problem`` is what else is wrong with the table: then only a commit that its copy can mend is of use.
    """
    unlike = unlike_copy(storage, name, handle)
    if unlike is None:
        return None
    commit, copy = unlike.commit, unlike.copy
    if unlike.right == copy:
        remedy = f"Set {commit.name} aside, and put it back from its copy, which holds what was written."
        return Step(name, unlike.problem, remedy, partial(_put_in_place, storage, commit, copy))
    if problem:
        return None
    if unlike.right == commit:
        remedy = "Make the copy anew of the commit, which holds what was written."
        return Step(name, unlike.problem, remedy, partial(_put_in_place, storage, copy, commit))
    if name.startswith(DERIVED):
        return _back_or_anew(storage, name, unlike.problem, known)
    either = f"Nothing tells which of them is right. Compare {commit} with {copy}; remove the copy, or: "
    return Step(name, unlike.problem, f"{either}{repair(name)}")


def _put_in_place(storage: Storage, wrong: Path, right: Path, aside: Path) -> None:
    """The right one of a commit and its copy, which bear one name, in the place of the wrong one."""
    _set_aside(storage, [wrong], aside)
    _put_back(storage, right, wrong.parent, aside)


def _put_back(storage: Storage, copy: Path, log: Path, aside: Path) -> None:
    assert storage.local is not None
    unfinished = log / f"{copy.name}#repair"
    shutil.copyfile(copy, unfinished)
    sync([unfinished], storage.local)
    # Never over a commit that another process has written meanwhile.
    try:
        unfinished.rename(log / copy.name) if not (log / copy.name).exists() else None
    finally:
        unfinished.unlink(missing_ok=True)
    sync([log / copy.name], storage.local)


def _of_no_release(storage: Storage, known: dict[str, int]) -> list[Path]:
    """What silver, quarantine and gold hold beyond the newest release; nothing where that is not whole itself.

    All of it at once: each table says in its commits what it has taken in of the others.
    """
    derived = [
        name for name in TABLES if name.startswith(DERIVED) and (Path(storage.path(name)) / "_delta_log").is_dir()
    ]
    if not known:
        return []
    try:
        refuse_damaged(storage, {name: known[name] for name in derived if name in known})
    except CorruptTableError:
        return []
    written: list[Path] = []
    for name in derived:
        folder = Path(storage.path(name))
        if name not in known:
            written.append(folder)
            continue
        log = folder / "_delta_log"
        later = [path for path in log.glob(f"{'[0-9]' * DIGITS}.*") if int(path.name.split(".")[0]) > known[name]]
        written += [*later, *(log.glob("_last_checkpoint") if any(".checkpoint" in one.name for one in later) else [])]
    return written


def _make_anew(storage: Storage, aside: Path) -> None:
    _set_aside(storage, [Path(storage.path(RELEASES)), *_copies(storage, RELEASES)], aside)
    make_anew(storage)


def _copies(storage: Storage, name: str) -> list[Path]:
    assert storage.local is not None
    copies = storage.local / newest.FOLDER / name.replace(".", "/")
    return [copies] if copies.is_dir() else []


def _set_aside(storage: Storage, paths: list[Path], aside: Path) -> None:
    assert storage.local is not None
    for path in (one for one in paths if os.path.lexists(one)):
        target = aside / path.relative_to(storage.local)
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.move(path, target)


def _without_damaged_batches(storage: Storage, name: str, problem: str) -> Step:
    whole = _whole(storage, name)
    lost = [commit for commit in _batches(storage, name) if commit not in whole]
    named = "; ".join(_told_of(commit.metadata["batch"]) for commit in lost) or "none"
    remedy = f"Keep its whole batches and rebuild. Load again: {named}."
    return Step(name, problem, remedy, partial(_keep_whole, storage, name), rebuild=True)


def _told_of(batch: dict[str, str]) -> str:
    return f"{batch.get('name', 'a batch')} of {batch['extract_date']}"


def _batches(storage: Storage, name: str) -> list[Commit]:
    handle = storage.open(name)
    assert handle is not None
    return [one for one in commits(handle, -1) if "batch" in one.metadata]


def _sound_files(storage: Storage, name: str) -> list[str]:
    """Data files that are there and hold the bytes that were written."""
    handle = storage.open(name)
    assert handle is not None
    folder = Path(storage.path(name))
    files = [file for file in data_files(handle) if Path(file).is_file()]
    told = {**of_table(released(storage).get(name, {}), str(handle.metadata().id)), **own(storage, name)}
    found = hashes(folder, files)
    sizes = dict(pl.DataFrame(handle.get_add_actions()).select("path", "size_bytes").iter_rows())

    def sound(file: str) -> bool:
        path = Path(file).relative_to(folder).as_posix()
        return told.get(path, found[path]) == found[path] and sizes.get(path) == Path(file).stat().st_size

    return [file for file in files if sound(file)]


def _whole(storage: Storage, name: str) -> list[Commit]:
    """Commits of the batches all of whose rows are in sound files."""
    handle = storage.open(name)
    assert handle is not None
    held = scan_files(handle, _sound_files(storage, name)).group_by("batch_id").len().collect(engine="streaming")
    rows = dict(held.iter_rows())
    return [one for one in _batches(storage, name) if rows.get(one.metadata["batch"]["batch_id"], 0) == one.rows_added]


def _keep_whole(storage: Storage, name: str, aside: Path) -> None:
    """Make the table anew of its whole batches, each one commit again with its number and what it says."""
    _set_aside(storage, [Path(storage.path(name))], aside)
    before = Storage(str(aside))
    old = before.open(name)
    assert old is not None
    rows = scan_files(old, _sound_files(before, name))
    for commit in _whole(before, name):
        batch = commit.metadata["batch"]
        handle = storage.create(name, FEEDS[name.removeprefix("bronze.")], change_feed=False)
        number = transaction(old, batch["batch_id"])
        append(
            storage,
            handle,
            rows.filter(pl.col("batch_id") == batch["batch_id"]),
            transactions={batch["batch_id"]: 0 if number is None else number},
            metadata={"batch": batch},
        )


def _lost_batches(storage: Storage) -> Iterator[Step]:
    """Batches that gold counts and bronze no longer has."""
    try:
        counted = storage.scan("gold.reconciliation").select("feed", "batch_id", "extract_date").collect()
    except (LakeError, pl.exceptions.PolarsError):
        return
    for (feed,), rows in counted.group_by("feed", maintain_order=True):
        name = f"bronze.{feed}"
        if not opens_whole(storage, name):
            continue
        held = {one.metadata["batch"]["batch_id"] for one in _batches(storage, name)}
        gone = rows.filter(~pl.col("batch_id").is_in(sorted(held))).sort("extract_date", "batch_id")
        if not gone.is_empty():
            named = "; ".join(f"{batch} of {day}" for _, batch, day in gone.iter_rows())
            yield Step(name, f"{gone.height} batches are gone that gold counts", f"Load again: {named}.")
