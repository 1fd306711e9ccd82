"""No credential, no token and no patient's number in anything that a pull of an org writes, prints or logs."""

import json
import logging

import pytest

from carti_lake.cli import main
from carti_lake.store.log import commits
from carti_lake.tables import TABLES
from tests.pull.salesforce.conftest import crm, declare
from tests.pull.salesforce.double import eighteen, served

MARKED = "marked-4711"
SECRET, PATIENT = f"secret-{MARKED}", eighteen("001marked471100")
MONDAY = "2026-03-09T08:00:00"


@pytest.mark.slow
@pytest.mark.server
def test_nothing_tells_of_a_patient_or_a_secret(world, org, tmp_path, monkeypatch, capfd, caplog):
    caplog.set_level(logging.DEBUG)
    monkeypatch.delenv("CARTI_LAKE_DEBUG", raising=False)
    monkeypatch.setenv("SF_SECRET", SECRET)
    monkeypatch.setenv("WRONG", f"wrong-{MARKED}")
    (tmp_path / "key.pem").write_text(f"no key {MARKED}", "utf-8")
    patient = org.put("Account", PATIENT, MONDAY, Name=f"Patient {MARKED}", IsPersonAccount=True)
    provider = org.put("HealthcareProvider", 1, MONDAY, Name="Dr. Bo Chan")
    for number in range(7):
        values = {"PatientId": patient, "RequesterId": provider, "Status": MARKED if number == 3 else "Active"}
        org.put("ClinicalServiceRequest", number, MONDAY, **values)
    # Whatever the org refuses, it says of whom.
    org.says, org.client_secret = f"{PATIENT} {MARKED}", SECRET
    # What fails: a key, a secret, a field; a job halfway, in the middle of a row.
    referrals = "ClinicalServiceRequest"
    with served(crm(world.clock)) as other:
        other.kinds, other.says, other.client_secret = org.kinds, org.says, SECRET
        other.page = other.set_size = org.page = org.set_size = 2
        other.fail("results", "torn", after=1, times=10_000)
        declare(world, other, referrals, "a-torn")
        declare(world, org, referrals, "b-good")
        declare(world, org, referrals, "c-refused", client_secret="env:WRONG")
        declare(world, org, referrals, "d-field")
        path = world.folder / "d-field.toml"
        path.write_text(path.read_text("utf-8").replace("Requester.Name", f"Requester.{MARKED.split('-')[0]}"), "utf-8")
        declare(world, org, referrals, "e-key", client_id=org.client_id)
        path = world.folder / "e-key.toml"
        by_key = f'username = "u"\nprivate_key = "file:{tmp_path / "key.pem"}"'
        path.write_text(path.read_text("utf-8").replace('client_secret = "env:SF_SECRET"', by_key), "utf-8")
        outputs = []
        for verb in (["pull", "--plan"], ["pull"], ["source", "list"], ["source", "check"], ["daily"], ["status"]):
            for json_ in ([], ["--json"]):
                with pytest.raises(SystemExit):
                    main([*verb, "--lake", str(tmp_path / "lake"), *json_])
                outputs.append("".join(capfd.readouterr()))

    errors = {one["source"]: one["error"] for one in json.loads(outputs[-1])["sources"]}
    assert [name for name, error in errors.items() if error is None] == ["b-good"], errors
    told = [*outputs, caplog.text]
    for name in TABLES:
        handle = world.lake.storage.open(name)
        told += [] if handle is None else [repr(commit) for commit in commits(handle, -1)]
        if name in ("pulls", "releases") and handle is not None:
            told.append(repr(world.lake.storage.scan(name).collect().to_dicts()))
    whole = "\n".join(told)
    assert "Requester" in whole, "the field that is not there is named"
    for marked in (SECRET, PATIENT, MARKED, "token-marked", *org.tokens, "Bearer"):
        assert marked not in whole, marked
    for path in (tmp_path / "lake").rglob("*.json"):
        assert MARKED not in path.read_text("utf-8")
        assert PATIENT not in path.read_text("utf-8")
