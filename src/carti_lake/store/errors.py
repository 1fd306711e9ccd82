"""What can go wrong with stored tables, told apart, in words that name the place and the remedy."""

import contextlib
import errno
import json
import os
import re
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import ClassVar


class LakeError(Exception):
    """What went wrong with a lake, where, and what to do.

    Attributes
    ----------
    exit_code
        What the command line ends with.
    """

    exit_code: ClassVar[int] = 1


class ConflictError(LakeError):
    """Another process changed the table first."""


class DiskFullError(LakeError):
    """The disk is full, or a quota or limit is reached."""

    exit_code = 3


class NoPermissionError(LakeError):
    """The user may not read or write there."""

    exit_code = 4


class ReadOnlyError(LakeError):
    """The disk can only be read."""

    exit_code = 5


class NetworkError(LakeError):
    """The storage does not answer."""

    exit_code = 6


class PathTooLongError(LakeError):
    """A file's path is longer than the system takes."""


class CorruptTableError(LakeError):
    """A table's files or log are not as they were written."""


class DamagedFileError(CorruptTableError):
    """A data file is gone, cut, or not the bytes that were written."""

    exit_code = 7


class DamagedLogError(CorruptTableError):
    """A table's log cannot be read."""

    exit_code = 8


class TooLargeError(LakeError):
    """A sum has more digits than its column holds."""


class TooNewError(LakeError):
    """A newer version of the product, or another one, wrote the table."""

    exit_code = 9


#: Faults by what the operating system calls them.
_BY_NUMBER: dict[int, type[LakeError]] = {
    errno.ENOSPC: DiskFullError,
    errno.EFBIG: DiskFullError,
    errno.EDQUOT: DiskFullError,
    errno.EACCES: NoPermissionError,
    errno.EPERM: NoPermissionError,
    errno.EROFS: ReadOnlyError,
    errno.ENAMETOOLONG: PathTooLongError,
    # Windows' own numbers, as libraries pass them on; others mean something else by them.
    **(
        {39: DiskFullError, 112: DiskFullError, 5: NoPermissionError, 19: ReadOnlyError, 206: PathTooLongError}
        if os.name == "nt"
        else {}
    ),
}
_BY_WORDS: dict[type[LakeError], str] = {
    TooNewError: r"Unsupported minimum \w+ version \d+|[Ff]eature '\w+' is not supported",
    NetworkError: r"error sending request|error trying to connect|[Cc]onnection (?:refused|reset|closed)|dns error"
    r"|[Nn]etwork is unreachable|[Nn]o route to host|[Tt]imed? ?out",
    NoPermissionError: r"401 Unauthorized|403 Forbidden|AccessDenied|PermissionDenied|Unauthenticated"
    r"|InvalidAccessKeyId|SignatureDoesNotMatch|AuthenticationFailed",
}
_REMEDIES: dict[type[LakeError], str] = {
    DiskFullError: "the disk is full, or a limit is reached ({said}). Make room (`carti-lake vacuum --dry-run` shows "
    "what a vacuum would free), then run the command again: what was acknowledged is untouched.",
    NoPermissionError: "access is denied ({said}). Give this user, or these credentials, the right to read and write "
    "there, then run the command again.",
    ReadOnlyError: "the disk can only be read ({said}). Mount it for writing, or use a lake elsewhere.",
    NetworkError: "it does not answer ({said}). Check its address, the credentials, and the network, then run "
    "the command again.",
    TooNewError: "a newer version of carti_lake, or another program, wrote this table ({said}). Install the newest "
    "carti_lake, then run the command again.",
    PathTooLongError: "a path is longer than the system takes ({said}). Give the lake a folder with a shorter path, "
    "e.g. one near the root of the disk; on Windows, long paths may be allowed (`LongPathsEnabled`).",
}
#: Faults with exit codes of their own, for the documentation.
FAULTS: tuple[type[LakeError], ...] = (*list(_REMEDIES)[:4], DamagedFileError, DamagedLogError, TooNewError)
#: Digits of a version in the name of a commit.
DIGITS = 20
#: What finds the commits of a log, and not the copies that programs which share folders leave beside them.
COMMITS = f"{'[0-9]' * DIGITS}.json"
#: How Polars says that a sum, which it makes as wide as can be, does not fit its column.
_TOO_LARGE = re.compile(r"conversion from `decimal\[38, ?\d+\]` to `decimal\[\d+, ?\d+\]` failed in column '(\w+)'")
_OF_SYSTEM = re.compile(r"([A-Z][\w' -]+) \(os error (\d+)\)")


def fault(error: BaseException, place: str) -> LakeError | None:
    """The fault of disk, rights, network or version behind an error, told so; None where it is another.

    Of the error's own text nothing but the system's words is repeated: it may quote rows.
    """
    if isinstance(error, LakeError):
        return error
    text = re.sub(r"\x1b\[[0-9;]*m", "", str(error))
    if (large := _TOO_LARGE.match(text)) is not None:
        return TooLargeError(
            f"{large[1]}: the sum is a hundred trillion dollars or more, which no table holds. Such amounts come from "
            f"a column that is none of dollars: see what was loaded last (`carti-lake status`), and load it again with "
            f"a map that says what the column is (`carti-lake map`); that replaces what is there."
        )
    kind, said = None, ""
    if (system := _OF_SYSTEM.search(text)) is not None:
        kind, said = _BY_NUMBER.get(int(system[2])), system[1]
    elif isinstance(error, OSError) and error.errno is not None:
        kind, said = _BY_NUMBER.get(error.errno), error.strerror or ""
    if kind is None and isinstance(error, ConnectionError | TimeoutError):
        kind, said = NetworkError, type(error).__name__
    # A reader's complaint about a value may hold any words.
    of_store = "Generic " in text or isinstance(error, OSError) or type(error).__name__ == "DeltaError"
    for other, words in _BY_WORDS.items() if of_store else ():
        if kind is None and (found := re.search(words, text)) is not None:
            kind, said = other, found[0]
    return None if kind is None else kind(f"{place}: {_REMEDIES[kind].format(said=said)}")


def refuse_newer(table: str, written: int, known: int) -> None:
    """Refuse a table of a format that this version does not know yet."""
    if written > known:
        raise TooNewError(
            f"{table}: a newer carti_lake wrote this lake, in format {written}; this one reads up to {known}. Install "
            f"a version whose changelog names format {written} (`pip install --upgrade carti_lake`)."
        )


def refuse_cut_log(table: str, log: Path, version: int | None) -> None:
    """Say of a commit of zero bytes that it is one: Delta reads it as a commit of nothing, and its rows are gone.

    Likewise of a newest commit that is gone while its checkpoint is there: Delta reads such a table, and writes to it
    no more. A power cut can leave either. What was committed before it, such as a version that a release names, is read
    all the same, and so is what a checkpoint after it holds.
    """
    names = os.listdir(log)
    checkpoint = max((name for name in names if name.endswith(".checkpoint.parquet")), default="")[:DIGITS]
    commits = sorted(name for name in names if fnmatchcase(name, COMMITS))
    if version is None and checkpoint > max(commits, default="")[:DIGITS] and not (log / f"{checkpoint}.json").exists():
        raise DamagedLogError(
            f"{table}: {checkpoint}.json of its log is gone, its checkpoint alone is there, and nothing more can be "
            f"written. {LOOK}"
        )
    for name in commits:
        if name[:DIGITS] <= checkpoint or (version is not None and int(name[:DIGITS]) > version):
            continue
        if os.stat(f"{log}/{name}").st_size == 0:
            told = (
                f"Remove {name} from the table's _delta_log; the table is then as before that write, and the next load "
                f"or run repeats it. `carti-lake repair` does so."
                if name == commits[-1]
                else f"Later commits build on it. {LOOK}"
            )
            raise DamagedLogError(
                f"{table}: commit {name} is empty (a write was cut off, e.g. by a power failure). {told}"
            )


def refuse_broken_log(table: str, log: Path, version: int | None) -> None:
    """Name what of a log cannot be read: a commit that is cut, changed or gone, or a checkpoint."""
    commits = sorted(int(path.stem) for path in log.glob(COMMITS))
    checkpoints = [int(path.name.split(".")[0]) for path in log.glob(COMMITS.replace(".json", ".checkpoint.parquet"))]
    newest = version if version is not None else max([*commits, *checkpoints], default=-1)
    first = max((one for one in checkpoints if one <= newest), default=-1) + 1
    for one in range(first, newest + 1):
        path = log / f"{one:020}.json"
        problem = "is gone" if not path.exists() else unreadable(path)
        if problem is not None:
            raise DamagedLogError(f"{table}: {path.name} of its log {problem}. {LOOK}")
    if first:
        raise DamagedLogError(
            f"{table}: {first - 1:020}.checkpoint.parquet or _last_checkpoint of its log cannot be read. {LOOK}"
        )


def unreadable(commit: Path) -> str | None:
    """What is wrong with a file of a log that is not as Delta writes it; None where it is."""
    try:
        actions = [json.loads(line) for line in commit.read_bytes().splitlines()]
    except ValueError:
        return "is cut or changed"
    except IsADirectoryError:
        return "is a folder"
    return None if actions and all(isinstance(one, dict) for one in actions) else "is cut or changed"


@contextlib.contextmanager
def translated(table: str) -> Iterator[None]:
    """Turn storage faults into errors that name the table and the remedy."""
    from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError

    name = "/".join(table.rstrip("/").split("/")[-2:])
    try:
        yield
    except TableNotFoundError:
        raise
    except CommitFailedError as error:
        raise ConflictError(
            f"{name}: another process wrote to the table first; run the command again. ({brief(error)})"
        ) from error
    except BaseException as error:
        # A truncated data file panics inside the reader, past every `except Exception`.
        panicked = type(error).__name__ == "PanicException"
        if not panicked and not isinstance(error, Exception):
            raise
        if (found := fault(error, name)) is not None:
            if found is error:
                raise
            raise found from error
        if panicked:
            raise DamagedFileError(f"{name}: a data file is damaged. {LOOK}") from error
        if isinstance(error, FileNotFoundError):
            raise DamagedFileError(f"{name}: a data file is missing ({brief(error)}). {LOOK}") from error
        if isinstance(error, DeltaError):
            raise DamagedLogError(f"{name}: the table's log cannot be read ({brief(error)}). {LOOK}") from error
        raise


#: What to do where no check has told yet what exactly is damaged.
LOOK = "`carti-lake repair --plan` names what is damaged, and what to do."


def brief(error: BaseException) -> str:
    """First line of an error's text, shortened, without the values of rows."""
    return re.sub(r"\s+", " ", str(error).splitlines()[0] if str(error) else type(error).__name__)[:200]
