"""ZIP archives: all members within limits, or nothing."""

import os
import struct
import zipfile

import pytest

from carti_lake.sources import archives
from carti_lake.sources.archives import is_archive, unpacked
from carti_lake.sources.extract import ExtractError


def packed(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.fixture
def into(tmp_path):
    (tmp_path / "into").mkdir()
    return tmp_path / "into"


def test_members_are_files_of_the_archive_s_time(tmp_path, into):
    path = packed(
        tmp_path / "a.zip", **{"a.csv": "1", "march/b.csv": "2", "__MACOSX/a.csv": "x", "march/.DS_Store": "x"}
    )
    os.utime(path, (1e9, 1e9))
    found = unpacked(path, into)
    assert [(one.relative_to(into).as_posix(), one.read_text()) for one in found] == [
        ("a.csv", "1"),
        ("march/b.csv", "2"),
    ]
    assert {one.stat().st_mtime for one in found} == {1e9}


def test_a_workbook_is_no_archive(tmp_path):
    assert not is_archive(packed(tmp_path / "a.xlsx", **{"[Content_Types].xml": "x"}))
    assert not is_archive(_written(tmp_path / "a.csv", b"a,b"))
    assert is_archive(packed(tmp_path / "a.dat", a="x"))


def _written(path, content):
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "name", ["../a.csv", "/etc/a.csv", "b/../../a.csv", "C:a.csv", "b\\..\\a.csv", "a.csv\0.txt", "a?.csv"]
)
def test_names_that_lead_out_are_refused(tmp_path, into, name):
    path = packed(tmp_path / "a.zip", **{"good.csv": "1", "n" * len(name): "2"})
    # The library would mend the name while it writes it.
    path.write_bytes(path.read_bytes().replace(b"n" * len(name), name.encode()))
    with pytest.raises(ExtractError, match="outside of itself"):
        unpacked(path, into)
    assert not any(into.iterdir())


def test_links_are_refused(tmp_path, into):
    with zipfile.ZipFile(tmp_path / "a.zip", "w") as archive:
        link = zipfile.ZipInfo("link.csv")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "/etc/passwd")
    with pytest.raises(ExtractError, match="or a link"):
        unpacked(tmp_path / "a.zip", into)


def test_what_unpacks_to_far_more_is_refused(tmp_path, into, monkeypatch):
    monkeypatch.setattr(archives, "HARMLESS", 1 << 20)
    path = packed(tmp_path / "a.zip", **{"a.csv": bytes(4 << 20)})
    with pytest.raises(ExtractError, match="far more than a delivery"):
        unpacked(path, into)


def test_an_archive_that_lies_about_its_size_unpacks_to_no_more_than_it_says(tmp_path, into):
    path = packed(tmp_path / "a.zip", **{"a.csv": bytes(4 << 20)})
    content = path.read_bytes()
    path.write_bytes(content.replace(struct.pack("<L", 4 << 20), struct.pack("<L", 100)))
    with pytest.raises(ExtractError, match="damaged"):
        unpacked(path, into)
    assert sum(one.stat().st_size for one in into.rglob("*")) <= 100


@pytest.mark.parametrize("fault", ["cut", "flipped", "twice", "nested", "many", "empty", "encrypted"])
def test_what_is_no_delivery_is_refused_as_a_whole(tmp_path, into, monkeypatch, fault):
    members = {"a.csv": "visit_id\n" + "V1\n" * 999, "b.csv": "2"}
    members |= {"nested": {"c.zip": "x"}, "twice": {"A.csv": "3"}}.get(fault, {})
    path = packed(tmp_path / "a.zip", **({} if fault == "empty" else members))
    content = bytearray(path.read_bytes())
    if fault == "cut":
        del content[-30:]
    elif fault == "flipped":
        content[40] ^= 0xFF
    elif fault == "encrypted":
        place = content.index(b"PK\x01\x02")
        content[6] |= 1
        content[place + 8] |= 1
    path.write_bytes(content)
    if fault == "many":
        monkeypatch.setattr(archives, "MOST_MEMBERS", 1)
    assert is_archive(path)
    with pytest.raises(ExtractError, match=r"a\.zip"):
        unpacked(path, into)
