"""Whatever the system calls it, a sync is one down to the drive; one that fails is told."""

import errno
import os
import sys

import pytest

from carti_lake.store.durable import NotDurableError, sync

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="stands in for macOS by way of fcntl")


@pytest.fixture
def as_on_macos(monkeypatch):
    """Calls of `fcntl` and of `os.fsync`, by what they were given; the first fails with the number that is set."""
    import fcntl

    calls, fails = [], {"with": None}

    def flush(descriptor, command):
        calls.append(command)
        if fails["with"]:
            raise OSError(fails["with"], os.strerror(fails["with"]))

    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", 51, raising=False)
    monkeypatch.setattr(fcntl, "fcntl", flush)
    monkeypatch.setattr(os, "fsync", lambda descriptor: calls.append("fsync"))
    return calls, fails


def test_on_macos_the_drive_s_own_cache_is_emptied(tmp_path, as_on_macos):
    (tmp_path / "file").write_bytes(b"rows")
    sync([tmp_path / "file"], tmp_path)
    assert as_on_macos[0] == [51, 51]


def test_a_file_system_that_does_not_know_the_call_is_synced_as_it_can_be(tmp_path, as_on_macos):
    calls, fails = as_on_macos
    fails["with"] = errno.ENOTSUP
    sync([tmp_path], tmp_path)
    assert calls == [51, "fsync"]


def test_a_drive_that_fails_is_not_asked_in_another_way(tmp_path, as_on_macos):
    calls, fails = as_on_macos
    fails["with"] = errno.EIO
    with pytest.raises(NotDurableError):
        sync([tmp_path], tmp_path)
    assert calls == [51]
