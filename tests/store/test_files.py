"""Files that are no tables' take their place at once, or say what bars them."""

import os

import pytest

from carti_lake.store.files import HeldOpenError, put_all_in_place, put_in_place


def test_a_file_that_another_program_holds_open_stays_and_the_new_one_stands_beside(tmp_path, monkeypatch):
    made, place = tmp_path / ".workbook.xlsx.part", tmp_path / "workbook.xlsx"
    made.write_bytes(b"new")
    place.write_bytes(b"old")
    replace = os.replace

    def as_on_windows(source, target):
        if target == place:
            raise PermissionError(13, "Access is denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", as_on_windows)
    with pytest.raises(HeldOpenError, match=r"workbook.xlsx is held open.*the new one is workbook.new.xlsx.*Close"):
        put_in_place(made, place)
    assert place.read_bytes() == b"old"
    assert (tmp_path / "workbook.new.xlsx").read_bytes() == b"new"


def test_of_a_folder_s_files_one_that_is_held_open_bars_no_other(tmp_path, monkeypatch):
    made, folder = tmp_path / ".made", tmp_path / "charts"
    for place, content in ((made, b"new"), (folder, b"old")):
        (place / "deep").mkdir(parents=True)
        for name in ("a.svg", "b.svg", "deep/c.svg"):
            (place / name).write_bytes(content)
    replace = os.replace

    def as_on_windows(source, target):
        if target == folder / "a.svg":
            raise PermissionError(13, "Access is denied")
        replace(source, target)

    monkeypatch.setattr(os, "replace", as_on_windows)
    with pytest.raises(HeldOpenError, match=r"a.svg is held open.*the new one is a.new.svg"):
        put_all_in_place(made, folder)
    found = {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*.svg")}
    assert found == {"a.svg": b"old", "a.new.svg": b"new", "b.svg": b"new", "deep/c.svg": b"new"}
