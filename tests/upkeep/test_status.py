"""What the lake says of itself, and that no identifier of a patient is in it."""

import logging

import pytest

from carti_lake.store.errors import LakeError
from tests.worlds.lakes import Clock, lake_in, load, stay, visit

#: A patient's number that must appear nowhere outside bronze and quarantine.
CANARY = "CANARY-4711"


@pytest.fixture(scope="module")
def lake(tmp_path_factory):
    lake = lake_in(tmp_path_factory.mktemp("status") / "lake", Clock())
    rows = [
        visit(1, patient_id=CANARY),
        visit(1, patient_id=CANARY),
        visit(2, patient_id=CANARY, visit_date="31/02/2026", claim_amount="many", **{"Patient Name": CANARY}),
        visit(3, claim_amount="-1"),
    ]
    load(lake, "ehr_visits", rows, "2026-03-01")
    load(lake, "ehr_visits", [visit(1, patient_id=CANARY, claim_status="Denied")], "2026-03-02")
    lake.run()
    lake.clock.turn(hours=36)
    return lake


def feed(lake, name):
    return next(one for one in lake.status()["feeds"] if one["feed"] == name)


def test_every_delivered_row_is_accounted_for(lake):
    visits = feed(lake, "ehr_visits")
    assert visits["balanced"]
    assert {name: visits[name] for name in visits if name.endswith("_rows")} == {
        "delivered_rows": 5,
        "bronze_rows": 5,
        "silver_rows": 1,
        "superseded_rows": 1,
        "duplicate_rows": 1,
        "quarantined_rows": 2,
        "displaced_rows": 0,
    }
    assert (visits["batches"], str(visits["extract_date"])) == (2, "2026-03-02")
    assert feed(lake, "providers")["delivered_rows"] == 0


def test_the_release_and_its_age_are_shown(lake):
    release = lake.status()["release"]
    assert (release["number"], release["age_hours"], str(release["data_as_of"])) == (1, 36.0, "2026-03-02")
    assert lake.status()["refused"] is None


def test_a_lake_without_a_release_has_a_status_too(tmp_path):
    lake = lake_in(tmp_path / "lake")
    assert lake.status()["release"] is None
    load(lake, "sg2_patient_flow", [stay(1)])
    assert feed(lake, "sg2_patient_flow")["delivered_rows"] == 1


def test_quarantine_shows_rules_and_offending_values_and_no_patient(lake):
    rows = lake.quarantine("visits").sort("row_number").collect()

    assert rows["rules"].to_list() == ["visit_date|unreadable,claim_amount|unreadable", "claim_amount|min"]
    assert rows["unreadable"].to_list() == ['{"visit_date":"31/02/2026","claim_amount":"many"}', None]
    assert not {"patient_id", "patient_key"} & set(rows.columns)
    assert lake.quarantine().collect().height == 2
    assert lake.quarantine("visits", rule="claim_amount|min").collect()["row_number"].to_list() == [4]
    assert lake.quarantine("visits", rule="claim_amount").collect().height == 2
    with pytest.raises(LakeError, match=r"There is no entity 'visit'\. Entities: .*visits"):
        lake.quarantine("visit")


def test_no_identifier_of_a_patient_leaves_bronze_and_quarantine(lake):
    view = lake.at()
    shown = [lake.status(), lake.quarantine().collect().to_dicts(), lake.releases(), lake.history("visits")]
    shown += [view.scan(name).collect().to_dicts() for name in view.tables()]
    assert CANARY not in repr(shown)
    assert "CANARY" in repr(lake.storage.scan("bronze.ehr_visits").collect().to_dicts())


def test_no_identifier_is_in_errors_logs_or_progress(lake, tmp_path, caplog):
    caplog.set_level(logging.DEBUG)
    header, row = ",".join(visit()), ",".join(value or "" for value in visit(5, patient_id=CANARY).values())
    said = []
    for name, content in {
        "cut.csv": f"{header}\n{row}\n{row[:30]}\n",
        "wide.csv": f"{header}\n{row},{CANARY},{CANARY}\n",
        "headless.csv": f"{row}\n{row}\n",
        "quote.csv": f'{header}\n{row}\n"{row}\n',
        "nul.csv": f"{header}\n{row}\0\n",
        "bad.ndjson": f'{{"patient_id": "{CANARY}"}}\n{{"patient_id": "{CANARY}\n',
    }.items():
        (tmp_path / name).write_text(content)
        with pytest.raises(Exception, match=name) as error:
            lake.load("ehr_visits", tmp_path / name, progress=said.append)
        chain = error.value
        said.append(str(chain))
    with pytest.raises(Exception, match="does not run") as error:
        lake.query("select cast(visit_id as bigint) from silver.visits where nothing = 1").collect()
    said.append(str(error.value))
    assert CANARY not in repr(said)
    assert CANARY not in caplog.text


def test_the_key_of_the_pseudonyms_is_named_but_not_shown(lake):
    assert lake.status()["patient_key"].startswith("not set")
    keyed = type(lake)(lake.uri, environment={"CARTI_LAKE_PATIENT_KEY": "swordfish"})
    assert keyed.status()["patient_key"] == "set"
    assert "swordfish" not in repr(keyed)
