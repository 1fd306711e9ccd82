"""Folders elsewhere: over SFTP, in object stores, over HTTPS; each file whole and once, whatever breaks."""

import contextlib
import functools
import hashlib
import http.server
import random
import tempfile
import threading
from pathlib import Path

import paramiko
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from carti_lake.pull import place as place_module
from carti_lake.pull.place import BrokenTransferError, Place, Seen, matching
from carti_lake.pull.secrets import SourceError
from tests.conftest import BUCKET
from tests.pull.conftest import declare, put, taken
from tests.worlds.lakes import lake_in, visit


@given(
    st.binary(max_size=200),
    st.lists(st.tuples(st.integers(0, 90), st.booleans()), max_size=place_module.ATTEMPTS - 1),
    st.integers(1, 40),
)
def test_a_transfer_that_breaks_anywhere_is_taken_up_where_it_broke(content, breaks, chunk):
    waits, due = [], [*breaks]

    @contextlib.contextmanager
    def opened(name, start):
        def chunks():
            sent, ends = 0, due.pop(0) if due else None
            for place in range(start, len(content), chunk):
                if ends and sent >= ends[0]:
                    # A line that is cut quietly ends early; another says so.
                    if ends[1]:
                        raise BrokenTransferError
                    return
                yield content[place : place + chunk]
                sent += chunk

        yield chunks()

    with tempfile.TemporaryDirectory() as folder:
        place = Place(lambda deep: {}, opened)
        path = place.fetch(Seen("a/b.csv", len(content), 10**18), Path(folder), waits.append)
        assert path.read_bytes() == content
        assert path.relative_to(folder) == Path("a/b.csv")
        assert path.stat().st_mtime_ns == 10**18
    assert len(waits) <= len(breaks)


def test_a_file_that_never_comes_whole_is_an_error(tmp_path):
    @contextlib.contextmanager
    def opened(name, start):
        yield iter([b"x"] if start == 0 else [])

    with pytest.raises(SourceError, match="it did not come whole in 5 attempts"):
        Place(lambda deep: {}, opened).fetch(Seen("a.csv", 3, 0), tmp_path, lambda seconds: None)


@pytest.mark.parametrize(
    ("files", "named", "others"),
    [
        ("*", ["a.csv"], ["b/a.csv"]),
        ("ehr_*.csv", ["ehr_1.csv"], ["ehr_1.csv.gz", "x_ehr_1.csv", "b/ehr_1.csv"]),
        ("**/*.csv", ["a.csv", "b/a.csv", "b/c/a.csv"], ["a.txt"]),
        ("march/*.csv", ["march/a.csv"], ["a.csv", "march/b/a.csv", "xmarch/a.csv"]),
        ("a?[12].csv", ["ab1.csv"], ["a1.csv", "ab3.csv", "a/1.csv"]),
        ("[!ab]*[.]csv", ["c.csv", "d.1.csv"], ["a.csv", "c_csv", "c/d.csv"]),
    ],
)
def test_a_glob_names_the_same_files_everywhere(tmp_path, files, named, others):
    form = matching(files)
    assert [name for name in [*named, *others] if form.fullmatch(name)] == named


# SFTP


@pytest.fixture
def over_sftp(world, sftp, drop):
    def declared(**more):
        said = {"key": f"file:{sftp.key}", "host_key": sftp.host_key, **more}
        address = said.pop("address", f"{sftp.address}{drop}")
        declare(world, address, **{key: value for key, value in said.items() if value is not None})

    return declared


def test_files_come_over_sftp_each_once(world, drop, over_sftp, amounts):
    over_sftp(files="**/*.csv")
    put(drop, "ehr_visits_2026-03-08.csv", visit(1))
    put(drop, "march/ehr_visits_2026-03-09.csv", visit(2))
    put(drop, ".hidden.csv", visit(9))
    (drop / "link.csv").symlink_to(drop / ".hidden.csv")
    assert taken(world) == (["ehr_visits_2026-03-08.csv", "ehr_visits_2026-03-09.csv"], [])
    assert taken(world) == ([], [])
    assert amounts() == {"V1": 100, "V2": 100}


def test_marks_and_manifests_count_over_sftp_too(world, drop, over_sftp):
    over_sftp(complete="MANIFEST.txt")
    paths = [put(drop, f"{name}_2026-03-08.csv", visit(place)) for place, name in enumerate("ab")]
    right = hashlib.sha256(paths[0].read_bytes()).hexdigest()
    (drop / "MANIFEST.txt").write_text(f"{right}  {paths[0].name}\n{'0' * 64}  {paths[1].name}\n", "utf-8")
    assert taken(world) == ([paths[0].name], [paths[1].name])
    over_sftp(complete=".done")
    assert taken(world) == ([], ["MANIFEST.txt", paths[1].name])
    (drop / "b_2026-03-08.done").touch()
    assert taken(world) == ([paths[1].name], ["MANIFEST.txt"])


def test_who_the_host_is_and_who_may_in_is_checked(world, drop, sftp, over_sftp, tmp_path, capfd):
    put(drop, "a_2026-03-08.csv", visit(1))
    other = (sftp.key.parent / "user.pub").read_text().rsplit(" ", 1)[0]
    for changes, said in [
        ({"host_key": other}, "the host has another key"),
        ({"host_key": "ssh-ed25519 nonsense"}, "SFTP failed"),
        ({"host_key": None}, "the host's key is not known"),
        ({"key": f"file:{sftp.key.parent / 'host'}"}, "the host refuses the user"),
        ({"key": f"file:{sftp.key.parent / 'host.pub'}"}, "no private key"),
        ({"address": f"{sftp.address}{drop}-none"}, "the folder is not there"),
        ({"address": "sftp://reader@127.0.0.1:9/x"}, "the host does not answer"),
    ]:
        over_sftp(**changes)
        (pulled,) = world.lake.pull()
        assert said in pulled.error
        assert str(drop) not in pulled.error
    with pytest.raises(SourceError, match="key is in clear text"):
        over_sftp(key="-----BEGIN OPENSSH PRIVATE KEY-----")
        world.lake.sources()


def test_a_connection_that_ends_midway_is_made_anew_and_goes_on(world, drop, over_sftp, monkeypatch, amounts):
    over_sftp()
    put(drop, "a_2026-03-08.csv", *(visit(number) for number in range(300)))
    monkeypatch.setattr("carti_lake.pull.sftp.CHUNK", 1000)
    monkeypatch.setattr("time.sleep", lambda seconds: None)
    read, reads = paramiko.SFTPFile.read, []

    def breaking(file, size=None):
        reads.append(file)
        if len(reads) in (4, 9):
            file.sftp.get_channel().get_transport().close()
            raise EOFError
        return read(file, size)

    monkeypatch.setattr(paramiko.SFTPFile, "read", breaking)
    assert taken(world) == (["a_2026-03-08.csv"], [])
    assert len({id(file.sftp) for file in reads}) == 3
    assert len(amounts()) == 300


# Object stores


def test_files_come_from_a_bucket_each_once(s3, s3_uri, drop, tmp_path, world):
    world.lake = lake_in(world.lake.uri, world.clock, s3)
    declare(world, f"{s3_uri}/in", files="**/*.csv", complete=".done")
    for number, name in enumerate(["a_2026-03-08.csv", "march/b_2026-03-09.csv"]):
        pl.DataFrame([visit(number)]).write_csv(f"{s3_uri}/in/{name}", storage_options=s3)
    assert taken(world) == ([], ["a_2026-03-08.csv", "march/b_2026-03-09.csv"])
    pl.DataFrame({"x": [1]}).write_csv(f"{s3_uri}/in/march/b_2026-03-09.csv.done", storage_options=s3)
    assert taken(world) == (["b_2026-03-09.csv"], ["a_2026-03-08.csv"])
    assert taken(world) == ([], ["a_2026-03-08.csv"])


def test_a_bucket_that_is_not_there_is_an_error(s3, world):
    world.lake = lake_in(world.lake.uri, world.clock, s3)
    declare(world, f"s3://{BUCKET}-none/in")
    (pulled,) = world.lake.pull()
    assert pulled.error is not None
    assert "object store" in pulled.error


# HTTPS


class Handler(http.server.SimpleHTTPRequestHandler):
    """Files of a folder, some of them broken off midway; the server's `breaks` says how often each."""

    def log_message(self, *arguments):
        pass

    def do_GET(self):
        if self.headers.get("Authorization") != "Bearer token-marked":
            self.send_error(401)
            return
        path = Path(self.translate_path(self.path))
        if self.server.breaks.get(path.name, 0) < 0:
            self.send_error(-self.server.breaks[path.name])
            return
        if not path.is_file():
            super().do_GET()
            return
        content = path.read_bytes()
        start = int(self.headers.get("Range", "bytes=0-")[6:-1]) if self.server.ranges else 0
        self.send_response(206 if start else 200)
        self.send_header("Content-Length", str(len(content) - start))
        self.end_headers()
        if self.server.breaks.get(path.name, 0) > 0:
            self.server.breaks[path.name] -= 1
            self.wfile.write(content[start : start + self.server.draw.randrange(len(content) - start)])
            self.close_connection = True
            self.connection.close()
            return
        self.wfile.write(content[start:])

    def do_HEAD(self):
        if self.headers.get("Authorization") != "Bearer token-marked":
            self.send_error(401)
            return
        super().do_HEAD()


@pytest.fixture
def served(drop):
    """A server of the drop folder."""
    handler = functools.partial(Handler, directory=str(drop))
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.breaks, server.ranges, server.draw = {}, True, random.Random(1)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def over_https(world, served, monkeypatch):
    world.lake.environment["TOKEN"] = "token-marked"
    monkeypatch.setattr("time.sleep", lambda seconds: None)

    def declared(**more):
        address = f"http://127.0.0.1:{served.server_port}/"
        declare(world, address, **{"password": "env:TOKEN", **more})

    return declared


@pytest.mark.parametrize("ranges", [True, False])
def test_files_that_a_page_links_to_come_each_once_however_it_breaks(world, drop, served, over_https, amounts, ranges):
    over_https(files="*.csv")
    served.ranges = ranges
    put(drop, "a 1_2026-03-08.csv", visit(1))
    put(drop, "b_2026-03-08.csv", visit(2))
    put(drop, "below/c_2026-03-08.csv", visit(3))
    served.breaks = {"a 1_2026-03-08.csv": 3}
    assert taken(world) == (["a 1_2026-03-08.csv", "b_2026-03-08.csv"], [])
    assert served.breaks == {"a 1_2026-03-08.csv": 0}
    assert taken(world) == ([], [])
    assert amounts() == {"V1": 100, "V2": 100}


def test_a_file_that_keeps_breaking_leaves_the_others_alone(world, drop, served, over_https):
    over_https(files="*.csv")
    put(drop, "a_2026-03-08.csv", visit(1))
    put(drop, "b_2026-03-08.csv", visit(2))
    served.breaks = {"a_2026-03-08.csv": 5}
    (pulled,) = world.lake.pull()
    assert ([one.name for one in pulled.loaded], "did not come whole" in pulled.error) == (["b_2026-03-08.csv"], True)
    assert taken(world) == (["a_2026-03-08.csv"], [])


def test_a_server_that_is_busy_is_asked_again_and_one_that_refuses_is_not(world, drop, served, over_https, monkeypatch):
    over_https(files="*.csv")
    put(drop, "a_2026-03-08.csv", visit(1))
    waits = []
    monkeypatch.setattr("time.sleep", waits.append)
    for code, said, times in ((503, "did not come whole in 5 attempts", 5), (403, "answers HTTP 403", 1)):
        served.breaks = {"a_2026-03-08.csv": -code}
        waits.clear()
        (pulled,) = world.lake.pull()
        assert said in pulled.error
        assert len([wait for wait in waits if wait]) == times - 1
    served.breaks = {}
    assert taken(world) == (["a_2026-03-08.csv"], [])


def test_files_that_a_manifest_lists_come_from_folders_below(world, drop, served, over_https):
    over_https(files="**/*.csv", complete="MANIFEST.txt")
    assert taken(world) == ([], [])
    path = put(drop, "below/c_2026-03-08.csv", visit(3))
    right = hashlib.sha256(path.read_bytes()).hexdigest()
    (drop / "MANIFEST.txt").write_text(f"{right}  below/c_2026-03-08.csv\nlate_2026-03-08.csv\n../up.csv\n", "utf-8")
    assert taken(world) == (["c_2026-03-08.csv"], ["late_2026-03-08.csv"])


def test_the_log_does_not_name_the_address(world, drop, served, over_https, caplog):
    caplog.set_level("DEBUG")
    over_https()
    put(drop, "a_2026-03-08.csv", visit(1))
    assert taken(world) == (["a_2026-03-08.csv"], [])
    assert "127.0.0.1" not in caplog.text
    assert "a_2026-03-08" not in caplog.text


def test_what_the_server_refuses_is_said_in_our_words(world, drop, served, over_https):
    world.lake.environment["WRONG"] = "wrong-marked"
    over_https(password="env:WRONG")
    (pulled,) = world.lake.pull()
    assert pulled.error == "drop: the server refuses the user, the password or the token (HTTP 401)."
    over_https(complete="below/none.txt", files="*")
    assert taken(world) == ([], [])
    declare(world, "http://example.org/in", password="env:TOKEN")
    (pulled,) = world.lake.pull()
    assert "Give an https address" in pulled.error
    declare(world, "https://127.0.0.1:9/in", password="env:TOKEN")
    (pulled,) = world.lake.pull()
    assert pulled.error.startswith("drop: the server does not answer")
    declare(world, "ftp://127.0.0.1/in")
    (pulled,) = world.lake.pull()
    assert "an address begins with sftp, https" in pulled.error
