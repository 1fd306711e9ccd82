"""Drop folders as sources: files that are whole, each once."""

import hashlib
import os

import pytest

from carti_lake.pull import pull as pull_module
from tests.pull.conftest import declare, put, taken
from tests.worlds.lakes import visit


def test_each_file_is_taken_once_whatever_lies_beside_it(world, drop, amounts):
    declare(world, drop, files="ehr_visits_*")
    put(drop, "ehr_visits_2026-03-08.csv", visit(1))
    put(drop, "ehr_visits_2026-03-09.csv.part", visit(9))
    put(drop, "other_2026-03-09.csv", visit(9))
    assert taken(world) == (["ehr_visits_2026-03-08.csv"], [])
    put(drop, "ehr_visits_2026-03-09.csv", visit(1, claim_amount="300"), visit(2))
    assert taken(world) == (["ehr_visits_2026-03-09.csv"], [])
    assert taken(world) == ([], [])
    assert amounts() == {"V1": 300, "V2": 100}


def test_a_file_that_was_taken_is_not_opened_again(world, drop, monkeypatch):
    declare(world, drop)
    put(drop, "ehr_visits_2026-03-08.csv", visit(1))
    assert taken(world)[0] == ["ehr_visits_2026-03-08.csv"]
    monkeypatch.setattr(pull_module, "open_paths", lambda *args, **kwargs: pytest.fail("it is opened"))
    assert taken(world) == ([], [])


def test_a_file_under_another_name_or_time_counts_by_its_content(world, drop):
    declare(world, drop)
    path = put(drop, "ehr_visits_2026-03-08.csv", visit(1))
    taken(world)
    os.utime(path, (0, 0))
    put(drop, "ehr_visits_2026-03-08_again.csv", visit(1))
    assert taken(world) == ([], [])
    put(drop, "ehr_visits_2026-03-08.csv", visit(1, claim_amount="200"))
    assert taken(world)[0] == ["ehr_visits_2026-03-08.csv"]


def test_a_kill_before_it_was_noted_takes_no_file_twice(world, drop, monkeypatch):
    declare(world, drop)
    put(drop, "ehr_visits_2026-03-08.csv", visit(1))
    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(pull_module.journal, "record", lambda *args: (_ for _ in ()).throw(KeyboardInterrupt))
        world.lake.pull()
    assert taken(world) == ([], [])
    assert world.lake.storage.scan("bronze.ehr_visits").collect().height == 1


def test_a_file_that_grows_between_two_looks_waits(world, drop, monkeypatch):
    declare(world, drop, rest="30s")
    growing, still = put(drop, "growing_2026-03-08.csv", visit(1)), put(drop, "still_2026-03-08.csv", visit(2))
    waits = []

    def wait(seconds):
        waits.append(seconds)
        with growing.open("a") as file:
            file.write("V3,MRN-3\n")

    monkeypatch.setattr("time.sleep", wait)
    assert taken(world) == ([still.name], [growing.name])
    assert waits == [30.0]
    monkeypatch.setattr("time.sleep", lambda seconds: put(drop, growing.name, visit(1)) if not waits else waits.clear())
    put(drop, growing.name, visit(1))
    assert taken(world) == ([growing.name], [])
    assert taken(world) == ([], []), "nothing is new, so nobody waits"


@pytest.mark.parametrize("mark", ["a_2026-03-08.csv.done", "a_2026-03-08.done"])
def test_a_mark_says_that_a_file_is_whole(world, drop, mark):
    declare(world, drop, complete=".done")
    put(drop, "a_2026-03-08.csv", visit(1))
    assert taken(world) == ([], ["a_2026-03-08.csv"])
    (drop / mark).touch()
    assert taken(world) == (["a_2026-03-08.csv"], [])


def test_a_manifest_says_which_files_are_whole_and_what_is_in_them(world, drop):
    declare(world, drop, complete="MANIFEST.txt")
    paths = [put(drop, f"{name}_2026-03-08.csv", visit(place)) for place, name in enumerate("abc")]
    assert taken(world) == ([], [path.name for path in paths])
    right = hashlib.sha256(paths[0].read_bytes()).hexdigest()
    (drop / "MANIFEST.txt").write_text(f"{right}  {paths[0].name}\n{'0' * 64} *{paths[1].name}\n\n", "utf-8")
    assert taken(world) == ([paths[0].name], [paths[1].name, paths[2].name])
    (drop / "MANIFEST.txt").write_text("\n".join(path.name for path in paths), "utf-8")
    assert taken(world) == ([paths[1].name, paths[2].name], [])


def test_a_file_that_a_manifest_lists_and_that_is_not_there_waits(world, drop):
    declare(world, drop, complete="MANIFEST.txt", files="*.csv")
    path = put(drop, "a_2026-03-08.csv", visit(1))
    (drop / "MANIFEST.txt").write_text(f"{path.name}\nb_2026-03-08.csv\nread_me.txt\n../etc/passwd.csv\n", "utf-8")
    assert taken(world) == ([path.name], ["b_2026-03-08.csv"])
    put(drop, "b_2026-03-08.csv", visit(2))
    path.unlink()
    assert taken(world) == (["b_2026-03-08.csv"], []), "what was taken may be put away"


def test_files_of_folders_below_and_another_map(world, drop, tmp_path, amounts):
    declare(world, drop, files="**/*.csv")
    put(drop, "march/ehr_visits_2026-03-08.csv", visit(1))
    put(drop, "_old/ehr_visits_2026-03-08.csv", visit(9))
    assert taken(world)[0] == ["ehr_visits_2026-03-08.csv"]
    (tmp_path / "cents.toml").write_text("columns.claim_amount.scale = 0.01", "utf-8")
    declare(world, drop, files="**/*.csv", map="../../cents.toml")
    assert taken(world)[0] == ["ehr_visits_2026-03-08.csv"]
    assert amounts() == {"V1": 1}


def test_a_file_that_cannot_be_read_leaves_the_others_alone_and_is_tried_again(world, drop):
    declare(world, drop)
    put(drop, "a_2026-03-08.csv", {"nothing": "here"})
    put(drop, "b_2026-03-08.csv", visit(2))
    (pulled,) = world.lake.pull()
    assert ([one.name for one in pulled.loaded], pulled.error.split(",")[0]) == (
        ["b_2026-03-08.csv"],
        "a_2026-03-08.csv",
    )
    (planned,) = world.lake.plan_pull()
    assert planned.files == ("a_2026-03-08.csv",)
    put(drop, "a_2026-03-08.csv", visit(1))
    assert taken(world)[0] == ["a_2026-03-08.csv"]


def test_a_file_that_breaks_its_reader_leaves_the_others_alone(world, drop, monkeypatch):
    class PanicException(BaseException):
        """As Polars raises it."""

    def panics(paths, *args, **kwargs):
        if paths[0].name.startswith("a"):
            raise PanicException("MRN-marked")
        return opened(paths, *args, **kwargs)

    opened = pull_module.open_paths
    monkeypatch.setattr(pull_module, "open_paths", panics)
    declare(world, drop)
    put(drop, "a_2026-03-08.csv", visit(1))
    put(drop, "b_2026-03-08.csv", visit(2))
    (pulled,) = world.lake.pull()
    assert pulled.rows == 1
    assert pulled.error.startswith("drop: unexpected PanicException in test_folder.py")
    assert "marked" not in pulled.error


def test_a_folder_that_is_not_there_is_an_error(world, drop):
    declare(world, drop / "none")
    (pulled,) = world.lake.pull()
    assert pulled.error == "drop: its folder is not there, or is none."
