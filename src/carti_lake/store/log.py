"""The Delta log: what each commit of a table says, and what ours write into it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from carti_lake.store.errors import DIGITS, LOOK, DamagedLogError, translated
from carti_lake.store.storage import address

if TYPE_CHECKING:
    from deltalake import CommitProperties, DeltaTable

COMMIT_RETRIES = 100
METADATA_KEY = "carti_lake"


@dataclass(frozen=True)
class Commit:
    """One version of a table, with what carti_lake wrote into its metadata."""

    version: int
    timestamp: datetime
    operation: str
    metadata: dict[str, Any]
    rows_added: int


def transaction(handle: "DeltaTable", app_id: str) -> int | None:
    """Last number that the application wrote into the table's log, or None."""
    return handle.transaction_version(app_id)


def commit_properties(transactions: Mapping[str, int], metadata: Mapping[str, Any]) -> "CommitProperties":
    """Application transactions and our own metadata, for one commit."""
    from deltalake import CommitProperties, Transaction

    return CommitProperties(
        custom_metadata={METADATA_KEY: json.dumps(metadata, sort_keys=True, default=str)},
        max_commit_retries=COMMIT_RETRIES,
        app_transactions=[Transaction(app_id, number) for app_id, number in sorted(transactions.items())],
    )


def commits(handle: "DeltaTable", since: int) -> list[Commit]:
    """The commits after version ``since``, oldest first."""
    wanted = handle.version() - since
    if wanted <= 0:
        return []
    with translated(handle.table_uri):
        entries = told(handle, wanted)
    # Its own version numbers are wrong once the log has grown since the table was opened: it lists from the oldest
    # wanted commit to the log's end, and counts down from the version that was opened.
    return [
        Commit(
            version=version,
            timestamp=datetime.fromtimestamp(entry["timestamp"] / 1000, UTC),
            operation=entry["operation"],
            metadata=(metadata := _metadata(handle, version, entry)),
            rows_added=_rows_added(entry, metadata),
        )
        for version, entry in enumerate(reversed(entries), start=since + 1)
        if version <= handle.version()
    ]


def told(handle: "DeltaTable", wanted: int) -> list[dict[str, Any]]:
    """What the newest commits say of themselves, newest first."""
    from deltalake.exceptions import DeltaError

    place = address(handle)
    if "://" in place or not {"#", "?"} & {*place}:
        return handle.history(wanted)
    # There deltalake lists no commit: it takes the rest of the path for a part of an address.
    found, version = [], handle.version()
    for one in range(version, max(version - wanted, -1), -1):
        name = f"{one:0{DIGITS}}.json"
        try:
            actions = [json.loads(line) for line in (Path(place) / "_delta_log" / name).read_bytes().splitlines()]
        except ValueError as error:
            raise DeltaError(f"{name} is changed") from error
        found += [action["commitInfo"] for action in actions if "commitInfo" in action]
    return found


def _metadata(handle: "DeltaTable", version: int, entry: dict[str, Any]) -> dict[str, Any]:
    try:
        return dict(json.loads(entry.get(METADATA_KEY) or "{}"))
    except ValueError as error:
        name = ".".join(handle.table_uri.rstrip("/").split("/")[-2:])
        raise DamagedLogError(f"{name}: {version:0{DIGITS}}.json of its log is changed. {LOOK}") from error


def _rows_added(entry: dict[str, Any], metadata: Mapping[str, Any]) -> int:
    ours = metadata.get("rows")
    metrics = entry.get("operationMetrics", {})
    return int(metrics.get("num_added_rows", metrics.get("num_target_rows_inserted", 0)) if ours is None else ours)


def row_count(handle: "DeltaTable") -> int:
    """Rows of the table by the statistics in its log: no data file is opened."""
    with translated(handle.table_uri):
        return handle.count()


def changed_months(history: list[Commit]) -> tuple[list[date | None], bool]:
    """Months that the commits touched, and whether one of them rewrote the table."""
    months: set[date | None] = set()
    for commit in history:
        for month in commit.metadata.get("months", []):
            months.add(date.fromisoformat(month) if month else None)
    return sorted(months, key=str), any(commit.metadata.get("rebuild") for commit in history)
