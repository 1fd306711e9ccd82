"""Bugs that a store's users make: each is planted into the product's own code, and must be found by the histories."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, nullcontext, suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

from carti_lake.releases import publish
from carti_lake.sources import batches
from carti_lake.store import durable, storage, write
from carti_lake.store.errors import ConflictError, LakeError
from carti_lake.store.log import commit_properties
from carti_lake.store.storage import Storage
from carti_lake.upkeep import repair, vacuum
from tests.histories.lake import RUNNER

Planted = Callable[[], Any]


def nothing(*_: object, **__: object) -> None:
    """Stands for what is left out."""


@contextmanager
def planted(*replaced: tuple[Any, str, Any]) -> Iterator[None]:
    """The product with something else in those places."""
    with ExitStack() as stack:
        for place, name, value in replaced:
            stack.enter_context(patch.object(place, name, value))
        yield


def no_file_is_synced() -> Any:
    return planted((write, "sync", nothing), (storage, "sync", nothing))


def folders_are_not_synced() -> Any:
    real = durable._sync
    return planted((durable, "_sync", lambda path: None if path.is_dir() else real(path)))


def commits_are_not_synced() -> Any:
    return planted(
        *((place, "written_since", lambda *_: []) for place in (write, storage)), (write, "log_since", lambda *_: [])
    )


def a_failed_sync_is_passed_over() -> Any:
    real = durable.sync

    def sync(files: Any, root: Path) -> None:
        with suppress(durable.NotDurableError):
            real(files, root)

    return planted((write, "sync", sync), (storage, "sync", sync))


def a_release_is_published_before_its_tables_are_synced() -> Any:
    real = Storage.settle

    def settle(self: Storage, *gained: Any) -> None:
        if len(gained) < 2:
            real(self, *gained)

    return planted((Storage, "settle", settle))


def a_load_is_acknowledged_before_its_commit() -> Any:
    real, waiting = batches.append, []

    def append(held: Storage, handle: Any, *rest: Any, **named: Any) -> int:
        while waiting:
            waiting.pop()()
        waiting.append(partial(real, held, handle, *rest, **named))
        return int(handle.version()) + 1

    return planted((batches, "append", append))


def a_conflict_is_taken_for_success() -> Any:
    """By loads, which lose nothing by it, by publishing, and by the audit log."""
    real = write.append

    def append(held: Storage, handle: Any, *rest: Any, **named: Any) -> int:
        try:
            return real(held, handle, *rest, **named)
        except ConflictError:
            return int(handle.version()) + 1

    return planted(*((place, "append", append) for place in (batches, publish, write)))


def an_error_of_the_commit_is_taken_for_success() -> Any:
    real = batches.append

    def append(held: Storage, handle: Any, *rest: Any, **named: Any) -> int:
        try:
            return real(held, handle, *rest, **named)
        except LakeError:
            return int(handle.version()) + 1

    return planted((batches, "append", append))


def a_list_that_lags_is_trusted() -> Any:
    """What was asked of one handle is written through another."""
    real = batches.append

    def append(held: Storage, handle: Any, *rest: Any, **named: Any) -> int:
        fresh = Storage(held.uri).open("bronze.numbers")
        assert fresh is not None
        before = handle.version()
        return max(real(held, fresh, *rest, **named), before + 1)

    return planted((batches, "append", append))


def commits_bear_no_transaction() -> Any:
    return planted((write, "commit_properties", lambda transactions, metadata: commit_properties({}, metadata)))


def releases_are_not_numbered_in_their_commits() -> Any:
    real = publish.append

    def append(*rest: Any, transactions: Any, **named: Any) -> int:
        kept = {name: number for name, number in transactions.items() if name != publish.NUMBERING}
        return real(*rest, transactions=kept, **named)

    return planted((publish, "append", append))


def a_run_publishes_what_it_has_not_taken_in() -> Any:
    return planted((Storage, "holding", lambda self: self))


def a_run_does_not_look_at_what_it_builds_on() -> Any:
    return planted((RUNNER, "refuse_damaged", nothing), (RUNNER, "refuse_lost_commits", nothing))


def a_vacuum_passes_over_locks() -> Any:
    real = vacuum.retire

    def retire(*rest: Any, **named: Any) -> Sequence[Any]:
        kept = real(*rest, **named)
        return [one for one in kept if not one.locks or one is kept[-1]]

    return planted((vacuum, "retire", retire))


def a_vacuum_removes_what_a_writer_has_not_committed() -> Any:
    return planted((vacuum, "KEPT_HOURS", 0))


def a_repair_sets_a_whole_commit_aside() -> Any:
    real = repair.torn_commits

    def torn(folder: Path) -> list[Path]:
        found = real(folder)
        commits = sorted((folder / "_delta_log").glob("[0-9]*.json"), reverse=True)
        return commits[: len(found) + 1] if found else []

    return planted((repair, "torn_commits", torn))


#: Every bug by its name.
BUGS: dict[str, Planted] = {
    bug.__name__: bug
    for bug in (
        no_file_is_synced,
        folders_are_not_synced,
        commits_are_not_synced,
        a_failed_sync_is_passed_over,
        a_release_is_published_before_its_tables_are_synced,
        a_load_is_acknowledged_before_its_commit,
        a_conflict_is_taken_for_success,
        an_error_of_the_commit_is_taken_for_success,
        a_list_that_lags_is_trusted,
        commits_bear_no_transaction,
        releases_are_not_numbered_in_their_commits,
        a_run_publishes_what_it_has_not_taken_in,
        a_vacuum_passes_over_locks,
        a_vacuum_removes_what_a_writer_has_not_committed,
        a_repair_sets_a_whole_commit_aside,
    )
}
NONE: Planted = nullcontext
