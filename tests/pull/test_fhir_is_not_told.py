"""No token, no key and no patient in anything that a pull from a FHIR server writes or prints for others to see."""

import json
import logging
from datetime import UTC, datetime

import pytest

from carti_lake.cli import main
from carti_lake.store.log import commits
from carti_lake.tables import TABLES
from tests.doubles.fhir import outcome
from tests.pull.fhir_worlds import RSA, encounter, fhir_world_in, patient, pem, practitioner, write_lines

PATIENT, TOKEN = "MRN-marked-4711", "marked-4711"

pytestmark = pytest.mark.server


def typed(capfd, *arguments):
    with pytest.raises(SystemExit):
        main(arguments)
    return "".join(capfd.readouterr())


def test_nothing_tells_of_a_patient_a_token_or_a_key(tmp_path, monkeypatch, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    key = pem(RSA)
    monkeypatch.setenv("FHIR_KEY", key)
    monkeypatch.delenv("CARTI_LAKE_DEBUG", raising=False)
    with fhir_world_in(tmp_path) as fhir:
        fhir.server.clock = lambda: datetime.now(UTC)
        marked = encounter(subject={"reference": f"Patient/{PATIENT}"}, period={"start": PATIENT}, status=PATIENT)
        fhir.server.put(marked)
        fhir.server.put({**patient(birthDate=PATIENT), "id": PATIENT})
        fhir.server.put(practitioner())
        fhir.server.problems = [outcome(PATIENT, PATIENT, PATIENT)]
        fhir.server.faults = {"kick-off": ["500"], "file": ["half", "drop"]}
        bad = encounter(period={"start": [PATIENT]}, subject={"reference": [f"Patient/{PATIENT}"]})
        write_lines(tmp_path / "drop/a.ndjson", encounter(), bad)
        (tmp_path / "drop/b.ndjson").write_text(f'{{"resourceType":"Encounter","id":"{PATIENT}', "utf-8")
        write_lines(
            tmp_path / "several/c.ndjson",
            encounter(period=[{"start": PATIENT}, {"start": PATIENT}]),
        )
        fhir.declare("a-server")
        fhir.declare("b-drop", folder=tmp_path / "drop")
        fhir.declare("c-several", folder=tmp_path / "several")
        (fhir.world.folder / "visits.toml").unlink()
        lake = str(tmp_path / "lake")
        outputs = [
            typed(capfd, *verb, "--lake", lake, *json_)
            for verb in (["pull", "--plan"], ["pull"], ["source", "list"], ["source", "check"], ["daily"], ["status"])
            for json_ in ([], ["--json"])
        ]
        assert fhir.server.asked["token"] > 0
    assert "error: unknown" in "".join(outputs)
    status = {one["source"]: one["error"] for one in json.loads(outputs[11])["sources"]}
    assert all(status.values()), status
    told = [*outputs, caplog.text]
    for name in TABLES:
        handle = fhir.world.lake.storage.open(name)
        told += [] if handle is None else [repr(commit) for commit in commits(handle, -1)]
        if name in ("pulls", "releases") and handle is not None:
            told.append(repr(fhir.world.lake.storage.scan(name).collect().to_dicts()))
    told += [path.read_text("utf-8") for path in (tmp_path / "lake").rglob("*.json")]
    whole = "\n".join(told)
    for secret in (PATIENT, TOKEN, key, key.splitlines()[1], "client_assertion"):
        assert secret not in whole
