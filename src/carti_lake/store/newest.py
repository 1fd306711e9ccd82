"""The newest acknowledged commit of each table, kept once more: a log does not tell what is gone from its end.

Where the log ends before it, something was lost after it had been acknowledged, and the copy can be put back.
"""

import contextlib
import json
import os
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path
from threading import get_ident
from typing import Any

from carti_lake.store.errors import COMMITS, DamagedLogError, unreadable

FOLDER = ".newest"


def keep(lake: Path, table: Path, table_id: str, versions: range, actions: Collection[str]) -> None:
    """Copy a commit that is synced, with all before it, and is acknowledged next.

    The copy itself need not outlast a power cut: the commit does.

    Parameters
    ----------
    lake, table
        Their folders.
    table_id
        Which table it is: a folder that is removed and made again holds another one.
    versions
        Those of which one is the commit.
    actions
        Names of data files or application transactions that it alone holds.
    """
    commit = _own(table, versions, actions)
    if commit is None:
        return
    folder = _folder(lake, table) / table_id
    copy = folder / commit.name
    unfinished = folder / f".{commit.name}.{os.getpid()}-{get_ident()}.part"
    # Without its copy the commit stands all the same, and the next one syncs it once more.
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(commit, unfinished)
        os.replace(unfinished, copy)
        for older in folder.glob(COMMITS):
            if older.name < copy.name:
                older.unlink(missing_ok=True)


def _own(table: Path, versions: range, actions: Collection[str]) -> Path | None:
    commits = [table / "_delta_log" / f"{version:020}.json" for version in versions]
    if len(commits) > 1:
        # Others have committed meanwhile, and have not told anybody yet.
        commits = [one for one in commits if one.exists() and any(name in one.read_text("utf-8") for name in actions)]
    return commits[0] if commits and commits[0].exists() else None


def acknowledged(lake: Path, table: Path) -> dict[str, int]:
    """By id of the table, the version of the newest acknowledged commit, up to which all is synced; none if unknown."""
    with contextlib.suppress(FileNotFoundError, NotADirectoryError):
        return {
            one.name: int(newest.stem)
            for one in _folder(lake, table).iterdir()
            if (newest := max(one.glob(COMMITS), default=None)) is not None
        }
    return {}


def refuse_lost(name: str, lake: Path, table: Path, table_id: str, version: int, told: Mapping[str, int]) -> None:
    """Raise where a log ends with a version before the one that was acknowledged.

    ``told`` was asked for before the log was opened: so none of it can have been acknowledged since.
    """
    last = told.get(table_id, version)
    if last > version and copy_of(lake, table, table_id) is not None:
        raise DamagedLogError(
            f"{name}: its log ends with version {version}, and version {last} was acknowledged: the last commits are "
            f"gone, with what they added. `carti-lake repair --plan` says which, and what to do."
        )


def last_copy(lake: Path, table: Path, table_id: str) -> Path | None:
    """The copy of the table's newest acknowledged commit, whatever it holds; None where there is none."""
    return max((_folder(lake, table) / table_id).glob(COMMITS), default=None)


def copy_of(lake: Path, table: Path, table_id: str) -> Path | None:
    """The copy of the table's newest acknowledged commit; None where there is none that can be read."""
    copy = last_copy(lake, table, table_id)
    # A power cut may have torn a copy of what was not acknowledged yet.
    return None if copy is None or unreadable(copy) else copy


def said(commit: Path, key: str) -> dict[str, Any]:
    """What of ours a commit says."""
    for line in commit.read_text("utf-8").splitlines():
        if (info := json.loads(line).get("commitInfo")) is not None:
            return dict(json.loads(info.get(key) or "{}"))
    return {}


def _folder(lake: Path, table: Path) -> Path:
    return lake / FOLDER / table.relative_to(lake)
