"""Releases for examples that need no lake."""

from datetime import UTC, date, datetime

from carti_lake.releases.release import Release


def release(number: int, data_as_of: date) -> Release:
    """A release of the noon after its data."""
    at = datetime(data_as_of.year, data_as_of.month, data_as_of.day, 12, tzinfo=UTC)
    return Release(number, at, data_as_of, {}, {}, (), (), (), expired=False)
