"""What can go wrong with stored tables, in words that name the table and the remedy."""

import contextlib
import re
from collections.abc import Iterator
from pathlib import Path


class LakeError(Exception):
    """What went wrong with a lake, where, and what to do."""


class ConflictError(LakeError):
    """Another process changed the table first."""


class CorruptTableError(LakeError):
    """A table's files or log cannot be read."""


def refuse_empty_commit(table: str, log: Path, version: int | None) -> None:
    """A power cut can leave a last commit of zero bytes, which Delta reads as an empty one: say so instead.

    What was committed before it, such as a version that a release names, is read all the same.
    """
    newest = max(log.glob("[0-9]*.json"), default=None)
    if newest is not None and newest.stat().st_size == 0 and (version is None or int(newest.stem) <= version):
        raise CorruptTableError(
            f"{table}: commit {newest.name} is empty (a write was cut off, e.g. by a power failure). "
            f"Remove {newest.name} from the table's _delta_log; the table is then as before that write, and the next "
            f"load or run repeats it."
        )


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
    except FileNotFoundError as error:
        raise CorruptTableError(
            f"{name}: a data file is missing ({brief(error)}). `carti-lake verify` lists what is damaged."
        ) from error
    except DeltaError as error:
        raise CorruptTableError(
            f"{name}: the table's log or files cannot be read ({brief(error)}). "
            f"`carti-lake verify` says how to repair it."
        ) from error
    except BaseException as error:
        # A truncated data file panics inside the reader, past every `except Exception`.
        if type(error).__name__ != "PanicException":
            raise
        raise CorruptTableError(f"{name}: a data file is damaged ({brief(error)}).") from error


def brief(error: BaseException) -> str:
    """First line of an error's text, shortened, without the values of rows."""
    return re.sub(r"\s+", " ", str(error).splitlines()[0] if str(error) else type(error).__name__)[:200]
