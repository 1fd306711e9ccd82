"""No credential and no patient's number in anything that a pull writes, prints or keeps for others to see."""

import json
import logging

import pytest

from carti_lake.cli import main
from carti_lake.store.log import commits
from carti_lake.tables import TABLES

PATIENT, PASSWORD = "MRN-marked-4711", "pw-marked-4711"


def typed(capfd, *arguments):
    with pytest.raises(SystemExit):
        main(arguments)
    return "".join(capfd.readouterr())


def test_nothing_tells_of_a_patient_or_a_password(world, ehr, tmp_path, monkeypatch, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.setenv("EHR_PASSWORD", PASSWORD)
    monkeypatch.setenv("DROP", str(tmp_path / f"drop-{PASSWORD}"))
    monkeypatch.delenv("CARTI_LAKE_DEBUG", raising=False)
    drop = tmp_path / f"drop-{PASSWORD}"
    drop.mkdir()
    (drop / "ehr_visits_2026-03-08.csv").write_text(f'visit_id,patient_id\n"V1,{PATIENT}\n{PATIENT}', "utf-8")
    (drop / "ehr_visits_2026-03-09.csv").write_text(f"{PATIENT};{PATIENT}\n{PATIENT}", "utf-8")
    ehr.put(1, "2026-03-09T08:00:00", patient_id=PATIENT, claim_amount=PATIENT, claim_status=PATIENT)
    sql = {"kind": "sql", "feed": "ehr_visits", "address": f"sqlite:{ehr.path}"}
    remote = "postgresql://reader@127.0.0.1:9/ehr"
    world.declare("a-good", **sql, table="visits", cursor="updated_at")
    world.declare("b-cursor", **sql, query="select *, patient_id as p from visits", cursor="p")
    world.declare("c-query", **sql, query="select *, json(patient_id) as j from visits")
    world.declare("d-away", **{**sql, "address": remote}, table="visits", password="env:EHR_PASSWORD")
    world.declare("e-drop", kind="folder", feed="ehr_visits", address="env:DROP", rest="0s")
    folder = {"kind": "folder", "feed": "ehr_visits", "rest": "0s", "password": "env:EHR_PASSWORD"}
    world.declare(
        "f-mysql", **{**sql, "address": "mysql://reader@127.0.0.1:9/ehr"}, table="visits", password="env:EHR_PASSWORD"
    )
    world.declare("g-sftp", **folder, address="sftp://reader@127.0.0.1:9/in")
    world.declare("h-https", **folder, address="https://127.0.0.1:9/in")
    world.declare("i-trailer", kind="folder", feed="ehr_visits", address="env:DROP", rest="0s", trailer="T|{rows}")
    world.declare("j-keys", **sql, query="select *, json(patient_id) as visit_id from visits", keys="1d")

    lake = str(tmp_path / "lake")
    outputs = [
        typed(capfd, *verb, "--lake", lake, *json_)
        for verb in (
            ["pull", "--plan"],
            ["pull", "--keys"],
            ["source", "list"],
            ["source", "check"],
            ["daily"],
            ["status"],
        )
        for json_ in ([], ["--json"])
    ]

    assert all("a-good" in one for one in (outputs[2], outputs[4], outputs[10]))
    errors = {one["source"]: one["error"] for one in json.loads(outputs[11])["sources"]}
    assert [name for name, error in errors.items() if error is None] == ["a-good"]
    told = [*outputs, caplog.text]
    for name in TABLES:
        handle = world.lake.storage.open(name)
        told += [] if handle is None else [repr(commit) for commit in commits(handle, -1)]
        if name in ("pulls", "releases") and handle is not None:
            told.append(repr(world.lake.storage.scan(name).collect().to_dicts()))
    whole = "\n".join(told)
    assert PATIENT not in whole
    assert PASSWORD not in whole
    for path in (tmp_path / "lake").rglob("*.json"):
        assert PATIENT not in path.read_text("utf-8")
        assert PASSWORD not in path.read_text("utf-8")
